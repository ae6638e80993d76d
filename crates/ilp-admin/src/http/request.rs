//! GraphQL requests in JSON: the body of a `POST`, or a message's payload.

use std::time::Duration;

use async_graphql::{Request as GraphqlRequest, Variables};
use axum::{
    body::{Body, Bytes, to_bytes},
    http::{HeaderMap, StatusCode, header::CONTENT_TYPE},
};
use serde_json::Value;

use super::response::{Refused, bad_request, refuse};

/// The longest request, in bytes: a peer with as many routes as its record takes, four times over.
pub(super) const BODY_BYTES_MAX: usize = 256 * 1024;
/// The time that a request may take to arrive, so that slow clients can't hold the port's memory.
const BODY_TIME_MAX: Duration = Duration::from_secs(10);

/// The request of a client: a document or its hash.
pub(super) enum Query {
    /// A document, with its variables and operation name.
    Document(Box<GraphqlRequest>),
    /// The hash of a document that the client expects the node to remember. The node keeps none,
    /// and the client sends the document after the answer says so.
    Hash,
}

pub(crate) fn is_json(headers: &HeaderMap) -> bool {
    let value = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let essence = value.and_then(|value| value.split(';').next());
    essence.is_some_and(|essence| essence.trim().eq_ignore_ascii_case("application/json"))
}

/// Reads a body, bounded in length and time.
pub(super) async fn read_body(body: Body) -> Result<Bytes, Refused> {
    match tokio::time::timeout(BODY_TIME_MAX, to_bytes(body, BODY_BYTES_MAX)).await {
        Ok(Ok(bytes)) => Ok(bytes),
        // A truncated body ends here too, but then the client is gone and reads no answer.
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

/// Reads the members of a request.
pub(super) fn read_query(body: Value) -> Result<Query, Refused> {
    let mut members = match body {
        Value::Object(members) => members,
        Value::Array(_) => return Err(bad_request("batches are not taken: send one request")),
        _ => return Err(bad_request("a JSON object with the member query is expected")),
    };
    let is_persisted = match members.remove("extensions") {
        None | Some(Value::Null) => false,
        Some(Value::Object(extensions)) => extensions.contains_key("persistedQuery"),
        Some(_) => return Err(bad_request("extensions must be an object")),
    };
    let mut request = match members.remove("query") {
        Some(Value::String(query)) => GraphqlRequest::new(query),
        None | Some(Value::Null) if is_persisted => return Ok(Query::Hash),
        _ => return Err(bad_request("the member query is expected, a string")),
    };
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
    Ok(Query::Document(Box::new(request)))
}
