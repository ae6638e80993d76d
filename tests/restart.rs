//! A restart keeps the peers, the tokens and the balances.

use serde_json::json;

use crate::support::{DataDir, Node, packets::prepare, stub::Stub};

const EVERYTHING: &str = "{
  assets(first: 100) { edges { node { id code scale liquidity createdAt } } }
  peers(first: 100) { edges { node {
    id name staticIlpAddress routes maxPacketAmount liquidityThreshold liquidity createdAt
    asset { id } http { outgoing { endpoint authToken } }
  } } }
}";

fn restarted_by(restart: impl Fn(Node) -> DataDir) {
    let (node, bob) = (Node::start(), Stub::fulfilling());
    let asset = node.create_asset("USD", 2);
    node.create_asset("EUR", 9);
    let more = json!({ "routes": ["test.further"], "maxPacketAmount": "18446744073709551615" });
    let alice = node.create_peer(&asset, "test.alice", "http://127.0.0.1:1", more);
    let bob_id = node.create_peer(&asset, "test.bob", &bob.endpoint(), json!({}));
    let mut sender = node.sender("test.alice");
    for _ in 0..25 {
        sender.fulfilled(&prepare("test.bob", 4));
    }
    let before = node.query(EVERYTHING, json!({}));
    drop(sender);

    let node = restart(node).start();
    assert_eq!(node.query(EVERYTHING, json!({})), before);
    assert_eq!((node.liquidity(&alice), node.liquidity(&bob_id)), (999_900, 1_000_100));
    node.sender("test.alice").fulfilled(&prepare("test.bob", 4));
    assert_eq!((node.liquidity(&alice), node.liquidity(&bob_id)), (999_896, 1_000_104));
    assert_eq!(bob.requests().last().unwrap().authorization, "Bearer for-test.bob");
}

#[test]
fn after_being_told_to_stop() {
    restarted_by(Node::stop);
}

#[test]
fn after_being_killed() {
    restarted_by(Node::kill);
}

#[test]
fn every_one_of_a_hundred_and_fifty_peers_is_routed_to_again() {
    let (node, bob) = (Node::start(), Stub::fulfilling());
    let asset = node.create_asset("USD", 2);
    for index in 0..150 {
        let endpoint = format!("{}/{index}", bob.endpoint());
        node.create_peer(&asset, &format!("test.peer{index}"), &endpoint, json!({}));
    }
    let node = node.stop().start();
    let mut sender = node.sender("test.peer0");
    for index in 1..150 {
        sender.fulfilled(&prepare(&format!("test.peer{index}.x"), 1));
    }
}

#[test]
fn the_store_holds_no_incoming_token() {
    let node = Node::start();
    let asset = node.create_asset("USD", 2);
    let http = json!({ "http": {
        "incoming": { "authTokens": ["a-token-that-nobody-else-uses"] },
        "outgoing": { "endpoint": "http://127.0.0.1:1", "authToken": "x" } } });
    node.create_peer(&asset, "test.alice", "", http);
    let dir = node.stop();
    let mut folders = vec![dir.data()];
    let mut files = 0;
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            files += 1;
            let bytes = std::fs::read(&path).unwrap();
            let holds = bytes.windows(29).any(|window| window == b"a-token-that-nobody-else-uses");
            assert!(!holds, "{}", path.display());
        }
    }
    assert!(files > 0);
    assert!(!dir.log().contains("a-token-that-nobody"), "{}", dir.log());
}
