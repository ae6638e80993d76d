//! Subscriptions over a WebSocket that speaks `graphql-transport-ws`.
//!
//! A client authenticates as with a `POST`: by the headers, or, since browsers let pages set none,
//! by the payload of `connection_init`, under the headers' names. A signature covers the rest of
//! that payload there, which may be empty.
//!
//! Messages are handled one after the other, so a client needn't wait for the acknowledgement. For
//! a client that isn't known yet, the node keeps only the one message that it is handling.

mod closing;
mod messages;
mod operations;

use std::{net::SocketAddr, sync::Arc, time::Duration};

use async_graphql::{
    Request as GraphqlRequest,
    futures_util::{
        StreamExt,
        stream::{self, BoxStream},
    },
};
use axum::{
    extract::{
        Request,
        ws::{Message, WebSocket, WebSocketUpgrade, rejection::WebSocketUpgradeRejection},
    },
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode},
    response::{IntoResponse, Response},
};
use ilp_operator::{Caller, CallerKind, Denied};
use serde_json::{Map, Value};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::{Instant, Interval, interval_at, sleep_until, timeout, timeout_at},
};
use tokio_util::sync::CancellationToken;

use self::{
    closing::Ending,
    messages::{ClientMessage, ServerMessage},
    operations::Operations,
};
use super::{
    Admin, ClientAddress, OnRecognized, Refused,
    get::is_of_the_same_site,
    refuse,
    request::{BODY_BYTES_MAX, Query},
    run,
};

use crate::{
    auth::{credentials, host},
    schema::{AdminSchema, Answer},
};

/// The most sockets open at once on which the operator was recognized, who has a few. All other
/// sockets are bounded by the connections of the port.
const SOCKETS_MAX: usize = 64;
/// The number of requests that may run on one socket.
const REQUESTS_MAX: usize = 16;
/// The time in which a client has to authenticate itself.
const INIT_TIME_MAX: Duration = Duration::from_secs(10);
/// The time that a client may take to read a message.
const SEND_TIME_MAX: Duration = Duration::from_secs(10);
/// The interval of pings, and the longest silence of a client.
const PING_INTERVAL: Duration = Duration::from_secs(30);
const SILENCE_MAX: Duration = Duration::from_secs(90);

/// The credentials, as headers and as members of the payload.
const CREDENTIALS: [&str; 3] = ["authorization", "tenant-id", "signature"];

const SUBPROTOCOL: &str = "graphql-transport-ws";

/// Opens a WebSocket, if it may be.
pub(super) fn open(
    admin: Arc<Admin>,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
    request: &Request,
) -> Response {
    let upgrade = upgrade.map(|upgrade| upgrade.protocols([SUBPROTOCOL]));
    let Some(upgrade) = upgrade.ok().filter(|upgrade| upgrade.selected_protocol().is_some()) else {
        let why = "a WebSocket that speaks graphql-transport-ws is expected";
        return refuse(StatusCode::BAD_REQUEST, why).into_response();
    };
    let (headers, uri) = (request.headers(), request.uri());
    if !admin.auth.addressed_to_us(host(headers, uri)) || !is_of_the_same_site(headers) {
        let why = "the Host or Origin header names another site than this port";
        return refuse(StatusCode::FORBIDDEN, why).into_response();
    }
    let address = request.extensions().get::<ClientAddress>().map(|address| address.0);
    let on_recognized = request.extensions().get::<OnRecognized>().cloned();
    let known =
        admin.auth.identify(&credentials(headers), None, address.map(|address| address.ip())).ok();
    let known = known.map(|identified| Caller { kind: identified.reader(), address });
    let session = Session { on_recognized, ..Session::new(admin, known, address) };
    upgrade
        .max_message_size(BODY_BYTES_MAX)
        // As much is set aside for a frame as its first bytes announce, and unless told otherwise the
        // library takes 16 MiB of any client.
        .max_frame_size(BODY_BYTES_MAX)
        .on_upgrade(move |socket| serve(socket, session))
}

/// Serves a socket until either side ends it.
async fn serve(mut socket: WebSocket, mut session: Session) {
    let ending = session.run(&mut socket).await;
    // The place is kept until the socket is closed, so that the end of the node waits for that.
    let _place = session.place.take();
    // Running requests end with the session, before the wait for the client's Close.
    drop(session);
    closing::close(&mut socket, ending).await;
}

/// The WebSockets of one node.
#[derive(Clone, Debug)]
pub struct Sockets {
    /// The places for the operator's open WebSockets.
    places: Arc<Semaphore>,
    stopping: CancellationToken,
}

impl Sockets {
    /// Makes the set of WebSockets, which end with the code 1001 when `stopping` is cancelled.
    #[must_use]
    pub fn new(stopping: CancellationToken) -> Self {
        Self { places: Arc::new(Semaphore::new(SOCKETS_MAX)), stopping }
    }

    /// Waits until each WebSocket of the operator is closed.
    pub async fn closed(&self) {
        let all = u32::try_from(SOCKETS_MAX).unwrap_or(u32::MAX);
        // The semaphore is never closed.
        let _ = self.places.acquire_many(all).await;
    }
}

/// The state of one socket: the client, and the requests that run for it.
struct Session {
    admin: Arc<Admin>,
    address: Option<SocketAddr>,
    /// The caller that the headers prove.
    known: Option<Caller>,
    /// The caller at the other end, once `connection_init` has come. No request runs before.
    caller: Option<Caller>,
    /// The session's place among the operator's sockets, once the operator was recognized.
    place: Option<OwnedSemaphorePermit>,
    on_recognized: Option<OnRecognized>,
    init_deadline: Instant,
    operations: Operations,
    heard_at: Instant,
    pings: Interval,
}

impl Session {
    fn new(admin: Arc<Admin>, known: Option<Caller>, address: Option<SocketAddr>) -> Self {
        let now = Instant::now();
        Self {
            admin,
            address,
            known,
            caller: None,
            place: None,
            on_recognized: None,
            init_deadline: now + INIT_TIME_MAX,
            operations: Operations::default(),
            heard_at: now,
            pings: interval_at(now + PING_INTERVAL, PING_INTERVAL),
        }
    }

    /// Takes messages and sends answers until there is a reason to end.
    async fn run(&mut self, socket: &mut WebSocket) -> Ending {
        let stopping = self.admin.sockets.stopping.clone();
        loop {
            let message = tokio::select! {
                // The sender is dropped at the end of the node, and never sends.
                () = stopping.cancelled() => {
                    return Ending::Close(1001, "the node stops".to_owned());
                }
                message = socket.recv() => match self.take(message).await {
                    Ok(None) => continue,
                    Ok(Some(message)) => message,
                    Err(ending) => return ending,
                },
                (id, answer) = self.operations.next() => told(&id, answer.as_ref()),
                _ = self.pings.tick() => {
                    if self.heard_at.elapsed() > SILENCE_MAX {
                        return Ending::Close(1001, "nothing was heard from the client".to_owned());
                    }
                    Message::Ping(Vec::new().into())
                }
                () = sleep_until(self.init_deadline), if self.caller.is_none() => {
                    return Ending::Close(4408, "Connection initialisation timeout".to_owned());
                }
            };
            if !matches!(timeout(SEND_TIME_MAX, socket.send(message)).await, Ok(Ok(()))) {
                return Ending::Lost;
            }
        }
    }

    /// Handles an incoming message, and returns the immediate reply to it.
    async fn take(
        &mut self,
        message: Option<Result<Message, axum::Error>>,
    ) -> Result<Option<Message>, Ending> {
        self.heard_at = Instant::now();
        let text = match message {
            Some(Ok(Message::Text(text))) => text,
            Some(Ok(Message::Ping(_) | Message::Pong(_))) => return Ok(None),
            Some(Ok(Message::Close(_))) => return Err(Ending::ClosedByClient),
            Some(Ok(Message::Binary(_))) => {
                return Err(Ending::invalid("a text is expected, and binary data came"));
            }
            Some(Err(error)) => return Err(Ending::of_error(error)),
            None => return Err(Ending::Lost),
        };
        match ClientMessage::read(&text).map_err(|fault| Ending::invalid(&fault))? {
            ClientMessage::ConnectionInit { payload } => {
                self.init(payload).await?;
                Ok(Some(ServerMessage::ConnectionAck.text()))
            }
            ClientMessage::Ping { payload } => {
                Ok(Some(ServerMessage::Pong { payload: payload.as_ref() }.text()))
            }
            ClientMessage::Pong => Ok(None),
            ClientMessage::Subscribe { id, query } => self.subscribe(id, query),
            ClientMessage::Complete { id } => {
                self.operations.stop(&id);
                Ok(None)
            }
        }
    }

    async fn init(&mut self, payload: Map<String, Value>) -> Result<(), Ending> {
        if self.caller.is_some() {
            let why = "Too many initialisation requests".to_owned();
            return Err(Ending::Close(4429, why));
        }
        let address = self.address;
        if self.known.is_none() {
            let shown =
                timeout_at(self.init_deadline, shown_in(&self.admin, payload, address)).await;
            let shown =
                shown.unwrap_or(Err(Denied::Unavailable("the client is not known in time")));
            self.known = match shown {
                Ok(kind) => Some(Caller { kind, address }),
                Err(denied) => {
                    // A failure that may pass gets the code for trying again later.
                    let code = if matches!(denied, Denied::Wrong(_)) { 4403 } else { 1013 };
                    let why = self.admin.denied(denied, address).await.message.into_owned();
                    return Err(Ending::Close(code, why));
                }
            };
        }
        let Ok(place) = Arc::clone(&self.admin.sockets.places).try_acquire_owned() else {
            let why = "as many WebSockets are open as the node takes".to_owned();
            return Err(Ending::Close(1013, why));
        };
        self.place = Some(place);
        if let Some(on_recognized) = &self.on_recognized {
            (on_recognized.0)();
        }
        self.caller = self.known;
        Ok(())
    }

    /// Starts a request.
    fn subscribe(&mut self, id: String, query: Query) -> Result<Option<Message>, Ending> {
        let Some(caller) = self.caller else {
            return Err(Ending::Close(4401, "Unauthorized".to_owned()));
        };
        if self.operations.contains(&id) {
            return Err(Ending::Close(4409, format!("Subscriber for {id} already exists")));
        }
        let refused = if self.operations.count() >= REQUESTS_MAX {
            let why = format!("{REQUESTS_MAX} requests run on this WebSocket: end one first");
            AdminSchema::refuse(why)
        } else {
            match query {
                Query::Document(request) => {
                    let answers = answers(self.admin.schema.clone(), request.data(caller));
                    self.operations.start(id, answers);
                    return Ok(None);
                }
                Query::Hash => AdminSchema::persisted_query(),
            }
        };
        Ok(Some(told(&id, Some(&refused))))
    }
}

/// Returns the message for an operation's next answer, or for its end.
fn told(id: &str, answer: Option<&Answer>) -> Message {
    match answer {
        Some(Answer::Executed(payload)) => ServerMessage::Next { id, payload },
        Some(Answer::NotExecuted { errors }) => ServerMessage::Error { id, payload: errors },
        None => ServerMessage::Complete { id },
    }
    .text()
}

/// Returns the answers to a request: those of a subscription, or the single one of any other
/// request.
fn answers(schema: AdminSchema, mut request: GraphqlRequest) -> BoxStream<'static, Answer> {
    if AdminSchema::subscribes(&mut request) {
        return schema.execute_stream(request);
    }
    // Runs as for a `POST`: a change runs to its end and is noted when the client hangs up.
    let only_reads = AdminSchema::only_reads(&mut request);
    let done = run(schema, request, only_reads);
    let failed = |it: Refused| AdminSchema::failed(it.code, it.message.into_owned());
    stream::once(async move { done.await.unwrap_or_else(failed) }).boxed()
}

/// Returns the caller that the payload of `connection_init` proves, as the headers of a `POST`
/// would.
async fn shown_in(
    admin: &Admin,
    payload: Map<String, Value>,
    address: Option<SocketAddr>,
) -> Result<CallerKind, Denied> {
    let mut headers = HeaderMap::new();
    let mut rest = Map::new();
    for (name, value) in payload {
        let header = CREDENTIALS.into_iter().find(|known| name.eq_ignore_ascii_case(known));
        match (header, value.as_str().map(HeaderValue::from_str)) {
            (Some(header), Some(Ok(value))) => {
                headers.insert(HeaderName::from_static(header), value);
            }
            (Some(_), _) => return Err(Denied::Wrong("a header in the payload is no text")),
            (None, _) => {
                rest.insert(name, value);
            }
        }
    }
    // A signed query may be sent again, so an eavesdropper must not be able to use its signature
    // here, where it would open the whole socket.
    if rest.contains_key("query") && headers.contains_key("signature") {
        return Err(Denied::Wrong("the signature in the payload is that of a query"));
    }
    let from = address.map(|address| address.ip());
    admin
        .auth
        .identify(&credentials(&headers), Some(Value::Object(rest)), from)?
        .writer()
        .await
        .map(|(kind, _)| kind)
}

#[cfg(test)]
mod tests;
