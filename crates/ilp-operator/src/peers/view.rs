//! What operations answer: a record, and with it what the books say at this moment.

use ilp_connector::{LinkTrouble, Reachability, account::AccountId, traffic::Flows};
use ilp_store::PeerRecord;
use interledger_packet::Timestamp;

use crate::{
    assets::view::AssetView,
    node::operator::Inner,
    vocabulary::error::{Inconsistency, OperatorError},
};

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

impl Inner {
    /// Reads the store.
    pub(crate) fn peer_view(&self, record: PeerRecord) -> Result<PeerView, OperatorError> {
        let id = record.asset_id;
        let asset = self
            .store
            .asset(id)?
            .ok_or(Inconsistency::AssetOfPeer { peer: record.id, asset: id })?;
        Ok(self.peer_view_with(record, self.asset_view(asset)))
    }

    pub(crate) fn peer_view_with(&self, record: PeerRecord, asset: AssetView) -> PeerView {
        let total = self.ledger().total(AccountId::peer(record.id));
        let live = self.parts.connector.peer(record.id);
        PeerView {
            liquidity: total.available(),
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
