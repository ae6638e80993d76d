use interledger_packet::ildcp;

use super::{exchange::Exchange, way::node_with_two_ways, *};
use crate::traffic::{Count, Flow, Flows};

fn count(packets: u64, amount: u128) -> Count {
    Count { packets, amount }
}

fn flows(peer: &Peer) -> (Flow, Flow) {
    let Flows { incoming, outgoing, .. } = peer.traffic.flows();
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
fn a_packet_that_goes_to_another_peer_is_counted_once_and_each_failure_where_it_happened() {
    let (node, peers) = node_with_two_ways();
    let (packet, in_flight) = node.sent(prepare("g.shared.x", 300));
    let is_first = |peer: &&Arc<Peer>| peer.id == in_flight.peer.id;
    let first = Arc::clone(peers.iter().find(is_first).expect("one of two"));
    let second = Arc::clone(peers.iter().find(|peer| !is_first(peer)).expect("one of two"));
    let Decision::Send { in_flight, .. } = node.again(in_flight, packet) else { panic!("refused") };
    assert_eq!(flows(&node.alice).0.in_flight, count(1, 300));
    assert_eq!(flows(&second).1.in_flight, count(1, 300));
    assert_eq!(first.traffic.flows(), Flows { link_failures: 1, ..Flows::default() });
    ready(node.connector.complete(in_flight, Ok(fulfill()), now()));
    let ended = Flow { fulfilled: count(1, 300), ..Flow::default() };
    assert_eq!((flows(&node.alice).0, flows(&second).1), (ended, ended));
    assert_eq!(refusals(&node), []);

    // The next one reaches nobody, and ends with the peer that was tried last.
    let (packet, in_flight) = node.sent(prepare("g.shared.x", 200));
    let Decision::Send { packet, in_flight } = node.again(in_flight, packet) else {
        panic!("there is another peer")
    };
    let packet = Prepare::parse(packet.into()).expect("a packet");
    assert!(matches!(node.again(in_flight, packet), Decision::Reply(_)));
    let ended = Flow { refused: count(1, 200), ..ended };
    assert_eq!((flows(&node.alice).0, flows(&second).1), (ended, ended));
    assert_eq!(first.traffic.flows(), Flows { link_failures: 2, ..Flows::default() });
    assert_eq!(second.traffic.flows().link_failures, 1);
    assert_eq!(refusals(&node), [("next_hop_unreachable", 1)]);
    let failures: u64 = node.connector.causes().link_failures().map(|(_, count)| count).sum();
    assert_eq!(failures, 3);
}

#[test]
fn a_converted_packet_is_counted_in_the_unit_of_either_side() {
    let exchange = Exchange::at(10_000, "1.5");
    let Exchange { node, carol } = &exchange;
    let (_, in_flight) = node.sent(prepare("g.carol", 100));
    assert_eq!(flows(&node.alice).0.in_flight, count(1, 100));
    assert_eq!(flows(carol).1.in_flight, count(1, 150));
    let share_ppm = || node.connector.occupancy(&node.alice).asset_share_ppm;
    assert_eq!(share_ppm(), 15_000, "150 of 10,000");
    ready(node.connector.complete(in_flight, Ok(fulfill()), now()));
    assert_eq!(flows(&node.alice).0.fulfilled, count(1, 100));
    assert_eq!(flows(carol).1.fulfilled, count(1, 150));
    assert_eq!(share_ppm(), 0);

    exchange.give("GBP", "EUR", "0.001", None);
    node.refused(prepare("g.carol", 1));
    exchange.give("GBP", "EUR", "1.5", Some(now()));
    node.refused(prepare("g.carol", 2));
    assert_eq!(flows(&node.alice).0.refused, count(2, 3));
    assert_eq!(flows(carol).1.refused, count(0, 0));
    assert_eq!(refusals(node), [("stale_rate", 1), ("converts_to_zero", 1)]);
}

#[test]
fn a_question_that_the_node_answers_itself_has_come_from_the_peer_and_gone_to_the_node() {
    let node = node();
    let ask = || ildcp::request(now().saturating_add_ms(20_000));
    assert!(matches!(node.prepare(ask()), Decision::Reply(_)));
    let fulfilled = Flow { fulfilled: count(1, 0), ..Flow::default() };
    assert_eq!(flows(&node.alice).0, fulfilled);
    let questions = node.connector.own_flows().questions;
    assert_eq!((questions.incoming, questions.outgoing), (Flow::default(), fulfilled));
    let mut paid = ask();
    paid.set_amount(5);
    node.refused(paid);
    assert_eq!(flows(&node.alice).0, Flow { refused: count(1, 5), ..fulfilled });
    assert_eq!(refusals(&node), [("amount_too_large", 1)]);
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

    // With these nobody takes money, so no Fulfill passes but for nothing.
    let reject = Reject::new(ErrorCode::F99_APPLICATION_ERROR, None, "no").into_bytes();
    let unpaid = |amount, arriving, answer: Bytes| {
        let reply = node.connector.complete_unpaid(source, amount, arriving, answer.clone());
        reply == answer
    };
    let arriving = |amount| Some((&*wallet.asset, amount));
    assert!(unpaid(9, arriving(9), reject.clone()) && unpaid(8, None, reject));
    assert!(unpaid(0, arriving(0), fulfill()) && !unpaid(7, arriving(7), fulfill()));
    let incoming = flows(&node.alice).0;
    assert_eq!((incoming.fulfilled, incoming.rejected), (count(2, 30), count(2, 17)));
    assert_eq!(incoming.refused, count(3, 42));
    let probed = Source::Probe(&wallet.asset);
    ready(node.connector.prepare(probed, prepare("g.nobody", 6), now()));

    let payment = Source::Local(&wallet);
    let decision = ready(node.connector.prepare(payment, prepare("g.bob", 20), now()));
    let Decision::Send { in_flight, .. } = decision else { panic!("refused") };
    ready(node.connector.complete(in_flight, Ok(fulfill()), now()));
    ready(node.connector.prepare(payment, prepare("g.bob", 11), now()));
    let own = node.connector.own_flows();
    let to_nobody = Flow { rejected: count(1, 0), ..Flow::default() };
    assert_eq!((own.questions.incoming, own.questions.outgoing), (Flow::default(), to_nobody));
    let accounts = own.accounts[&("USD".to_owned(), 2)];
    assert_eq!(accounts.outgoing.fulfilled, count(2, 30));
    assert_eq!(accounts.outgoing.rejected, count(1, 9));
    assert_eq!(accounts.outgoing.refused, count(2, 37));
    assert_eq!(accounts.incoming.fulfilled, count(1, 20));
    assert_eq!(accounts.incoming.refused, count(2, 17));
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
