//! The visitor who asks for a page or sends a form, and the checks that come before any work for
//! them.

use std::{
    net::SocketAddr,
    sync::Arc,
    time::{Duration, Instant},
};

use axum::{
    body::to_bytes,
    extract::{FromRequest, FromRequestParts, Request},
    http::{
        Extensions, HeaderMap, StatusCode, Uri,
        header::{CONTENT_TYPE, COOKIE, HOST, ORIGIN},
        request::Parts,
    },
    response::Response,
};
use ilp_operator::{Caller, CallerKind, ClientAddress, OnRecognized, Visitor};

use crate::{
    Pages,
    answer::{refused, see_other},
    fields::{Fields, query},
};

/// The longest form in bytes, enough for a peer with as many routes as its record takes.
const FORM_BYTES_MAX: usize = 256 * 1024;
/// The time that a form may take to arrive.
const FORM_TIME_MAX: Duration = Duration::from_secs(10);

/// The field in which every form carries its token.
pub(crate) const FORM_TOKEN: &str = "form_token";

/// A visitor who may see the pages.
#[derive(Debug)]
pub(crate) struct Visit {
    pub(crate) visitor: Visitor,
    pub(crate) address: Option<SocketAddr>,
    pub(crate) query: Fields,
}

impl Visit {
    /// Returns the visitor's identity for the audit log.
    pub(crate) fn caller(&self) -> Caller {
        Caller { kind: self.visitor.kind, address: self.address }
    }

    /// Returns whether the visitor has a session that can be ended.
    pub(crate) fn has_session(&self) -> bool {
        self.visitor.kind == CallerKind::Session
    }
}

impl FromRequestParts<Arc<Pages>> for Visit {
    type Rejection = Response;

    async fn from_request_parts(
        parts: &mut Parts,
        pages: &Arc<Pages>,
    ) -> Result<Self, Self::Rejection> {
        let uri = &parts.uri;
        if let Some(refused) = not_for_us(pages, &parts.headers, uri) {
            return Err(refused);
        }
        let visitor = pages.auth.visitor(&cookies(&parts.headers), Instant::now());
        let Some(visitor) = visitor else {
            // A link can't send a form again, so it leads to the start of the form's page.
            let next = if parts.method.is_safe() {
                uri.path_and_query().map_or("/", |next| next.as_str())
            } else {
                "/"
            };
            return Err(see_other(&format!("/sign-in?{}", query(&[("next", next)]))));
        };
        recognized(&parts.extensions);
        let address = parts.extensions.get::<ClientAddress>().map(|address| address.0);
        let query = Fields::read(uri.query().unwrap_or_default().as_bytes());
        Ok(Self { visitor, address, query })
    }
}

/// A form that one of the node's own pages sent, from the visitor for whom the page was made.
#[derive(Debug)]
pub(crate) struct Submitted {
    pub(crate) visit: Visit,
    pub(crate) fields: Fields,
}

impl FromRequest<Arc<Pages>> for Submitted {
    type Rejection = Response;

    async fn from_request(request: Request, pages: &Arc<Pages>) -> Result<Self, Self::Rejection> {
        let (mut parts, body) = request.into_parts();
        let visit = Visit::from_request_parts(&mut parts, pages).await?;
        let fields = read_form(&parts.headers, body).await?;
        if !pages.auth.is_own_form(&cookies(&parts.headers), fields.get(FORM_TOKEN), Instant::now())
        {
            return Err(not_own_form());
        }
        Ok(Self { visit, fields })
    }
}

/// Returns the cookies of a request.
pub(crate) fn cookies(headers: &HeaderMap) -> Vec<&str> {
    headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok()).collect()
}

/// Tells the server of the port that a request with these extensions comes from the operator.
pub(crate) fn recognized(extensions: &Extensions) {
    if let Some(on_recognized) = extensions.get::<OnRecognized>() {
        on_recognized.call();
    }
}

/// Refuses a request for a page under another host name than the node's, see
/// [`ilp_operator::Auth::addressed_to_us`].
pub(crate) fn not_for_us(pages: &Pages, headers: &HeaderMap, uri: &Uri) -> Option<Response> {
    let host = headers.get(HOST).and_then(|host| host.to_str().ok());
    let host = host.or_else(|| uri.authority().map(|authority| authority.as_str()));
    if pages.auth.addressed_to_us(host) {
        return None;
    }
    let why = "The Host header names another host: without admin.secret the pages are shown only \
               under loopback names such as localhost.";
    Some(refused(StatusCode::FORBIDDEN, "Not this host", why))
}

/// Reads a form that a page of this origin sent. The number of forms being read is bounded by the
/// connections of the port.
pub(crate) async fn read_form(
    headers: &HeaderMap,
    body: axum::body::Body,
) -> Result<Fields, Response> {
    if !is_own_origin(headers) {
        return Err(not_own_form());
    }
    let kind = headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim();
    if !kind.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
        let why = "A form is expected, of the type application/x-www-form-urlencoded.";
        return Err(refused(StatusCode::UNSUPPORTED_MEDIA_TYPE, "No form", why));
    }
    match tokio::time::timeout(FORM_TIME_MAX, to_bytes(body, FORM_BYTES_MAX)).await {
        Ok(Ok(bytes)) => Ok(Fields::read(&bytes)),
        Ok(Err(_)) => {
            let why = format!("The form is longer than {FORM_BYTES_MAX} bytes.");
            Err(refused(StatusCode::PAYLOAD_TOO_LARGE, "Too long", &why))
        }
        Err(_) => {
            let why = "The form did not arrive in time.";
            Err(refused(StatusCode::REQUEST_TIMEOUT, "Too slow", why))
        }
    }
}

pub(crate) fn not_own_form() -> Response {
    let why = "This form was not made by this node for you, or it is from before you signed in or \
               the node was started. Nothing was done. Open the page again and send the form from \
               there.";
    refused(StatusCode::FORBIDDEN, "Form refused", why)
}

/// Returns whether a form came from this origin. Browsers state a form's origin. A client that
/// states none is not a browser; its form is accepted by its token alone.
fn is_own_origin(headers: &HeaderMap) -> bool {
    let text = |value: &axum::http::HeaderValue| value.to_str().map(str::to_owned).ok();
    let site = headers.get("sec-fetch-site").and_then(text);
    if site.is_some_and(|site| site != "same-origin" && site != "none") {
        return false;
    }
    let Some(origin) = headers.get(ORIGIN) else { return true };
    let host = headers.get(HOST).and_then(text);
    let origin = text(origin).unwrap_or_default();
    origin.split_once("://").is_some_and(|(_, origin)| Some(origin) == host.as_deref())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_of_another_origin_is_told_by_its_headers() {
        let is_own = |headers: &[(&'static str, &'static str)]| {
            let header = |(name, value): &(&'static str, &'static str)| {
                (name.parse().unwrap(), value.parse().unwrap())
            };
            is_own_origin(&headers.iter().map(header).collect())
        };
        assert!(is_own(&[("host", "localhost:1")]));
        assert!(is_own(&[("host", "localhost:1"), ("origin", "http://localhost:1")]));
        assert!(is_own(&[("host", "a.example"), ("origin", "https://a.example")]));
        for origin in ["null", "", "http://localhost:2", "http://evil.example", "localhost:1"] {
            assert!(!is_own(&[("host", "localhost:1"), ("origin", origin)]), "{origin}");
        }
        assert!(!is_own(&[("sec-fetch-site", "same-site"), ("host", "localhost:1")]));
    }
}
