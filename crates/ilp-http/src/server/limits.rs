//! Every bound of the server, in one place.

use crate::port::PortLimits;
use std::time::Duration;

/// The bounds of a [`Server`](super::Server). A request or connection beyond one is refused, never
/// queued.
#[derive(Clone, Debug)]
pub struct Limits {
    /// The maximum number of open connections, including those of clients that have shown no token.
    /// Each costs a file descriptor and about 10 KiB. A peer that finds no place is answered 503.
    pub connections_max: usize,
    /// Requests at once on one HTTP/2 connection, which the peer learns from the settings. The
    /// number is the one that a peer may have in flight, so that packets which its next hops leave
    /// waiting don't keep out the rest.
    pub streams_max: u32,
    /// The maximum number of requests in flight over all connections, counted from before the body
    /// is read until the reply has left. No peer has more of them than are still free; one more is
    /// answered 503.
    pub requests_max: usize,
    /// The maximum number of bytes that requests in flight and replies that wait for their peers
    /// occupy at once. No peer has more of them than are still free; one more request is answered
    /// 503.
    pub request_bytes_max: usize,
    /// The longest request head in bytes, request line and headers together; at least 8,192.
    pub head_bytes_max: usize,
    /// The time from the first byte of a request, or from the connection's begin, to the end of the
    /// head; also from the connection's begin to a valid token.
    pub head_timeout: Duration,
    /// From the end of the head to the end of the body.
    pub body_timeout: Duration,
    /// The time for which a connection may be without a request. It is longer than any client keeps
    /// one in its pool, so that the client closes: a server that closes first can cross a request.
    pub idle_timeout: Duration,
    /// The time for which a client may take no byte that is sent to it. A reply that waits for its
    /// client ends the connection after at most twice as long.
    pub take_timeout: Duration,
    /// The time that requests in flight may take to finish once the server is told to end.
    pub drain_timeout: Duration,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            connections_max: 10_000,
            streams_max: 8_192,
            requests_max: 16_384,
            request_bytes_max: 32 * 1_024 * 1_024,
            head_bytes_max: 16 * 1_024,
            head_timeout: Duration::from_secs(10),
            body_timeout: Duration::from_secs(10),
            idle_timeout: Duration::from_secs(120),
            take_timeout: Duration::from_secs(10),
            // A packet is held for at most 30 s by default; a few more let its reply get out.
            drain_timeout: Duration::from_secs(35),
        }
    }
}

/// hyper takes no smaller buffer for a head.
pub(super) const HEAD_BYTES_MIN: usize = 8_192;

/// The charge for a request in flight beside its body or reply, for its stream, its task and its
/// headers. With it 8,192 common packets of one peer fit into the half that a lone peer gets.
pub(super) const REQUEST_BYTES: usize = 1_024;

/// The fraction of the places that is for strangers, and the maximum number of these. Each stranger
/// shows its token with its first request, so they are enough for thousands of peers that connect
/// within a second.
const STRANGERS_PART: usize = 8;
const STRANGERS_MAX: usize = 512;

/// The number of HTTP/1.1 connections that an HTTP/2 connection counts as, by the memory of its
/// buffers.
pub(super) const HTTP2_WEIGHT: u32 = 4;

/// The number of refused requests in a row after which a connection is closed: before it has shown
/// a valid token, and after. A proxy may carry requests of several clients over one connection, so
/// the second is larger.
pub(super) const STRANGER_REFUSALS_MAX: u32 = 16;
pub(super) const KNOWN_REFUSALS_MAX: u32 = 256;

/// The maximum number of refusals with texts that wait for the client on one connection. HTTP/2
/// lets a client leave a body untaken, but not a head: further refusals have no text, and so wait
/// for nothing.
pub(super) const REFUSALS_WAITING_MAX: u32 = 16;

/// The numbers of waiting replies of one connection, and of requests in flight of one peer, from
/// which each reply is copied into a buffer of its own size. A reply is a piece of what was read
/// from the next hop, and keeps all of that in memory while it waits.
pub(super) const WAITING_UNCOPIED_MAX: u32 = 64;
pub(super) const IN_FLIGHT_UNCOPIED_MAX: u64 = 1_024;

impl Limits {
    /// Returns the bounds of the server's port.
    pub(super) fn port(&self) -> PortLimits {
        let strangers = (self.connections_max / STRANGERS_PART).clamp(1, STRANGERS_MAX);
        let known = self.connections_max.saturating_sub(strangers).max(1);
        PortLimits {
            name: "ilp",
            known_max: u32::try_from(known).unwrap_or(u32::MAX),
            strangers_max: u32::try_from(strangers).unwrap_or(u32::MAX),
            stranger_timeout: Some(self.head_timeout),
            head_timeout: self.head_timeout,
            body_timeout: self.body_timeout,
            idle_timeout: self.idle_timeout,
            take_timeout: self.take_timeout,
        }
    }
}
