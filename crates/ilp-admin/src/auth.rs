//! The credentials of a request, as its headers hold them.

use axum::http::{
    HeaderMap, Uri,
    header::{AUTHORIZATION, COOKIE, HOST},
};
use ilp_operator::Credentials;

/// The header in which a script of the node's own pages repeats its page's form token.
const FORM_TOKEN: &str = "x-form-token";

/// Returns the credentials that a request shows.
pub(crate) fn credentials(headers: &HeaderMap) -> Credentials<'_> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    Credentials {
        authorization: headers.get(AUTHORIZATION).map(|value| value.as_bytes()),
        signature: text("signature"),
        tenant_id: headers.get("tenant-id").map(|value| value.as_bytes()),
        cookies: headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok()).collect(),
        form_token: text(FORM_TOKEN),
    }
}

/// Returns the host that a request is addressed to, with its port.
pub(crate) fn host<'a>(headers: &'a HeaderMap, uri: &'a Uri) -> Option<&'a str> {
    let host = headers.get(HOST).and_then(|host| host.to_str().ok());
    host.or_else(|| uri.authority().map(|authority| authority.as_str()))
}
