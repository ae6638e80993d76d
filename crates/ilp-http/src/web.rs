//! A client for the rare requests that carry no packet: SPSP queries, webhooks, exchange rates,
//! peering requests, spans and the admin API.
//!
//! All of them follow one rule: their time and bytes are bounded, they use HTTP/1.1 and the
//! [`Proxies`] of the environment, and they never follow a redirection to another host.

mod bounded;
mod connector;
mod error;
mod proxies;
mod redirect;

pub use connector::Reach;
pub use error::WebError;
pub use proxies::Proxies;
pub use redirect::{Redirection, redirection};

use self::connector::Connector;
use crate::body::{self, ReadError};
use bytes::Bytes;
use data_encoding::BASE64;
use http::{
    HeaderMap, HeaderValue, Method, Request, Response, Uri,
    header::{AUTHORIZATION, PROXY_AUTHORIZATION, USER_AGENT},
    uri::Authority,
};
use http_body_util::Full;
use hyper_util::{
    client::legacy,
    rt::{TokioExecutor, TokioTimer},
};
use percent_encoding::percent_decode_str;
use rustls::ClientConfig;
use std::{fmt, sync::Arc, time::Duration};

/// The maximum length of an answer's head.
const HEAD_BYTES_MAX: usize = 16 * 1_024;

/// The time for which a connection is kept for the next request: less than the five seconds after
/// which servers in wide use close it.
const IDLE_TIME_MAX: Duration = Duration::from_secs(4);

/// The bounds of a request.
#[derive(Clone, Debug)]
pub struct WebOptions {
    /// The time from the look-up of the host to the last byte of the answer, redirections included.
    pub time_max: Duration,
    /// The time for opening a connection, TLS and proxy included.
    pub connect_time_max: Duration,
    /// The maximum length of an answer's body in bytes.
    pub body_bytes_max: usize,
    /// The maximum number of connections to one host that are kept for the next requests.
    pub idle_connections_max: usize,
    /// The maximum number of redirections followed, where a request may be redirected at all.
    pub redirects_max: usize,
    /// The hosts that connections may lead to.
    pub reach: Reach,
}

impl Default for WebOptions {
    fn default() -> Self {
        Self {
            time_max: Duration::from_secs(10),
            connect_time_max: Duration::from_secs(10),
            body_bytes_max: 16 * 1_024,
            idle_connections_max: 0,
            redirects_max: 3,
            reach: Reach::Anywhere,
        }
    }
}

/// A client that sends requests and reads answers whole. Cheap to clone.
#[derive(Clone)]
pub struct WebClient {
    client: legacy::Client<Connector, Full<Bytes>>,
    proxies: Arc<Proxies>,
    options: WebOptions,
}

impl fmt::Debug for WebClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WebClient").field("options", &self.options).finish_non_exhaustive()
    }
}

impl WebClient {
    /// Makes a client that trusts what `tls` trusts and goes through `proxies`.
    #[must_use]
    pub fn new(tls: &ClientConfig, proxies: Arc<Proxies>, options: WebOptions) -> Self {
        let connector = Connector::new(tls.clone(), Arc::clone(&proxies), &options);
        let client = legacy::Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(IDLE_TIME_MAX)
            .pool_max_idle_per_host(options.idle_connections_max)
            .http1_max_buf_size(HEAD_BYTES_MAX)
            .build(connector);
        Self { client, proxies, options }
    }

    /// Sends a request and returns the answer, whatever its status. A redirection is an answer.
    ///
    /// # Errors
    /// [`WebError`]: no connection, no answer in time, or none that is HTTP.
    pub async fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, WebError> {
        let time_max = self.options.time_max;
        let answered = tokio::time::timeout(time_max, Box::pin(self.exchange(request))).await;
        answered.unwrap_or(Err(WebError::Timeout(time_max)))
    }

    /// Gets `uri`, following redirections on its host, and returns the first answer that doesn't
    /// redirect.
    ///
    /// # Errors
    /// Those of [`send`](Self::send); also a redirection to another host or without a target, and
    /// too many redirections.
    pub async fn get(&self, uri: Uri, headers: HeaderMap) -> Result<Response<Bytes>, WebError> {
        let time_max = self.options.time_max;
        let answered = tokio::time::timeout(time_max, Box::pin(self.follow(uri, headers))).await;
        answered.unwrap_or(Err(WebError::Timeout(time_max)))
    }

    async fn follow(&self, mut uri: Uri, headers: HeaderMap) -> Result<Response<Bytes>, WebError> {
        for _ in 0..=self.options.redirects_max {
            let mut request = Request::new(Bytes::new());
            *request.method_mut() = Method::GET;
            *request.uri_mut() = uri.clone();
            *request.headers_mut() = headers.clone();
            let response = Box::pin(self.exchange(request)).await?;
            match redirection(&uri, response.status(), response.headers()) {
                None => return Ok(response),
                Some(Redirection::Within(to)) => uri = to,
                Some(Redirection::Elsewhere(to)) => return Err(WebError::Elsewhere(to)),
                Some(Redirection::Nowhere) => break,
            }
        }
        Err(WebError::Redirects)
    }

    async fn exchange(&self, request: Request<Bytes>) -> Result<Response<Bytes>, WebError> {
        let request = self.prepared(request)?;
        let response = self.client.request(request).await.map_err(WebError::of_exchange)?;
        let (head, body) = response.into_parts();
        let bytes_max = self.options.body_bytes_max;
        let body = body::read(body, bytes_max).await.map_err(|error| match error {
            ReadError::TooLong => WebError::TooLong(bytes_max),
            ReadError::Cut(error) => WebError::Http(Arc::new(error)),
        })?;
        Ok(Response::from_parts(head, body))
    }

    /// Adds the headers that every request has, and moves a user name and password from the URL to
    /// the header for them.
    fn prepared(&self, request: Request<Bytes>) -> Result<Request<Full<Bytes>>, WebError> {
        let (mut head, body) = request.into_parts();
        if let Some(authority) = head.uri.authority()
            && let Some((user, host)) = authority.as_str().rsplit_once('@')
        {
            let basic = basic_authorization(user).ok_or(WebError::Url)?;
            head.headers.entry(AUTHORIZATION).or_insert(basic);
            let mut parts = head.uri.clone().into_parts();
            parts.authority = Some(Authority::try_from(host).map_err(|_| WebError::Url)?);
            head.uri = Uri::from_parts(parts).map_err(|_| WebError::Url)?;
        }
        let agent = HeaderValue::from_static(concat!("jirani/", env!("CARGO_PKG_VERSION")));
        head.headers.entry(USER_AGENT).or_insert(agent);
        // For a tunnel the credentials were sent when it was opened, and the server behind it must
        // not see them.
        if head.uri.scheme_str() == Some("http")
            && let Some(credentials) = self.proxies.credentials_for(&head.uri)
        {
            head.headers.insert(PROXY_AUTHORIZATION, credentials);
        }
        Ok(Request::from_parts(head, Full::new(body)))
    }
}

/// Returns the header for a URL's user name and password (RFC 7617), which may be percent-encoded
/// there.
fn basic_authorization(user: &str) -> Option<HeaderValue> {
    let decoded: Vec<u8> = percent_decode_str(user).collect();
    let with_colon = if decoded.contains(&b':') { decoded } else { [&decoded[..], b":"].concat() };
    let mut value = HeaderValue::try_from(format!("Basic {}", BASE64.encode(&with_colon))).ok()?;
    value.set_sensitive(true);
    Some(value)
}
