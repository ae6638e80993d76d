//! Answers to browsers: the headers that guard every page, redirects, and the pages of refusals.

use axum::{
    http::{
        HeaderName, HeaderValue, StatusCode,
        header::{CACHE_CONTROL, LOCATION},
    },
    response::{Html, IntoResponse, Response},
};
use ilp_operator::{ErrorKind, OperatorError};
use maud::{Markup, html};

use crate::layout;

/// The content security policy: a page loads and runs only what this port serves, has nothing
/// inline, and stands in no other page's frame.
const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; \
                      connect-src 'self'; form-action 'self'; base-uri 'none'; \
                      frame-ancestors 'none'";

/// Headers of every answer. The referrer policy is `same-origin` and not `no-referrer`: under the
/// latter, browsers send `Origin: null` with the node's own forms, and their origin could not be
/// checked.
const GUARDS: [(&str, &str); 5] = [
    ("content-security-policy", POLICY),
    ("x-content-type-options", "nosniff"),
    ("referrer-policy", "same-origin"),
    ("cross-origin-opener-policy", "same-origin"),
    ("cross-origin-resource-policy", "same-origin"),
];

/// Adds the guarding headers. Pages show amounts and tokens, so no cache keeps them.
pub(crate) async fn guard(mut response: Response) -> Response {
    let headers = response.headers_mut();
    for (name, value) in GUARDS {
        headers.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
    }
    headers.entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}

/// Returns an answer with a page.
pub(crate) fn page(status: StatusCode, page: Markup) -> Response {
    (status, Html(page.into_string())).into_response()
}

/// Sends a browser on to another page, by GET.
pub(crate) fn see_other(path: &str) -> Response {
    match HeaderValue::from_str(path) {
        Ok(path) => (StatusCode::SEE_OTHER, [(LOCATION, path)]).into_response(),
        Err(_) => (StatusCode::SEE_OTHER, [(LOCATION, "/")]).into_response(),
    }
}

/// Returns the page of a refusal that leaves no form to show again.
pub(crate) fn refused(status: StatusCode, title: &str, why: &str) -> Response {
    let body = html! {
        p { (why) }
        p { a href="/" { "To the overview" } }
    };
    page(status, layout::bare(title, &body))
}

/// The result of a page's handler: an answer, or the refusal of an operation that no form can show.
pub(crate) type Answer = Result<Response, Failed>;

/// The refusal of an operation; `?` turns it into a page.
#[derive(Debug)]
pub(crate) struct Failed(OperatorError);

impl From<OperatorError> for Failed {
    fn from(error: OperatorError) -> Self {
        Self(error)
    }
}

impl IntoResponse for Failed {
    fn into_response(self) -> Response {
        let Self(error) = self;
        let title = match error.kind() {
            ErrorKind::NotFound => "Not found",
            ErrorKind::Unavailable => "Not now",
            ErrorKind::Internal => "The node failed",
            _ => "Refused",
        };
        refused(status(error.kind()), title, &error.to_string())
    }
}

pub(crate) async fn nothing_here() -> Response {
    refused(StatusCode::NOT_FOUND, "Not found", "There is no such page on this node.")
}

/// Returns the HTTP status for a kind of refusal.
pub(crate) fn status(kind: ErrorKind) -> StatusCode {
    match kind {
        ErrorKind::BadInput | ErrorKind::Inactive => StatusCode::BAD_REQUEST,
        ErrorKind::Forbidden => StatusCode::FORBIDDEN,
        ErrorKind::NotFound => StatusCode::NOT_FOUND,
        ErrorKind::Duplicate | ErrorKind::Conflict => StatusCode::CONFLICT,
        ErrorKind::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        ErrorKind::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
    }
}
