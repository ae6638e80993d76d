//! A real browser, driven by the W3C's WebDriver protocol, which is JSON over HTTP to a program on
//! this machine. These are the few commands that the tests need. (The client crates bring some
//! forty others with them.)

use std::{
    io::{BufRead, BufReader},
    net::SocketAddr,
    process::{Child, Command, Stdio},
};

use serde_json::{Value, json};

use crate::support::{PATIENCE, http::Connection, wait_for};

/// The standard's key of an element's name in JSON.
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";

const MISSING: &str = "chromedriver is missing, which the tests of the pages drive a browser with: \
                       apt-get install chromium chromium-driver";

/// Whether pages may run scripts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scripts {
    On,
    Off,
}

/// The color scheme that the system asks pages for.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Scheme {
    Light,
    Dark,
}

/// One browser with one window and a profile of its own. Ends when dropped.
pub(crate) struct Driver {
    process: Child,
    at: SocketAddr,
    session: String,
    pub(crate) scripts: Scripts,
}

impl Driver {
    pub(crate) fn start(scripts: Scripts) -> Self {
        let mut process = Command::new("chromedriver")
            .arg("--port=0")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect(MISSING);
        let lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let port = lines.map_while(Result::ok).find_map(|line| {
            let (_, port) = line.split_once("started successfully on port ")?;
            port.trim_end_matches('.').parse::<u16>().ok()
        });
        let at = SocketAddr::from(([127, 0, 0, 1], port.expect(MISSING)));
        let mut driver = Self { process, at, session: String::new(), scripts };
        // Root has no sandbox, and containers have little shared memory.
        let arguments =
            ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"];
        // The browser's values for allowed and blocked.
        let allowed = if scripts == Scripts::On { 1 } else { 2 };
        let options = json!({
            "args": arguments,
            "prefs": { "profile.managed_default_content_settings.javascript": allowed },
        });
        // The timeout fits the longest script on a slow machine.
        let timeouts = json!({ "script": PATIENCE.as_millis() * 4 });
        let wanted = json!({
            "browserName": "chrome", "goog:chromeOptions": options, "timeouts": timeouts,
        });
        let begun = driver.ask("POST", "", &json!({ "capabilities": { "alwaysMatch": wanted } }));
        driver.session = format!("/{}", begun["sessionId"].as_str().unwrap());
        driver
    }

    /// Opens a page and waits until it is there.
    pub(crate) fn open(&self, url: &str) {
        self.ask("POST", "/url", &json!({ "url": url }));
    }

    pub(crate) fn reload(&self) {
        self.ask("POST", "/refresh", &json!({}));
    }

    pub(crate) fn url(&self) -> String {
        self.ask("GET", "/url", &Value::Null).as_str().unwrap().to_owned()
    }

    pub(crate) fn size(&self, width: u32, height: u32) {
        let is_phone = width < 600;
        let metrics = json!({
            "width": width, "height": height, "deviceScaleFactor": 1, "mobile": is_phone,
        });
        self.devtools("Emulation.setDeviceMetricsOverride", &metrics);
    }

    pub(crate) fn prefer(&self, scheme: Scheme) {
        let value = if matches!(scheme, Scheme::Dark) { "dark" } else { "light" };
        let features = json!([{ "name": "prefers-color-scheme", "value": value }]);
        self.devtools("Emulation.setEmulatedMedia", &json!({ "features": features }));
    }

    /// Returns the visible text of the first element that matches.
    pub(crate) fn text(&self, selector: &str) -> String {
        let element = self.find(selector).unwrap_or_else(|| self.give_up(selector));
        self.of(&element, "text").as_str().unwrap_or_default().to_owned()
    }

    /// Returns the text in a field.
    pub(crate) fn value(&self, selector: &str) -> String {
        let element = self.find(selector).unwrap_or_else(|| self.give_up(selector));
        self.of(&element, "property/value").as_str().unwrap_or_default().to_owned()
    }

    /// Returns the cookies as the browser sends them. A script can't read them.
    pub(crate) fn cookie(&self) -> String {
        let cookies = self.ask("GET", "/cookie", &Value::Null);
        let text =
            |cookie: &Value, name: &str| cookie[name].as_str().unwrap_or_default().to_owned();
        let pair = |cookie| format!("{}={}", text(cookie, "name"), text(cookie, "value"));
        cookies.as_array().unwrap().iter().map(pair).collect::<Vec<_>>().join("; ")
    }

    /// Clicks an element, and waits for the page that this leads to.
    pub(crate) fn click(&self, selector: &str) {
        let page = self.find("html").unwrap();
        self.press(selector);
        // The element of the old page is stale once the new page is there.
        wait_for(&format!("the page after a click on {selector}"), || {
            self.try_ask("GET", &format!("/element/{page}/name"), &Value::Null).err().map(drop)
        });
    }

    fn press(&self, selector: &str) {
        wait_for(&format!("a click on {selector}"), || {
            let element = self.find(selector).unwrap_or_else(|| self.give_up(selector));
            let clicked = self.try_ask("POST", &format!("/element/{element}/click"), &json!({}));
            // An element that a live page replaces at this moment is found again.
            match clicked {
                Err(error) if error["error"] == "stale element reference" => None,
                clicked => Some(clicked.unwrap_or_else(|error| panic!("{selector}: {error}"))),
            }
        });
    }

    /// Clears a field and types into it.
    pub(crate) fn write(&self, selector: &str, text: &str) {
        let element = self.find(selector).unwrap_or_else(|| self.give_up(selector));
        self.ask("POST", &format!("/element/{element}/clear"), &json!({}));
        self.ask("POST", &format!("/element/{element}/value"), &json!({ "text": text }));
    }

    /// Waits until an element shows these words.
    pub(crate) fn until(&self, selector: &str, words: &str) {
        let what = format!("{words:?} in {selector}");
        wait_for(&what, || self.shows(selector, words).then_some(()));
    }

    /// Returns whether an element shows these words. An element that is being replaced has no text.
    pub(crate) fn shows(&self, selector: &str, words: &str) -> bool {
        let text = self.find(selector).map(|element| self.of(&element, "text"));
        text.is_some_and(|text| text.as_str().is_some_and(|text| text.contains(words)))
    }

    /// Runs one of the tests' own scripts, which no setting and no policy of the page prevents.
    pub(crate) fn run(&self, script: &str) -> Value {
        self.ask("POST", "/execute/sync", &json!({ "script": script, "args": [] }))
    }

    /// Runs a script that calls its last argument when it is done.
    pub(crate) fn run_async(&self, script: &str) -> Value {
        self.ask("POST", "/execute/async", &json!({ "script": script, "args": [] }))
    }

    /// Returns a picture of the whole page as PNG, in base64.
    pub(crate) fn screenshot(&self) -> String {
        let whole = json!({ "format": "png", "captureBeyondViewport": true });
        self.devtools("Page.captureScreenshot", &whole)["data"].as_str().unwrap().to_owned()
    }

    fn devtools(&self, command: &str, parameters: &Value) -> Value {
        self.ask("POST", "/goog/cdp/execute", &json!({ "cmd": command, "params": parameters }))
    }

    fn find(&self, selector: &str) -> Option<String> {
        let by = json!({ "using": "css selector", "value": selector });
        let found = self.try_ask("POST", "/element", &by).ok()?;
        Some(found[ELEMENT].as_str()?.to_owned())
    }

    fn of(&self, element: &str, what: &str) -> Value {
        let path = format!("/element/{element}/{what}");
        self.try_ask("GET", &path, &Value::Null).unwrap_or_default()
    }

    fn give_up(&self, selector: &str) -> ! {
        panic!("no {selector} at {}:\n{}", self.url(), self.text("body"));
    }

    fn ask(&self, method: &str, path: &str, body: &Value) -> Value {
        let answer = self.try_ask(method, path, body);
        answer.unwrap_or_else(|error| panic!("{method} {path}: {error}"))
    }

    fn try_ask(&self, method: &str, path: &str, body: &Value) -> Result<Value, Value> {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let path = format!("/session{}{path}", self.session);
        let json = [("content-type", "application/json; charset=utf-8")];
        let mut connection = Connection::open(self.at).unwrap();
        let answer = connection.request(method, &path, &json, body.as_bytes()).unwrap();
        let mut told: Value = serde_json::from_slice(&answer.body).unwrap();
        if answer.status == 200 { Ok(told["value"].take()) } else { Err(told["value"].take()) }
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        // The session's end stops the browser, which would outlive its driver.
        let _ = self.try_ask("DELETE", "", &Value::Null);
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
