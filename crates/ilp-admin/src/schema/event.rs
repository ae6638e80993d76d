//! Events in the schema.

use async_graphql::{Enum, ID, InputObject, SimpleObject};
use ilp_store::{Delivery, EventRecord, Rows};
use interledger_packet::Timestamp;

use super::{
    filter::FilterString,
    node::int,
    page::{self, PageInfo, Row},
    response::{MutationResponse, Status},
    scalars::JsonObject,
    tenant::Tenant,
};

/// Something that happened which the operator's own systems are told.
#[derive(SimpleObject)]
pub(crate) struct WebhookEvent {
    /// The event's id, a UUID. A receiver that is told twice knows it by this.
    pub(super) id: ID,
    /// What happened, such as `peer.liquidity_low`.
    #[graphql(name = "type")]
    kind: String,
    /// The rest of it, as it is sent.
    data: JsonObject,
    /// When it happened, such as `2026-11-23T12:00:00.000Z`.
    pub(super) created_at: String,
    /// Whether the receiver has it.
    state: WebhookEventState,
    /// How often it was sent since it was made, or since somebody had it sent again.
    attempts: i32,
    /// When it is sent next; null unless it is pending.
    next_attempt_at: Option<String>,
    /// Who is told. There is one tenant.
    tenant: Option<Tenant>,
}

/// Whether the receiver of an event has it.
#[derive(Clone, Copy, PartialEq, Eq, Enum)]
pub(crate) enum WebhookEventState {
    /// It is still to be sent, or to be sent again. So it stays while no receiver is configured.
    Pending,
    /// The receiver has confirmed it.
    Delivered,
    /// It was tried as often as is configured and given up, until `retryWebhookEvent`.
    Dead,
    /// Its type is not among those that are sent (`webhook.types`), so it is only listed.
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
    /// Where the page lies in the list.
    page_info: PageInfo,
    /// The events of the page.
    edges: Vec<WebhookEventsEdge>,
}

/// An event in a list.
#[derive(SimpleObject)]
pub(crate) struct WebhookEventsEdge {
    /// The event.
    node: WebhookEvent,
    /// Names this place in the list, also after the event is gone.
    cursor: String,
}

impl From<Rows<EventRecord>> for WebhookEventsConnection {
    fn from(rows: Rows<EventRecord>) -> Self {
        let (page_info, rows) = page::page(rows);
        let edges = rows.map(|(cursor, node)| WebhookEventsEdge { node, cursor }).collect();
        Self { page_info, edges }
    }
}

/// Which events a list has.
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

/// What became of having an event sent again.
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
