//! Serves the operator's port, and the port of auto-peering.

use std::{sync::Arc, time::Duration};

use axum::Extension;
use hyper::server::conn::http1;
use hyper_util::{rt::TokioTimer, service::TowerToHyperService};
use ilp_http::port::{Holder, PortLimits};
use ilp_operator::{ClientAddress, OnRecognized};
use tokio::net::TcpListener;

use crate::http_port::HttpPort;

/// The clients that a port is for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Audience {
    name: &'static str,
    /// The quarters of the connections for clients that have shown no secret yet, health checks
    /// among them. A further such client ends the oldest one's connection.
    quarters_of_strangers: usize,
}

/// The operator. Of the 256 connections 64 may be strangers', each of which may be sending a
/// request of the greatest length: they hold 16 MB.
pub(crate) const OPERATOR: Audience = Audience { name: "admin", quarters_of_strangers: 1 };

/// Nodes that ask to become peers. All of them are strangers, and their requests are at most 16 kB
/// long.
pub(crate) const OTHER_NODES: Audience =
    Audience { name: "auto-peering", quarters_of_strangers: 4 };

/// The time from a connection's begin, or the last answer on it, to the end of the next request's
/// head.
const HEAD_TIMEOUT: Duration = Duration::from_secs(30);

/// The longest time during which a client may read nothing of an answer.
const TAKE_TIMEOUT: Duration = Duration::from_secs(10);

/// The longest head of a request, enough for the longest token, a cookie and the headers that
/// proxies add. hyper's default is 400 KiB.
const HEAD_BYTES_MAX: usize = 32 * 1024;

/// Serves until `stop` is ready; requests in progress may then take `drain` to end. At most
/// `connections_max` are open at once: an operator has a few, and clients of this port can't take
/// the file descriptors that packets need.
pub(crate) async fn serve(
    (listener, connections_max): (TcpListener, usize),
    audience: Audience,
    router: axum::Router,
    stop: impl Future<Output = ()>,
    drain: Duration,
) {
    let mut http = http1::Builder::new();
    // The port limits slow heads and idle connections itself.
    http.timer(TokioTimer::new()).header_read_timeout(None).max_buf_size(HEAD_BYTES_MAX);
    let strangers = (connections_max * audience.quarters_of_strangers / 4).max(1);
    let count = |connections: usize| u32::try_from(connections).unwrap_or(u32::MAX);
    let limits = PortLimits {
        name: audience.name,
        known_max: count(connections_max.saturating_sub(strangers)),
        strangers_max: count(strangers),
        stranger_timeout: None,
        head_timeout: HEAD_TIMEOUT,
        body_timeout: HEAD_TIMEOUT,
        idle_timeout: HEAD_TIMEOUT,
        take_timeout: TAKE_TIMEOUT,
    };
    let port = HttpPort { limits, http, connection_time_max: None, drain };
    port.serve(listener, stop, |address, place| {
        let place = place.clone();
        // Where no place is free for another known connection, it keeps a stranger's place and is
        // served all the same.
        let recognized = OnRecognized(Arc::new(move || {
            place.know(Holder::Operator, 1);
        }));
        let router = router.clone().layer(Extension(ClientAddress(address)));
        TowerToHyperService::new(router.layer(Extension(recognized)))
    })
    .await;
}
