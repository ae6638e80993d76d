//! One connection: its task, and the state that its requests share.

use super::{
    Limits, PacketHandler, ServerStats, Worker, answer,
    limits::{self, HTTP2_WEIGHT},
    peers::PeerShares,
};
use crate::port::{Arrival, Holder, Place, PlaceHandle, Share, Socket, Supervised, Turns};
use http::Version;
use hyper::service::service_fn;
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::conn::auto,
};
use interledger_packet::MAX_PACKET_BYTES;
use std::{
    io,
    net::TcpStream as StdTcpStream,
    sync::{Arc, OnceLock},
};
use tokio::net::TcpStream;

/// A stream may send one whole packet before it is granted more: 65,535 is the least that HTTP/2
/// grants anyway, and above the 33,857 bytes of the longest packet.
const STREAM_WINDOW_BYTES: u32 = 65_535;
/// All streams of a connection together: 1 MiB is 30 of the longest packets or 1,000 common ones.
const CONNECTION_WINDOW_BYTES: u32 = 1_024 * 1_024;
const _: () = assert!(MAX_PACKET_BYTES <= STREAM_WINDOW_BYTES as usize);

/// The state that all connections share.
pub(super) struct Shared {
    pub(super) limits: Limits,
    pub(super) stats: Arc<ServerStats>,
    pub(super) peers: PeerShares,
}

/// The state that all requests of one connection share.
pub(super) struct Session<H> {
    pub(super) handler: H,
    pub(super) place: PlaceHandle,
    shared: Arc<Shared>,
    /// The peer that the connection is counted to, and that peer's share. A proxy may carry packets
    /// of other peers over the connection too.
    first_peer: OnceLock<(u128, Arc<Share>)>,
}

impl<H> Session<H> {
    pub(super) fn limits(&self) -> &Limits {
        &self.shared.limits
    }

    pub(super) fn stats(&self) -> &Arc<ServerStats> {
        &self.shared.stats
    }

    /// Returns the share of a peer. The first peer makes the connection known; `None` if there is
    /// no place for another known connection.
    pub(super) fn share(&self, peer: u128, version: Version) -> Option<Arc<Share>> {
        if let Some((first, share)) = self.first_peer.get() {
            let is_first = *first == peer;
            return Some(if is_first { Arc::clone(share) } else { self.shared.peers.share(peer) });
        }
        let weight = if version == Version::HTTP_2 { HTTP2_WEIGHT } else { 1 };
        if !self.place.know(Holder::Peer(peer), weight) {
            return None;
        }
        let share = self.shared.peers.share(peer);
        self.place.control().set_share(Arc::clone(&share));
        let _ = self.first_peer.set((peer, Arc::clone(&share)));
        Some(share)
    }
}

/// Serves a connection on the worker's thread.
pub(super) fn start<H: PacketHandler>(
    worker: &Worker<H>,
    shared: &Arc<Shared>,
    turns: Arc<Turns>,
    arrival: Arrival,
) -> io::Result<()> {
    let Arrival { stream, place, .. } = arrival;
    let session = Arc::new(Session {
        handler: worker.handler.clone(),
        place: place.handle(),
        shared: Arc::clone(shared),
        first_peer: OnceLock::new(),
    });
    // The stream leaves this runtime's poller and enters the worker's. The place travels with the
    // stream, so it is given back even if the worker's runtime has ended.
    let stream = stream.into_std()?;
    worker.runtime.spawn(serve(stream, place, turns, session));
    Ok(())
}

async fn serve<H: PacketHandler>(
    stream: StdTcpStream,
    place: Place,
    turns: Arc<Turns>,
    session: Arc<Session<H>>,
) {
    let stream = match TcpStream::from_std(stream) {
        Ok(stream) => stream,
        Err(error) => {
            tracing::warn!(%error, "an accepted connection can't be polled");
            return;
        }
    };
    // A reply is one small write; Nagle's algorithm would hold it back for the peer's next ACK.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "TCP_NODELAY can't be set");
    }
    let handle = place.handle();
    let builder = builder(session.limits());
    let io = TokioIo::new(Socket::new(stream, place, turns));
    let service = service_fn(move |request| answer::answer(Arc::clone(&session), request));
    let supervised = Supervised::new(builder.serve_connection(io, service), &handle);
    if let Err(error) = supervised.await {
        tracing::debug!(%error, "a peer's connection ended early");
    }
}

fn builder(limits: &Limits) -> auto::Builder<TokioExecutor> {
    let head_bytes_max = limits.head_bytes_max.max(limits::HEAD_BYTES_MIN);
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        // The registry's tick does the same for all connections, at no cost per request; and it
        // can tell a slow head from an idle connection, which hyper's timer can't.
        .header_read_timeout(None)
        // Head and body are some 400 bytes: copied into one piece they cost less than the kernel
        // takes to read a list of two.
        .writev(false)
        // Otherwise each poll of a connection whose packet is under way tries to read, to learn that
        // the client has hung up. That would change nothing, as a packet is seen through to its end;
        // and who only has nothing more to say gets the answer.
        .half_close(true)
        .max_buf_size(head_bytes_max);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(limits.streams_max)
        .initial_stream_window_size(STREAM_WINDOW_BYTES)
        .initial_connection_window_size(CONNECTION_WINDOW_BYTES)
        .max_header_list_size(u32::try_from(head_bytes_max).unwrap_or(u32::MAX));
    builder
}
