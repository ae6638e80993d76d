//! One request, one answer.
//!
//! | checked, in this order | answer |
//! |---|---|
//! | another method than POST | 405, `Allow: POST` |
//! | no token, or none that anyone owns | 401, `WWW-Authenticate: Bearer` |
//! | no content type, or another | 415 |
//! | more requests in flight than allowed | 503, `Retry-After: 1` |
//! | a body longer than the longest packet | 413 |
//! | a body that ends early or comes too slowly | 400 |
//! | a handler that panics | 500 |
//! | no ILP Prepare | 400 |
//! | an ILP reply, Fulfill or Reject alike | 200 |
//!
//! The method comes first since it says nothing about anyone. The token comes before all that costs
//! anything: someone without one learns nothing else, and no body of theirs is kept. The path is
//! not looked at.

use super::{PacketHandler, connection::Session, detached::Detached, stats::RequestCount};
use crate::{
    body::{self, ReadError},
    packet_buffer,
};
use bytes::Bytes;
use http::{
    HeaderMap, HeaderValue, Method, StatusCode, Version,
    header::{ALLOW, AUTHORIZATION, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE},
};
use http_body_util::{BodyExt as _, Full};
use hyper::{
    Request, Response,
    body::{Body as _, Incoming},
};
use interledger_packet::MAX_PACKET_BYTES;
use std::{
    convert::Infallible,
    future::{Future, poll_fn},
    pin::pin,
    sync::Arc,
    task::Poll,
    time::Duration,
};

const OCTET_STREAM: &str = "application/octet-stream";

/// What is read and dropped of a refused request's body, so that a client still writing it sees the
/// answer and not a reset, and its connection stays usable: at most this much, for at most so long.
const DISCARDED_BYTES_MAX: usize = 4 * MAX_PACKET_BYTES;
const DISCARD_TIMEOUT: Duration = Duration::from_secs(1);

/// Answers a request, whatever it is.
//
// Not an `async fn`, whose future would have the whole request in it, and is moved on its way to where
// it is polled: the head is looked at and let go before there is a future.
pub(super) fn answer<H: PacketHandler>(
    session: Arc<Session<H>>,
    request: Request<Incoming>,
) -> impl Future<Output = Result<Response<Full<Bytes>>, Infallible>> + Send + 'static {
    let running = session.control.begin(request.version() == Version::HTTP_2);
    let (head, body) = request.into_parts();
    let (admitted, version) = (admit(&session, &head), head.version);
    async move {
        let _running = running;
        let outcome = match admitted {
            Ok((peer, count)) => exchange(&session, peer, count, version, body).await,
            Err(refusal) => {
                discard(body).await;
                Err(refusal)
            }
        };
        let response = outcome.map_or_else(Refusal::into_response, reply_response);
        session.stats.answered(response.status());
        Ok(response)
    }
}

/// Everything that can be said from the head alone.
fn admit<H: PacketHandler>(
    session: &Session<H>,
    head: &http::request::Parts,
) -> Result<(H::Peer, RequestCount), Refusal> {
    if head.method != Method::POST {
        return Err(Refusal::Method);
    }
    let token = bearer_token(&head.headers);
    // The look-up happens with or without a token, so that both refusals take the same time.
    let peer = session.handler.authenticate(token.unwrap_or_default());
    let peer = peer.filter(|_| token.is_some()).ok_or(Refusal::Token)?;
    if !is_octet_stream(&head.headers) {
        return Err(Refusal::ContentType);
    }
    let count = RequestCount::new(&session.stats, session.limits.requests_max);
    Ok((peer, count.ok_or(Refusal::Full)?))
}

async fn exchange<H: PacketHandler>(
    session: &Arc<Session<H>>,
    peer: H::Peer,
    count: RequestCount,
    version: Version,
    body: Incoming,
) -> Result<Bytes, Refusal> {
    let packet = packet_buffer::copy(read(session, version, body).await?);
    // All of the session, whose count is one: the handler's clone would count its parts.
    let its_session = Arc::clone(session);
    let handling = async move {
        // Counted until the handler is done, also when the client is long gone: a drain waits for it.
        let _count = count;
        its_session.handler.handle(peer, packet).await
    };
    match Detached::new(handling, Arc::clone(&session.stats)).await {
        Ok(Ok(reply)) => Ok(reply),
        Ok(Err(not_a_prepare)) => Err(Refusal::NotAPrepare(not_a_prepare.0)),
        Err(_panicked) => {
            tracing::error!("the packet handler panicked; its packet was answered 500");
            Err(Refusal::Panicked)
        }
    }
}

async fn read<H: PacketHandler>(
    session: &Session<H>,
    version: Version,
    body: Incoming,
) -> Result<Bytes, Refusal> {
    let mut reading = pin!(body::read(body, MAX_PACKET_BYTES));
    let outcome = if version == Version::HTTP_2 {
        // Each stream has a task of its own, which the connection's control can't wake. A common
        // body has come with its head, and then the timer is never armed.
        let limit = session.limits.body_timeout;
        tokio::time::timeout(limit, reading).await.map_err(|_| Refusal::BodyLate)?
    } else {
        let control = &session.control;
        control.await_body(true);
        let outcome = poll_fn(|context| match reading.as_mut().poll(context) {
            Poll::Ready(outcome) => Poll::Ready(Ok(outcome)),
            Poll::Pending if control.body_is_late() => Poll::Ready(Err(Refusal::BodyLate)),
            Poll::Pending => Poll::Pending,
        });
        let outcome = outcome.await;
        control.await_body(false);
        outcome?
    };
    outcome.map_err(|error| match error {
        ReadError::TooLong => Refusal::BodyTooLong,
        ReadError::Cut(error) => {
            tracing::debug!(%error, "a request's body was cut short");
            Refusal::BodyCut
        }
    })
}

/// Reads what little a refused client is still writing, and drops it.
async fn discard(mut body: Incoming) {
    if body.is_end_stream() || body.size_hint().lower() > DISCARDED_BYTES_MAX as u64 {
        return;
    }
    let all = async {
        let mut discarded = 0;
        while let Some(Ok(frame)) = body.frame().await {
            discarded += frame.data_ref().map_or(0, Bytes::len);
            if discarded > DISCARDED_BYTES_MAX {
                break;
            }
        }
    };
    // The client is refused either way; a slow one loses its connection with the answer.
    let _ = tokio::time::timeout(DISCARD_TIMEOUT, all).await;
}

/// The token after `Bearer`, whose case doesn't matter.
fn bearer_token(headers: &HeaderMap) -> Option<&[u8]> {
    let value = headers.get(AUTHORIZATION)?.as_bytes();
    let space = value.iter().position(|byte| *byte == b' ')?;
    let (scheme, token) = value.split_at(space);
    let token = token.trim_ascii();
    (scheme.eq_ignore_ascii_case(b"bearer") && !token.is_empty()).then_some(token)
}

/// Whether the content type is `application/octet-stream`, with or without parameters.
fn is_octet_stream(headers: &HeaderMap) -> bool {
    let Some(value) = headers.get(CONTENT_TYPE) else { return false };
    let essence = value.as_bytes().split(|byte| *byte == b';').next().unwrap_or_default();
    essence.trim_ascii().eq_ignore_ascii_case(OCTET_STREAM.as_bytes())
}

/// Why a request is not answered with an ILP reply.
#[derive(Debug)]
enum Refusal {
    Method,
    Token,
    ContentType,
    Full,
    BodyTooLong,
    BodyLate,
    BodyCut,
    Panicked,
    NotAPrepare(String),
}

impl Refusal {
    fn status(&self) -> StatusCode {
        match self {
            Refusal::Method => StatusCode::METHOD_NOT_ALLOWED,
            Refusal::Token => StatusCode::UNAUTHORIZED,
            Refusal::ContentType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Refusal::Full => StatusCode::SERVICE_UNAVAILABLE,
            Refusal::BodyTooLong => StatusCode::PAYLOAD_TOO_LARGE,
            Refusal::BodyLate | Refusal::BodyCut | Refusal::NotAPrepare(_) => {
                StatusCode::BAD_REQUEST
            }
            Refusal::Panicked => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    fn text(self) -> String {
        match self {
            Refusal::Method => {
                "Only POST is answered here: one ILP Prepare as the body.".to_owned()
            }
            Refusal::Token => "The token is missing or unknown: send the one agreed on as \
                `Authorization: Bearer TOKEN`."
                .to_owned(),
            Refusal::ContentType => {
                format!("The content type must be {OCTET_STREAM}: the body is one ILP Prepare.")
            }
            Refusal::Full => "Too many packets are in flight; try again in a bit.".to_owned(),
            Refusal::BodyTooLong => format!(
                "The body is longer than {MAX_PACKET_BYTES} bytes, which is the longest ILP packet."
            ),
            Refusal::BodyLate => "The body came too slowly: send the packet at once.".to_owned(),
            Refusal::BodyCut => {
                "The body ended early: it must be as long as its content-length says.".to_owned()
            }
            Refusal::Panicked => {
                "This node met an error of its own while handling the packet.".to_owned()
            }
            Refusal::NotAPrepare(why) => why,
        }
    }

    fn into_response(self) -> Response<Full<Bytes>> {
        let status = self.status();
        let extra = match self {
            Refusal::Method => Some((ALLOW, "POST")),
            Refusal::Token => Some((WWW_AUTHENTICATE, "Bearer")),
            Refusal::Full => Some((RETRY_AFTER, "1")),
            _ => None,
        };
        let mut response = Response::new(Full::new(Bytes::from(self.text() + "\n")));
        *response.status_mut() = status;
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
        if let Some((name, value)) = extra {
            headers.insert(name, HeaderValue::from_static(value));
        }
        response
    }
}

fn reply_response(reply: Bytes) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(reply));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(OCTET_STREAM));
    response
}
