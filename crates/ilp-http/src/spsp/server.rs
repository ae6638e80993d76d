//! Answers at the URLs of wallet addresses and incoming payments: how each is paid, to payers, and
//! who it is, to everyone else.
//!
//! There is no framework here and no socket: [`answer`] makes a response of a request.
//!
//! | case | answer |
//! |---|---|
//! | `Accept` names `application/spsp4+json` | fresh credentials (IL-RFC 9) |
//! | `Accept` allows `application/json`, or there is none | who it is |
//! | `Accept` allows neither | 406 |
//! | nobody at this URL | 404, in the RFC's form |
//! | a request for payment that is paid, or whose time is over | 410 |
//! | a query string | 400, as the RFC demands |
//! | `HEAD` | the headers of `GET`, and no credentials are made |
//! | `OPTIONS` | what browsers ask before they let a page ask |
//! | any other method | 405 |
//! | the node can't look it up just now | 503 |

use super::{
    Credentials, SPSP_TYPE,
    accept::{Wanted, wanted},
};
use bytes::Bytes;
use data_encoding::BASE64;
use http::{
    HeaderValue, Method, Request, Response, StatusCode,
    header::{self, HeaderName},
};
use http_body_util::Full;
use ilp_net::WalletUrl;
use serde_json::{Value, json};
use std::future::Future;

/// The recipients of this node. They are looked up for each request, so look-ups must be quick.
pub trait Receivers: Send + Sync + 'static {
    /// Returns the recipient at a URL.
    fn find(&self, url: &WalletUrl) -> impl Future<Output = Result<Found, Unavailable>> + Send;

    /// Returns fresh credentials for one payer of `target`, which no other credentials equal.
    ///
    /// # Errors
    /// [`Unavailable`] when none can be made, such as without random numbers.
    fn credentials(&self, target: &Target) -> Result<Credentials, Unavailable>;
}

/// The resource at a URL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// A wallet address or an incoming payment that can be paid.
    Target(Target),
    /// A request for payment that takes no more.
    Over,
    /// No wallet address and no payment.
    Nobody,
}

/// A wallet address or an incoming payment that can be paid.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// The text by which the node recognises packets for the target; not shown to payers.
    pub tag: String,
    /// The public URL of the target.
    pub url: String,
    /// The name that payers see.
    pub public_name: Option<String>,
    /// The code of the target's asset, such as `USD`.
    pub asset_code: String,
    /// Decimal places of the asset's smallest unit.
    pub asset_scale: u8,
    /// The invoice, where an amount is requested.
    pub invoice: Option<Invoice>,
}

/// A request for an amount.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Invoice {
    /// The amount that was asked for, in the asset's smallest unit.
    pub amount: u64,
    /// The part of the amount that is still to be paid.
    pub outstanding: u64,
}

/// The failure of a look-up that may succeed later.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unavailable;

/// Returns the response to a request, whose body is not read.
///
/// The requested URL is put together from the request's host and path, as `https://` first, and as
/// `http://` if the host is near. `public_origin`, such as `https://wallet.example.com`, replaces
/// the host where no recipient is found: a proxy before the node may have put its own host there.
pub async fn answer<R: Receivers, B>(
    receivers: &R,
    public_origin: Option<&str>,
    request: &Request<B>,
) -> Response<Full<Bytes>> {
    let method = request.method();
    if method == Method::OPTIONS {
        return preflight();
    }
    if method != Method::GET && method != Method::HEAD {
        let mut refusal = refuse(StatusCode::METHOD_NOT_ALLOWED, "only GET and HEAD are answered");
        refusal.headers_mut().insert(header::ALLOW, METHODS);
        return refusal;
    }
    if request.uri().query().is_some() {
        let words = "a payment endpoint takes no query string (IL-RFC 9): remove what is behind ?";
        return refuse(StatusCode::BAD_REQUEST, words);
    }
    let wanted = wanted(request.headers());
    if wanted == Wanted::Neither {
        let words = "offered are application/spsp4+json and application/json";
        return refuse(StatusCode::NOT_ACCEPTABLE, words);
    }
    let target = match find(receivers, &urls(request, public_origin)).await {
        Ok(Found::Target(target)) => target,
        Ok(Found::Over) => {
            let words = "this request for payment is paid already, or its time is over";
            return refuse(StatusCode::GONE, words);
        }
        Ok(Found::Nobody) => return nobody(),
        Err(Unavailable) => return unavailable(),
    };
    if wanted == Wanted::Json {
        return told("application/json", &identity(&target));
    }
    if method == Method::HEAD {
        return told_nothing(StatusCode::OK, SPSP_TYPE);
    }
    match receivers.credentials(&target) {
        Ok(credentials) => told(SPSP_TYPE, &details(&target, &credentials)),
        Err(Unavailable) => unavailable(),
    }
}

const METHODS: HeaderValue = HeaderValue::from_static("GET, HEAD, OPTIONS");

/// Returns the URLs that a request may mean, the likeliest first.
fn urls<B>(request: &Request<B>, public_origin: Option<&str>) -> Vec<WalletUrl> {
    let path = request.uri().path();
    let in_header = || request.headers().get(header::HOST)?.to_str().ok();
    let host = request.uri().authority().map(http::uri::Authority::as_str).or_else(in_header);
    let hosts =
        host.into_iter().flat_map(|host| [format!("https://{host}"), format!("http://{host}")]);
    let public_origin = public_origin.map(|origin| origin.trim_end_matches('/').to_owned());
    let mut urls: Vec<WalletUrl> = Vec::with_capacity(3);
    for origin in hosts.chain(public_origin) {
        // A combination that makes no URL, such as http:// to a host that isn't near, belongs to no
        // recipient.
        let url = WalletUrl::parse(&format!("{origin}{path}"));
        urls.extend(url.ok().filter(|url| !urls.contains(url)));
    }
    urls
}

async fn find<R: Receivers>(receivers: &R, urls: &[WalletUrl]) -> Result<Found, Unavailable> {
    for url in urls {
        match receivers.find(url).await? {
            Found::Nobody => {}
            found => return Ok(found),
        }
    }
    Ok(Found::Nobody)
}

/// Writes a wallet address as wallets show it (Open Payments), without the servers that this node
/// doesn't have.
fn identity(target: &Target) -> Value {
    let mut identity = json!({
        "id": target.url,
        "assetCode": target.asset_code,
        "assetScale": target.asset_scale,
    });
    if let Some(name) = &target.public_name {
        identity["publicName"] = name.as_str().into();
    }
    identity
}

fn details(target: &Target, credentials: &Credentials) -> Value {
    let mut details = json!({
        "destination_account": credentials.destination.as_str(),
        "shared_secret": BASE64.encode(&credentials.shared_secret),
        "asset_info": { "code": target.asset_code, "scale": target.asset_scale },
        "receipts_enabled": false,
    });
    if let Some(invoice) = target.invoice {
        // A negative number is an amount that may be paid in.
        let text = |amount: u64| if amount == 0 { "0".to_owned() } else { format!("-{amount}") };
        details["balance"] =
            json!({ "maximum": text(invoice.amount), "current": text(invoice.outstanding) });
    }
    if let Some(name) = &target.public_name {
        details["receiver_info"] = json!({ "name": name });
    }
    details
}

/// Answers a browser's preflight request. Pages of all sites may send requests, since all answers
/// here are public.
fn preflight() -> Response<Full<Bytes>> {
    let mut response = response(StatusCode::NO_CONTENT, Bytes::new());
    let headers = response.headers_mut();
    headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, METHODS);
    headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, HeaderValue::from_static("*"));
    headers.insert(header::ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("86400"));
    response
}

fn told(kind: &'static str, value: &Value) -> Response<Full<Bytes>> {
    let mut response = response(StatusCode::OK, value.to_string().into());
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    response
}

fn told_nothing(status: StatusCode, kind: &'static str) -> Response<Full<Bytes>> {
    let mut response = response(status, Bytes::new());
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    response
}

/// Returns the 404 in the form that the RFC gives it.
fn nobody() -> Response<Full<Bytes>> {
    let error = json!({ "id": "InvalidReceiverError", "message": "Nobody is paid at this URL" });
    let mut response = told(SPSP_TYPE, &error);
    *response.status_mut() = StatusCode::NOT_FOUND;
    response
}

fn unavailable() -> Response<Full<Bytes>> {
    let words = "the node can't look this up just now; ask again shortly";
    let mut refusal = refuse(StatusCode::SERVICE_UNAVAILABLE, words);
    refusal.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("5"));
    refusal
}

fn refuse(status: StatusCode, words: &str) -> Response<Full<Bytes>> {
    let mut response = response(status, Bytes::from(format!("{words}\n")));
    let text = HeaderValue::from_static("text/plain; charset=utf-8");
    response.headers_mut().insert(header::CONTENT_TYPE, text);
    response
}

/// Makes a response with the headers that all answers have.
fn response(status: StatusCode, body: Bytes) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(body));
    *response.status_mut() = status;
    let all: [(HeaderName, &str); 4] = [
        // Pages of any site may pay.
        (header::ACCESS_CONTROL_ALLOW_ORIGIN, "*"),
        // The next payer gets other credentials.
        (header::CACHE_CONTROL, "no-cache"),
        (header::VARY, "accept"),
        // A public name is a text from outside: no browser may take it for a page.
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    for (name, value) in all {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}
