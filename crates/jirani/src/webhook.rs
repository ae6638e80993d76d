//! Delivery of events to their receiver: a `POST` over HTTP.

use std::{sync::Arc, time::Duration};

use http::{
    Request,
    header::{CONTENT_TYPE, HeaderName},
};
use ilp_http::web::{WebClient, WebError, WebOptions};
use ilp_net::ServiceUrl;
use ilp_operator::{Backoff, BoxFuture, WebhookRequest, WebhookRules, WebhookTransport};

use crate::{
    config::WebhookConfig,
    web::{self, Web},
};

/// The most requests in progress at once, and connections kept for the next ones.
const PARALLEL_MAX: usize = 16;

/// The longest part of a receiver's answer that is read. Only its status matters, but its body must
/// be read for the connection to be kept.
const ANSWER_BYTES_MAX: usize = 64 * 1024;

/// The header with an event's signature.
const SIGNATURE: HeaderName = HeaderName::from_static("rafiki-signature");

/// The time that the sender waits longer than the receiver's timeout, so that this client gives up
/// first, with a better description of the failure.
const SLACK: Duration = Duration::from_millis(500);

/// Returns the operator's configuration in the sender's terms.
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
    url: ServiceUrl,
    client: WebClient,
}

impl Receiver {
    /// Makes the receiver at `url`. A redirection doesn't confirm an event.
    pub(crate) fn new(url: ServiceUrl, timeout: Duration, web: &Web) -> Arc<Self> {
        let client = web.client(WebOptions {
            time_max: timeout,
            connect_time_max: timeout,
            body_bytes_max: ANSWER_BYTES_MAX,
            idle_connections_max: PARALLEL_MAX,
            ..WebOptions::default()
        });
        Arc::new(Self { url, client })
    }

    async fn send(&self, request: WebhookRequest) -> Result<u16, WebError> {
        let mut post = Request::post(self.url.reveal()).header(CONTENT_TYPE, "application/json");
        if let Some(signature) = request.signature {
            post = post.header(SIGNATURE, signature);
        }
        let post = post.body(request.body.into()).map_err(|_| WebError::Url)?;
        match self.client.send(post).await {
            Ok(answer) => Ok(answer.status().as_u16()),
            Err(error) => Err(error),
        }
    }
}

impl WebhookTransport for Receiver {
    fn post(&self, request: WebhookRequest) -> BoxFuture<'_, Result<u16, String>> {
        Box::pin(async move {
            let sent = self.send(request).await;
            sent.map_err(|error| web::reason(&error, "the receiver"))
        })
    }
}
