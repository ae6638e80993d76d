//! What is offered, answered and decided when a node asks to become a peer.

use ilp_connector::token::Secret;
use ilp_store::PeeringRequestRecord;

use crate::access::caller::Caller;

/// What the operator has decided about nodes that ask.
#[derive(Clone, Debug, Default)]
pub struct PeeringRules {
    /// Whether nodes that ask become peers at once, or when the operator approves.
    pub is_automatic: bool,
    /// What a new peer may send, in the asset's smallest unit.
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

/// What another node offers.
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
    /// What it will show us.
    pub token: Secret,
    /// The largest amount of one packet, in the asset's smallest unit.
    pub max_packet_amount: Option<u64>,
    /// What it calls itself.
    pub name: Option<String>,
    /// The token that it shows us now, if it is a peer.
    pub proof: Option<Secret>,
    /// Where it asks from.
    pub caller: Option<Caller>,
}

/// What the node that asks needs.
#[derive(Clone, Debug)]
pub struct PeeringAnswer {
    /// The ILP address of the one that answers.
    pub static_ilp_address: String,
    /// Where it takes packets.
    pub connector_url: String,
    /// What it will show the other one.
    pub token: Secret,
    /// What it calls itself.
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

/// What the operator adds when it approves.
#[derive(Clone, Debug, Default)]
pub struct PeeringApproval {
    /// Which request.
    pub id: String,
    /// In place of what the other node calls itself.
    pub name: Option<String>,
    /// In place of what the other node asks for, in the asset's smallest unit.
    pub max_packet_amount: Option<u64>,
    /// What the peer may send, in the asset's smallest unit; what is configured when `None`.
    pub initial_liquidity: Option<u64>,
}
