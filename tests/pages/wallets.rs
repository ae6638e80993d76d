//! Wallet addresses and payments.

use serde_json::json;

use super::{Browser, between};
use crate::support::{Node, wait_for};

/// Creates a wallet address through the form, and returns the path of its page.
fn wallet(browser: &Browser<'_>, asset: &str, url: &str, name: &str) -> String {
    let fields = [("address", url), ("asset", asset), ("name", name)];
    let made = browser.send("/wallets/new", "/wallets/new", &fields);
    assert_eq!(made.status, 303, "{}", made.text());
    made.header("location").unwrap().split('?').next().unwrap().to_owned()
}

#[test]
fn a_wallet_address_is_made_changed_and_shown_as_it_is() {
    let node = Node::start();
    let browser = Browser::of(&node);
    assert!(browser.get("/wallets").text().contains("jirani wallet add"), "says how to begin");
    assert!(browser.get("/wallets/new").text().contains("needs an asset"));
    let asset = browser.asset("USD");
    for (field, wrong, why) in [
        ("address", "ftp://wallet.example/a", "invalid url"),
        ("address", "https://wallet.example", "a path is expected"),
        ("asset", "nothing", "unknown asset"),
    ] {
        let good = [("address", "https://wallet.example/a"), ("asset", &asset), ("name", "Ann<")];
        let fields = good.map(|(name, value)| (name, if name == field { wrong } else { value }));
        let refused = browser.send("/wallets/new", "/wallets/new", &fields);
        let text = refused.text();
        assert!(refused.status == 400 || refused.status == 404, "{wrong}");
        let error = between(&text, &format!("id=\"{field}-error\""), "</span>");
        assert!(error.contains(why), "{field}: {error}");
        assert!(text.contains("value=\"Ann&lt;\""), "{text}");
    }
    let hostile = "<script>alert(1)</script>\u{200b}";
    let path = wallet(&browser, &asset, "$wallet.example/alice", hostile);
    for page in ["/wallets", &path] {
        let text = browser.get(page).text();
        assert!(text.contains("https://wallet.example/alice") && text.contains("Active"), "{text}");
        assert!(text.contains("&lt;script&gt;alert(1)") && text.contains("\\u{200b}"), "{text}");
        assert!(!text.contains("<script>alert"));
    }
    let again = [("address", "https://WALLET.example/alice"), ("asset", &asset), ("name", "")];
    let again = browser.send("/wallets/new", "/wallets/new", &again);
    assert!(again.status == 409 && again.text().contains("Wallet address already exists"));

    let changed = browser.send(&path, &path, &[("name", "Alice"), ("status", "INACTIVE")]);
    assert_eq!(changed.header("location"), Some(format!("{path}?done=changed").as_str()));
    let text = browser.get(&path).text();
    assert!(text.contains("<h1>Alice</h1>") && text.contains("Inactive"), "{text}");
    let refused = browser.send(&path, &format!("{path}/incoming"), &[("incoming_amount", "1")]);
    assert!(refused.status == 400 && refused.text().contains("inactive wallet address"));
    assert_eq!(browser.post(&path, &[("status", "ACTIVE")], &[]).status, 403);
}

/// Checks that the payment is in the list with its payer, and is found by state and by words.
fn it_is_found(browser: &Browser<'_>, list: &str, payment: &str) {
    let from = between(list, "data-label=\"From\">", "</td>");
    assert!(from.contains("https://wallet.example/alice"), "{from}");
    for (query, is_there) in [
        ("state=COMPLETED", true),
        ("state=FAILED", false),
        ("q=WALLET.example", true),
        ("q=nowhere", false),
        ("kind=OUTGOING&state=COMPLETED&q=bob", true),
    ] {
        let found = browser.get(&format!("/payments?{query}")).text();
        assert_eq!(found.contains(payment), is_there, "{query}: {found}");
    }
}

#[test]
fn a_payment_is_priced_made_followed_and_settled() {
    let node = Node::start();
    let browser = Browser::of(&node);
    let asset = browser.asset("USD");
    let alice = wallet(&browser, &asset, "https://wallet.example/alice", "Alice");
    let bob = wallet(&browser, &asset, "https://wallet.example/bob", "Bob");
    assert!(browser.get("/payments").text().contains("No payment yet"));
    let bad = [("incoming_amount", "lots"), ("days", "31"), ("description", "Shoes & <socks>")];
    let refused = browser.send(&bob, &format!("{bob}/incoming"), &bad).text();
    assert!(refused.contains("value=\"lots\"") && refused.contains("from 0 to 30"), "{refused}");
    assert!(refused.contains("value=\"Shoes &amp; &lt;socks&gt;\""), "{refused}");
    let good = [("incoming_amount", "12.5"), ("days", "30"), ("description", "Shoes & <socks>")];
    let made = browser.send(&bob, &format!("{bob}/incoming"), &good);
    let expected = made.header("location").unwrap().split('?').next().unwrap().to_owned();
    let page = browser.get(&expected).text();
    assert!(page.contains("<h1>Shoes &amp; &lt;socks&gt;</h1>"), "{page}");
    assert!(page.contains("12.50 USD") && page.contains("Expected"), "{page}");
    let invoice = between(&page, "<pre id=\"address\">", "<").to_owned();

    let ask = |more: &[(&str, &str)]| {
        let wallet = [("wallet", "$wallet.example/alice"), ("receiver", invoice.as_str())];
        browser.send("/payments/new", "/payments/new", &[more, &wallet].concat())
    };
    for (fields, field, why) in [
        (&[("meaning", "send"), ("amount", "")][..], "amount", "an amount is expected"),
        (&[("meaning", "send"), ("amount", "20")], "amount", "asks for 1250"),
        (&[("meaning", "deliver"), ("amount", "1")], "receive_asset", "is expected here"),
        (&[("wallet", "$wallet.example/carol")], "wallet", "no wallet address"),
        (&[("receiver", "nobody"), ("amount", "1")], "receiver", "invalid receiver"),
    ] {
        let refused = ask(fields);
        let text = refused.text();
        assert_eq!(refused.status, 400, "{field}: {text}");
        let error = between(&text, &format!("id=\"{field}-error\""), "</span>");
        assert!(error.contains(why), "{field}: {error}");
    }
    let quote = ask(&[("meaning", "asked")]);
    let quote = quote.header("location").unwrap().to_owned();
    let page = browser.get(&quote).text();
    assert!(page.contains("Pay now") && page.contains("without packets"), "{page}");
    assert_eq!(browser.post(&quote, &[], &[]).status, 403, "without a token");
    let paid = browser.send(&quote, &quote, &[]);
    let payment = paid.header("location").unwrap().to_owned();
    wait_for("the payment", || browser.get(&payment).text().contains(">Sent<").then_some(()));
    let again = browser.send(&quote, &quote, &[]);
    assert!(again.status == 400 && again.text().contains("a payment was made from it before"));

    // The receiver's side is recorded a moment after the sender's.
    wait_for("what was received", || {
        let page = browser.get(&expected).text();
        (page.contains(">Received<") && page.contains("payment to https://")).then_some(())
    });
    let withdraw = format!("{expected}/withdraw");
    let wrong = browser.send(&expected, &withdraw, &[("timeout_s", "soon")]);
    assert!(wrong.status == 400 && wrong.text().contains("value=\"soon\""));
    let taken = browser.send(&expected, &withdraw, &[("timeout_s", "")]);
    assert_eq!(taken.header("location"), Some(format!("{expected}?done=withdrawn").as_str()));
    let list = browser.get("/payments").text();
    assert!(list.contains(&expected) && list.contains(&payment), "{list}");
    assert!(!browser.get("/payments?kind=INCOMING").text().contains(&payment));
    it_is_found(&browser, &list, &payment);
    assert!(browser.get(&bob).text().contains("Shoes &amp; &lt;socks&gt;"));
    assert!(browser.get(&alice).text().contains("None yet"));
}

#[test]
fn what_a_wallet_address_was_paid_is_withdrawn_and_a_payment_is_called_off() {
    let node = Node::start();
    let browser = Browser::of(&node);
    let asset = browser.asset("USD");
    let alice = wallet(&browser, &asset, "https://wallet.example/alice", "Alice");
    let bob = wallet(&browser, &asset, "https://wallet.example/bob", "Bob");
    let ask = [
        ("wallet", "https://wallet.example/alice"),
        ("receiver", "$wallet.example/bob"),
        ("amount", "3"),
    ];
    let deliver = [&ask[..], &[("meaning", "deliver")]].concat();
    let quote = browser.send("/payments/new", "/payments/new", &deliver);
    let quote = quote.header("location").unwrap().to_owned();
    browser.send(&quote, &quote, &[]);
    wait_for("the money", || browser.get(&bob).text().contains("3.00 USD").then_some(()));
    let id = "019926a0-3b5c-7def-8123-456789abcdef";
    let fields = [("transfer_id", id), ("timeout_s", "600")];
    let out = browser.send(&bob, &format!("{bob}/withdraw"), &fields);
    assert_eq!(out.status, 303, "{}", out.text());
    let pending = browser.get("/books/pending").text();
    assert!(pending.contains(id) && pending.contains("https://wallet.example/bob"), "{pending}");

    let quote = browser.send(
        "/payments/new",
        "/payments/new",
        &[&ask[..], &[("meaning", "send")]].concat(),
    );
    let quote_id = quote.header("location").unwrap().rsplit_once('/').unwrap().1.to_owned();
    let wallet = alice.rsplit_once('/').unwrap().1;
    let made = node.query(
        "mutation($input: CreateOutgoingPaymentInput!) {
           createOutgoingPayment(input: $input) { payment { id } } }",
        json!({ "input": { "walletAddressId": wallet, "quoteId": quote_id } }),
    );
    let payment = format!(
        "/payments/outgoing/{}",
        made["createOutgoingPayment"]["payment"]["id"].as_str().unwrap()
    );
    assert!(browser.get(&payment).text().contains("Waits for its money"));
    let long = "x".repeat(300);
    let cancel = format!("{payment}/cancel");
    let refused = browser.send(&payment, &cancel, &[("reason", &long)]);
    assert!(refused.status == 400 && refused.text().contains(&long));
    let off = browser.send(&payment, &cancel, &[("reason", "never mind")]);
    assert_eq!(off.header("location"), Some(format!("{payment}?done=cancelled").as_str()));
    assert!(browser.get(&payment).text().contains("Called off"));
    let late = browser.send("/payments/new", &format!("{payment}/fund"), &[]);
    assert!(late.status == 409 && late.text().contains("wrong state"), "{}", late.text());
}
