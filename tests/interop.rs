//! Payments between two programs by others, through a running node.

use data_encoding::BASE64;
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

/// Runs `@interledger/pay` as the peer `token` of a node, and returns the outcome.
fn interledger_pay(node: &Node, token: &str, asset: &Value, to: &Value, amount: u64) -> Value {
    let outcome = Script::start("pay.js").ask(&json!({
        "url": format!("http://{}", node.ilp),
        "token": token,
        "asset": asset,
        "destinationAddress": to["destinationAddress"],
        "sharedSecret": to["sharedSecret"],
        "amountToSend": amount.to_string(),
    }));
    println!("{token} pays {amount}: {outcome}");
    assert_eq!(outcome["error"], Value::Null);
    assert_eq!(outcome["amountSent"], amount.to_string());
    assert_eq!(outcome["amountDelivered"], amount.to_string());
    outcome
}

/// The library probes with 10^12 units and less, down to 1,000, and needs either F08 or an answer
/// of the receiver to know how large its packets may be.
#[test]
fn interledger_pay_quotes_and_pays_over_nodes_whose_peers_have_no_maximum() {
    const AMOUNT: u64 = 400_000;
    let asset_details = json!({ "code": "USD", "scale": 2 });
    let [one, two] =
        ["test.one", "test.two"].map(|own| Node::start_with(&[("JIRANI_ILP_ADDRESS", own)]));
    let [at_one, at_two] = [&one, &two].map(|node| node.create_asset("USD", 2));
    let mut receiver = Script::start("receiver.js");
    let credentials = receiver.ask(&json!({
        "ilpAddress": "test.receiver",
        "token": "for-test.receiver",
        "asset": asset_details,
        "package": OLD_STREAM_RECEIVER,
    }));
    let endpoint = format!("http://127.0.0.1:{}", credentials["port"]);
    let http = |incoming: &str, node: &Node, outgoing: &str| {
        json!({
            "incoming": { "authTokens": [incoming] },
            "outgoing": { "endpoint": format!("http://{}", node.ilp), "authToken": outgoing },
        })
    };
    let sender = one.create_peer(&at_one, "test.sender", "http://127.0.0.1:1", json!({}));
    let onwards = json!({ "routes": ["test.receiver"], "http": http("two", &two, "one") });
    one.create_peer(&at_one, "test.two", "", onwards);
    // The second node has less of the first one's liquidity than the first one has of the sender's.
    let less = json!({ "initialLiquidity": "900000", "http": http("one", &one, "two") });
    let of_one = two.create_peer(&at_two, "test.one", "", less);
    let receiver_id = two.create_peer(&at_two, "test.receiver", &endpoint, json!({}));

    let outcome = interledger_pay(&one, "test.sender", &asset_details, &credentials, AMOUNT);
    assert_eq!(outcome["maxPacketAmount"], "900000");
    assert_eq!(one.liquidity(&sender), 1_000_000 - AMOUNT);
    assert_eq!(two.liquidity(&of_one), 900_000 - AMOUNT);
    assert_eq!(two.liquidity(&receiver_id), 1_000_000 + AMOUNT);
}

/// Quotes and pays over a node that converts, where half of the stock is one peer's share.
#[test]
fn interledger_pay_quotes_and_pays_out_of_a_stock_without_a_maximum() {
    let node = Node::start();
    let (dollars, euros) = (node.create_asset("USD", 2), node.create_asset("EUR", 2));
    node.set_rate("USD", "EUR", "0.5");
    node.stock(&euros, 1_000_000);
    let mut receiver = Script::start("receiver.js");
    let euro = json!({ "code": "EUR", "scale": 2 });
    let credentials = receiver.ask(&json!({
        "ilpAddress": "test.receiver",
        "token": "for-test.receiver",
        "asset": euro,
        "package": OLD_STREAM_RECEIVER,
    }));
    let endpoint = format!("http://127.0.0.1:{}", credentials["port"]);
    let receiver_id = node.create_peer(&euros, "test.receiver", &endpoint, json!({}));
    let rich = json!({ "initialLiquidity": "5000000" });
    node.create_peer(&dollars, "test.sender", "http://127.0.0.1:1", rich);
    let outcome = Script::start("pay.js").ask(&json!({
        "url": format!("http://{}", node.ilp),
        "token": "test.sender",
        "asset": { "code": "USD", "scale": 2 },
        "destinationAsset": euro,
        "prices": { "USD": 0.5, "EUR": 1 },
        "destinationAddress": credentials["destinationAddress"],
        "sharedSecret": credentials["sharedSecret"],
        "amountToSend": "600000",
    }));
    println!("{outcome}");
    assert_eq!(outcome["error"], Value::Null);
    assert_eq!(outcome["amountDelivered"], "300000");
    // The maximum is 500,000 euro cents and the part of a cent that rounding leaves.
    assert_eq!(outcome["maxPacketAmount"], "1000001");
    assert_eq!(node.liquidity(&receiver_id), 1_300_000);
}

#[test]
fn interledger_pay_pays_over_two_peerings_with_one_neighbour_in_each_asset() {
    const AMOUNT: u64 = 20_000;
    let [here, there] =
        ["test.here", "test.there"].map(|own| Node::start_with(&[("JIRANI_ILP_ADDRESS", own)]));
    for (code, scale) in [("USD", 2), ("EUR", 2)] {
        let [at_here, at_there] = [&here, &there].map(|node| node.create_asset(code, scale));
        let link = |incoming: &str, other: &Node, outgoing: &str| {
            json!({ "maxPacketAmount": "1000", "http": {
                "incoming": { "authTokens": [format!("{incoming}-{code}")] },
                "outgoing": {
                    "endpoint": format!("http://{}", other.ilp),
                    "authToken": format!("{outgoing}-{code}"),
                },
            } })
        };
        let sender = json!({ "http": {
            "incoming": { "authTokens": [code] },
            "outgoing": { "endpoint": "http://127.0.0.1:1", "authToken": "x" },
        } });
        here.create_peer(&at_here, "test.sender", "", sender);
        here.create_peer(&at_here, "test.there", "", link("there", &there, "here"));
        there.create_peer(&at_there, "test.here", "", link("here", &here, "there"));
        there.create_wallet(&at_there, &code.to_lowercase());
    }
    for code in ["USD", "EUR"] {
        let url = format!("http://{}/{}", there.wallet, code.to_lowercase());
        let (destination, secret) = credentials(&there, &url);
        let to = json!({ "destinationAddress": destination, "sharedSecret": secret });
        let asset = json!({ "code": code, "scale": 2 });
        let outcome = interledger_pay(&here, code, &asset, &to, AMOUNT);
        assert_eq!(outcome["packets"]["rejected"].get("F07"), None, "{outcome}");
    }
}

/// Returns the address and secret of a wallet address, for a payer that isn't on one of these
/// nodes.
fn credentials(node: &Node, url: &str) -> (String, String) {
    let told = node.spsp(url);
    let secret = BASE64.decode(told["shared_secret"].as_str().unwrap().as_bytes()).unwrap();
    let hex = secret.iter().map(|byte| format!("{byte:02x}")).collect();
    (told["destination_account"].as_str().unwrap().to_owned(), hex)
}

/// Pays a wallet address of a node with a program by others, which is a peer of the node with a
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

/// Pays a receiver in JavaScript, found by its SPSP endpoint, from a wallet address of a node.
/// `package` is the version of stream-receiver that `receiver.js` uses.
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
