//! What the schema tells of the node itself.

use async_graphql::SimpleObject;
use ilp_operator::{NodeView, PingOutcome};
use ilp_store::BackupReport;

use super::{
    peer::LinkFailure,
    response::{MutationResponse, Status},
    scalars::UInt64,
};

/// The node that answers.
#[derive(SimpleObject)]
pub(crate) struct NodeInfo {
    /// The program's version.
    version: String,
    /// The node's own ILP address.
    address: String,
    /// Where peers send their packets: `ilp.public_url`, or what `ilp.listen` stands for.
    connector_url: String,
    /// Why an operator elsewhere can't use `connectorUrl`, and what to set; null where nothing speaks
    /// against it.
    connector_advice: Option<String>,
    /// When the node was started, such as `2026-11-23T12:00:00.000Z`.
    started_at: String,
    /// How long the node has been running, in whole seconds.
    uptime_seconds: i32,
    /// How many peers the node has.
    peer_count: i32,
    /// How many assets the node has.
    asset_count: i32,
    /// Why the ledger has stopped; null while it works. Once it has stopped, no packet is
    /// forwarded until the node is started again.
    ledger_stopped: Option<String>,
    /// What will stop the ledger unless somebody does something, such as a disk that is full; null
    /// while there is nothing.
    ledger_warning: Option<String>,
    /// What peers can't have at the moment although the node works, such as exchange rates that are
    /// older than their lifetime; null while there is nothing.
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

/// Who answered a packet of zero that nobody can fulfil.
#[derive(SimpleObject)]
pub(crate) struct PingResult {
    /// Whether anybody answered in time.
    answered: bool,
    /// The ILP address of the node that refused the packet; null when nobody answered or the node
    /// doesn't say.
    triggered_by: Option<String>,
    /// The ILP error code, such as `F99`; null when nobody answered. F02 says that there is no
    /// path, and F codes from the destination itself that there is one.
    code: Option<String>,
    /// What the node that refused says; null when nobody answered.
    message: Option<String>,
    /// How long it took, in microseconds.
    took_us: i32,
    /// Why the first peer on the way gave no reply; null where it gave one, or where the packet went to
    /// none.
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

/// Who the client is.
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
    /// How many segments of the journal it has.
    segments: UInt64,
    /// How large its journal is, in bytes.
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

/// What became of a backup.
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
pub(super) fn int(number: impl TryInto<i32>) -> i32 {
    number.try_into().unwrap_or(i32::MAX)
}
