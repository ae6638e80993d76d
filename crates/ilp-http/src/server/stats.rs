//! The server's counters, and waiting until no request or connection is left.

use super::Limits;
use crate::port::{Pool, PortStats, until_quiet};
use http::StatusCode;
use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
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
pub struct ServerStats {
    port: Arc<PortStats>,
    pool: Arc<Pool>,
    /// In the order of [`STATUSES`].
    responses: [AtomicU64; STATUSES.len()],
    requests_detached: AtomicU64,
    replies_dropped: AtomicU64,
    handler_panics: AtomicU64,
    /// Notified whenever the open connections or the requests in flight reach zero.
    zero: Arc<Notify>,
}

// The counters that only grow are read for display, so they need no order.
impl ServerStats {
    pub(super) fn new(limits: &Limits) -> ServerStats {
        let zero = Arc::<Notify>::default();
        ServerStats {
            port: Arc::new(PortStats::notifying(Arc::clone(&zero))),
            pool: Pool::new(
                limits.requests_max as u64,
                limits.request_bytes_max as u64,
                Arc::clone(&zero),
            ),
            responses: Default::default(),
            requests_detached: AtomicU64::new(0),
            replies_dropped: AtomicU64::new(0),
            handler_panics: AtomicU64::new(0),
            zero,
        }
    }

    /// Connections open now.
    pub fn connections_open(&self) -> u64 {
        self.port.open()
    }

    /// Connections handed to a worker since the start.
    pub fn connections_accepted(&self) -> u64 {
        self.port.accepted()
    }

    /// Connections refused since the start because too many were open.
    pub fn connections_refused(&self) -> u64 {
        self.port.refused()
    }

    /// Returns the number of connections closed since the start for a slow head, a slow body, a
    /// reply not taken or idleness.
    pub fn connections_timed_out(&self) -> u64 {
        self.port.timed_out()
    }

    /// Returns the number of connections closed since the start to make room for another client's.
    pub fn connections_evicted(&self) -> u64 {
        self.port.evicted()
    }

    /// Returns the number of requests that passed authentication and whose reply has not left yet,
    /// including those whose client has hung up.
    pub fn requests_in_flight(&self) -> u64 {
        self.pool.requests()
    }

    /// Returns the number of bytes that those requests and their replies occupy, by their announced
    /// lengths.
    pub fn request_bytes(&self) -> u64 {
        self.pool.bytes()
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

    /// Returns the number of replies since the start that were dropped because the peer had left
    /// too many untaken.
    pub fn replies_dropped(&self) -> u64 {
        self.replies_dropped.load(Ordering::Relaxed)
    }

    /// Packets since the start whose handler panicked.
    pub fn handler_panics(&self) -> u64 {
        self.handler_panics.load(Ordering::Relaxed)
    }

    pub(super) fn port(&self) -> &Arc<PortStats> {
        &self.port
    }

    pub(super) fn pool(&self) -> &Arc<Pool> {
        &self.pool
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

    pub(super) fn reply_dropped(&self) {
        self.replies_dropped.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn panicked(&self) {
        self.handler_panics.fetch_add(1, Ordering::Relaxed);
    }

    /// Completes once no connection is open and no request in flight.
    pub(super) async fn quiet(&self) {
        let is_quiet = || self.connections_open() == 0 && self.requests_in_flight() == 0;
        until_quiet(&self.zero, is_quiet).await;
    }
}

impl fmt::Debug for ServerStats {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("ServerStats")
            .field("port", &self.port)
            .field("requests_in_flight", &self.requests_in_flight())
            .finish_non_exhaustive()
    }
}
