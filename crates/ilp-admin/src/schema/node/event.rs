//! Events in the schema.

use async_graphql::{Enum, ID, InputObject, SimpleObject};
use ilp_store::{Delivery, EventRecord, Rows};
use interledger_packet::Timestamp;

use crate::schema::{
    forms::{
        filter::FilterString,
        page::{self, PageInfo, Row},
        response::{MutationResponse, Status},
        scalars::JsonObject,
    },
    node::{node_info::int, tenant::Tenant},
};

/// An event for the operator's own systems.
#[derive(SimpleObject)]
pub(crate) struct WebhookEvent {
    /// The event's id, a UUID, by which a receiver recognises an event that it gets twice.
    pub(crate) id: ID,
    /// The type of the event, such as `peer.liquidity_low`.
    #[graphql(name = "type")]
    kind: String,
    /// The event's data, as it is sent.
    data: JsonObject,
    /// The time of the event, such as `2026-11-23T12:00:00.000Z`.
    pub(crate) created_at: String,
    /// The state of the delivery.
    state: WebhookEventState,
    /// The number of attempts since the event, or since it was retried.
    attempts: i32,
    /// The time of the next attempt; null unless the event is pending.
    next_attempt_at: Option<String>,
    /// The tenant whose receiver gets the event. There is one.
    tenant: Option<Tenant>,
}

/// The state of an event's delivery.
#[derive(Clone, Copy, PartialEq, Eq, Enum)]
pub(crate) enum WebhookEventState {
    /// The event is to be sent, or to be sent again. It stays pending while no receiver is
    /// configured.
    Pending,
    /// The receiver has confirmed it.
    Delivered,
    /// All configured attempts have failed; `retryWebhookEvent` makes the event pending again.
    Dead,
    /// The event's type is not among those that are sent (`webhook.types`), so the event is only
    /// listed.
    Skipped,
}

impl From<EventRecord> for WebhookEvent {
    fn from(event: EventRecord) -> Self {
        let time = |ms: u64| Timestamp::from_unix_ms(ms).to_string();
        let (state, next_attempt_at) = match event.delivery {
            Delivery::Due { at_ms } => (WebhookEventState::Pending, Some(time(at_ms))),
            Delivery::Delivered { .. } => (WebhookEventState::Delivered, None),
            Delivery::Dead { .. } => (WebhookEventState::Dead, None),
            Delivery::Skipped { .. } => (WebhookEventState::Skipped, None),
        };
        Self {
            id: event.id.into(),
            kind: event.kind,
            data: JsonObject::read(&event.data),
            created_at: time(event.created_at_ms),
            state,
            attempts: int(event.attempts),
            next_attempt_at,
            tenant: Some(Tenant::default()),
        }
    }
}

impl Row for WebhookEvent {
    fn id(&self) -> &ID {
        &self.id
    }
}

/// A page of events.
#[derive(SimpleObject)]
pub(crate) struct WebhookEventsConnection {
    /// The position of the page in the list.
    page_info: PageInfo,
    /// The events of the page.
    edges: Vec<WebhookEventsEdge>,
}

/// An event in a list.
#[derive(SimpleObject)]
pub(crate) struct WebhookEventsEdge {
    /// The event.
    node: WebhookEvent,
    /// The cursor of this place in the list, also after the event is gone.
    cursor: String,
}

impl From<Rows<EventRecord>> for WebhookEventsConnection {
    fn from(rows: Rows<EventRecord>) -> Self {
        let (page_info, rows) = page::page(rows);
        let edges = rows.map(|(cursor, node)| WebhookEventsEdge { node, cursor }).collect();
        Self { page_info, edges }
    }
}

/// The criteria by which a list is filtered.
#[derive(Default, InputObject)]
pub(crate) struct WebhookEventFilter {
    /// By type.
    #[graphql(name = "type")]
    kind: Option<FilterString>,
}

impl WebhookEventFilter {
    /// The types that are wanted and those that aren't.
    pub(crate) fn read(self) -> (Vec<String>, Vec<String>) {
        let FilterString { only, not_in } = self.kind.unwrap_or_default();
        (only.unwrap_or_default(), not_in.unwrap_or_default())
    }
}

/// The result of having an event sent again.
#[derive(SimpleObject)]
pub(crate) struct WebhookEventMutationResponse {
    /// The event as it is now; null when the mutation was refused.
    webhook_event: Option<WebhookEvent>,
    #[graphql(flatten)]
    status: Status,
}

impl MutationResponse for WebhookEventMutationResponse {
    type Done = EventRecord;

    fn new(done: Option<EventRecord>, status: Status) -> Self {
        Self { webhook_event: done.map(WebhookEvent::from), status }
    }
}
