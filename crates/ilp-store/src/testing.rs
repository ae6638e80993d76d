//! The tools that the tests share.

pub(crate) mod power_cut;
pub(crate) mod random;

use std::{
    future::Future,
    path::Path,
    sync::Arc,
    task::{Context, Poll, Wake, Waker},
    thread::Thread,
};

use ilp_connector::{
    PeerLimits,
    conversion::Spread,
    token::{Secret, TokenDigest},
};
use interledger_packet::Address;
use uuid::Uuid;

use crate::{
    AssetRecord, EventRecord, IncomingPaymentRecord, IncomingPaymentState, IncomingToken,
    Initiator, OutgoingPaymentRecord, OutgoingPaymentState, PeerRecord, PeerTerms, QuoteRecord,
    Store, WalletAddressRecord,
};

pub(crate) fn open(dir: &Path) -> Store {
    Store::open(dir).expect("the directory is there and free")
}

/// A store in a directory that goes when the first value is dropped.
pub(crate) fn fresh() -> (tempfile::TempDir, Store) {
    let dir = tempfile::tempdir().expect("there is a directory for temporary files");
    let store = open(dir.path());
    (dir, store)
}

pub(crate) fn asset(code: &str) -> AssetRecord {
    AssetRecord {
        id: Uuid::now_v7(),
        code: code.to_owned(),
        scale: 9,
        withdrawal_threshold: None,
        liquidity_threshold: Some(u64::MAX),
        created_at_ms: 1_700_000_000_000,
        version: 0,
    }
}

pub(crate) fn peer(asset_id: Uuid, address: &str, tokens: &[&str]) -> PeerRecord {
    PeerRecord {
        id: Uuid::now_v7(),
        asset_id,
        terms: PeerTerms {
            name: Some("The Other Great Wallet".to_owned()),
            routes: vec!["g.beyond".parse().expect("a prefix")],
            endpoint: "ilp.example.com".to_owned(),
            outgoing_token: Secret::new("theirtoken".to_owned()),
            incoming_tokens: tokens.iter().map(|text| token(text)).collect(),
            limits: PeerLimits { packets_per_minute_max: Some(60), ..PeerLimits::default() },
            spread: Spread::new(25).expect("a spread"),
            ..PeerTerms::at(self::address(address))
        },
        created_at_ms: 1_700_000_000_000,
        version: 0,
        initial_deposit: None,
    }
}

pub(crate) fn address(text: &str) -> Address {
    text.parse().expect("an ILP address")
}

pub(crate) fn token(text: &str) -> IncomingToken {
    IncomingToken { digest: TokenDigest::of(text.as_bytes()), created_at_ms: 1_700_000_000_000 }
}

pub(crate) fn wallet_address(asset_id: Uuid, name: &str) -> WalletAddressRecord {
    WalletAddressRecord {
        id: Uuid::now_v7(),
        asset_id,
        url: format!("https://wallet.example/{name}"),
        public_name: Some(name.to_owned()),
        deactivated_at_ms: None,
        additional_properties: Vec::new(),
        created_at_ms: 1_700_000_000_000,
        version: 0,
    }
}

pub(crate) fn incoming_payment(
    of: &WalletAddressRecord,
    expires_at_ms: u64,
) -> IncomingPaymentRecord {
    let id = Uuid::now_v7();
    IncomingPaymentRecord {
        id,
        wallet_address_id: of.id,
        asset_id: of.asset_id,
        url: format!("{}/incoming-payments/{id}", of.url),
        incoming_amount: Some(u64::MAX),
        metadata: Some(r#"{"order":1}"#.to_owned()),
        state: IncomingPaymentState::Pending,
        initiated_by: Initiator::Admin,
        sender_wallet_address: None,
        expires_at_ms,
        created_at_ms: 1_700_000_000_000,
        withdrawal_id: None,
    }
}

pub(crate) fn quote(of: &WalletAddressRecord) -> QuoteRecord {
    QuoteRecord {
        id: Uuid::now_v7(),
        wallet_address_id: of.id,
        asset_id: of.asset_id,
        receiver: "$wallet.example/bob".to_owned(),
        local_recipient: None,
        is_fixed_send: true,
        debit_amount: u64::MAX,
        debit_minus_fees: u64::MAX - 1,
        receive_amount: 7,
        deliver_amount: Some(6),
        receive_asset_code: "EUR".to_owned(),
        receive_asset_scale: 2,
        fee_id: None,
        max_packet_amount: Some(1_000),
        packet_count: 12,
        rate_delivered: u128::MAX,
        rate_sent: 3,
        details: Secret::new("shared secret".to_owned()),
        created_at_ms: 1_700_000_000_000,
        expires_at_ms: 1_700_000_300_000,
    }
}

pub(crate) fn outgoing_payment(quote: &QuoteRecord) -> OutgoingPaymentRecord {
    OutgoingPaymentRecord {
        id: Uuid::now_v7(),
        quote: quote.clone(),
        state: OutgoingPaymentState::Funding,
        error: None,
        state_attempts: 0,
        metadata: None,
        funding_id: Uuid::now_v7(),
        withdrawal_id: None,
        sent: 0,
        delivered: 0,
        packets: Some(0),
        under_way_max: 5,
        in_doubt: u64::MAX,
        created_at_ms: 1_700_000_000_000,
    }
}

pub(crate) fn event() -> EventRecord {
    EventRecord::new(Uuid::now_v7(), "test", b"{}".to_vec(), 5)
}

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// Runs a future on this thread, which sleeps while it waits.
pub(crate) fn block_on<F: Future>(future: F) -> F::Output {
    let mut future = std::pin::pin!(future);
    let waker = Waker::from(Arc::new(Unpark(std::thread::current())));
    loop {
        match future.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(output) => return output,
            Poll::Pending => std::thread::park(),
        }
    }
}

/// Polls a future once, and says whether it is done.
pub(crate) fn poll_once<F: Future + Unpin>(future: &mut F) -> Poll<F::Output> {
    std::pin::Pin::new(future).poll(&mut Context::from_waker(Waker::noop()))
}
