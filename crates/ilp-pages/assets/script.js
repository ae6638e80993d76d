// What is live on the pages. Without it every page and form works all the same.
"use strict";

// Checks a form's fields while they are typed, where the form says whom to ask. Only what somebody
// has touched is judged.
for (const form of document.querySelectorAll("form[data-check]")) {
  const touched = new Set();
  let timer, asked = 0;
  const check = async () => {
    const mine = ++asked;
    let errors;
    try {
      const answer = await fetch(form.dataset.check, {
        method: "POST",
        body: new URLSearchParams(new FormData(form)),
      });
      if (!answer.ok) return;
      errors = await answer.json();
    } catch {
      return;
    }
    if (mine !== asked) return;
    for (const name of touched) {
      const field = form.elements[name];
      const place = document.getElementById(name + "-error");
      if (!field || !place) continue;
      place.textContent = errors[name] ?? "";
      field.setAttribute("aria-invalid", String(name in errors));
    }
  };
  form.addEventListener("input", (event) => {
    touched.add(event.target.name);
    clearTimeout(timer);
    timer = setTimeout(check, 300);
  });
}

// Buttons that copy what stands above them; they are of no use without a script, so they are hidden
// until there is one.
for (const button of document.querySelectorAll("button[data-copy]")) {
  button.hidden = false;
  button.addEventListener("click", async () => {
    const text = document.getElementById(button.dataset.copy).textContent;
    try {
      await navigator.clipboard.writeText(text);
      button.textContent = "Copied";
    } catch {
      getSelection().selectAllChildren(document.getElementById(button.dataset.copy));
      button.textContent = "Press Ctrl+C";
    }
  });
}

// Follows what changes by itself, as long as somebody looks: a browser keeps few connections to one
// host, and hidden pages would use them up.
const follower = document.querySelector("[data-follow]");
if (follower && "EventSource" in window) {
  const waiting = {};
  let source;
  // What the node last said of its health is not true any more once it doesn't answer. When it does
  // again, it tells all parts anew.
  const gone = () => {
    const banner = document.querySelector("#health .notice");
    if (!banner) return;
    const words = document.createElement("strong");
    words.textContent = "The node doesn't answer.";
    banner.className = "notice bad";
    banner.replaceChildren(words);
    delete waiting.health;
  };
  const say = (words, path) => {
    follower.replaceChildren(words + " ");
    if (path) {
      const link = document.createElement("a");
      link.href = path;
      link.textContent = "Sign in again";
      follower.append(link);
    }
    follower.hidden = !words;
  };
  // Nothing is taken away from under somebody's hands: what they touch is shown anew later.
  const isTouched = (part) =>
    part.contains(document.activeElement) || part.querySelector(":is(button, a, input):hover");
  const show = () => {
    for (const [id, text] of Object.entries(waiting)) {
      const part = document.getElementById(id);
      if (part && isTouched(part)) continue;
      delete waiting[id];
      const fresh = new DOMParser().parseFromString(text, "text/html");
      part?.replaceChildren(...fresh.body.childNodes);
    }
  };
  setInterval(show, 1000);
  const stop = () => {
    source?.close();
    source = undefined;
  };
  const start = () => {
    if (source || document.hidden) return;
    source = new EventSource(follower.dataset.follow);
    source.addEventListener("parts", (event) => {
      say("");
      Object.assign(waiting, JSON.parse(event.data));
      show();
    });
    source.addEventListener("ended", () => {
      stop();
      const next = encodeURIComponent(location.pathname + location.search);
      say("Your session has ended, so what you see is no longer kept up to date.", "/sign-in?next=" + next);
    });
    source.addEventListener("gone", (event) => {
      stop();
      say(event.data + ".");
    });
    source.addEventListener("error", () => {
      // Where the browser doesn't try again by itself, the node has refused.
      if (source?.readyState === EventSource.CLOSED) {
        stop();
        gone();
        say("This page is not kept up to date now. Reload it to see what is new.");
      } else {
        gone();
        say("The node doesn't answer. This page waits for it.");
      }
    });
  };
  document.addEventListener("visibilitychange", () => (document.hidden ? stop() : start()));
  addEventListener("pagehide", stop);
  addEventListener("pageshow", start);
  start();
}

// On a narrow screen the sections scroll sideways; the one that is open is to be seen.
document.querySelector(".top [aria-current]")?.scrollIntoView({ block: "nearest", inline: "center" });
