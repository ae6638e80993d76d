//! Ten thousand peers, and the memory of an idle node.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::support::{
    Node,
    graphql::{CREATE_PEER, peer_input},
    http::Connection,
    packets::prepare,
    stub::Stub,
};

#[test]
fn an_idle_node_takes_little_memory() {
    let node = Node::start();
    let asset = node.create_asset("USD", 2);
    node.create_peer(&asset, "test.alice", "http://127.0.0.1:1", json!({}));
    // The program's own pages are not counted: a debug build has several times as many as a
    // release.
    let (own_kb, resident_kb) = (node.memory_kb("RssAnon"), node.memory_kb("VmRSS"));
    println!("idle: {resident_kb} kB resident, {own_kb} kB of them its own");
    assert!(own_kb < 40_000, "{own_kb} kB");
}

/// Creates `count` peers over one connection and returns how long the first and the last hundred
/// took.
fn create_peers(node: &Node, asset: &str, endpoint: &str, count: usize) -> (Duration, Duration) {
    let mut connection = Connection::open(node.admin).unwrap();
    let mut create = |index: usize| {
        let at = format!("{endpoint}/{index}");
        let input = peer_input(asset, &format!("test.peer{index}"), &at, json!({}));
        let body = json!({ "query": CREATE_PEER, "variables": { "input": input } }).to_string();
        let headers = [("content-type", "application/json")];
        let response = connection.request("POST", "/graphql", &headers, body.as_bytes()).unwrap();
        assert!(response.text().contains("Created ILP Peer"), "{}", response.text());
    };
    let mut hundred = |from: usize| {
        let started = Instant::now();
        (from..from + 100).for_each(&mut create);
        started.elapsed()
    };
    let first = hundred(0);
    for from in (100..count - 100).step_by(100) {
        hundred(from);
    }
    (first, hundred(count - 100))
}

#[test]
fn the_ten_thousandth_peer_is_created_as_fast_as_the_first_and_packets_reach_it() {
    const PEERS: usize = 10_000;
    let (node, bob) = (Node::start(), Stub::fulfilling());
    let asset = node.create_asset("USD", 2);
    let (first, last) = create_peers(&node, &asset, &bob.endpoint(), PEERS);
    println!(
        "createPeer: {:?} each of the first 100, {:?} each of the last 100 of {PEERS}; {} kB",
        first / 100,
        last / 100,
        node.memory_kb("VmRSS")
    );
    // A busy machine may be slow at either end; growth with the number of peers would show as a
    // factor of a hundred.
    assert!(last < first * 10, "the last took {last:?}, the first {first:?}");
    let mut sender = node.sender("test.peer0");
    sender.fulfilled(&prepare(&format!("test.peer{}", PEERS - 1), 1));

    let started = Instant::now();
    let metrics = node.metrics();
    let bytes = metrics.text.len();
    println!("scrape with {PEERS} peers: {:?}, {bytes} bytes", started.elapsed());
    assert_eq!(metrics.number("jirani_peers", &[]), PEERS as u64);
    let sum = metrics.sum("jirani_peer_liquidity", &[]);
    assert_eq!(sum, PEERS as u64 * 1_000_000, "all are looked at, and few are named");
    assert!(bytes < 1_000_000, "{bytes} bytes");

    let started = Instant::now();
    let node = node.stop().start();
    println!("restart with {PEERS} peers: {:?}", started.elapsed());
    node.sender("test.peer9999").fulfilled(&prepare("test.peer5000", 1));
}
