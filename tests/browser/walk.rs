//! An operator's work: an asset, a peer with the documented input, liquidity, packets, tokens.

use super::{Desk, driver::Scripts};
use crate::support::{
    packets::{Sender, prepare},
    stub::Stub,
};

/// Follows the documentation's order. At the end only the asset is left.
pub(super) fn from_the_first_asset_to_the_last_peer(desk: &Desk) {
    let bob = Stub::fulfilling();
    create_an_asset(desk);
    let alice = create_the_documented_peer(desk);
    create_peer(desk, "test.bob", &bob.endpoint(), "bobs-token");
    move_money(desk, &alice);
    watch_packets(desk, &alice);
    rotate_the_token(desk, &alice);
    edit(desk, &alice);
    pay(desk);
    delete(desk, &alice);
}

fn create_an_asset(desk: &Desk) {
    desk.open("/assets");
    desk.driver.click("a[href='/assets/new']");
    desk.fill(&[("code", "USD"), ("scale", "2"), ("liquidity_threshold", "5")]);
    desk.driver.until("main", "Created. Peers can be made in this asset now.");
    assert_eq!(desk.driver.text("h1"), "USD");
}

/// Enters the input of the documented mutation, and returns the peer's path.
fn create_the_documented_peer(desk: &Desk) -> String {
    create_peer(desk, "test.othergreatwallet", "http://ilp.othergreatwallet.com", "mytoken")
}

fn create_peer(desk: &Desk, address: &str, endpoint: &str, token: &str) -> String {
    let driver = &desk.driver;
    desk.open("/peers/new");
    assert_eq!(driver.value("#incoming_token").len(), 64, "one is made for the form");
    desk.fill(&[
        ("address", address),
        ("name", "The Other Great Wallet"),
        ("endpoint", endpoint),
        ("max_packet_amount", "1000"),
        ("initial_liquidity", "10000"),
        ("incoming_token", &format!("{token}\nanother-{token}")),
        ("outgoing_token", "theirtoken"),
    ]);
    driver.until("main", "Created ILP Peer");
    let sheet = driver.text("main");
    for shown in
        ["test.node", "theirtoken", token, "USD, scale 2", "\"maxPacketAmount\": \"100000\""]
    {
        assert!(sheet.contains(shown), "{shown} in {sheet}");
    }
    driver.reload();
    assert!(!driver.text("main").contains("theirtoken"), "it is shown once");
    driver.click("main .actions a");
    driver.until("#figures", "10,000.00 USD");
    desk.path()
}

fn move_money(desk: &Desk, peer: &str) {
    let driver = &desk.driver;
    desk.open(peer);
    desk.fill(&[("deposit_amount", "1,012.50")]);
    driver.until("main", "Deposited.");
    driver.until("#figures", "11,012.50 USD");
    desk.fill(&[("withdraw_amount", "1,000.50")]);
    driver.until("#figures", "10,012.00 USD");
    desk.fill(&[("withdraw_amount", "2"), ("timeout_s", "3600")]);
    driver.until("#movements", "Pending");
    driver.until("#figures", "10,010.00 USD");
    driver.click("#movements button[value=void]");
    driver.until("main", "Voided: the amount is back.");
    driver.until("#figures", "10,012.00 USD");
    desk.fill(&[("withdraw_amount", "2"), ("timeout_s", "3600")]);
    driver.click("#movements button[value=post]");
    driver.until("main", "Posted: the withdrawal is final.");
    driver.until("#figures", "10,010.00 USD");
}

/// Checks that a packet appears on the page; with scripts, without loading the page again.
fn watch_packets(desk: &Desk, peer: &str) {
    let driver = &desk.driver;
    desk.open(peer);
    driver.run("window.isTheSamePage = true");
    let mut sender = desk.node.sender("mytoken");
    sender.fulfilled(&prepare("test.bob", 150));
    desk.see("#figures", "10,008.50 USD");
    desk.see("#passing", "1.50 USD");
    sender.rejected(&prepare("test.nobody", 1));
    desk.see("#passing", "F02");
    let is_the_same = driver.run("return window.isTheSamePage === true");
    assert_eq!(is_the_same, driver.scripts == Scripts::On);
    desk.open("/");
    sender.fulfilled(&prepare("test.bob", 50));
    desk.see("#figures", "3 in all");
    desk.open("/peers");
    sender.fulfilled(&prepare("test.bob", 50));
    desk.see("#peer-list", "10,007.50 USD");
    driver.write("#q", "GREAT");
    driver.click("form[role=search] button");
    assert!(driver.text("#peer-list").contains("test.othergreatwallet"));
}

fn rotate_the_token(desk: &Desk, peer: &str) {
    let driver = &desk.driver;
    desk.open(peer);
    driver.click("form[action$='/tokens'] button");
    let fresh = driver.text("#fresh-token");
    desk.node.sender(&fresh).fulfilled(&prepare("test.bob", 1));
    driver.reload();
    driver.until("main", "shown once and can't be shown again");
    assert!(!driver.text("main").contains(&fresh));
    for left in [2, 1] {
        driver.click("form[action$='/tokens/revoke'] button");
        driver.until("h1", "Revoke the token");
        driver.click("main form .danger");
        driver.until("main", "Revoked: whoever shows that token is turned away.");
        let shown = driver.run("return document.querySelectorAll('[name=token_id]').length");
        assert_eq!(shown, left);
    }
    let status = |token| {
        let mut sender = Sender::open(&desk.node, token).unwrap();
        sender.post(&prepare("test.bob", 1)).unwrap().status
    };
    assert_eq!((status("mytoken"), status("another-mytoken"), status(&fresh)), (401, 401, 200));
}

fn edit(desk: &Desk, peer: &str) {
    desk.open(&format!("{peer}/edit"));
    desk.fill(&[("address", "g..x"), ("name", "The Greater Wallet")]);
    desk.is_told("address", "g..x", "invalid ILP address");
    assert_eq!(desk.driver.value("#name"), "The Greater Wallet");
    desk.fill(&[("address", "test.othergreatwallet"), ("liquidity_threshold", "20000")]);
    desk.driver.until("main", "Saved.");
    assert_eq!(desk.driver.text("h1"), "The Greater Wallet");
    desk.open("/");
    desk.see("#attention", "Settle with its operator");
}

/// Pays from one wallet address of the node to another.
fn pay(desk: &Desk) {
    let wallets = ["alice", "bob"].map(|name| format!("https://wallet.example/{name}"));
    for wallet in &wallets {
        desk.open("/wallets/new");
        desk.fill(&[("address", wallet)]);
    }
    let [alice, bob] = &wallets;
    desk.open("/payments/new");
    desk.fill(&[("wallet", alice), ("receiver", bob), ("amount", "12.50")]);
    desk.driver.click("form[action^='/payments/quotes/'] button");
    desk.see("#progress", "12.50 USD of at least 12.50 USD");
}

fn delete(desk: &Desk, peer: &str) {
    desk.open(peer);
    desk.fill(&[("confirm", "yes")]);
    desk.is_told("confirm", "yes", "type test.othergreatwallet to delete it");
    desk.fill(&[("confirm", "test.othergreatwallet")]);
    assert_eq!(desk.path(), "/peers");
    desk.driver.until("main", "Deleted.");
    assert!(!desk.driver.text("#peer-list").contains("test.othergreatwallet"));
    desk.open(peer);
    assert_eq!(desk.driver.text("h1"), "Not found");
}
