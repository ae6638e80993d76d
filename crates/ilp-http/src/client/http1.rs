//! HTTP/1.1, by hyper: one packet at a time on each connection.

use super::{
    HttpError, SendError,
    connect::HEAD_BYTES_MAX,
    exchange::{Failed, REFUSAL_TEXT_TIMEOUT, refusal},
    link::{Link, Speaks},
    links::{Links, OpenConnection},
    watched::{Meter, Watched},
};
use crate::body::{self, OnePacket, ReadError};
use bytes::Bytes;
use http::{Request, Response, StatusCode};
use hyper::{
    body::Incoming,
    client::conn::{TrySendError, http1},
};
use hyper_util::rt::TokioIo;
use interledger_packet::MAX_REPLY_BYTES;
use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};
use tokio::io::{AsyncRead, AsyncWrite};

/// The maximum number of bytes before a reply's final head has been read: interim responses, the
/// head itself, and the part of the body that hyper has read by then, which is at most as long as a
/// head.
pub(crate) const UNANSWERED_BYTES_MAX: u32 = 4 * HEAD_BYTES_MAX;

/// An HTTP/1.1 connection, for one packet at a time.
pub(super) struct Http1 {
    sender: http1::SendRequest<OnePacket>,
    meter: Arc<Meter>,
}

impl Http1 {
    /// Returns whether the connection has ended.
    pub(super) fn is_closed(&self) -> bool {
        self.sender.is_closed()
    }

    /// Waits until the connection takes a packet. Returns false if it has ended instead.
    pub(super) async fn is_ready(&mut self) -> bool {
        self.sender.is_ready() || self.sender.ready().await.is_ok()
    }
}

/// Begins HTTP/1.1 on a stream of bytes. `open` counts the connection for as long as it lives.
pub(super) async fn start<S>(stream: S, open: OpenConnection) -> Result<Http1, HttpError>
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let meter = Meter::new(UNANSWERED_BYTES_MAX);
    let stream = Watched::new(stream, Arc::clone(&meter));
    let (sender, connection) = http1::Builder::new()
        // As the server does with its replies, and for the same reason.
        .writev(false)
        .max_buf_size(HEAD_BYTES_MAX as usize)
        .handshake::<_, OnePacket>(TokioIo::new(stream))
        .await
        .map_err(HttpError::Http1)?;
    // Moves the connection's bytes until it closes. Its packet hears of an error itself.
    tokio::spawn(async move {
        let _open = open;
        if let Err(error) = connection.await {
            tracing::debug!(%error, "a connection to a next hop ended");
        }
    });
    Ok(Http1 { sender, meter })
}

/// Sends a packet, reads the reply and keeps the connection if it can be used again.
pub(super) async fn exchange(
    mut connection: Http1,
    is_new: bool,
    links: &Links,
    link: &Link,
    packet: Bytes,
    left_us: &AtomicBool,
) -> Result<Bytes, Failed> {
    let request = link.http1_request(packet);
    // Set before the request is handed over: from there on it may be seen.
    left_us.store(true, Ordering::Relaxed);
    connection.meter.refill();
    let response = match connection.sender.try_send_request(request).await {
        Ok(response) => response,
        Err(error) => {
            let failed = failed(error, &connection.meter);
            if is_new && failed.is_of_another_protocol() {
                // A server of HTTP/2 alone answers like this. The protocol is found out again
                // before the next packet.
                link.kept.lock().forget_protocol(Speaks::Http1);
            }
            return Err(failed);
        }
    };
    connection.meter.lift();
    let outcome = read(response).await;
    // Where the reply was not read to its end, the connection never gets ready again; hyper closes
    // it, and it is not kept.
    if outcome.as_ref().map_or_else(was_read_to_its_end, |_| true) {
        link.kept.lock().keep(connection, links.tick());
    }
    Ok(outcome?)
}

fn was_read_to_its_end(error: &SendError) -> bool {
    matches!(error, SendError::Busy(_) | SendError::Status(_))
}

/// If hyper hands the whole request back, no byte of it was written.
fn failed(mut error: TrySendError<Request<OnePacket>>, meter: &Meter) -> Failed {
    let unsent = error.take_message().and_then(|request| request.into_body().into_unsent());
    let error = error.into_error();
    match unsent {
        Some(packet) => Failed::returned(HttpError::Http1(error), packet),
        None if meter.is_used_up() => SendError::NotHttp(Arc::new(HttpError::Http1(error))).into(),
        None => http_error(error).into(),
    }
}

fn http_error(error: hyper::Error) -> SendError {
    let is_parse = error.is_parse();
    let source = Arc::new(HttpError::Http1(error));
    if is_parse { SendError::NotHttp(source) } else { SendError::Closed { left_us: true, source } }
}

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
    Err(refusal(status))
}
