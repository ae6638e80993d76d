//! Events, the audit log, and the settings with the origin of each value.

use serde_json::{Value, json};

use super::{Browser, between};
use crate::support::{Node, wait_for};

#[test]
fn an_event_is_shown_with_its_data_and_tried_again() {
    let node = Node::start();
    let browser = Browser::of(&node);
    let page = browser.get("/events").text();
    assert!(page.contains("No event yet") && page.contains("No webhook.url is set"), "{page}");
    let node = Node::start_with(&[("JIRANI_WEBHOOK_URL", "http://127.0.0.1:1/?token=hushhush")]);
    let browser = Browser::of(&node);
    let asset = browser.asset("USD");
    let made = browser.peer(&asset, &[("liquidity_threshold", "9999")]);
    let id = between(made.header("location").unwrap(), "/peers/", "/");
    let peer = format!("/peers/{id}");
    let withdraw = [
        ("what", "withdraw"),
        ("withdraw_amount", "2"),
        ("transfer_id", "019926a0-3b5c-7def-8123-456789abcdef"),
    ];
    browser.send(&peer, &format!("{peer}/liquidity"), &withdraw);
    let page = wait_for("an attempt", || {
        let page = browser.get("/events").text();
        page.contains("Not taken yet").then_some(page)
    });
    assert!(page.contains("peer.liquidity_low") && !page.contains("hushhush"), "{page}");
    let event = format!("/events/0{}", between(&page, "href=\"/events/0", "\""));
    let detail = browser.get(&event).text();
    assert!(
        detail.contains("&quot;liquidityThreshold&quot;") && detail.contains(&peer),
        "{detail}"
    );
    assert_eq!(browser.post(&format!("{event}/retry"), &[], &[]).status, 403);
    let again = browser.send(&event, &format!("{event}/retry"), &[]);
    assert_eq!(again.header("location"), Some(format!("{event}?done=retry").as_str()));
    let other = browser.get("/events?type=asset.liquidity_low").text();
    assert!(other.contains("No event of that kind") && !other.contains(&event), "{other}");
    let due = browser.get("/events?type=peer.liquidity_low&state=due").text();
    assert!(due.contains(&event), "{due}");
    assert!(!browser.get("/events?state=dead").text().contains(&event));
    assert_eq!(browser.get("/events/nothing").status, 404);
}

#[test]
fn the_audit_log_says_who_did_what_and_what_came_of_it() {
    let node = Node::start();
    let browser = Browser::of(&node);
    assert!(browser.get("/audit").text().contains("Nothing was changed yet"));
    let asset = browser.asset("USD");
    let hostile = "<img src=x>\u{200b}";
    browser.peer(&asset, &[("name", hostile)]);
    browser.peer(&asset, &[("incoming_token", "another")]);
    let page = browser.get("/audit").text();
    for shown in ["createAsset", "createPeer", "This machine", "127.0.0.1", "Refused, 409"] {
        assert!(page.contains(shown), "{shown} in {page}");
    }
    assert!(page.contains("duplicate peer found") && page.contains("&lt;img src=x&gt;"), "{page}");
    assert!(page.contains("\\u{200b}") && !page.contains('\u{200b}') && !page.contains("<img"));
    for secret in ["mytoken", "theirtoken"] {
        assert!(!page.contains(secret), "{secret} in {page}");
    }
    let rows = |path: &str| browser.get(path).text().matches("<td data-label=\"Outcome\">").count();
    assert_eq!(rows("/audit"), 3);
    assert_eq!(rows("/audit?operation=createPeer"), 2);
    assert_eq!(rows("/audit?operation=createPeer&code=200"), 1);
    assert!(browser.get("/audit?operation=no").text().contains("Nothing of that kind"));
    assert_eq!(browser.get("/audit?after=x").status, 400);
}

const CHANGES: &str = "{ auditEvents(first: 1) { edges { node {
    operation code detail changes { kind before after } } } } }";

/// Returns the newest record of the audit log.
fn newest(node: &Node) -> Value {
    node.query(CHANGES, json!({}))["auditEvents"]["edges"][0]["node"].take()
}

#[test]
fn the_audit_log_has_each_field_that_a_page_changed_as_it_has_the_api_s() {
    let node = Node::start();
    let browser = Browser::of(&node);
    let asset = browser.asset("USD");
    assert_eq!(newest(&node)["changes"][0]["after"]["scale"], 2);
    let made = browser.peer(&asset, &[]);
    let path = format!("/peers/{}", between(made.header("location").unwrap(), "/peers/", "/"));
    let edit = [
        ("address", "test.othergreatwallet"),
        ("endpoint", "https://new.example/ilp?key=hushhush"),
        ("outgoing_token", "nexttoken"),
        ("spread", "25"),
        ("packets_per_minute", "60"),
        ("is_default_route", "yes"),
    ];
    let saved = browser.send(&format!("{path}/edit"), &format!("{path}/edit"), &edit);
    assert_eq!(saved.status, 303, "{}", saved.text());
    let by_page = newest(&node);
    let (before, after) = (&by_page["changes"][0]["before"], &by_page["changes"][0]["after"]);
    assert_eq!((&by_page["operation"], &by_page["code"]), (&json!("updatePeer"), &json!("200")));
    assert_eq!(
        *before,
        json!({
            "name": "The Other Great Wallet", "endpoint": "ilp.othergreatwallet.com",
            "outgoingToken": "(hidden)", "spreadBasisPoints": 0, "packetsPerMinuteMax": null,
            "isDefaultRoute": false,
        })
    );
    assert_eq!(
        *after,
        json!({
            "name": null, "endpoint": "https://new.example/ilp?(hidden)",
            "outgoingToken": "(hidden, another one)", "spreadBasisPoints": 25,
            "packetsPerMinuteMax": "60", "isDefaultRoute": true,
        })
    );
    let shown = browser.get("/audit").text();
    for words in ["What it changed", "ilp.othergreatwallet.com", "spreadBasisPoints"] {
        assert!(shown.contains(words), "{words} in {shown}");
    }
    // The same change by the API leaves the same record, except for the way of the request.
    let id = path.trim_start_matches("/peers/");
    let by_api = |input: Value| {
        let mutation = "mutation($input: UpdatePeerInput!) { updatePeer(input: $input) { code } }";
        node.query(mutation, json!({ "input": input }));
        newest(&node)["changes"].take()
    };
    let outgoing = |endpoint: &str, token: &str| json!({"outgoing": {"endpoint": endpoint, "authToken": token}});
    by_api(json!({
        "id": id, "name": "The Other Great Wallet", "spreadBasisPoints": 0,
        "packetsPerMinuteMax": null, "isDefaultRoute": false,
        "http": outgoing("ilp.othergreatwallet.com", "theirtoken"),
    }));
    let again = by_api(json!({
        "id": id, "name": null, "spreadBasisPoints": 25, "packetsPerMinuteMax": "60",
        "isDefaultRoute": true,
        "http": outgoing("https://new.example/ilp?key=hushhush", "nexttoken"),
    }));
    assert_eq!(again, by_page["changes"]);
    let everything = node.dir.log() + &browser.get("/audit").text();
    for secret in ["theirtoken", "nexttoken", "hushhush", "mytoken"] {
        assert!(!everything.contains(secret), "{secret}");
    }
}

#[test]
fn a_form_does_not_overwrite_what_changed_since_it_was_opened() {
    let node = Node::start();
    let browser = Browser::of(&node);
    let asset = browser.asset("USD");
    let made = browser.peer(&asset, &[]);
    let id = between(made.header("location").unwrap(), "/peers/", "/").to_owned();
    let form = format!("/peers/{id}/edit");
    let opened = browser.get(&form).text();
    let version = between(&opened, "name=\"version\" value=\"", "\"").to_owned();
    let edit = "mutation($input: UpdatePeerInput!) { updatePeer(input: $input) { code peer { version } } }";
    let input =
        json!({ "id": id, "spreadBasisPoints": 7, "maxPacketAmount": "500", "version": version });
    let edited = node.query(edit, json!({ "input": input }))["updatePeer"].take();
    assert_eq!(edited["code"], "200", "{edited}");
    let stale = node.query(edit, json!({ "input": input }))["updatePeer"].take();
    assert_eq!(stale["code"], "409", "{stale}");
    let typed = [
        ("address", "test.othergreatwallet"),
        ("name", "The Other Great Wallet"),
        ("endpoint", "ilp.othergreatwallet.com"),
        ("spread", "9"),
    ];
    let send =
        |version: &str| browser.send(&form, &form, &[&typed[..], &[("version", version)]].concat());
    let refused = send(&version);
    let page = refused.text();
    assert_eq!(refused.status, 409, "{page}");
    let row = between(&page, "Spread in basis points</th>", "</tr>");
    assert!(row.contains(">7<") && row.contains(">9<"), "{row}");
    let row = between(&page, "Largest packet</th>", "</tr>");
    assert!(row.contains(">5.00<") && row.contains("(empty)"), "{row}");
    // The form keeps the typed values, and sending it again succeeds.
    assert!(page.contains("name=\"spread\" type=\"text\" value=\"9\""), "{page}");
    let fresh = between(&page, "name=\"version\" value=\"", "\"").to_owned();
    assert_eq!(fresh, edited["peer"]["version"].as_str().unwrap());
    assert_eq!(send(&fresh).status, 303);

    // The forms of an asset and of a wallet address work in the same way.
    let path = format!("/assets/{asset}");
    let opened = browser.get(&path).text();
    let version = between(&opened, "name=\"version\" value=\"", "\"").to_owned();
    let terms = |threshold: &str| {
        let fields = [("liquidity_threshold", threshold), ("version", version.as_str())];
        browser.send(&path, &format!("{path}/terms"), &fields)
    };
    assert_eq!(terms("5").status, 303);
    let refused = terms("6");
    assert_eq!(refused.status, 409);
    let page = refused.text();
    let row = between(&page, "Tell me when the stock falls to</th>", "</tr>");
    assert!(row.contains(">5.00<") && row.contains(">6<"), "{row}");

    let wallet = [("address", "https://wallet.example/alice"), ("asset", asset.as_str())];
    let made = browser.send("/wallets/new", "/wallets/new", &wallet);
    let path = made.header("location").unwrap().split('?').next().unwrap().to_owned();
    let opened = browser.get(&path).text();
    let version = between(&opened, "name=\"version\" value=\"", "\"").to_owned();
    let rename = |name: &str| {
        browser.send(&path, &path, &[("name", name), ("version", &version), ("status", "ACTIVE")])
    };
    assert_eq!(rename("Alice").status, 303);
    let refused = rename("Alicia");
    assert_eq!(refused.status, 409);
    let page = refused.text();
    let row = between(&page, "Public name</th>", "</tr>");
    assert!(row.contains(">Alice<") && row.contains(">Alicia<"), "{row}");
}

#[test]
fn the_audit_log_is_paged_by_cursor() {
    let node = Node::start();
    let browser = Browser::of(&node);
    for number in 0..27 {
        browser.asset(&format!("A{number}"));
    }
    let first = browser.get("/audit?operation=createAsset").text();
    let before = first.split_once("\" rel=\"next\"").unwrap().0;
    let next = before.rsplit_once("href=\"").unwrap().1.replace("&amp;", "&");
    assert!(next.contains("operation=createAsset"), "the filter stays: {next}");
    let second = browser.get(&next).text();
    let rows = |page: &str| page.matches("<td data-label=\"Outcome\">").count();
    assert_eq!((rows(&first), rows(&second)), (25, 2));
    assert!(first.contains("A26") && second.contains("A0") && !second.contains("A26"));
    let back = second.split_once("\" rel=\"prev\"").unwrap().0;
    let back = back.rsplit_once("href=\"").unwrap().1.replace("&amp;", "&");
    assert_eq!(rows(&browser.get(&back).text()), 25);
}

#[test]
fn settings_say_where_they_come_from_and_tell_no_secret() {
    let secret = "correct-horse-battery";
    let node = Node::start_with(&[
        ("JIRANI_ADMIN_SECRET", secret),
        ("JIRANI_NAME", "<i>shop</i>"),
        ("WEBHOOK_TIMEOUT", "1234"),
        ("JIRANI_WEBHOOK_URL", "http://127.0.0.1:1/?token=hushhush"),
    ]);
    let mut browser = Browser::of(&node);
    for path in ["/settings", "/audit", "/books", "/rates", "/wallets", "/payments", "/events"] {
        assert_eq!(browser.get(path).status, 303, "{path} without the secret");
    }
    browser.sign_in(secret);
    let page = browser.get("/settings").text();
    for shown in [
        "environment variable JIRANI_NAME",
        "&lt;i&gt;shop&lt;/i&gt;",
        "environment variable WEBHOOK_TIMEOUT",
        "1234",
        "made at the first start and kept",
        "JIRANI_RATES_URL",
    ] {
        assert!(page.contains(shown), "{shown} in {page}");
    }
    let of = |key: &str| {
        let row = between(&page, &format!(">{key}</code>"), "</tr>");
        between(row, "data-label=\"Value\"", "</td>").to_owned()
    };
    assert!(of("admin.secret").contains(">set<") && of("webhook.url").contains(">set<"));
    assert!(of("webhook.secret").contains("not signed"));
    assert!(!page.contains(secret) && !page.contains("hushhush") && !page.contains("<i>shop"));
}
