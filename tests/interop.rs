//! A payment between two programs that nobody here wrote, through a running node.

use base64::prelude::{BASE64_STANDARD, Engine};
use serde_json::{Value, json};

use crate::support::{
    Node,
    script::{OLD_STREAM_RECEIVER, STREAM_RECEIVER, Script},
    wallets::Amount,
};

#[test]
fn interledger_pay_pays_a_stream_receiver_in_packets_of_at_most_the_maximum() {
    const AMOUNT: u64 = 1_000_000;
    const MAX_PACKET_AMOUNT: u64 = 10_000;
    let node = Node::start();
    let asset = node.create_asset("USD", 2);
    let asset_details = json!({ "code": "USD", "scale": 2 });

    let mut receiver = Script::start("receiver.js");
    let credentials = receiver.ask(&json!({
        "ilpAddress": "test.receiver",
        "token": "for-test.receiver",
        "asset": asset_details,
        "package": OLD_STREAM_RECEIVER,
    }));
    let endpoint = format!("http://127.0.0.1:{}", credentials["port"]);
    let receiver_id = node.create_peer(&asset, "test.receiver", &endpoint, json!({}));
    let more = json!({
        "maxPacketAmount": MAX_PACKET_AMOUNT.to_string(),
        "initialLiquidity": "5000000",
    });
    let sender_id = node.create_peer(&asset, "test.sender", "http://127.0.0.1:1", more);

    let outcome = Script::start("pay.js").ask(&json!({
        "url": format!("http://{}", node.ilp),
        "token": "test.sender",
        "asset": asset_details,
        "destinationAddress": credentials["destinationAddress"],
        "sharedSecret": credentials["sharedSecret"],
        "amountToSend": AMOUNT.to_string(),
    }));
    let received = receiver.ask(&json!({}));
    println!("sender: {outcome}\nreceiver: {received}");

    assert_eq!(outcome["error"], Value::Null);
    assert_eq!(outcome["amountSent"], AMOUNT.to_string());
    assert_eq!(outcome["amountDelivered"], AMOUNT.to_string());
    assert_eq!(outcome["maxPacketAmount"], MAX_PACKET_AMOUNT.to_string());
    assert_eq!(received["received"], AMOUNT.to_string());
    assert_eq!(received["largest"], MAX_PACKET_AMOUNT.to_string());
    assert_eq!(received["unauthorized"], 0);
    let packets = outcome["packets"]["fulfilled"].as_u64().unwrap();
    assert!(packets >= AMOUNT / MAX_PACKET_AMOUNT, "{packets} packets");
    assert_eq!(received["fulfilled"], packets, "each Fulfill reached the sender");
    assert!(outcome["packets"]["rejected"]["F08"].as_u64().unwrap() >= 1, "how it learned of it");

    assert_eq!(node.liquidity(&sender_id), 5_000_000 - AMOUNT);
    assert_eq!(node.liquidity(&receiver_id), 1_000_000 + AMOUNT);
    let restarted = node.kill().start();
    assert_eq!(restarted.liquidity(&sender_id), 5_000_000 - AMOUNT);
    assert_eq!(restarted.liquidity(&receiver_id), 1_000_000 + AMOUNT);
}

/// What a payer who is no node of ours needs to know of a wallet address.
fn credentials(node: &Node, url: &str) -> (String, String) {
    let told = node.spsp(url);
    let secret = BASE64_STANDARD.decode(told["shared_secret"].as_str().unwrap()).unwrap();
    let hex = secret.iter().map(|byte| format!("{byte:02x}")).collect();
    (told["destination_account"].as_str().unwrap().to_owned(), hex)
}

/// Pays a wallet address of a node's with a program by others, which the node knows as a peer of a
/// maximum packet amount of 1,000.
fn pays_a_wallet(script: &str) -> Value {
    const AMOUNT: u64 = 50_000;
    let node = Node::start();
    let asset = node.create_asset("USD", 2);
    let (wallet, url) = node.create_wallet(&asset, "bob");
    let more = json!({ "maxPacketAmount": "1000" });
    let sender = node.create_peer(&asset, "test.sender", "http://127.0.0.1:1", more);
    let (destination, secret) = credentials(&node, &url);
    let outcome = Script::start(script).ask(&json!({
        "url": format!("http://{}", node.ilp),
        "token": "test.sender",
        "asset": { "code": "USD", "scale": 2 },
        "destinationAddress": destination,
        "sharedSecret": secret,
        "amountToSend": AMOUNT.to_string(),
    }));
    println!("{script}: {outcome}");
    assert_eq!(outcome["error"], Value::Null);
    assert_eq!(outcome["amountSent"], AMOUNT.to_string());
    assert_eq!(outcome["amountDelivered"], AMOUNT.to_string());
    assert_eq!(node.wallet_liquidity(&wallet), AMOUNT);
    assert_eq!(node.liquidity(&sender), 1_000_000 - AMOUNT);
    let restarted = node.kill().start();
    assert_eq!(restarted.wallet_liquidity(&wallet), AMOUNT);
    outcome
}

#[test]
fn interledger_pay_pays_a_wallet_address() {
    let outcome = pays_a_wallet("pay.js");
    assert_eq!(outcome["maxPacketAmount"], "1000");
}

#[test]
fn the_client_of_ilp_protocol_stream_pays_a_wallet_address() {
    let outcome = pays_a_wallet("stream_client.js");
    assert_eq!(outcome["sourceAccount"], "test.sender", "learnt from the node, by ILDCP");
    let learnt = (&outcome["destinationAssetCode"], &outcome["destinationAssetScale"]);
    assert_eq!(learnt, (&json!("USD"), &json!(2)));
}

/// Pays a receiver by others, found by its SPSP endpoint, out of a wallet of a node's. `package` is the
/// version of stream-receiver that `receiver.js` uses.
fn a_wallet_pays(script: &str, package: &str, amount: Amount) -> (Value, Value) {
    let node = Node::start();
    let asset = node.create_asset("EUR", 4);
    let (wallet, _) = node.create_wallet(&asset, "alice");
    let mut receiver = Script::start(script);
    let started = receiver.ask(&json!({
        "ilpAddress": "test.receiver",
        "token": "for-test.receiver",
        "asset": { "code": "EUR", "scale": 4 },
        "package": package,
    }));
    let endpoint = format!("http://127.0.0.1:{}", started["port"]);
    let more = json!({ "maxPacketAmount": "1000" });
    let peer = node.create_peer(&asset, "test.receiver", &endpoint, more);
    let quote = node.quote(&wallet, &format!("{endpoint}/bob"), amount).unwrap();
    let payment = node.pay_quote(&wallet, &quote);
    let payment = node.ended_payment(&payment);
    let received = receiver.ask(&json!({}));
    println!("{script} {package}: {payment} {received}");
    assert_eq!((&payment["state"], &payment["error"]), (&json!("COMPLETED"), &Value::Null));
    assert_eq!(payment["sentAmount"]["value"], received["received"]);
    let sent: u64 = payment["sentAmount"]["value"].as_str().unwrap().parse().unwrap();
    assert_eq!(node.liquidity(&peer), 1_000_000 + sent);
    assert_eq!(received["unauthorized"], 0);
    (payment, received)
}

#[test]
fn a_wallet_pays_stream_receivers_of_both_kinds_and_a_stream_server() {
    for (script, package) in [
        ("receiver.js", OLD_STREAM_RECEIVER),
        ("receiver.js", STREAM_RECEIVER),
        ("stream_server.js", ""),
    ] {
        let (_, received) = a_wallet_pays(script, package, Amount::Send(50_500));
        assert_eq!(
            (&received["received"], &received["largest"]),
            (&json!("50500"), &json!("1000"))
        );
        let (payment, received) = a_wallet_pays(script, package, Amount::Deliver(20_000));
        assert_eq!(
            (&received["received"], &received["largest"]),
            (&json!("20000"), &json!("1000"))
        );
        assert_eq!(payment["liquidity"], "0", "one asset all the way costs what it delivers");
    }
}
