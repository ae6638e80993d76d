//! Events on their way to the operator's own systems, each delivered at least once.
//!
//! An event lies in the store until its receiver has confirmed it, and is sent over and over with
//! growing pauses until then or until it is given up. Several are under way at once, so one that
//! its receiver is slow about, or fails at, never holds up another. Nothing of the store is locked
//! while a receiver is waited for, and nothing is looked at while there is nothing to send.

pub(crate) mod error;
pub(crate) mod event_kind;
pub(crate) mod events;

mod backoff;
mod message;
mod pauses;
mod worker;

#[cfg(test)]
mod tests;

use std::{fmt, sync::Arc, time::Duration};

use ilp_connector::token::Secret;
use ilp_store::Store;
use tokio::sync::Notify;

pub use self::backoff::Backoff;
use self::pauses::Pauses;
use crate::{
    node::parts::Clock, vocabulary::boxed_future::BoxFuture, webhook::event_kind::SentEvents,
};

/// One request to the receiver of events.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WebhookRequest {
    /// The event as JSON: `id`, `type` and `data`, in the canonical form that is signed.
    pub body: String,
    /// The value of the header `Rafiki-Signature`, where a secret is set.
    pub signature: Option<String>,
}

/// How requests reach the receiver: the daemon implements it over HTTP.
pub trait WebhookTransport: Send + Sync {
    /// Sends one request as a `POST` and gives the HTTP status of the answer. Follows no
    /// redirection, and ends in bounded time even without an answer.
    ///
    /// The error says why there was no answer, without naming the receiver's URL, which may carry
    /// a token.
    fn post(&self, request: WebhookRequest) -> BoxFuture<'_, Result<u16, String>>;
}

/// The operator's rules for the sending of events.
#[derive(Clone, Debug)]
pub struct WebhookRules {
    /// The events that are sent.
    pub events: SentEvents,
    /// The secret that requests are signed with.
    pub secret: Option<Secret>,
    /// How often an event is tried before it is given up; at least once.
    pub attempts_max: u32,
    /// How many requests may be under way at once; at least one.
    pub parallel_max: usize,
    /// How long an answer is waited for.
    pub timeout: Duration,
    /// The pauses between attempts.
    pub backoff: Backoff,
}

/// Sends the events of a store.
#[derive(Clone)]
pub struct Webhooks {
    store: Store,
    transport: Arc<dyn WebhookTransport>,
    rules: Arc<WebhookRules>,
    clock: Clock,
    event_made: Arc<Notify>,
    pauses: Arc<Pauses>,
}

impl Webhooks {
    /// A sender, which does nothing until it is [run](Webhooks::run). `event_made` wakes it.
    #[must_use]
    pub fn new(
        store: Store,
        transport: Arc<dyn WebhookTransport>,
        rules: WebhookRules,
        clock: Clock,
        event_made: Arc<Notify>,
    ) -> Self {
        let pauses = Arc::new(Pauses::new(rules.backoff.longest()));
        Self { store, transport, rules: Arc::new(rules), clock, event_made, pauses }
    }
}

impl fmt::Debug for Webhooks {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Webhooks").field("rules", &self.rules).finish_non_exhaustive()
    }
}
