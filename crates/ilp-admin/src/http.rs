//! The admin port: `POST /graphql`, and two questions about the node's health that need no secret.
//! The [metrics](crate::metrics_route) are beside it.

mod socket;

use std::{borrow::Cow, net::SocketAddr, sync::Arc, time::Duration};

use async_graphql::{Request as GraphqlRequest, Variables};
use axum::{
    Json, Router,
    body::{Bytes, to_bytes},
    extract::{Request, State},
    http::{
        HeaderMap, StatusCode,
        header::{ACCEPT, CACHE_CONTROL, CONTENT_TYPE},
    },
    response::{IntoResponse, Response},
    routing::{get, post},
};
use serde_json::{Value, json};
use tokio::sync::Semaphore;

use crate::{
    auth::{Auth, Denied},
    operator::{
        Operator,
        audit::{Caller, CallerKind},
    },
    schema::AdminSchema,
};

/// The longest request, in bytes: a peer with as many routes as its record takes, four times over.
const BODY_BYTES_MAX: usize = 256 * 1024;
/// How long a request may take to arrive, so that slow clients can't hold the port's memory.
const BODY_TIME_MAX: Duration = Duration::from_secs(10);

/// Requests that are read and answered at once; one more is told to come back. With bodies of the
/// full length they hold 16 MB.
const REQUESTS_MAX: usize = 64;
/// How long a query may take. The longest, a ping that nobody answers, takes 20 seconds.
const QUERY_TIME_MAX: Duration = Duration::from_secs(30);

/// Who is at the other end of a connection; whoever serves the router adds it to each request.
#[derive(Clone, Copy, Debug)]
pub struct ClientAddress(pub SocketAddr);

/// What the handlers share.
struct Admin {
    schema: AdminSchema,
    operator: Operator,
    auth: Auth,
    requests: Semaphore,
    /// A place for each WebSocket that may be open.
    sockets: Arc<Semaphore>,
}

/// The admin port's routes.
pub fn router(operator: Operator, auth: Auth) -> Router {
    let admin = Admin {
        schema: AdminSchema::new(operator.clone()),
        operator,
        auth,
        requests: Semaphore::new(REQUESTS_MAX),
        sockets: Arc::new(Semaphore::new(socket::SOCKETS_MAX)),
    };
    Router::new()
        .route("/graphql", post(graphql).get(socket::open))
        .route("/healthz", get(healthz))
        .route("/readyz", get(readyz))
        .with_state(Arc::new(admin))
}

async fn graphql(State(admin): State<Arc<Admin>>, request: Request) -> Response {
    let answer = admin.answer(request).await.unwrap_or_else(Refused::into_response);
    ([(CACHE_CONTROL, "no-store")], answer).into_response()
}

impl Admin {
    /// The order matters: the content type and the host keep web pages out, and before a client
    /// has shown who it is, it learns nothing about its request but that.
    async fn answer(&self, request: Request) -> Result<Response, Refused> {
        let (head, body) = request.into_parts();
        let address = head.extensions.get::<ClientAddress>().map(|address| address.0);
        let Ok(_place) = self.requests.try_acquire() else {
            return Err(self.overloaded(address).await);
        };
        if !is_json(&head.headers) {
            return Err(refuse(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "Content-Type: application/json is expected",
            ));
        }
        if !self.auth.addressed_to_us(&head.headers, &head.uri) {
            return Err(refuse(
                StatusCode::FORBIDDEN,
                "the Host header names another host: without a secret the admin API answers only \
                 under loopback names such as localhost",
            ));
        }
        let body = read_body(body).await?;
        let body: Result<Value, _> = serde_json::from_slice(&body);
        let identified = self.auth.identify(&head.headers, body.as_ref().ok()).await;
        let kind = match identified {
            Ok(kind) => kind,
            Err(denied) => return Err(self.denied(denied, address).await),
        };
        let body = body.map_err(|error| bad_request(format!("the body is no JSON: {error}")))?;
        let request = read_request(body)?.data(Caller { kind, address });
        let response = run(self.schema.clone(), request).await?;
        // As Apollo answers: 400 when the request as a whole was wrong, 200 for everything that
        // was run, refusals included.
        let was_run =
            response.is_ok() || response.errors.iter().all(|error| !error.path.is_empty());
        let status = if was_run { StatusCode::OK } else { StatusCode::BAD_REQUEST };
        Ok((status, Json(response)).into_response())
    }
}

impl Admin {
    /// What the client learns of a denial, and the operator.
    async fn denied(&self, denied: Denied, address: Option<SocketAddr>) -> Refused {
        let caller = Caller { kind: CallerKind::Nobody, address };
        match denied {
            Denied::Wrong(reason) => {
                self.operator.audit_refusal(caller, "authenticate", "401", reason).await;
                unauthenticated()
            }
            Denied::Unavailable(reason) => {
                self.operator.audit_refusal(caller, "authenticate", "503", reason).await;
                unavailable_now(reason)
            }
        }
    }

    async fn overloaded(&self, address: Option<SocketAddr>) -> Refused {
        let caller = Caller { kind: CallerKind::Nobody, address };
        let reason = "more requests at once than the node answers: try again";
        self.operator.audit_refusal(caller, "request", "503", reason).await;
        unavailable_now(reason)
    }
}

/// Runs a request in a task of its own, so that a bug in one costs that one, and so that a
/// change is ended, and noted as such, when the client hangs up. A query that takes too long is
/// given up; a change isn't, since it is bounded by its turn and what was begun must be told.
async fn run(
    schema: AdminSchema,
    mut request: GraphqlRequest,
) -> Result<async_graphql::Response, Refused> {
    let is_query = AdminSchema::only_reads(&mut request);
    let mut task = tokio::spawn(async move { schema.execute(request).await });
    let done = if is_query {
        // A reader that nobody waits for any more needs no answer.
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

/// Ends a task when nobody waits for it any more.
struct AbortOnDrop(tokio::task::AbortHandle);

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}

pub(crate) fn is_json(headers: &HeaderMap) -> bool {
    let value = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let essence = value.and_then(|value| value.split(';').next());
    essence.is_some_and(|essence| essence.trim().eq_ignore_ascii_case("application/json"))
}

async fn read_body(body: axum::body::Body) -> Result<Bytes, Refused> {
    match tokio::time::timeout(BODY_TIME_MAX, to_bytes(body, BODY_BYTES_MAX)).await {
        Ok(Ok(bytes)) => Ok(bytes),
        // A body that was cut short ends here too, but then nobody is left to read the answer.
        Ok(Err(_)) => Err(refuse(
            StatusCode::PAYLOAD_TOO_LARGE,
            format!("the body is longer than {BODY_BYTES_MAX} bytes"),
        )),
        Err(_) => Err(refuse(
            StatusCode::REQUEST_TIMEOUT,
            format!("the body did not arrive within {} seconds", BODY_TIME_MAX.as_secs()),
        )),
    }
}

/// Reads `query`, `variables` and `operationName`; other members are ignored.
fn read_request(body: Value) -> Result<GraphqlRequest, Refused> {
    let mut members = match body {
        Value::Object(members) => members,
        Value::Array(_) => return Err(bad_request("batches are not taken: send one request")),
        _ => return Err(bad_request("a JSON object with the member query is expected")),
    };
    let Some(Value::String(query)) = members.remove("query") else {
        return Err(bad_request("the member query is expected, a string"));
    };
    let mut request = GraphqlRequest::new(query);
    match members.remove("variables") {
        None | Some(Value::Null) => {}
        Some(variables @ Value::Object(_)) => {
            request = request.variables(Variables::from_json(variables));
        }
        Some(_) => return Err(bad_request("variables must be an object")),
    }
    match members.remove("operationName") {
        None | Some(Value::Null) => {}
        Some(Value::String(name)) => request = request.operation_name(name),
        Some(_) => return Err(bad_request("operationName must be a string")),
    }
    Ok(request)
}

/// A request that never reached the schema.
struct Refused {
    status: StatusCode,
    code: &'static str,
    message: Cow<'static, str>,
}

impl IntoResponse for Refused {
    /// In the form of GraphQL errors, since that's what the client reads.
    fn into_response(self) -> Response {
        let Self { status, code, message } = self;
        let body = json!({"errors": [{"message": message, "extensions": {"code": code}}]});
        (status, Json(body)).into_response()
    }
}

fn refuse(status: StatusCode, message: impl Into<Cow<'static, str>>) -> Refused {
    Refused { status, code: "BAD_REQUEST", message: message.into() }
}

fn bad_request(message: impl Into<Cow<'static, str>>) -> Refused {
    refuse(StatusCode::BAD_REQUEST, message)
}

fn unavailable_now(message: impl Into<Cow<'static, str>>) -> Refused {
    let status = StatusCode::SERVICE_UNAVAILABLE;
    Refused { status, code: "SERVICE_UNAVAILABLE", message: message.into() }
}

/// The same whatever the cause, so that nobody learns how near a guess was.
fn unauthenticated() -> Refused {
    let status = StatusCode::UNAUTHORIZED;
    Refused { status, code: "UNAUTHENTICATED", message: "Unauthorized".into() }
}

/// Answers whether the node works, and will. When the ledger has stopped only a restart helps; when it
/// warns, it will stop unless the operator acts, so that is said while there is time.
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
    health(&admin.operator, admin.operator.is_loaded()).into_response()
}

/// Whether one of the types that a client accepts is JSON by name.
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
    if let Some(reason) = node.degraded {
        let body = json!({"status": "degraded", "version": node.version, "reason": reason});
        return Ok(Json(body));
    }
    Ok(Json(json!({"status": "ok", "version": node.version})))
}

fn unavailable(status: &str, reason: &str) -> (StatusCode, Json<Value>) {
    let body = json!({"status": status, "reason": reason});
    (StatusCode::SERVICE_UNAVAILABLE, Json(body))
}

#[cfg(test)]
mod fuzz;
#[cfg(test)]
mod tests;
