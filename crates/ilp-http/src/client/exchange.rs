//! One packet out, one reply back.

use super::{
    HttpError, NoReply, SendError, http1,
    http2::{self, Stream},
    lease::{self, Lease},
    link::Link,
    links::Links,
};
use bytes::Bytes;
use h2::client::ResponseFuture;
use http::StatusCode;
use std::{
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

/// How long the text of a refusal is read (and dropped), so that its connection can be kept: while
/// a peer is busy is no time to open connections to it.
pub(super) const REFUSAL_TEXT_TIMEOUT: Duration = Duration::from_millis(500);

/// Sends a packet and reads the reply.
///
/// A kept connection may have been closed by the peer just now. If the packet comes back whole, no
/// byte of it was handed to the connection, and it is sent once more. In any other case the peer
/// may have seen it and acted, and a packet that may have been seen is never sent twice.
///
/// The first attempt begins when this is called, not when the future is polled: the packet is then
/// in the connection's hands, and the future, which is moved with those around it, has no room for it.
pub(super) fn exchange<'a>(
    links: &'a Arc<Links>,
    link: &'a Arc<Link>,
    packet: Bytes,
    left_us: &'a AtomicBool,
) -> impl Future<Output = Result<Bytes, NoReply>> + Send + 'a {
    let first = attempt(links, link, packet, left_us);
    async move {
        let failed = match first.outcome().await {
            Ok(reply) => return Ok(reply),
            Err(failed) => failed,
        };
        match failed {
            Failed::Returned(NoReply { unsent: Some(packet), .. }) => {
                links.retried();
                left_us.store(false, Ordering::Relaxed);
                // Boxed, as few packets come to it and all would carry the room for it.
                Ok(Box::pin(attempt(links, link, packet, left_us).outcome()).await?)
            }
            failed => Err(failed.into()),
        }
    }
}

/// How an attempt failed.
pub(super) enum Failed {
    /// The connection gave the packet back unsent.
    Returned(NoReply),
    /// Anything else.
    Final(NoReply),
}

impl Failed {
    /// The packet was not handed to the connection, which had ended.
    pub(super) fn returned(source: HttpError, packet: Bytes) -> Failed {
        let error = SendError::Closed { left_us: false, source: Arc::new(source) };
        Failed::Returned(NoReply { error, unsent: Some(packet) })
    }

    /// The packet can't go this way now, and another attempt would end like this one.
    pub(super) fn unsent(error: SendError, packet: Bytes) -> Failed {
        Failed::Final(NoReply { error, unsent: Some(packet) })
    }
}

impl From<Failed> for NoReply {
    fn from(failed: Failed) -> NoReply {
        match failed {
            Failed::Returned(no_reply) | Failed::Final(no_reply) => no_reply,
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
    Sent(ResponseFuture),
    /// What waits for a connection or a stream, or opens a connection, is large, and so is the
    /// future of hyper that HTTP/1.1 needs: a packet by HTTP/1.1 pays an allocation more for it.
    Rare(Pin<Box<dyn Future<Output = Result<Bytes, Failed>> + Send + 'a>>),
}

impl Attempt<'_> {
    #[expect(clippy::manual_async_fn, reason = "an async fn's arguments are in its future twice")]
    fn outcome(self) -> impl Future<Output = Result<Bytes, Failed>> + Send {
        async move {
            match self {
                Attempt::Sent(response) => Ok(http2::reply(response).await?),
                Attempt::Rare(outcome) => outcome.await,
            }
        }
    }
}

fn attempt<'a>(
    links: &'a Arc<Links>,
    link: &'a Arc<Link>,
    packet: Bytes,
    left_us: &'a AtomicBool,
) -> Attempt<'a> {
    let Some(sender) = lease::http2(links, link) else {
        return Attempt::Rare(Box::pin(without_http2(links, link, packet, left_us)));
    };
    match http2::send(sender, link, packet, left_us) {
        Ok(Stream::Sent(response)) => Attempt::Sent(response),
        Ok(Stream::Queued(queued)) => Attempt::Rare(Box::pin(queued.reply(left_us))),
        Err(failed) => Attempt::Rare(Box::pin(std::future::ready(Err(failed)))),
    }
}

/// An attempt where no HTTP/2 connection is open.
async fn without_http2(
    links: &Arc<Links>,
    link: &Arc<Link>,
    packet: Bytes,
    left_us: &AtomicBool,
) -> Result<Bytes, Failed> {
    match lease::lease(links, link).await {
        Ok(Lease::Http2(sender)) => match http2::send(sender, link, packet, left_us)? {
            Stream::Sent(response) => Ok(http2::reply(response).await?),
            Stream::Queued(queued) => queued.reply(left_us).await,
        },
        Ok(Lease::Http1 { sender, permit }) => {
            let outcome = http1::exchange(sender, links, link, packet, left_us).await;
            drop(permit);
            outcome
        }
        Err(error) => Err(Failed::unsent(error, packet)),
    }
}

/// What any status but 200 means. Redirects are a status like any other.
pub(super) fn refusal(status: StatusCode) -> SendError {
    match status {
        StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => {
            SendError::Busy(status.as_u16())
        }
        _ => SendError::Status(status.as_u16()),
    }
}
