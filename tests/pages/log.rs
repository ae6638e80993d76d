//! Events, the audit log, and the settings with where each came from.

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
