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

// Replaces the parts marked as live by what the page says now, as long as somebody looks.
const live = document.querySelector("[data-live]");
if (live) {
  const refresh = async () => {
    if (document.hidden) return;
    try {
      const answer = await fetch(location.href, { headers: { "x-live": "1" } });
      if (!answer.ok || answer.redirected) return;
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      for (const part of document.querySelectorAll("[data-live]")) {
        const fresh = page.getElementById(part.id);
        if (fresh && fresh.innerHTML !== part.innerHTML && !part.contains(document.activeElement)) {
          part.replaceChildren(...fresh.childNodes);
        }
      }
    } catch {
      // The node is away for a moment; the next time may do.
    }
  };
  setInterval(refresh, 2000);
}

// On a narrow screen the sections scroll sideways; the one that is open is to be seen.
document.querySelector(".top [aria-current]")?.scrollIntoView({ block: "nearest", inline: "center" });
