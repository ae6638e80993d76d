//! The admin port: `/graphql`, and two health endpoints that need no secret. The
//! [metrics](crate::metrics_route) are a route of their own.
//!
//! GraphQL requests come by `POST`, queries also by `GET`, and subscriptions over a
//! [WebSocket](socket).

mod get;
mod request;
mod response;
mod socket;

use std::{net::SocketAddr, sync::Arc, time::Duration};

use async_graphql::Request as GraphqlRequest;
use axum::{
    Json, Router,
    extract::{
        Request, State,
        ws::{WebSocketUpgrade, rejection::WebSocketUpgradeRejection},
    },
    http::{
        Extensions, HeaderMap, HeaderValue, Method, StatusCode,
        header::{ACCEPT, CACHE_CONTROL, UPGRADE, X_CONTENT_TYPE_OPTIONS},
        request::Parts,
    },
    response::{IntoResponse, Response},
    routing::{self, post},
};
use serde_json::{Value, json};
use tokio::sync::Semaphore;

pub(crate) use self::request::is_json;
pub use self::socket::Sockets;
use self::{
    get::{body_of_parameters, may_be_forged},
    request::{Query, read_body, read_query},
    response::{
        MediaType, Refused, Reply, bad_request, refuse, too_often, unauthenticated, unavailable_now,
    },
};
use ilp_operator::{Auth, Caller, CallerKind, ClientAddress, Denied, OnRecognized, Operator};

use crate::{
    auth::{credentials, host},
    schema::{AdminSchema, Answer},
};

/// The operator's requests that are answered at once; a further one is told to come back. The
/// requests being read are bounded by the connections of the port: a client that has shown no
/// secret takes no place here.
const REQUESTS_MAX: usize = 64;
/// The time that a query may take. The longest, a ping without an answer, takes 20 seconds.
const QUERY_TIME_MAX: Duration = Duration::from_secs(30);

/// Tells the server of the port that the operator is behind a request with these extensions.
pub(crate) fn recognized(extensions: &Extensions) {
    if let Some(on_recognized) = extensions.get::<OnRecognized>() {
        on_recognized.call();
    }
}

/// The state that the handlers share.
struct Admin {
    schema: AdminSchema,
    operator: Operator,
    auth: Auth,
    requests: Semaphore,
    sockets: Sockets,
}

/// Returns the admin port's routes. WebSockets are among `sockets` and end with them.
pub fn router(operator: Operator, auth: Auth, sockets: Sockets) -> Router {
    let admin = Admin {
        schema: AdminSchema::new(operator.clone()),
        operator,
        auth,
        requests: Semaphore::new(REQUESTS_MAX),
        sockets,
    };
    Router::new()
        .route("/graphql", post(graphql).get(socket_or_query))
        .route("/healthz", routing::get(healthz))
        .route("/readyz", routing::get(readyz))
        .with_state(Arc::new(admin))
}

/// Opens a WebSocket for a `GET` that asks for one, and runs any other `GET` as a query.
async fn socket_or_query(
    State(admin): State<Arc<Admin>>,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
    request: Request,
) -> Response {
    if upgrade.is_ok() || request.headers().contains_key(UPGRADE) {
        return socket::open(admin, upgrade, &request);
    }
    graphql(State(admin), request).await
}

async fn graphql(State(admin): State<Arc<Admin>>, request: Request) -> Response {
    let media_type = MediaType::asked_for(request.headers());
    let mut response = match admin.reply(request).await {
        Ok(reply) => media_type.reply(reply),
        Err(refused) => media_type.refusal(&refused),
    };
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    // The answer to a `GET` must not become a script or a picture of another site's page.
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

impl Admin {
    /// Answers a request. The order matters: the check that keeps web pages out comes first, and a
    /// client that has not yet proved who it is learns nothing else about its request.
    async fn reply(&self, request: Request) -> Result<Reply, Refused> {
        let (head, body) = request.into_parts();
        let address = head.extensions.get::<ClientAddress>().map(|address| address.0);
        self.keep_pages_out(&head)?;
        let is_post = head.method == Method::POST;
        let body = if is_post {
            let body = read_body(body).await?;
            serde_json::from_slice(&body).map_err(|error| format!("the body is not JSON: {error}"))
        } else {
            body_of_parameters(&head.uri)
        };
        let (body, fault) = match body {
            Ok(body) => (Some(body), String::new()),
            Err(fault) => (None, fault),
        };
        let from = address.map(|address| address.ip());
        let mut identified = match self.auth.identify(&credentials(&head.headers), body, from) {
            Ok(identified) => identified,
            Err(denied) => return Err(self.denied(denied, address).await),
        };
        recognized(&head.extensions);
        let Ok(_place) = self.requests.try_acquire() else {
            return Err(self.overloaded(address).await);
        };
        let body = identified.body.take().ok_or_else(|| bad_request(fault))?;
        let mut request = match read_query(body)? {
            Query::Document(request) => request,
            Query::Hash => return Ok(Reply::PersistedQuery(AdminSchema::persisted_query())),
        };
        let only_reads = AdminSchema::only_reads(&mut request);
        let (kind, noted) = if only_reads {
            (identified.reader(), None)
        } else if is_post {
            match identified.writer().await {
                Ok(writer) => writer,
                Err(denied) => return Err(self.denied(denied, address).await),
            }
        } else {
            let why = "a mutation is sent by POST; a GET is for queries";
            return Err(refuse(StatusCode::METHOD_NOT_ALLOWED, why));
        };
        let request = request.data(Caller { kind, address });
        let answer = run(self.schema.clone(), request, only_reads).await.map(Reply::Answer);
        // What the request has changed came later in the log, so this waits only where it changed
        // nothing.
        if let Some(noted) = noted.filter(|noted| !noted.is_durable())
            && !matches!(tokio::task::spawn_blocking(move || noted.wait()).await, Ok(Ok(())))
        {
            let why =
                "the log has stopped: whether this was done shows after a restart of the node";
            return Err(refuse(StatusCode::SERVICE_UNAVAILABLE, why));
        }
        answer
    }

    /// Refuses a request that a page of another site may have sent.
    fn keep_pages_out(&self, head: &Parts) -> Result<(), Refused> {
        if head.method == Method::POST {
            // A page can't send this type to another site without a preflight.
            if !is_json(&head.headers) {
                return Err(refuse(
                    StatusCode::UNSUPPORTED_MEDIA_TYPE,
                    "Content-Type: application/json is expected",
                ));
            }
        } else if may_be_forged(&head.headers) {
            return Err(refuse(
                StatusCode::FORBIDDEN,
                "a page of another site may be behind this GET: send Content-Type: \
                 application/json or graphql-require-preflight with it, or POST",
            ));
        }
        if !self.auth.addressed_to_us(host(&head.headers, &head.uri)) {
            return Err(refuse(
                StatusCode::FORBIDDEN,
                "the Host header names another host: without a secret the admin API answers only \
                 under loopback names such as localhost",
            ));
        }
        Ok(())
    }

    /// Returns the client's refusal for a denial, and logs it for the operator.
    async fn denied(&self, denied: Denied, address: Option<SocketAddr>) -> Refused {
        let caller = Caller { kind: CallerKind::Nobody, address };
        match denied {
            Denied::Wrong(reason) => {
                self.operator.audit().note_refusal(caller, "authenticate", "401", reason).await;
                unauthenticated()
            }
            Denied::TooOften => {
                let reason = "too many wrong secrets came from this address";
                self.operator.audit().note_refusal(caller, "authenticate", "429", reason).await;
                too_often()
            }
            Denied::Unavailable(reason) => {
                self.operator.audit().note_refusal(caller, "authenticate", "503", reason).await;
                unavailable_now(reason)
            }
        }
    }

    async fn overloaded(&self, address: Option<SocketAddr>) -> Refused {
        let caller = Caller { kind: CallerKind::Nobody, address };
        let reason = "more requests at once than the node answers: try again";
        self.operator.audit().note_refusal(caller, "request", "503", reason).await;
        unavailable_now(reason)
    }
}

/// Runs a request in a task of its own, so that a bug in one costs that one, and so that a
/// change is ended, and noted as such, when the client hangs up. A query that takes too long is
/// given up; a change isn't, since it is bounded by its turn and what was begun must be told.
async fn run(
    schema: AdminSchema,
    request: GraphqlRequest,
    only_reads: bool,
) -> Result<Answer, Refused> {
    let mut task = tokio::spawn(async move { schema.execute(request).await });
    let done = if only_reads {
        // A query whose client is gone needs no answer.
        let abort = AbortOnDrop(task.abort_handle());
        let done = tokio::time::timeout(QUERY_TIME_MAX, &mut task).await;
        drop(abort);
        done.map_err(|_| {
            unavailable_now(format!(
                "the query took longer than {} seconds and was given up: ask for less at once",
                QUERY_TIME_MAX.as_secs()
            ))
        })?
    } else {
        task.await
    };
    done.map_err(|panic| {
        tracing::error!(%panic, "a request to the admin API failed");
        Refused {
            status: StatusCode::INTERNAL_SERVER_ERROR,
            code: "INTERNAL_SERVER_ERROR",
            message: "Internal server error: the node's log says why".into(),
        }
    })
}

/// Ends a task when its result is not awaited any more.
struct AbortOnDrop(tokio::task::AbortHandle);

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Answers whether the node works, and will continue to. When the ledger has stopped only a restart
/// helps; when it warns, it will stop unless the operator acts, so the answer says so while there
/// is time.
///
/// A client that asks for JSON gets the details. Any other gets `OK`, as Rafiki answers, since set-up
/// scripts wait for that word. They ask with `*/*`, as curl does.
async fn healthz(State(admin): State<Arc<Admin>>, headers: HeaderMap) -> Response {
    let health = health(&admin.operator, true);
    match (asks_for_json(&headers), &health) {
        (true, _) => health.into_response(),
        (false, Ok(_)) => "OK".into_response(),
        (false, Err((status, Json(body)))) => {
            let reason = body["reason"].as_str().unwrap_or_default().to_owned();
            (*status, reason).into_response()
        }
    }
}

/// Answers whether the node works and knows its peers, so that packets may be sent to it.
async fn readyz(State(admin): State<Arc<Admin>>) -> Response {
    let operator = &admin.operator;
    if operator.node().is_ledger_stalled {
        let reason = "the cluster's database is slow or away: no packet is taken until it is back";
        return unavailable("stalled", reason).into_response();
    }
    health(operator, operator.is_loaded()).into_response()
}

/// Returns whether one of the types that a client accepts is JSON by name.
fn asks_for_json(headers: &HeaderMap) -> bool {
    let accepted = headers.get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok());
    accepted.flat_map(|value| value.split(',')).any(|range| {
        let name = range.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        name == "application/*" || name == "application/json" || name.ends_with("+json")
    })
}

fn health(operator: &Operator, is_loaded: bool) -> Result<Json<Value>, (StatusCode, Json<Value>)> {
    let node = operator.node();
    if let Some(reason) = node.ledger_stopped {
        let reason = format!("the ledger has stopped: {reason}");
        return Err(unavailable("stopped", &reason));
    }
    if let Some(reason) = node.ledger_warning {
        let reason = format!("the ledger warns: {reason}");
        return Err(unavailable("warning", &reason));
    }
    if !is_loaded {
        return Err(unavailable("starting", "the peers are being loaded"));
    }
    // Packets flow, if not all of them: clients and supervisors need do nothing.
    let mut body = match node.degraded {
        Some(reason) => json!({"status": "degraded", "version": node.version, "reason": reason}),
        None => json!({"status": "ok", "version": node.version}),
    };
    if let Some(step) = operator.clock_step() {
        let noticed_at = step.noticed_at.to_string();
        body["clockStep"] = json!({"noticedAt": noticed_at, "byMs": step.by_ms});
    }
    Ok(Json(body))
}

fn unavailable(status: &str, reason: &str) -> (StatusCode, Json<Value>) {
    let body = json!({"status": status, "reason": reason});
    (StatusCode::SERVICE_UNAVAILABLE, Json(body))
}

#[cfg(test)]
mod fuzz;
#[cfg(test)]
mod tests;
