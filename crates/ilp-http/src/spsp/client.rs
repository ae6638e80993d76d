//! Asks a receiver how it is paid: one `GET`, bounded in bytes and in time.

use super::{PaymentDetails, SPSP_TYPE, SpspError};
use crate::web::{Proxies, Reach, Redirection, WebClient, WebOptions, redirection};
use bytes::Bytes;
use http::{
    HeaderMap, HeaderValue, Request, Response, StatusCode, Uri,
    header::{ACCEPT, CONTENT_TYPE},
};
use ilp_net::ReceiverUrl;
use rustls::ClientConfig;
use std::{sync::Arc, time::Duration};
use tokio::time::Instant;

/// The bounds of a query.
#[derive(Clone, Debug)]
pub struct SpspOptions {
    /// From the look-up of the host to the last byte of the answer, redirections included.
    pub time_max: Duration,
    /// The longest answer in bytes. An address has 1,023 at the most, a secret 44.
    pub body_bytes_max: usize,
    /// Redirections followed.
    pub redirects_max: usize,
    /// The rule for receivers on this machine and in private networks.
    pub private_receivers: PrivateReceivers,
    /// The time that a query takes if it fails and [`Unspecific`](PrivateReceivers::Unspecific)
    /// hides the failure. It is also the most that such a query may take.
    pub private_time: Duration,
}

impl Default for SpspOptions {
    fn default() -> Self {
        Self {
            time_max: Duration::from_secs(10),
            body_bytes_max: 16 * 1_024,
            redirects_max: 3,
            private_receivers: PrivateReceivers::Allowed,
            private_time: Duration::from_secs(5),
        }
    }
}

/// The treatment of queries that lead to this machine or into a private network. People outside
/// name the receivers, and must not learn from the answers what is inside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PrivateReceivers {
    /// The queries are made as any other.
    Allowed,
    /// The queries are made, and all failures look alike: one error, after one time.
    Unspecific,
    /// The queries are not made.
    Refused,
}

/// Asks receivers. Each query has a connection of its own: credentials serve one payment, so there
/// is nothing to ask a second time, and answers are not cached, whatever they allow.
///
/// Redirections are followed on the same host, as often as the options say, and never from
/// `https://` back to `http://`. One to another host ends the query with
/// [`SpspError::Elsewhere`], which names it: a payer must be able to see who is paid in the end.
#[derive(Clone, Debug)]
pub struct SpspClient {
    anywhere: WebClient,
    public: WebClient,
    options: SpspOptions,
}

impl SpspClient {
    /// Makes a client that trusts what `tls` trusts and goes through `proxies`.
    #[must_use]
    pub fn new(options: SpspOptions, tls: &ClientConfig, proxies: &Arc<Proxies>) -> Self {
        let client = |reach| {
            let bounds = WebOptions {
                time_max: options.time_max,
                connect_time_max: options.time_max,
                body_bytes_max: options.body_bytes_max,
                reach,
                ..WebOptions::default()
            };
            WebClient::new(tls, Arc::clone(proxies), bounds)
        };
        Self { anywhere: client(Reach::Anywhere), public: client(Reach::Public), options }
    }

    /// Returns a client for receivers that have answered before. It is not [`Unspecific`] about
    /// failures, since it is known that such a receiver is there.
    ///
    /// [`Unspecific`]: PrivateReceivers::Unspecific
    #[must_use]
    pub fn of_known_receivers(&self) -> Self {
        let mut known = self.clone();
        if known.options.private_receivers == PrivateReceivers::Unspecific {
            known.options.private_receivers = PrivateReceivers::Allowed;
        }
        known
    }

    /// Asks the receiver how it is paid. Each call gets credentials of its own.
    ///
    /// # Errors
    /// [`SpspError`]: no connection, no answer in time, or none that a payment can be made with.
    pub async fn query(&self, receiver: &ReceiverUrl) -> Result<PaymentDetails, SpspError> {
        match self.options.private_receivers {
            PrivateReceivers::Allowed => self.ask(&self.anywhere, receiver).await,
            PrivateReceivers::Refused => self.ask(&self.public, receiver).await,
            PrivateReceivers::Unspecific => match self.ask(&self.public, receiver).await {
                Err(SpspError::NotPublic) => self.ask_discreetly(receiver).await,
                answered => answered,
            },
        }
    }

    /// Queries a receiver on this machine or in a private network, and hides the reason of a
    /// failure.
    async fn ask_discreetly(&self, receiver: &ReceiverUrl) -> Result<PaymentDetails, SpspError> {
        let until = Instant::now() + self.options.private_time;
        let asked = Box::pin(self.ask(&self.anywhere, receiver));
        let failure = match tokio::time::timeout_at(until, asked).await {
            Ok(Ok(details)) => return Ok(details),
            Ok(Err(failure)) => failure,
            Err(_) => SpspError::Timeout(self.options.private_time),
        };
        tracing::debug!(%receiver, reason = %failure, "a receiver nearby can't be asked");
        tokio::time::sleep_until(until).await;
        Err(SpspError::Unspecified)
    }

    async fn ask(
        &self,
        client: &WebClient,
        receiver: &ReceiverUrl,
    ) -> Result<PaymentDetails, SpspError> {
        let time_max = self.options.time_max;
        let answered = Box::pin(self.follow(client, receiver.clone()));
        let in_time = tokio::time::timeout(time_max, answered).await;
        in_time.unwrap_or(Err(SpspError::Timeout(time_max)))
    }

    async fn follow(
        &self,
        client: &WebClient,
        mut receiver: ReceiverUrl,
    ) -> Result<PaymentDetails, SpspError> {
        for _ in 0..=self.options.redirects_max {
            let uri: Uri = receiver.to_string().parse().map_err(|_| SpspError::Redirects)?;
            let mut request = Request::new(Bytes::new());
            *request.uri_mut() = uri.clone();
            request.headers_mut().insert(ACCEPT, HeaderValue::from_static(SPSP_TYPE));
            let response = Box::pin(client.send(request)).await?;
            receiver = match redirection(&uri, response.status(), response.headers()) {
                None => return read(&response),
                Some(Redirection::Within(to)) => {
                    ReceiverUrl::parse(&to.to_string()).map_err(|_| SpspError::Redirects)?
                }
                Some(Redirection::Elsewhere(to)) => return Err(SpspError::Elsewhere(to)),
                Some(Redirection::Nowhere) => break,
            };
        }
        Err(SpspError::Redirects)
    }
}

fn read(response: &Response<Bytes>) -> Result<PaymentDetails, SpspError> {
    match response.status() {
        StatusCode::OK if is_json(response.headers()) => PaymentDetails::read(response.body()),
        StatusCode::OK => Err(SpspError::NotSpsp),
        StatusCode::NOT_FOUND => Err(SpspError::Unknown),
        StatusCode::GONE => Err(SpspError::Over),
        status => Err(SpspError::Status(status.as_u16())),
    }
}

/// Servers in use say `application/spsp4+json`, its predecessor, or just JSON.
fn is_json(headers: &HeaderMap) -> bool {
    const TYPES: [&str; 3] = [SPSP_TYPE, "application/spsp+json", "application/json"];
    let said = headers.get(CONTENT_TYPE).and_then(|said| said.to_str().ok()).unwrap_or_default();
    let said = said.split(';').next().unwrap_or_default().trim();
    TYPES.iter().any(|known| said.eq_ignore_ascii_case(known))
}
