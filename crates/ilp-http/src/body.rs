//! Reads a message body of bounded length, in one piece where it came in one piece.

use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt as _;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use std::{
    convert::Infallible,
    pin::Pin,
    task::{Context, Poll},
};

/// The reason why a body could not be read to its end.
#[derive(Debug)]
pub(crate) enum ReadError {
    /// The body is, or says it is, longer than allowed.
    TooLong,
    /// The connection or the stream ended first, or its framing is broken.
    Cut(hyper::Error),
}

/// Reads `body` to its end, at most `bytes_max` bytes of it.
pub(crate) async fn read(body: Incoming, bytes_max: usize) -> Result<Bytes, ReadError> {
    read_with_room(body, bytes_max, || true).await.map(Option::unwrap_or_default)
}

/// Reads `body` to its end, at most `bytes_max` bytes of it. Returns `None` if the body comes in
/// pieces and `has_room` refuses to keep one of them.
///
/// Nearly every packet arrives as one frame. That frame is returned as it is, without a poll for a
/// second frame and without a copy. `has_room` is called before a frame that isn't the last is
/// kept.
pub(crate) async fn read_with_room(
    mut body: Incoming,
    bytes_max: usize,
    has_room: impl FnOnce() -> bool,
) -> Result<Option<Bytes>, ReadError> {
    if body.size_hint().lower() > bytes_max as u64 {
        return Err(ReadError::TooLong);
    }
    let first = loop {
        match body.frame().await {
            None => return Ok(Some(Bytes::new())),
            Some(Err(error)) => return Err(ReadError::Cut(error)),
            Some(Ok(frame)) => {
                if let Ok(data) = frame.into_data() {
                    break data;
                }
            }
        }
    };
    if first.len() > bytes_max {
        return Err(ReadError::TooLong);
    }
    if body.is_end_stream() {
        return Ok(Some(first));
    }
    if !has_room() {
        return Ok(None);
    }
    read_rest(first, body, bytes_max).await.map(Some)
}

async fn read_rest(first: Bytes, mut body: Incoming, bytes_max: usize) -> Result<Bytes, ReadError> {
    let mut gathered = BytesMut::from(first);
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame.map_err(ReadError::Cut)?.into_data() else { continue };
        if gathered.len() + data.len() > bytes_max {
            return Err(ReadError::TooLong);
        }
        gathered.extend_from_slice(&data);
    }
    Ok(gathered.freeze())
}

/// A request body that is one packet, and that can be taken back out of a request never sent.
#[derive(Debug)]
pub(crate) struct OnePacket(Option<Bytes>);

impl OnePacket {
    pub(crate) fn new(packet: Bytes) -> OnePacket {
        OnePacket(Some(packet))
    }

    /// The packet, if no byte of it has been handed to the connection.
    pub(crate) fn into_unsent(self) -> Option<Bytes> {
        self.0
    }
}

impl Body for OnePacket {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Ready(self.0.take().map(|packet| Ok(Frame::data(packet))))
    }

    fn is_end_stream(&self) -> bool {
        self.0.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.0.as_ref().map_or(0, |packet| packet.len() as u64))
    }
}
