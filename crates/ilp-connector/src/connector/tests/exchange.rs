//! Packets from a peer in one asset to a peer in another, and peers that pay for what they send.

use super::*;
use crate::{
    conversion::Spread,
    peer_limits::{PeerLimits, Percent},
    rates::{Quote, RateOrigin},
    testing::asset,
};

/// Alice and Bob count in pounds, Carol in euros, of which the node has some.
pub(super) struct Exchange {
    pub(super) node: Node,
    pub(super) carol: Arc<Peer>,
}

fn exchange(stock: u64) -> Exchange {
    let (pounds, euros) = (asset("GBP"), asset("EUR"));
    euros.liquidity.credit(stock);
    let connector = Connector::new(address("g.node"), policy(), MemoryLedger);
    let [alice, bob] =
        ["g.alice", "g.bob"].map(|name| peer_with(terms(name), Arc::clone(&pounds), 1_000));
    connector.add_peer(Arc::clone(&alice));
    connector.add_peer(Arc::clone(&bob));
    let node = Node { connector, alice, bob };
    let carol = peer_with(terms("g.carol"), euros, 0);
    node.connector.add_peer(Arc::clone(&carol));
    Exchange { node, carol }
}

impl Exchange {
    pub(super) fn at(stock: u64, rate: &str) -> Self {
        let exchange = exchange(stock);
        exchange.give("GBP", "EUR", rate, None);
        exchange
    }

    pub(super) fn give(&self, base: &str, quote: &str, rate: &str, good_until: Option<Timestamp>) {
        let rate = rate.parse().expect("a rate");
        let given = Quote { rate, updated_at: now(), good_until };
        self.node.connector.rates().give(RateOrigin::Set, base, quote, given);
    }

    fn limit_carol(&self, maximum: u64) {
        let terms = Terms { max_packet_amount: Some(maximum), ..(*self.carol.terms()).clone() };
        self.node.connector.update_peer(self.carol.id, terms).expect("the peer is there");
    }

    fn f08_maximum(&self, amount: u64) -> u64 {
        let reject = self.node.refused(prepare("g.carol", amount));
        let details = AmountTooLarge::from_data(reject.data()).expect("an F08 with 16 bytes");
        assert_eq!(details.received, amount);
        details.maximum
    }
}

fn available(account: &Account) -> u128 {
    account.own_part().available()
}

#[test]
fn a_converted_packet_moves_two_legs_both_or_neither() {
    let exchange = Exchange::at(1_000, "0.92");
    let Exchange { node, carol } = &exchange;
    let pounds = available(&node.alice.asset.liquidity);
    let (packet, in_flight) = node.sent(prepare("g.carol", 333));
    assert_eq!(packet.amount(), 306, "floor of 306.36");
    let now_available = || {
        let pounds = available(&node.alice.asset.liquidity) - pounds;
        let euros = available(&carol.asset.liquidity);
        (available(&node.alice.liquidity), pounds, euros, available(&carol.liquidity))
    };
    assert_eq!(now_available(), (667, 0, 694, 0));
    ready(node.connector.complete(in_flight, Ok(fulfill()), now()));
    assert_eq!(now_available(), (667, 333, 694, 306));

    let (_, rejected) = node.sent(prepare("g.carol", 100));
    let reject = Reject::new(ErrorCode::F99_APPLICATION_ERROR, None, "no").into_bytes();
    ready(node.connector.complete(rejected, Ok(reject), now()));
    assert_eq!(now_available(), (667, 333, 694, 306));

    // 694 euro cents are left: of 755 pence, were they there, one euro cent too few.
    node.alice.liquidity.credit(1_000);
    assert_eq!(exchange.f08_maximum(756), 755);
    node.sent(prepare("g.carol", 755));
}

#[test]
fn without_a_rate_or_with_an_old_one_nothing_passes() {
    let exchange = exchange(1_000);
    let code = |amount| exchange.node.refused_code(prepare("g.carol", amount));
    assert_eq!(code(1), ErrorCode::F07_CANNOT_RECEIVE);
    exchange.give("EUR", "GBP", "1.09", Some(now().saturating_add_ms(1)));
    exchange.node.sent(prepare("g.carol", 100));
    exchange.give("EUR", "GBP", "1.09", Some(now()));
    assert_eq!(code(100), ErrorCode::T00_INTERNAL_ERROR);
    assert!(exchange.node.refused(prepare("g.carol", 1)).message_lossy().contains("lifetime"));
}

#[test]
fn what_is_worth_nothing_is_too_little_and_zero_is_not() {
    let exchange = Exchange::at(1_000, "0.01");
    let refused = exchange.node.refused_code(prepare("g.carol", 99));
    assert_eq!(refused, ErrorCode::R01_INSUFFICIENT_SOURCE_AMOUNT);
    assert_eq!(exchange.node.sent(prepare("g.carol", 100)).0.amount(), 1);
    assert_eq!(exchange.node.sent(prepare("g.carol", 0)).0.amount(), 0);
}

#[test]
fn a_maximum_is_told_in_the_senders_unit_and_is_exact() {
    for (rate, maximum_out) in [("0.92", 306), ("17.3", 100), ("0.333", 7), ("3", 1), ("0.5", 0)] {
        let exchange = Exchange::at(100_000, rate);
        exchange.limit_carol(maximum_out);
        exchange.node.alice.liquidity.credit(u64::MAX - 1_000);
        let maximum = exchange.f08_maximum(1_000_000);
        exchange.node.sent(prepare("g.carol", maximum));
        if maximum > 0 {
            assert_eq!(exchange.f08_maximum(maximum + 1), maximum, "{rate}");
        }
    }
    let exchange = Exchange::at(u64::MAX, "2");
    exchange.node.alice.liquidity.credit(u64::MAX - 1_000);
    assert_eq!(exchange.f08_maximum(u64::MAX), u64::MAX / 2);
    exchange.node.sent(prepare("g.carol", u64::MAX / 2));
}

#[test]
fn the_sending_peer_pays_its_spread_in_whatever_asset() {
    let exchange = Exchange::at(1_000, "0.92");
    let Exchange { node, .. } = &exchange;
    let spread = Spread::new(50).expect("a spread");
    let terms = Terms { spread, ..(*node.alice.terms()).clone() };
    node.connector.update_peer(node.alice.id, terms).expect("the peer is there");
    assert_eq!(node.sent(prepare("g.carol", 1_000)).0.amount(), 915, "floor of 915.4");

    let stock = available(&node.alice.asset.liquidity);
    let (packet, in_flight) = node.sent(prepare("g.bob", 999));
    assert_eq!(packet.amount(), 994, "floor of 994.005");
    ready(node.connector.complete(in_flight, Ok(fulfill()), now()));
    assert_eq!(node.available(), (1, 1_994));
    assert_eq!(available(&node.alice.asset.liquidity) - stock, 5);
    // All of it counts: with 1 left, 1 passes only if something is left of it.
    let refused = node.refused_code(prepare("g.bob", 1));
    assert_eq!(refused, ErrorCode::R01_INSUFFICIENT_SOURCE_AMOUNT);
}

#[test]
fn a_peer_hears_its_address_and_asset_and_pays_nothing_for_it() {
    use interledger_packet::{Fulfill, ildcp};
    let node = node();
    let expires_at = now().saturating_add_ms(20_000);
    let Decision::Reply(reply) = node.prepare(ildcp::request(expires_at)) else { panic!("sent") };
    let fulfill = Fulfill::parse(reply).expect("a fulfill");
    assert_eq!(fulfill.fulfillment(), &ildcp::FULFILLMENT);
    let told = ildcp::Response::from_data(fulfill.data()).expect("a response");
    let alice = address("g.alice");
    let expected =
        ildcp::Response { client_address: alice.as_addr(), asset_scale: 2, asset_code: "USD" };
    assert_eq!(told, expected);

    let mut paid = ildcp::request(expires_at);
    paid.set_amount(1);
    assert_eq!(node.refused_code(paid), ErrorCode::F08_AMOUNT_TOO_LARGE);
    let own = node.connector.prepare(Source::Own, ildcp::request(expires_at), now());
    let Decision::Reply(reply) = ready(own) else { panic!("sent") };
    assert!(Reject::parse(reply).is_ok(), "the node is nobody's peer of its own");
}

/// The stock is there for all: what one peer's packets hold of it leaves some for another's.
#[test]
fn one_peers_packets_hold_no_more_than_their_share_of_a_stock() {
    let Exchange { node, carol } = Exchange::at(1_000, "1");
    for peer in [&node.alice, &node.bob] {
        let asset_share_in_flight_percent_max = Percent::new(50);
        let limits = PeerLimits { asset_share_in_flight_percent_max, ..Default::default() };
        let terms = Terms { limits, ..(*peer.terms()).clone() };
        node.connector.update_peer(peer.id, terms).expect("the peer is there");
    }
    let half = node.sent(prepare("g.carol", 500));
    assert_eq!(node.refused(prepare("g.carol", 1)).code(), ErrorCode::T04_INSUFFICIENT_LIQUIDITY);
    // Packets that need none of it pass.
    drop(node.sent(prepare("g.bob", 1)));
    let from_bob = |amount| {
        let packet = prepare("g.carol", amount);
        ready(node.connector.prepare(Source::Peer(&node.bob), packet, now()))
    };
    assert!(matches!(from_bob(251), Decision::Reply(_)), "half of what is left is 250");
    assert!(matches!(from_bob(250), Decision::Send { .. }));
    ready(node.connector.complete(half.1, Ok(fulfill()), now()));
    assert_eq!(available(&carol.liquidity), 500);
    node.sent(prepare("g.carol", 250));
}
