//! Forwarding: a packet arrives, another leaves, money moves.

use std::thread;

use interledger_packet::{ErrorCode, Reject};
use serde_json::json;

use crate::support::{
    Node, PATIENCE,
    packets::{FULFILLMENT, Sender, condition, extended, fulfill, parse_prepare, prepare},
    stub::{Answer, Stub},
    wait_for,
};

#[test]
fn a_packet_passes_between_two_peers_created_while_the_node_runs() {
    let (node, bob) = (Node::start(), Stub::fulfilling());
    let asset = node.create_asset("USD", 2);
    let alice_id = node.create_peer(&asset, "test.alice", "http://127.0.0.1:1", json!({}));
    let bob_id = node.create_peer(&asset, "test.bob", &bob.endpoint(), json!({}));

    let sent = prepare("test.bob.savings", 1_234);
    let fulfilled = node.sender("test.alice").fulfilled(&sent);
    assert_eq!(fulfilled.fulfillment(), &FULFILLMENT);
    assert_eq!(fulfilled.as_bytes(), &fulfill()[..], "the reply passes untouched");

    let requests = bob.requests();
    assert_eq!(requests.len(), 1);
    assert_eq!(requests[0].authorization, "Bearer for-test.bob");
    let (arrived, sent) = (parse_prepare(&requests[0].body), parse_prepare(&sent));
    assert_eq!(arrived.amount(), 1_234);
    assert_eq!(arrived.destination().as_str(), "test.bob.savings");
    assert_eq!(arrived.execution_condition(), &condition());
    assert_eq!(arrived.data(), sent.data());
    let earlier_ms = sent.expires_at().unix_ms() - arrived.expires_at().unix_ms();
    assert_eq!(earlier_ms, 1_000, "one margin earlier");

    assert_eq!(node.liquidity(&alice_id), 1_000_000 - 1_234);
    assert_eq!(node.liquidity(&bob_id), 1_000_000 + 1_234);
}

/// A later version of the protocol may add fields after the data (IL-RFC 30). A connector that
/// refused a Fulfill with one would void the hold of a packet that its next hop has booked.
#[test]
fn fields_of_a_later_version_pass_both_ways_and_bytes_behind_a_packet_do_not() {
    let bob = Stub::start(|request| {
        let reply = match parse_prepare(&request.body).amount() {
            1_234 => fulfill(),
            _ => Reject::new(ErrorCode::F99_APPLICATION_ERROR, None, "not today").into_bytes(),
        };
        Answer::Reply([&extended(&reply, b"later"), &b"junk"[..]].concat())
    });
    let node = Node::start();
    let asset = node.create_asset("USD", 2);
    let alice_id = node.create_peer(&asset, "test.alice", "http://127.0.0.1:1", json!({}));
    let bob_id = node.create_peer(&asset, "test.bob", &bob.endpoint(), json!({}));

    let mut alice = node.sender("test.alice");
    let sent = extended(&prepare("test.bob", 1_234), b"of 2031");
    let fulfilled = alice.post(&[&sent[..], b"junk"].concat()).unwrap();
    assert_eq!((fulfilled.status, fulfilled.body), (200, extended(&fulfill(), b"later")));
    let arrived = bob.requests()[0].body.clone();
    assert!(arrived.ends_with(b"of 2031"), "{arrived:?}");
    assert_eq!(arrived.len(), sent.len());
    assert_eq!(node.liquidity(&alice_id), 1_000_000 - 1_234);
    assert_eq!(node.liquidity(&bob_id), 1_000_000 + 1_234);

    let reject = Reject::new(ErrorCode::F99_APPLICATION_ERROR, None, "not today");
    let rejected = alice.post(&prepare("test.bob", 1)).unwrap();
    assert_eq!(rejected.body, extended(reject.as_bytes(), b"later"));
}

#[test]
fn two_nodes_peer_with_each_other_and_a_packet_crosses_both() {
    let one = Node::start_with(&[("JIRANI_ILP_ADDRESS", "test.one")]);
    let two = Node::start_with(&[("JIRANI_ILP_ADDRESS", "test.two")]);
    let bob = Stub::fulfilling();
    let (asset_one, asset_two) = (one.create_asset("EUR", 9), two.create_asset("EUR", 9));
    one.create_peer(&asset_one, "test.alice", "http://127.0.0.1:1", json!({}));
    two.create_peer(&asset_two, "test.bob", &bob.endpoint(), json!({}));

    let tokens = |incoming: &str, outgoing: &str, endpoint: &Node| {
        json!({ "http": {
            "incoming": { "authTokens": [incoming] },
            "outgoing": { "endpoint": endpoint.ilp.to_string(), "authToken": outgoing },
        }, "routes": ["test.two", "test.bob"] })
    };
    // An endpoint without a scheme on a loopback host is plain HTTP.
    let mut to_one = tokens("from-one", "from-two", &one);
    to_one["routes"] = json!([]);
    let two_at_one =
        one.create_peer(&asset_one, "test.two", "", tokens("from-two", "from-one", &two));
    let one_at_two = two.create_peer(&asset_two, "test.one", "", to_one);

    for _ in 0..10 {
        one.sender("test.alice").fulfilled(&prepare("test.bob", 100));
    }
    assert_eq!(one.liquidity(&two_at_one), 1_000_000 + 1_000);
    assert_eq!(two.liquidity(&one_at_two), 1_000_000 - 1_000);
    let last = parse_prepare(&bob.requests()[9].body);
    let first_hop = parse_prepare(&prepare("test.bob", 100));
    let earlier = first_hop.expires_at().unix_ms() - last.expires_at().unix_ms();
    assert!(earlier >= 2_000, "each hop takes its margin: {earlier} ms");
}

#[test]
fn a_client_that_hangs_up_does_not_cancel_a_packet_that_holds_money() {
    use std::sync::mpsc;
    let (arrived, on_arrival) = mpsc::channel();
    let (release, on_release) = mpsc::channel::<()>();
    let on_release = parking_lot::Mutex::new(on_release);
    let bob = Stub::start(move |_| {
        arrived.send(()).unwrap();
        let _ = on_release.lock().recv();
        Answer::Reply(fulfill().into())
    });
    let node = Node::start();
    let asset = node.create_asset("USD", 2);
    let alice_id = node.create_peer(&asset, "test.alice", "http://127.0.0.1:1", json!({}));
    let bob_id = node.create_peer(&asset, "test.bob", &bob.endpoint(), json!({}));

    let mut sender = node.sender("test.alice");
    sender.write_only(&prepare("test.bob", 500));
    on_arrival.recv_timeout(PATIENCE).unwrap();
    sender.hang_up();
    assert_eq!(node.liquidity(&alice_id), 999_500, "on hold");
    release.send(()).unwrap();
    wait_for("the packet to be booked", || (node.liquidity(&bob_id) == 1_000_500).then_some(()));
    assert_eq!(node.liquidity(&alice_id), 999_500);
}

#[test]
fn forty_packets_at_once_spend_no_more_than_there_is() {
    let (node, bob) = (Node::start(), Stub::fulfilling());
    let asset = node.create_asset("USD", 2);
    let poor = json!({ "initialLiquidity": "100" });
    let alice_id = node.create_peer(&asset, "test.alice", "http://127.0.0.1:1", poor);
    let bob_id = node.create_peer(&asset, "test.bob", &bob.endpoint(), json!({}));
    let fulfilled: usize = thread::scope(|scope| {
        let senders: Vec<_> = (0..40)
            .map(|_| {
                scope.spawn(|| match node.sender("test.alice").send(&prepare("test.bob", 10)) {
                    interledger_packet::Reply::Fulfill(_) => 1,
                    interledger_packet::Reply::Reject(reject) => {
                        assert_eq!(reject.code().to_string(), "T04");
                        0
                    }
                })
            })
            .collect();
        senders.into_iter().map(|sender| sender.join().unwrap()).sum()
    });
    assert_eq!(fulfilled, 10);
    assert_eq!((node.liquidity(&alice_id), node.liquidity(&bob_id)), (0, 1_000_100));
}

#[test]
fn a_connection_to_the_next_hop_is_kept() {
    let (node, bob) = (Node::start(), Stub::fulfilling());
    let asset = node.create_asset("USD", 2);
    node.create_peer(&asset, "test.alice", "http://127.0.0.1:1", json!({}));
    node.create_peer(&asset, "test.bob", &bob.endpoint(), json!({}));
    let mut sender = node.sender("test.alice");
    for _ in 0..50 {
        sender.fulfilled(&prepare("test.bob", 1));
    }
    let connections = bob.connections.load(std::sync::atomic::Ordering::SeqCst);
    // One connection for the packets, and one that tested for HTTP/2.
    assert!(connections <= 2, "{connections} connections for 50 packets");
}

#[test]
fn a_node_that_stops_lets_packets_under_way_end() {
    // SIGHUP, on which other daemons reload their configuration, stops the node in order as the
    // others do.
    for signal in ["TERM", "INT", "HUP"] {
        lets_packets_under_way_end(signal);
    }
}

fn lets_packets_under_way_end(signal: &str) {
    use std::sync::mpsc;
    let (arrived, on_arrival) = mpsc::channel();
    let (release, on_release) = mpsc::channel::<()>();
    let on_release = parking_lot::Mutex::new(on_release);
    let bob = Stub::start(move |_| {
        let _ = arrived.send(());
        let _ = on_release.lock().recv();
        Answer::Reply(fulfill().into())
    });
    let mut node = Node::start();
    let asset = node.create_asset("USD", 2);
    node.create_peer(&asset, "test.alice", "http://127.0.0.1:1", json!({}));
    node.create_peer(&asset, "test.bob", &bob.endpoint(), json!({}));

    let mut idle = node.sender("test.alice");
    idle.rejected(&prepare("test.nobody", 1));
    let mut sender = node.sender("test.alice");
    let client = thread::spawn(move || sender.fulfilled(&prepare("test.bob", 500)));
    on_arrival.recv_timeout(PATIENCE).unwrap();
    node.signal(signal);
    wait_for("the port to close", || Sender::open(&node, "test.alice").is_err().then_some(()));
    release.send(()).unwrap();
    assert_eq!(client.join().unwrap().fulfillment(), &FULFILLMENT);
    assert!(node.ended().success(), "{signal}: {}", node.dir.log());
}
