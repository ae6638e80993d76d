//! Events of a running node, sent to a receiver that stands in for the operator's own systems.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use ring::hmac;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::{
    Node,
    packets::prepare,
    script::Script,
    stub::{Answer, Request, Stub},
    wait_for,
    wallets::Amount,
};

const SECRET: &str = "a secret for events";

fn node_with(receiver: &Stub, more: &[(&str, &str)]) -> Node {
    let url = format!("{}/webhooks?token=hush-hush", receiver.endpoint());
    let settings = [
        ("JIRANI_ILP_ADDRESS", "test.node"),
        ("JIRANI_WEBHOOK_URL", url.as_str()),
        ("JIRANI_WEBHOOK_SECRET", SECRET),
    ];
    Node::start_with(&[&settings[..], more].concat())
}

fn body(request: &Request) -> Value {
    serde_json::from_slice(&request.body).unwrap()
}

fn events(node: &Node) -> Vec<Value> {
    let query = "{ webhookEvents { edges { node { id type data state attempts } } } }";
    let found = node.query(query, json!({}));
    let edges = found["webhookEvents"]["edges"].as_array().unwrap();
    edges.iter().map(|edge| edge["node"].clone()).collect()
}

fn withdraw(node: &Node, peer: &str, amount: u64) {
    let mutation = "mutation($input: CreatePeerLiquidityWithdrawalInput!) {
        createPeerLiquidityWithdrawal(input: $input) { success } }";
    let id = Uuid::new_v4();
    let input = json!({ "peerId": peer, "id": id, "idempotencyKey": id, "amount": amount,
        "timeoutSeconds": 0 });
    node.query(mutation, json!({ "input": input }));
}

/// Packets below the threshold cause one event, and another one after the balance was above it.
#[test]
fn each_crossing_is_told_once_and_signed() {
    let receiver = Stub::start(|_| Answer::Status(204));
    let (node, bob) = (node_with(&receiver, &[]), Stub::fulfilling());
    let asset = node.create_asset("USD", 2);
    let more = json!({ "initialLiquidity": 100, "liquidityThreshold": 50 });
    let alice = node.create_peer(&asset, "test.alice", "http://127.0.0.1:1", more);
    node.create_peer(&asset, "test.bob", &bob.endpoint(), json!({}));
    let mut sender = node.sender("test.alice");
    for _ in 0..9 {
        sender.fulfilled(&prepare("test.bob", 10));
    }
    wait_for("the event", || (!receiver.requests().is_empty()).then_some(()));
    let mutation = "mutation($input: DepositPeerLiquidityInput!) {
        depositPeerLiquidity(input: $input) { success } }";
    let id = Uuid::new_v4();
    let input = json!({ "peerId": alice, "id": id, "idempotencyKey": id, "amount": 90 });
    node.query(mutation, json!({ "input": input }));
    for _ in 0..9 {
        sender.fulfilled(&prepare("test.bob", 10));
    }
    wait_for("delivery", || {
        let events = events(&node);
        let all = events.len() == 2 && events.iter().all(|event| event["state"] == "DELIVERED");
        all.then_some(())
    });
    let requests = receiver.requests();
    assert_eq!(requests.len(), 2, "{requests:?}");
    for request in &requests {
        let told = body(request);
        assert_eq!(told["type"], "peer.liquidity_low");
        let data = json!({ "id": alice, "asset": { "id": asset, "code": "USD", "scale": 2 },
            "liquidityThreshold": "50", "balance": "50" });
        assert_eq!(told["data"], data);
        let signature = request.header("rafiki-signature").unwrap();
        let (time, digest) = signature.split_once(", v1=").unwrap();
        let time = time.strip_prefix("t=").unwrap();
        let key = hmac::Key::new(hmac::HMAC_SHA256, SECRET.as_bytes());
        let signed = [time.as_bytes(), b".", &request.body].concat();
        let expected = hmac::sign(&key, &signed);
        let expected: String = expected.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(digest, expected);
        assert_eq!(request.header("content-type"), Some("application/json"));
    }
    assert!(!node.dir.log().contains("hush-hush") && !node.dir.log().contains(SECRET));
}

/// Creates an incoming payment of a wallet address in cents, and returns its URL.
fn ask_for(node: &Node, wallet: &str, value: u64) -> String {
    let amount = json!({ "value": value, "assetCode": "USD", "assetScale": 2 });
    let made = node.query(
        "mutation($input: CreateIncomingPaymentInput!) {
           createIncomingPayment(input: $input) { payment { url } } }",
        json!({ "input": { "walletAddressId": wallet, "incomingAmount": amount } }),
    );
    made["createIncomingPayment"]["payment"]["url"].as_str().unwrap().to_owned()
}

fn pay(node: &Node, wallet: &str, url: &str, value: u64) {
    let quote = node.quote(wallet, url, Amount::Send(value)).unwrap();
    let payment = node.ended_payment(&node.pay_quote(wallet, &quote));
    assert_eq!(payment["state"], "COMPLETED", "{payment}");
}

/// Creates a payment and cancels it before it is funded.
fn cancel(node: &Node, wallet: &str, url: &str) {
    let quote = node.quote(wallet, url, Amount::Send(1)).unwrap();
    let made = node.query(
        "mutation($input: CreateOutgoingPaymentInput!) {
           createOutgoingPayment(input: $input) { payment { id } } }",
        json!({ "input": { "walletAddressId": wallet, "quoteId": quote["id"] } }),
    );
    node.query(
        "mutation($input: CancelOutgoingPaymentInput!) {
           cancelOutgoingPayment(input: $input) { payment { state } } }",
        json!({ "input": { "id": made["createOutgoingPayment"]["payment"]["id"] } }),
    );
}

/// The types of event that Rafiki's clients don't know, or know with another meaning.
const OWN: [&str; 3] =
    ["incoming_payment.processing", "outgoing_payment.sending", "outgoing_payment.cancelled"];

/// Systems that were built for Rafiki answer 400 to a type of event that Rafiki doesn't send.
#[test]
fn a_system_that_was_built_for_rafiki_is_told_what_it_knows() {
    const KNOWN: [&str; 6] = [
        "incoming_payment.created",
        "incoming_payment.completed",
        "incoming_payment.expired",
        "outgoing_payment.created",
        "outgoing_payment.completed",
        "outgoing_payment.failed",
    ];
    let receiver = Stub::start(|request| {
        let kind = body(request)["type"].clone();
        let is_known = KNOWN.iter().any(|known| kind == *known);
        Answer::Status(if is_known { 200 } else { 400 })
    });
    let node = node_with(&receiver, &[("JIRANI_WEBHOOK_ATTEMPTS_MAX", "1")]);
    let asset = node.create_asset("USD", 2);
    let [alice, bob] = ["alice", "bob"].map(|name| node.create_wallet(&asset, name).0);
    let url = ask_for(&node, &bob, 100);
    pay(&node, &alice, &url, 40);
    pay(&node, &alice, &url, 60);
    let url = ask_for(&node, &bob, 5);
    cancel(&node, &alice, &url);
    let events = wait_for("every event's end", || {
        let events = events(&node);
        let is_over = |event: &Value| event["state"] != "PENDING";
        (events.len() == 12 && events.iter().all(is_over)).then_some(events)
    });
    for event in &events {
        let kind = event["type"].as_str().unwrap();
        let expected = if OWN.contains(&kind) { "SKIPPED" } else { "DELIVERED" };
        assert_eq!(event["state"], expected, "{event}");
        assert_eq!(event["data"].get("client"), Some(&Value::Null), "{event}");
    }
    for kind in OWN {
        assert!(events.iter().any(|event| event["type"] == kind), "{kind}");
    }
    for request in receiver.requests() {
        assert_eq!(body(&request)["data"].get("client"), Some(&Value::Null), "{request:?}");
    }

    // A type that the configuration names is sent from then on.
    let node = node.stop().with("JIRANI_WEBHOOK_TYPES", "rafiki,outgoing_payment.sending").start();
    pay(&node, &alice, &url, 1);
    wait_for("the notice", || {
        let mut requests = receiver.requests().into_iter();
        requests.find(|request| body(request)["type"] == "outgoing_payment.sending")
    });
}

#[test]
fn a_threshold_above_what_there_is_is_told_at_once_and_once() {
    let receiver = Stub::start(|_| Answer::Status(204));
    let node = node_with(&receiver, &[]);
    let asset = node.create_asset("USD", 2);
    let more = json!({ "initialLiquidity": 100 });
    let alice = node.create_peer(&asset, "test.alice", "http://127.0.0.1:1", more);
    let set = |threshold: u64| {
        let mutation = "mutation($input: UpdatePeerInput!) {
            updatePeer(input: $input) { peer { id } } }";
        let input = json!({ "id": alice, "liquidityThreshold": threshold });
        node.query(mutation, json!({ "input": input }));
    };
    [99, 101, 101].into_iter().for_each(set);
    assert_eq!(events(&node).len(), 1, "told in the change itself: {:?}", events(&node));
    let low = json!({ "initialLiquidity": 10, "liquidityThreshold": 50 });
    node.create_peer(&asset, "test.bob", "http://127.0.0.1:1", low);
    wait_for("delivery", || (receiver.requests().len() == 2).then_some(()));
    let told: Vec<_> = receiver.requests().iter().map(body).collect();
    let shown = |told: &Value| {
        (told["data"]["liquidityThreshold"].clone(), told["data"]["balance"].clone())
    };
    let mut shown: Vec<_> = told.iter().map(|told| format!("{:?}", shown(told))).collect();
    shown.sort();
    let expected = [("101", "100"), ("50", "10")]
        .map(|(threshold, balance)| format!("{:?}", (json!(threshold), json!(balance))));
    assert_eq!(shown, expected);
}

#[test]
fn an_event_waits_for_a_receiver_that_is_down_also_over_a_restart() {
    let is_up = Arc::new(AtomicBool::new(false));
    let up = Arc::clone(&is_up);
    let receiver =
        Stub::start(
            move |_| {
                if up.load(Ordering::SeqCst) { Answer::Status(200) } else { Answer::Close }
            },
        );
    let node = node_with(&receiver, &[]);
    let asset = node.create_asset("USD", 2);
    let more = json!({ "initialLiquidity": 100, "liquidityThreshold": 50 });
    let alice = node.create_peer(&asset, "test.alice", "http://127.0.0.1:1", more);
    withdraw(&node, &alice, 60);
    let tried =
        wait_for("an attempt", || events(&node).into_iter().find(|event| event["attempts"] == 1));
    assert_eq!(tried["state"], "PENDING");
    is_up.store(true, Ordering::SeqCst);
    let node = node.kill().start();
    // The delivery is repeated by itself, ten seconds at most after it failed.
    let delivered = wait_for("delivery", || {
        events(&node).into_iter().find(|event| event["state"] == "DELIVERED")
    });
    assert_eq!((&delivered["id"], &delivered["attempts"]), (&tried["id"], &json!(2)));
    assert_eq!(events(&node).len(), 1);
    assert_eq!(body(receiver.requests().last().unwrap())["id"], tried["id"]);
    assert!(!node.dir.log().contains("hush-hush"), "{}", node.dir.log());
}

#[test]
fn a_redirection_is_no_delivery_and_a_dead_event_can_be_sent_again() {
    let is_up = Arc::new(AtomicBool::new(false));
    let up = Arc::clone(&is_up);
    let receiver =
        Stub::start(move |_| Answer::Status(if up.load(Ordering::SeqCst) { 201 } else { 302 }));
    let node = node_with(&receiver, &[("JIRANI_WEBHOOK_ATTEMPTS_MAX", "1")]);
    let asset = node.create_asset("USD", 2);
    let more = json!({ "initialLiquidity": 100, "liquidityThreshold": 50 });
    let alice = node.create_peer(&asset, "test.alice", "http://127.0.0.1:1", more);
    withdraw(&node, &alice, 60);
    let dead = wait_for("the end of trying", || {
        events(&node).into_iter().find(|event| event["state"] == "DEAD")
    });
    is_up.store(true, Ordering::SeqCst);
    let retry = "mutation($id: String!) { retryWebhookEvent(id: $id) { code } }";
    let retried = node.query(retry, json!({ "id": dead["id"] }));
    assert_eq!(retried["retryWebhookEvent"]["code"], "200");
    wait_for("delivery", || events(&node).into_iter().find(|event| event["state"] == "DELIVERED"));
    assert_eq!(receiver.requests().len(), 2);
}

#[test]
fn without_a_receiver_events_are_kept_and_sent_once_there_is_one() {
    let node = Node::start();
    let asset = node.create_asset("USD", 2);
    let more = json!({ "initialLiquidity": 100, "liquidityThreshold": 50 });
    let alice = node.create_peer(&asset, "test.alice", "http://127.0.0.1:1", more);
    withdraw(&node, &alice, 60);
    let kept = wait_for("the event", || events(&node).pop());
    assert_eq!((&kept["state"], &kept["attempts"]), (&json!("PENDING"), &json!(0)));
    let receiver = Stub::start(|_| Answer::Status(200));
    let node = node.stop().with("JIRANI_WEBHOOK_URL", &receiver.endpoint()).start();
    wait_for("delivery", || events(&node).pop().filter(|event| event["state"] == "DELIVERED"));
    assert_eq!(receiver.requests()[0].header("rafiki-signature"), None);
}

/// A receiver in JavaScript reads integers as doubles, so metadata above 2^53 is sent in the digits
/// that a double prints.
#[test]
fn an_event_with_an_integer_above_2_to_the_53_is_right_for_a_receiver_in_javascript() {
    let receiver = Stub::start(|_| Answer::Status(200));
    let node = node_with(&receiver, &[]);
    let asset = node.create_asset("USD", 2);
    let (wallet, _) = node.create_wallet(&asset, "bob");
    let query = "mutation($input: CreateIncomingPaymentInput!) {
        createIncomingPayment(input: $input) { payment { metadata } } }";
    let metadata = json!({ "order": 9_007_199_254_740_993_u64, "all": u64::MAX, "low": i64::MIN });
    let input = json!({ "walletAddressId": wallet, "metadata": metadata });
    let made = node.query(query, json!({ "input": input }));
    assert_eq!(made["createIncomingPayment"]["payment"]["metadata"], metadata, "kept as given");
    let request = wait_for("the event", || receiver.requests().first().cloned());
    let told = Script::start("webhook.js").ask(&json!({
        "secret": SECRET,
        "body": String::from_utf8(request.body.clone()).unwrap(),
        "signature": request.header("rafiki-signature").unwrap(),
    }));
    assert_eq!(told["isRight"], true, "{told}");
    assert_eq!(told["event"]["data"]["metadata"]["order"], 9_007_199_254_740_992_u64);
}
