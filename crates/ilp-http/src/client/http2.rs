//! HTTP/2, by h2 itself: a packet's own future opens its stream and reads the reply from it.
//!
//! hyper's client would pass each request through two channels and give each stream a task of its
//! own. Beside the packets there are two tasks for each connection, which is in `connection`.

mod connection;

pub(super) use connection::start;

use super::{
    HttpError, SendError,
    exchange::{Failed, REFUSAL_TEXT_TIMEOUT, refusal},
    link::{Http2, Link},
};
use bytes::{Bytes, BytesMut};
use h2::{Reason, RecvStream, SendStream, client::ResponseFuture};
use http::{Response, StatusCode, header::CONTENT_LENGTH, response::Parts};
use interledger_packet::MAX_REPLY_BYTES;
use std::{
    future::poll_fn,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, Waker},
};

/// A stream that was opened. Dropping what is in it resets the stream with CANCEL.
pub(super) enum Stream {
    /// The packet was handed to the connection, and the reply is awaited.
    Sent(ResponseFuture),
    /// The peer has as many streams as it allows, and this one waits for its turn.
    Queued(Queued),
}

/// A stream that has to wait, and the packet, which is still ours.
pub(super) struct Queued {
    sender: Http2,
    body: SendStream<Bytes>,
    response: ResponseFuture,
    packet: Bytes,
}

/// Opens a stream and hands the packet over, without waiting for anything: h2 writes it as the
/// peer's window allows.
///
/// No clone of the packet is kept for a peer that refuses the stream, or goes away before it (RFC
/// 9113, sections 8.7 and 6.8), though either has certainly not acted on it. A packet read from a
/// peer's connection is a vector of just its size, of which the first clone allocates, and every
/// packet would pay for that.
pub(super) fn send(
    mut sender: Http2,
    link: &Link,
    packet: Bytes,
    left_us: &AtomicBool,
) -> Result<Stream, Failed> {
    // A peer may allow no stream at all for a while (RFC 9113, section 6.5.2). h2 remembers one
    // that was given up while it waited, so nothing shall wait where there may never be a turn.
    if sender.current_max_send_streams() == 0 {
        return Err(Failed::unsent(SendError::Overloaded, packet));
    }
    let (response, body) = match sender.send_request(link.http2_request(packet.len()), false) {
        Ok(opened) => opened,
        Err(error) => return Err(Failed::returned(error.into(), packet)),
    };
    match sender.poll_ready(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(Ok(())) => {
            hand_over(body, packet, left_us)?;
            Ok(Stream::Sent(response))
        }
        Poll::Ready(Err(error)) => Err(Failed::returned(error.into(), packet)),
        Poll::Pending => Ok(Stream::Queued(Queued { sender, body, response, packet })),
    }
}

fn hand_over(
    mut body: SendStream<Bytes>,
    packet: Bytes,
    left_us: &AtomicBool,
) -> Result<(), SendError> {
    // Set before the packet is handed over: from there on it may be seen.
    left_us.store(true, Ordering::Relaxed);
    body.send_data(packet, true).map_err(cut)
}

impl Queued {
    /// Waits for the stream's turn, with the packet in our hands: should the connection end or the
    /// time be over first, not a byte of it has left us.
    pub(super) async fn reply(self, left_us: &AtomicBool) -> Result<Bytes, Failed> {
        let Queued { mut sender, body, response, packet } = self;
        if let Err(error) = poll_fn(|context| sender.poll_ready(context)).await {
            return Err(Failed::returned(error.into(), packet));
        }
        // It holds the connection open, and the stream while that waits.
        drop(sender);
        hand_over(body, packet, left_us)?;
        Ok(reply(response).await?)
    }
}

/// Waits for the reply and reads it. A 200 counts whatever its content type: the bytes either are an
/// ILP reply or not, and the caller finds out.
///
/// Nearly every reply arrives as one frame; that frame is handed on as it is. What it took of the
/// windows needs no release: h2 does that for the connection when the stream is dropped.
#[expect(clippy::manual_async_fn, reason = "an async fn's arguments are in its future twice")]
pub(super) fn reply(
    mut response: ResponseFuture,
) -> impl Future<Output = Result<Bytes, SendError>> + Send {
    async move {
        let head = poll_fn(|context| Pin::new(&mut response).poll(context)).await;
        let mut body = match after_head(head)? {
            Ok(body) => body,
            Err(Refused { status, text }) => {
                if let Some(text) = text {
                    Box::pin(drop_text(text)).await;
                }
                return Err(refusal(status));
            }
        };
        let first = match poll_fn(|context| poll_next(&mut body, context)).await {
            None => return Ok(Bytes::new()),
            Some(first) => first?,
        };
        if first.len() > MAX_REPLY_BYTES {
            return Err(SendError::BodyTooLong);
        }
        if body.is_end_stream() {
            return Ok(first);
        }
        Box::pin(read_rest(first, body)).await
    }
}

/// A status other than 200, and its text if that has not come to its end already.
struct Refused {
    status: StatusCode,
    text: Option<RecvStream>,
}

/// What is left of a response when its head has been looked at, which no future need carry.
fn after_head(
    head: Result<Response<RecvStream>, h2::Error>,
) -> Result<Result<RecvStream, Refused>, SendError> {
    let (head, body) = head.map_err(cut)?.into_parts();
    if head.status != StatusCode::OK {
        let text = (!body.is_end_stream()).then_some(body);
        return Ok(Err(Refused { status: head.status, text }));
    }
    if is_too_long(&head) {
        return Err(SendError::BodyTooLong);
    }
    Ok(Ok(body))
}

fn is_too_long(head: &Parts) -> bool {
    let length = head.headers.get(CONTENT_LENGTH).and_then(|length| length.to_str().ok());
    // Whether it is a number, and the one of the bytes that come, is h2's to check.
    length
        .and_then(|length| length.parse::<u64>().ok())
        .is_some_and(|length| length > MAX_REPLY_BYTES as u64)
}

async fn read_rest(first: Bytes, mut body: RecvStream) -> Result<Bytes, SendError> {
    release(&mut body, first.len());
    let mut gathered = BytesMut::from(first);
    while let Some(data) = poll_fn(|context| poll_next(&mut body, context)).await {
        let data = data?;
        if gathered.len() + data.len() > MAX_REPLY_BYTES {
            return Err(SendError::BodyTooLong);
        }
        release(&mut body, data.len());
        gathered.extend_from_slice(&data);
    }
    Ok(gathered.freeze())
}

/// Reads the text of a refusal, as long as it is no longer than a reply, and drops it: a stream
/// that is reset instead costs a frame, and servers count those against their client.
async fn drop_text(mut body: RecvStream) {
    let reading = async {
        let mut left = MAX_REPLY_BYTES;
        while let Some(Ok(data)) = poll_fn(|context| poll_next(&mut body, context)).await {
            let Some(less) = left.checked_sub(data.len()) else { return };
            left = less;
            release(&mut body, data.len());
        }
    };
    // Whether the text could be read changes nothing about the refusal.
    let _ = tokio::time::timeout(REFUSAL_TEXT_TIMEOUT, reading).await;
}

/// The next piece of a body. Trailers end it.
fn poll_next(
    body: &mut RecvStream,
    context: &mut Context<'_>,
) -> Poll<Option<Result<Bytes, SendError>>> {
    body.poll_data(context).map(|data| match data? {
        Ok(data) => Some(Ok(data)),
        // A peer that answered before it had read all of the packet stops the rest of it like this
        // (RFC 9113, section 8.1); the answer is whole.
        Err(error) if error.is_reset() && error.reason() == Some(Reason::NO_ERROR) => None,
        Err(error) => Some(Err(cut(error))),
    })
}

/// Gives the peer back what a piece took of the windows, the connection's above all, which other
/// streams share.
fn release(body: &mut RecvStream, bytes: usize) {
    // It fails only for more than has come.
    let _ = body.flow_control().release_capacity(bytes);
}

fn cut(error: h2::Error) -> SendError {
    SendError::Closed { left_us: true, source: Arc::new(HttpError::from(error)) }
}
