//! Asks a receiver how it is paid: one `GET`, bounded in bytes and in time.

use super::{PaymentDetails, SPSP_TYPE, SpspError};
use crate::{
    body::{self, ReadError},
    client::{
        connect::{self, HEAD_BYTES_MAX},
        http1::UNANSWERED_BYTES_MAX,
        watched::{Meter, Watched},
    },
    payment_pointer::ReceiverUrl,
};
use bytes::Bytes;
use http::{
    HeaderMap, Request, Response, StatusCode,
    header::{ACCEPT, CONTENT_TYPE, HOST, LOCATION, USER_AGENT},
};
use http_body_util::Empty;
use hyper::{body::Incoming, client::conn::http1};
use hyper_util::rt::TokioIo;
use rustls::ClientConfig;
use std::{fmt, sync::Arc, time::Duration};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::TlsConnector;

/// The bounds of a query.
#[derive(Clone, Debug)]
pub struct SpspOptions {
    /// From the look-up of the host to the last byte of the answer, redirections included.
    pub time_max: Duration,
    /// The longest answer in bytes. An address has 1,023 at the most, a secret 44.
    pub body_bytes_max: usize,
    /// Redirections followed.
    pub redirects_max: usize,
}

impl Default for SpspOptions {
    fn default() -> Self {
        Self { time_max: Duration::from_secs(10), body_bytes_max: 16 * 1_024, redirects_max: 3 }
    }
}

/// Asks receivers. Each query has a connection of its own: credentials serve one payment, so there
/// is nothing to ask a second time, and answers are not cached, whatever they allow.
///
/// Redirections are followed on the same host, as often as the options say, and never from
/// `https://` back to `http://`. One to another host ends the query with
/// [`SpspError::Elsewhere`], which names it: a payer must be able to see who is paid in the end.
#[derive(Clone)]
pub struct SpspClient {
    tls: Arc<ClientConfig>,
    options: SpspOptions,
}

impl fmt::Debug for SpspClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SpspClient").field("options", &self.options).finish_non_exhaustive()
    }
}

impl SpspClient {
    /// A client that trusts what `tls` trusts.
    #[must_use]
    pub fn new(options: SpspOptions, tls: &ClientConfig) -> Self {
        // One small answer a connection is nothing that HTTP/2 would help with.
        let mut tls = tls.clone();
        tls.alpn_protocols = vec![b"http/1.1".to_vec()];
        Self { tls: Arc::new(tls), options }
    }

    /// Asks the receiver how it is paid. Each call gets credentials of its own.
    ///
    /// # Errors
    /// [`SpspError`]: no connection, no answer in time, or none that a payment can be made with.
    pub async fn query(&self, receiver: &ReceiverUrl) -> Result<PaymentDetails, SpspError> {
        let answered = Box::pin(self.follow(receiver.clone()));
        let time_max = self.options.time_max;
        let in_time = tokio::time::timeout(time_max, answered).await;
        in_time.unwrap_or(Err(SpspError::Timeout(time_max)))
    }

    async fn follow(&self, mut receiver: ReceiverUrl) -> Result<PaymentDetails, SpspError> {
        for _ in 0..=self.options.redirects_max {
            match Box::pin(self.ask(&receiver)).await? {
                Answered::Details(details) => return Ok(details),
                Answered::Redirected(to) => receiver = to,
            }
        }
        Err(SpspError::Redirects)
    }

    async fn ask(&self, receiver: &ReceiverUrl) -> Result<Answered, SpspError> {
        let endpoint = receiver.endpoint();
        let stream = connect::dial(endpoint).await.map_err(SpspError::Connect)?;
        if !endpoint.is_tls() {
            return self.exchange(receiver, stream).await;
        }
        let name = connect::server_name(endpoint.host()).map_err(SpspError::Connect)?;
        let stream = TlsConnector::from(Arc::clone(&self.tls)).connect(name, stream).await;
        let refused = |error| SpspError::Connect(crate::client::ConnectError::Tls(Arc::new(error)));
        self.exchange(receiver, stream.map_err(refused)?).await
    }

    async fn exchange<S>(&self, receiver: &ReceiverUrl, stream: S) -> Result<Answered, SpspError>
    where
        S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        let failed = |error: hyper::Error| SpspError::Http(Arc::new(error));
        let meter = Meter::new(UNANSWERED_BYTES_MAX);
        let stream = Watched::new(stream, Arc::clone(&meter));
        let (mut sender, connection) = http1::Builder::new()
            .max_buf_size(HEAD_BYTES_MAX as usize)
            .handshake(TokioIo::new(stream))
            .await
            .map_err(failed)?;
        let exchange = async {
            let response = sender.send_request(request(receiver)).await.map_err(failed)?;
            meter.lift();
            self.read(receiver, response).await
        };
        // The connection is driven here and not by a task of its own, so that nothing of it
        // outlives the query. Its end says nothing: what was read before it is still to be taken.
        let drive = async {
            let _ = connection.await;
            std::future::pending::<()>().await;
        };
        tokio::select! {
            biased;
            answered = exchange => answered,
            () = drive => Err(SpspError::Redirects),
        }
    }

    async fn read(
        &self,
        receiver: &ReceiverUrl,
        response: Response<Incoming>,
    ) -> Result<Answered, SpspError> {
        match response.status() {
            StatusCode::OK => {}
            StatusCode::NOT_FOUND => return Err(SpspError::Unknown),
            StatusCode::GONE => return Err(SpspError::Over),
            StatusCode::MOVED_PERMANENTLY
            | StatusCode::FOUND
            | StatusCode::SEE_OTHER
            | StatusCode::TEMPORARY_REDIRECT
            | StatusCode::PERMANENT_REDIRECT => {
                return redirected(receiver, response.headers()).map(Answered::Redirected);
            }
            status => return Err(SpspError::Status(status.as_u16())),
        }
        if !is_json(response.headers()) {
            return Err(SpspError::NotSpsp);
        }
        let bytes_max = self.options.body_bytes_max;
        let body =
            body::read(response.into_body(), bytes_max).await.map_err(|error| match error {
                ReadError::TooLong => SpspError::TooLong(bytes_max),
                ReadError::Cut(error) => SpspError::Http(Arc::new(error)),
            })?;
        PaymentDetails::read(&body).map(Answered::Details)
    }
}

enum Answered {
    Details(PaymentDetails),
    Redirected(ReceiverUrl),
}

fn request(receiver: &ReceiverUrl) -> Request<Empty<Bytes>> {
    let endpoint = receiver.endpoint();
    let mut request = Request::new(Empty::new());
    *request.uri_mut() = endpoint.path().clone().into();
    let headers = request.headers_mut();
    // A host, and so an authority, is made of characters that a header may hold.
    if let Ok(host) = endpoint.authority().try_into() {
        headers.insert(HOST, host);
    }
    headers.insert(ACCEPT, http::HeaderValue::from_static(SPSP_TYPE));
    let agent = concat!("jirani/", env!("CARGO_PKG_VERSION"));
    headers.insert(USER_AGENT, http::HeaderValue::from_static(agent));
    request
}

/// Where a redirection leads, if that is the same host.
fn redirected(from: &ReceiverUrl, headers: &HeaderMap) -> Result<ReceiverUrl, SpspError> {
    let location = headers.get(LOCATION).and_then(|location| location.to_str().ok());
    let location = location.ok_or(SpspError::Redirects)?;
    let is_path = location.starts_with('/') && !location.starts_with("//");
    let here = from.endpoint();
    let written = if is_path {
        let scheme = if here.is_tls() { "https" } else { "http" };
        format!("{scheme}://{}{location}", here.authority())
    } else {
        location.to_owned()
    };
    let to = ReceiverUrl::parse(&written).map_err(|_| SpspError::Redirects)?;
    if to.endpoint().host() != here.host() || (here.is_tls() && !to.endpoint().is_tls()) {
        return Err(SpspError::Elsewhere(to.to_string()));
    }
    Ok(to)
}

/// Servers in use say `application/spsp4+json`, its predecessor, or just JSON.
fn is_json(headers: &HeaderMap) -> bool {
    const TYPES: [&str; 3] = [SPSP_TYPE, "application/spsp+json", "application/json"];
    let said = headers.get(CONTENT_TYPE).and_then(|said| said.to_str().ok()).unwrap_or_default();
    let said = said.split(';').next().unwrap_or_default().trim();
    TYPES.iter().any(|known| said.eq_ignore_ascii_case(known))
}
