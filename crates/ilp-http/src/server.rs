//! Takes packets from peers: bounded connections, bounded bodies, one answer for each.
//!
//! One acceptor hands each connection to the next of several single-threaded runtimes, so that a
//! packet never crosses threads. Requests are checked in the order in which the table in
//! `answer.rs` has them.

mod answer;
mod connection;
mod detached;
mod limits;
mod peers;
mod reply;
mod stats;

pub use limits::Limits;
pub use stats::ServerStats;

use crate::port::{Arrival, Port, Turns};
use bytes::{Bytes, BytesMut};
use connection::Shared;
use peers::PeerShares;
use std::{future::Future, sync::Arc};
use tokio::{net::TcpListener, runtime::Handle, task::JoinHandle};

/// The application's side of the server: the peers and the meaning of their packets.
pub trait PacketHandler: Clone + Send + Sync + 'static {
    /// A peer that a token belongs to.
    type Peer: Send + 'static;

    /// Returns the peer's id, which the load of its packets is counted to.
    fn peer_id(peer: &Self::Peer) -> u128;

    /// Finds the peer that the token, as received after `Bearer `, belongs to.
    ///
    /// The server calls this for a request without a token as well, and drops the result: so that
    /// an answer to "no token" takes as long as one to "wrong token".
    fn authenticate(&self, token: &[u8]) -> Option<Self::Peer>;

    /// Answers one packet with the bytes of an ILP reply.
    ///
    /// Once started, the future runs to its end even if the client hangs up.
    ///
    /// # Errors
    /// [`NotAPrepare`] if the bytes are no ILP Prepare; the client gets a 400 with its text.
    fn handle(
        &self,
        peer: Self::Peer,
        packet: BytesMut,
    ) -> impl Future<Output = Result<Bytes, NotAPrepare>> + Send;
}

/// The reason why a body is not an ILP Prepare, in words that the peer may read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct NotAPrepare(pub String);

/// A thread that serves connections: its single-threaded runtime and its handler.
#[derive(Clone, Debug)]
pub struct Worker<H> {
    /// A runtime that some thread is driving.
    pub runtime: Handle,
    /// Cloned once per connection.
    pub handler: H,
}

/// The result of draining a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Drained {
    /// Connections that were still open when the drain's time was over, and were cut.
    pub connections_cut: u64,
    /// The number of packets whose handler was still running at the end of the drain, or whose
    /// reply the peer had not taken. Each handler runs on for as long as its runtime does.
    pub packets_unfinished: u64,
}

/// The turns of a worker's connections, run until this is dropped.
struct OwnTurns {
    turns: Arc<Turns>,
    giving: JoinHandle<()>,
}

impl OwnTurns {
    fn start(runtime: &Handle) -> OwnTurns {
        let turns = Arc::<Turns>::default();
        let given = Arc::clone(&turns);
        OwnTurns { turns, giving: runtime.spawn(async move { given.run().await }) }
    }
}

impl Drop for OwnTurns {
    fn drop(&mut self) {
        self.giving.abort();
    }
}

/// A server of ILP over HTTP.
#[derive(Debug)]
pub struct Server {
    limits: Limits,
    stats: Arc<ServerStats>,
}

impl Server {
    /// A server with these bounds; it does nothing before [`Server::serve`].
    pub fn new(limits: Limits) -> Server {
        let stats = Arc::new(ServerStats::new(&limits));
        Server { limits, stats }
    }

    /// The counters, to be read while the server runs and after it.
    pub fn stats(&self) -> Arc<ServerStats> {
        Arc::clone(&self.stats)
    }

    /// Serves until `shutdown` completes, then drains: stops accepting, lets requests in flight
    /// finish and closes what is idle, for at most [`Limits::drain_timeout`].
    ///
    /// The workers get connections in turn. Without any worker every connection is closed.
    pub async fn serve<H: PacketHandler>(
        self,
        listener: TcpListener,
        workers: Vec<Worker<H>>,
        shutdown: impl Future<Output = ()> + Send,
    ) -> Drained {
        let Server { limits, stats } = self;
        let port = Port::new(limits.port(), Arc::clone(stats.port()));
        let drain_timeout = limits.drain_timeout;
        let peers = PeerShares::new(stats.pool());
        let shared = Arc::new(Shared { limits, stats: Arc::clone(&stats), peers });
        let turns: Vec<_> = workers.iter().map(|worker| OwnTurns::start(&worker.runtime)).collect();
        let mut next_worker: usize = 0;
        let take = |arrival: Arrival| {
            let mut both = workers.iter().zip(&turns).cycle().skip(next_worker);
            let Some((worker, turns)) = both.next() else {
                stats.port().count_refused();
                return;
            };
            next_worker = (next_worker + 1) % workers.len();
            shared.peers.count_connection();
            let from = arrival.from;
            let turns = Arc::clone(&turns.turns);
            if let Err(error) = connection::start(worker, &shared, turns, arrival) {
                tracing::warn!(%from, %error, "an accepted connection can't be handed on");
            }
        };
        port.accept(listener, shutdown, take).await;
        if port.drain(drain_timeout, stats.quiet()).await {
            return Drained { connections_cut: 0, packets_unfinished: 0 };
        }
        let drained = Drained {
            connections_cut: stats.connections_open(),
            packets_unfinished: stats.requests_in_flight(),
        };
        port.cut_all();
        drained
    }
}
