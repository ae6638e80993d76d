//! What the server counts, and waiting until there is nothing left to count.

use http::StatusCode;
use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};
use tokio::sync::Notify;

/// The statuses that this server answers with: those of the table in `answer.rs`.
const STATUSES: [StatusCode; 8] = [
    StatusCode::OK,
    StatusCode::BAD_REQUEST,
    StatusCode::UNAUTHORIZED,
    StatusCode::METHOD_NOT_ALLOWED,
    StatusCode::PAYLOAD_TOO_LARGE,
    StatusCode::UNSUPPORTED_MEDIA_TYPE,
    StatusCode::INTERNAL_SERVER_ERROR,
    StatusCode::SERVICE_UNAVAILABLE,
];

/// Counters of one server. Reading them costs a load each.
#[derive(Debug, Default)]
pub struct ServerStats {
    connections_open: AtomicU64,
    connections_accepted: AtomicU64,
    connections_refused: AtomicU64,
    connections_timed_out: AtomicU64,
    requests_in_flight: AtomicU64,
    /// In the order of [`STATUSES`].
    responses: [AtomicU64; STATUSES.len()],
    requests_detached: AtomicU64,
    handler_panics: AtomicU64,
    /// Told whenever the open connections or the requests in flight reach zero.
    zero: Notify,
}

// The counters that only grow are read for display, so they need no order. The two that fall carry
// the drain: a decrement releases what was done before it, and `quiet` acquires it.
impl ServerStats {
    /// Connections open now.
    pub fn connections_open(&self) -> u64 {
        self.connections_open.load(Ordering::Acquire)
    }

    /// Connections handed to a worker since the start.
    pub fn connections_accepted(&self) -> u64 {
        self.connections_accepted.load(Ordering::Relaxed)
    }

    /// Connections refused since the start because too many were open.
    pub fn connections_refused(&self) -> u64 {
        self.connections_refused.load(Ordering::Relaxed)
    }

    /// Connections closed since the start for a slow head, a slow body or idleness.
    pub fn connections_timed_out(&self) -> u64 {
        self.connections_timed_out.load(Ordering::Relaxed)
    }

    /// Requests that passed authentication and are not answered yet, those whose client has hung
    /// up included.
    pub fn requests_in_flight(&self) -> u64 {
        self.requests_in_flight.load(Ordering::Acquire)
    }

    /// Requests answered since the start, by HTTP status. Those whose head was no HTTP never became
    /// a request and are not among them.
    pub fn responses(&self) -> impl Iterator<Item = (u16, u64)> {
        let counts = self.responses.iter().map(|count| count.load(Ordering::Relaxed));
        STATUSES.iter().map(StatusCode::as_u16).zip(counts)
    }

    /// Packets since the start whose stream was reset, or whose connection was cut, before the reply.
    pub fn requests_detached(&self) -> u64 {
        self.requests_detached.load(Ordering::Relaxed)
    }

    /// Packets since the start whose handler panicked.
    pub fn handler_panics(&self) -> u64 {
        self.handler_panics.load(Ordering::Relaxed)
    }

    pub(super) fn refused(&self) {
        self.connections_refused.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn timed_out(&self) {
        self.connections_timed_out.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn answered(&self, status: StatusCode) {
        let index = STATUSES.iter().position(|known| *known == status);
        debug_assert!(index.is_some(), "{status} is missing among STATUSES");
        if let Some(count) = index.and_then(|index| self.responses.get(index)) {
            count.fetch_add(1, Ordering::Relaxed);
        }
    }

    pub(super) fn detached(&self) {
        self.requests_detached.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn panicked(&self) {
        self.handler_panics.fetch_add(1, Ordering::Relaxed);
    }

    /// Completes once no connection is open and no request in flight.
    pub(super) async fn quiet(&self) {
        loop {
            let mut told = std::pin::pin!(self.zero.notified());
            // Waiting begins before the counts are read, so that a zero in between is not missed.
            told.as_mut().enable();
            if self.connections_open() == 0 && self.requests_in_flight() == 0 {
                return;
            }
            told.await;
        }
    }

    fn left(&self, counter: &AtomicU64) {
        if counter.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.zero.notify_waiters();
        }
    }
}

/// Counts one connection for as long as it lives.
pub(super) struct ConnectionCount(Arc<ServerStats>);

impl ConnectionCount {
    pub(super) fn new(stats: &Arc<ServerStats>) -> ConnectionCount {
        stats.connections_open.fetch_add(1, Ordering::AcqRel);
        stats.connections_accepted.fetch_add(1, Ordering::Relaxed);
        ConnectionCount(Arc::clone(stats))
    }
}

impl Drop for ConnectionCount {
    fn drop(&mut self) {
        self.0.left(&self.0.connections_open);
    }
}

/// Counts one request for as long as it lives, wherever it runs.
pub(super) struct RequestCount(Arc<ServerStats>);

impl RequestCount {
    /// Counts one more request, unless `requests_max` are in flight.
    pub(super) fn new(stats: &Arc<ServerStats>, requests_max: usize) -> Option<RequestCount> {
        let before = stats.requests_in_flight.fetch_add(1, Ordering::AcqRel);
        let count = RequestCount(Arc::clone(stats));
        (before < requests_max as u64).then_some(count)
    }
}

impl Drop for RequestCount {
    fn drop(&mut self) {
        self.0.left(&self.0.requests_in_flight);
    }
}
