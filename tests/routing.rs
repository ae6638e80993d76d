//! Several routes to one destination, the default route, and the limit of one peer's packets in
//! flight.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread,
};

use bytes::Bytes;
use interledger_packet::{Address, AmountTooLarge, FulfillBuilder, PrepareBuilder, Reply};
use parking_lot::Mutex;
use ring::digest::{SHA256, digest};
use serde_json::{Value, json};

use crate::support::{
    Node,
    packets::{Sender, fulfill, in_ms, parse_prepare, prepare},
    stub::{Answer, Stub},
    wait_for,
};

const NOWHERE: &str = "http://127.0.0.1:1";
const LIQUIDITY: u64 = 1 << 60;

fn sha256(bytes: &[u8]) -> [u8; 32] {
    digest(&SHA256, bytes).as_ref().try_into().unwrap()
}

/// Makes a packet of 1 to 97 whose data gives its receiver the fulfillment, so that each packet is
/// different.
fn numbered(number: u64, destination: &str) -> (u64, Bytes) {
    let fulfillment = sha256(&number.to_be_bytes());
    let amount = 1 + number % 97;
    let destination = Address::try_from(destination).unwrap();
    let packet = PrepareBuilder {
        amount,
        expires_at: in_ms(20_000),
        execution_condition: &sha256(&fulfillment),
        destination: destination.as_addr(),
        data: &fulfillment,
    };
    (amount, packet.build().unwrap().into_bytes())
}

/// The packets that reached Bob, by condition: the peer and the amount of each time.
type Received = Arc<Mutex<HashMap<[u8; 32], Vec<(String, u64)>>>>;

fn bob(received: &Received) -> Stub {
    let received = Arc::clone(received);
    Stub::start(move |request| {
        let packet = parse_prepare(&request.body);
        let came = (request.authorization.clone(), packet.amount());
        received.lock().entry(*packet.execution_condition()).or_default().push(came);
        let fulfillment = packet.data().try_into().unwrap();
        let fulfill = FulfillBuilder { fulfillment, data: &[] }.build().unwrap();
        Answer::Reply(fulfill.into_bytes().into())
    })
}

fn http(incoming: &str, endpoint: &str, outgoing: &str) -> Value {
    json!({
        "incoming": { "authTokens": [incoming] },
        "outgoing": { "endpoint": endpoint, "authToken": outgoing },
    })
}

/// A node, and the ids of its two peers: the one that sends to it, and the one that it sends to.
struct Hop {
    node: Node,
    sender: String,
    receiver: String,
}

/// Makes node B or C, which takes packets from A, and forwards those for Bob to him.
fn hop(name: &str, bob: &Stub) -> Hop {
    let node = Node::start_with(&[("JIRANI_ILP_ADDRESS", name)]);
    let asset = node.create_asset("USD", 2);
    let funds = |http| json!({ "http": http, "initialLiquidity": LIQUIDITY.to_string() });
    let sender = node.create_peer(
        &asset,
        "test.a",
        NOWHERE,
        funds(http(&format!("a-at-{name}"), NOWHERE, "x")),
    );
    let to_bob = funds(http(&format!("bob-at-{name}"), &bob.endpoint(), name));
    let receiver = node.create_peer(&asset, "test.bob", NOWHERE, to_bob);
    Hop { node, sender, receiver }
}

/// Makes node A, which takes packets from Alice, and reaches Bob through B and through C.
fn first_hop(hops: &[Hop; 2]) -> (Node, String, [String; 2]) {
    let node = Node::start_with(&[("JIRANI_ILP_ADDRESS", "test.a")]);
    let asset = node.create_asset("USD", 2);
    let funds = json!({ "initialLiquidity": LIQUIDITY.to_string() });
    let alice = node.create_peer(&asset, "test.alice", NOWHERE, funds);
    let peers = [("test.b", &hops[0]), ("test.c", &hops[1])].map(|(name, hop)| {
        let endpoint = format!("http://{}", hop.node.ilp);
        let more = json!({
            "routes": ["test.bob"],
            "http": http(name, &endpoint, &format!("a-at-{name}")),
        });
        node.create_peer(&asset, name, NOWHERE, more)
    });
    (node, alice, peers)
}

fn state(node: &Node, peer: &str) -> Value {
    let query = "query($id: String!) { peer(id: $id) { state lastSeenAt } }";
    node.query(query, json!({ "id": peer }))["peer"].clone()
}

/// Sends a payment of `packets` packets as a sender does: the amount of a temporarily rejected packet
/// is sent again in a new one. Returns the fulfilled amount, and counts the Rejects.
fn pay(
    node: &Node,
    number: &AtomicU64,
    payment: usize,
    packets: usize,
    refused: &AtomicU64,
) -> u64 {
    let mut sender = node.sender("test.alice");
    let (mut paid, mut left) = (0, packets);
    while left > 0 {
        let number = number.fetch_add(1, Ordering::SeqCst);
        let (amount, packet) = numbered(number, &format!("test.bob.payment{payment}"));
        match sender.send(&packet) {
            Reply::Fulfill(_) => (paid, left) = (paid + amount, left - 1),
            Reply::Reject(reject) => {
                let code = reject.code().to_string();
                assert!(code.starts_with('T'), "a sender gives up on {code}");
                refused.fetch_add(1, Ordering::SeqCst);
            }
        }
    }
    paid
}

/// Returns the amount that Bob got through a node, with each packet counted once.
fn received_through(received: &Received, name: &str) -> u64 {
    let received = received.lock();
    let through = received.values().map(|came| {
        assert_eq!(came.len(), 1, "a packet came twice: {came:?}");
        &came[0]
    });
    through.filter(|(token, _)| *token == format!("Bearer {name}")).map(|(_, amount)| amount).sum()
}

#[test]
fn a_payment_goes_on_when_one_of_two_next_hops_is_killed_and_it_is_used_again_when_it_is_back() {
    const PAYMENTS: usize = 8;
    const PACKETS: usize = 150;
    let received = Received::default();
    let bob = bob(&received);
    let [b, c] = ["test.b", "test.c"].map(|name| hop(name, &bob));
    let hops = [b, c];
    let (a, alice, at_a) = first_hop(&hops);
    let (number, refused) = (AtomicU64::new(0), AtomicU64::new(0));

    let mut paid: u64 = thread::scope(|scope| {
        let payments: Vec<_> = (0..PAYMENTS)
            .map(|payment| {
                let (a, number, refused) = (&a, &number, &refused);
                scope.spawn(move || pay(a, number, payment, PACKETS, refused))
            })
            .collect();
        wait_for("packets on both ways", || {
            let through = |name| received_through(&received, name) > 1_000;
            (through("test.b") && through("test.c")).then_some(())
        });
        hops[0].node.signal("KILL");
        payments.into_iter().map(|payment| payment.join().unwrap()).sum()
    });
    let refused_by_then = refused.load(Ordering::SeqCst);
    // Packets sent from now on find B dead, and the breaker skips it sooner or later.
    wait_for("B to be set aside", || {
        paid += (0..PAYMENTS).map(|payment| pay(&a, &number, payment, 1, &refused)).sum::<u64>();
        (state(&a, &at_a[0])["state"] == "UNREACHABLE").then_some(())
    });
    assert_eq!(refused.load(Ordering::SeqCst), refused_by_then, "a dead next hop refuses nobody");
    assert_eq!(state(&a, &at_a[1])["state"], "REACHABLE");

    let [b, c] = hops;
    let (listen, before) = (b.node.ilp.to_string(), received_through(&received, "test.b"));
    let b = Hop { node: b.node.kill().with("JIRANI_ILP_LISTEN", &listen).start(), ..b };
    wait_for("B to be used again", || {
        paid += (0..PAYMENTS).map(|payment| pay(&a, &number, payment, 1, &refused)).sum::<u64>();
        (received_through(&received, "test.b") > before).then_some(())
    });
    assert_eq!(state(&a, &at_a[0])["state"], "REACHABLE");
    assert!(state(&a, &at_a[0])["lastSeenAt"].is_string());

    // A's books: the amount that Alice paid is what was fulfilled to her, and what B and C got.
    let got = |peer: &str| a.liquidity(peer) - 1_000_000;
    assert_eq!(LIQUIDITY - a.liquidity(&alice), paid);
    assert_eq!(got(&at_a[0]) + got(&at_a[1]), paid);
    // C was never killed, so its books agree with A's, and with what Bob saw.
    let books = |hop: &Hop| {
        let from_a = LIQUIDITY - hop.node.liquidity(&hop.sender);
        assert_eq!(hop.node.liquidity(&hop.receiver) - LIQUIDITY, from_a);
        from_a
    };
    let (through_b, through_c) = (books(&b), books(&c));
    assert_eq!(through_c, got(&at_a[1]));
    assert_eq!(through_c, received_through(&received, "test.c"));
    // A packet in flight when B was killed may be in B's books and not in A's, or at Bob and in no
    // books; never the reverse.
    let at_bob = received_through(&received, "test.b");
    assert!(got(&at_a[0]) <= through_b && through_b <= at_bob, "{through_b} of {at_bob}");
    println!(
        "{} packets, {} fulfilled amount; {} refused in all, {refused_by_then} around the kill; \
         through B {} at A, {through_b} at B, {at_bob} at Bob; through C {through_c} everywhere",
        number.load(Ordering::SeqCst),
        paid,
        refused.load(Ordering::SeqCst),
        got(&at_a[0]),
    );
}

/// Sends probes that get no answer until `stop` is set, and counts the Rejects by code.
fn probe(node: &Node, connections: usize, amount: u64, stop: &AtomicBool) -> HashMap<String, u64> {
    let mut waiting: Vec<Sender> = Vec::new();
    let mut codes = HashMap::new();
    while !stop.load(Ordering::SeqCst) {
        // Unanswered probes keep their connections, and the loop continues without them.
        if waiting.len() < connections {
            let mut sender = node.sender("test.mallory");
            sender.write_only(&prepare("test.silent.hole", amount));
            waiting.push(sender);
        }
        let mut sender = node.sender("test.mallory");
        if waiting.len() >= connections
            && let Reply::Reject(reject) = sender.send(&prepare("test.silent.hole", amount))
        {
            *codes.entry(reject.code().to_string()).or_default() += 1;
        }
    }
    codes
}

#[test]
fn probes_that_nobody_answers_do_not_stop_another_peers_payment() {
    const PROBE: u64 = 1_000_000_000_000;
    let (silent, bob) = (Stub::start(|_| Answer::Silence), Stub::fulfilling());
    let node = Node::start();
    let (dollars, euros) = (node.create_asset("USD", 2), node.create_asset("EUR", 2));
    let rate = json!({ "input": { "base": "USD", "quote": "EUR", "rate": "1" } });
    node.query("mutation($input: SetRateInput!) { setRate(input: $input) { success } }", rate);
    let deposit = json!({ "input": {
        "assetId": euros, "amount": (10 * PROBE).to_string(), "idempotencyKey": "stock",
        "id": "019926a0-3b5c-7def-8123-456789abcdef",
    } });
    node.query(
        "mutation($input: DepositAssetLiquidityInput!) {
            depositAssetLiquidity(input: $input) { success } }",
        deposit,
    );
    let rich = json!({ "initialLiquidity": LIQUIDITY.to_string() });
    node.create_peer(&dollars, "test.mallory", NOWHERE, rich);
    let alice = node.create_peer(&dollars, "test.alice", NOWHERE, json!({}));
    node.create_peer(&euros, "test.silent", &silent.endpoint(), json!({}));
    let bob_id = node.create_peer(&euros, "test.bob", &bob.endpoint(), json!({}));

    let stop = AtomicBool::new(false);
    let codes = thread::scope(|scope| {
        let probes = scope.spawn(|| probe(&node, 20, PROBE, &stop));
        // Four of them hold 10, 11, 12 and 13 percent of the stock that was left when they came.
        wait_for("probes at the silent peer", || (silent.requests().len() >= 4).then_some(()));
        let mut sender = node.sender("test.alice");
        for _ in 0..200 {
            sender.fulfilled(&prepare("test.bob", 1_000));
        }
        assert_eq!(silent.requests().len(), 4, "no more than its share");
        stop.store(true, Ordering::SeqCst);
        probes.join().unwrap()
    });
    assert_eq!(node.liquidity(&alice), 1_000_000 - 200_000);
    assert_eq!(node.liquidity(&bob_id), 1_000_000 + 200_000);
    println!("200 packets of another peer fulfilled; probes of 10^12 meanwhile: 4 held, {codes:?}");
    assert!(codes.keys().all(|code| code == "T04"), "{codes:?}");
}

/// Both destinations have this next hop, which answers one of them only.
#[test]
fn packets_that_a_next_hop_leaves_waiting_keep_nobody_elses_from_it() {
    const WAITING: usize = 400;
    let bob = Stub::start(|request| match parse_prepare(&request.body).amount() {
        1 => Answer::Reply(fulfill().into()),
        _ => Answer::Silence,
    });
    let node = Node::start();
    let asset = node.create_asset("USD", 2);
    let limited = json!({ "packetsInFlightMax": WAITING });
    node.create_peer(&asset, "test.mallory", NOWHERE, limited);
    let alice = node.create_peer(&asset, "test.alice", NOWHERE, json!({}));
    node.create_peer(&asset, "test.bob", &bob.endpoint(), json!({}));
    let waiting: Vec<Sender> = (0..WAITING)
        .map(|_| {
            let mut sender = node.sender("test.mallory");
            sender.write_only(&prepare("test.bob", 100));
            sender
        })
        .collect();
    wait_for("all of them at Bob's", || (bob.requests().len() == WAITING).then_some(()));
    let reject = node.sender("test.mallory").rejected(&prepare("test.bob", 100));
    assert_eq!(reject.code().to_string(), "T05");
    let mut sender = node.sender("test.alice");
    for _ in 0..50 {
        sender.fulfilled(&prepare("test.bob", 1));
    }
    assert_eq!(node.liquidity(&alice), 999_950);
    drop(waiting);
}

#[test]
fn a_peer_has_no_more_under_way_than_agreed_and_is_told_so() {
    let silent = Stub::start(|request| match parse_prepare(&request.body).amount() {
        0 | 60 => Answer::Silence,
        _ => Answer::Reply(fulfill().into()),
    });
    let node = Node::start_with(&[
        ("JIRANI_ILP_ADDRESS", "test.node"),
        ("JIRANI_PEER_PACKETS_IN_FLIGHT_MAX", "3"),
        ("JIRANI_PEER_AMOUNT_IN_FLIGHT_MAX", "100"),
    ]);
    let asset = node.create_asset("USD", 2);
    node.create_peer(&asset, "test.alice", NOWHERE, json!({}));
    let more = json!({ "packetsInFlightMax": 4, "amountInFlightMax": "1000000" });
    node.create_peer(&asset, "test.carol", NOWHERE, more);
    let bob = node.create_peer(&asset, "test.bob", &silent.endpoint(), json!({}));
    let rejected = |token: &str, amount| {
        let reject = node.sender(token).rejected(&prepare("test.bob", amount));
        (reject.code().to_string(), AmountTooLarge::from_data(reject.data()).map(|it| it.maximum))
    };
    let send = |token: &str, amount, arrived| {
        let mut sender = node.sender(token);
        sender.write_only(&prepare("test.bob", amount));
        wait_for("the packet", || (silent.requests().len() == arrived).then_some(()));
        sender
    };
    assert_eq!(rejected("test.alice", 101), ("F08".to_owned(), Some(100)));
    let first = send("test.alice", 60, 1);
    assert_eq!(rejected("test.alice", 41).0, "T05");
    node.sender("test.alice").fulfilled(&prepare("test.bob", 40));
    let others = [send("test.alice", 0, 3), send("test.alice", 0, 4)];
    assert_eq!(rejected("test.alice", 0).0, "T05", "four under way");
    // Another peer has limits of its own.
    node.sender("test.carol").fulfilled(&prepare("test.bob", 101));
    assert_eq!(node.liquidity(&bob), 1_000_141);
    drop((first, others));
}

#[test]
fn a_default_route_takes_the_rest_and_is_listed_first() {
    let (parent, bob) = (Stub::fulfilling(), Stub::fulfilling());
    let node = Node::start();
    let asset = node.create_asset("USD", 2);
    node.create_peer(&asset, "test.alice", NOWHERE, json!({}));
    node.create_peer(&asset, "test.bob", &bob.endpoint(), json!({}));
    let default = json!({ "isDefaultRoute": true });
    let parent_id = node.create_peer(&asset, "test.parent", &parent.endpoint(), default);
    node.sender("test.alice").fulfilled(&prepare("test.far.away", 1));
    node.sender("test.alice").fulfilled(&prepare("test.bob.x", 1));
    assert_eq!((parent.requests().len(), bob.requests().len()), (1, 1));
    for destination in ["g.far.away", "peer.far", "private.far", "test.alice.x", "test.node.x"] {
        let reject = node.sender("test.alice").rejected(&prepare(destination, 1));
        assert_eq!(reject.code().to_string(), "F02", "{destination}");
    }
    let reject = node.sender("test.parent").rejected(&prepare("test.far.away", 1));
    assert_eq!(reject.code().to_string(), "F02", "never back to the sender");

    let routes = |node: &Node| {
        let query = "{ routes { edges { node { prefix peer { id } } } } }";
        let page = node.query(query, json!({}));
        page["routes"]["edges"].as_array().unwrap().clone()
    };
    assert_eq!(routes(&node)[0]["node"], json!({ "prefix": "", "peer": { "id": parent_id } }));
    let node = node.stop().start();
    node.sender("test.alice").fulfilled(&prepare("test.far.away", 1));
    let off = json!({ "input": { "id": parent_id, "isDefaultRoute": false } });
    node.query("mutation($input: UpdatePeerInput!) { updatePeer(input: $input) { success } }", off);
    let reject = node.sender("test.alice").rejected(&prepare("test.far.away", 1));
    assert_eq!(reject.code().to_string(), "F02");
    assert_eq!(routes(&node).len(), 3);
}
