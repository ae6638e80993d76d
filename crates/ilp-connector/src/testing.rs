//! Peers and packets for this crate's own tests.

use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use interledger_packet::{
    Address, AddressPrefix, FulfillBuilder, Prepare, PrepareBuilder, Timestamp,
};
use ring::digest::{SHA256, digest};
use uuid::Uuid;

use crate::{
    account::{Account, AccountId, Balance},
    conversion::Spread,
    peer::{Asset, NextHop, Peer, Terms},
    peer_limits::PeerLimits,
    token::{Secret, TokenDigest},
};

pub(crate) const FULFILLMENT: [u8; 32] = *b"the preimage of every test packe";

pub(crate) fn address(text: &str) -> Address {
    text.try_into().expect("a valid address")
}

pub(crate) fn now() -> Timestamp {
    Timestamp::from_unix_ms(1_800_000_000_000)
}

pub(crate) fn condition() -> [u8; 32] {
    digest(&SHA256, &FULFILLMENT).as_ref().try_into().expect("32 bytes")
}

/// An asset of its own for each code, the same each time it is asked for.
pub(crate) fn asset(code: &str) -> Arc<Asset> {
    static USD: OnceLock<Arc<Asset>> = OnceLock::new();
    let make = || {
        let id = Uuid::now_v7();
        let liquidity = Arc::new(Account::empty(AccountId::asset(id)));
        let settlement = Arc::new(Account::empty(AccountId::settlement(id)));
        Arc::new(Asset { id, code: code.to_owned(), scale: 2, liquidity, settlement })
    };
    if code == "USD" { Arc::clone(USD.get_or_init(make)) } else { make() }
}

pub(crate) fn terms(text: &str) -> Terms {
    Terms {
        address: address(text),
        routes: Vec::new(),
        is_default_route: false,
        tokens: vec![TokenDigest::of(text.as_bytes())],
        max_packet_amount: None,
        limits: PeerLimits::default(),
        spread: Spread::NONE,
        next_hop: NextHop::new(format!("http://{text}"), Secret::new("t".to_owned())),
    }
}

pub(crate) fn route(text: &str) -> AddressPrefix {
    text.try_into().expect("a valid prefix")
}

/// A peer in USD with 1,000 of liquidity.
pub(crate) fn peer(text: &str) -> Arc<Peer> {
    peer_with(terms(text), asset("USD"), 1_000)
}

pub(crate) fn peer_with(terms: Terms, asset: Arc<Asset>, liquidity: u64) -> Arc<Peer> {
    let id = Uuid::now_v7();
    let balance = Balance { credits: u128::from(liquidity), ..Balance::default() };
    let account = Arc::new(Account::new(AccountId::peer(id), balance));
    Arc::new(Peer::new(id, asset, account, terms))
}

/// A packet that [`FULFILLMENT`] fulfills, expiring 20 s from now.
pub(crate) fn prepare(destination: &str, amount: u64) -> Prepare {
    PrepareBuilder {
        amount,
        expires_at: now().saturating_add_ms(20_000),
        execution_condition: &condition(),
        destination: address(destination).as_addr(),
        data: b"data",
    }
    .build()
    .expect("a valid packet")
}

pub(crate) fn fulfill() -> Bytes {
    FulfillBuilder { fulfillment: &FULFILLMENT, data: b"thanks" }
        .build()
        .expect("a valid packet")
        .into_bytes()
}
