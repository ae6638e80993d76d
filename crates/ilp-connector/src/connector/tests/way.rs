use super::*;
use crate::{breaker::Reachability, peer_limits::PeerLimits};

/// A node with alice, and with bob and carol, through both of whom `g.shared` is reached.
pub(super) fn node_with_two_ways() -> (Node, [Arc<Peer>; 2]) {
    let connector = Connector::new(address("g.node"), policy(), MemoryLedger);
    let with_route = |name: &str| {
        let terms = Terms { routes: vec![route("g.shared")], ..terms(name) };
        peer_with(terms, asset("USD"), 1_000)
    };
    let (alice, bob, carol) = (peer("g.alice"), with_route("g.bob"), with_route("g.carol"));
    for peer in [&alice, &bob, &carol] {
        connector.add_peer(Arc::clone(peer));
    }
    (Node { connector, alice, bob: Arc::clone(&bob) }, [bob, carol])
}

fn change(node: &Node, peer: &Arc<Peer>, change: impl FnOnce(&mut Terms)) {
    let mut terms = (*peer.terms()).clone();
    change(&mut terms);
    node.connector.update_peer(peer.id, terms).expect("the peer is there");
}

impl Node {
    pub(super) fn again(&self, in_flight: InFlight<Hold>, packet: Prepare) -> Decision<Hold> {
        self.again_after(0, in_flight, packet)
    }

    fn again_after(&self, ms: u64, in_flight: InFlight<Hold>, packet: Prepare) -> Decision<Hold> {
        ready(self.connector.prepare_again(
            Source::Peer(&self.alice),
            in_flight,
            packet.into_bytes(),
            LinkFailure::Unreachable,
            now().saturating_add_ms(ms),
        ))
    }
}

fn code_of(decision: Decision<Hold>) -> ErrorCode {
    match decision {
        Decision::Reply(reject) => Reject::parse(reject).expect("a reject").code(),
        decision => panic!("not refused: {decision:?}"),
    }
}

#[test]
fn a_packet_that_could_not_be_sent_goes_to_the_other_peer_as_it_arrived() {
    let (node, peers) = node_with_two_ways();
    let (packet, in_flight) = node.sent(prepare("g.shared.x", 600));
    let first = in_flight.peer.id;
    let Decision::Send { packet, in_flight } = node.again_after(5_000, in_flight, packet) else {
        panic!("there is another peer")
    };
    let packet = Prepare::parse(packet.into()).expect("a packet");
    // 600 of 1,000 twice would be too much: the first hold was void before the second was made.
    assert_eq!((packet.amount(), node.alice.liquidity.own_part().debits_pending), (600, 600));
    assert_eq!(packet.expires_at(), now().saturating_add_ms(19_000), "one margin, not two");
    assert!(peers.iter().any(|peer| peer.id == in_flight.peer.id) && in_flight.peer.id != first);
    let other = Arc::clone(&in_flight.peer);
    let reply = ready(node.connector.complete(in_flight, Ok(fulfill()), now()));
    assert_eq!(reply, fulfill());
    assert_eq!(node.alice.liquidity.own_part().available(), 400);
    assert_eq!(other.liquidity.own_part().available(), 1_600);
}

#[test]
fn each_peer_is_tried_once_and_then_the_sender_is_told_the_last_failure() {
    let (node, _) = node_with_two_ways();
    let (packet, in_flight) = node.sent(prepare("g.shared.x", 600));
    let Decision::Send { packet, in_flight } = node.again(in_flight, packet) else {
        panic!("there is another peer")
    };
    let packet = Prepare::parse(packet.into()).expect("a packet");
    assert_eq!(code_of(node.again(in_flight, packet)), ErrorCode::T01_PEER_UNREACHABLE);
    assert_eq!(node.alice.liquidity.own_part().available(), 1_000);
}

/// A refusal by the second peer is no reason to give the payment up: the trouble with the first one
/// passes.
#[test]
fn a_second_peer_that_can_not_take_the_packet_leaves_a_temporary_refusal() {
    for make_unfit in [
        |terms: &mut Terms| terms.max_packet_amount = Some(1),
        |terms: &mut Terms| terms.routes.clear(),
    ] {
        let (node, peers) = node_with_two_ways();
        let (packet, in_flight) = node.sent(prepare("g.shared.x", 600));
        let other = peers.iter().find(|peer| peer.id != in_flight.peer.id).expect("one of two");
        change(&node, other, make_unfit);
        assert_eq!(code_of(node.again(in_flight, packet)), ErrorCode::T01_PEER_UNREACHABLE);
    }
    let (node, _) = node_with_two_ways();
    let (packet, in_flight) = node.sent(prepare("g.shared.x", 600));
    let too_late = node.again_after(19_000, in_flight, packet);
    assert_eq!(code_of(too_late), ErrorCode::T01_PEER_UNREACHABLE);
    assert_eq!(node.alice.liquidity.own_part().available(), 1_000);
}

#[test]
fn failures_to_reach_a_peer_set_it_aside_and_any_reply_brings_it_back() {
    let (node, _) = node_with_two_ways();
    let destination = "g.shared.x";
    let first = node.sent(prepare(destination, 1)).1.peer;
    let fail = |failure| {
        let (_, in_flight) = node.sent(prepare(destination, 1));
        ready(node.connector.complete(in_flight, Err(failure), now()));
    };
    for failure in [
        LinkFailure::NoReplyInTime,
        LinkFailure::QueueFull,
        LinkFailure::NotAReply,
        LinkFailure::Failed,
    ] {
        (0..10).for_each(|_| fail(failure));
    }
    assert_eq!(first.reachability(), Reachability::Unknown, "those say nothing about the link");
    fail(LinkFailure::Unreachable);
    fail(LinkFailure::Busy);
    let (_, last_try) = node.sent(prepare(destination, 1));
    assert_eq!(last_try.peer.id, first.id);
    let (_, under_way) = node.sent(prepare(destination, 1));
    ready(node.connector.complete(last_try, Err(LinkFailure::Unreachable), now()));
    assert_eq!(first.reachability(), Reachability::Unreachable);
    assert_ne!(node.sent(prepare(destination, 1)).1.peer.id, first.id);

    let reject = Reject::new(ErrorCode::T04_INSUFFICIENT_LIQUIDITY, None, "later").into_bytes();
    ready(node.connector.complete(under_way, Ok(reject), now()));
    assert_eq!(first.reachability(), Reachability::Reachable);
    assert_eq!(first.last_seen_at(), Some(now()));
    assert_eq!(node.sent(prepare(destination, 1)).1.peer.id, first.id);
}

#[test]
fn a_peer_that_moves_to_another_endpoint_begins_anew() {
    let (node, [bob, _]) = node_with_two_ways();
    for _ in 0..3 {
        bob.did_not_reply(LinkFailure::Unreachable, now());
    }
    change(&node, &bob, |terms| terms.max_packet_amount = Some(7));
    assert_eq!(bob.reachability(), Reachability::Unreachable);
    change(&node, &bob, |terms| terms.next_hop = super::terms("g.bob").next_hop);
    assert_eq!(bob.reachability(), Reachability::Unknown);
}

#[test]
fn a_default_route_takes_what_nobody_is_nearer_to() {
    let node = node();
    assert_eq!(node.refused_code(prepare("g.far.away", 1)), ErrorCode::F02_UNREACHABLE);
    change(&node, &node.bob, |terms| terms.is_default_route = true);
    for destination in ["g.far.away", "g.bobby"] {
        assert_eq!(node.sent(prepare(destination, 1)).1.peer.id, node.bob.id, "{destination}");
    }
    // Neither other networks, nor neighbours only, nor this node, nor the sender.
    for destination in
        ["test.far", "private.far", "local.far", "peer.config", "g.node", "g.alice.x"]
    {
        let code = node.refused_code(prepare(destination, 1));
        assert_eq!(code, ErrorCode::F02_UNREACHABLE, "{destination}");
    }
    let from_bob = |destination| {
        let packet = prepare(destination, 1);
        ready(node.connector.prepare(Source::Peer(&node.bob), packet, now()))
    };
    assert_eq!(code_of(from_bob("g.far.away")), ErrorCode::F02_UNREACHABLE);

    let parent = peer("g.parent");
    node.connector.add_peer(Arc::clone(&parent));
    change(&node, &parent, |terms| terms.routes = vec![route("g")]);
    assert_eq!(node.sent(prepare("g.far.away", 1)).1.peer.id, parent.id, "g is nearer");
    change(&node, &parent, |terms| terms.routes.clear());
    change(&node, &parent, |terms| terms.is_default_route = true);
    assert!(matches!(from_bob("g.far.away"), Decision::Send { .. }), "the other default route");
    for peer in [&node.bob, &parent] {
        change(&node, peer, |terms| terms.is_default_route = false);
    }
    assert_eq!(node.refused_code(prepare("g.far.away", 1)), ErrorCode::F02_UNREACHABLE);
}

#[test]
fn what_is_under_way_is_limited_and_freed_by_its_end() {
    let node = node();
    let limit = |limits| change(&node, &node.alice, |terms| terms.limits = limits);
    limit(PeerLimits { packets_in_flight_max: Some(2), ..Default::default() });
    let first = node.sent(prepare("g.bob", 0));
    let second = node.sent(prepare("g.bob", 1));
    let refused = |packet| node.refused(packet).code();
    assert_eq!(refused(prepare("g.bob", 0)), ErrorCode::T05_RATE_LIMITED);
    ready(node.connector.complete(first.1, Err(LinkFailure::NoReplyInTime), now()));
    ready(node.connector.complete(second.1, Ok(fulfill()), now()));

    limit(PeerLimits { amount_in_flight_max: Some(100), ..Default::default() });
    let reject = node.refused(prepare("g.bob", 101));
    assert_eq!(reject.code(), ErrorCode::F08_AMOUNT_TOO_LARGE);
    let details = AmountTooLarge::from_data(reject.data()).expect("16 bytes");
    assert_eq!((details.received, details.maximum), (101, 100));
    let most = node.sent(prepare("g.bob", 99));
    assert_eq!(refused(prepare("g.bob", 2)), ErrorCode::T05_RATE_LIMITED);
    drop(most);
    node.sent(prepare("g.bob", 100));
}

#[test]
fn one_peers_packets_leave_room_for_anothers() {
    let node = node();
    let carol = peer("g.carol");
    node.connector.add_peer(Arc::clone(&carol));
    let under_way: Vec<_> = (0..100).map(|_| node.sent(prepare("g.bob", 1))).collect();
    assert_eq!(node.refused(prepare("g.bob", 1)).code(), ErrorCode::T05_RATE_LIMITED);
    let decision = node.connector.prepare(Source::Peer(&carol), prepare("g.bob", 1), now());
    assert!(matches!(ready(decision), Decision::Send { .. }));
    drop(under_way);
    node.sent(prepare("g.bob", 1));
}

/// After the pause one packet tries a peer that was set aside, and only one that goes.
#[test]
fn neither_a_question_nor_a_refused_packet_is_the_one_try() {
    let (node, _) = node_with_two_ways();
    let destination = "g.shared.x";
    let first = node.sent(prepare(destination, 1)).1.peer;
    for _ in 0..3 {
        first.did_not_reply(LinkFailure::Unreachable, now());
    }
    assert_ne!(node.sent(prepare(destination, 1)).1.peer.id, first.id);
    let later = now().saturating_add_ms(500);
    let at_later = |amount| {
        let packet = prepare(destination, amount);
        ready(node.connector.prepare(Source::Peer(&node.alice), packet, later))
    };
    let sent_to = |decision| match decision {
        Decision::Send { in_flight, .. } => in_flight.peer.id,
        other => panic!("not sent: {other:?}"),
    };
    let asked = node.connector.way_to(address(destination).as_addr(), None, later);
    assert_eq!(asked.expect("a way").map(|peer| peer.id), Some(first.id));
    assert_eq!(code_of(at_later(1_001)), ErrorCode::F08_AMOUNT_TOO_LARGE);
    assert_eq!(sent_to(at_later(1)), first.id, "the try");
    assert_ne!(sent_to(at_later(1)), first.id, "and no second one");
}
