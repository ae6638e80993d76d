//! The circuit breaker: answers that stop all packets to a next hop, and answers that concern one
//! packet alone.

use serde_json::{Value, json};

use crate::support::{
    Node,
    packets::{fulfill, parse_prepare, prepare},
    stub::{Answer, Stub},
};

const NOWHERE: &str = "http://127.0.0.1:1";

fn state(node: &Node, peer: &str) -> Value {
    let query = "query($id: String!) { peer(id: $id) { state } }";
    node.query(query, json!({ "id": peer }))["peer"]["state"].clone()
}

/// Answers that one sender's packets provoke must not keep other senders' packets from the next
/// hop.
#[test]
fn errors_that_a_packet_provokes_do_not_set_its_next_hop_aside() {
    let picky = Stub::start(|request| match parse_prepare(&request.body).amount() {
        13 => Answer::Status(500),
        14 => Answer::Status(400),
        15 => Answer::Status(502),
        _ => Answer::Reply(fulfill().into()),
    });
    let other = Stub::fulfilling();
    let node = Node::start();
    let asset = node.create_asset("USD", 2);
    let alice = node.create_peer(&asset, "test.alice", NOWHERE, json!({}));
    node.create_peer(&asset, "test.mallory", "http://127.0.0.1:2", json!({}));
    let shared = json!({ "routes": ["test.shared"] });
    let picky_id = node.create_peer(&asset, "test.picky", &picky.endpoint(), shared.clone());
    node.create_peer(&asset, "test.other", &other.endpoint(), shared);
    let mut alices = node.sender("test.alice");
    let destination = (0..)
        .map(|number| format!("test.shared.{number}"))
        .find(|destination| {
            alices.fulfilled(&prepare(destination, 1));
            picky.requests().len() == 1
        })
        .unwrap();
    let mut mallorys = node.sender("test.mallory");
    let mut provoke = |amount| {
        let reject = mallorys.rejected(&prepare(&destination, amount));
        assert_eq!(reject.code().to_string(), "T01");
    };
    (0..20).for_each(|number| provoke(13 + number % 2));
    let before = picky.requests().len();
    (0..10).for_each(|_| drop(alices.fulfilled(&prepare(&destination, 1))));
    assert_eq!(picky.requests().len() - before, 10);
    assert_eq!(state(&node, &picky_id), "REACHABLE");
    // A server behind a proxy that can't be reached is not the fault of any packet.
    (0..3).for_each(|_| provoke(15));
    assert_eq!(state(&node, &picky_id), "UNREACHABLE");
    let before = picky.requests().len();
    alices.fulfilled(&prepare(&destination, 1));
    assert_eq!(picky.requests().len(), before);
    assert!(node.liquidity(&alice) < 1_000_000);
}
