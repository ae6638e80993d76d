//! One next hop: what its requests look like, and the connections kept to it.

use super::{ClientOptions, ConnectError, NextHop, SendError};
use crate::{Endpoint, body::OnePacket};
use bytes::Bytes;
use http::{
    HeaderMap, HeaderValue, Method, Request, Uri, Version,
    header::{ACCEPT, AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE, HOST},
};
use hyper::client::conn::http1;
use parking_lot::Mutex;
use std::{
    sync::atomic::{AtomicU32, AtomicUsize, Ordering},
    task::{Context, Poll, Waker},
};
use tokio::sync::Semaphore;

pub(super) type Http1 = http1::SendRequest<OnePacket>;
pub(super) type Http2 = h2::client::SendRequest<Bytes>;

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
    /// Held while the first connection is opened whose protocol isn't known yet, so that a burst of
    /// packets doesn't open one each only to find that they could have shared it.
    pub(super) opening: tokio::sync::Mutex<()>,
    packets: AtomicUsize,
    last_used: AtomicU32,
}

/// The connections kept between packets.
pub(super) struct Kept {
    /// Most recently used last, and taken from there: what is not needed grows old and is closed.
    pub(super) idle: Vec<Idle>,
    pub(super) http2: Option<Http2>,
    pub(super) speaks: Speaks,
    /// Whether a task is finding out about HTTP/2, or opening a connection for it.
    pub(super) probing: bool,
    /// The tick from which that may be tried again.
    pub(super) probe_from: u32,
    /// The tick at which the HTTP/2 connection was opened.
    pub(super) http2_since: u32,
    /// Attempts to open that failed, and how the last did: packets that waited for it share it.
    pub(super) failures: u32,
    pub(super) last_failure: Option<ConnectError>,
    /// Set when the peer is forgotten: connections coming back are closed.
    closed: bool,
}

/// What the next hop is known to speak.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Speaks {
    Unknown,
    Http1,
    Http2,
}

pub(super) struct Idle {
    pub(super) sender: Http1,
    since: u32,
}

impl Link {
    pub(super) fn new(
        next_hop: NextHop<'_>,
        options: &ClientOptions,
        tick: u32,
    ) -> Result<Link, SendError> {
        let endpoint = Endpoint::parse(next_hop.endpoint).map_err(SendError::BadEndpoint)?;
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
            .scheme(if endpoint.is_tls() { "https" } else { "http" })
            .authority(authority)
            .path_and_query(endpoint.path().clone())
            .build()
            .map_err(|_| SendError::BadEndpoint(crate::EndpointError::Path))?;
        Ok(Link {
            origin_form: Uri::from(endpoint.path().clone()),
            endpoint,
            absolute_form,
            http1_headers: headers,
            http2_headers,
            kept: Mutex::new(Kept::new(tick)),
            connections: Semaphore::new(options.connections_max),
            opening: tokio::sync::Mutex::new(()),
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

    /// Keeps a connection whose reply has been read to its end.
    pub(super) fn keep(&self, sender: Http1, tick: u32) {
        if sender.is_closed() {
            return;
        }
        let mut kept = self.kept.lock();
        if !kept.closed {
            kept.idle.push(Idle { sender, since: tick });
        }
    }

    /// Keeps an HTTP/2 connection for all packets to come.
    pub(super) fn keep_http2(&self, sender: Http2, tick: u32) {
        let mut kept = self.kept.lock();
        kept.speaks = Speaks::Http2;
        kept.http2_since = tick;
        if !kept.closed {
            kept.http2 = Some(sender);
        }
    }

    pub(super) fn connections_idle(&self) -> usize {
        self.kept.lock().idle.iter().filter(|idle| !idle.sender.is_closed()).count()
    }

    /// Closes connections that have been idle for `ticks` or that the peer has closed.
    pub(super) fn close_idle(&self, now: u32, ticks: u32) {
        self.kept
            .lock()
            .idle
            .retain(|idle| now.wrapping_sub(idle.since) < ticks && !idle.sender.is_closed());
    }

    /// Whether a connection is open that no packet uses.
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
            speaks: Speaks::Unknown,
            probing: false,
            probe_from: tick,
            http2_since: tick,
            failures: 0,
            last_failure: None,
            closed: false,
        }
    }

    /// The HTTP/2 connection, if there is one and it takes packets.
    pub(super) fn live_http2(&mut self, now: u32, retry_ticks: u32) -> Option<Http2> {
        let sender = self.http2.as_mut()?;
        // This handle opens no stream itself, so it never waits for one: it is ready, or the
        // connection has ended or is about to.
        let asked = sender.poll_ready(&mut Context::from_waker(Waker::noop()));
        if matches!(asked, Poll::Ready(Ok(()))) {
            return Some(sender.clone());
        }
        self.http2 = None;
        // One that lasted is replaced at once; one that didn't is given time, as each attempt may
        // cost the packets that were on it.
        if now.wrapping_sub(self.http2_since) < retry_ticks {
            self.probe_from = now.wrapping_add(retry_ticks);
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
