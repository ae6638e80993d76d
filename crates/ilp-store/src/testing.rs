//! What the tests share.

use std::{
    future::Future,
    path::Path,
    sync::Arc,
    task::{Context, Poll, Wake, Waker},
    thread::Thread,
};

use ilp_connector::token::{Secret, TokenDigest};
use uuid::Uuid;

use crate::{AssetRecord, IncomingToken, PeerRecord, Store};

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
    }
}

pub(crate) fn peer(asset_id: Uuid, address: &str, tokens: &[&str]) -> PeerRecord {
    PeerRecord {
        id: Uuid::now_v7(),
        asset_id,
        static_ilp_address: address.to_owned(),
        name: Some("The Other Great Wallet".to_owned()),
        max_packet_amount: None,
        liquidity_threshold: None,
        routes: vec!["g.beyond".to_owned()],
        endpoint: "ilp.example.com".to_owned(),
        outgoing_token: Secret::new("theirtoken".to_owned()),
        incoming_tokens: tokens.iter().map(|text| token(text)).collect(),
        packets_per_minute_max: Some(60),
        amount_per_second_max: None,
        created_at_ms: 1_700_000_000_000,
        initial_deposit: None,
    }
}

pub(crate) fn token(text: &str) -> IncomingToken {
    IncomingToken { digest: TokenDigest::of(text.as_bytes()), created_at_ms: 1_700_000_000_000 }
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
