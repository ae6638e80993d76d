//! Every bound of the server, in one place.

use crate::port::PortLimits;
use std::time::Duration;

/// The bounds of a [`Server`](super::Server). What goes over one is refused, never queued.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Connections open at once, those of clients that have shown no token included. Each costs a file
    /// descriptor and about 10 KiB. A peer that finds no place is answered 503.
    pub connections_max: usize,
    /// Requests at once on one HTTP/2 connection; the peer is told, and keeps more to itself. As
    /// many as one peer may have under way, or what it leaves waiting keeps out the rest.
    pub streams_max: u32,
    /// Requests in flight at once over all connections, counted from before the body is read until the
    /// reply has left. No peer has more of them than are still free; one more is answered 503.
    pub requests_max: usize,
    /// Bytes that requests in flight and replies that wait for their peers occupy at once. No peer has
    /// more of them than are still free; one more request is answered 503.
    pub request_bytes_max: usize,
    /// The longest request head in bytes, request line and headers together; at least 8,192.
    pub head_bytes_max: usize,
    /// From the first byte of a request, or from the connection's begin, to the end of the head; also
    /// from the connection's begin to a valid token.
    pub head_timeout: Duration,
    /// From the end of the head to the end of the body.
    pub body_timeout: Duration,
    /// How long a connection may be without a request. Longer than any client keeps one in its
    /// pool, so that it is the client who closes: a server closing first can cross a request.
    pub idle_timeout: Duration,
    /// How long a client may take nothing of what is sent to it. A reply that waits for its client
    /// ends the connection after at most twice as long.
    pub take_timeout: Duration,
    /// How long requests in flight may take to finish once the server is told to end.
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

/// What a request in flight is charged beside its body or reply, for its stream, its task and its headers.
/// With it 8,192 common packets of one peer fit into the half that a lone peer gets.
pub(super) const REQUEST_BYTES: usize = 1_024;

/// Places of strangers: an eighth of all, and at most so many. Each shows its token with its first
/// request, so that many are enough for thousands of peers that connect within a second.
const STRANGERS_PART: usize = 8;
const STRANGERS_MAX: usize = 512;

/// How many HTTP/1.1 connections an HTTP/2 connection counts as: what its buffers take.
pub(super) const HTTP2_WEIGHT: u32 = 4;

/// Refused requests in a row after which a connection is closed: before it has shown a valid token, and
/// after. A proxy may carry requests of several clients over one connection, so the second is larger.
pub(super) const STRANGER_REFUSALS_MAX: u32 = 16;
pub(super) const KNOWN_REFUSALS_MAX: u32 = 256;

/// Refusals of one connection that may wait for the client with their texts. HTTP/2 lets a client take
/// no body, but not a head: the next refusals have no text, and so wait for nothing.
pub(super) const REFUSALS_WAITING_MAX: u32 = 16;

/// A reply is a piece of what was read from the next hop, and keeps all of that while it waits. Where so
/// many of one connection or of one peer wait, each is copied into a buffer of its own size.
pub(super) const WAITING_UNCOPIED_MAX: u32 = 64;
pub(super) const IN_FLIGHT_UNCOPIED_MAX: u64 = 1_024;

impl Limits {
    /// The bounds of the server's port.
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
