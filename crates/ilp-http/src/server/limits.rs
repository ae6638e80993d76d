//! Every bound of the server, in one place.

use std::time::Duration;

/// The bounds of a [`Server`](super::Server). What goes over one is refused, never queued.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Connections open at once. Each costs a file descriptor and about 10 KiB; the next is
    /// answered 503.
    pub connections_max: usize,
    /// Connections beyond those that are being answered 503 at once, each with a file descriptor of
    /// its own; the next is closed without a word.
    pub refusals_max: usize,
    /// Requests at once on one HTTP/2 connection; the peer is told, and keeps more to itself. As
    /// many as one peer may have under way, or what it leaves waiting keeps out the rest.
    pub streams_max: u32,
    /// Requests in flight at once over all connections, counted before the body is read: 16,384
    /// bodies of at most 33 KiB are 528 MiB. The next is answered 503.
    pub requests_max: usize,
    /// The longest request head in bytes, request line and headers together; at least 8,192.
    pub head_bytes_max: usize,
    /// From the first byte of a request, or from the connection's begin, to the end of the head.
    pub head_timeout: Duration,
    /// From the end of the head to the end of the body.
    pub body_timeout: Duration,
    /// How long a connection may be without a request. Longer than any client keeps one in its
    /// pool, so that it is the client who closes: a server closing first can cross a request.
    pub idle_timeout: Duration,
    /// How long requests in flight may take to finish once the server is told to end.
    pub drain_timeout: Duration,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            connections_max: 10_000,
            refusals_max: 64,
            streams_max: 8_192,
            requests_max: 16_384,
            head_bytes_max: 16 * 1_024,
            head_timeout: Duration::from_secs(10),
            body_timeout: Duration::from_secs(10),
            idle_timeout: Duration::from_secs(120),
            // A packet is held for at most 30 s by default; a few more let its reply get out.
            drain_timeout: Duration::from_secs(35),
        }
    }
}

/// hyper takes no smaller buffer for a head.
pub(super) const HEAD_BYTES_MIN: usize = 8_192;

/// Timeouts are looked at this often at most and at least, and four times within the shortest: one
/// tick for all connections costs nothing per packet, where a timer per packet costs 1,400
/// instructions. A timeout fires up to two ticks late.
const TICKS_PER_TIMEOUT: u32 = 4;
const TICK_MIN: Duration = Duration::from_millis(5);
const TICK_MAX: Duration = Duration::from_secs(1);

impl Limits {
    /// How often connections are looked at.
    pub(super) fn tick(&self) -> Duration {
        let shortest = self.head_timeout.min(self.body_timeout).min(self.idle_timeout);
        (shortest / TICKS_PER_TIMEOUT).clamp(TICK_MIN, TICK_MAX)
    }

    /// How many ticks a timeout takes, rounded up.
    pub(super) fn ticks(&self, timeout: Duration) -> u32 {
        let ticks = timeout.as_nanos().div_ceil(self.tick().as_nanos());
        u32::try_from(ticks).unwrap_or(u32::MAX)
    }
}
