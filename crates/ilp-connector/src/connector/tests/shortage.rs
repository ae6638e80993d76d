//! Tests that F08 refuses what can never be free, and T04 what may become free.

use super::{exchange::Exchange, *};
use crate::peer_limits::{PeerLimits, Percent};

fn told(reject: &Reject) -> (ErrorCode, Option<u64>) {
    let details = AmountTooLarge::from_data(reject.data());
    (reject.code(), details.map(|details| details.maximum))
}

const T04: (ErrorCode, Option<u64>) = (ErrorCode::T04_INSUFFICIENT_LIQUIDITY, None);

fn f08(maximum: u64) -> (ErrorCode, Option<u64>) {
    (ErrorCode::F08_AMOUNT_TOO_LARGE, Some(maximum))
}

fn limit(node: &Node, peer: &Arc<Peer>, max_packet_amount: u64) {
    let terms = Terms { max_packet_amount: Some(max_packet_amount), ..(*peer.terms()).clone() };
    node.connector.update_peer(peer.id, terms).expect("the peer is there");
}

#[test]
fn more_than_the_sender_could_ever_have_free_is_too_large() {
    let node = node();
    let refused = |amount| told(&node.refused(prepare("g.bob", amount)));
    for amount in [1_001, 2_000, 1_000_000_000_000, u64::MAX] {
        assert_eq!(refused(amount), f08(1_000), "{amount}");
    }
    // A hold is voided or posted without a further deposit.
    let held = node.sent(prepare("g.bob", 600));
    assert_eq!((refused(401), refused(1_000), refused(1_001)), (T04, T04, f08(1_000)));
    ready(node.connector.complete(held.1, Ok(fulfill()), now()));
    assert_eq!((refused(401), refused(1_000)), (f08(400), f08(400)));
    let rest = node.sent(prepare("g.bob", 400)).1;
    ready(node.connector.complete(rest, Ok(fulfill()), now()));
    assert_eq!((refused(1), refused(u64::MAX)), (T04, T04), "a maximum of nothing ends a payment");
}

#[test]
fn less_than_one_agreed_packet_is_waited_for() {
    let node = node();
    let refused = |amount| told(&node.refused(prepare("g.bob", amount)));
    limit(&node, &node.alice, 300);
    assert_eq!(refused(301), f08(300));
    for _ in 0..3 {
        let paid = node.sent(prepare("g.bob", 300)).1;
        ready(node.connector.complete(paid, Ok(fulfill()), now()));
    }
    assert_eq!((refused(300), refused(101)), (T04, T04), "100 are left of what was 1,000");
    // An agreed maximum above all that was ever there bounds nothing.
    limit(&node, &node.alice, 1_000_000);
    assert_eq!((refused(1_000_000), refused(1_001), refused(1_000)), (f08(100), f08(100), T04));
}

#[test]
fn more_than_the_stock_is_too_large_in_the_senders_unit() {
    let Exchange { node, carol } = Exchange::at(1_000, "0.5");
    node.alice.liquidity.credit(1_000_000);
    let refused = |amount| told(&node.refused(prepare("g.carol", amount)));
    assert_eq!((refused(2_002), refused(1_000_000_000_000)), (f08(2_001), f08(2_001)));
    let held = node.sent(prepare("g.carol", 1_200)).1;
    assert_eq!(refused(1_000), T04, "600 of the 1,000 are on hold");
    drop(held);
    // A peer's share of the stock is all that one packet can have of it.
    let asset_share_in_flight_percent_max = Percent::new(30);
    let limits = PeerLimits { asset_share_in_flight_percent_max, ..Default::default() };
    let terms = Terms { limits, ..(*node.alice.terms()).clone() };
    node.connector.update_peer(node.alice.id, terms).expect("the peer is there");
    assert_eq!(refused(602), f08(601));
    let most = node.sent(prepare("g.carol", 601)).1;
    assert_eq!(refused(601), T04);
    ready(node.connector.complete(most, Ok(fulfill()), now()));
    assert_eq!(refused(601), f08(421), "30 percent of 700");
    limit(&node, &carol, 300);
    assert_eq!(refused(601), T04, "less than one agreed packet is missing");
}

#[test]
fn an_empty_stock_is_waited_for() {
    let Exchange { node, .. } = Exchange::at(0, "0.5");
    node.alice.liquidity.credit(1_000_000);
    let refused = |amount| told(&node.refused(prepare("g.carol", amount)));
    assert_eq!((refused(2), refused(1_000)), (T04, T04));
}

#[test]
fn what_is_paid_at_this_node_is_refused_alike() {
    let (node, wallet) = (node(), local::wallet());
    let refused = |amount| {
        let packet = node.let_in(prepare("g.node.token", amount));
        let source = Source::Peer(&node.alice);
        let delivery = node.connector.deliver(source, &packet, &wallet, amount, now());
        ready(delivery).expect_err("there is too little")
    };
    assert_eq!(refused(1_001), Refusal::BeyondLiquidity { received: 1_001, maximum: 1_000 });
    let _held = node.delivered(&wallet, prepare("g.node.token", 600));
    assert_eq!(refused(401), Refusal::Liquidity);
}
