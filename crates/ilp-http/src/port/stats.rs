//! The counters of a port.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};
use tokio::sync::Notify;

/// The counters of one port. Reading one costs a load.
#[derive(Debug, Default)]
pub struct PortStats {
    open: AtomicU64,
    accepted: AtomicU64,
    refused: AtomicU64,
    timed_out: AtomicU64,
    evicted: AtomicU64,
    /// Notified whenever the open connections reach zero.
    zero: Arc<Notify>,
}

// The counters that only grow are read for display, so they need no order. The number of open
// connections also ends the drain: a decrement releases the connection's work, and the drain
// acquires it.
impl PortStats {
    /// Makes counters that notify `zero` whenever the open connections reach zero.
    pub(crate) fn notifying(zero: Arc<Notify>) -> PortStats {
        PortStats { zero, ..PortStats::default() }
    }

    /// Returns the number of connections open now.
    pub fn open(&self) -> u64 {
        self.open.load(Ordering::Acquire)
    }

    /// Returns the number of connections taken since the start.
    pub fn accepted(&self) -> u64 {
        self.accepted.load(Ordering::Relaxed)
    }

    /// Returns the number of connections refused since the start because too many were open.
    pub fn refused(&self) -> u64 {
        self.refused.load(Ordering::Relaxed)
    }

    /// Returns the number of connections ended since the start because their client was too slow,
    /// took nothing or idled.
    pub fn timed_out(&self) -> u64 {
        self.timed_out.load(Ordering::Relaxed)
    }

    /// Returns the number of connections ended since the start to make room for another client's.
    pub fn evicted(&self) -> u64 {
        self.evicted.load(Ordering::Relaxed)
    }

    pub(crate) fn count_refused(&self) {
        self.refused.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn count_timed_out(&self) {
        self.timed_out.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn count_evicted(&self) {
        self.evicted.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn count_begin(&self) {
        self.open.fetch_add(1, Ordering::AcqRel);
        self.accepted.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn count_end(&self) {
        if self.open.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.zero.notify_waiters();
        }
    }

    /// Completes once no connection is open.
    pub async fn quiet(&self) {
        until_quiet(&self.zero, || self.open() == 0).await;
    }
}

/// Completes once `is_quiet` returns true, which is checked whenever `zero` is notified.
pub(crate) async fn until_quiet(zero: &Notify, is_quiet: impl Fn() -> bool) {
    loop {
        let mut notified = std::pin::pin!(zero.notified());
        // Waiting begins before the counts are read, so that a zero in between is not missed.
        notified.as_mut().enable();
        if is_quiet() {
            return;
        }
        notified.await;
    }
}
