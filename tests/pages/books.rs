//! The books: totals, accounts, movements by cursor, pending withdrawals, verification.

use serde_json::json;

use super::{Browser, between};
use crate::support::{Node, packets::prepare, stub::Stub};

/// Makes a node with one asset and one peer that has 10,000.00 of it, and returns the ids of both.
fn with_a_peer(browser: &Browser<'_>) -> (String, String) {
    let asset = browser.asset("USD");
    let made = browser.peer(&asset, &[("name", "<b>bold</b>\u{200b}")]);
    let peer = between(made.header("location").unwrap(), "/peers/", "/").to_owned();
    (asset, peer)
}

fn transfer_id(number: u32) -> String {
    format!("019926a0-3b5c-7def-8123-{number:012}")
}

#[test]
fn what_came_in_is_what_the_node_has_and_owes() {
    let node = Node::start();
    let browser = Browser::of(&node);
    assert!(browser.get("/books").text().contains("No asset yet"));
    let (asset, peer) = with_a_peer(&browser);
    let stock = [("what", "deposit"), ("deposit_amount", "250"), ("transfer_id", &transfer_id(1))];
    let path = format!("/assets/{asset}");
    browser.send(&path, &format!("{path}/liquidity"), &stock);
    let page = browser.get("/books").text();
    for shown in ["10,250.00 USD", "250.00 USD", "10,000.00 USD", "title=\"1025000 in"] {
        assert!(page.contains(shown), "{shown} in {page}");
    }
    for (kind, shown) in [("peers", "10,000.00 USD"), ("assets", "250.00 USD")] {
        let page = browser.get(&format!("/books/accounts?kind={kind}")).text();
        assert!(page.contains(shown), "{shown} in {page}");
    }
    let page = browser.get("/books/accounts").text();
    assert!(page.contains("&lt;b&gt;bold") && page.contains("\\u{200b}"), "{page}");
    assert!(!page.contains("<b>bold") && !page.contains('\u{200b}'));

    let outside = browser.get(&format!("/books/accounts/{asset}:settlement")).text();
    assert!(outside.contains("In the node") && outside.contains("10,250.00 USD"), "{outside}");
    assert!(outside.contains("own stock of USD") && outside.contains("peer &lt;b&gt;bold"));
    let by_id = browser.get(&format!("/books/accounts?id={peer}"));
    assert_eq!(by_id.header("location"), Some(format!("/books/accounts/{peer}").as_str()));
    let account = browser.get(&format!("/books/accounts/{peer}")).text();
    assert!(account.contains("&lt;b&gt;bold") && !account.contains('\u{200b}'), "{account}");
    let nobody = browser.get("/books/accounts?id=nobody");
    assert!(nobody.status == 400 && nobody.text().contains("no account has that id"));
    assert_eq!(browser.get("/books/accounts/nobody").status, 404);

    browser.send(
        &format!("/peers/{peer}"),
        &format!("/peers/{peer}/delete"),
        &[("confirm", "test.othergreatwallet")],
    );
    let gone = browser.get(&format!("/books/accounts/{peer}")).text();
    assert!(gone.contains("Deleted") && gone.contains("Withdrawal"), "{gone}");
}

#[test]
fn packets_do_not_bury_deposits_and_are_summed_up_by_day() {
    let node = Node::start();
    let browser = Browser::of(&node);
    let asset = node.create_asset("USD", 2);
    let bob = Stub::fulfilling();
    let alice = node.create_peer(&asset, "test.alice", "http://127.0.0.1:1", json!({}));
    node.create_peer(&asset, "test.bob", &bob.endpoint(), json!({}));
    let mut sender = node.sender("test.alice");
    for _ in 0..130 {
        sender.fulfilled(&prepare("test.bob", 150));
    }
    // The initial deposit is older than every packet.
    let peer = browser.get(&format!("/peers/{alice}")).text();
    let (_, movements) = peer.split_once("Deposits and withdrawals").unwrap();
    let (money, days) = movements.split_once("Packets by day").unwrap();
    assert!(money.contains("Deposit") && money.contains("10,000.00 USD"), "{money}");
    assert!(!money.contains(">Packet<"), "{money}");
    assert!(days.contains(">130<") && days.contains("195.00 USD"), "{days}");
    // The terms come before the movements.
    assert!(peer.find("Largest packet").unwrap() < peer.find("Deposits and withdrawals").unwrap());

    let account = format!("/books/accounts/{alice}");
    let all = browser.get(&account).text();
    assert!(!all.contains(">Deposit<") && all.contains(">Packet<"), "{all}");
    let money = browser.get(&format!("{account}?what=money")).text();
    assert!(money.contains(">Deposit<") && !money.contains(">Packet<"), "{money}");
    let time = between(&money, "data-label=\"When\"><time datetime=\"", "</time>");
    assert!(time.ends_with(" UTC") && !time.contains("ago<"), "books have dates: {time}");
}

#[test]
fn movements_are_paged_by_cursor_and_none_is_shown_twice() {
    let node = Node::start();
    let browser = Browser::of(&node);
    let (_, peer) = with_a_peer(&browser);
    let path = format!("/peers/{peer}");
    for number in 1..=30 {
        let deposit = [("what", "deposit"), ("deposit_amount", "1")];
        let id = transfer_id(number);
        let fields = [&deposit[..], &[("transfer_id", &id)]].concat();
        assert_eq!(browser.send(&path, &format!("{path}/liquidity"), &fields).status, 303);
    }
    let mut next = format!("/books/accounts/{peer}");
    let mut seen = Vec::new();
    loop {
        let page = browser.get(&next).text();
        let ids =
            page.match_indices("<span title=\"").map(|(at, _)| page[at + 13..][..36].to_owned());
        let ids: Vec<_> = ids.filter(|id| id.matches('-').count() == 4).collect();
        assert!(ids.len() <= 25, "{}", ids.len());
        seen.extend(ids);
        let Some((before, _)) = page.split_once("\" rel=\"next\"") else { break };
        next = before.rsplit_once("href=\"").unwrap().1.replace("&amp;", "&");
    }
    assert_eq!(seen.len(), 31);
    assert_eq!(seen[0], transfer_id(30));
    seen.sort();
    seen.dedup();
    assert_eq!(seen.len(), 31, "each once");
    for cursor in ["x", "1", "18446744073709551615", "-1"] {
        let answer = browser.get(&format!("/books/accounts/{peer}?before={cursor}"));
        assert!(matches!(answer.status, 200 | 400), "{cursor}: {}", answer.text());
        assert!(!answer.text().contains(&transfer_id(1)), "{cursor}");
    }
}

#[test]
fn pending_withdrawals_are_posted_and_voided_from_the_books() {
    let node = Node::start();
    let browser = Browser::of(&node);
    let (_, peer) = with_a_peer(&browser);
    assert!(browser.get("/books/pending").text().contains("None is pending"));
    let path = format!("/peers/{peer}");
    for (number, timeout_s) in [(1, "7200"), (2, "3600")] {
        let withdraw = [("what", "withdraw"), ("withdraw_amount", "12.5")];
        let more = [("timeout_s", timeout_s), ("transfer_id", &transfer_id(number))];
        browser.send(&path, &format!("{path}/liquidity"), &[withdraw, more].concat());
    }
    let page = browser.get("/books/pending").text();
    let (one, two) = (page.find(&transfer_id(1)).unwrap(), page.find(&transfer_id(2)).unwrap());
    assert!(two < one, "what comes back first stands first");
    assert!(page.contains("12.50 USD") && page.contains("&lt;b&gt;bold"), "{page}");

    let end = |number, what, back| {
        let id = transfer_id(number);
        let fields = [("transfer_id", id.as_str()), ("what", what), ("back", back)];
        browser.send("/books/pending", "/books/withdrawals", &fields)
    };
    let unmade = [("transfer_id", transfer_id(1)), ("what", "post".to_owned())];
    let unmade: Vec<_> = unmade.iter().map(|(name, value)| (*name, value.as_str())).collect();
    assert_eq!(browser.post("/books/withdrawals", &unmade, &[]).status, 403);
    let posted = end(1, "post", "/books/pending");
    assert_eq!(posted.header("location"), Some("/books/pending?done=posted"));
    assert_eq!(end(1, "void", "/").status, 409, "it is posted");
    assert_eq!(end(2, "void", "//evil.example").header("location"), Some("/?done=voided"));
    assert!(browser.get("/books/pending").text().contains("None is pending"));
    let account = browser.get(&format!("/books/accounts/{peer}")).text();
    assert!(account.contains("9,987.50 USD") && account.contains("Voided"), "{account}");
    assert_eq!(browser.get("/books/pending?after=x").status, 400);
}

#[test]
fn a_running_nodes_books_are_added_up_at_the_press_of_a_button() {
    let node = Node::start();
    let browser = Browser::of(&node);
    with_a_peer(&browser);
    assert!(browser.get("/books/verify").text().contains("Not done since"));
    assert_eq!(browser.post("/books/verify", &[], &[]).status, 403);
    let verified = browser.send("/books/verify", "/books/verify", &[]);
    assert_eq!(verified.header("location"), Some("/books/verify"));
    let page = browser.get("/books/verify").text();
    assert!(
        page.contains("The books add up") && page.contains("<dd>1, in the log's entries 1 to "),
        "{page}"
    );
    assert!(!page.contains("do not add up"));
}
