//! How events reach their receiver: a `POST` over HTTP, on a thread that may wait for it.
//!
//! Events are rare, so a blocking client with a thread for each of the few requests under way does,
//! and it is the one that the command line has anyway.

use std::{sync::Arc, time::Duration};

use ilp_admin::{Backoff, WebhookRequest, WebhookRules, WebhookTransport, operator::BoxFuture};
use ilp_connector::token::Secret;

use crate::{config::WebhookConfig, http_agent};

/// Requests under way at once. Each may take a thread for as long as a receiver may take.
const PARALLEL_MAX: usize = 16;

/// How much longer than the receiver's time the sender waits for this client, which itself gives up
/// in time and says better what happened.
const SLACK: Duration = Duration::from_millis(500);

/// What the operator decided, in the sender's terms.
pub(crate) fn rules(config: &WebhookConfig) -> WebhookRules {
    WebhookRules {
        events: config.types.clone(),
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
    /// The receiver at `url`. Who redirects has not confirmed anything.
    pub(crate) fn new(url: Secret, timeout: Duration) -> Arc<Self> {
        Arc::new(Self { url, agent: http_agent::agent(timeout) })
    }
}

/// Sends one request and waits for the head of its answer.
fn send(agent: &ureq::Agent, url: &Secret, request: &WebhookRequest) -> Result<u16, String> {
    let mut post = agent.post(url.reveal()).header("content-type", "application/json");
    if let Some(signature) = &request.signature {
        post = post.header("rafiki-signature", signature);
    }
    match post.send(request.body.as_bytes()) {
        Ok(answer) => Ok(answer.status().as_u16()),
        Err(error) => Err(http_agent::reason(&error, "the receiver")),
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
