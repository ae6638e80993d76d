//! How events reach their receiver: a `POST` over HTTP, on a thread that may wait for it.
//!
//! Events are rare, so a blocking client with a thread for each of the few requests under way does,
//! and it is the one that the command line has anyway.

use std::{sync::Arc, time::Duration};

use ilp_admin::{Backoff, WebhookRequest, WebhookRules, WebhookTransport, operator::BoxFuture};
use ilp_connector::token::Secret;
use ureq::tls::{Certificate, RootCerts, TlsConfig};

use crate::config::WebhookConfig;

/// Requests under way at once. Each may take a thread for as long as a receiver may take.
const PARALLEL_MAX: usize = 16;

/// How much longer than the receiver's time the sender waits for this client, which itself gives up
/// in time and says better what happened.
const SLACK: Duration = Duration::from_millis(500);

/// What the operator decided, in the sender's terms.
pub(crate) fn rules(config: &WebhookConfig) -> WebhookRules {
    WebhookRules {
        secret: config.secret.clone(),
        attempts_max: config.attempts_max,
        parallel_max: PARALLEL_MAX,
        timeout: Duration::from_millis(config.timeout_ms) + SLACK,
        backoff: Backoff::default(),
    }
}

/// The one receiver of events.
pub(crate) struct Receiver {
    url: Secret,
    agent: ureq::Agent,
}

impl Receiver {
    /// The receiver at `url`. For `https` the machine's own roots are trusted, as for peers.
    pub(crate) fn new(url: Secret, timeout: Duration) -> Arc<Self> {
        Arc::new(Self { url, agent: agent(timeout) })
    }
}

/// A client that trusts the machine's own roots and gives a request so much time.
pub(crate) fn agent(timeout: Duration) -> ureq::Agent {
    let roots = rustls_native_certs::load_native_certs().certs;
    let roots: Vec<_> = roots.iter().map(|root| Certificate::from_der(root).to_owned()).collect();
    let tls = TlsConfig::builder().root_certs(RootCerts::new_with_certs(&roots)).build();
    let agent = ureq::Agent::config_builder()
        .timeout_global(Some(timeout))
        .http_status_as_error(false)
        // Whoever is redirected to has not confirmed anything, and might be anybody.
        .max_redirects(0)
        .max_redirects_will_error(false)
        .tls_config(tls)
        .user_agent(concat!("jirani/", env!("CARGO_PKG_VERSION")))
        .build();
    agent.into()
}

/// Sends one request and waits for the head of its answer.
fn send(agent: &ureq::Agent, url: &Secret, request: &WebhookRequest) -> Result<u16, String> {
    let mut post = agent.post(url.reveal()).header("content-type", "application/json");
    if let Some(signature) = &request.signature {
        post = post.header("rafiki-signature", signature);
    }
    match post.send(request.body.as_bytes()) {
        Ok(answer) => Ok(answer.status().as_u16()),
        Err(error) => Err(reason(&error)),
    }
}

/// What went wrong, in words that don't repeat the URL, which may carry a token.
fn reason(error: &ureq::Error) -> String {
    match error {
        ureq::Error::Timeout(_) => "the receiver did not answer in time".to_owned(),
        ureq::Error::HostNotFound => "the receiver's name is unknown".to_owned(),
        ureq::Error::ConnectionFailed => "the receiver takes no connection".to_owned(),
        ureq::Error::Io(error) => format!("the connection failed: {}", error.kind()),
        ureq::Error::Rustls(error) => format!("TLS failed: {error}"),
        ureq::Error::BadUri(_) => "webhook.url is no URL that can be sent to".to_owned(),
        _ => "the receiver's answer is no HTTP answer".to_owned(),
    }
}

impl WebhookTransport for Receiver {
    fn post(&self, request: WebhookRequest) -> BoxFuture<'_, Result<u16, String>> {
        let (agent, url) = (self.agent.clone(), self.url.clone());
        Box::pin(async move {
            let sent = tokio::task::spawn_blocking(move || send(&agent, &url, &request)).await;
            sent.unwrap_or_else(|panic| Err(format!("the client failed: {panic}")))
        })
    }
}
