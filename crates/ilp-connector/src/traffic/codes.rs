//! Rejects counted by their code.

use std::{
    array,
    sync::atomic::{AtomicU64, Ordering},
};

use interledger_packet::ErrorCode;

/// The codes with a counter of their own. A next hop may make up any other, and those are counted
/// as one, so that it can't make up counters.
const CODES: [ErrorCode; 22] = [
    ErrorCode::F00_BAD_REQUEST,
    ErrorCode::F01_INVALID_PACKET,
    ErrorCode::F02_UNREACHABLE,
    ErrorCode::F03_INVALID_AMOUNT,
    ErrorCode::F04_INSUFFICIENT_DESTINATION_AMOUNT,
    ErrorCode::F05_WRONG_CONDITION,
    ErrorCode::F06_UNEXPECTED_PAYMENT,
    ErrorCode::F07_CANNOT_RECEIVE,
    ErrorCode::F08_AMOUNT_TOO_LARGE,
    ErrorCode::F09_INVALID_PEER_RESPONSE,
    ErrorCode::F99_APPLICATION_ERROR,
    ErrorCode::T00_INTERNAL_ERROR,
    ErrorCode::T01_PEER_UNREACHABLE,
    ErrorCode::T02_PEER_BUSY,
    ErrorCode::T03_CONNECTOR_BUSY,
    ErrorCode::T04_INSUFFICIENT_LIQUIDITY,
    ErrorCode::T05_RATE_LIMITED,
    ErrorCode::T99_APPLICATION_ERROR,
    ErrorCode::R00_TRANSFER_TIMED_OUT,
    ErrorCode::R01_INSUFFICIENT_SOURCE_AMOUNT,
    ErrorCode::R02_INSUFFICIENT_TIMEOUT,
    ErrorCode::R99_APPLICATION_ERROR,
];

/// A counter for each code.
#[derive(Debug)]
pub(crate) struct Codes {
    known: [AtomicU64; CODES.len()],
    others: AtomicU64,
}

impl Default for Codes {
    fn default() -> Self {
        Self { known: array::from_fn(|_| AtomicU64::new(0)), others: AtomicU64::new(0) }
    }
}

// Relaxed throughout: the numbers are for display and order nothing.
impl Codes {
    pub(crate) fn add(&self, code: ErrorCode) {
        let index = CODES.iter().position(|known| *known == code);
        let counter = index.and_then(|index| self.known.get(index)).unwrap_or(&self.others);
        counter.fetch_add(1, Ordering::Relaxed);
    }

    /// How many of each; `None` stands for codes that no RFC names.
    pub(crate) fn counts(&self) -> impl Iterator<Item = (Option<ErrorCode>, u64)> {
        let load = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let known = CODES.into_iter().map(Some).zip(self.known.iter().map(load));
        known.chain([(None, load(&self.others))])
    }
}
