//! Subscriptions over a WebSocket that speaks `graphql-transport-ws`.
//!
//! Whoever opens one shows the same as with a `POST`: in the headers, or, since browsers let pages
//! set none, in the payload of `connection_init`, under the headers' names. A signature covers the
//! rest of that payload there, which may be empty.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use async_graphql::{
    Data, Executor, Request as GraphqlRequest, Response as GraphqlResponse,
    futures_util::{
        StreamExt,
        stream::{self, BoxStream},
    },
    http::{WebSocket as Protocol, WebSocketProtocols, WsMessage},
};
use axum::{
    extract::{
        Request, State,
        ws::{
            CloseFrame, Message, WebSocket, WebSocketUpgrade, rejection::WebSocketUpgradeRejection,
        },
    },
    http::{
        HeaderMap, HeaderName, HeaderValue, StatusCode,
        header::{HOST, ORIGIN},
    },
    response::{IntoResponse, Response},
};
use serde_json::Value;
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore, mpsc, watch},
    time::{Instant, interval, sleep_until, timeout},
};

use super::{Admin, BODY_BYTES_MAX, ClientAddress, Refused, refuse, run};
use crate::{
    auth::Denied,
    operator::audit::{Caller, CallerKind},
    schema::AdminSchema,
};

/// How many may be open at once. An operator has a few.
pub(super) const SOCKETS_MAX: usize = 64;
/// How many requests may run on one.
const REQUESTS_MAX: usize = 16;
/// How many messages may wait to be read.
const MESSAGES_WAITING_MAX: usize = 16;
/// How long a client may take to show who it is.
const INIT_TIME_MAX: Duration = Duration::from_secs(10);
/// How long a client may take to read a message.
const SEND_TIME_MAX: Duration = Duration::from_secs(10);
/// How often a client is asked whether it is still there, and how long it may say nothing.
const PING_INTERVAL: Duration = Duration::from_secs(30);
const SILENCE_MAX: Duration = Duration::from_secs(90);

/// The longest reason for a close, in bytes: 125 in a control frame, less the two of the code.
const REASON_BYTES_MAX: usize = 123;

/// What shows who a client is, as headers and as members of the payload.
const CREDENTIALS: [&str; 3] = ["authorization", "tenant-id", "signature"];

const SUBPROTOCOL: &str = "graphql-transport-ws";

/// Opens a WebSocket, if it may be.
pub(super) async fn open(
    State(admin): State<Arc<Admin>>,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
    request: Request,
) -> Response {
    let upgrade = upgrade.map(|upgrade| upgrade.protocols([SUBPROTOCOL]));
    let Some(upgrade) = upgrade.ok().filter(|upgrade| upgrade.selected_protocol().is_some()) else {
        let why = "POST is expected, or a WebSocket that speaks graphql-transport-ws";
        return refuse(StatusCode::METHOD_NOT_ALLOWED, why).into_response();
    };
    let (headers, uri) = (request.headers(), request.uri());
    if !admin.auth.addressed_to_us(headers, uri) || !is_of_the_same_site(headers) {
        let why = "the Host or Origin header names another site than this port";
        return refuse(StatusCode::FORBIDDEN, why).into_response();
    }
    let Ok(place) = Arc::clone(&admin.sockets).try_acquire_owned() else {
        let why = "as many WebSockets are open as the node takes";
        return refuse(StatusCode::SERVICE_UNAVAILABLE, why).into_response();
    };
    let address = request.extensions().get::<ClientAddress>().map(|address| address.0);
    let known = admin.auth.identify(headers, None).ok();
    let known = known.map(|identified| Caller { kind: identified.reader(), address });
    upgrade
        .max_message_size(BODY_BYTES_MAX)
        // As much is set aside for a frame as its first bytes announce, and unless told otherwise the
        // library takes 16 MiB of anybody.
        .max_frame_size(BODY_BYTES_MAX)
        .on_upgrade(move |socket| serve(socket, admin, (known, address), place))
}

/// A page of another site can open a WebSocket to any host without being asked, and unlike with a
/// `POST` there is no content type to stop it. But its browser says where it comes from.
fn is_of_the_same_site(headers: &HeaderMap) -> bool {
    let Some(origin) = headers.get(ORIGIN) else { return true };
    let origin = origin.to_str().ok().and_then(|origin| origin.split_once("://"));
    let host = headers.get(HOST).and_then(|host| host.to_str().ok());
    origin.zip(host).is_some_and(|((_, origin), host)| origin.eq_ignore_ascii_case(host))
}

/// Serves until either side has enough.
async fn serve(
    mut socket: WebSocket,
    admin: Arc<Admin>,
    (known, address): (Option<Caller>, Option<SocketAddr>),
    _place: OwnedSemaphorePermit,
) {
    let (arrived, mut waiting) = mpsc::channel::<String>(MESSAGES_WAITING_MAX);
    let messages = stream::poll_fn(move |context| waiting.poll_recv(context));
    let (shown, is_shown) = watch::channel(None);
    let requests = Requests {
        schema: admin.schema.clone(),
        places: Arc::new(Semaphore::new(REQUESTS_MAX)),
        caller: is_shown.clone(),
    };
    let protocol = Protocol::new(requests, messages, WebSocketProtocols::GraphQLWS);
    let protocol = protocol.on_connection_init(move |payload| async move {
        let caller = match known {
            Some(caller) => Ok(caller),
            None => shown_in(&admin, payload).await.map(|kind| Caller { kind, address }),
        };
        match caller {
            Ok(caller) => {
                shown.send_replace(Some(caller));
                Ok(Data::default())
            }
            Err(denied) => Err(admin.denied(denied, address).await.message.into_owned().into()),
        }
    });
    let mut protocol = Box::pin(protocol);
    let init_deadline = sleep_until(Instant::now() + INIT_TIME_MAX);
    let mut init_deadline = Box::pin(init_deadline);
    let mut pings = interval(PING_INTERVAL);
    let mut heard_at = Instant::now();
    loop {
        let out = tokio::select! {
            message = socket.recv() => {
                heard_at = Instant::now();
                match message {
                    Some(Ok(Message::Text(text))) => {
                        // From somebody who isn't known yet, nothing is kept beside what shows it.
                        let is_known = is_shown.borrow().is_some();
                        if !is_known && arrived.capacity() < MESSAGES_WAITING_MAX {
                            return;
                        }
                        if arrived.try_send(text.to_string()).is_ok() { continue } else { return }
                    }
                    Some(Ok(Message::Ping(_) | Message::Pong(_))) => continue,
                    Some(Ok(Message::Binary(_) | Message::Close(_)) | Err(_)) | None => return,
                }
            }
            told = protocol.next() => match told {
                Some(WsMessage::Text(text)) => Message::Text(text.into()),
                Some(WsMessage::Close(code, reason)) => closing(code, reason),
                None => return,
            },
            _ = pings.tick() => {
                if heard_at.elapsed() > SILENCE_MAX { return }
                Message::Ping(Vec::new().into())
            }
            () = &mut init_deadline, if is_shown.borrow().is_none() => {
                closing(4408, "Connection initialisation timeout".to_owned())
            }
        };
        let is_last = matches!(out, Message::Close(_));
        let sent = timeout(SEND_TIME_MAX, socket.send(out)).await;
        if is_last || !matches!(sent, Ok(Ok(()))) {
            return;
        }
    }
}

fn closing(code: u16, mut reason: String) -> Message {
    // A frame that closes takes no more, and the library's reasons quote what it could not read.
    reason.truncate(reason.floor_char_boundary(REASON_BYTES_MAX));
    Message::Close(Some(CloseFrame { code, reason: reason.into() }))
}

/// Who the payload of `connection_init` shows to be there, as the headers of a `POST` would.
async fn shown_in(admin: &Admin, payload: Value) -> Result<CallerKind, Denied> {
    let Value::Object(members) = payload else {
        return admin.auth.identify(&HeaderMap::new(), None)?.writer().await;
    };
    let mut headers = HeaderMap::new();
    let mut rest = serde_json::Map::new();
    for (name, value) in members {
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
    // A signed query may be shown again, so whoever overhears one must not be able to show its
    // signature here, where it would stand for all that follows.
    if rest.contains_key("query") && headers.contains_key("signature") {
        return Err(Denied::Wrong("the signature in the payload is that of a query"));
    }
    admin.auth.identify(&headers, Some(Value::Object(rest)))?.writer().await
}

/// Runs the requests of one WebSocket, a bounded number at once.
#[derive(Clone)]
struct Requests {
    schema: AdminSchema,
    places: Arc<Semaphore>,
    /// Who is at the other end, once that is shown. Nothing runs before.
    caller: watch::Receiver<Option<Caller>>,
}

impl Requests {
    /// The request, with who sends it.
    fn with_caller(&self, request: GraphqlRequest) -> GraphqlRequest {
        match *self.caller.borrow() {
            Some(caller) => request.data(caller),
            None => request,
        }
    }
}

impl Executor for Requests {
    async fn execute(&self, request: GraphqlRequest) -> GraphqlResponse {
        self.schema.execute(self.with_caller(request)).await
    }

    fn execute_stream(
        &self,
        request: GraphqlRequest,
        _session_data: Option<Arc<Data>>,
    ) -> BoxStream<'static, GraphqlResponse> {
        let Ok(place) = Arc::clone(&self.places).try_acquire_owned() else {
            return stream::once(async { AdminSchema::refuse(TOO_MANY.to_owned()) }).boxed();
        };
        let mut request = self.with_caller(request);
        let responses = if AdminSchema::subscribes(&mut request) {
            self.schema.execute_stream(request)
        } else {
            // As a `POST` runs it: a change is ended and noted when the client hangs up.
            let done = run(self.schema.clone(), request);
            let failed = |it: Refused| AdminSchema::failed(it.code, it.message.into_owned());
            stream::once(async move { done.await.unwrap_or_else(failed) }).boxed()
        };
        // The place is free again when the stream is dropped, with this closure.
        responses
            .inspect(move |_| {
                let _ = &place;
            })
            .boxed()
    }
}

const TOO_MANY: &str = "as many requests run on this WebSocket as may: end one first";

#[cfg(test)]
mod tests;
