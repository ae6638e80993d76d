//! The inputs for peers.

use async_graphql::{ID, InputObject, MaybeUndefined};
use ilp_connector::token::Secret;
use ilp_operator::{Edit, Field, NewPeer, OperatorError, PeerEdit, PeerTermsEdit};

use crate::schema::{
    forms::scalars::UInt64,
    peers::limits::{CreatePeerLimitsInput, UpdatePeerLimitsInput},
};

/// A peer to be made.
#[derive(InputObject)]
pub(crate) struct CreatePeerInput {
    /// The most that one packet to or from the peer may carry, in the asset's smallest unit; the
    /// node's own default when left out.
    max_packet_amount: Option<UInt64>,
    /// The HTTP endpoint and the tokens of both directions.
    http: HttpInput,
    /// The id of the asset that the peer's balance is kept in. It can't be changed later.
    asset_id: String,
    /// The peer's ILP address, such as `g.othergreatwallet`. One peer of each asset may have it.
    static_ilp_address: String,
    /// The peer's name for people; 256 characters at most.
    name: Option<String>,
    /// An event is due when liquidity falls to this or below. In the asset's smallest unit.
    liquidity_threshold: Option<UInt64>,
    /// The initial liquidity, in the asset's smallest unit: a deposit from settlement. Zero, or
    /// left out, is no deposit.
    initial_liquidity: Option<UInt64>,
    /// The idempotency key: a request that is repeated with it is done once.
    pub(crate) idempotency_key: Option<String>,
    /// Address prefixes that lead to the peer beside its own address, such as `g.far.bank`, or `g`
    /// for all that no other route matches.
    routes: Option<Vec<String>>,
    #[graphql(flatten)]
    limits: CreatePeerLimitsInput,
    /// Whether the peer is the next hop for addresses that no other route matches. Several peers
    /// may; then one is chosen by the destination.
    is_default_route: Option<bool>,
    /// The node's charge on what the peer sends, in basis points (hundredths of a percent) from 0
    /// to 10000, on top of the exchange rate; nothing when left out. Between two peers of one
    /// asset, where the rate is 1, it is the whole price.
    spread_basis_points: Option<i32>,
}

impl CreatePeerInput {
    pub(crate) fn read(self) -> Result<NewPeer, OperatorError> {
        let (outgoing, incoming) = (self.http.outgoing, self.http.incoming.take());
        let initial = UInt64::optional(self.initial_liquidity, Field::InitialLiquidity)?;
        let terms = PeerTermsEdit {
            static_ilp_address: Some(self.static_ilp_address),
            name: Edit::set_or_keep(self.name),
            max_packet_amount: Edit::set_or_keep(UInt64::optional(
                self.max_packet_amount,
                Field::MaxPacketAmount,
            )?),
            liquidity_threshold: Edit::set_or_keep(UInt64::optional(
                self.liquidity_threshold,
                Field::LiquidityThreshold,
            )?),
            routes: Edit::Set(self.routes.unwrap_or_default()),
            outgoing: Some((outgoing.endpoint, Secret::new(outgoing.auth_token))),
            incoming_tokens: incoming.map(HttpIncomingInput::read),
            limits: self.limits.read()?,
            is_default_route: Some(self.is_default_route.unwrap_or(false)),
            spread_basis_points: Edit::set_or_keep(self.spread_basis_points),
        };
        Ok(NewPeer { asset_id: self.asset_id, terms, initial_liquidity: initial.unwrap_or(0) })
    }
}

/// A change of a peer. A field that is left out stays, and null clears a field that may be empty.
#[derive(InputObject)]
pub(crate) struct UpdatePeerInput {
    /// The peer's id.
    id: String,
    /// The most that one packet to or from the peer may carry, in the asset's smallest unit; null
    /// for the node's own default.
    max_packet_amount: MaybeUndefined<UInt64>,
    /// The HTTP endpoint and the tokens of both directions.
    http: MaybeUndefined<HttpInput>,
    /// The peer's ILP address. Its place at the head of `routes` follows it.
    static_ilp_address: MaybeUndefined<String>,
    /// The peer's name for people; 256 characters at most.
    name: MaybeUndefined<String>,
    /// An event is due when liquidity falls to this or below. In the asset's smallest unit.
    liquidity_threshold: MaybeUndefined<UInt64>,
    /// The idempotency key: a request that is repeated with it is done once.
    pub(crate) idempotency_key: Option<String>,
    /// Address prefixes that lead to the peer beside its own address, in place of those before.
    routes: MaybeUndefined<Vec<String>>,
    #[graphql(flatten)]
    limits: UpdatePeerLimitsInput,
    /// Whether the peer is the next hop for addresses that no other route matches.
    is_default_route: Option<bool>,
    /// The node's charge on what the peer sends, in basis points (hundredths of a percent) from 0
    /// to 10000; null for nothing.
    spread_basis_points: MaybeUndefined<i32>,
    /// The version that the change is based on, from the object's `version`. If the stored version
    /// differs, nothing is changed and the answer is `CONFLICT`. When left out, the change applies
    /// to any version.
    version: Option<UInt64>,
}

impl UpdatePeerInput {
    pub(crate) fn read(self) -> Result<PeerEdit, OperatorError> {
        let (outgoing, incoming) = match self.http.take() {
            Some(http) => (Some(http.outgoing), http.incoming.take()),
            None => (None, None),
        };
        let terms = PeerTermsEdit {
            // A peer always has an address, so null can only mean that it stays.
            static_ilp_address: self.static_ilp_address.take(),
            name: edit(self.name),
            max_packet_amount: UInt64::edit(self.max_packet_amount, Field::MaxPacketAmount)?,
            liquidity_threshold: UInt64::edit(self.liquidity_threshold, Field::LiquidityThreshold)?,
            routes: edit(self.routes),
            outgoing: outgoing.map(|given| (given.endpoint, Secret::new(given.auth_token))),
            incoming_tokens: incoming.map(HttpIncomingInput::read),
            limits: self.limits.read()?,
            is_default_route: self.is_default_route,
            spread_basis_points: edit(self.spread_basis_points),
        };
        let version = UInt64::optional(self.version, Field::Version)?;
        Ok(PeerEdit { id: self.id, terms, version })
    }
}

fn edit<T>(given: MaybeUndefined<T>) -> Edit<T> {
    match given {
        MaybeUndefined::Undefined => Edit::Keep,
        MaybeUndefined::Null => Edit::Clear,
        MaybeUndefined::Value(value) => Edit::Set(value),
    }
}

/// The HTTP endpoint and the tokens for packets from and to a peer.
#[derive(InputObject)]
pub(crate) struct HttpInput {
    /// The tokens that the peer may show. Left out: a new peer only receives, and an existing peer
    /// keeps its tokens.
    incoming: MaybeUndefined<HttpIncomingInput>,
    /// The endpoint and the token for packets to the peer.
    outgoing: HttpOutgoingInput,
}

/// The tokens that a peer may show.
#[derive(InputObject)]
pub(crate) struct HttpIncomingInput {
    /// The tokens that the peer may show, in place of all those before. At least one and at most
    /// 64, each of visible ASCII characters and used by no other peer.
    auth_tokens: Vec<String>,
}

impl HttpIncomingInput {
    fn read(self) -> Vec<Secret> {
        self.auth_tokens.into_iter().map(Secret::new).collect()
    }
}

/// The endpoint at which a peer takes packets, and the token for it.
#[derive(InputObject)]
pub(crate) struct HttpOutgoingInput {
    /// The token that we show there: visible ASCII characters.
    auth_token: String,
    /// The URL, such as `https://ilp.othergreatwallet.com`; without a scheme `https` is meant, and
    /// `http` for a loopback or private host.
    endpoint: String,
}

/// The peer to be deleted.
#[derive(InputObject)]
pub(crate) struct DeletePeerInput {
    /// The peer's id.
    pub(crate) id: ID,
    /// The idempotency key: a request that is repeated with it is done once.
    pub(crate) idempotency_key: Option<String>,
}
