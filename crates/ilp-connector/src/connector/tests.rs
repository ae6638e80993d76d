use std::{
    pin::pin,
    task::{Context, Poll, Waker},
};

use interledger_packet::{AmountTooLarge, ErrorCode, Reject};

mod counting;
mod exchange;
mod local;
mod peerings;
mod samples;
mod shortage;
mod way;

use super::*;
use crate::{
    LinkFailure,
    ledger::{Hold, HoldError, MemoryLedger, Stopped, Transfer},
    peer_limits::PeerLimits,
    testing::*,
};

/// Runs a future that has nothing to wait for; with a ledger in memory the core never waits.
fn ready<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => value,
        Poll::Pending => panic!("the core waited for something"),
    }
}

fn policy() -> Policy {
    Policy {
        amount_max_default: None,
        packets_per_minute_max_default: None,
        in_flight_default: InFlightDefaults {
            packets_max: 100,
            packets_ceiling: 1_000,
            amount_max: None,
            asset_share_percent_max: 100,
        },
        expiry_margin_ms: 1_000,
        hold_ms_max: 30_000,
    }
}

struct Node {
    connector: Connector<MemoryLedger>,
    alice: Arc<Peer>,
    bob: Arc<Peer>,
}

fn node() -> Node {
    let connector = Connector::new(address("g.node"), policy(), MemoryLedger);
    let (alice, bob) = (peer("g.alice"), peer("g.bob"));
    connector.add_peer(Arc::clone(&alice));
    connector.add_peer(Arc::clone(&bob));
    Node { connector, alice, bob }
}

impl Node {
    fn prepare(&self, packet: Prepare) -> Decision<Hold> {
        ready(self.connector.prepare(Source::Peer(&self.alice), packet, now()))
    }

    fn sent(&self, packet: Prepare) -> (Prepare, InFlight<Hold>) {
        match self.prepare(packet) {
            Decision::Send { packet, in_flight } => {
                (Prepare::parse(packet.into()).expect("a packet"), in_flight)
            }
            Decision::Reply(reject) => panic!("{:?}", Reject::parse(reject)),
            Decision::Deliver(packet) => panic!("for this node: {packet:?}"),
        }
    }

    fn refused(&self, packet: Prepare) -> Reject {
        match self.prepare(packet) {
            Decision::Reply(reject) => {
                let reject = Reject::parse(reject).expect("a reject");
                assert_eq!(reject.triggered_by().expect("an address").as_str(), "g.node");
                assert!(!reject.message().is_empty());
                reject
            }
            Decision::Send { packet, .. } => panic!("sent {packet:?}"),
            Decision::Deliver(packet) => panic!("for this node: {packet:?}"),
        }
    }

    fn refused_code(&self, packet: Prepare) -> ErrorCode {
        let code = self.refused(packet).code();
        assert_eq!(self.alice.liquidity.own_part().debits_pending, 0, "a refusal holds nothing");
        code
    }

    fn available(&self) -> (u128, u128) {
        (self.alice.liquidity.own_part().available(), self.bob.liquidity.own_part().available())
    }
}

#[test]
fn a_fulfilled_packet_moves_its_amount_once() {
    let node = node();
    let (packet, in_flight) = node.sent(prepare("g.bob.savings", 300));
    assert_eq!(packet.amount(), 300);
    assert_eq!(packet.expires_at(), now().saturating_add_ms(19_000));
    assert_eq!((packet.data(), packet.execution_condition()), (b"data".as_slice(), &condition()));
    assert_eq!(node.available(), (700, 1_000));

    let reply = ready(node.connector.complete(in_flight, Ok(fulfill()), now()));
    assert_eq!(reply, fulfill(), "the reply passes untouched");
    assert_eq!(node.available(), (700, 1_300));
}

#[test]
fn whatever_else_comes_back_voids_the_hold_at_once() {
    let reject = Reject::new(ErrorCode::F99_APPLICATION_ERROR, None, "no").into_bytes();
    let wrong = interledger_packet::FulfillBuilder { fulfillment: &[0; 32], data: &[] };
    let wrong = wrong.build().expect("a packet").into_bytes();
    let answers = [
        (Ok(reject), ErrorCode::F99_APPLICATION_ERROR),
        (Ok(wrong), ErrorCode::F05_WRONG_CONDITION),
        (Ok(Bytes::from_static(b"<html>")), ErrorCode::T00_INTERNAL_ERROR),
        (Ok(Bytes::new()), ErrorCode::T00_INTERNAL_ERROR),
        (Ok(prepare("g.bob", 1).into_bytes()), ErrorCode::T00_INTERNAL_ERROR),
        (Err(LinkFailure::NotAReply), ErrorCode::T00_INTERNAL_ERROR),
        (Err(LinkFailure::Unreachable), ErrorCode::T01_PEER_UNREACHABLE),
        (Err(LinkFailure::Failed), ErrorCode::T01_PEER_UNREACHABLE),
        (Err(LinkFailure::Busy), ErrorCode::T02_PEER_BUSY),
        (Err(LinkFailure::QueueFull), ErrorCode::T03_CONNECTOR_BUSY),
        (Err(LinkFailure::NoReplyInTime), ErrorCode::R00_TRANSFER_TIMED_OUT),
    ];
    for (answer, code) in answers {
        let node = node();
        let (_, in_flight) = node.sent(prepare("g.bob", 300));
        let reply = ready(node.connector.complete(in_flight, answer, now()));
        assert_eq!(Reject::parse(reply).expect("a reject").code(), code);
        assert_eq!(node.available(), (1_000, 1_000));
    }
}

#[test]
fn a_fulfill_counts_until_the_outgoing_expiry_and_not_after() {
    for (late_ms, is_booked) in [(18_999, true), (19_000, false), (60_000, false)] {
        let node = node();
        let (_, in_flight) = node.sent(prepare("g.bob", 300));
        let at = now().saturating_add_ms(late_ms);
        let reply = ready(node.connector.complete(in_flight, Ok(fulfill()), at));
        assert_eq!(reply == fulfill(), is_booked);
        assert_eq!(node.available(), if is_booked { (700, 1_300) } else { (1_000, 1_000) });
        if !is_booked {
            let code = Reject::parse(reply).expect("a reject").code();
            assert_eq!(code, ErrorCode::R00_TRANSFER_TIMED_OUT);
        }
    }
}

#[test]
fn expired_packets_and_those_about_to_are_refused() {
    let node = node();
    for (left_ms, is_sent) in [(0, false), (1, false), (1_000, false), (1_001, true)] {
        let mut packet = prepare("g.bob", 1);
        packet.set_expires_at(now().saturating_add_ms(left_ms));
        if is_sent {
            assert_eq!(node.sent(packet).0.expires_at(), now().saturating_add_ms(1));
        } else {
            assert_eq!(node.refused_code(packet), ErrorCode::R02_INSUFFICIENT_TIMEOUT);
        }
    }
    let mut packet = prepare("g.bob", 1);
    packet.set_expires_at(Timestamp::MAX);
    assert_eq!(node.sent(packet).0.expires_at(), now().saturating_add_ms(30_000));
}

#[test]
fn amounts_over_either_sides_maximum_are_refused_with_what_would_pass() {
    let node = node();
    let limit = |peer: &Arc<Peer>, maximum| {
        let terms = Terms { max_packet_amount: Some(maximum), ..(*peer.terms()).clone() };
        node.connector.update_peer(peer.id, terms).expect("the peer is there");
    };
    for (alices, bobs, passes) in [(100, 1_000, 100), (1_000, 70, 70), (0, 1_000, 0)] {
        limit(&node.alice, alices);
        limit(&node.bob, bobs);
        let reject = node.refused(prepare("g.bob", passes + 1));
        assert_eq!(reject.code(), ErrorCode::F08_AMOUNT_TOO_LARGE);
        let details = AmountTooLarge::from_data(reject.data()).expect("16 bytes");
        assert_eq!((details.received, details.maximum), (passes + 1, passes));
        assert_eq!(node.sent(prepare("g.bob", passes)).0.amount(), passes);
    }
}

#[test]
fn a_peer_without_a_maximum_gets_the_default_one() {
    let policy = Policy { amount_max_default: Some(5), ..policy() };
    let connector = Connector::new(address("g.node"), policy, MemoryLedger);
    let (alice, bob) = (peer("g.alice"), peer("g.bob"));
    connector.add_peer(Arc::clone(&alice));
    connector.add_peer(Arc::clone(&bob));
    let node = Node { connector, alice, bob };
    assert_eq!(node.refused_code(prepare("g.bob", 6)), ErrorCode::F08_AMOUNT_TOO_LARGE);
    assert_eq!(node.sent(prepare("g.bob", 5)).0.amount(), 5);
}

#[test]
fn destinations_that_lead_nowhere_are_unreachable() {
    let node = node();
    for destination in [
        "g.bobby",
        "g.nobody.here",
        "g.alice.herself",
        "g.node",
        "peer.config",
        "peer.bob",
        "test.bob",
        "test2.bob",
        "private.bob",
    ] {
        let code = node.refused_code(prepare(destination, 1));
        assert_eq!(code, ErrorCode::F02_UNREACHABLE, "{destination}");
    }
}

#[test]
fn a_peer_in_another_asset_needs_a_rate() {
    let node = node();
    node.connector.add_peer(peer_with(terms("g.euro"), asset("EUR"), 1_000));
    assert_eq!(node.refused_code(prepare("g.euro", 1)), ErrorCode::F07_CANNOT_RECEIVE);
}

#[test]
fn a_packet_beyond_the_senders_liquidity_is_refused_and_zero_never_is() {
    let node = node();
    assert_eq!(node.refused_code(prepare("g.bob", 1_001)), ErrorCode::F08_AMOUNT_TOO_LARGE);
    let (_, all) = node.sent(prepare("g.bob", 1_000));
    assert_eq!(node.refused(prepare("g.bob", 1)).code(), ErrorCode::T04_INSUFFICIENT_LIQUIDITY);
    let (_, zero) = node.sent(prepare("g.bob", 0));
    assert_eq!(ready(node.connector.complete(zero, Ok(fulfill()), now())), fulfill());
    drop(all);
    assert_eq!(node.available(), (1_000, 1_000));
}

#[test]
fn the_packet_rate_is_the_peers_own_or_the_default() {
    let node = node();
    let limits = PeerLimits { packets_per_minute_max: Some(3), ..PeerLimits::default() };
    let terms = Terms { limits, ..(*node.alice.terms()).clone() };
    node.connector.update_peer(node.alice.id, terms).expect("the peer is there");
    for _ in 0..3 {
        node.sent(prepare("g.bob", 1));
    }
    assert_eq!(node.refused_code(prepare("g.bob", 1)), ErrorCode::T05_RATE_LIMITED);
}

#[test]
fn a_node_that_shuts_down_takes_nothing_new_and_ends_what_is_under_way() {
    let node = node();
    let (_, in_flight) = node.sent(prepare("g.bob", 300));
    node.connector.shut_down();
    assert_eq!(node.refused(prepare("g.bob", 1)).code(), ErrorCode::T03_CONNECTOR_BUSY);
    assert_eq!(ready(node.connector.complete(in_flight, Ok(fulfill()), now())), fulfill());
    assert_eq!(node.available(), (700, 1_300));
}

#[test]
fn a_removed_peer_is_gone_and_its_packets_under_way_still_end() {
    let node = node();
    let (_, in_flight) = node.sent(prepare("g.bob", 300));
    node.connector.remove_peer(node.bob.id).expect("the peer was there");
    assert_eq!(node.refused(prepare("g.bob", 1)).code(), ErrorCode::F02_UNREACHABLE);
    assert!(node.connector.peer_by_token(b"g.bob").is_none());
    assert_eq!(ready(node.connector.complete(in_flight, Ok(fulfill()), now())), fulfill());
    assert_eq!(node.available(), (700, 1_300));
}

#[test]
fn new_terms_replace_tokens_and_routes() {
    let node = node();
    let id = node.bob.id;
    assert_eq!(node.connector.peer_by_token(b"g.bob").map(|peer| peer.id), Some(id));
    let new = Terms { routes: vec![route("g.also")], ..terms("g.robert") };
    node.connector.update_peer(id, new).expect("the peer is there");
    assert!(node.connector.peer_by_token(b"g.bob").is_none());
    assert_eq!(node.connector.peer_by_token(b"g.robert").map(|peer| peer.id), Some(id));
    assert_eq!(node.refused_code(prepare("g.bob.x", 1)), ErrorCode::F02_UNREACHABLE);
    for destination in ["g.robert.x", "g.also.x"] {
        node.sent(prepare(destination, 1));
    }
}

/// Books that refuse, or that stop between hold and post.
struct FailingLedger {
    on_hold: Option<HoldError>,
}

impl Ledger for FailingLedger {
    type Hold = Hold;
    type Posting = std::future::Ready<Result<(), Stopped>>;

    async fn hold(&self, transfer: Transfer) -> Result<Hold, HoldError> {
        match self.on_hold {
            Some(error) => Err(error),
            None => Hold::reserve(transfer),
        }
    }

    fn post(&self, _hold: Hold) -> Self::Posting {
        std::future::ready(Err(Stopped))
    }
}

#[test]
fn a_ledger_that_is_full_or_has_stopped_is_a_busy_connector() {
    let with = |on_hold| {
        let connector = Connector::new(address("g.node"), policy(), FailingLedger { on_hold });
        connector.add_peer(peer("g.bob"));
        connector
    };
    let alice = peer("g.alice");
    for error in [HoldError::Full, HoldError::Stopped] {
        let connector = with(Some(error));
        let decision = connector.prepare(Source::Peer(&alice), prepare("g.bob", 1), now());
        let Decision::Reply(reply) = ready(decision) else { panic!("sent") };
        let code = Reject::parse(reply).expect("a reject").code();
        assert_eq!(code, ErrorCode::T03_CONNECTOR_BUSY);
    }

    let connector = with(None);
    let decision = connector.prepare(Source::Peer(&alice), prepare("g.bob", 1), now());
    let Decision::Send { in_flight, .. } = ready(decision) else { panic!("refused") };
    let reply = ready(connector.complete(in_flight, Ok(fulfill()), now()));
    let code = Reject::parse(reply).expect("no Fulfill leaves that isn't in the books").code();
    assert_eq!(code, ErrorCode::T03_CONNECTOR_BUSY);
}

#[test]
fn the_nodes_own_questions_carry_no_money() {
    let node = node();
    let ask = |amount| ready(node.connector.prepare(Source::Own, prepare("g.bob", amount), now()));
    assert!(matches!(ask(0), Decision::Send { .. }));
    assert!(matches!(ask(1), Decision::Reply(_)));
}
