//! The metrics for known packets, one by one.

use std::{sync::mpsc, thread};

use interledger_packet::{ErrorCode, FulfillBuilder, RejectBuilder, ildcp};
use serde_json::{Value, json};

use crate::support::{
    Node, PATIENCE,
    exposition::Exposition,
    packets::{fulfill, in_ms, parse_prepare, prepare, prepare_until},
    stub::{Answer, Request, Stub},
    wait_for,
};

const NOWHERE: &str = "http://127.0.0.1:1";

/// A next hop that answers by the packet's amount.
fn by_amount(request: &Request) -> Answer {
    let reject = |code: &[u8; 3]| {
        let code = ErrorCode::from_bytes(*code).unwrap();
        RejectBuilder { code, triggered_by: None, message: b"no", data: &[] }.build().unwrap()
    };
    match parse_prepare(&request.body).amount() {
        0 | 100 => Answer::Reply(fulfill().into()),
        200 => Answer::Reply(reject(b"F99").into_bytes().into()),
        201 => Answer::Reply(reject(b"T77").into_bytes().into()),
        300 => {
            let wrong = FulfillBuilder { fulfillment: &[1; 32], data: &[] };
            Answer::Reply(wrong.build().unwrap().into_bytes().into())
        }
        400 => Answer::Status(500),
        500 => Answer::Status(503),
        600 => Answer::Reply(b"<html>".to_vec()),
        _ => Answer::Silence,
    }
}

fn told(pairs: &[(&str, u64)]) -> Vec<(String, u64)> {
    let mut told: Vec<_> = pairs.iter().map(|(name, count)| ((*name).to_owned(), *count)).collect();
    told.sort();
    told
}

/// Returns the API's counts of a peer's packets: in, out, amount in, amount out, on hold.
fn asked(node: &Node, peer: &str) -> [u64; 5] {
    let query = "query($id: String!) {
        peer(id: $id) { packetsIn packetsOut amountIn amountOut amountOnHold } }";
    let peer = &node.query(query, json!({ "id": peer }))["peer"];
    ["packetsIn", "packetsOut", "amountIn", "amountOut", "amountOnHold"]
        .map(|field| peer[field].as_str().unwrap().parse().unwrap())
}

/// Sends packets with every outcome, all of them from alice, and returns her id and bob's.
fn packets_of_every_fate(node: &Node, bob: &Stub) -> (String, String) {
    let asset = node.create_asset("USD", 2);
    let more = json!({ "initialLiquidity": "1000", "maxPacketAmount": "5000" });
    let alice = node.create_peer(&asset, "test.alice", NOWHERE, more);
    let bob = node.create_peer(&asset, "test.bob", &bob.endpoint(), json!({}));
    let mut sender = node.sender("test.alice");
    for amount in [100, 100, 0, 200, 201, 300, 400, 500, 600] {
        sender.send(&prepare("test.bob", amount));
    }
    sender.send(&prepare_until("test.bob", 700, in_ms(1_400)));
    sender.rejected(&prepare_until("test.bob", 10, in_ms(-1)));
    sender.rejected(&prepare_until("test.bob", 11, in_ms(900)));
    sender.rejected(&prepare("test.nobody", 12));
    sender.rejected(&prepare("peer.config", 13));
    sender.rejected(&prepare("test.alice", 14));
    sender.rejected(&prepare("g.bob", 15));
    sender.rejected(&prepare("test.node.nobody", 16));
    sender.rejected(&prepare("test.bob", 4_000));
    sender.rejected(&prepare("test.bob", 6_000));
    (alice, bob)
}

#[test]
fn each_packet_is_counted_once_by_peer_outcome_and_cause() {
    let (node, stub) = (Node::start(), Stub::start(by_amount));
    let (alice, bob) = packets_of_every_fate(&node, &stub);
    let ping = "{ ping(address: \"test.nobody\") { code } }";
    assert_eq!(node.query(ping, Value::Null)["ping"]["code"], "F02");
    let metrics = node.metrics();

    let refused_early = 10 + 11 + 12 + 13 + 14 + 15 + 4_000 + 6_000;
    let refused_late = 300 + 400 + 500 + 600 + 700;
    assert_eq!(metrics.peer_packets(&alice, "in"), [3, 3, 13]);
    assert_eq!(metrics.peer_amounts(&alice, "in"), [200, 401 + 16, refused_early + refused_late]);
    assert_eq!(metrics.peer_packets(&bob, "out"), [3, 2, 5]);
    assert_eq!(metrics.peer_amounts(&bob, "out"), [200, 401, refused_late]);
    for (peer, direction) in [(&alice, "out"), (&bob, "in")] {
        assert_eq!(metrics.peer_packets(peer, direction), [0; 3]);
        assert_eq!(metrics.peer_amounts(peer, direction), [0; 3]);
    }
    assert_eq!(metrics.peer_packets("own", "in"), [0, 0, 1]);
    // The receiver rejects the packet, whose address is not one of its own.
    assert_eq!(metrics.peer_packets("own", "out"), [0, 1, 0]);
    assert_eq!(metrics.peer_packets("other", "in"), [0; 3]);
    let all = told(&[
        ("in fulfilled", 3),
        ("in rejected", 3),
        ("in refused", 14),
        ("out fulfilled", 3),
        ("out rejected", 3),
        ("out refused", 5),
    ]);
    assert_eq!(metrics.nonzero("jirani_packets_total"), all);

    let refusals = told(&[
        ("already_expired R02", 1),
        ("too_little_time R02", 1),
        ("no_route F02", 2),
        ("peer_address F02", 1),
        ("back_to_sender F02", 1),
        ("other_network F02", 1),
        ("beyond_liquidity F08", 1),
        ("amount_too_large F08", 1),
        ("wrong_fulfillment F05", 1),
        ("next_hop_unreachable T01", 1),
        ("next_hop_busy T02", 1),
        ("not_a_reply T00", 1),
        ("no_reply_in_time R00", 1),
    ]);
    assert_eq!(metrics.nonzero("jirani_refusals_total"), refusals);
    let failures = told(&[("failed", 1), ("busy", 1), ("no_reply_in_time", 1)]);
    assert_eq!(metrics.nonzero("jirani_link_failures_total"), failures);
    assert_eq!(metrics.nonzero("jirani_peer_link_failures_total"), told(&[(&bob, 3)]));
    let failures = told(&[("status", 1), ("busy", 1), ("timeout", 1)]);
    assert_eq!(metrics.nonzero("jirani_client_failures_total"), failures);
    assert_eq!(
        metrics.nonzero("jirani_rejects_total"),
        told(&[("F02", 1), ("F99", 1), ("other", 1)])
    );
    assert_eq!(metrics.nonzero("jirani_http_responses_total"), told(&[("200", 19)]));

    // 19 packets and a ping, of which 10 were sent on and 2 moved money.
    let counted = |name: &str| metrics.number(&format!("jirani_packet_{name}seconds_count"), &[]);
    assert_eq!(["", "own_", "next_hop_"].map(counted), [20, 20, 10]);
    // A transfer that is durable before the packet's thread looks was not waited for.
    assert!(counted("durability_") <= 2, "{}", counted("durability_"));

    assert_eq!(asked(&node, &alice), [3, 0, 200, 0, 0]);
    assert_eq!(asked(&node, &bob), [0, 3, 0, 200, 0]);
    let liquidity = |peer: &str| {
        let labels = [("peer", peer), ("asset", "USD"), ("scale", "2")];
        metrics.number("jirani_peer_liquidity", &labels)
    };
    assert_eq!((liquidity(&alice), liquidity(&bob)), (800, 1_000_200));
}

#[test]
fn the_node_itself_is_told_of() {
    let (node, stub) = (Node::start(), Stub::start(by_amount));
    packets_of_every_fate(&node, &stub);
    let mut stranger = node.sender("nobody's token");
    for _ in 0..3 {
        assert_eq!(stranger.post(&prepare("test.bob", 1)).unwrap().status, 401);
    }
    let junk = node.sender("test.alice").post(b"no packet").unwrap();
    assert_eq!(junk.status, 400);
    let metrics = node.metrics();
    let number = |name: &str| metrics.number(name, &[]);
    let answers = told(&[("200", 19), ("400", 1), ("401", 3)]);
    assert_eq!(metrics.nonzero("jirani_http_responses_total"), answers);
    assert_eq!(number("jirani_http_connections_accepted_total"), 3);
    assert!(number("jirani_http_connections_open") >= 1);
    assert!(number("jirani_client_connections_opened_total") >= 1);
    assert_eq!((number("jirani_peers"), number("jirani_assets")), (2, 1));
    assert_eq!(metrics.number("jirani_asset_liquidity", &[("asset", "USD"), ("scale", "2")]), 0);
    // Two packets that moved money, and the deposits of two peers.
    assert_eq!(number("jirani_ledger_posted_total"), 4);
    assert_eq!(number("jirani_journal_lag"), 0);
    // Records are in the journal, too.
    assert!(number("jirani_journal_commit_seconds_count") >= 4);
    assert!(number("jirani_journal_written_bytes_total") > 4 * 64);
    assert_eq!(number("jirani_journal_segments"), 1);
    assert_eq!(number("jirani_journal_disk_bytes"), 1024 * 1024);
    assert_eq!((number("jirani_ledger_stopped"), number("jirani_ledger_warning")), (0, 0));
    assert_eq!(number("jirani_transfers_in_flight"), 0);
    assert_eq!(number("jirani_transfers_in_flight_max"), 65_536);
    assert_eq!((number("jirani_events_due"), number("jirani_events_dead")), (0, 0));
    let resident = number("process_resident_memory_bytes");
    let status = node.memory_kb("VmRSS") * 1024;
    assert!(resident > status / 2 && resident < status * 2, "{resident} and {status}");
    assert!(number("process_open_fds") > 10 && number("process_threads") > 3);
    let version = env!("CARGO_PKG_VERSION");
    assert_eq!(metrics.number("jirani_build_info", &[("version", version)]), 1);
}

#[test]
fn a_packet_under_way_is_on_hold_on_both_sides() {
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
    let alice = node.create_peer(&asset, "test.alice", NOWHERE, json!({}));
    let bob_id = node.create_peer(&asset, "test.bob", &bob.endpoint(), json!({}));
    let mut sender = node.sender("test.alice");
    let client = thread::spawn(move || sender.fulfilled(&prepare("test.bob", 500)));
    on_arrival.recv_timeout(PATIENCE).unwrap();

    let on_hold = |metrics: &Exposition, peer: &str, direction: &str| {
        let labels = [("peer", peer), ("direction", direction)];
        let packets = metrics.number("jirani_peer_packets_in_flight", &labels);
        let labels = [&labels[..], &[("asset", "USD"), ("scale", "2")]].concat();
        (packets, metrics.number("jirani_peer_amount_on_hold", &labels))
    };
    let metrics = node.metrics();
    assert_eq!(on_hold(&metrics, &alice, "in"), (1, 500));
    assert_eq!(on_hold(&metrics, &bob_id, "out"), (1, 500));
    assert_eq!(on_hold(&metrics, &alice, "out"), (0, 0));
    assert_eq!(metrics.number("jirani_packets_in_flight", &[("direction", "in")]), 1);
    assert_eq!(metrics.number("jirani_transfers_in_flight", &[]), 1);
    assert_eq!(metrics.number("jirani_http_requests_in_flight", &[]), 1);
    assert!(metrics.number("jirani_client_connections_open", &[]) >= 1);
    assert_eq!(asked(&node, &alice), [0, 0, 0, 0, 500]);

    release.send(()).unwrap();
    client.join().unwrap();
    let metrics = node.metrics();
    assert_eq!(on_hold(&metrics, &alice, "in"), (0, 0));
    assert_eq!(metrics.peer_packets(&alice, "in"), [1, 0, 0]);
    assert_eq!(asked(&node, &bob_id), [0, 1, 0, 500, 0]);
}

#[test]
fn a_converted_packet_that_a_second_peer_takes_is_counted_once_and_in_either_unit() {
    let environment = [("JIRANI_ILP_ADDRESS", "test.node"), ("JIRANI_RATES_FIXED", "USD/EUR=2")];
    let (node, stub) = (Node::start_with(&environment), Stub::fulfilling());
    let (dollars, euros) = (node.create_asset("USD", 2), node.create_asset("EUR", 2));
    node.stock(&euros, 1_000_000);
    let alice = node.create_peer(&dollars, "test.alice", NOWHERE, json!({}));
    let shared = || json!({ "routes": ["test.shared"] });
    let down = node.create_peer(&euros, "test.down", "http://127.0.0.1:2", shared());
    let up = node.create_peer(&euros, "test.up", &stub.endpoint(), shared());
    let mut sender = node.sender("test.alice");
    let failed = || node.metrics().number("jirani_peer_link_failures_total", &[("peer", &down)]);
    // The order of the two next hops depends on their ids and the destination. After three failures
    // the breaker skips the one.
    let mut sent = 0;
    while failed() < 3 {
        assert!(sent < 1_000, "each second destination or so leads to the one first");
        sender.fulfilled(&prepare(&format!("test.shared.{sent}"), 100));
        sent += 1;
    }
    sender.send(ildcp::request(in_ms(20_000)).as_bytes());
    let metrics = node.metrics();
    assert_eq!(metrics.peer_packets(&alice, "in"), [sent + 1, 0, 0]);
    assert_eq!(metrics.peer_amounts(&alice, "in"), [100 * sent, 0, 0]);
    assert_eq!(metrics.peer_packets(&down, "out"), [0; 3]);
    assert_eq!(metrics.peer_packets(&up, "out"), [sent, 0, 0]);
    assert_eq!(metrics.peer_packets("own", "out"), [1, 0, 0]);
    let labels = [("peer", up.as_str()), ("asset", "EUR"), ("scale", "2")];
    let labels = [&labels[..], &[("direction", "out"), ("outcome", "fulfilled")]].concat();
    assert_eq!(metrics.number("jirani_peer_amount_total", &labels), 200 * sent);
    assert_eq!(metrics.nonzero("jirani_peer_link_failures_total"), told(&[(&down, 3)]));
    assert_eq!(metrics.nonzero("jirani_refusals_total"), []);
    assert_eq!(metrics.nonzero("jirani_peer_breaker_open"), told(&[(&down, 1)]));
    let states = told(&[("reachable", 1), ("unknown", 1), ("unreachable", 1)]);
    assert_eq!(metrics.nonzero("jirani_peers_by_state"), states);
    let of_alice = [("peer", alice.as_str())];
    assert_eq!(metrics.number("jirani_peer_packets_in_flight_max", &of_alice), 4_096);
    let rate = [("base", "USD"), ("quote", "EUR"), ("origin", "fixed")];
    assert_eq!(metrics.number("jirani_rate_stale", &rate), 0);
    let number = |name: &str| metrics.number(name, &[]);
    assert_eq!((number("jirani_rates"), number("jirani_rates_stale")), (2, 0));
}

#[test]
fn two_nodes_of_a_chain_tell_the_same() {
    let one = Node::start_with(&[("JIRANI_ILP_ADDRESS", "test.one")]);
    let two = Node::start_with(&[("JIRANI_ILP_ADDRESS", "test.two")]);
    let bob = Stub::start(by_amount);
    let (asset_one, asset_two) = (one.create_asset("USD", 2), two.create_asset("USD", 2));
    let alice = one.create_peer(&asset_one, "test.alice", NOWHERE, json!({}));
    let bob_id = two.create_peer(&asset_two, "test.bob", &bob.endpoint(), json!({}));
    let http = |incoming: &str, outgoing: &str, endpoint: &Node| {
        json!({ "incoming": { "authTokens": [incoming] },
            "outgoing": { "endpoint": endpoint.ilp.to_string(), "authToken": outgoing } })
    };
    let more = json!({ "http": http("from-two", "from-one", &two), "routes": ["test.bob"] });
    let to_two = one.create_peer(&asset_one, "test.two", NOWHERE, more);
    let more = json!({ "http": http("from-one", "from-two", &one) });
    let from_one = two.create_peer(&asset_two, "test.one", NOWHERE, more);
    let mut sender = one.sender("test.alice");
    for amount in [100, 100, 200, 400] {
        sender.send(&prepare("test.bob", amount));
    }
    let (at_one, at_two) = (one.metrics(), two.metrics());
    // The first node passes the second one's Rejects on.
    for (metrics, peer, direction, packets_expected, amounts_expected) in [
        (&at_one, &alice, "in", [2, 2, 0], [200, 600, 0]),
        (&at_one, &to_two, "out", [2, 2, 0], [200, 600, 0]),
        (&at_two, &from_one, "in", [2, 1, 1], [200, 200, 400]),
        (&at_two, &bob_id, "out", [2, 1, 1], [200, 200, 400]),
    ] {
        assert_eq!(metrics.peer_packets(peer, direction), packets_expected);
        assert_eq!(metrics.peer_amounts(peer, direction), amounts_expected);
    }
    assert_eq!(at_one.nonzero("jirani_rejects_total"), told(&[("F99", 1), ("T01", 1)]));
    assert_eq!(at_two.nonzero("jirani_rejects_total"), told(&[("F99", 1)]));
}

#[test]
fn counters_start_at_zero_with_the_process_and_the_books_go_on() {
    let (node, stub) = (Node::start(), Stub::fulfilling());
    let asset = node.create_asset("USD", 2);
    let more = json!({ "liquidityThreshold": "999995" });
    let alice = node.create_peer(&asset, "test.alice", NOWHERE, more);
    node.create_peer(&asset, "test.bob", &stub.endpoint(), json!({}));
    node.sender("test.alice").fulfilled(&prepare("test.bob", 10));
    assert_eq!(asked(&node, &alice), [1, 0, 10, 0, 0]);
    let events_due = |node: &Node| node.metrics().number("jirani_events_due", &[]);
    wait_for("the event that liquidity is low", || (events_due(&node) == 1).then_some(()));
    let node = node.stop().start();
    assert_eq!(asked(&node, &alice), [0; 5]);
    assert_eq!(events_due(&node), 1, "nobody took it");
    let metrics = node.metrics();
    assert_eq!(metrics.nonzero("jirani_packets_total"), []);
    let labels = [("peer", alice.as_str()), ("asset", "USD"), ("scale", "2")];
    assert_eq!(metrics.number("jirani_peer_liquidity", &labels), 999_990);
    assert_eq!(metrics.number("jirani_ledger_posted_total", &[]), 3);
}
