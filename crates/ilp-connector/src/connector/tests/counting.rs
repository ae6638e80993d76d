use super::*;
use crate::traffic::{Count, Flow, Flows};

fn count(packets: u64, amount: u128) -> Count {
    Count { packets, amount }
}

fn flows(peer: &Peer) -> (Flow, Flow) {
    let Flows { incoming, outgoing } = peer.traffic.flows();
    (incoming, outgoing)
}

/// The labels of the refusals so far, each with how many there were.
fn refusals(node: &Node) -> Vec<(&'static str, u64)> {
    let counted = node.connector.causes().refusals().filter(|(_, count)| *count > 0);
    counted.map(|(kind, count)| (kind.label(), count)).collect()
}

#[test]
fn each_outcome_is_counted_on_both_sides_and_by_its_cause() {
    let node = node();
    let reject = Reject::new(ErrorCode::F99_APPLICATION_ERROR, None, "no").into_bytes();
    let answers =
        [Ok(fulfill()), Ok(reject), Err(LinkFailure::QueueFull), Ok(Bytes::from_static(b"?"))];
    for answer in answers {
        let (_, in_flight) = node.sent(prepare("g.bob", 100));
        assert_eq!(flows(&node.alice).0.in_flight, count(1, 100));
        assert_eq!(flows(&node.bob).1.in_flight, count(1, 100));
        ready(node.connector.complete(in_flight, answer, now()));
    }
    node.refused(prepare("g.nobody", 7));
    let expected = |refused| Flow {
        fulfilled: count(1, 100),
        rejected: count(1, 100),
        refused,
        in_flight: count(0, 0),
    };
    assert_eq!(flows(&node.alice), (expected(count(3, 207)), Flow::default()));
    assert_eq!(flows(&node.bob), (Flow::default(), expected(count(2, 200))));

    assert_eq!(refusals(&node), [("no_route", 1), ("busy", 1), ("not_a_reply", 1)]);
    let causes = node.connector.causes();
    let failed: Vec<_> = causes.link_failures().filter(|(_, count)| *count > 0).collect();
    assert_eq!(failed, [(LinkFailure::QueueFull, 1)]);
    let rejects: Vec<_> = causes.rejects().filter(|(_, count)| *count > 0).collect();
    assert_eq!(rejects, [(Some(ErrorCode::F99_APPLICATION_ERROR), 1)]);
}

#[test]
fn a_packet_that_is_dropped_on_its_way_is_in_flight_no_more() {
    let node = node();
    let (_, in_flight) = node.sent(prepare("g.bob", 100));
    drop(in_flight);
    let refused = Flow { refused: count(1, 100), ..Flow::default() };
    assert_eq!((flows(&node.alice).0, flows(&node.bob).1), (refused, refused));
}

#[test]
fn the_nodes_own_packets_are_counted_apart() {
    let node = node();
    let ask = |to| ready(node.connector.prepare(Source::Own, prepare(to, 0), now()));
    let Decision::Send { in_flight, .. } = ask("g.bob") else { panic!("refused") };
    let answer = Err(LinkFailure::NoReplyInTime);
    ready(node.connector.complete(in_flight, answer, now()));
    assert!(matches!(ask("g.nobody"), Decision::Reply(_)));
    assert_eq!(node.connector.own_flows().questions.incoming.refused, count(2, 0));
    assert_eq!(flows(&node.bob).1.refused, count(1, 0));
    assert_eq!(flows(&node.alice), (Flow::default(), Flow::default()));
}

#[test]
fn accounts_of_this_node_are_counted_like_one_peer_for_each_asset() {
    let node = node();
    let wallet = local::wallet();
    for answer in [fulfill(), Bytes::from_static(b"?")] {
        let delivery = node.delivered(&wallet, prepare("g.node.token", 30));
        ready(node.connector.complete_delivery(delivery, answer, now()));
    }
    let nobody = node.let_in(prepare("g.node.nobody", 5));
    let source = Source::Peer(&node.alice);
    let _reject = node.connector.refuse(source, nobody.amount(), Refusal::NoSuchAccount);
    let incoming = flows(&node.alice).0;
    assert_eq!((incoming.fulfilled, incoming.refused), (count(1, 30), count(2, 35)));
    assert_eq!(refusals(&node), [("no_such_account", 1), ("not_a_reply", 1)]);

    let payment = Source::Local(&wallet);
    let decision = ready(node.connector.prepare(payment, prepare("g.bob", 20), now()));
    let Decision::Send { in_flight, .. } = decision else { panic!("refused") };
    ready(node.connector.complete(in_flight, Ok(fulfill()), now()));
    ready(node.connector.prepare(payment, prepare("g.bob", 11), now()));
    let own = node.connector.own_flows();
    assert_eq!(own.questions, Flows::default());
    let accounts = own.accounts[&("USD".to_owned(), 2)];
    assert_eq!(accounts.outgoing.fulfilled, count(1, 30));
    assert_eq!(accounts.outgoing.refused, count(1, 30));
    assert_eq!(accounts.incoming.fulfilled, count(1, 20));
    assert_eq!(accounts.incoming.refused, count(1, 11));
}

#[test]
fn counters_outlive_a_change_of_terms_and_totals_a_removal() {
    let node = node();
    let send = |node: &Node| {
        let (_, in_flight) = node.sent(prepare("g.bob", 10));
        ready(node.connector.complete(in_flight, Ok(fulfill()), now()));
    };
    send(&node);
    node.connector.update_peer(node.alice.id, terms("g.alice")).expect("the peer is there");
    send(&node);
    assert_eq!(flows(&node.alice).0.fulfilled, count(2, 20));

    let total = |node: &Node| {
        let mut total = Flows::default();
        let departed = node.connector.visit_peers(|peer| total += peer.traffic.flows());
        departed.into_values().for_each(|flows| total += flows);
        total
    };
    let before = total(&node);
    node.connector.remove_peer(node.alice.id).expect("the peer was there");
    assert_eq!((total(&node), total(&node)), (before, before));
}

#[test]
fn a_packet_that_goes_to_another_peer_is_counted_once_where_it_came_from() {
    let node = node();
    let carol = peer("g.carol");
    node.connector.add_peer(Arc::clone(&carol));
    for name in ["g.bob", "g.carol"] {
        let id = if name == "g.bob" { node.bob.id } else { carol.id };
        let terms = Terms { routes: vec![route("g.far")], ..terms(name) };
        node.connector.update_peer(id, terms).expect("the peer is there");
    }
    let again = |in_flight: InFlight<Hold>, packet: Prepare| {
        let source = Source::Peer(&node.alice);
        let failure = LinkFailure::Unreachable;
        let packet = packet.into_bytes();
        ready(node.connector.prepare_again(source, in_flight, packet, failure, now()))
    };
    // Once the second one takes it, and once neither of them does.
    let (packet, in_flight) = node.sent(prepare("g.far", 100));
    let Decision::Send { in_flight, .. } = again(in_flight, packet) else { panic!("refused") };
    ready(node.connector.complete(in_flight, Ok(fulfill()), now()));
    let (packet, in_flight) = node.sent(prepare("g.far", 10));
    let Decision::Send { packet, in_flight } = again(in_flight, packet) else { panic!("refused") };
    let packet = Prepare::parse(packet.into()).expect("a packet");
    assert!(matches!(again(in_flight, packet), Decision::Reply(_)));

    let came = Flow { fulfilled: count(1, 100), refused: count(1, 10), ..Flow::default() };
    assert_eq!(flows(&node.alice), (came, Flow::default()));
    let mut went = node.bob.traffic.flows();
    went += carol.traffic.flows();
    let attempts = Flow { fulfilled: count(1, 100), refused: count(3, 120), ..Flow::default() };
    assert_eq!(went.outgoing, attempts);
    assert_eq!(refusals(&node), [("next_hop_unreachable", 1)]);
    let failures: Vec<_> = node.connector.causes().link_failures().collect();
    assert_eq!(failures[0], (LinkFailure::Unreachable, 3));
}

#[test]
fn what_the_node_answers_by_itself_is_counted_as_its_own() {
    let node = node();
    let source = Source::Peer(&node.alice);
    let reject = Reject::new(ErrorCode::F99_APPLICATION_ERROR, None, "no more, thank you");
    let packet = node.let_in(prepare("g.node.token", 5));
    let _reject = node.connector.answer(source, packet.amount(), Reply::Reject(reject));
    let came = Flow { rejected: count(1, 5), ..Flow::default() };
    assert_eq!(flows(&node.alice).0, came);
    assert_eq!(node.connector.own_flows().questions.outgoing.rejected.packets, 1);
}
