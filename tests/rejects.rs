//! Each ILP error code that the node itself answers with, produced over a socket.

use interledger_packet::{AmountTooLarge, Reject, Reply};
use serde_json::{Value, json};

use crate::support::{
    Node, PATIENCE,
    packets::{fulfill, in_ms, parse_prepare, prepare, prepare_until},
    stub::{Answer, Stub},
    wait_for,
};

/// Makes a node with the peers alice (who sends) and bob (who is reached at `endpoint`).
fn node_with(endpoint: &str, alice: Value, bob: Value) -> (Node, String, String) {
    let node = Node::start();
    let asset = node.create_asset("USD", 2);
    let alice = node.create_peer(&asset, "test.alice", "http://127.0.0.1:2", alice);
    let bob = node.create_peer(&asset, "test.bob", endpoint, bob);
    (node, alice, bob)
}

fn rejected(node: &Node, packet: &[u8]) -> Reject {
    let reject = node.sender("test.alice").rejected(packet);
    assert_eq!(reject.triggered_by().unwrap().as_str(), "test.node");
    assert!(!reject.message().is_empty());
    reject
}

fn code(node: &Node, packet: &[u8]) -> String {
    rejected(node, packet).code().to_string()
}

const NOWHERE: &str = "http://127.0.0.1:1";

#[test]
fn f02_for_destinations_that_lead_nowhere() {
    let (node, ..) = node_with(NOWHERE, json!({}), json!({}));
    let destinations = [
        "test.nobody",
        "test.bobby",
        "test.alice.herself",
        "test.node",
        "test.node.someone",
        "peer.config",
        "peer.bob",
        "g.bob",
        "private.bob",
    ];
    for destination in destinations {
        assert_eq!(code(&node, &prepare(destination, 1)), "F02", "{destination}");
    }
}

#[test]
fn f02_for_test_addresses_on_a_live_node() {
    let node = Node::start_with(&[("JIRANI_ILP_ADDRESS", "g.node")]);
    let asset = node.create_asset("USD", 2);
    node.create_peer(&asset, "g.alice", NOWHERE, json!({ "routes": ["test"] }));
    let more = json!({ "routes": ["test"], "http": {
        "incoming": { "authTokens": ["b"] },
        "outgoing": { "endpoint": NOWHERE, "authToken": "x" } } });
    node.create_peer(&asset, "g.bob", NOWHERE, more);
    let reject = node.sender("g.alice").rejected(&prepare("test.bob", 1));
    assert_eq!(reject.code().to_string(), "F02");
    assert_eq!(reject.triggered_by().unwrap().as_str(), "g.node");
}

#[test]
fn f08_says_what_was_received_and_what_would_pass() {
    let bob = Stub::fulfilling();
    for (alices, bobs) in [(json!("700"), Value::Null), (Value::Null, json!(700))] {
        let (node, ..) = node_with(
            &bob.endpoint(),
            json!({ "maxPacketAmount": alices }),
            json!({ "maxPacketAmount": bobs }),
        );
        let reject = rejected(&node, &prepare("test.bob", 701));
        assert_eq!(reject.code().to_string(), "F08");
        let details = AmountTooLarge::from_data(reject.data()).unwrap();
        assert_eq!((details.received, details.maximum), (701, 700));
        node.sender("test.alice").fulfilled(&prepare("test.bob", 700));
    }
}

#[test]
fn r02_for_packets_that_have_expired_or_are_about_to() {
    let (node, ..) = node_with(NOWHERE, json!({}), json!({}));
    for ms in [-60_000, -1, 500] {
        assert_eq!(code(&node, &prepare_until("test.bob", 1, in_ms(ms))), "R02", "{ms} ms");
    }
}

#[test]
fn f08_for_more_than_the_peer_could_ever_have_free() {
    let bob = Stub::start(|request| match parse_prepare(&request.body).amount() {
        600_000 => Answer::Silence,
        _ => Answer::Reply(fulfill().into()),
    });
    let (node, alice, _) = node_with(&bob.endpoint(), json!({}), json!({}));
    let maximum = |amount| {
        let reject = rejected(&node, &prepare("test.bob", amount));
        assert_eq!(reject.code().to_string(), "F08");
        let details = AmountTooLarge::from_data(reject.data()).unwrap();
        assert_eq!(details.received, amount);
        details.maximum
    };
    assert_eq!((maximum(1_000_000_000_000), maximum(1_000_001)), (1_000_000, 1_000_000));
    // The held amount may become free again.
    let mut waiting = node.sender("test.alice");
    waiting.write_only(&prepare("test.bob", 600_000));
    wait_for("the packet at Bob's", || (bob.requests().len() == 1).then_some(()));
    assert_eq!(code(&node, &prepare("test.bob", 400_001)), "T04");
    assert_eq!(maximum(1_000_001), 1_000_000);
    node.sender("test.alice").fulfilled(&prepare("test.bob", 400_000));
    assert_eq!(maximum(1_000_000), 600_000);
    assert_eq!(node.liquidity(&alice), 0, "the rest is on hold");
}

#[test]
fn t04_for_what_waits_for_a_deposit_smaller_than_one_packet() {
    let bob = Stub::fulfilling();
    let agreed = json!({ "initialLiquidity": "250", "maxPacketAmount": "100" });
    let (node, alice, _) = node_with(&bob.endpoint(), agreed, json!({}));
    let mut sender = node.sender("test.alice");
    (0..2).for_each(|_| drop(sender.fulfilled(&prepare("test.bob", 100))));
    assert_eq!(code(&node, &prepare("test.bob", 100)), "T04");
    assert_eq!(node.liquidity(&alice), 50);
    let none = json!({ "initialLiquidity": null });
    let (node, ..) = node_with(&bob.endpoint(), none, json!({}));
    assert_eq!(code(&node, &prepare("test.bob", 1)), "T04");
}

#[test]
fn t05_for_more_packets_or_more_amount_than_agreed() {
    let bob = Stub::fulfilling();
    let (node, ..) = node_with(&bob.endpoint(), json!({ "packetsPerMinuteMax": 3 }), json!({}));
    let mut sender = node.sender("test.alice");
    for _ in 0..3 {
        sender.fulfilled(&prepare("test.bob", 1));
    }
    assert_eq!(code(&node, &prepare("test.bob", 1)), "T05");
    // The node's default applies to peers without a limit of their own.
    let node = Node::start_with(&[
        ("JIRANI_ILP_ADDRESS", "test.node"),
        ("JIRANI_PEER_PACKETS_PER_MINUTE_MAX", "2"),
    ]);
    let asset = node.create_asset("USD", 2);
    node.create_peer(&asset, "test.alice", NOWHERE, json!({}));
    node.create_peer(&asset, "test.carol", NOWHERE, json!({ "packetsPerMinuteMax": 100 }));
    node.create_peer(&asset, "test.bob", &bob.endpoint(), json!({}));
    for token in ["test.alice", "test.carol"] {
        (0..2).for_each(|_| drop(node.sender(token).fulfilled(&prepare("test.bob", 1))));
    }
    assert_eq!(code(&node, &prepare("test.bob", 1)), "T05");
    node.sender("test.carol").fulfilled(&prepare("test.bob", 1));

    let (node, ..) = node_with(&bob.endpoint(), json!({ "amountPerSecondMax": "10" }), json!({}));
    let mut sender = node.sender("test.alice");
    // The limit is one second's worth: unless each packet takes a second, the second one is one too
    // many.
    let sent = (0..50).map(|_| sender.send(&prepare("test.bob", 10)));
    let refused = sent.into_iter().find_map(|reply| match reply {
        Reply::Reject(reject) => Some(reject.code().to_string()),
        Reply::Fulfill(_) => None,
    });
    assert_eq!(refused.as_deref(), Some("T05"));
    // A larger amount than that never passes, and a probe of it costs the peer nothing.
    let reject = rejected(&node, &prepare("test.bob", 1_000_000_000_000));
    assert_eq!(reject.code().to_string(), "F08");
    let details = AmountTooLarge::from_data(reject.data()).unwrap();
    assert_eq!((details.received, details.maximum), (1_000_000_000_000, 10));
}

#[test]
fn f07_between_assets_without_a_rate() {
    let (node, ..) = node_with(NOWHERE, json!({}), json!({}));
    let euro = node.create_asset("EUR", 2);
    node.create_peer(&euro, "test.carol", NOWHERE, json!({}));
    assert_eq!(code(&node, &prepare("test.carol", 1)), "F07");
}

/// Sends a packet for each misbehaviour of a next hop, and checks the sender's Reject. In every
/// case the sender's liquidity is back at once.
#[test]
fn a_next_hop_that_misbehaves_costs_the_sender_nothing() {
    let garbage = b"\xff\xfe not HTTP at all\r\n\r\n".to_vec();
    let cut = b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nshort".to_vec();
    let wrong = interledger_packet::FulfillBuilder { fulfillment: &[1; 32], data: &[] };
    let wrong: Vec<u8> = wrong.build().unwrap().into_bytes().into();
    type Misbehaviour = fn(&[Vec<u8>; 3]) -> Answer;
    let cases: [(&str, Misbehaviour); 13] = [
        ("T01", |_| Answer::Status(500)),
        ("T01", |_| Answer::Status(401)),
        ("T01", |_| Answer::Status(404)),
        ("T01", |_| Answer::Status(302)),
        ("T01", |_| Answer::Close),
        ("T01", |[garbage, ..]| Answer::Raw(garbage.clone())),
        ("T01", |[_, cut, _]| Answer::Raw(cut.clone())),
        ("T02", |_| Answer::Status(429)),
        ("T02", |_| Answer::Status(503)),
        ("T00", |_| Answer::Reply(b"<html>".to_vec())),
        ("T00", |_| Answer::Reply(Vec::new())),
        ("T00", |_| Answer::Reply(vec![0; 50_000])),
        ("F05", |[_, _, wrong]| Answer::Reply(wrong.clone())),
    ];
    let bodies = [garbage, cut, wrong];
    for (expected, answer) in cases {
        let bodies = bodies.clone();
        let bob = Stub::start(move |_| answer(&bodies));
        let (node, alice, bob_id) = node_with(&bob.endpoint(), json!({}), json!({}));
        assert_eq!(code(&node, &prepare("test.bob", 300)), expected);
        assert_eq!((node.liquidity(&alice), node.liquidity(&bob_id)), (1_000_000, 1_000_000));
        assert_eq!(bob.requests().len(), 1, "a packet that may have been seen is not sent again");
        let log = node.dir.log();
        assert!(!log.contains("an error of the stub") && !log.contains("for-test.bob"), "{log}");
    }
}

#[test]
fn t01_when_nobody_listens_there_or_tls_fails() {
    let no_tls = Stub::fulfilling();
    let tls_expected = format!("https://{}", no_tls.address);
    for endpoint in [NOWHERE, "https://127.0.0.1:1", "http://nobody.invalid", &tls_expected] {
        let (node, alice, _) = node_with(endpoint, json!({}), json!({}));
        assert_eq!(code(&node, &prepare("test.bob", 300)), "T01", "{endpoint}");
        assert_eq!(node.liquidity(&alice), 1_000_000);
    }
    assert!(no_tls.requests().is_empty());
}

#[test]
fn r00_when_no_answer_comes_in_time_and_a_late_one_changes_nothing() {
    let silent = Stub::start(|_| Answer::Silence);
    let (node, alice, bob) = node_with(&silent.endpoint(), json!({}), json!({}));
    assert_eq!(code(&node, &prepare_until("test.bob", 300, in_ms(1_500))), "R00");
    assert_eq!((node.liquidity(&alice), node.liquidity(&bob)), (1_000_000, 1_000_000));

    let (release, on_release) = std::sync::mpsc::channel::<()>();
    let on_release = parking_lot::Mutex::new(on_release);
    let late = Stub::start(move |_| {
        let _ = on_release.lock().recv();
        Answer::Reply(fulfill().into())
    });
    let (node, alice, bob) = node_with(&late.endpoint(), json!({}), json!({}));
    assert_eq!(code(&node, &prepare_until("test.bob", 300, in_ms(1_500))), "R00");
    release.send(()).unwrap();
    assert_eq!((node.liquidity(&alice), node.liquidity(&bob)), (1_000_000, 1_000_000));
}

#[test]
fn t03_when_as_many_packets_are_under_way_as_the_node_takes() {
    let (arrived, on_arrival) = std::sync::mpsc::channel();
    let arrived = parking_lot::Mutex::new(arrived);
    let silent = Stub::start(move |_| {
        let _ = arrived.lock().send(());
        Answer::Silence
    });
    let node = Node::start_with(&[
        ("JIRANI_ILP_ADDRESS", "test.node"),
        ("JIRANI_PACKET_IN_FLIGHT_MAX", "2"),
    ]);
    let asset = node.create_asset("USD", 2);
    node.create_peer(&asset, "test.alice", NOWHERE, json!({}));
    node.create_peer(&asset, "test.bob", &silent.endpoint(), json!({}));
    for _ in 0..2 {
        let mut sender = node.sender("test.alice");
        sender.write_only(&prepare("test.bob", 1));
        on_arrival.recv_timeout(PATIENCE).unwrap();
        std::mem::forget(sender);
    }
    assert_eq!(code(&node, &prepare("test.bob", 1)), "T03");
}

#[test]
fn t03_while_the_node_shuts_down() {
    let (arrived, on_arrival) = std::sync::mpsc::channel();
    let arrived = parking_lot::Mutex::new(arrived);
    let silent = Stub::start(move |_| {
        let _ = arrived.lock().send(());
        Answer::Silence
    });
    let node =
        Node::start_with(&[("JIRANI_ILP_ADDRESS", "test.node"), ("JIRANI_DRAIN_MS_MAX", "3000")]);
    let asset = node.create_asset("USD", 2);
    node.create_peer(&asset, "test.alice", NOWHERE, json!({}));
    node.create_peer(&asset, "test.bob", &silent.endpoint(), json!({}));
    // This request began before the shutdown, and its body comes after it.
    let mut slow = node.sender("test.alice");
    let packet = prepare("test.bob", 1);
    slow.write_all_but_the_last_byte(&packet);
    let mut other = node.sender("test.alice");
    other.write_only(&packet);
    on_arrival.recv_timeout(PATIENCE).unwrap();
    node.signal("TERM");
    wait_for("the port to close", || {
        crate::support::packets::Sender::open(&node, "test.alice").is_err().then_some(())
    });
    let reply = slow.write_the_last_byte(&packet);
    let reject = Reject::parse(reply.body.into()).unwrap();
    assert_eq!(reject.code().to_string(), "T03");
}

#[test]
fn a_packet_of_zero_needs_no_liquidity_and_moves_none() {
    let bob = Stub::fulfilling();
    let none = json!({ "initialLiquidity": null });
    let (node, alice, bob_id) = node_with(&bob.endpoint(), none.clone(), none);
    node.sender("test.alice").fulfilled(&prepare("test.bob", 0));
    assert_eq!((node.liquidity(&alice), node.liquidity(&bob_id)), (0, 0));
}

#[test]
fn a_reject_from_further_on_passes_untouched() {
    let theirs = interledger_packet::RejectBuilder {
        code: interledger_packet::ErrorCode::F99_APPLICATION_ERROR,
        triggered_by: None,
        message: b"as the receiver said it",
        data: &[1, 2, 3],
    };
    let theirs = theirs.build().unwrap().into_bytes();
    let bytes: Vec<u8> = theirs.clone().into();
    let bob = Stub::start(move |_| Answer::Reply(bytes.clone()));
    let (node, alice, _) = node_with(&bob.endpoint(), json!({}), json!({}));
    let reject = node.sender("test.alice").rejected(&prepare("test.bob", 5));
    assert_eq!(reject.as_bytes(), &theirs[..]);
    assert_eq!(node.liquidity(&alice), 1_000_000);
}
