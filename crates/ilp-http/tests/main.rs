//! The crate through its public surface, over real loopback sockets.
#![expect(clippy::unwrap_used, reason = "a test's helper fails by panicking, as its test does")]

/// The allocations of a packet on its way to a next hop.
mod allocations;
/// Both ends together, many packets at once.
mod both;
/// The client against stubs that answer, refuse, stall and lie.
mod client;
/// An HTTP/2 peer whose every frame is written by the test.
mod frames;
/// Peers that end their connections with packets under way, and peers of HTTP/2 alone.
mod goodbye;
/// The server's bounds against clients that take all they can get and give nothing back.
mod hostile;
/// The client over HTTP/2, against peers that allow little, end early and fall silent.
mod http2;
/// Answers that have no end before the final response.
mod interim;
/// HTTP/2 in clear text, found out by a greeting.
mod probe;
/// The server against raw sockets and clients that misbehave.
mod server;
/// SPSP, both ends: what is answered at a receiver's URL, and what a payer makes of answers.
mod spsp;
/// A server under test, raw requests, stub peers.
mod support;
/// The client over TLS.
mod tls;
/// Requests that carry no packet, through proxies and directly.
mod web;
