//! The errors of packets without a reply. The texts are for this node's log; none holds a token or
//! a peer's words.

use bytes::Bytes;
use ilp_net::UrlError;
use std::{io, sync::Arc};

/// There is no reply: why, and the packet itself if it can still be sent elsewhere.
#[derive(Debug)]
pub struct NoReply {
    /// The reason why there is no reply.
    pub error: SendError,
    /// The packet, if the next hop has certainly not taken it and the failure came before the
    /// deadline.
    pub unsent: Option<Bytes>,
}

impl From<SendError> for NoReply {
    fn from(error: SendError) -> NoReply {
        NoReply { error, unsent: None }
    }
}

impl From<NoReply> for SendError {
    fn from(no_reply: NoReply) -> SendError {
        no_reply.error
    }
}

/// The reason why an endpoint can't be used.
#[derive(Clone, Debug, thiserror::Error)]
pub enum EndpointError {
    /// The text is not a URL.
    #[error(transparent)]
    Url(#[from] UrlError),
    /// The HTTP library refuses the URL.
    #[error("no HTTP request can name the URL")]
    Http,
}

/// The reason why no reply came from the next hop.
#[derive(Clone, Debug, thiserror::Error)]
pub enum SendError {
    /// The endpoint can't be understood.
    #[error("the next hop's endpoint can't be used")]
    BadEndpoint(#[from] EndpointError),
    /// The token holds characters that no HTTP header may hold.
    #[error("the next hop's token holds characters that an HTTP header can't carry")]
    BadToken,
    /// Too many packets are on their way to this next hop already.
    #[error("too many packets are on their way to the next hop")]
    Overloaded,
    /// No connection came about.
    #[error("no connection to the next hop")]
    Connect(#[source] ConnectError),
    /// The packet's time was over first.
    #[error("no reply from the next hop in time")]
    Timeout {
        /// Whether the packet had been handed to a connection.
        left_us: bool,
    },
    /// The connection or the packet's stream on it ended before the reply did.
    #[error("the next hop closed the connection before its reply was complete")]
    Closed {
        /// Whether the next hop may have taken the packet. A next hop that says that it has not
        /// taken the packet counts as one that the packet didn't reach.
        left_us: bool,
        /// The error of the HTTP layer.
        source: Arc<HttpError>,
    },
    /// The answer is not HTTP, or has no end before the final response.
    #[error("the next hop's answer is not HTTP")]
    NotHttp(#[source] Arc<HttpError>),
    /// 429 or 503: the next hop has too much to do.
    #[error("the next hop is busy: it answered HTTP status {0}")]
    Busy(u16),
    /// Any other status but 200.
    #[error("the next hop answered HTTP status {0}")]
    Status(u16),
    /// The reply is longer than any ILP packet. Or it comes in pieces, and the unfinished replies
    /// of its connection are too long together.
    #[error("the next hop's reply is too long, or too many come in pieces at once")]
    BodyTooLong,
}

/// The reason why there is no connection. Shared, because several packets may have waited for one
/// attempt.
#[derive(Clone, Debug, thiserror::Error)]
pub enum ConnectError {
    /// The name doesn't resolve, or no host answers there.
    #[error("the host can't be reached")]
    Unreachable(#[source] Arc<io::Error>),
    /// The client has the maximum of connections open, all of them in use, or the system gives the
    /// process no file descriptor for one more. This passes, and says nothing about the next hop.
    #[error("no file descriptor is left for another connection")]
    NoDescriptor,
    /// The certificate isn't trusted, or the two ends share no protocol.
    #[error("TLS can't be agreed on")]
    Tls(#[source] Arc<io::Error>),
    /// The peer's name is none that a certificate could have.
    #[error("the host's name can't be in any certificate")]
    Name,
    /// Connecting took longer than allowed.
    #[error("connecting took too long")]
    Timeout,
    /// The HTTP layer gave up while connecting.
    #[error("HTTP can't be started on the connection")]
    Handshake(#[source] Arc<HttpError>),
}

/// The HTTP layer's error for a connection or a stream that ended early. The text that a peer may
/// put into a GOAWAY frame is left out: it would get into this node's log through the chain of
/// sources.
#[derive(Debug, thiserror::Error)]
pub enum HttpError {
    /// HTTP/1.1 failed.
    #[error(transparent)]
    Http1(hyper::Error),
    /// The HTTP/2 stream was reset, by the peer or for what the peer sent on it.
    #[error("the HTTP/2 stream was reset: {0}")]
    Reset(h2::Reason),
    /// The HTTP/2 connection was ended, by the peer or for what the peer sent on it.
    #[error("the HTTP/2 connection was ended: {0}")]
    GoAway(h2::Reason),
    /// The HTTP/2 connection's bytes stopped.
    #[error(transparent)]
    Io(io::Error),
    /// The HTTP/2 connection has used up its stream numbers, 2^30 of them.
    #[error("the HTTP/2 connection takes no more streams")]
    UsedUp,
}

/// The codes of EMFILE and ENFILE, which are the same on every Unix: this process, or the whole
/// system, has no file descriptor left. The standard library has no name for them.
const NO_DESCRIPTOR_CODES: [i32; 2] = [24, 23];

impl From<io::Error> for ConnectError {
    fn from(error: io::Error) -> ConnectError {
        if error.raw_os_error().is_some_and(|code| NO_DESCRIPTOR_CODES.contains(&code)) {
            return ConnectError::NoDescriptor;
        }
        ConnectError::Unreachable(Arc::new(error))
    }
}

impl From<h2::Error> for HttpError {
    fn from(error: h2::Error) -> HttpError {
        match error.reason() {
            Some(reason) if error.is_go_away() => HttpError::GoAway(reason),
            Some(reason) => HttpError::Reset(reason),
            None => error.into_io().map_or(HttpError::UsedUp, HttpError::Io),
        }
    }
}

impl SendError {
    /// Returns whether the next hop may have seen the packet, whole or in part. If not, it
    /// certainly has not been forwarded.
    pub fn left_us(&self) -> bool {
        match self {
            SendError::BadEndpoint(_)
            | SendError::BadToken
            | SendError::Overloaded
            | SendError::Connect(_) => false,
            SendError::Timeout { left_us } | SendError::Closed { left_us, .. } => *left_us,
            SendError::NotHttp(_)
            | SendError::Busy(_)
            | SendError::Status(_)
            | SendError::BodyTooLong => true,
        }
    }

    /// Every kind there is.
    pub const KINDS: [&'static str; 13] = [
        "bad_endpoint",
        "bad_token",
        "overloaded",
        "no_descriptor",
        "tls",
        "connect_timeout",
        "connect",
        "timeout",
        "closed",
        "not_http",
        "busy",
        "status",
        "body_too_long",
    ];

    /// A short constant name, for metric labels.
    pub fn kind(&self) -> &'static str {
        match self {
            SendError::BadEndpoint(_) => "bad_endpoint",
            SendError::BadToken => "bad_token",
            SendError::Overloaded => "overloaded",
            SendError::Connect(ConnectError::NoDescriptor) => "no_descriptor",
            SendError::Connect(ConnectError::Tls(_) | ConnectError::Name) => "tls",
            SendError::Connect(ConnectError::Timeout) => "connect_timeout",
            SendError::Connect(_) => "connect",
            SendError::Timeout { .. } => "timeout",
            SendError::Closed { .. } => "closed",
            SendError::NotHttp(_) => "not_http",
            SendError::Busy(_) => "busy",
            SendError::Status(_) => "status",
            SendError::BodyTooLong => "body_too_long",
        }
    }

    /// Returns whether the next hop asked for fewer packets: 429 or 503.
    pub fn is_busy(&self) -> bool {
        matches!(self, SendError::Busy(_))
    }
}
