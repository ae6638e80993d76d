//! The records of assets and peers as the rest of the node sees them. They can't be serialised, so
//! that no secret ends up in a reply by accident; their form on disk is in `stored_form`.

use ilp_connector::{
    conversion::Spread,
    token::{Secret, TokenDigest},
};
use uuid::Uuid;

/// A currency or other unit that the node keeps balances in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AssetRecord {
    /// A UUID v7 made by the caller, so that the order of ids is the order of creation.
    pub id: Uuid,
    /// Such as `USD`. Unique together with the scale.
    pub code: String,
    /// How many decimal places the smallest unit is below one whole unit.
    pub scale: u8,
    /// Least amount of a withdrawal, in the smallest unit.
    pub withdrawal_threshold: Option<u64>,
    /// An event is due when the asset's liquidity falls to this, in the smallest unit.
    pub liquidity_threshold: Option<u64>,
    /// Milliseconds since 1970.
    pub created_at_ms: u64,
    /// The number of edits so far. An edit names the version that it is based on and is refused
    /// when the stored version is another.
    pub version: u64,
}

/// A neighbour that packets come from and go to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PeerRecord {
    /// A UUID v7 made by the caller, so that the order of ids is the order of creation.
    pub id: Uuid,
    /// What the peer's balance is kept in.
    pub asset_id: Uuid,
    /// Valid when it was stored; unique among the peers of one asset.
    pub static_ilp_address: String,
    /// For people.
    pub name: Option<String>,
    /// Largest amount of one packet, in the asset's smallest unit; `None` takes the node's default.
    pub max_packet_amount: Option<u64>,
    /// An event is due when the peer's liquidity falls to this, in the asset's smallest unit.
    pub liquidity_threshold: Option<u64>,
    /// Prefixes that lead to this peer, beyond its own address. Valid when they were stored.
    pub routes: Vec<String>,
    /// Where the peer takes packets, as the operator gave it.
    pub endpoint: String,
    /// What we show the peer. Stored whole, since it has to be sent.
    pub outgoing_token: Secret,
    /// What the peer may show us. A digest belongs to at most one peer.
    pub incoming_tokens: Vec<IncomingToken>,
    /// The number of packets that the peer may send in a minute; `None` is the node's default.
    pub packets_per_minute_max: Option<u64>,
    /// What the peer may send in a second, in the asset's smallest unit; `None` is without limit.
    pub amount_per_second_max: Option<u64>,
    /// Packets of the peer's that may be under way at once; `None` takes the node's default.
    pub packets_in_flight_max: Option<u64>,
    /// What of the peer's may be under way at once, in the asset's smallest unit; `None` takes the
    /// node's default.
    pub amount_in_flight_max: Option<u64>,
    /// How much of the stock of another asset the peer's packets may hold, in percent; `None` takes
    /// the node's default.
    pub asset_share_in_flight_percent_max: Option<u8>,
    /// Whether the peer is the default route, for packets without a longer match.
    pub is_default_route: bool,
    /// What the node keeps of whatever the peer sends.
    pub spread: Spread,
    /// Milliseconds since 1970.
    pub created_at_ms: u64,
    /// The number of edits so far. An edit names the version that it is based on and is refused
    /// when the stored version is another.
    pub version: u64,
    /// What the creation of the peer still owes the books. It's stored with the peer and cleared
    /// once the ledger has booked it, so that a crash between the two neither loses nor doubles it.
    pub initial_deposit: Option<InitialDeposit>,
}

/// A token that a peer may show us, of which only the digest is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IncomingToken {
    /// What it is found by.
    pub digest: TokenDigest,
    /// Since when the peer may show it, in milliseconds since 1970.
    pub created_at_ms: u64,
}

/// A deposit that is part of creating a peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InitialDeposit {
    /// The id under which the ledger books it, at most once.
    pub transfer_id: Uuid,
    /// In the asset's smallest unit.
    pub amount: u64,
}

/// What is kept of a deleted peer so that its books stay readable: no tokens, no endpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeletedPeerRecord {
    /// The id it had, and that its account still has.
    pub id: Uuid,
    /// What its balance was kept in.
    pub asset_id: Uuid,
    /// The address it had.
    pub static_ilp_address: String,
    /// The name it had.
    pub name: Option<String>,
    /// Milliseconds since 1970.
    pub created_at_ms: u64,
    /// Milliseconds since 1970.
    pub deleted_at_ms: u64,
}
