//! A peer and the inputs that make and change one, which have the limits of a peer among their fields.
//! What the command line shows and sets of them does not compile while one is missing here.

use serde::Serialize;

use super::{Http, HttpInput, LinkFailure, PeerState};
use crate::{Id, Patch, UInt64, asset::Unit, schema};

#[derive(cynic::QueryFragment, Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Peer {
    pub id: Id,
    pub name: Option<String>,
    pub static_ilp_address: String,
    pub routes: Vec<String>,
    pub is_default_route: bool,
    pub liquidity: Option<UInt64>,
    pub liquidity_threshold: Option<UInt64>,
    pub max_packet_amount: Option<UInt64>,
    pub packets_per_minute_max: Option<UInt64>,
    pub amount_per_second_max: Option<UInt64>,
    pub packets_in_flight_max: Option<UInt64>,
    pub amount_in_flight_max: Option<UInt64>,
    pub asset_share_in_flight_percent_max: Option<u8>,
    pub spread_basis_points: i32,
    pub incoming_token_count: i32,
    pub state: PeerState,
    pub last_seen_at: Option<String>,
    pub last_failure: Option<LinkFailure>,
    pub created_at: String,
    pub version: UInt64,
    pub asset: Unit,
    pub http: Http,
}

// The structs are arguments as a whole: what cynic derives needs their fields and the limits to come
// from one place.
macro_rules! with_limits {
    (
        { $($limit:ident: $type:ty,)* }
        $(#[$create:meta])* pub struct $new:ident { $($new_before:tt)* } { $($new_after:tt)* }
        $(#[$update:meta])* pub struct $edit:ident { $($edit_before:tt)* } { $($edit_after:tt)* }
    ) => {
        $(#[$create])*
        pub struct $new {
            $($new_before)*
            $(#[cynic(skip_serializing_if = "Option::is_none")] pub $limit: Option<$type>,)*
            $($new_after)*
        }

        $(#[$update])*
        pub struct $edit {
            $($edit_before)*
            $(#[cynic(skip_serializing_if = "Option::is_none")] pub $limit: Option<Patch<$type>>,)*
            $($edit_after)*
        }

        /// The limits of a peer, for the inputs that have them among their fields.
        #[derive(Clone, Debug, Default)]
        pub struct PeerLimits {
            $(pub $limit: Option<Patch<$type>>,)*
        }

        impl CreatePeerInput {
            /// Returns the input that has the required fields alone.
            pub fn new(static_ilp_address: String, asset_id: Id, http: HttpInput) -> Self {
                Self {
                    static_ilp_address,
                    asset_id,
                    http,
                    name: None,
                    initial_liquidity: None,
                    liquidity_threshold: None,
                    max_packet_amount: None,
                    $($limit: None,)*
                    spread_basis_points: None,
                    routes: None,
                    is_default_route: None,
                    idempotency_key: None,
                }
            }
            /// Returns the input with limits besides.
            pub fn with_limits(self, limits: PeerLimits) -> Self {
                Self { $($limit: limits.$limit.and_then(Patch::set),)* ..self }
            }
        }

        impl UpdatePeerInput {
            /// Returns the input that changes no more of a peer than its limits.
            pub fn limits(id: Id, limits: PeerLimits) -> Self {
                Self {
                    id,
                    static_ilp_address: None,
                    http: None,
                    name: None,
                    liquidity_threshold: None,
                    max_packet_amount: None,
                    $($limit: limits.$limit,)*
                    spread_basis_points: None,
                    routes: None,
                    is_default_route: None,
                    version: None,
                    idempotency_key: None,
                }
            }
        }
    };
}

with_limits! {
    {
        packets_per_minute_max: UInt64,
        amount_per_second_max: UInt64,
        packets_in_flight_max: UInt64,
        amount_in_flight_max: UInt64,
        asset_share_in_flight_percent_max: u8,
    }

    #[derive(cynic::InputObject, Clone, Debug)]
    #[cynic(require_all_fields)]
    pub struct CreatePeerInput {
        pub static_ilp_address: String,
        pub asset_id: Id,
        pub http: HttpInput,
        #[cynic(skip_serializing_if = "Option::is_none")]
        pub name: Option<String>,
        #[cynic(skip_serializing_if = "Option::is_none")]
        pub initial_liquidity: Option<UInt64>,
        #[cynic(skip_serializing_if = "Option::is_none")]
        pub liquidity_threshold: Option<UInt64>,
        #[cynic(skip_serializing_if = "Option::is_none")]
        pub max_packet_amount: Option<UInt64>,
    }
    {
        #[cynic(skip_serializing_if = "Option::is_none")]
        pub spread_basis_points: Option<i32>,
        #[cynic(skip_serializing_if = "Option::is_none")]
        pub routes: Option<Vec<String>>,
        #[cynic(skip_serializing_if = "Option::is_none")]
        pub is_default_route: Option<bool>,
        #[cynic(skip_serializing_if = "Option::is_none")]
        pub idempotency_key: Option<String>,
    }

    #[derive(cynic::InputObject, Clone, Debug)]
    #[cynic(require_all_fields)]
    pub struct UpdatePeerInput {
        pub id: Id,
        #[cynic(skip_serializing_if = "Option::is_none")]
        pub static_ilp_address: Option<String>,
        #[cynic(skip_serializing_if = "Option::is_none")]
        pub http: Option<HttpInput>,
        #[cynic(skip_serializing_if = "Option::is_none")]
        pub name: Option<Patch<String>>,
        #[cynic(skip_serializing_if = "Option::is_none")]
        pub liquidity_threshold: Option<Patch<UInt64>>,
        #[cynic(skip_serializing_if = "Option::is_none")]
        pub max_packet_amount: Option<Patch<UInt64>>,
    }
    {
        #[cynic(skip_serializing_if = "Option::is_none")]
        pub spread_basis_points: Option<i32>,
        #[cynic(skip_serializing_if = "Option::is_none")]
        pub routes: Option<Vec<String>>,
        #[cynic(skip_serializing_if = "Option::is_none")]
        pub is_default_route: Option<bool>,
        #[cynic(skip_serializing_if = "Option::is_none")]
        pub version: Option<UInt64>,
        #[cynic(skip_serializing_if = "Option::is_none")]
        pub idempotency_key: Option<String>,
    }
}
