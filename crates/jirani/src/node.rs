//! The path of a packet, from the peer that sent it to the next hop and back.

use std::{
    io::ErrorKind,
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::{Bytes, BytesMut};
use ilp_connector::{
    Connector, Decision, InFlight, LinkCause, LinkFailure, Refusal, Source,
    ledger::Ledger,
    peer::{Asset, Peer},
};
use ilp_http::client::ConnectError;
use ilp_http::{Client, NextHop, NoReply, NotAPrepare, PacketHandler, SendError};
use ilp_net::Endpoint;
use ilp_store::{DurableLedger, LedgerLane};
use interledger_packet::{Addr, Address, Prepare};

use crate::{
    clock,
    metrics::{Latency, Stopwatch},
    payments::Receiving,
    trace::Traces,
};

/// The connector with the node's books in it.
pub(crate) type Books = Connector<DurableLedger>;
type Hold = <DurableLedger as Ledger>::Hold;

/// The parts with which a thread carries packets: the connector, which all threads share, and a
/// client with connections of the thread's own.
#[derive(Clone)]
pub(crate) struct Node {
    connector: Arc<Books>,
    client: Client,
    /// The receiver of packets that end here; `None` for a node that only sends packets.
    receiving: Option<Arc<Receiving>>,
    latency: Arc<Latency>,
    traces: Traces,
}

impl Node {
    pub(crate) fn new(
        connector: Arc<Books>,
        client: Client,
        receiving: Option<Arc<Receiving>>,
        traces: Traces,
    ) -> Self {
        Self { connector, client, receiving, latency: Arc::default(), traces }
    }

    /// Returns the most that a packet of the node's own may carry to `destination`, in the unit of
    /// `asset`, as far as this node knows.
    pub(crate) fn packet_amount_max(
        &self,
        asset: &Arc<Asset>,
        destination: Addr<'_>,
    ) -> Option<u64> {
        self.connector.packet_amount_max(asset, destination, clock::now())
    }

    /// Returns the peer that one of the node's own packets to `destination` would go to now, if
    /// any.
    pub(crate) fn way_to(
        &self,
        destination: Addr<'_>,
        asset: Option<&Arc<Asset>>,
    ) -> Option<Arc<Peer>> {
        self.connector.way_to(destination, asset, clock::now()).ok()?
    }

    /// Returns the node's own ILP address.
    pub(crate) fn address(&self) -> &Address {
        self.connector.address()
    }

    /// Returns the work for the ledger that a thread does once per turn.
    pub(crate) fn ledger_lane(&self) -> LedgerLane {
        self.connector.ledger().lane()
    }

    /// Returns the connections of this thread.
    pub(crate) fn client(&self) -> &Client {
        &self.client
    }

    /// Returns the times of this thread's packets.
    pub(crate) fn latency(&self) -> &Latency {
        &self.latency
    }

    /// Carries one packet: decide and hold, send on, complete, answer with the bytes of a reply.
    ///
    /// There are three awaits. The first is the ledger's hold, which books in memory answer at
    /// once. The second is the network, where a packet spends its time: if the caller goes away
    /// there, the task that polls this future must go on with it, or the hold is void while the
    /// next hop may fulfill. The third waits for the transfer to be durable, and only after it is a
    /// Fulfill returned.
    ///
    /// A packet that certainly has not left the node is tried again with another peer, once with
    /// each.
    ///
    /// This future is moved several times as a whole before it is polled, so state that only some
    /// packets need is boxed.
    pub(crate) async fn forward(&self, source: Source<'_>, packet: Prepare) -> Bytes {
        let mut stopwatch = Stopwatch::start();
        let mut now = clock::now();
        let mut decision = self.connector.prepare(source, packet, now).await;
        let reply = loop {
            let (packet, in_flight) = match decision {
                Decision::Reply(reply) => break reply,
                // The wait is for the books: the recipient's account must have the money before the
                // answer.
                Decision::Deliver(packet) => {
                    let delivering = Box::pin(self.deliver(source, packet));
                    break stopwatch.durability(delivering).await;
                }
                Decision::Send { packet, in_flight } => (packet, in_flight),
            };
            let asked = Instant::now();
            let deadline =
                asked + Duration::from_millis(in_flight.expires_at.saturating_ms_since(now));
            let sent = self.send(source, &in_flight, packet, deadline).await;
            stopwatch.next_hop_done(asked);
            now = clock::now();
            let connector = &self.connector;
            decision = match sent {
                Sent::Not { packet, failure } => {
                    Box::pin(connector.prepare_again(source, in_flight, packet, failure, now)).await
                }
                Sent::Over(answer) => {
                    let mut completing = connector.complete(in_flight, answer, now);
                    break stopwatch.durability(&mut completing).await;
                }
            };
        };
        let times = stopwatch.stop();
        self.latency.record(&times);
        self.traces.packet(source, &reply, &times);
        reply
    }

    async fn deliver(&self, source: Source<'_>, packet: Prepare) -> Bytes {
        match &self.receiving {
            Some(receiving) => receiving.answer(&self.connector, source, packet).await,
            None => self.connector.refuse(source, packet.amount(), Refusal::NoSuchAccount),
        }
    }

    async fn send(
        &self,
        source: Source<'_>,
        in_flight: &InFlight<Hold>,
        packet: Bytes,
        deadline: Instant,
    ) -> Sent {
        let peer = in_flight.next_hop();
        let next_hop =
            NextHop { id: peer.id, endpoint: &peer.endpoint, token: peer.token.reveal() };
        let NoReply { error, unsent } =
            match self.client.send(next_hop, sender(source), packet, deadline.into()).await {
                Ok(reply) => return Sent::Over(Ok(reply)),
                Err(no_reply) => no_reply,
            };
        // The log shows host and port only: the rest of an endpoint may hold a secret.
        let next_hop = Endpoint::parse(&peer.endpoint);
        tracing::debug!(
            next_hop = next_hop.map(|known| known.authority()).unwrap_or_default(),
            kind = error.kind(),
            error = &error as &dyn std::error::Error,
            "no reply from the next hop"
        );
        if let Some((cause, status)) = link_cause(&error) {
            in_flight.note_trouble(cause, status, clock::now());
        }
        let failure = link_failure(&error);
        match unsent {
            Some(packet) => Sent::Not { packet, failure },
            None => Sent::Over(Err(failure)),
        }
    }
}

/// Returns the key by which the client tells the senders of packets apart. The packets of the
/// node's own payments share one key, and so one share of the connections.
fn sender(source: Source<'_>) -> u64 {
    match source {
        // These bits of the id are random. Two peers with the same bits would have one share
        // together.
        Source::Peer(peer) => peer.id.as_u64_pair().1,
        Source::Local(_) | Source::Probe(_) | Source::Own | Source::Test(_) => u64::MAX,
    }
}

/// The outcome of sending a packet to a next hop.
enum Sent {
    /// The packet has certainly not left this node.
    Not { packet: Bytes, failure: LinkFailure },
    /// The next hop may have got the packet, so this outcome is final.
    Over(Result<Bytes, LinkFailure>),
}

fn link_failure(error: &SendError) -> LinkFailure {
    match error {
        SendError::Timeout { .. } => LinkFailure::NoReplyInTime,
        SendError::Busy(_) => LinkFailure::Busy,
        // A lack of file descriptors is a fault of this node, not of the peer, and passes.
        SendError::Overloaded | SendError::Connect(ConnectError::NoDescriptor) => {
            LinkFailure::QueueFull
        }
        SendError::BodyTooLong => LinkFailure::NotAReply,
        SendError::BadEndpoint(_)
        | SendError::BadToken
        | SendError::Connect(_)
        | SendError::Closed { .. }
        | SendError::NotHttp(_) => LinkFailure::Unreachable,
        SendError::Status(status) if is_about_one_packet(*status) => LinkFailure::Failed,
        SendError::Status(_) => LinkFailure::Unreachable,
    }
}

/// Returns the cause that the next hop's operator or this node's has to fix, with the HTTP status
/// of an answer; `None` where this node itself lacked a place or a file descriptor.
fn link_cause(error: &SendError) -> Option<(LinkCause, Option<u16>)> {
    let cause = match error {
        SendError::Overloaded | SendError::Connect(ConnectError::NoDescriptor) => return None,
        SendError::BadEndpoint(_) => LinkCause::BadEndpoint,
        SendError::BadToken => LinkCause::BadToken,
        SendError::Connect(ConnectError::Unreachable(error)) => match error.kind() {
            ErrorKind::ConnectionRefused => LinkCause::Refused,
            // Errors of the system have numbers; those of the resolver have none.
            _ if error.raw_os_error().is_none() => LinkCause::Dns,
            _ => LinkCause::Connect,
        },
        SendError::Connect(ConnectError::Tls(_) | ConnectError::Name) => LinkCause::Tls,
        SendError::Connect(ConnectError::Timeout) => LinkCause::ConnectTimeout,
        SendError::Connect(ConnectError::Handshake(_)) | SendError::NotHttp(_) => {
            LinkCause::NotHttp
        }
        SendError::Timeout { .. } => LinkCause::Timeout,
        SendError::Closed { .. } => LinkCause::Closed,
        SendError::Busy(status) => return Some((LinkCause::Busy, Some(*status))),
        SendError::Status(401) => return Some((LinkCause::Unauthorized, Some(401))),
        SendError::Status(status) => return Some((LinkCause::Status, Some(*status))),
        SendError::BodyTooLong => LinkCause::TooLong,
    };
    Some((cause, None))
}

/// Returns whether a next hop's answer with this HTTP status may be due to the packet's contents,
/// so that packets with other contents may pass: a node that fails on it (500), that finds it too
/// long, or a firewall that rejects it (403). The other statuses are about the endpoint (404), the
/// token (401) or a server behind a proxy (502), and every packet gets the same.
fn is_about_one_packet(status: u16) -> bool {
    match status {
        401 | 404 | 405 | 407 | 408 | 410 | 421 | 502..=504 | 511.. => false,
        400.. => true,
        _ => false,
    }
}

impl PacketHandler for Node {
    type Peer = Arc<Peer>;

    fn peer_id(peer: &Arc<Peer>) -> u128 {
        peer.id.as_u128()
    }

    fn authenticate(&self, token: &[u8]) -> Option<Arc<Peer>> {
        self.connector.peer_by_token(token)
    }

    async fn handle(&self, peer: Arc<Peer>, body: BytesMut) -> Result<Bytes, NotAPrepare> {
        let packet = Prepare::parse(body)
            .map_err(|error| NotAPrepare(format!("the body is no ILP Prepare: {error}\n")))?;
        Ok(self.forward(Source::Peer(&peer), packet).await)
    }
}
