//! Tests of several peerings with one neighbour, and of packets that go on to another next hop.

use super::*;
use crate::rates::{Quote, RateOrigin};

/// A node with Alice in dollars and Bob in dollars and in euros, of which the node has some.
struct Peerings {
    node: Node,
    in_euros: Arc<Peer>,
}

fn peerings() -> Peerings {
    let node = node();
    let euros = asset("EUR");
    euros.liquidity.credit(1_000);
    let in_euros = peer_with(terms("g.bob"), euros, 1_000);
    node.connector.add_peer(Arc::clone(&in_euros));
    Peerings { node, in_euros }
}

impl Peerings {
    fn rate(&self, good_until: Option<Timestamp>) {
        let given = Quote { rate: "0.5".parse().expect("a rate"), updated_at: now(), good_until };
        self.node.connector.rates().give(RateOrigin::Set, "USD", "EUR", given);
    }

    fn limit(&self, peer: &Arc<Peer>, max_packet_amount: u64) {
        let terms = Terms { max_packet_amount: Some(max_packet_amount), ..(*peer.terms()).clone() };
        self.node.connector.update_peer(peer.id, terms).expect("the peer is there");
    }

    /// Returns the next hops of packets of `amount` to many destinations.
    fn hops(&self, amount: u64) -> Vec<Uuid> {
        let destinations = (0..50).map(|number| format!("g.bob.w{number}"));
        destinations.map(|to| self.node.sent(prepare(&to, amount)).1.peer.id).collect()
    }

    fn all_go_to(&self, amount: u64, peer: &Arc<Peer>) {
        assert!(self.hops(amount).iter().all(|hop| *hop == peer.id), "{:?}", peer.asset.code);
    }
}

#[test]
fn packets_stay_in_their_asset_whether_there_is_a_rate_or_not() {
    let peerings = peerings();
    peerings.all_go_to(10, &peerings.node.bob);
    peerings.rate(None);
    peerings.all_go_to(10, &peerings.node.bob);
}

#[test]
fn a_reason_of_the_next_hop_alone_passes_the_packet_on() {
    let peerings = peerings();
    let Peerings { node, in_euros } = &peerings;
    peerings.rate(None);
    peerings.limit(&node.bob, 5);
    peerings.all_go_to(10, in_euros);
    peerings.all_go_to(5, &node.bob);
    // There is no rate from pounds at first, then one to euros, then one to both.
    let pounds = peer_with(terms("g.carol"), asset("GBP"), 1_000);
    node.connector.add_peer(Arc::clone(&pounds));
    let from_carol = |number: usize| {
        let packet = prepare(&format!("g.bob.w{number}"), 4);
        ready(node.connector.prepare(Source::Peer(&pounds), packet, now()))
    };
    let hop = |decision| match decision {
        Decision::Send { in_flight, .. } => Ok(in_flight.peer.id),
        Decision::Reply(reject) => Err(Reject::parse(reject).expect("a reject").code()),
        Decision::Deliver(_) => panic!("for this node"),
    };
    assert_eq!(hop(from_carol(0)), Err(ErrorCode::F07_CANNOT_RECEIVE));
    let given = Quote { rate: "1".parse().expect("a rate"), updated_at: now(), good_until: None };
    node.connector.rates().give(RateOrigin::Set, "GBP", "EUR", given);
    assert!((0..20).all(|number| hop(from_carol(number)) == Ok(in_euros.id)));
    let stale = Quote { good_until: Some(now()), ..given };
    node.connector.rates().give(RateOrigin::Set, "GBP", "USD", stale);
    assert!((0..20).all(|number| hop(from_carol(number)) == Ok(in_euros.id)), "a stale rate");
}

#[test]
fn what_the_sender_lacks_is_told_at_once() {
    let peerings = peerings();
    peerings.rate(None);
    let Peerings { node, in_euros } = &peerings;
    let all = node.sent(prepare("g.bob.x", 1_000));
    let refused = node.refused(prepare("g.bob.x", 10));
    assert_eq!(refused.code(), ErrorCode::T04_INSUFFICIENT_LIQUIDITY);
    assert_eq!(in_euros.asset.liquidity.own_part().debits_pending, 0);
    drop(all);
}

#[test]
fn of_several_refusals_the_one_that_says_how_to_go_on_is_told() {
    let peerings = peerings();
    let Peerings { node, in_euros } = &peerings;
    let maximum = |amount| {
        let reject = node.refused(prepare("g.bob.x", amount));
        AmountTooLarge::from_data(reject.data()).map(|details| details.maximum)
    };
    // There is no rate to the other peering.
    peerings.limit(&node.bob, 5);
    assert_eq!(maximum(10), Some(5));
    // The greater of two maxima is reported: 40 euros are 81 dollars at the most.
    peerings.rate(None);
    peerings.limit(in_euros, 40);
    assert_eq!(maximum(100), Some(81));
    assert_eq!(node.sent(prepare("g.bob.x", 81)).1.peer.id, in_euros.id);
    // T00, which asks to wait for a rate, is preferred to a final refusal.
    peerings.rate(Some(now()));
    peerings.limit(&node.bob, 0);
    let refused = node.refused(prepare("g.bob.x", 10));
    assert_eq!(refused.code(), ErrorCode::T00_INTERNAL_ERROR);
}

#[test]
fn nothing_goes_back_to_the_neighbour_that_it_came_from() {
    let Peerings { node, in_euros } = &peerings();
    let given = Quote { rate: "1".parse().expect("a rate"), updated_at: now(), good_until: None };
    node.connector.rates().give(RateOrigin::Set, "USD", "EUR", given);
    for sender in [&node.bob, in_euros] {
        for amount in [0, 10] {
            let packet = prepare("g.bob.x", amount);
            let decision = ready(node.connector.prepare(Source::Peer(sender), packet, now()));
            let Decision::Reply(reject) = decision else { panic!("sent back") };
            let code = Reject::parse(reject).expect("a reject").code();
            assert_eq!(code, ErrorCode::F02_UNREACHABLE);
        }
        assert_eq!(sender.liquidity.own_part().debits_pending, 0);
    }
}

#[test]
fn a_test_goes_to_the_peer_that_it_is_about_and_to_no_other() {
    let Peerings { node, in_euros } = &peerings();
    for peer in [&node.bob, in_euros] {
        let packet = prepare("g.bob", 0);
        let decision = ready(node.connector.prepare(Source::Test(peer), packet, now()));
        let Decision::Send { in_flight, packet } = decision else { panic!("not sent") };
        assert_eq!(in_flight.peer.id, peer.id);
        let again = node.connector.prepare_again(
            Source::Test(peer),
            in_flight,
            packet,
            LinkFailure::Unreachable,
            now(),
        );
        let Decision::Reply(reject) = ready(again) else { panic!("sent elsewhere") };
        let code = Reject::parse(reject).expect("a reject").code();
        assert_eq!(code, ErrorCode::T01_PEER_UNREACHABLE);
    }
}

#[test]
fn the_way_of_an_asset_is_known_beforehand() {
    let peerings = peerings();
    let Peerings { node, in_euros } = &peerings;
    let way = |asset: Option<&Arc<Asset>>| {
        let way = node.connector.way_to(address("g.bob.x").as_addr(), asset, now());
        way.map(|peer| peer.map(|peer| peer.id))
    };
    assert_eq!(way(Some(&node.alice.asset)), Ok(Some(node.bob.id)));
    assert_eq!(way(Some(&in_euros.asset)), Ok(Some(in_euros.id)));
    assert!(way(None).is_ok_and(|way| way.is_some()));
    assert_eq!(way(Some(&asset("GBP"))), Err(Refusal::NoRate));
    let most = |asset| node.connector.packet_amount_max(asset, address("g.bob.x").as_addr(), now());
    peerings.limit(in_euros, 7);
    assert_eq!((most(&node.alice.asset), most(&in_euros.asset)), (None, Some(7)));
}
