//! A packet passes the core without an allocation: what it needs lies in its own bytes, in values on
//! the stack, and in what peers have had since they were added.

#![expect(clippy::unwrap_used, reason = "a test that can't go on ends with a panic")]

use std::{
    pin::pin,
    sync::Arc,
    task::{Context, Poll, Waker},
};

use allocation_counter::measure;
use bytes::{Bytes, BytesMut};
use ilp_connector::{
    Connector, Decision, InFlightDefaults, LinkFailure, PeerLimits, Percent, Policy, Source,
    account::{Account, AccountId, Balance},
    conversion::Spread,
    ledger::MemoryLedger,
    peer::{Asset, NextHop, Peer, Terms},
    rates::{Quote, RateOrigin},
    token::{Secret, TokenDigest},
};
use interledger_packet::{
    Address, ErrorCode, FulfillBuilder, Prepare, PrepareBuilder, RejectBuilder, Timestamp,
};
use ring::digest::{SHA256, digest};
use uuid::Uuid;

const FULFILLMENT: [u8; 32] = [7; 32];
const TOKEN: &[u8] = b"alice's token";
const PACKETS: u64 = 100;

fn now() -> Timestamp {
    Timestamp::from_unix_ms(1_800_000_000_000)
}

fn asset(code: &str) -> Arc<Asset> {
    let id = Uuid::now_v7();
    let stock = Balance { credits: u128::from(u64::MAX / 2), ..Balance::default() };
    Arc::new(Asset {
        id,
        code: code.to_owned(),
        scale: 9,
        liquidity: Arc::new(Account::new(AccountId::asset(id), stock)),
        settlement: Arc::new(Account::empty(AccountId::settlement(id))),
    })
}

fn peer(asset: &Arc<Asset>, address: &str, token: &[u8]) -> Arc<Peer> {
    let id = Uuid::now_v7();
    let balance = Balance { credits: u128::from(u64::MAX / 2), ..Balance::default() };
    let endpoint = format!("http://{}", String::from_utf8_lossy(token));
    let next_hop = NextHop::new(endpoint, Secret::new(String::new()));
    let terms = Terms {
        address: address.try_into().unwrap(),
        routes: Vec::new(),
        is_default_route: false,
        tokens: vec![TokenDigest::of(token)],
        max_packet_amount: Some(1_000),
        limits: PeerLimits {
            packets_per_minute_max: Some(1_000_000),
            amount_per_second_max: Some(1_000_000_000),
            packets_in_flight_max: Some(1_000),
            amount_in_flight_max: Some(1_000_000),
            asset_share_in_flight_percent_max: Percent::new(50),
        },
        spread: Spread::NONE,
        next_hop,
    };
    let liquidity = Arc::new(Account::new(AccountId::peer(id), balance));
    Arc::new(Peer::new(id, Arc::clone(asset), liquidity, terms))
}

/// Alice in dollars; in dollars and in euros too those to whom she sends, over a route that two peers
/// share and one that is deeper than the address of its peer.
fn connector() -> Connector<MemoryLedger> {
    let policy = Policy {
        amount_max_default: Some(u64::MAX),
        packets_per_minute_max_default: Some(u64::MAX),
        in_flight_default: InFlightDefaults {
            packets_max: 1_000,
            packets_ceiling: 10_000,
            amount_max: Some(u64::MAX),
            asset_share_percent_max: 50,
        },
        expiry_margin_ms: 1_000,
        hold_ms_max: 30_000,
    };
    let connector = Connector::new("g.node".try_into().unwrap(), policy, MemoryLedger);
    let (dollars, euros) = (asset("USD"), asset("EUR"));
    connector.add_peer(peer(&dollars, "g.alice", TOKEN));
    connector.add_peer(peer(&dollars, "g.bob", b"bob's"));
    connector.add_peer(peer(&euros, "g.carol", b"carol's"));
    connector.add_peer(peer(&dollars, "g.shared", b"one"));
    connector.add_peer(peer(&dollars, "g.shared", b"other"));
    connector.add_peer(peer(&dollars, "g.a.b.c.d.e", b"deep"));
    // One neighbour in three assets, of which only the last one has a rate.
    connector.add_peer(peer(&asset("GBP"), "g.dan", b"dan in pounds"));
    connector.add_peer(peer(&asset("MXN"), "g.dan", b"dan in pesos"));
    connector.add_peer(peer(&euros, "g.dan", b"dan in euros"));
    connector.rates().give(
        RateOrigin::Set,
        "USD",
        "EUR",
        Quote { rate: "0.9".parse().unwrap(), updated_at: now(), good_until: None },
    );
    connector
}

fn ready<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => value,
        Poll::Pending => unreachable!("a ledger in memory never waits"),
    }
}

/// A packet as a connection hands it on: in a buffer that something allocated before.
fn packet(destination: &str) -> BytesMut {
    let condition = digest(&SHA256, &FULFILLMENT);
    let destination: Address = destination.try_into().unwrap();
    let packet = PrepareBuilder {
        amount: 100,
        expires_at: now().saturating_add_ms(20_000),
        execution_condition: condition.as_ref().try_into().unwrap(),
        destination: destination.as_addr(),
        data: b"some application's data",
    };
    BytesMut::from(&packet.build().unwrap().into_bytes()[..])
}

/// Sends a packet through, from the token that came with it to the reply's bytes.
fn pass(
    connector: &Connector<MemoryLedger>,
    packet: BytesMut,
    answer: Result<Bytes, LinkFailure>,
) -> Bytes {
    let alice = connector.peer_by_token(TOKEN).unwrap();
    let prepare = Prepare::parse(packet).unwrap();
    match ready(connector.prepare(Source::Peer(&alice), prepare, now())) {
        Decision::Send { packet, in_flight } => {
            drop(packet);
            ready(connector.complete(in_flight, answer, now()))
        }
        Decision::Deliver(_) => unreachable!("nobody is paid here"),
        Decision::Reply(reply) => reply,
    }
}

/// Returns the allocations of packets to that destination, after one packet that causes all that
/// are made once.
fn allocations(destination: &str, answer: &Bytes) -> u64 {
    let connector = connector();
    pass(&connector, packet(destination), Ok(answer.clone()));
    let mut count = 0;
    for _ in 0..PACKETS {
        let (packet, answer) = (packet(destination), answer.clone());
        let mut reply = Bytes::new();
        count += measure(|| reply = pass(&connector, packet, Ok(answer))).count_total;
        assert!(!reply.is_empty());
    }
    count
}

fn fulfill() -> Bytes {
    FulfillBuilder { fulfillment: &FULFILLMENT, data: &[1; 100] }.build().unwrap().into_bytes()
}

#[test]
fn a_packet_that_is_paid_for_allocates_nothing() {
    let fulfilled = pass(&connector(), packet("g.bob.x"), Ok(fulfill()));
    assert_eq!(fulfilled, fulfill());
    for destination in ["g.bob", "g.bob.wallet.1", "g.carol.x", "g.shared.1", "g.a.b.c.d.e.f.g"] {
        assert_eq!(allocations(destination, &fulfill()), 0, "{destination}");
    }
}

#[test]
fn a_packet_that_next_hops_leave_to_the_next_one_allocates_nothing() {
    for number in 0..8 {
        let destination = format!("g.dan.{number}");
        let fulfilled = pass(&connector(), packet(&destination), Ok(fulfill()));
        assert_eq!(fulfilled, fulfill(), "{destination}");
        assert_eq!(allocations(&destination, &fulfill()), 0, "{destination}");
    }
}

#[test]
fn a_reject_that_is_passed_back_allocates_nothing() {
    let code = ErrorCode::F99_APPLICATION_ERROR;
    let reject = RejectBuilder { code, triggered_by: None, message: b"no", data: &[1; 100] };
    let reject = reject.build().unwrap().into_bytes();
    assert_eq!(pass(&connector(), packet("g.bob.x"), Ok(reject.clone())), reject);
    assert_eq!(allocations("g.bob.x", &reject), 0);
}

#[test]
fn a_reject_of_our_own_allocates_its_bytes_and_what_shares_them() {
    let count = allocations("g.nobody.x", &fulfill());
    // Otherwise the counter would be broken, and the zeros above would say nothing.
    assert!((PACKETS..=2 * PACKETS).contains(&count), "{count} for {PACKETS} packets");
}
