use super::{exchange::Exchange, way::node_with_two_ways, *};
use crate::samples::{Outcome, Party, Sample};

fn asked(node: &Node) -> Vec<Sample> {
    let samples = node.connector.sampler().ask(100, now);
    assert_eq!(samples.passed_over, 0);
    samples.packets
}

/// The peer's id, the asset's code where packets have no peer, or neither.
fn party(party: &Party) -> String {
    match party {
        Party::Peer { id, .. } => id.to_string(),
        Party::Accounts((code, scale)) => format!("{code}/{scale}"),
        Party::Node => "node".to_owned(),
    }
}

/// From where, to where, with how much in and out, and how it ended.
fn told(sample: &Sample) -> (String, Option<String>, u64, u64, Outcome) {
    let Sample { from, to, amount_in, amount_out, outcome, .. } = sample;
    (party(from), to.as_ref().map(party), *amount_in, *amount_out, *outcome)
}

#[test]
fn each_outcome_is_shown_with_both_sides_and_their_amounts() {
    let Exchange { node, carol } = &Exchange::at(10_000, "1.5");
    assert_eq!(asked(node).len(), 0);
    let code = ErrorCode::F99_APPLICATION_ERROR;
    let reject = Reject::new(code, None, "no").into_bytes();
    for answer in [Ok(fulfill()), Ok(reject), Err(LinkFailure::QueueFull)] {
        let (_, in_flight) = node.sent(prepare("g.carol", 100));
        ready(node.connector.complete(in_flight, answer, now()));
    }
    node.refused(prepare("g.nobody", 7));
    let (alice, carol) = (node.alice.id.to_string(), Some(carol.id.to_string()));
    let ended = |outcome| (alice.clone(), carol.clone(), 100, 150, outcome);
    let shown = asked(node);
    assert_eq!(
        shown.iter().map(told).collect::<Vec<_>>(),
        [
            ended(Outcome::Fulfilled),
            ended(Outcome::Rejected(code)),
            ended(Outcome::Refused(Refusal::Busy)),
            (alice, None, 7, 0, Outcome::Refused(Refusal::NoRoute)),
        ]
    );
    let Party::Peer { asset, .. } = &shown[0].from else { panic!("a peer has sent it") };
    assert_eq!(asset.id, node.alice.asset.id);
}

#[test]
fn a_packet_that_reaches_none_of_several_peers_is_shown_once_with_the_last() {
    let (node, peers) = node_with_two_ways();
    asked(&node);
    let (packet, in_flight) = node.sent(prepare("g.shared.x", 200));
    let Decision::Send { packet, in_flight } = node.again(in_flight, packet) else {
        panic!("there is another peer")
    };
    let last = peers.iter().find(|peer| peer.id == in_flight.peer.id).expect("one of two");
    let packet = Prepare::parse(packet.into()).expect("a packet");
    assert!(matches!(node.again(in_flight, packet), Decision::Reply(_)));
    let refused = Outcome::Refused(Refusal::NextHopUnreachable);
    let expected = (node.alice.id.to_string(), Some(last.id.to_string()), 200, 200, refused);
    assert_eq!(asked(&node).iter().map(told).collect::<Vec<_>>(), [expected]);
}

#[test]
fn packets_that_have_no_peer_on_one_side_are_shown_too() {
    let node = node();
    asked(&node);
    let wallet = local::wallet();
    let delivery = node.delivered(&wallet, prepare("g.node.token", 30));
    ready(node.connector.complete_delivery(delivery, fulfill(), now()));
    let question = interledger_packet::ildcp::request(now().saturating_add_ms(20_000));
    assert!(matches!(node.prepare(question), Decision::Reply(_)));
    ready(node.connector.prepare(Source::Own, prepare("g.nobody", 0), now()));
    let alice = node.alice.id.to_string();
    let refused = Outcome::Refused(Refusal::NoRoute);
    assert_eq!(
        asked(&node).iter().map(told).collect::<Vec<_>>(),
        [
            (alice.clone(), Some("USD/2".to_owned()), 30, 30, Outcome::Fulfilled),
            (alice, Some("node".to_owned()), 0, 0, Outcome::Fulfilled),
            ("node".to_owned(), None, 0, 0, refused),
        ]
    );
}
