//! The operator's pages over HTTP, for a browser without scripts and for clients that are not the
//! operator's browser.

mod books;
mod live;
mod log;
mod market;
mod peering;
mod wallets;

use serde_json::json;

use crate::support::{
    Node,
    http::{Connection, Response},
};

/// A browser with the features that these tests need: it keeps a cookie and sends the forms of
/// pages.
struct Browser<'a> {
    node: &'a Node,
    cookie: Option<String>,
}

impl<'a> Browser<'a> {
    fn of(node: &'a Node) -> Self {
        Self { node, cookie: None }
    }

    fn get(&self, path: &str) -> Response {
        self.request("GET", path, &[], "")
    }

    fn request(&self, method: &str, path: &str, more: &[(&str, &str)], body: &str) -> Response {
        let mut headers = more.to_vec();
        headers.extend(self.cookie.as_deref().map(|cookie| ("cookie", cookie)));
        let mut connection = Connection::open(self.node.admin).unwrap();
        connection.request(method, path, &headers, body.as_bytes()).unwrap()
    }

    /// Sends the form on `page` that goes to `action`, with these fields.
    fn send(&self, page: &str, action: &str, fields: &[(&str, &str)]) -> Response {
        let token = form_token(&self.get(page).text());
        self.post(action, &[&[("form_token", token.as_str())], fields].concat(), &[])
    }

    fn post(&self, action: &str, fields: &[(&str, &str)], more: &[(&str, &str)]) -> Response {
        let headers = [&[("content-type", "application/x-www-form-urlencoded")], more].concat();
        self.request("POST", action, &headers, &encoded(fields))
    }

    fn sign_in(&mut self, secret: &str) -> Response {
        let answer = self.send("/sign-in", "/sign-in", &[("secret", secret), ("next", "/peers")]);
        if let Some(cookie) = answer.header("set-cookie") {
            self.cookie = Some(cookie.split(';').next().unwrap().to_owned());
        }
        answer
    }

    /// Creates an asset through the form and returns its id.
    fn asset(&self, code: &str) -> String {
        let made = self.send("/assets/new", "/assets/new", &[("code", code), ("scale", "2")]);
        assert_eq!(made.status, 303, "{}", made.text());
        between(made.header("location").unwrap(), "/assets/", "?").to_owned()
    }

    /// Creates a peer through the form and returns the answer, which redirects to the sheet.
    fn peer(&self, asset: &str, more: &[(&str, &str)]) -> Response {
        let documented = [
            ("address", "test.othergreatwallet"),
            ("name", "The Other Great Wallet"),
            ("endpoint", "ilp.othergreatwallet.com"),
            ("asset", asset),
            ("incoming_token", "mytoken"),
            ("outgoing_token", "theirtoken"),
            ("initial_liquidity", "10000"),
        ];
        let kept = documented.iter().filter(|(name, _)| more.iter().all(|(new, _)| new != name));
        let fields: Vec<_> = kept.chain(more).copied().collect();
        self.send("/peers/new", "/peers/new", &fields)
    }
}

fn encoded(fields: &[(&str, &str)]) -> String {
    let escaped =
        |text: &str| -> String { text.bytes().map(|byte| format!("%{byte:02x}")).collect() };
    let pairs = fields.iter().map(|(name, value)| format!("{name}={}", escaped(value)));
    pairs.collect::<Vec<_>>().join("&")
}

fn form_token(page: &str) -> String {
    between(page, "name=\"form_token\" value=\"", "\"").to_owned()
}

fn between<'a>(text: &'a str, begin: &str, end: &str) -> &'a str {
    let (_, rest) = text.split_once(begin).unwrap_or_else(|| panic!("no {begin} in {text}"));
    rest.split_once(end).unwrap_or_else(|| panic!("no {end} in {rest}")).0
}

#[test]
fn titles_name_the_node_and_tabs_have_an_icon() {
    let node = Node::start_with(&[("JIRANI_NAME", "corner <shop>")]);
    let browser = Browser::of(&node);
    for path in ["/", "/peers", "/nothing"] {
        let page = browser.get(path).text();
        let title = between(&page, "<title>", "</title>");
        assert!(title.ends_with(" - corner &lt;shop&gt;"), "{path}: {title}");
        assert!(page.contains("rel=\"icon\""), "{path}");
    }
    for path in ["/favicon.ico", "/assets/icon.svg"] {
        let icon = browser.get(path);
        assert_eq!((icon.status, icon.header("content-type")), (200, Some("image/svg+xml")));
    }
}

#[test]
fn a_peer_is_created_run_and_deleted_through_forms_alone() {
    let node = Node::start();
    let browser = Browser::of(&node);
    assert!(browser.get("/").text().contains("First steps"));
    let asset = browser.asset("USD");
    let made = browser.peer(&asset, &[]);
    assert_eq!(made.status, 303, "{}", made.text());
    let sheet = made.header("location").unwrap();
    let text = browser.get(sheet).text();
    for shown in ["Created ILP Peer", "test.node", "mytoken", "theirtoken"] {
        assert!(text.contains(shown), "{shown} in {text}");
    }
    let again = browser.get(sheet).text();
    assert!(!again.contains("mytoken") && again.contains("shown once"), "{again}");
    let id = between(sheet, "/peers/", "/").to_owned();
    let path = format!("/peers/{id}");
    assert!(browser.get("/peers").text().contains("10,000.00 USD"));
    assert!(browser.get("/peers?q=GREAT").text().contains("The Other Great Wallet"));
    assert!(!browser.get("/peers?q=nobody").text().contains("The Other Great Wallet"));

    let money = format!("{path}/liquidity");
    let transfer = "019926a0-3b5c-7def-8123-456789abcdef";
    let deposit = [("what", "deposit"), ("deposit_amount", "12.5"), ("transfer_id", transfer)];
    let answer = browser.send(&path, &money, &deposit);
    assert_eq!(answer.header("location"), Some(format!("{path}?done=deposited").as_str()));
    assert!(browser.get(&path).text().contains("10,012.50 USD"));
    let again = browser.send(&path, &money, &deposit);
    assert!(again.text().contains("Transfer already exists"), "{}", again.text());

    let other = "019926a0-3b5c-7def-8123-456789abcde0";
    let withdraw = [("what", "withdraw"), ("withdraw_amount", "0.5"), ("timeout_s", "3600")];
    browser.send(&path, &money, &[&withdraw[..], &[("transfer_id", other)]].concat());
    let page = browser.get(&path).text();
    assert!(page.contains("10,012.00 USD") && page.contains("Pending"), "{page}");
    let void = browser.send(&path, &money, &[("what", "void"), ("transfer_id", other)]);
    assert_eq!(void.header("location"), Some(format!("{path}?done=voided").as_str()));
    assert!(browser.get(&path).text().contains("10,012.50 USD"));

    let added = browser.send(&path, &format!("{path}/tokens"), &[("new_token", "")]);
    assert_eq!(added.status, 303);
    let fresh = browser.get(added.header("location").unwrap()).text();
    let token = between(&fresh, "id=\"fresh-token\">", "<").to_owned();
    assert_eq!(token.len(), 64);
    let again = browser.get(added.header("location").unwrap()).text();
    assert!(!again.contains(&token) && again.contains("shown once"), "{again}");
    let count = |page: &str| page.matches("name=\"token_id\"").count();
    assert_eq!((count(&fresh), count(&again)), (2, 2), "a reload makes no other token");
    let revoke = between(&fresh, "name=\"token_id\" value=\"", "\"").to_owned();
    let action = format!("{path}/tokens/revoke");
    let asked = browser.send(&path, &action, &[("token_id", &revoke)]).text();
    assert!(asked.contains("Revoke the token") && asked.contains(&revoke), "{asked}");
    let confirmed = [("token_id", revoke.as_str()), ("confirmed", "yes")];
    let revoked = browser.send(&path, &action, &confirmed);
    assert_eq!(revoked.status, 303);

    let delete = format!("{path}/delete");
    let unsure = browser.send(&path, &delete, &[("confirm", "yes")]);
    assert!(unsure.status == 400 && unsure.text().contains("type test.othergreatwallet"));
    let deleted = browser.send(&path, &delete, &[("confirm", "test.othergreatwallet")]);
    assert_eq!(deleted.header("location"), Some("/peers?done=deleted"));
    assert_eq!(browser.get(&path).status, 404);

    let audit = "{ auditEvents(first: 20) { edges { node { operation code caller } } } }";
    let noted = node.query(audit, json!({})).to_string();
    for operation in ["createPeer", "depositPeerLiquidity", "addPeerToken", "deletePeer"] {
        assert!(noted.contains(operation), "{operation} in {noted}");
    }
}

#[test]
fn bad_input_keeps_what_was_typed_and_says_what_to_change() {
    let node = Node::start();
    let browser = Browser::of(&node);
    let nothing = browser.send("/assets/new", "/assets/new", &[("code", "U S"), ("scale", "two")]);
    let text = nothing.text();
    assert_eq!(nothing.status, 400);
    assert!(text.contains("value=\"U S\"") && text.contains("value=\"two\""), "{text}");
    assert!(text.contains("invalid asset code") && text.contains("a whole number"), "{text}");

    let asset = browser.asset("USD");
    for (field, typed, why) in [
        ("address", "g..x", "invalid ILP address"),
        ("endpoint", "ftp://x", "invalid HTTP endpoint"),
        ("incoming_token", "my token", "invalid incoming token"),
        ("outgoing_token", "", "is expected"),
        ("initial_liquidity", "1.234", "more than 2 decimal places"),
        ("max_packet_amount", "-1", "is no amount"),
        ("routes", "nope.a", "invalid ILP address: in routes"),
        ("spread", "10001", "from 0 to 10000"),
        ("packets_per_minute", "many", "a whole number"),
    ] {
        let answer = browser.peer(&asset, &[(field, typed)]);
        let text = answer.text();
        assert_eq!(answer.status, 400, "{field}");
        let error = between(&text, &format!("id=\"{field}-error\""), "</span>");
        assert!(error.contains(why), "{field}: {error}");
        assert!(text.contains("value=\"test.othergreatwallet\"") || field == "address", "{text}");
        assert!(text.contains("The Other Great Wallet") && text.contains(typed), "{text}");
    }
    browser.peer(&asset, &[]);
    let again = browser.peer(&asset, &[("incoming_token", "another")]);
    assert_eq!(again.status, 409);
    assert!(again.text().contains("duplicate peer found"), "{}", again.text());

    let token = form_token(&browser.get("/peers/new").text());
    let fields = [("form_token", token.as_str()), ("address", "g"), ("asset", &asset)];
    let checked: serde_json::Value =
        serde_json::from_slice(&browser.post("/peers/check", &fields, &[]).body).unwrap();
    assert!(checked["address"].as_str().unwrap().starts_with("invalid ILP address"), "{checked}");
}

#[test]
fn a_secret_is_asked_for_and_a_session_ends() {
    let node = Node::start_with(&[("JIRANI_ADMIN_SECRET", "hush-hush-hush-hush")]);
    let mut browser = Browser::of(&node);
    let turned_away = browser.get("/peers?q=a");
    assert_eq!(turned_away.status, 303);
    assert_eq!(turned_away.header("location"), Some("/sign-in?next=%2Fpeers%3Fq%3Da"));
    let wrong = browser.sign_in("hush");
    assert_eq!((wrong.status, wrong.header("set-cookie")), (401, None));
    assert!(wrong.text().contains("not the admin secret"), "{}", wrong.text());

    let right = browser.sign_in("hush-hush-hush-hush");
    assert_eq!((right.status, right.header("location")), (303, Some("/peers")));
    let cookie = right.header("set-cookie").unwrap();
    assert!(cookie.ends_with("; Path=/; HttpOnly; SameSite=Strict"), "{cookie}");
    let page = browser.get("/peers/new").text();
    let token = form_token(&page);
    assert!(!page.contains("hush"));

    // The API accepts the session too, but only from a page of the node's own origin.
    let query = r#"{"query":"{ whoami { isOperator } }"}"#;
    let json = ("content-type", "application/json");
    assert_eq!(browser.request("POST", "/graphql", &[json], query).status, 401);
    let ours = [json, ("x-form-token", token.as_str())];
    assert_eq!(browser.request("POST", "/graphql", &ours, query).status, 200);

    let before = Browser { node: &node, cookie: browser.cookie.clone() };
    browser.send("/", "/sign-out", &[]);
    assert_eq!(before.get("/peers").status, 303, "the session is over, whoever has its cookie");
    let attempts = (0..12).map(|_| Browser::of(&node).sign_in("guess").status);
    assert!(attempts.into_iter().any(|status| status == 429));
}

#[test]
fn forms_of_other_sites_are_refused_and_every_answer_is_guarded() {
    let node = Node::start();
    let browser = Browser::of(&node);
    let page = browser.get("/assets/new");
    let policy = page.header("content-security-policy").unwrap();
    assert!(policy.starts_with("default-src 'none'") && !policy.contains("unsafe"), "{policy}");
    assert_eq!(page.header("x-content-type-options"), Some("nosniff"));
    assert_eq!(page.header("cache-control"), Some("no-store"));
    let token = form_token(&page.text());
    let asset = [("form_token", token.as_str()), ("code", "USD"), ("scale", "2")];
    for (fields, headers) in [
        (&asset[1..], &[][..]),
        (&[("form_token", "00"), asset[1], asset[2]], &[]),
        (&asset, &[("origin", "http://evil.example")]),
        (&asset, &[("origin", "null")]),
        (&asset, &[("sec-fetch-site", "cross-site")]),
        (&asset, &[("host", "evil.example")]),
    ] {
        let refused = browser.post("/assets/new", fields, headers);
        assert_eq!(refused.status, 403, "{fields:?} {headers:?}");
    }
    let html = [("content-type", "text/html")];
    assert_eq!(browser.request("POST", "/assets/new", &html, "").status, 415);
    let rebound = browser.request("GET", "/", &[("host", "evil.example")], "");
    assert_eq!(rebound.status, 403);
    let nothing = browser.get("/nothing");
    assert!(nothing.status == 404 && nothing.header("content-security-policy").is_some());
    assert!(browser.get("/assets").text().contains("No asset yet"), "nothing was made");
    let style = browser.get("/assets/style.css");
    let tag = style.header("etag").unwrap();
    assert_eq!(
        browser.request("GET", "/assets/style.css", &[("if-none-match", tag)], "").status,
        304
    );
}
