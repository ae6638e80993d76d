//! The page that asks for the admin secret, where one is set.

use std::{sync::Arc, time::Instant};

use axum::{
    extract::{FromRequestParts, Request, State},
    http::{
        HeaderMap, HeaderValue, StatusCode,
        header::{ORIGIN, SET_COOKIE},
    },
    response::Response,
};
use ilp_operator::{Caller, CallerKind, ClientAddress, SignInRefused};
use maud::html;

use crate::{
    Pages,
    answer::{page, see_other},
    fields::Fields,
    layout,
    visit::{FORM_TOKEN, Submitted, Visit, cookies, not_for_us, not_own_form, read_form},
};

pub(crate) async fn ask(State(pages): State<Arc<Pages>>, request: Request) -> Response {
    let (mut parts, _) = request.into_parts();
    if let Some(refused) = not_for_us(&pages, &parts.headers, &parts.uri) {
        return refused;
    }
    let query = Fields::read(parts.uri.query().unwrap_or_default().as_bytes());
    let next = own_path(query.get("next"));
    if Visit::from_request_parts(&mut parts, &pages).await.is_ok() {
        return see_other(&next);
    }
    asking(&pages, StatusCode::OK, &next, None)
}

pub(crate) async fn sign_in(State(pages): State<Arc<Pages>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let fields = match read_form(&parts.headers, body).await {
        Ok(fields) => fields,
        Err(refused) => return refused,
    };
    if !pages.auth.is_own_sign_in(fields.get(FORM_TOKEN)) {
        return not_own_form();
    }
    let address = parts.extensions.get::<ClientAddress>().map(|address| address.0);
    let from = address.map(|address| address.ip());
    let next = own_path(fields.get("next"));
    match pages.auth.sign_in(fields.get("secret"), from, Instant::now()) {
        Ok((name, value)) => with_cookie(see_other(&next), &parts.headers, name, &value),
        Err(refused) => {
            let (status, code, reason) = match refused {
                SignInRefused::Wrong => {
                    (StatusCode::UNAUTHORIZED, "401", "That is not the admin secret of this node.")
                }
                SignInRefused::TooOften => (
                    StatusCode::TOO_MANY_REQUESTS,
                    "429",
                    "Too many wrong secrets came from your address. Wait a minute and try again.",
                ),
            };
            let caller = Caller { kind: CallerKind::Nobody, address };
            pages.operator.audit().note_refusal(caller, "signIn", code, reason).await;
            asking(&pages, status, &next, Some(reason))
        }
    }
}

pub(crate) async fn sign_out(
    State(pages): State<Arc<Pages>>,
    headers: HeaderMap,
    _form: Submitted,
) -> Response {
    let name = pages.auth.sign_out(&cookies(&headers));
    with_cookie(see_other("/sign-in"), &headers, name, "")
}

fn asking(pages: &Pages, status: StatusCode, next: &str, error: Option<&str>) -> Response {
    let body = html! {
        form.card.narrow method="post" action="/sign-in" {
            input type="hidden" name=(FORM_TOKEN) value=(pages.auth.sign_in_token());
            input type="hidden" name="next" value=(next);
            div.field {
                label for="secret" { "Admin secret" }
                span.hint #secret-hint { "The value of " code { "admin.secret" } " in this node's configuration." }
                input #secret type="password" name="secret" autocomplete="current-password" required
                    autofocus aria-describedby="secret-hint secret-error"
                    aria-invalid=[error.map(|_| "true")];
                span.error #secret-error role="alert" { (error.unwrap_or_default()) }
            }
            button type="submit" { "Sign in" }
        }
    };
    page(status, layout::bare("Sign in", &body))
}

/// Returns `next` where it is a path on this node, and `/` otherwise, so that no link to this page
/// leads elsewhere. Only visible ASCII is a path: browsers drop tabs and line ends from a URL, so that
/// `/\t/evil.example` would be another host, and take a backslash for a slash.
pub(crate) fn own_path(next: &str) -> String {
    let is_own = next.starts_with('/')
        && !next.starts_with("//")
        && !next.contains('\\')
        && next.bytes().all(|byte| byte.is_ascii_graphic())
        && !next.starts_with("/sign-in");
    if is_own { next.to_owned() } else { "/".to_owned() }
}

/// Sets the session's cookie, or removes it where `value` is empty. The cookie lives as long as the
/// browser runs; the node bounds the session's life by itself.
fn with_cookie(mut response: Response, headers: &HeaderMap, name: &str, value: &str) -> Response {
    let end = if value.is_empty() { "; Max-Age=0" } else { "" };
    let secure = if is_encrypted(headers) { "; Secure" } else { "" };
    let cookie = format!("{name}={value}; Path=/; HttpOnly; SameSite=Strict{secure}{end}");
    if let Ok(cookie) = HeaderValue::from_str(&cookie) {
        response.headers_mut().append(SET_COOKIE, cookie);
    }
    response
}

/// Returns whether the browser's connection is encrypted. The node speaks no TLS on this port, so
/// it relies on what a browser or a proxy says.
fn is_encrypted(headers: &HeaderMap) -> bool {
    let says = |name: &str, begin: &[u8]| {
        headers.get(name).is_some_and(|value| value.as_bytes().starts_with(begin))
    };
    says(ORIGIN.as_str(), b"https://") || says("x-forwarded-proto", b"https")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signing_in_leads_nowhere_else() {
        assert_eq!(own_path("/peers?q=a"), "/peers?q=a");
        for wrong in [
            "",
            "//evil.example",
            "https://evil.example",
            "/\\evil",
            "/sign-in?next=/",
            "/\t/evil.example",
            "/\n/evil.example",
            "/\r/evil.example",
            "/ /evil.example",
            "/\u{b}/evil.example",
            "/\0/evil.example",
            "/\u{7f}/evil.example",
            "/\u{a0}/evil.example",
            "/\u{2028}/evil.example",
            "/caf\u{e9}",
        ] {
            assert_eq!(own_path(wrong), "/", "{wrong:?}");
        }
    }
}
