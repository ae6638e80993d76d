//! Refusals of the pages: visitors without a session, forms with errors, and forms of other
//! origins.

use serde_json::json;

use super::{Desk, SECRET, driver::Scripts};
use crate::support::http::Connection;

/// Signs in with the wrong secret, then with the right one, which leads to the requested page.
pub(super) fn signing_in(desk: &Desk) {
    desk.open("/assets?a=b");
    assert_eq!(desk.path(), "/sign-in");
    desk.sign_in("wrong");
    desk.driver.until("#secret-error", "not the admin secret");
    assert_eq!(desk.path(), "/sign-in");
    desk.sign_in(SECRET);
    assert_eq!(desk.path(), "/assets");
    desk.driver.until("main", "No asset yet");
}

/// Checks that each form keeps what was typed into it and shows the errors.
pub(super) fn bad_input(desk: &Desk) {
    desk.open("/assets/new");
    desk.fill(&[("code", "U S"), ("scale", "two"), ("liquidity_threshold", "-1")]);
    desk.is_told("code", "U S", "invalid asset code");
    desk.is_told("scale", "two", "a whole number");
    desk.is_told("liquidity_threshold", "-1", "is no amount");
    desk.fill(&[("code", "EUR"), ("scale", "2"), ("liquidity_threshold", "")]);
    desk.driver.until("main", "Created.");
    stock_of_an_asset(desk);
    new_peer(desk);
}

fn stock_of_an_asset(desk: &Desk) {
    desk.fill(&[("deposit_amount", "1.234")]);
    desk.is_told("deposit_amount", "1.234", "more than 2 decimal places");
    desk.fill(&[("withdraw_amount", "5"), ("timeout_s", "soon")]);
    desk.is_told("timeout_s", "soon", "a whole number");
    desk.fill(&[("withdraw_amount", "5"), ("timeout_s", "")]);
    desk.is_told("withdraw_amount", "5", "Insufficient");
    desk.fill(&[("withdrawal_threshold", "few")]);
    desk.is_told("withdrawal_threshold", "few", "is no amount");
    desk.fill(&[("confirm", "USD")]);
    desk.is_told("confirm", "USD", "type EUR to delete it");
}

fn new_peer(desk: &Desk) {
    let driver = &desk.driver;
    desk.open("/peers/new");
    driver.write("#address", "g..x");
    if driver.scripts == Scripts::On {
        driver.until("#address-error", "invalid ILP address");
        assert!(driver.text("#endpoint-error").is_empty(), "nobody has typed there yet");
    }
    let fields = [
        ("endpoint", "ftp://x", "invalid HTTP endpoint"),
        ("incoming_token", "my token", "invalid incoming token"),
        ("outgoing_token", "their token", "invalid outgoing token"),
        ("initial_liquidity", "1,000", "is no amount"),
        ("max_packet_amount", "-1", "is no amount"),
        ("routes", "nope.a", "invalid ILP address: in routes"),
        ("spread", "10001", "from 0 to 10000"),
        ("packets_per_minute", "many", "a whole number"),
    ];
    desk.fill(&fields.map(|(id, typed, _)| (id, typed)));
    desk.is_told("address", "g..x", "invalid ILP address");
    fields.iter().for_each(|(field, typed, why)| desk.is_told(field, typed, why));
    assert!(driver.text("[role=alert]").contains("Nothing was done yet"));
    let focused = driver.run(FOCUSED);
    assert_eq!(focused, json!(["address", true]), "the first field that is wrong, and in view");
}

/// A script that returns the focused field, and whether it is on the screen.
const FOCUSED: &str = "const at = document.activeElement, box = at.getBoundingClientRect();
    return [at.id, box.top >= 0 && box.bottom <= innerHeight]";

/// Kills the node while a page follows it; the page's banner must not say that the node is well.
pub(super) fn a_node_that_is_gone(desk: &Desk) {
    desk.open("/");
    desk.sign_in(SECRET);
    desk.driver.until("#health", "The node is well.");
    desk.node.signal("KILL");
    desk.driver.until("#health .bad", "The node doesn't answer.");
}

/// Checks that a form with another token is refused, and so is a form of an ended session.
pub(super) fn another_form_and_an_ended_session(desk: &Desk) {
    let driver = &desk.driver;
    let forge = "document.querySelectorAll('[name=form_token]').forEach(it => it.value = '00')";
    desk.open("/assets/new");
    driver.run(forge);
    desk.fill(&[("code", "XXX"), ("scale", "2")]);
    assert_eq!(driver.text("h1"), "Form refused");
    desk.open("/assets");
    assert!(!driver.text("main").contains("XXX"));

    desk.open("/");
    end_the_session_elsewhere(desk);
    if driver.scripts == Scripts::On {
        driver.until("#live-state", "Your session has ended");
        driver.click("#live-state a");
        assert_eq!(desk.path(), "/sign-in");
    }
    desk.open("/peers?q=a");
    assert_eq!(desk.path(), "/sign-in");
    desk.sign_in(SECRET);
    assert_eq!(desk.path(), "/peers");
    desk.open("/assets/new");
    end_the_session_elsewhere(desk);
    desk.fill(&[("code", "YYY"), ("scale", "2")]);
    assert_eq!(desk.path(), "/sign-in");
    desk.sign_in(SECRET);
    desk.open("/assets");
    assert!(!driver.text("main").contains("YYY"));
    driver.click("form[action='/sign-out'] button");
    assert_eq!(desk.path(), "/sign-in");
}

/// Ends the session outside of this browser, as its expiry would.
fn end_the_session_elsewhere(desk: &Desk) {
    let (cookie, token) = (desk.driver.cookie(), desk.driver.value("[name=form_token]"));
    let headers =
        [("content-type", "application/x-www-form-urlencoded"), ("cookie", cookie.as_str())];
    let form = format!("form_token={token}");
    let mut connection = Connection::open(desk.node.admin).unwrap();
    let answer = connection.request("POST", "/sign-out", &headers, form.as_bytes()).unwrap();
    assert_eq!(answer.status, 303, "{}", answer.text());
}
