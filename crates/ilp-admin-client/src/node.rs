//! The node itself: what it says of itself, pings, backups and events.

use serde::Serialize;

use crate::{Id, JsonObject, UInt64, operation::query, schema};

/// The node's account of itself.
#[derive(Clone, Copy, Debug)]
pub struct Node;

#[derive(cynic::QueryFragment, Debug)]
#[cynic(graphql_type = "Query")]
pub struct NodeQuery {
    pub node: NodeInfo,
}

#[derive(cynic::QueryFragment, Clone, Debug)]
pub struct NodeInfo {
    pub address: String,
    pub connector_url: String,
    pub connector_advice: Option<String>,
}

/// A packet to an address, over a peer or in an asset where one is named.
#[derive(cynic::QueryVariables, Clone, Debug)]
pub struct Ping {
    pub address: String,
    pub peer: Option<Id>,
    pub asset: Option<Id>,
}

#[derive(cynic::QueryFragment, Debug)]
#[cynic(graphql_type = "Query", variables = "Ping")]
pub struct PingQuery {
    #[arguments(address: $address, peerId: $peer, assetId: $asset)]
    pub ping: PingResult,
}

#[derive(cynic::QueryFragment, Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PingResult {
    pub answered: bool,
    pub triggered_by: Option<String>,
    pub code: Option<String>,
    pub message: Option<String>,
    pub took_us: i32,
    pub failure: Option<PingFailure>,
}

#[derive(cynic::QueryFragment, Clone, Debug, Serialize)]
#[cynic(graphql_type = "LinkFailure")]
#[serde(rename_all = "camelCase")]
pub struct PingFailure {
    pub kind: String,
    pub message: String,
    pub http_status: Option<i32>,
    pub at: String,
    pub count: UInt64,
}

query!(Ping => PingQuery, |data| Some(data.ping) => PingResult);

/// A copy of the store in a folder of the node's machine.
#[derive(cynic::QueryVariables, Clone, Debug)]
pub struct MakeBackup {
    pub dir: String,
}

#[derive(cynic::QueryFragment, Debug)]
#[cynic(graphql_type = "Mutation", variables = "MakeBackup")]
pub struct BackupMutation {
    #[arguments(dir: $dir)]
    pub backup: BackupMutationResponse,
}

#[derive(cynic::QueryFragment, Clone, Debug)]
pub struct BackupMutationResponse {
    pub backup: Option<Backup>,
}

#[derive(cynic::QueryFragment, Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Backup {
    pub last_sequence: UInt64,
    pub segments: UInt64,
    pub journal_bytes: UInt64,
}

/// The newest events of some types, or of all.
#[derive(cynic::QueryVariables, Clone, Debug)]
pub struct WebhookEvents {
    pub first: i32,
    pub filter: Option<WebhookEventFilter>,
}

#[derive(cynic::QueryFragment, Debug)]
#[cynic(graphql_type = "Query", variables = "WebhookEvents")]
pub struct WebhookEventsQuery {
    #[arguments(first: $first, filter: $filter)]
    pub webhook_events: WebhookEventsConnection,
}

#[derive(cynic::QueryFragment, Debug)]
pub struct WebhookEventsConnection {
    pub edges: Vec<WebhookEventsEdge>,
}

#[derive(cynic::QueryFragment, Debug)]
pub struct WebhookEventsEdge {
    pub node: WebhookEvent,
}

#[derive(cynic::QueryFragment, Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct WebhookEvent {
    pub id: Id,
    #[cynic(rename = "type")]
    #[serde(rename = "type")]
    pub kind: String,
    pub data: JsonObject,
    pub created_at: String,
    pub state: WebhookEventState,
    pub attempts: i32,
    pub next_attempt_at: Option<String>,
}

#[derive(cynic::Enum, Clone, Copy, Debug, PartialEq, Eq)]
pub enum WebhookEventState {
    Dead,
    Delivered,
    Pending,
    Skipped,
}

#[derive(cynic::InputObject, Clone, Debug)]
#[cynic(require_all_fields)]
pub struct WebhookEventFilter {
    #[cynic(rename = "type", skip_serializing_if = "Option::is_none")]
    pub kind: Option<FilterString>,
}

#[derive(cynic::InputObject, Clone, Debug)]
#[cynic(require_all_fields)]
pub struct FilterString {
    #[cynic(skip_serializing_if = "Option::is_none", rename = "in")]
    pub within: Option<Vec<String>>,
    #[cynic(skip_serializing_if = "Option::is_none", rename = "notIn")]
    pub without: Option<Vec<String>>,
}

query!(WebhookEvents => WebhookEventsQuery,
    |data| Some(data.webhook_events.edges.into_iter().map(|edge| edge.node).collect())
        => Vec<WebhookEvent>);

/// The delivery of an event again.
#[derive(cynic::QueryVariables, Clone, Debug)]
pub struct RetryWebhookEvent {
    pub id: Id,
}

#[derive(cynic::QueryFragment, Debug)]
#[cynic(graphql_type = "Mutation", variables = "RetryWebhookEvent")]
pub struct RetryWebhookEventMutation {
    #[arguments(id: $id)]
    pub retry_webhook_event: WebhookEventMutationResponse,
}

#[derive(cynic::QueryFragment, Debug)]
pub struct WebhookEventMutationResponse {
    pub webhook_event: Option<WebhookEvent>,
}

impl crate::Request for Node {
    type Data = NodeQuery;
    type Answer = NodeInfo;

    fn body(self) -> Result<serde_json::Value, serde_json::Error> {
        serde_json::to_value(<NodeQuery as cynic::QueryBuilder<_>>::build(()))
    }

    fn answer(data: NodeQuery) -> Option<NodeInfo> {
        Some(data.node)
    }
}

macro_rules! plain_mutation {
    ($variables:ty => $name:ty, |$data:ident| $pick:expr => $answer:ty) => {
        impl crate::Request for $variables {
            type Data = $name;
            type Answer = $answer;

            fn body(self) -> Result<serde_json::Value, serde_json::Error> {
                serde_json::to_value(<$name as cynic::MutationBuilder<_>>::build(self))
            }

            fn answer($data: $name) -> Option<$answer> {
                $pick
            }
        }
    };
}

plain_mutation!(MakeBackup => BackupMutation, |data| data.backup.backup => Backup);
plain_mutation!(RetryWebhookEvent => RetryWebhookEventMutation,
    |data| data.retry_webhook_event.webhook_event => WebhookEvent);
