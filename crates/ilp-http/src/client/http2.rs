//! HTTP/2, by h2 itself: a packet's own future opens its stream and reads the reply from it.
//!
//! hyper's client would pass each request through two channels and give each stream a task of its
//! own. Beside the packets there are two tasks for each connection, which is in `connection`.

mod connection;

pub(super) use connection::{greet, start};

use super::{
    HttpError, SendError,
    exchange::{Failed, REFUSAL_TEXT_TIMEOUT, refusal},
    link::Link,
    watched::{Gathered, Meter},
};
use bytes::Bytes;
use h2::{
    Reason, RecvStream, SendStream,
    client::{ResponseFuture, SendRequest},
};
use http::{Response, StatusCode, header::CONTENT_LENGTH, response::Parts};
use interledger_packet::MAX_REPLY_BYTES;
use std::{
    future::poll_fn,
    mem,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, Waker},
};

/// An HTTP/2 connection that packets share. A clone is another handle of it.
#[derive(Clone)]
pub(super) struct Http2 {
    sender: SendRequest<Bytes>,
    meter: Arc<Meter>,
}

/// The way in which a connection ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// The peer sent a GOAWAY that names the last stream that it took, as servers do after a number
    /// of requests and when they are reloaded.
    Graceful,
    /// The connection ended in any other way.
    Abrupt,
}

impl Http2 {
    /// Returns how the connection has ended; `None` while it takes packets.
    pub(super) fn end(&mut self) -> Option<End> {
        // The handle that is kept opens no stream itself, so it never waits for one. It is ready,
        // or the connection has ended or is about to end.
        match self.sender.poll_ready(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(Ok(())) => None,
            Poll::Ready(Err(error)) if is_goodbye(&error) => Some(End::Graceful),
            Poll::Ready(Err(_)) | Poll::Pending => Some(End::Abrupt),
        }
    }
}

fn is_goodbye(error: &h2::Error) -> bool {
    error.is_go_away() && error.is_remote() && error.reason() == Some(Reason::NO_ERROR)
}

/// A stream that was opened. Dropping what is in it resets the stream with CANCEL.
pub(super) enum Stream {
    /// The packet was handed to the connection, and the reply is awaited.
    Sent(Sent),
    /// The peer has as many streams as it allows, and this one waits for its turn.
    Queued(Queued),
}

/// A packet whose reply is awaited.
pub(super) struct Sent {
    response: ResponseFuture,
    /// The packet is kept for the case that the peer turns out not to have taken it. The bytes are
    /// shared with the connection: the server reads packets into buffers of which a clone does not
    /// allocate.
    packet: Bytes,
    meter: Arc<Meter>,
}

/// A packet whose stream has to wait until the peer allows one more.
pub(super) struct Queued {
    sender: SendRequest<Bytes>,
    body: SendStream<Bytes>,
    sent: Sent,
}

/// Opens a stream and hands the packet over, without waiting for anything: h2 writes it as the
/// peer's window allows.
pub(super) fn send(
    http2: Http2,
    link: &Link,
    packet: Bytes,
    left_us: &AtomicBool,
) -> Result<Stream, Failed> {
    let Http2 { mut sender, meter } = http2;
    // A peer may allow no stream at all for a while (RFC 9113, section 6.5.2). h2 remembers one
    // that was given up while it waited, so nothing shall wait where there may never be a turn.
    if sender.current_max_send_streams() == 0 {
        return Err(Failed::unsent(SendError::Overloaded, packet));
    }
    let (response, body) = match sender.send_request(link.http2_request(packet.len()), false) {
        Ok(opened) => opened,
        Err(error) => return Err(Failed::returned(error.into(), packet)),
    };
    let sent = Sent { response, packet, meter };
    match sender.poll_ready(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(Ok(())) => {
            sent.hand_over(body, left_us);
            Ok(Stream::Sent(sent))
        }
        Poll::Ready(Err(error)) => Err(Failed::returned(error.into(), sent.packet)),
        Poll::Pending => Ok(Stream::Queued(Queued { sender, body, sent })),
    }
}

impl Sent {
    fn hand_over(&self, mut body: SendStream<Bytes>, left_us: &AtomicBool) {
        // Set before the packet is handed over, because the peer may see it from then on.
        left_us.store(true, Ordering::Relaxed);
        // This fails for a stream that has ended already; the response says how that stream ended.
        let _ = body.send_data(self.packet.clone(), true);
    }
}

impl Queued {
    /// Waits for the stream's turn, with the packet in our hands: should the connection end or the
    /// time be over first, not a byte of it has left us.
    pub(super) async fn reply(self, left_us: &AtomicBool) -> Result<Bytes, Failed> {
        let Queued { mut sender, body, sent } = self;
        if let Err(error) = poll_fn(|context| sender.poll_ready(context)).await {
            return Err(Failed::returned(error.into(), sent.packet));
        }
        // It holds the connection open, and the stream while that waits.
        drop(sender);
        sent.hand_over(body, left_us);
        sent.reply().await
    }
}

/// The future of a packet's reply. A 200 counts whatever its content type is: the caller finds out
/// whether the bytes are an ILP reply.
///
/// Nearly every reply arrives as one frame, which is returned as it is. The frame's share of the
/// windows needs no release: h2 releases it for the connection when the stream is dropped.
///
/// The future is written by hand. An async block has room for its inner futures and for the values
/// that they were made of, which would make every packet's future 200 bytes longer.
pub(super) struct Reply(State);

enum State {
    Head(Sent),
    First(Body),
    /// A reply of more than one frame, or the text of a refusal, which few replies have.
    Rest(Pin<Box<dyn Future<Output = Result<Bytes, SendError>> + Send>>),
    Done,
}

/// A reply's body, and the meter of its connection.
type Body = (RecvStream, Arc<Meter>);

impl Sent {
    /// Returns the future of the reply.
    pub(super) fn reply(self) -> Reply {
        Reply(State::Head(self))
    }
}

impl Future for Reply {
    type Output = Result<Bytes, Failed>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        loop {
            let next = match mem::replace(&mut self.0, State::Done) {
                State::Head(mut sent) => match Pin::new(&mut sent.response).poll(context) {
                    Poll::Ready(head) => after_head(head, sent),
                    Poll::Pending => {
                        self.0 = State::Head(sent);
                        return Poll::Pending;
                    }
                },
                State::First((mut body, meter)) => match poll_next(&mut body, &meter, context) {
                    Poll::Ready(first) => after_first(first, body, meter),
                    Poll::Pending => {
                        self.0 = State::First((body, meter));
                        return Poll::Pending;
                    }
                },
                State::Rest(mut rest) => match rest.as_mut().poll(context) {
                    Poll::Ready(outcome) => return Poll::Ready(outcome.map_err(Failed::from)),
                    Poll::Pending => {
                        self.0 = State::Rest(rest);
                        return Poll::Pending;
                    }
                },
                State::Done => unreachable!("a reply was polled after its end"),
            };
            match next {
                Ok(Step::Go(state)) => self.0 = state,
                Ok(Step::End(reply)) => return Poll::Ready(Ok(reply)),
                Err(failed) => return Poll::Ready(Err(failed)),
            }
        }
    }
}

/// The next step after a part of a reply.
enum Step {
    Go(State),
    End(Bytes),
}

fn after_head(head: Result<Response<RecvStream>, h2::Error>, sent: Sent) -> Result<Step, Failed> {
    let Sent { packet, meter, .. } = sent;
    let (head, body) = match head {
        Ok(head) => head.into_parts(),
        Err(error) => return Err(no_head(error, packet, &meter)),
    };
    meter.refill();
    if head.status == StatusCode::OK {
        return match is_too_long(&head) {
            true => Err(SendError::BodyTooLong.into()),
            false => Ok(Step::Go(State::First((body, meter)))),
        };
    }
    let refusal = refusal(head.status);
    if body.is_end_stream() {
        return Err(refusal.into());
    }
    Ok(Step::Go(State::Rest(Box::pin(async move {
        drop_text(body, meter).await;
        Err(refusal)
    }))))
}

fn after_first(
    first: Option<Result<Bytes, SendError>>,
    body: RecvStream,
    meter: Arc<Meter>,
) -> Result<Step, Failed> {
    let Some(first) = first else { return Ok(Step::End(Bytes::new())) };
    let first = first?;
    if first.len() > MAX_REPLY_BYTES {
        return Err(SendError::BodyTooLong.into());
    }
    if body.is_end_stream() {
        return Ok(Step::End(first));
    }
    Ok(Step::Go(State::Rest(Box::pin(read_rest(first, body, meter)))))
}

/// Turns the error of a stream that ended before a head came into the failure of its packet.
///
/// A peer that refuses a stream, or sends a GOAWAY that names a lower stream as the last one that
/// it took, has not acted on the packet and never will (RFC 9113, sections 8.7 and 6.8). h2 reports
/// the GOAWAY as an error only to those streams. In any other case the peer may have seen the
/// packet.
fn no_head(error: h2::Error, packet: Bytes, meter: &Meter) -> Failed {
    if is_goodbye(&error) {
        return Failed::returned(error.into(), packet);
    }
    let is_untaken = error.is_go_away() || error.reason() == Some(Reason::REFUSED_STREAM);
    if is_untaken && error.is_remote() {
        return Failed::refused(error.into(), packet);
    }
    if meter.is_used_up() {
        return SendError::NotHttp(Arc::new(error.into())).into();
    }
    cut(error).into()
}

fn is_too_long(head: &Parts) -> bool {
    let length = head.headers.get(CONTENT_LENGTH).and_then(|length| length.to_str().ok());
    // Whether it is a number, and the one of the bytes that come, is h2's to check.
    length
        .and_then(|length| length.parse::<u64>().ok())
        .is_some_and(|length| length > MAX_REPLY_BYTES as u64)
}

async fn read_rest(
    first: Bytes,
    mut body: RecvStream,
    meter: Arc<Meter>,
) -> Result<Bytes, SendError> {
    let mut gathered = Gathered::new(Arc::clone(&meter));
    let mut piece = first;
    loop {
        if !gathered.add(&piece) {
            return Err(SendError::BodyTooLong);
        }
        release(&mut body, piece.len());
        match poll_fn(|context| poll_next(&mut body, &meter, context)).await {
            Some(next) => piece = next?,
            None => return Ok(gathered.finish()),
        }
    }
}

/// Reads the text of a refusal, as long as it is no longer than a reply, and drops it: a stream
/// that is reset instead costs a frame, and servers count those against their client.
async fn drop_text(mut body: RecvStream, meter: Arc<Meter>) {
    let reading = async {
        let mut left = MAX_REPLY_BYTES;
        while let Some(Ok(data)) = poll_fn(|context| poll_next(&mut body, &meter, context)).await {
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
    meter: &Meter,
    context: &mut Context<'_>,
) -> Poll<Option<Result<Bytes, SendError>>> {
    body.poll_data(context).map(|data| match data? {
        Ok(data) => {
            // An empty piece brings no reply nearer.
            if !data.is_empty() {
                meter.refill();
            }
            Some(Ok(data))
        }
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
