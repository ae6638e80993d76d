//! One packet out, one reply back.

use super::{
    NoReply, SendError,
    lease::{Lease, lease},
    link::Link,
    links::Links,
};
use crate::body::{self, OnePacket, ReadError};
use bytes::Bytes;
use http::{Request, Response, StatusCode, Version};
use hyper::{body::Incoming, client::conn::TrySendError};
use interledger_packet::MAX_REPLY_BYTES;
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

/// How long the text of a refusal is read (and dropped), so that its connection can be kept: while
/// a peer is busy is no time to open connections to it.
const REFUSAL_TEXT_TIMEOUT: Duration = Duration::from_millis(500);

/// Sends a packet and reads the reply.
///
/// A kept connection may have been closed by the peer just now. If the HTTP layer hands the whole
/// request back, no byte of it was written, and it is sent once more. In any other case the peer may
/// have seen it and acted, and a packet that may have been seen is never sent twice.
pub(super) async fn exchange(
    links: &Arc<Links>,
    link: &Arc<Link>,
    packet: Bytes,
    left_us: &AtomicBool,
) -> Result<Bytes, NoReply> {
    let packet = match attempt(links, link, packet, left_us).await {
        Ok(reply) => return Ok(reply),
        Err(Failed::Returned(NoReply { unsent: Some(packet), .. })) => packet,
        Err(failed) => return Err(failed.into()),
    };
    links.retried();
    left_us.store(false, Ordering::Relaxed);
    Ok(attempt(links, link, packet, left_us).await?)
}

enum Failed {
    /// A connection that had been kept gave the packet back unsent.
    Returned(NoReply),
    /// Anything else.
    Final(NoReply),
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

async fn attempt(
    links: &Arc<Links>,
    link: &Arc<Link>,
    packet: Bytes,
    left_us: &AtomicBool,
) -> Result<Bytes, Failed> {
    let lease = match lease(links, link).await {
        Ok(lease) => lease,
        Err(error) => return Err(Failed::Final(NoReply { error, unsent: Some(packet) })),
    };
    // Set before the request is handed over: from there on it may be seen.
    match lease {
        Lease::Http2(mut sender) => {
            let request = link.request(Version::HTTP_2, packet);
            left_us.store(true, Ordering::Relaxed);
            let response = sender.try_send_request(request).await.map_err(failed)?;
            Ok(read(response).await?)
        }
        Lease::Http1 { mut sender, permit } => {
            let request = link.request(Version::HTTP_11, packet);
            left_us.store(true, Ordering::Relaxed);
            let response = sender.try_send_request(request).await.map_err(failed)?;
            let outcome = read(response).await;
            // Where the reply was not read to its end, the connection never gets ready again; the
            // HTTP layer closes it, and it is not kept.
            if outcome.as_ref().map_or_else(was_read_to_its_end, |_| true) {
                link.keep(sender, links.tick());
            }
            drop(permit);
            Ok(outcome?)
        }
    }
}

fn was_read_to_its_end(error: &SendError) -> bool {
    matches!(error, SendError::Busy(_) | SendError::Status(_))
}

fn failed(mut error: TrySendError<Request<OnePacket>>) -> Failed {
    let unsent = error.take_message().and_then(|request| request.into_body().into_unsent());
    let error = error.into_error();
    match unsent {
        Some(packet) => {
            let error = SendError::Closed { left_us: false, source: Arc::new(error) };
            Failed::Returned(NoReply { error, unsent: Some(packet) })
        }
        None => http_error(error).into(),
    }
}

fn http_error(error: hyper::Error) -> SendError {
    if error.is_parse() {
        SendError::NotHttp(Arc::new(error))
    } else {
        SendError::Closed { left_us: true, source: Arc::new(error) }
    }
}

/// Takes the reply out of a response. A 200 counts whatever its content type: the bytes either are
/// an ILP reply or not, and the caller finds out. Redirects are a status like any other.
async fn read(response: Response<Incoming>) -> Result<Bytes, SendError> {
    let status = response.status();
    let reading = body::read(response.into_body(), MAX_REPLY_BYTES);
    if status == StatusCode::OK {
        return reading.await.map_err(|error| match error {
            ReadError::TooLong => SendError::BodyTooLong,
            ReadError::Cut(error) => http_error(error),
        });
    }
    // Whether the text could be read changes nothing about the refusal.
    let _ = tokio::time::timeout(REFUSAL_TEXT_TIMEOUT, reading).await;
    Err(match status {
        StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => {
            SendError::Busy(status.as_u16())
        }
        _ => SendError::Status(status.as_u16()),
    })
}
