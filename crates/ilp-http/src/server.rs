//! Takes packets from peers: bounded connections, bounded bodies, one answer for each.
//!
//! One acceptor hands each connection to the next of several single-threaded runtimes, so that a
//! packet never crosses threads. Requests are checked in the order in which the table in
//! `answer.rs` has them.

mod answer;
mod connection;
mod detached;
mod limits;
mod refuse;
mod stats;

pub use limits::Limits;
pub use stats::ServerStats;

use bytes::{Bytes, BytesMut};
use connection::{Order, Registry};
use std::{future::Future, io, net::SocketAddr, sync::Arc, time::Duration};
use tokio::{
    net::{TcpListener, TcpStream},
    runtime::Handle,
    time::{Instant, MissedTickBehavior},
};

/// Who the peers are and what their packets mean: everything that is not HTTP.
pub trait PacketHandler: Clone + Send + Sync + 'static {
    /// Whoever a token belongs to.
    type Peer: Send + 'static;

    /// Finds the peer that the token, as received after `Bearer `, belongs to.
    ///
    /// It is also asked when no token came, and its answer is then not used: so that an answer to
    /// "no token" takes as long as one to "wrong token".
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

/// Why a body is no ILP Prepare, in words that the peer may read.
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

/// How a server ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Drained {
    /// Connections that were still open when the drain's time was over, and were cut.
    pub connections_cut: u64,
    /// Packets whose handler was still running then. Each runs on for as long as its runtime does.
    pub packets_unfinished: u64,
}

/// A server of ILP over HTTP.
#[derive(Debug)]
pub struct Server {
    limits: Arc<Limits>,
    stats: Arc<ServerStats>,
}

impl Server {
    /// A server with these bounds; it does nothing before [`Server::serve`].
    pub fn new(limits: Limits) -> Server {
        Server { limits: Arc::new(limits), stats: Arc::new(ServerStats::default()) }
    }

    /// The counters, to be read while the server runs and after it.
    pub fn stats(&self) -> Arc<ServerStats> {
        Arc::clone(&self.stats)
    }

    /// Serves until `shutdown` completes, then drains: stops accepting, lets requests in flight
    /// finish and closes what is idle, for at most [`Limits::drain_timeout`].
    ///
    /// Connections are handed to `workers` in turn. Without any worker every connection is refused.
    pub async fn serve<H: PacketHandler>(
        self,
        listener: TcpListener,
        workers: Vec<Worker<H>>,
        shutdown: impl Future<Output = ()> + Send,
    ) -> Drained {
        let acceptor = Acceptor {
            registry: Arc::new(Registry::new(Arc::clone(&self.limits), Arc::clone(&self.stats))),
            refusals: refuse::Refusals::new(self.limits.refusals_max),
            limits: self.limits,
            stats: self.stats,
            workers,
            next_worker: 0,
        };
        acceptor.run(listener, shutdown).await
    }
}

struct Acceptor<H> {
    registry: Arc<Registry>,
    limits: Arc<Limits>,
    stats: Arc<ServerStats>,
    refusals: refuse::Refusals,
    workers: Vec<Worker<H>>,
    next_worker: usize,
}

/// How long accepting pauses after an error that repeats at once, such as no file descriptors left.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

impl<H: PacketHandler> Acceptor<H> {
    async fn run(
        mut self,
        listener: TcpListener,
        shutdown: impl Future<Output = ()> + Send,
    ) -> Drained {
        let mut shutdown = std::pin::pin!(shutdown);
        let mut watch = tokio::time::interval(self.limits.tick());
        // A late tick must not be followed by a burst that ages every connection at once.
        watch.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut paused_until = None;
        loop {
            tokio::select! {
                biased;
                () = &mut shutdown => break,
                _ = watch.tick() => self.registry.watch(),
                () = pause(paused_until) => paused_until = None,
                accepted = listener.accept(), if paused_until.is_none() => match accepted {
                    Ok((stream, from)) => self.take(stream, from),
                    Err(error) => paused_until = after_accept_error(&error),
                },
            }
        }
        // Closing the port first makes new clients go elsewhere while the old ones finish.
        drop(listener);
        self.drain(watch).await
    }

    fn take(&mut self, stream: TcpStream, from: SocketAddr) {
        let room = self.stats.connections_open() < self.limits.connections_max as u64;
        if !room || self.workers.is_empty() {
            self.stats.refused();
            self.refusals.answer(stream);
            return;
        }
        let worker = &self.workers[self.next_worker % self.workers.len()];
        self.next_worker = self.next_worker.wrapping_add(1);
        // The stream leaves this runtime's poller and enters the worker's.
        match stream.into_std() {
            Ok(stream) => {
                connection::start(worker, &self.registry, &self.limits, &self.stats, stream);
            }
            Err(error) => {
                tracing::warn!(%from, %error, "an accepted connection can't be handed on")
            }
        }
    }

    async fn drain(self, mut watch: tokio::time::Interval) -> Drained {
        self.registry.order_all(Order::Finish);
        let deadline = Instant::now() + self.limits.drain_timeout;
        loop {
            tokio::select! {
                biased;
                () = self.stats.quiet() => {
                    return Drained { connections_cut: 0, packets_unfinished: 0 };
                }
                () = tokio::time::sleep_until(deadline) => break,
                // Slow clients are cut in a drain as at any other time.
                _ = watch.tick() => self.registry.watch(),
            }
        }
        let drained = Drained {
            connections_cut: self.stats.connections_open(),
            packets_unfinished: self.stats.requests_in_flight(),
        };
        self.registry.order_all(Order::Cut);
        drained
    }
}

async fn pause(until: Option<Instant>) {
    match until {
        Some(until) => tokio::time::sleep_until(until).await,
        None => std::future::pending().await,
    }
}

/// When to accept again. Errors of the one connection that was being accepted need no pause; any
/// other would come again at once and turn the loop into a spin.
fn after_accept_error(error: &io::Error) -> Option<Instant> {
    let of_the_client = matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::Interrupted
    );
    if of_the_client {
        return None;
    }
    tracing::warn!(%error, "can't accept connections; trying again shortly");
    Some(Instant::now() + ACCEPT_PAUSE)
}
