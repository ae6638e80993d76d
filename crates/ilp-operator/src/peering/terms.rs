//! The offer, the answer and the decision when a node asks to become a peer.

use ilp_connector::token::Secret;
use ilp_store::PeeringRequestRecord;

use crate::access::caller::Caller;

/// The operator's rules for nodes that ask to become peers.
#[derive(Clone, Debug, Default)]
pub struct PeeringRules {
    /// Whether nodes that ask become peers at once, or when the operator approves.
    pub is_automatic: bool,
    /// The liquidity of a new peer, in the asset's smallest unit.
    pub liquidity: u64,
    /// How many peers that were made at once there may be.
    pub peers_max: usize,
    /// Whether a new peer may be on this machine or in a private network.
    pub private_endpoints: bool,
    /// Where peers send their packets to us.
    pub connector_url: String,
    /// The reason why an operator elsewhere can't use that URL, and what to set; `None` where the
    /// URL looks usable.
    pub connector_advice: Option<String>,
}

/// The offer of another node.
#[derive(Clone, Debug)]
pub struct PeeringOffer {
    /// Its ILP address.
    pub static_ilp_address: String,
    /// Where it takes packets.
    pub connector_url: String,
    /// The asset to count in.
    pub asset_code: String,
    /// Its scale.
    pub asset_scale: u8,
    /// The token that the other node will show us.
    pub token: Secret,
    /// The largest amount of one packet, in the asset's smallest unit.
    pub max_packet_amount: Option<u64>,
    /// The other node's name for itself.
    pub name: Option<String>,
    /// The token that it shows us now, if it is a peer.
    pub proof: Option<Secret>,
    /// Where it asks from.
    pub caller: Option<Caller>,
}

/// The answer to a node that asks: all it needs to send us packets.
#[derive(Clone, Debug)]
pub struct PeeringAnswer {
    /// The ILP address of the one that answers.
    pub static_ilp_address: String,
    /// Where it takes packets.
    pub connector_url: String,
    /// The token that this node will show the other one.
    pub token: Secret,
    /// The node's name for itself.
    pub name: String,
    /// Whose node it is.
    pub tenant_id: String,
    /// Whether the operator has yet to approve.
    pub is_pending: bool,
}

/// A request that waits for the operator.
#[derive(Clone, Debug)]
pub struct PeeringRequestView {
    /// The request as it was made.
    pub record: PeeringRequestRecord,
    /// Warnings about the packets that the node would take from other peers.
    pub warnings: Vec<String>,
}

/// The operator's additions at an approval.
#[derive(Clone, Debug, Default)]
pub struct PeeringApproval {
    /// Which request.
    pub id: String,
    /// In place of what the other node calls itself.
    pub name: Option<String>,
    /// In place of what the other node asks for, in the asset's smallest unit.
    pub max_packet_amount: Option<u64>,
    /// The liquidity of the peer, in the asset's smallest unit; the configured one when `None`.
    pub initial_liquidity: Option<u64>,
}
