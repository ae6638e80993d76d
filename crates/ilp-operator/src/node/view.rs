//! The state of the node as a whole.

use interledger_packet::{Address, Timestamp};

use crate::node::operator::Operator;

/// The node as it is now.
#[derive(Clone, Debug)]
pub struct NodeView {
    /// The program's version.
    pub version: &'static str,
    /// The node's own ILP address.
    pub address: Address,
    /// The URL to which peers send their packets.
    pub connector_url: String,
    /// The reason why an operator elsewhere can't use that URL, and what to set.
    pub connector_advice: Option<String>,
    /// When it was started.
    pub started_at: Timestamp,
    /// How long ago that is, in milliseconds.
    pub uptime_ms: u64,
    /// How many peers packets may come from and go to.
    pub peer_count: usize,
    /// How many assets there are.
    pub asset_count: usize,
    /// Why the ledger has stopped, if it has. Once it has, only a restart helps.
    pub ledger_stopped: Option<String>,
    /// The reason why the ledger will stop unless the operator acts.
    pub ledger_warning: Option<String>,
    /// Whether the cluster's database has not taken a page for too long, so that no packet is taken.
    pub is_ledger_stalled: bool,
    /// The reason why peers lack a service at the moment although the node works.
    pub degraded: Option<String>,
}

impl Operator {
    /// Returns the state of the node.
    #[must_use]
    pub fn node(&self) -> NodeView {
        let parts = &self.inner.parts;
        NodeView {
            version: parts.version,
            address: parts.connector.address().clone(),
            connector_url: parts.peering.connector_url.clone(),
            connector_advice: parts.peering.connector_advice.clone(),
            started_at: self.inner.started_at,
            uptime_ms: self.uptime_ms(),
            peer_count: parts.connector.peer_count(),
            asset_count: self.inner.assets.read().len(),
            ledger_stopped: self.inner.ledger().stopped(),
            ledger_warning: self.inner.ledger().warning(),
            is_ledger_stalled: self.inner.ledger().is_stalled(),
            degraded: self.rates_trouble(),
        }
    }
}
