//! What operations answer: a record, and with it what the books say at this moment.

use std::sync::Arc;

use ilp_connector::{LinkTrouble, Reachability, account::AccountId, peer::Asset, traffic::Flows};
use ilp_store::{AssetRecord, PeerRecord};
use interledger_packet::{Address, Timestamp};

use super::{Inner, Operator, OperatorError};

/// An asset as it is now.
#[derive(Clone, Debug)]
pub struct AssetView {
    /// What is stored of it.
    pub record: AssetRecord,
    /// The node's own stock of it that is not on hold, in its smallest unit.
    pub liquidity: u128,
}

/// A peer as it is now.
#[derive(Clone, Debug)]
pub struct PeerView {
    /// What is stored of it.
    pub record: PeerRecord,
    /// What its balance is kept in.
    pub asset: AssetView,
    /// What it may still send, holds taken off, in the asset's smallest unit.
    pub liquidity: u128,
    /// Whether packets reach it, as far as those that were sent to it tell.
    pub reachability: Reachability,
    /// When it last answered a packet, to the second.
    pub last_seen_at: Option<Timestamp>,
    /// The reason why a packet to the peer last got no reply. An answer that is kept for a repeated
    /// request leaves it out.
    pub last_trouble: Option<LinkTrouble>,
    /// What passed from and to it since the process started.
    pub passed: Passed,
}

/// Packets of a peer that were fulfilled since the process started, and those under way. Amounts are
/// in the smallest unit of its asset.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Passed {
    /// Packets from it.
    pub packets_in: u64,
    /// Packets to it.
    pub packets_out: u64,
    /// What those from it took from its liquidity.
    pub amount_in: u128,
    /// What those to it added to its liquidity.
    pub amount_out: u128,
    /// What those from it that are under way have set aside.
    pub amount_on_hold: u128,
}

impl From<Flows> for Passed {
    fn from(Flows { incoming, outgoing, .. }: Flows) -> Self {
        Self {
            packets_in: incoming.fulfilled.packets,
            packets_out: outgoing.fulfilled.packets,
            amount_in: incoming.fulfilled.amount,
            amount_out: outgoing.fulfilled.amount,
            amount_on_hold: incoming.in_flight.amount,
        }
    }
}

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
    /// What peers can't have at the moment although the node works.
    pub degraded: Option<String>,
}

impl Inner {
    pub(super) fn asset_view(&self, record: AssetRecord) -> AssetView {
        let account = self.ledger().account(AccountId::asset(record.id));
        AssetView { record, liquidity: account.balance().available() }
    }

    /// Reads the store.
    pub(super) fn peer_view(&self, record: PeerRecord) -> Result<PeerView, OperatorError> {
        let id = record.asset_id;
        let asset = self.parts.store.asset(id)?.ok_or_else(|| {
            OperatorError::internal(&format!("peer {} is of the unknown asset {id}", record.id))
        })?;
        Ok(self.peer_view_with(record, self.asset_view(asset)))
    }

    pub(super) fn peer_view_with(&self, record: PeerRecord, asset: AssetView) -> PeerView {
        let account = self.ledger().account(AccountId::peer(record.id));
        let live = self.parts.connector.peer(record.id);
        PeerView {
            liquidity: account.balance().available(),
            // A peer whose creation isn't over has not been sent anything.
            reachability: live.as_ref().map_or(Reachability::Unknown, |peer| peer.reachability()),
            last_seen_at: live.as_ref().and_then(|peer| peer.last_seen_at()),
            last_trouble: live.as_ref().and_then(|peer| peer.last_trouble()),
            passed: live.map(|peer| peer.traffic.flows().into()).unwrap_or_default(),
            record,
            asset,
        }
    }
}

impl Operator {
    /// Returns the assets, in no order.
    #[must_use]
    pub fn live_assets(&self) -> Vec<Arc<Asset>> {
        self.inner.assets.read().values().cloned().collect()
    }

    /// How the node is.
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
            degraded: self.rates_trouble(),
        }
    }
}
