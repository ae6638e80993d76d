//! What operations are given: texts and numbers as an operator typed them, not yet checked.

use crate::vocabulary::edit::Edit;

use ilp_connector::token::Secret;

/// A peer to be made. Amounts are in the asset's smallest unit.
#[derive(Clone, Debug)]
pub struct NewPeer {
    /// What its balance is kept in.
    pub asset_id: String,
    /// Its own ILP address.
    pub static_ilp_address: String,
    /// For people.
    pub name: Option<String>,
    /// Largest amount of one packet; `None` takes the node's default.
    pub max_packet_amount: Option<u64>,
    /// An event is due when its liquidity falls to this.
    pub liquidity_threshold: Option<u64>,
    /// What else is reached through it.
    pub routes: Vec<String>,
    /// Where it takes packets.
    pub endpoint: String,
    /// What we show there.
    pub outgoing_token: Secret,
    /// What it may show us; `None` for a peer that only receives.
    pub incoming_tokens: Option<Vec<Secret>>,
    /// The number of packets that the peer may send in a minute; `None` is the node's default.
    pub packets_per_minute_max: Option<u64>,
    /// What it may send in a second; `None` is without limit.
    pub amount_per_second_max: Option<u64>,
    /// Packets of it that may be under way at once; `None` takes the node's default.
    pub packets_in_flight_max: Option<u64>,
    /// What of it may be under way at once; `None` takes the node's default.
    pub amount_in_flight_max: Option<u64>,
    /// How much of another asset's stock its packets may hold, in percent; `None` takes the node's
    /// default.
    pub asset_share_in_flight_percent_max: Option<u8>,
    /// Whether the peer is the default route, for packets without a longer match.
    pub is_default_route: bool,
    /// What the node keeps of whatever it sends, in basis points; `None` is nothing.
    pub spread_basis_points: Option<i32>,
    /// What is deposited for it at once; zero is no deposit.
    pub initial_liquidity: u64,
}

impl Default for NewPeer {
    /// Nothing is set, which makes no peer yet.
    fn default() -> Self {
        Self {
            asset_id: String::new(),
            static_ilp_address: String::new(),
            name: None,
            max_packet_amount: None,
            liquidity_threshold: None,
            routes: Vec::new(),
            endpoint: String::new(),
            outgoing_token: Secret::new(String::new()),
            incoming_tokens: None,
            packets_per_minute_max: None,
            amount_per_second_max: None,
            packets_in_flight_max: None,
            amount_in_flight_max: None,
            asset_share_in_flight_percent_max: None,
            is_default_route: false,
            spread_basis_points: None,
            initial_liquidity: 0,
        }
    }
}

/// A change of a peer. What is `None` or [`Edit::Keep`] stays.
#[derive(Clone, Debug, Default)]
pub struct PeerEdit {
    /// Which one.
    pub id: String,
    /// Its own ILP address.
    pub static_ilp_address: Option<String>,
    /// For people.
    pub name: Edit<String>,
    /// Largest amount of one packet.
    pub max_packet_amount: Edit<u64>,
    /// An event is due when its liquidity falls to this.
    pub liquidity_threshold: Edit<u64>,
    /// What else is reached through it, in place of what was.
    pub routes: Edit<Vec<String>>,
    /// Where it takes packets, and what we show there.
    pub outgoing: Option<(String, Secret)>,
    /// What it may show us, in place of what it might.
    pub incoming_tokens: Option<Vec<Secret>>,
    /// Packets that it may send in a minute.
    pub packets_per_minute_max: Edit<u64>,
    /// What it may send in a second.
    pub amount_per_second_max: Edit<u64>,
    /// Packets of it that may be under way at once.
    pub packets_in_flight_max: Edit<u64>,
    /// What of it may be under way at once.
    pub amount_in_flight_max: Edit<u64>,
    /// How much of another asset's stock its packets may hold, in percent.
    pub asset_share_in_flight_percent_max: Edit<u8>,
    /// Whether the peer is the default route, for packets without a longer match.
    pub is_default_route: Option<bool>,
    /// What the node keeps of whatever it sends, in basis points.
    pub spread_basis_points: Edit<i32>,
    /// The version that the edit is based on; `None` edits whatever is stored.
    pub version: Option<u64>,
}
