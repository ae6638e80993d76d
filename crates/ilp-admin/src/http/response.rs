//! Answers over HTTP, in the media type that the client asks for (GraphQL over HTTP, section 6).

use std::borrow::Cow;

use axum::{
    Json,
    http::{
        HeaderMap, HeaderValue, StatusCode,
        header::{ALLOW, CONTENT_TYPE, RETRY_AFTER},
    },
    response::{IntoResponse, Response},
};
use serde::Serialize;
use serde_json::json;

use crate::{accept::preference, schema::Answer};

const JSON: &str = "application/json";
const GRAPHQL_RESPONSE: &str = "application/graphql-response+json";

/// The media type of an answer. The statuses differ: a client that names `application/json` expects
/// 200 for every well-formed request, executed or not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum MediaType {
    /// `application/graphql-response+json`, whose statuses tell whether the request was run.
    GraphqlResponse,
    /// `application/json`, named by the client.
    Json,
    /// `application/json`, for a client that names neither. It gets the statuses that Apollo's
    /// server answers with: 400 for a request that can't be run.
    UnnamedJson,
}

/// The outcome of a request.
pub(super) enum Reply {
    /// The request had a document, which was run or refused.
    Answer(Answer),
    /// The request had the hash of a document, which the node doesn't keep. Clients read that from
    /// an answer with status 200, as Apollo's server gives it, and send the document.
    PersistedQuery(Answer),
}

impl MediaType {
    pub(super) fn asked_for(headers: &HeaderMap) -> Self {
        let json = preference(headers, JSON);
        let response = preference(headers, GRAPHQL_RESPONSE);
        if response.is_some_and(|response| response.is_named) && response >= json {
            return Self::GraphqlResponse;
        }
        if json.is_some_and(|json| json.is_named) { Self::Json } else { Self::UnnamedJson }
    }

    pub(super) fn reply(self, reply: Reply) -> Response {
        let status = match (&reply, self) {
            (Reply::Answer(Answer::Executed(_)), _)
            | (Reply::Answer(Answer::NotExecuted { .. }), Self::Json)
            | (Reply::PersistedQuery(_), Self::Json | Self::UnnamedJson) => StatusCode::OK,
            _ => StatusCode::BAD_REQUEST,
        };
        let (Reply::Answer(answer) | Reply::PersistedQuery(answer)) = reply;
        self.response(status, &answer)
    }

    /// Returns a refusal in the form of GraphQL errors, since that's what the client reads.
    pub(super) fn refusal(self, refused: &Refused) -> Response {
        let Refused { status, code, message } = refused;
        let body = json!({"errors": [{"message": message, "extensions": {"code": code}}]});
        let mut response = self.response(*status, &body);
        if *status == StatusCode::METHOD_NOT_ALLOWED {
            response.headers_mut().insert(ALLOW, HeaderValue::from_static("POST"));
        }
        if *status == StatusCode::TOO_MANY_REQUESTS {
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("60"));
        }
        response
    }

    fn response(self, status: StatusCode, body: &impl Serialize) -> Response {
        let mut response = (status, Json(body)).into_response();
        if self == Self::GraphqlResponse {
            let value =
                HeaderValue::from_static("application/graphql-response+json; charset=utf-8");
            response.headers_mut().insert(CONTENT_TYPE, value);
        }
        response
    }
}

/// A request that never reached the schema.
#[derive(Debug)]
pub(super) struct Refused {
    pub(super) status: StatusCode,
    pub(super) code: &'static str,
    pub(super) message: Cow<'static, str>,
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        MediaType::UnnamedJson.refusal(&self)
    }
}

pub(super) fn refuse(status: StatusCode, message: impl Into<Cow<'static, str>>) -> Refused {
    Refused { status, code: "BAD_REQUEST", message: message.into() }
}

pub(super) fn bad_request(message: impl Into<Cow<'static, str>>) -> Refused {
    refuse(StatusCode::BAD_REQUEST, message)
}

pub(super) fn unavailable_now(message: impl Into<Cow<'static, str>>) -> Refused {
    let status = StatusCode::SERVICE_UNAVAILABLE;
    Refused { status, code: "SERVICE_UNAVAILABLE", message: message.into() }
}

/// Returns the same refusal whatever the cause, so that a client can't learn how near a guess was.
pub(super) fn unauthenticated() -> Refused {
    let status = StatusCode::UNAUTHORIZED;
    Refused { status, code: "UNAUTHENTICATED", message: "Unauthorized".into() }
}

pub(super) fn too_often() -> Refused {
    let message = "Too many wrong secrets came from this address: try again in a minute";
    let status = StatusCode::TOO_MANY_REQUESTS;
    Refused { status, code: "TOO_MANY_REQUESTS", message: message.into() }
}

#[cfg(test)]
mod tests {
    use axum::http::header::ACCEPT;

    use super::*;

    #[test]
    fn the_media_type_that_is_wanted_most_is_answered() {
        for (accept, expected) in [
            ("", MediaType::UnnamedJson),
            ("*/*", MediaType::UnnamedJson),
            ("application/*", MediaType::UnnamedJson),
            ("text/html", MediaType::UnnamedJson),
            ("application/json", MediaType::Json),
            ("application/json; charset=utf-8, */*", MediaType::Json),
            ("application/graphql-response+json", MediaType::GraphqlResponse),
            (
                "application/graphql-response+json, application/json;q=0.9",
                MediaType::GraphqlResponse,
            ),
            ("application/json, application/graphql-response+json", MediaType::GraphqlResponse),
            ("application/json, application/graphql-response+json;q=0.5", MediaType::Json),
            ("application/graphql-response+json;q=0, */*", MediaType::UnnamedJson),
        ] {
            let headers = match accept {
                "" => HeaderMap::new(),
                accept => HeaderMap::from_iter([(ACCEPT, accept.parse().unwrap())]),
            };
            assert_eq!(MediaType::asked_for(&headers), expected, "{accept}");
        }
    }
}
