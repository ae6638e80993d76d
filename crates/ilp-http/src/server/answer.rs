//! One request, one answer.
//!
//! | checked, in this order | answer |
//! |---|---|
//! | no Host field in HTTP/1.1, or several | 400 |
//! | another method than POST | 405, `Allow: POST` |
//! | no token, or none of a peer | 401, `WWW-Authenticate: Bearer` |
//! | a peer's connection for which there is no place | 503, and the connection is closed |
//! | no content type, or another | 415 |
//! | more requests or bytes in flight than the peer's share | 503, `Retry-After: 1` |
//! | a body longer than the longest packet | 413 |
//! | a body that ends early or comes too slowly | 400 |
//! | a handler that panics | 500 |
//! | no ILP Prepare | 400 |
//! | an ILP reply, Fulfill or Reject alike | 200 |
//!
//! Host and method come first since they reveal nothing. The token comes before everything that
//! costs something: a client without a token learns nothing else, and no body of its requests is
//! kept. The path is ignored.
//!
//! The load of a request is charged to its peer from the head on, until the reply has left the
//! node's buffers or the connection has ended.

use super::{
    PacketHandler,
    connection::Session,
    detached::Detached,
    limits::{
        IN_FLIGHT_UNCOPIED_MAX, KNOWN_REFUSALS_MAX, REFUSALS_WAITING_MAX, REQUEST_BYTES,
        STRANGER_REFUSALS_MAX, WAITING_UNCOPIED_MAX,
    },
    reply::{Reply, ReplyDropped},
};
use crate::{
    body::{self, ReadError},
    packet_buffer,
    port::{Charge, Order, Running},
};
use bytes::Bytes;
use http::{
    HeaderMap, HeaderValue, Method, StatusCode, Version,
    header::{ALLOW, AUTHORIZATION, CONTENT_TYPE, HOST, RETRY_AFTER, WWW_AUTHENTICATE},
    request::Parts,
};
use http_body_util::BodyExt as _;
use hyper::{
    Request, Response,
    body::{Body as _, Incoming},
};
use interledger_packet::MAX_PACKET_BYTES;
use std::{
    future::{Future, poll_fn},
    pin::pin,
    sync::Arc,
    task::Poll,
    time::Duration,
};

const OCTET_STREAM: &str = "application/octet-stream";

/// The content types of a Prepare: the one of RFC 35, and two of older connectors in JavaScript and
/// Java.
const PACKET_TYPES: [&str; 3] =
    [OCTET_STREAM, "application/ilp+octet-stream", "application/ilp-octet-stream"];

/// The bytes of a refused HTTP/1.1 request's body that are read and dropped, and the time for that.
/// A client that is still writing the body then gets the answer and not a reset, and its connection
/// stays usable. In HTTP/2 a stream ends without its body.
const DISCARDED_BYTES_MAX: usize = 4 * MAX_PACKET_BYTES;
const DISCARD_TIMEOUT: Duration = Duration::from_secs(1);

/// Answers a request, whatever it is.
//
// Not an `async fn`, whose future would have the whole request in it, and is moved on its way to where
// it is polled: the head is looked at and let go before there is a future.
pub(super) fn answer<H: PacketHandler>(
    session: Arc<Session<H>>,
    request: Request<Incoming>,
) -> impl Future<Output = Result<Response<Reply>, ReplyDropped>> + Send + 'static {
    let version = request.version();
    let running = session.place.begin(version == Version::HTTP_2);
    let (head, body) = request.into_parts();
    let admitted = admit(&session, &head, &body);
    async move {
        let (outcome, charge) = match admitted {
            Ok((peer, charge)) => exchange(&session, peer, charge, version, body).await,
            Err(refusal) => {
                if version != Version::HTTP_2 {
                    discard(body).await;
                }
                (Err(refusal), None)
            }
        };
        match outcome {
            Ok(reply) => give(&session, reply, version, running, charge),
            Err(refusal) => Ok(refuse(&session, refusal, version, running, charge)),
        }
    }
}

/// Everything that can be said from the head alone.
fn admit<H: PacketHandler>(
    session: &Session<H>,
    head: &Parts,
    body: &Incoming,
) -> Result<(H::Peer, Charge), RequestError> {
    if !has_one_host(head) {
        return Err(RequestError::Host);
    }
    if head.method != Method::POST {
        return Err(RequestError::Method);
    }
    let token = bearer_token(&head.headers);
    // The look-up happens with or without a token, so that both refusals take the same time.
    let peer = session.handler.authenticate(token.unwrap_or_default());
    let peer = peer.filter(|_| token.is_some()).ok_or(RequestError::Token)?;
    let share = session.share(H::peer_id(&peer), head.version).ok_or(RequestError::NoPlace)?;
    if !is_packet_type(&head.headers) {
        return Err(RequestError::ContentType);
    }
    session.place.control().count_let_in();
    // A body without an announced length is charged when it has come whole, or comes in pieces.
    let announced = body.size_hint().upper().and_then(|bytes| usize::try_from(bytes).ok());
    let bytes = announced.map_or(0, |bytes| bytes.min(MAX_PACKET_BYTES));
    let charge = share.charge_request(REQUEST_BYTES + bytes).ok_or(RequestError::Full)?;
    Ok((peer, charge))
}

/// Returns whether the request has its one Host field (RFC 9112, 3.2). HTTP/2 has `:authority`
/// instead, and clients older than HTTP/1.1 need none.
fn has_one_host(head: &Parts) -> bool {
    let mut hosts = head.headers.get_all(HOST).iter();
    let has_any = hosts.next().is_some();
    hosts.next().is_none() && (has_any || head.version != Version::HTTP_11)
}

/// Sends a reply to the client, if there is room for it until the client takes it.
fn give<H: PacketHandler>(
    session: &Session<H>,
    reply: Bytes,
    version: Version,
    mut running: Running,
    mut charge: Option<Charge>,
) -> Result<Response<Reply>, ReplyDropped> {
    if !charge.as_mut().is_none_or(|charge| charge.cover(REQUEST_BYTES + reply.len())) {
        session.stats().reply_dropped();
        return Err(ReplyDropped::new());
    }
    session.stats().answered(StatusCode::OK);
    let many_wait = session.place.control().answers_waiting() >= WAITING_UNCOPIED_MAX
        || charge.as_ref().is_some_and(|it| it.requests_of_holder() >= IN_FLIGHT_UNCOPIED_MAX);
    // In HTTP/1.1 the reply is copied behind its head anyway.
    let reply = if many_wait && version == Version::HTTP_2 {
        Bytes::copy_from_slice(&reply)
    } else {
        reply
    };
    running.reply_waits();
    let mut response = Response::new(Reply::new(reply, running, charge));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(OCTET_STREAM));
    Ok(response)
}

/// Refuses a request, and closes the connection after too many refusals in a row.
fn refuse<H: PacketHandler>(
    session: &Session<H>,
    refusal: RequestError,
    version: Version,
    mut running: Running,
    charge: Option<Charge>,
) -> Response<Reply> {
    let control = session.place.control();
    if refusal == RequestError::NoPlace {
        session.stats().port().count_refused();
        control.give(Order::Finish);
    } else if refusal.is_of_the_head() {
        let refused = control.count_refused();
        let is_known = control.is_known();
        let max = if is_known { KNOWN_REFUSALS_MAX } else { STRANGER_REFUSALS_MAX };
        if refused >= max {
            control.give(Order::Finish);
        }
        // The client goes on although it was told that the connection ends.
        if refused >= 2 * max {
            control.give(Order::Cut);
        }
    }
    session.stats().answered(refusal.status());
    let has_text = version != Version::HTTP_2 || control.refusals_waiting() < REFUSALS_WAITING_MAX;
    refusal.into_response(|text| {
        if !has_text {
            return Reply::empty();
        }
        running.refusal_waits();
        Reply::new(text, running, charge)
    })
}

/// Reads the packet and has it handled. The packet's charge comes back with the outcome. It stays
/// with the handler if the client goes away.
async fn exchange<H: PacketHandler>(
    session: &Arc<Session<H>>,
    peer: H::Peer,
    mut charge: Charge,
    version: Version,
    body: Incoming,
) -> (Result<Bytes, RequestError>, Option<Charge>) {
    let packet = match read(session, version, body, &mut charge).await {
        Ok(body) if charge.cover(REQUEST_BYTES + body.len()) => packet_buffer::copy(body),
        Ok(_) => return (Err(RequestError::Full), Some(charge)),
        Err(refusal) => return (Err(refusal), Some(charge)),
    };
    // All of the session, whose count is one: the handler's clone would count its parts.
    let its_session = Arc::clone(session);
    let handling = async move {
        let outcome = its_session.handler.handle(peer, packet).await;
        // Charged until the handler is done, even if the client is gone: a drain waits for the
        // handler.
        (outcome, charge)
    };
    match Detached::new(handling, Arc::clone(session.stats())).await {
        Ok((Ok(reply), charge)) => (Ok(reply), Some(charge)),
        Ok((Err(not_a_prepare), charge)) => {
            (Err(RequestError::NotAPrepare(not_a_prepare.0)), Some(charge))
        }
        Err(_panicked) => {
            tracing::error!("the packet handler panicked; its packet was answered 500");
            (Err(RequestError::Panicked), None)
        }
    }
}

async fn read<H: PacketHandler>(
    session: &Session<H>,
    version: Version,
    body: Incoming,
    charge: &mut Charge,
) -> Result<Bytes, RequestError> {
    let has_room = || charge.cover(REQUEST_BYTES + MAX_PACKET_BYTES);
    let mut reading = pin!(body::read_with_room(body, MAX_PACKET_BYTES, has_room));
    let outcome = if version == Version::HTTP_2 {
        // Each stream has a task of its own, which the connection's control can't wake. A common
        // body has come with its head, and then the timer is never armed.
        let limit = session.limits().body_timeout;
        tokio::time::timeout(limit, reading).await.map_err(|_| RequestError::BodyLate)?
    } else {
        let control = session.place.control();
        control.await_body(true);
        let outcome = poll_fn(|context| match reading.as_mut().poll(context) {
            Poll::Ready(outcome) => Poll::Ready(Ok(outcome)),
            Poll::Pending if control.body_is_late() => Poll::Ready(Err(RequestError::BodyLate)),
            Poll::Pending => Poll::Pending,
        });
        let outcome = outcome.await;
        control.await_body(false);
        outcome?
    };
    match outcome {
        Ok(body) => body.ok_or(RequestError::Full),
        Err(ReadError::TooLong) => Err(RequestError::BodyTooLong),
        Err(ReadError::Cut(error)) => {
            tracing::debug!(%error, "a request's body was cut short");
            Err(RequestError::BodyCut)
        }
    }
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

/// Returns whether the content type is one of a packet, with or without parameters.
fn is_packet_type(headers: &HeaderMap) -> bool {
    let Some(value) = headers.get(CONTENT_TYPE) else { return false };
    let essence = value.as_bytes().split(|byte| *byte == b';').next().unwrap_or_default();
    let essence = essence.trim_ascii();
    PACKET_TYPES.iter().any(|known| essence.eq_ignore_ascii_case(known.as_bytes()))
}

/// The reason why a request is not answered with an ILP reply.
#[derive(Debug, PartialEq, Eq)]
enum RequestError {
    Host,
    Method,
    Token,
    NoPlace,
    ContentType,
    Full,
    BodyTooLong,
    BodyLate,
    BodyCut,
    Panicked,
    NotAPrepare(String),
}

impl RequestError {
    /// Returns whether the head alone was the reason, so that a client can repeat the request at no
    /// cost.
    fn is_of_the_head(&self) -> bool {
        matches!(
            self,
            RequestError::Host
                | RequestError::Method
                | RequestError::Token
                | RequestError::ContentType
        )
    }

    fn status(&self) -> StatusCode {
        match self {
            RequestError::Method => StatusCode::METHOD_NOT_ALLOWED,
            RequestError::Token => StatusCode::UNAUTHORIZED,
            RequestError::ContentType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            RequestError::Full | RequestError::NoPlace => StatusCode::SERVICE_UNAVAILABLE,
            RequestError::BodyTooLong => StatusCode::PAYLOAD_TOO_LARGE,
            RequestError::Host
            | RequestError::BodyLate
            | RequestError::BodyCut
            | RequestError::NotAPrepare(_) => StatusCode::BAD_REQUEST,
            RequestError::Panicked => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    fn text(self) -> String {
        match self {
            RequestError::Host => {
                "The request must have one Host field, and has none or several.".to_owned()
            }
            RequestError::Method => {
                "Only POST is answered here: one ILP Prepare as the body.".to_owned()
            }
            RequestError::Token => "The token is missing or unknown: send the one agreed on as \
                `Authorization: Bearer TOKEN`."
                .to_owned(),
            RequestError::ContentType => {
                format!("The content type must be {OCTET_STREAM}: the body is one ILP Prepare.")
            }
            RequestError::Full => "Too many packets are in flight; try again in a bit.".to_owned(),
            RequestError::NoPlace => {
                "Too many connections are open; try again in a bit.".to_owned()
            }
            RequestError::BodyTooLong => format!(
                "The body is longer than {MAX_PACKET_BYTES} bytes, which is the longest ILP packet."
            ),
            RequestError::BodyLate => {
                "The body came too slowly: send the packet at once.".to_owned()
            }
            RequestError::BodyCut => {
                "The body ended early: it must be as long as its content-length says.".to_owned()
            }
            RequestError::Panicked => {
                "This node met an error of its own while handling the packet.".to_owned()
            }
            RequestError::NotAPrepare(why) => why,
        }
    }

    /// Makes the answer, whose body `body` makes of the text.
    fn into_response(self, body: impl FnOnce(Bytes) -> Reply) -> Response<Reply> {
        let status = self.status();
        let extra = match self {
            RequestError::Method => Some((ALLOW, "POST")),
            RequestError::Token => Some((WWW_AUTHENTICATE, "Bearer")),
            RequestError::Full | RequestError::NoPlace => Some((RETRY_AFTER, "1")),
            _ => None,
        };
        let mut response = Response::new(body(Bytes::from(self.text() + "\n")));
        *response.status_mut() = status;
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
        if let Some((name, value)) = extra {
            headers.insert(name, HeaderValue::from_static(value));
        }
        response
    }
}
