//! The subscription that shows packets as they pass, over a WebSocket.

use serde_json::{Value, json};

use crate::support::{
    Node,
    packets::{in_ms, prepare, prepare_until},
    socket::Socket,
    stub::Stub,
};

const PACKETS: &str = "subscription { packets { passedOver packets { at
    source { kind peerId peerAddress amount { value assetCode assetScale } }
    destination { kind peerId peerAddress amount { value } } outcome errorCode cause } } }";

/// Reads messages until the packets shown and those skipped are `count` together, and returns those
/// shown.
fn seen(socket: &mut Socket, count: u64) -> Vec<Value> {
    let (mut packets, mut so_far) = (Vec::new(), 0);
    while so_far < count {
        let sample = socket.next().unwrap()["data"]["packets"].clone();
        let passed_over: u64 = sample["passedOver"].as_str().unwrap().parse().unwrap();
        let shown = sample["packets"].as_array().unwrap();
        assert!(shown.len() <= 25, "{sample}");
        so_far += passed_over + shown.len() as u64;
        packets.extend(shown.iter().cloned());
    }
    assert_eq!(so_far, count);
    packets
}

#[test]
fn packets_are_watched_by_all_who_ask_and_none_holds_a_secret() {
    let (node, bob) = (Node::start(), Stub::fulfilling());
    let asset = node.create_asset("USD", 2);
    let alice = node.create_peer(&asset, "test.alice", "http://127.0.0.1:1", json!({}));
    let bobs = node.create_peer(&asset, "test.bob", &bob.endpoint(), json!({}));
    let mut sender = node.sender("test.alice");
    sender.fulfilled(&prepare("test.bob", 1));

    let mut sockets = [Socket::open(&node), Socket::open(&node)];
    for socket in &mut sockets {
        // The answer to a later query shows that the subscription has begun.
        socket.subscribe(PACKETS, json!({}));
        let query = json!({ "query": "{ node { version } }" });
        socket.send(&json!({ "type": "subscribe", "id": "b", "payload": query }));
        assert_eq!(socket.read()["id"], "b");
        assert_eq!(socket.read(), json!({ "type": "complete", "id": "b" }));
    }
    sender.fulfilled(&prepare("test.bob.some-secret", 250));
    sender.rejected(&prepare("test.nowhere", 7));
    sender.rejected(&prepare_until("test.bob", 8, in_ms(-1_000)));
    for socket in &mut sockets {
        let packets = seen(socket, 3);
        let source = |amount: &str| {
            json!({ "kind": "PEER", "peerId": alice, "peerAddress": "test.alice",
                "amount": { "value": amount, "assetCode": "USD", "assetScale": 2 } })
        };
        let to_bob = json!({ "kind": "PEER", "peerId": bobs, "peerAddress": "test.bob",
            "amount": { "value": "250" } });
        let expected = [
            (source("250"), to_bob, "FULFILLED", Value::Null, Value::Null),
            (source("7"), Value::Null, "REFUSED", json!("F02"), json!("no_route")),
            (source("8"), Value::Null, "REFUSED", json!("R02"), json!("already_expired")),
        ];
        assert_eq!(packets.len(), expected.len());
        for (packet, (source, destination, outcome, code, cause)) in packets.iter().zip(expected) {
            assert_eq!(packet["source"], source);
            assert_eq!(packet["destination"], destination);
            assert_eq!(packet["outcome"], outcome);
            assert_eq!((&packet["errorCode"], &packet["cause"]), (&code, &cause));
            assert!(!packet.to_string().contains("secret"), "{packet}");
        }
    }

    // The packets are more than a client can read: the subscription counts those that it leaves
    // out.
    let [mut staying, leaving] = sockets;
    drop(leaving);
    for _ in 0..200 {
        sender.fulfilled(&prepare("test.bob", 1));
    }
    assert!(seen(&mut staying, 200).iter().all(|packet| packet["outcome"] == "FULFILLED"));
}
