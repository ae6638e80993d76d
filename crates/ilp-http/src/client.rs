//! Sends packets to next hops. Connections are kept, HTTP/2 is used where the next hop speaks it,
//! and a packet that a next hop may have seen is never sent again.
//!
//! Each runtime thread has a [`Client`] of its own, so its locks are never contended and a packet
//! stays on its thread. The state of one next hop is a link. It is made for the first packet, found
//! again by a number, and dropped once it has long been idle.

mod ask;
pub(crate) mod connect;
mod error;
mod exchange;
pub(crate) mod http1;
mod http2;
mod lease;
mod link;
mod links;
mod options;
mod shares;
pub(crate) mod watched;

pub use error::{ConnectError, EndpointError, HttpError, NoReply, SendError};
pub use options::ClientOptions;

use bytes::Bytes;
use links::Links;
use rustls::ClientConfig;
use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};
use tokio::time::Instant;

/// The next hop of a packet.
#[derive(Clone, Copy)]
pub struct NextHop<'a> {
    /// A number that changes whenever the endpoint or the token does: the client looks at those
    /// two only when it sees the number for the first time.
    pub id: u64,
    /// The peer's URL, in any form that [`Endpoint::parse`](ilp_net::Endpoint::parse) takes.
    pub endpoint: &'a str,
    /// The token by which the peer knows this node, sent as `Authorization: Bearer TOKEN`.
    pub token: &'a str,
}

/// Without the token, and without the endpoint, whose query may hold a secret.
impl fmt::Debug for NextHop<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NextHop").field("id", &self.id).finish_non_exhaustive()
    }
}

/// A client of ILP over HTTP, one for each runtime thread. Clones share their connections.
#[derive(Clone, Debug)]
pub struct Client {
    links: Arc<Links>,
}

impl Client {
    /// A client without connections. `tls` comes from [`tls::client_config`](crate::tls::client_config).
    pub fn new(options: ClientOptions, tls: Arc<ClientConfig>) -> Client {
        Client { links: Arc::new(Links::new(options, tls)) }
    }

    /// Sends one packet and waits for the reply's bytes, until `deadline` at the latest. The
    /// deadline covers connecting, waiting for a free connection, sending and the whole reply.
    /// `sender` is any number that differs between the senders of packets: each sender has its
    /// share of the connections.
    ///
    /// Dropping the future gives the packet up; the peer may still act on it.
    ///
    /// # Errors
    /// [`NoReply`] with a [`SendError`], whose [`left_us`](SendError::left_us) says whether the peer
    /// may have seen the packet.
    pub async fn send(
        &self,
        next_hop: NextHop<'_>,
        sender: u64,
        packet: Bytes,
        deadline: Instant,
    ) -> Result<Bytes, NoReply> {
        // One function rather than two: an inner one's arguments would be in the future twice, and
        // the future is moved several times for each packet.
        let link = match self.links.get(next_hop) {
            Ok(link) => link,
            Err(error) => return Err(self.no_reply(NoReply { error, unsent: Some(packet) })),
        };
        let Some(_in_flight) = link.enter(&self.links.options) else {
            let error = SendError::Overloaded;
            return Err(self.no_reply(NoReply { error, unsent: Some(packet) }));
        };
        let left_us = AtomicBool::new(false);
        let exchange = exchange::exchange(&self.links, &link, sender, packet, &left_us);
        match tokio::time::timeout_at(deadline, exchange).await {
            Ok(outcome) => outcome.map_err(|no_reply| self.no_reply(no_reply)),
            // The packet went with the exchange, and would be too late anywhere else too.
            Err(_elapsed) => {
                let error = SendError::Timeout { left_us: left_us.load(Ordering::Relaxed) };
                Err(self.no_reply(error.into()))
            }
        }
    }

    fn no_reply(&self, no_reply: NoReply) -> NoReply {
        self.links.failed(&no_reply.error);
        no_reply
    }

    /// Lets go of a removed next hop: its idle connections are closed, packets in flight finish.
    pub fn forget(&self, id: u64) {
        self.links.forget(id);
    }

    /// Returns the number of connections opened since the start, for metrics and tests. Connections
    /// that only showed that a next hop doesn't speak HTTP/2 are not counted.
    pub fn connections_opened(&self) -> u64 {
        self.links.connections_opened()
    }

    /// Connections open now, of HTTP/1.1 and HTTP/2, in use or not.
    pub fn connections_open(&self) -> u64 {
        self.links.connections_open()
    }

    /// Packets that got no reply since the start, by [`SendError::kind`].
    pub fn failures(&self) -> impl Iterator<Item = (&'static str, u64)> {
        self.links.failures()
    }

    /// HTTP/1.1 connections kept without a packet, over all next hops. Walks all of them.
    pub fn connections_idle(&self) -> usize {
        self.links.connections_idle()
    }

    /// Returns the number of packets sent again because the next hop had certainly not taken them:
    /// the connection had closed before, or the next hop said so.
    pub fn retries(&self) -> u64 {
        self.links.retries()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tls;

    /// The future lies within those of the connector and of the server's request, and is moved
    /// with them: what is rare in it has to be boxed. It had 1,328 bytes before that was done.
    #[test]
    fn a_packets_future_is_small() {
        let roots = rustls::RootCertStore::empty();
        let client = Client::new(
            ClientOptions::default(),
            tls::client_config_with_roots(roots).expect("TLS without roots"),
        );
        let next_hop = NextHop { id: 1, endpoint: "http://127.0.0.1:1", token: "right" };
        let sending = client.send(next_hop, 0, Bytes::new(), Instant::now());
        let bytes = size_of_val(&sending);
        assert!(bytes <= 344, "{bytes}");
    }
}
