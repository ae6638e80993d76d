//! One next hop: what its requests look like, and the connections kept to it.

use super::{
    ClientOptions, EndpointError, NextHop, SendError,
    ask::PendingAnswer,
    http1::Http1,
    http2::{End, Http2},
    links::Links,
};
use crate::body::OnePacket;
use bytes::Bytes;
use http::{
    HeaderMap, HeaderValue, Method, Request, Uri, Version,
    header::{ACCEPT, AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE, HOST},
    uri::PathAndQuery,
};
use ilp_net::Endpoint;
use parking_lot::Mutex;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};
use tokio::sync::Semaphore;

/// The number of HTTP/2 connections in a row that may cut packets off soon after they were opened,
/// before packets go by HTTP/1.1 for a while.
const CUT_OFF_MAX: u32 = 2;

/// A next hop.
pub(super) struct Link {
    pub(super) endpoint: Endpoint,
    /// Path only, as HTTP/1.1 wants it.
    origin_form: Uri,
    /// With scheme and host, from which HTTP/2 makes its pseudo-headers.
    absolute_form: Uri,
    /// Made once: a clone of it per packet copies four entries and parses nothing.
    http1_headers: HeaderMap,
    /// Without the host, which HTTP/2 has in a pseudo-header, and with a length to be replaced:
    /// one entry more would make each packet's copy grow.
    http2_headers: HeaderMap,
    /// Never held across an await.
    pub(super) kept: Mutex<Kept>,
    /// One permit for each HTTP/1.1 connection in use.
    pub(super) connections: Semaphore,
    packets: AtomicUsize,
    last_used: AtomicU32,
}

/// The connections kept between packets.
pub(super) struct Kept {
    /// Most recently used last, and taken from there: what is not needed grows old and is closed.
    pub(super) idle: Vec<Idle>,
    http2: Option<Http2>,
    /// The tick at which the HTTP/2 connection was opened.
    http2_since: u32,
    /// Whether the HTTP/2 connection ended with packets on it.
    has_cut_off: bool,
    /// The number of HTTP/2 connections in a row that ended with packets on them soon after they
    /// were opened.
    cut_off_count: u32,
    /// The protocol that the next hop was last found to speak. It outlives the connection that
    /// showed it.
    pub(super) speaks: Speaks,
    /// The pending answer of the task that asks for the protocol and also opens the HTTP/2
    /// connection.
    pub(super) pending_answer: Option<PendingAnswer>,
    /// The tick from which a clear-text next hop that spoke HTTP/1.1 is asked again.
    pub(super) ask_from: u32,
    /// Set when the peer is forgotten: connections coming back are closed.
    closed: bool,
}

/// The protocol that the next hop is known to speak.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Speaks {
    Unknown,
    Http1,
    Http2,
}

/// An HTTP/1.1 connection without a packet.
pub(super) struct Idle {
    pub(super) connection: Http1,
    since: u32,
}

impl Link {
    pub(super) fn new(
        next_hop: NextHop<'_>,
        options: &ClientOptions,
        tick: u32,
    ) -> Result<Link, SendError> {
        let endpoint = Endpoint::parse(next_hop.endpoint).map_err(EndpointError::Url)?;
        let path = PathAndQuery::try_from(endpoint.path_and_query());
        let path = path.map_err(|_| EndpointError::Http)?;
        let authority = endpoint.authority();
        let mut authorization = HeaderValue::try_from(format!("Bearer {}", next_hop.token))
            .map_err(|_| SendError::BadToken)?;
        // Sensitive values are left out of Debug output and of HTTP/2's header tables.
        authorization.set_sensitive(true);
        let octet_stream = HeaderValue::from_static("application/octet-stream");
        let mut headers = HeaderMap::with_capacity(4);
        headers.insert(CONTENT_TYPE, octet_stream.clone());
        headers.insert(ACCEPT, octet_stream);
        headers.insert(AUTHORIZATION, authorization);
        let mut http2_headers = headers.clone();
        http2_headers.insert(CONTENT_LENGTH, HeaderValue::from_static("0"));
        // An authority is a name or an address and a port: always a valid header.
        let host = HeaderValue::try_from(&authority).map_err(|_| SendError::BadToken)?;
        headers.insert(HOST, host);
        let absolute_form = Uri::builder()
            .scheme(endpoint.scheme().as_str())
            .authority(authority)
            .path_and_query(path.clone())
            .build()
            .map_err(|_| EndpointError::Http)?;
        Ok(Link {
            origin_form: Uri::from(path),
            endpoint,
            absolute_form,
            http1_headers: headers,
            http2_headers,
            kept: Mutex::new(Kept::new(tick)),
            connections: Semaphore::new(options.connections_max),
            packets: AtomicUsize::new(0),
            last_used: AtomicU32::new(tick),
        })
    }

    /// The request that carries a packet by HTTP/1.1.
    pub(super) fn http1_request(&self, packet: Bytes) -> Request<OnePacket> {
        let mut request = Request::new(OnePacket::new(packet));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = self.origin_form.clone();
        *request.headers_mut() = self.http1_headers.clone();
        request
    }

    /// The request that goes before a packet by HTTP/2.
    pub(super) fn http2_request(&self, packet_bytes: usize) -> Request<()> {
        let mut request = Request::new(());
        *request.method_mut() = Method::POST;
        *request.uri_mut() = self.absolute_form.clone();
        *request.version_mut() = Version::HTTP_2;
        *request.headers_mut() = self.http2_headers.clone();
        request.headers_mut().insert(CONTENT_LENGTH, HeaderValue::from(packet_bytes));
        request
    }

    /// Counts a packet in, unless there are too many.
    pub(super) fn enter(&self, options: &ClientOptions) -> Option<InFlight<'_>> {
        let before = self.packets.fetch_add(1, Ordering::Relaxed);
        let in_flight = InFlight(self);
        (before < options.packets_max).then_some(in_flight)
    }

    pub(super) fn is_in_use(&self) -> bool {
        self.packets.load(Ordering::Relaxed) > 0
    }

    pub(super) fn use_at(&self, tick: u32) {
        self.last_used.store(tick, Ordering::Relaxed);
    }

    pub(super) fn last_used(&self) -> u32 {
        self.last_used.load(Ordering::Relaxed)
    }

    pub(super) fn connections_idle(&self) -> usize {
        self.kept.lock().idle.iter().filter(|idle| !idle.connection.is_closed()).count()
    }

    /// Closes connections that have been idle for `ticks` or that the peer has closed.
    pub(super) fn close_idle(&self, now: u32, ticks: u32) {
        self.kept
            .lock()
            .idle
            .retain(|idle| now.wrapping_sub(idle.since) < ticks && !idle.connection.is_closed());
    }

    /// Returns whether a connection is open that no packet uses.
    pub(super) fn has_idle(&self) -> bool {
        let kept = self.kept.lock();
        !kept.idle.is_empty() || kept.http2.is_some() && !self.is_in_use()
    }

    /// Closes every connection that no packet uses, however short a time it has been idle.
    pub(super) fn close_all_idle(&self) {
        let mut kept = self.kept.lock();
        kept.idle.clear();
        if !self.is_in_use() {
            kept.http2 = None;
        }
    }

    /// Closes what is idle; what is in use closes when its packets are done.
    pub(super) fn close(&self) {
        let mut kept = self.kept.lock();
        kept.closed = true;
        kept.http2 = None;
        kept.idle.clear();
    }
}

impl Kept {
    fn new(tick: u32) -> Kept {
        Kept {
            idle: Vec::new(),
            http2: None,
            http2_since: tick,
            has_cut_off: false,
            cut_off_count: 0,
            speaks: Speaks::Unknown,
            pending_answer: None,
            ask_from: tick,
            closed: false,
        }
    }

    /// Keeps a connection whose reply has been read to its end.
    pub(super) fn keep(&mut self, connection: Http1, tick: u32) {
        if !self.closed && !connection.is_closed() {
            self.idle.push(Idle { connection, since: tick });
        }
    }

    /// Keeps an HTTP/2 connection for all packets to come.
    pub(super) fn keep_http2(&mut self, http2: Http2, tick: u32) {
        self.speaks = Speaks::Http2;
        self.http2_since = tick;
        self.has_cut_off = false;
        if !self.closed {
            self.http2 = Some(http2);
        }
    }

    /// Notes that an HTTP/2 connection ended with a packet on it.
    pub(super) fn cut_off(&mut self) {
        self.has_cut_off = true;
    }

    /// Forgets the protocol if it was taken to be `protocol`, so that the next hop is asked before
    /// the next packet.
    pub(super) fn forget_protocol(&mut self, protocol: Speaks) {
        if self.speaks == protocol {
            self.speaks = Speaks::Unknown;
        }
    }

    /// Returns the HTTP/2 connection, if there is one and it takes packets.
    ///
    /// A connection that has ended is replaced before the next packet goes out. Two in a row that
    /// cut packets off soon after they were opened show that the peer does not really speak HTTP/2,
    /// such as a proxy whose own next hop doesn't. Packets go to it by HTTP/1.1 until it is asked
    /// again.
    pub(super) fn live_http2(&mut self, links: &Links, is_tls: bool) -> Option<Http2> {
        let http2 = self.http2.as_mut()?;
        let Some(end) = http2.end() else { return Some(http2.clone()) };
        self.http2 = None;
        let (now, retry_ticks) = (links.tick(), links.options.retry_ticks());
        let was_young = now.wrapping_sub(self.http2_since) < retry_ticks;
        if end == End::Graceful || !self.has_cut_off || !was_young {
            self.cut_off_count = 0;
            return None;
        }
        self.cut_off_count += 1;
        // Over TLS the peer chooses the protocol.
        if self.cut_off_count >= CUT_OFF_MAX && !is_tls {
            self.cut_off_count = 0;
            self.speaks = Speaks::Http1;
            self.ask_from = now.wrapping_add(retry_ticks);
        }
        None
    }
}

/// A packet on its way to a next hop.
pub(super) struct InFlight<'a>(&'a Link);

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        self.0.packets.fetch_sub(1, Ordering::Relaxed);
    }
}
