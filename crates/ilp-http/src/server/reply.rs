//! The body of an answer, which keeps the request's charge until the answer has left.

use crate::port::{Charge, Running};
use bytes::{Buf, Bytes};
use hyper::body::{Body, Frame, SizeHint};
use std::{
    convert::Infallible,
    error::Error,
    fmt,
    pin::Pin,
    task::{Context, Poll},
};

/// The body of an answer: one piece, or none.
#[derive(Debug)]
pub(super) struct Reply(Option<ReplyBytes>);

/// The bytes of an answer. In HTTP/2 they lie in the connection's buffers until the client grants a
/// window for them, in HTTP/1.1 until the answers before them are written. In both they are dropped
/// when they have been written or the connection has ended.
#[derive(Debug)]
pub(super) struct ReplyBytes {
    bytes: Bytes,
    _running: Running,
    _charge: Option<Charge>,
}

impl Reply {
    /// Makes an answer that gives back `running` and `charge` once it has left.
    pub(super) fn new(bytes: Bytes, running: Running, charge: Option<Charge>) -> Reply {
        Reply(Some(ReplyBytes { bytes, _running: running, _charge: charge }))
    }

    /// Makes an answer without a body, for which no client has to grant a window.
    pub(super) fn empty() -> Reply {
        Reply(None)
    }
}

impl Body for Reply {
    type Data = ReplyBytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<ReplyBytes>, Infallible>>> {
        Poll::Ready(self.0.take().map(|bytes| Ok(Frame::data(bytes))))
    }

    fn is_end_stream(&self) -> bool {
        self.0.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.0.as_ref().map_or(0, |reply| reply.bytes.len() as u64))
    }
}

impl Buf for ReplyBytes {
    fn remaining(&self) -> usize {
        self.bytes.len()
    }

    fn chunk(&self) -> &[u8] {
        &self.bytes
    }

    fn advance(&mut self, count: usize) {
        self.bytes.advance(count);
    }
}

/// The error for a reply that is not sent because the client has left too many untaken: its stream
/// is reset, or its HTTP/1.1 connection closed. The outcome of the packet is in the books.
#[derive(Debug)]
pub(super) struct ReplyDropped(h2::Error);

impl ReplyDropped {
    pub(super) fn new() -> ReplyDropped {
        ReplyDropped(h2::Reason::ENHANCE_YOUR_CALM.into())
    }
}

impl fmt::Display for ReplyDropped {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("too many replies wait for the client to take them")
    }
}

impl Error for ReplyDropped {
    /// Returns the reason with which hyper resets the stream.
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&self.0)
    }
}
