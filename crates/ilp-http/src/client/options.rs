//! Every bound of the client, in one place.

use std::time::Duration;

/// The bounds of a [`Client`](super::Client). They hold for each client, so for each thread.
#[derive(Clone, Debug)]
pub struct ClientOptions {
    /// For look-up, TCP and TLS together; the packet's own deadline may end it earlier.
    pub connect_timeout: Duration,
    /// HTTP/1.1 connections to one next hop. Further packets wait for one to come free.
    pub connections_max: usize,
    /// The maximum number of open connections over all next hops, including those being opened,
    /// because each takes a file descriptor. Beyond it idle ones are closed, the least recently
    /// used first; where none is idle, a packet that needs a new one fails with
    /// [`ConnectError::NoDescriptor`](super::ConnectError::NoDescriptor).
    pub connections_open_max: usize,
    /// The maximum number of HTTP/1.1 connections that the packets of one sender use at once, over
    /// all next hops. Each connection has buffers and a file descriptor, and a sender whose next
    /// hops leave its packets unanswered must not take them all. The next packet fails with
    /// [`SendError::Overloaded`](super::SendError::Overloaded).
    pub sender_connections_max: usize,
    /// Packets in flight and waiting towards one next hop: at most 33 KiB each, so 132 MiB. The
    /// next fails with [`SendError::Overloaded`](super::SendError::Overloaded).
    pub packets_max: usize,
    /// The time for which an HTTP/1.1 connection is kept without a packet. Node's HTTP server
    /// closes one after 5 s, and one closed by the peer just as a packet is written costs that
    /// packet.
    pub idle_timeout: Duration,
    /// The time for which the connections of a next hop without packets are kept, HTTP/2 included.
    pub link_idle_timeout: Duration,
    /// Next hops remembered at once; about 1 KiB each, so 64 MiB, and their connections. Beyond
    /// it the least recently used are let go.
    pub links_max: usize,
    /// The time that a clear-text peer has to show that it speaks HTTP/2. Its first packet waits
    /// for that. Servers of HTTP/1.1 answer at once, so only a silent server takes the whole time.
    pub probe_timeout: Duration,
    /// The interval after which a clear-text peer that spoke HTTP/1.1 is asked for HTTP/2 again.
    pub probe_interval: Duration,
    /// The interval after which a peer is asked again if the failure says nothing about its
    /// protocol. Also the time for which packets go by HTTP/1.1 to a peer whose HTTP/2 connections
    /// end with packets on them.
    pub probe_retry_interval: Duration,
    /// Pings on an HTTP/2 connection with packets in flight, so that a dead one is found out.
    pub ping_interval: Duration,
    /// The time that the answer to a ping may take.
    pub ping_timeout: Duration,
}

impl Default for ClientOptions {
    fn default() -> ClientOptions {
        ClientOptions {
            connect_timeout: Duration::from_secs(5),
            connections_max: 128,
            connections_open_max: 16_384,
            sender_connections_max: 512,
            packets_max: 4_096,
            idle_timeout: Duration::from_secs(4),
            link_idle_timeout: Duration::from_secs(600),
            links_max: 65_536,
            probe_timeout: Duration::from_secs(2),
            probe_interval: Duration::from_secs(3_600),
            probe_retry_interval: Duration::from_secs(30),
            ping_interval: Duration::from_secs(10),
            ping_timeout: Duration::from_secs(5),
        }
    }
}

/// Idle connections are looked at four times within their timeout, so they go up to a quarter early.
const TICKS_PER_TIMEOUT: u32 = 4;
const TICK_MIN: Duration = Duration::from_millis(5);
const TICK_MAX: Duration = Duration::from_secs(1);

impl ClientOptions {
    /// The client's clock beats this often. Packets read the count of beats and no clock.
    pub(super) fn tick(&self) -> Duration {
        (self.idle_timeout / TICKS_PER_TIMEOUT).clamp(TICK_MIN, TICK_MAX)
    }

    /// Returns the number of ticks that a duration takes, rounded up.
    pub(super) fn ticks(&self, duration: Duration) -> u32 {
        let ticks = duration.as_nanos().div_ceil(self.tick().as_nanos());
        u32::try_from(ticks).unwrap_or(u32::MAX)
    }

    /// Returns [`ClientOptions::probe_retry_interval`] in ticks.
    pub(super) fn retry_ticks(&self) -> u32 {
        self.ticks(self.probe_retry_interval)
    }
}
