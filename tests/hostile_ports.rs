//! Hostile neighbours on every port: their use of resources is bounded, and the node serves its
//! other clients.

#[expect(dead_code, reason = "the benchmark alone asks and waits for answers")]
pub(crate) mod attacks;
pub(crate) mod frames;
/// Attacks on the operator's port, and on those of wallets and auto-peering.
mod surfaces;

use std::{thread, time::Duration};

use interledger_packet::{FulfillBuilder, Reply};
use serde_json::json;

use self::attacks::{Attack, Target};
use crate::support::{
    Node,
    packets::{FULFILLMENT, Sender, in_ms, prepare, prepare_until},
    stub::{Answer, Stub},
};

/// The most memory that the node may use throughout, in kilobytes.
const MEMORY_KB_MAX: u64 = 200_000;
/// The length of an attack.
const LENGTH: Duration = Duration::from_secs(4);
/// The number of the good peer's packets during an attack, over a kept connection and over new
/// ones.
const PACKETS: usize = 200;
const CONNECTIONS: usize = 20;
/// The number of times that a peer connects for one packet.
const TRIES: usize = 5;

/// A node with a good peer, a hostile one with an accomplice behind the node, and a receiver that
/// both send packets to.
struct Neighbourhood {
    node: Node,
    _bob: Stub,
    _accomplice: Stub,
}

impl Neighbourhood {
    fn new() -> Self {
        let node = Node::start();
        let bob = Stub::fulfilling();
        // The accomplice answers with the longest reply.
        let long = FulfillBuilder { fulfillment: &FULFILLMENT, data: &[7; 32_000] };
        let long: Vec<u8> = long.build().unwrap().into_bytes().into();
        let accomplice = Stub::start(move |_| Answer::Reply(long.clone()));
        let asset = node.create_asset("USD", 2);
        node.create_peer(&asset, "test.alice", "http://127.0.0.1:1", json!({}));
        node.create_peer(&asset, "test.mallory", "http://127.0.0.1:1", json!({}));
        node.create_peer(&asset, "test.bob", &bob.endpoint(), json!({}));
        node.create_peer(&asset, "test.accomplice", &accomplice.endpoint(), json!({}));
        Self { node, _bob: bob, _accomplice: accomplice }
    }

    fn target(&self, token: &str, destination: &str) -> Target {
        Target {
            port: self.node.ilp,
            token: token.to_owned(),
            packet: prepare_until(destination, 0, in_ms(60_000)),
        }
    }

    /// Sends packets of the good peer during an attack, all of which arrive, and checks that the
    /// node has not used more memory than it may.
    fn withstands(&self, attack: Attack, target: &Target) {
        let siege = attack.start(target);
        thread::sleep(LENGTH / 4);
        let mut alice = self.node.sender("test.alice");
        for _ in 0..PACKETS {
            alice.fulfilled(&prepare("test.bob", 1));
        }
        for _ in 0..CONNECTIONS {
            self.new_sender().fulfilled(&prepare("test.bob", 1));
        }
        thread::sleep(LENGTH / 2);
        alice.fulfilled(&prepare("test.bob", 1));
        self.is_within_its_memory(&format!("{attack:?}"));
        siege.end();
        alice.fulfilled(&prepare("test.bob", 1));
    }

    fn new_sender(&self) -> Sender {
        self.node.sender("test.alice")
    }

    fn is_within_its_memory(&self, what: &str) {
        let (most, now) = (self.node.memory_kb("VmHWM"), self.node.memory_kb("VmRSS"));
        println!("{what}: {most} kB at the most, {now} kB now");
        assert!(most < MEMORY_KB_MAX, "{what}: {most} kB");
    }
}

#[test]
fn refusals_that_are_never_taken_take_no_memory() {
    let neighbourhood = Neighbourhood::new();
    let target = neighbourhood.target("a-guess", "test.bob");
    neighbourhood.withstands(Attack::Untaken { connections: 200, streams: 2_000 }, &target);
}

#[test]
fn replies_that_are_never_taken_take_no_more_than_a_peers_share() {
    let neighbourhood = Neighbourhood::new();
    let target = neighbourhood.target("test.mallory", "test.accomplice");
    neighbourhood.withstands(Attack::Untaken { connections: 20, streams: 4_000 }, &target);
}

#[test]
fn refusals_to_a_peer_that_takes_none_take_no_memory() {
    let neighbourhood = Neighbourhood::new();
    // The node answers with its own Rejects until the peer's share is used up, and with 503 after
    // that.
    let target = neighbourhood.target("test.mallory", "test.nobody");
    neighbourhood.withstands(Attack::Untaken { connections: 200, streams: 8_000 }, &target);
}

#[test]
fn bursts_of_requests_without_a_token_take_no_memory() {
    let neighbourhood = Neighbourhood::new();
    let target = neighbourhood.target("a-guess", "test.bob");
    let attack = Attack::Bursts { connections: 12, streams: 8_000, bytes_per_second: 9_000_000 };
    neighbourhood.withstands(attack, &target);
}

#[test]
fn slow_bodies_of_one_peer_leave_room_for_the_others() {
    let neighbourhood = Neighbourhood::new();
    let target = neighbourhood.target("test.mallory", "test.bob");
    neighbourhood.withstands(Attack::SlowBodies { connections: 16, streams: 1_024 }, &target);
}

#[test]
fn requests_that_are_taken_back_at_once_take_no_memory() {
    let neighbourhood = Neighbourhood::new();
    for token in ["test.mallory", "a-guess"] {
        let target = neighbourhood.target(token, "test.bob");
        neighbourhood.withstands(Attack::Resets { connections: 8, streams: 4_000 }, &target);
    }
}

#[test]
fn clients_that_ask_and_never_read_are_cut() {
    let neighbourhood = Neighbourhood::new();
    let target = neighbourhood.target("test.mallory", "test.nobody");
    neighbourhood.withstands(Attack::Pipelined { connections: 100 }, &target);
    let stranger = neighbourhood.target("a-guess", "test.nobody");
    neighbourhood.withstands(Attack::Pipelined { connections: 100 }, &stranger);
}

#[test]
fn a_connection_for_each_guess_keeps_no_peer_out() {
    let neighbourhood = Neighbourhood::new();
    let target = neighbourhood.target("a-guess", "test.bob");
    neighbourhood.withstands(Attack::Churn { connections: 64 }, &target);
}

/// Sends a packet of alice's on a new connection. On a busy machine a stranger may take the place of the
/// connection before the token has arrived, and the client connects again.
fn fulfilled_on_a_new_connection(node: &Node) {
    let sent =
        (0..TRIES).find_map(|_| node.sender("test.alice").post(&prepare("test.bob", 1)).ok());
    let response = sent.expect("a peer gets a place");
    assert_eq!(response.status, 200, "{}", response.text());
    let reply = Reply::parse(response.body.into()).unwrap();
    assert!(matches!(reply, Reply::Fulfill(_)), "{reply:?}");
}

#[test]
fn silent_strangers_shut_no_peer_out() {
    let limit = usize::try_from(rlimit::increase_nofile_limit(4_096).unwrap()).unwrap();
    let connections = limit.saturating_sub(500).min(3_000);
    // There are fewer places than strangers.
    let node = Node::start_with(&[
        ("JIRANI_ILP_ADDRESS", "test.node"),
        ("JIRANI_ILP_CONNECTIONS_MAX", "1000"),
    ]);
    let bob = Stub::fulfilling();
    let asset = node.create_asset("USD", 2);
    node.create_peer(&asset, "test.alice", "http://127.0.0.1:1", json!({}));
    node.create_peer(&asset, "test.bob", &bob.endpoint(), json!({}));
    let mut kept = node.sender("test.alice");
    kept.fulfilled(&prepare("test.bob", 1));
    let target = Target { port: node.ilp, token: String::new(), packet: prepare("test.bob", 1) };
    for attack in [Attack::Silent { connections }, Attack::SlowHeads { connections }] {
        let siege = attack.start(&target);
        thread::sleep(LENGTH / 4);
        for _ in 0..CONNECTIONS {
            fulfilled_on_a_new_connection(&node);
        }
        kept.fulfilled(&prepare("test.bob", 1));
        siege.end();
    }
    assert!(node.memory_kb("VmHWM") < MEMORY_KB_MAX);
}
