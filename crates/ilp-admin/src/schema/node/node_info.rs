//! The node itself in the schema.

use async_graphql::SimpleObject;
use ilp_operator::{NodeView, PingOutcome};
use ilp_store::BackupReport;

use crate::schema::{
    forms::{
        response::{MutationResponse, Status},
        scalars::UInt64,
    },
    peers::peer::LinkFailure,
};

/// The node that answers.
#[derive(SimpleObject)]
pub(crate) struct NodeInfo {
    /// The program's version.
    version: String,
    /// The node's own ILP address.
    address: String,
    /// The URL to which peers send their packets: `ilp.public_url`, or that of `ilp.listen`.
    connector_url: String,
    /// The reason why an operator elsewhere can't use `connectorUrl`, and what to set; null where
    /// there is none.
    connector_advice: Option<String>,
    /// The time of the start, such as `2026-11-23T12:00:00.000Z`.
    started_at: String,
    /// The time since the start, in whole seconds.
    uptime_seconds: i32,
    /// The number of peers.
    peer_count: i32,
    /// The number of assets.
    asset_count: i32,
    /// The reason why the ledger has stopped; null while it works. After it has stopped, no packet
    /// is forwarded until the node is started again.
    ledger_stopped: Option<String>,
    /// A fault that will stop the ledger unless the operator acts, such as a disk that is filling
    /// up; null while there is none.
    ledger_warning: Option<String>,
    /// A service that peers lack at the moment although the node works, such as exchange rates that
    /// are older than their lifetime; null while there is none.
    degraded: Option<String>,
}

impl From<NodeView> for NodeInfo {
    fn from(node: NodeView) -> Self {
        Self {
            version: node.version.to_owned(),
            address: node.address.to_string(),
            connector_url: node.connector_url,
            connector_advice: node.connector_advice,
            started_at: node.started_at.to_string(),
            uptime_seconds: int(node.uptime_ms / 1000),
            peer_count: int(node.peer_count),
            asset_count: int(node.asset_count),
            ledger_stopped: node.ledger_stopped,
            ledger_warning: node.ledger_warning,
            degraded: node.degraded,
        }
    }
}

/// The answer to a ping: a packet of zero that can't be fulfilled.
#[derive(SimpleObject)]
pub(crate) struct PingResult {
    /// Whether an answer came in time.
    answered: bool,
    /// The ILP address of the node that rejected the packet; null without an answer, and where the
    /// answer has none.
    triggered_by: Option<String>,
    /// The ILP error code, such as `F99`; null without an answer. F02 says that there is no path,
    /// and F codes from the destination itself that there is one.
    code: Option<String>,
    /// The message of the node that rejected the packet; null without an answer.
    message: Option<String>,
    /// The time until the answer, in microseconds.
    took_us: i32,
    /// The reason why the first peer on the way gave no reply; null where it gave one, or where the
    /// packet went to none.
    failure: Option<LinkFailure>,
}

impl From<PingOutcome> for PingResult {
    fn from(outcome: PingOutcome) -> Self {
        let took_us = int(outcome.took_us);
        let failure = outcome.trouble.map(LinkFailure::from);
        match outcome.reply {
            Some(reply) => Self {
                answered: true,
                triggered_by: reply.triggered_by.map(|address| address.to_string()),
                code: Some(reply.code),
                message: Some(reply.message),
                took_us,
                failure,
            },
            None => Self {
                answered: false,
                triggered_by: None,
                code: None,
                message: None,
                took_us,
                failure,
            },
        }
    }
}

/// The client's tenant.
#[derive(SimpleObject)]
pub(crate) struct WhoamiResponse {
    /// The tenant's id, which goes into the `tenant-id` header of signed requests.
    pub(crate) id: String,
    /// Whether the tenant is the node's operator. There is no other tenant.
    pub(crate) is_operator: bool,
}

/// A copy of the store.
#[derive(SimpleObject)]
pub(crate) struct Backup {
    /// The number of the last transfer in it.
    last_sequence: UInt64,
    /// The number of the journal's segments.
    segments: UInt64,
    /// The size of its journal in bytes.
    journal_bytes: UInt64,
}

impl From<BackupReport> for Backup {
    fn from(report: BackupReport) -> Self {
        Self {
            last_sequence: report.last_sequence.into(),
            segments: report.segments.into(),
            journal_bytes: report.journal_bytes.into(),
        }
    }
}

/// The result of a backup.
#[derive(SimpleObject)]
pub(crate) struct BackupMutationResponse {
    /// The copy; null when the mutation was refused.
    backup: Option<Backup>,
    #[graphql(flatten)]
    status: Status,
}

impl MutationResponse for BackupMutationResponse {
    type Done = BackupReport;

    fn new(done: Option<BackupReport>, status: Status) -> Self {
        Self { backup: done.map(Backup::from), status }
    }
}

/// GraphQL's integers have 32 bits; what is more than they hold shows as the most they hold.
pub(crate) fn int(number: impl TryInto<i32>) -> i32 {
    number.try_into().unwrap_or(i32::MAX)
}
