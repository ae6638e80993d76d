//! One packet out, one reply back.

use super::{
    HttpError, NoReply, SendError, http1,
    http2::{self, Stream},
    lease::{self, Lease},
    link::Link,
    links::Links,
};
use bytes::Bytes;
use http::StatusCode;
use std::{
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, ready},
    time::Duration,
};

/// The time for which the text of a refusal is read (and dropped), so that its connection can be
/// kept: a busy peer should not get new connections.
pub(super) const REFUSAL_TEXT_TIMEOUT: Duration = Duration::from_millis(500);

/// The maximum number of attempts to send one packet. It lets a server that takes only seven
/// requests of each connection, far fewer than servers are set to, serve 140 packets under way at
/// once on a thread.
const ATTEMPTS_MAX: u32 = 20;
/// The number of refused streams after which a packet is given back. A peer refuses no stream
/// within the limit that it has announced, and the second attempt waits for a stream within that
/// limit.
const REFUSALS_MAX: u32 = 3;

/// Sends a packet and reads the reply.
///
/// A packet is sent again only if the peer certainly has not acted on it: a kept connection had
/// been closed before a byte of the packet was handed to it, or the peer says that it has not taken
/// the packet. In any other case the peer may have seen the packet and acted, and such a packet is
/// never sent twice.
///
/// The first attempt begins when this is called, not when the future is polled: the future is moved
/// together with the futures around it, and is smaller after the first attempt has begun.
pub(super) fn exchange<'a>(
    links: &'a Arc<Links>,
    link: &'a Arc<Link>,
    sender: u64,
    packet: Bytes,
    left_us: &'a AtomicBool,
) -> Exchange<'a> {
    let state = State::First(attempt(links, link, sender, packet, left_us));
    Exchange { links, link, sender, left_us, state }
}

/// A packet on its way.
pub(super) struct Exchange<'a> {
    links: &'a Arc<Links>,
    link: &'a Arc<Link>,
    sender: u64,
    left_us: &'a AtomicBool,
    state: State<'a>,
}

enum State<'a> {
    First(Attempt<'a>),
    /// Boxed, because few packets get here and every packet's future would have room for it.
    Again(Pin<Box<dyn Future<Output = Result<Bytes, NoReply>> + Send + 'a>>),
}

impl Future for Exchange<'_> {
    type Output = Result<Bytes, NoReply>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        loop {
            let failed = match &mut self.state {
                State::First(attempt) => match ready!(Pin::new(attempt).poll(context)) {
                    Ok(reply) => return Poll::Ready(Ok(reply)),
                    Err(failed) => failed,
                },
                State::Again(again) => return again.as_mut().poll(context),
            };
            let again = again(self.links, self.link, self.sender, failed, self.left_us);
            self.state = State::Again(Box::pin(again));
        }
    }
}

async fn again(
    links: &Arc<Links>,
    link: &Arc<Link>,
    sender: u64,
    mut failed: Failed,
    left_us: &AtomicBool,
) -> Result<Bytes, NoReply> {
    let mut refusals = 0;
    for _ in 1..ATTEMPTS_MAX {
        if failed.ended_http2() {
            link.kept.lock().cut_off();
        }
        let packet = match failed {
            Failed::Returned(NoReply { unsent: Some(packet), .. }) => packet,
            Failed::Refused(NoReply { unsent: Some(packet), error }) => {
                refusals += 1;
                if refusals == REFUSALS_MAX {
                    return Err(NoReply { unsent: Some(packet), error });
                }
                packet
            }
            failed => return Err(failed.into()),
        };
        links.retried();
        left_us.store(false, Ordering::Relaxed);
        match attempt(links, link, sender, packet, left_us).await {
            Ok(reply) => return Ok(reply),
            Err(next) => failed = next,
        }
    }
    Err(failed.into())
}

/// The failure of an attempt.
pub(super) enum Failed {
    /// The connection ended without having taken the packet, which is in `unsent`.
    Returned(NoReply),
    /// The peer did not take the packet, which is in `unsent`: it refused the stream, or ended the
    /// connection for an error.
    Refused(NoReply),
    /// Anything else.
    Final(NoReply),
}

impl Failed {
    /// Makes the failure of a packet that its connection had not taken when it ended.
    pub(super) fn returned(source: HttpError, packet: Bytes) -> Failed {
        Failed::Returned(untaken(source, packet))
    }

    /// Makes the failure of a packet that the peer did not take.
    pub(super) fn refused(source: HttpError, packet: Bytes) -> Failed {
        Failed::Refused(untaken(source, packet))
    }

    /// Returns whether an HTTP/2 connection ended with the packet on it.
    fn ended_http2(&self) -> bool {
        let (Failed::Returned(no_reply) | Failed::Refused(no_reply) | Failed::Final(no_reply)) =
            self;
        let SendError::Closed { source, .. } = &no_reply.error else { return false };
        matches!(**source, HttpError::GoAway(_) | HttpError::Io(_))
    }

    /// Returns whether the peer may speak another protocol than the one in which it got the packet.
    pub(super) fn is_of_another_protocol(&self) -> bool {
        let Failed::Final(no_reply) = self else { return false };
        matches!(no_reply.error, SendError::NotHttp(_) | SendError::Closed { .. })
    }

    /// The packet can't go this way now, and another attempt would end like this one.
    pub(super) fn unsent(error: SendError, packet: Bytes) -> Failed {
        Failed::Final(NoReply { error, unsent: Some(packet) })
    }
}

fn untaken(source: HttpError, packet: Bytes) -> NoReply {
    let error = SendError::Closed { left_us: false, source: Arc::new(source) };
    NoReply { error, unsent: Some(packet) }
}

impl From<Failed> for NoReply {
    fn from(failed: Failed) -> NoReply {
        match failed {
            Failed::Returned(no_reply) | Failed::Refused(no_reply) | Failed::Final(no_reply) => {
                no_reply
            }
        }
    }
}

impl From<SendError> for Failed {
    fn from(error: SendError) -> Failed {
        Failed::Final(error.into())
    }
}

/// An attempt that has begun.
enum Attempt<'a> {
    /// The packet has gone by HTTP/2, and its reply is awaited.
    Sent(http2::Reply),
    /// An exchange that waits for a connection or a stream, or opens a connection, or uses
    /// HTTP/1.1. Its future is large, so it is boxed: a packet by HTTP/1.1 pays an allocation more
    /// for it.
    Rare(Pin<Box<dyn Future<Output = Result<Bytes, Failed>> + Send + 'a>>),
}

impl Future for Attempt<'_> {
    type Output = Result<Bytes, Failed>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        match &mut *self {
            Attempt::Sent(reply) => Pin::new(reply).poll(context),
            Attempt::Rare(outcome) => outcome.as_mut().poll(context),
        }
    }
}

fn attempt<'a>(
    links: &'a Arc<Links>,
    link: &'a Arc<Link>,
    sender: u64,
    packet: Bytes,
    left_us: &'a AtomicBool,
) -> Attempt<'a> {
    let Some(http2) = lease::http2(links, link) else {
        return Attempt::Rare(Box::pin(without_http2(links, link, sender, packet, left_us)));
    };
    match http2::send(http2, link, packet, left_us) {
        Ok(Stream::Sent(sent)) => Attempt::Sent(sent.reply()),
        Ok(Stream::Queued(queued)) => Attempt::Rare(Box::pin(queued.reply(left_us))),
        Err(failed) => Attempt::Rare(Box::pin(std::future::ready(Err(failed)))),
    }
}

/// An attempt where no HTTP/2 connection is open.
async fn without_http2(
    links: &Arc<Links>,
    link: &Arc<Link>,
    sender: u64,
    packet: Bytes,
    left_us: &AtomicBool,
) -> Result<Bytes, Failed> {
    match lease::lease(links, link, sender).await {
        Ok(Lease::Http2(http2)) => match http2::send(http2, link, packet, left_us)? {
            Stream::Sent(sent) => sent.reply().await,
            Stream::Queued(queued) => queued.reply(left_us).await,
        },
        Ok(Lease::Http1 { connection, is_new, turn }) => {
            let outcome = http1::exchange(connection, is_new, links, link, packet, left_us).await;
            drop(turn);
            outcome
        }
        Err(error) => Err(Failed::unsent(error, packet)),
    }
}

/// Returns the error for any status but 200. Redirects are a status like any other.
pub(super) fn refusal(status: StatusCode) -> SendError {
    match status {
        StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => {
            SendError::Busy(status.as_u16())
        }
        _ => SendError::Status(status.as_u16()),
    }
}
