//! Queries by `GET`: their parameters, and the check that no page of another site sent them.

use axum::http::{
    HeaderMap, Uri,
    header::{HOST, ORIGIN, USER_AGENT},
};
use serde_json::{Map, Value};

use super::request::is_json;

/// The parameters that are members of a request. Others are ignored.
const MEMBERS: [&str; 4] = ["query", "operationName", "variables", "extensions"];

/// Returns the body that a `POST` of a URI's parameters would have, which is what a client signs.
///
/// # Errors
/// The fault in the parameters, in words.
pub(super) fn body_of_parameters(uri: &Uri) -> Result<Value, String> {
    let query = uri.query().unwrap_or_default();
    let mut members = Map::new();
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        if !MEMBERS.contains(&&*name) {
            continue;
        }
        let value = match &*name {
            "variables" | "extensions" if !value.is_empty() => serde_json::from_str(&value)
                .map_err(|error| format!("the parameter {name} is not JSON: {error}"))?,
            "query" => Value::String(value.into_owned()),
            _ if value.is_empty() => Value::Null,
            _ => Value::String(value.into_owned()),
        };
        if members.insert(name.to_string(), value).is_some() {
            return Err(format!("the parameter {name} is given twice"));
        }
    }
    if members.contains_key("query") || members.contains_key("extensions") {
        return Ok(Value::Object(members));
    }
    Err("a GET needs the parameter query, or opens a WebSocket that speaks graphql-transport-ws"
        .to_owned())
}

/// Returns whether a page of another site may have sent a `GET`. Any page can have a browser send
/// one, as for a picture, and though the page can't read the answer, the node would do the work.
///
/// A browser states where a request comes from. A browser that is too old for that, or that reaches
/// the node under a name that it doesn't trust, must send a header that a page can't send to
/// another site without a preflight, which the node never allows. Programs that aren't browsers
/// send only their own requests.
pub(super) fn may_be_forged(headers: &HeaderMap) -> bool {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    if !is_of_the_same_site(headers) {
        return true;
    }
    match text("sec-fetch-site") {
        Some(site) => !matches!(site, "same-origin" | "none"),
        None => {
            let agent = text(USER_AGENT.as_str()).unwrap_or_default();
            let is_browser = agent.starts_with("Mozilla/");
            is_browser
                && !is_json(headers)
                && !ASKED_FIRST.iter().any(|name| headers.contains_key(*name))
        }
    }
}

/// Headers that a page can't send to another site without a preflight. The last two are those of
/// Apollo's and other clients for this very purpose.
const ASKED_FIRST: [&str; 6] = [
    "authorization",
    "signature",
    "x-form-token",
    "x-apollo-operation-name",
    "apollo-require-preflight",
    "graphql-require-preflight",
];

/// Returns whether a request comes from a page of this port, or from no page at all. A page of
/// another site can open a WebSocket to any host without a preflight, and unlike with a `POST`
/// there is no content type to stop it. But its browser states where the request comes from.
pub(super) fn is_of_the_same_site(headers: &HeaderMap) -> bool {
    let Some(origin) = headers.get(ORIGIN) else { return true };
    let origin = origin.to_str().ok().and_then(|origin| origin.split_once("://"));
    let host = headers.get(HOST).and_then(|host| host.to_str().ok());
    origin.zip(host).is_some_and(|((_, origin), host)| origin.eq_ignore_ascii_case(host))
}
