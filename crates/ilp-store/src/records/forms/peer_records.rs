//! The records of assets and peers as the rest of the node sees them. They can't be serialised, so
//! that no secret ends up in a reply by accident; their form on disk is in `stored_form`.

use ilp_connector::{
    PeerLimits,
    conversion::Spread,
    token::{Secret, TokenDigest},
};
use interledger_packet::{Address, AddressPrefix};
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
    /// The asset of the peer's balance.
    pub asset_id: Uuid,
    /// The terms that the two operators agreed on, and those that this node's operator decides.
    pub terms: PeerTerms,
    /// Milliseconds since 1970.
    pub created_at_ms: u64,
    /// The number of edits so far. An edit names the version that it is based on and is refused
    /// when the stored version is another.
    pub version: u64,
    /// The deposit that the creation of the peer still owes the books. It's stored with the peer
    /// and cleared once the ledger has booked it, so that a crash between the two neither loses nor
    /// doubles it.
    pub initial_deposit: Option<InitialDeposit>,
}

/// The terms of a peer, each in a type that can't be wrong. Amounts are in the asset's smallest unit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PeerTerms {
    /// The peer's own ILP address; unique among the peers of one asset.
    pub address: Address,
    /// For people.
    pub name: Option<String>,
    /// Largest amount of one packet; `None` takes the node's default.
    pub max_packet_amount: Option<u64>,
    /// An event is due when the peer's liquidity falls to this.
    pub liquidity_threshold: Option<u64>,
    /// Prefixes that lead to this peer, beyond its own address.
    pub routes: Vec<AddressPrefix>,
    /// Where the peer takes packets, as the operator wrote it: the text is shown again, and stores
    /// have texts from before endpoints were parsed as they are today. Valid when it was stored.
    pub endpoint: String,
    /// The token that we show the peer. Stored whole, since it has to be sent.
    pub outgoing_token: Secret,
    /// The tokens that the peer may show us. A digest belongs to at most one peer.
    pub incoming_tokens: Vec<IncomingToken>,
    /// The limits on what the peer may send.
    pub limits: PeerLimits,
    /// Whether the peer is the default route, for packets without a longer match.
    pub is_default_route: bool,
    /// The share that the node keeps of each amount the peer sends.
    pub spread: Spread,
}

impl PeerTerms {
    /// Returns terms that have an address alone, to which the others are added.
    #[must_use]
    pub fn at(address: Address) -> Self {
        Self {
            address,
            name: None,
            max_packet_amount: None,
            liquidity_threshold: None,
            routes: Vec::new(),
            endpoint: String::new(),
            outgoing_token: Secret::new(String::new()),
            incoming_tokens: Vec::new(),
            limits: PeerLimits::default(),
            is_default_route: false,
            spread: Spread::NONE,
        }
    }
}

/// A token that a peer may show us, of which only the digest is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IncomingToken {
    /// The digest by which the token is found.
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

/// The record of a deleted peer, so that its books stay readable: no tokens, no endpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeletedPeerRecord {
    /// The id it had, and that its account still has.
    pub id: Uuid,
    /// The asset of the peer's balance.
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
