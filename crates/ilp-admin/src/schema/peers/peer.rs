//! Peers in the schema: what is read. What is written is in `peer_input`.

use async_graphql::{Enum, ID, SimpleObject};
use ilp_connector::{LinkTrouble, Reachability};
use ilp_operator::PeerView;
use ilp_store::{PeerRecord, Rows};
use interledger_packet::{AddressPrefix, Timestamp};

use crate::schema::{
    assets::asset::Asset,
    forms::{
        page::{self, PageInfo, Row},
        response::{MutationResponse, Status},
        scalars::UInt64,
    },
    node::tenant::Tenant,
    peers::{limits::PeerLimits, token::IncomingToken},
};

/// Whether packets reach a peer, by the packets sent to it since the node was started and since the
/// peer's endpoint was changed.
#[derive(Clone, Copy, PartialEq, Eq, Enum)]
pub(crate) enum PeerState {
    /// The peer answered the last packet.
    Reachable,
    /// The peer failed several times in a row. Other routes to the same destination have priority,
    /// and the peer is tried again with growing pauses.
    Unreachable,
    /// No packet was sent to the peer yet, or too few packets failed to say.
    Unknown,
}

impl From<Reachability> for PeerState {
    fn from(reachability: Reachability) -> Self {
        match reachability {
            Reachability::Reachable => Self::Reachable,
            Reachability::Unreachable => Self::Unreachable,
            Reachability::Unknown => Self::Unknown,
        }
    }
}

/// The reason why a packet to a peer got no reply.
#[derive(SimpleObject)]
pub(crate) struct LinkFailure {
    /// A short name that never changes: `bad_endpoint`, `bad_token`, `dns`, `refused`, `connect`,
    /// `connect_timeout`, `tls`, `not_http`, `closed`, `timeout`, `unauthorized`, `busy`, `status`,
    /// `too_long` or `not_ilp`.
    kind: String,
    /// The failure and its remedy.
    message: String,
    /// The HTTP status, where the peer answered with one other than 200.
    http_status: Option<i32>,
    /// The time, such as `2026-11-23T12:00:00.000Z`.
    at: String,
    /// The number of packets to the peer without a reply since the node was started, or since the
    /// peer's endpoint or token was changed.
    count: UInt64,
}

impl From<LinkTrouble> for LinkFailure {
    fn from(trouble: LinkTrouble) -> Self {
        Self {
            kind: trouble.cause.label().to_owned(),
            message: trouble.message(),
            http_status: trouble.status.map(i32::from),
            at: trouble.at.to_string(),
            count: trouble.count.into(),
        }
    }
}

/// Another operator's node, which packets come from and go to.
#[derive(SimpleObject)]
pub(crate) struct Peer {
    /// The peer's id, a UUID.
    pub(crate) id: ID,
    /// The most that one packet to or from the peer may carry, in the asset's smallest unit; null
    /// for the node's own default.
    max_packet_amount: Option<UInt64>,
    /// The HTTP endpoint and token for packets to the peer.
    http: Http,
    /// The asset of the peer's balance.
    asset: Asset,
    /// The peer's ILP address, such as `g.othergreatwallet`.
    static_ilp_address: String,
    /// The peer's name for people.
    name: Option<String>,
    /// The threshold of the event about low liquidity: the event is due when liquidity falls to
    /// this or below. In the asset's smallest unit; null for no event.
    liquidity_threshold: Option<UInt64>,
    /// The amount that the peer may still send: deposits and packets to it, less packets from it
    /// and holds. In the asset's smallest unit.
    liquidity: Option<UInt64>,
    /// The time of creation, such as `2026-11-23T12:00:00.000Z`.
    pub(crate) created_at: String,
    /// Address prefixes that lead to the peer. Its own address is always the first.
    routes: Vec<String>,
    #[graphql(flatten)]
    limits: PeerLimits,
    /// Whether the peer is the next hop for addresses that no other route matches: after every
    /// prefix, and also after a bare scheme such as `g`.
    is_default_route: bool,
    /// Whether packets reach the peer.
    state: PeerState,
    /// The time of the peer's last answer to a packet, to the second; null when there is none yet.
    last_seen_at: Option<String>,
    /// The reason why a packet to the peer last got no reply; null when each had one since the node
    /// was started, or since the peer's endpoint or token was changed.
    last_failure: Option<LinkFailure>,
    /// The node's charge on what the peer sends, in basis points (hundredths of a percent), on top
    /// of the exchange rate.
    spread_basis_points: i32,
    /// The number of tokens that the peer may show. Only their digests are kept, so they can't be
    /// read back.
    incoming_token_count: i32,
    /// The tokens that the peer may show, without the tokens themselves.
    incoming_tokens: Vec<IncomingToken>,
    /// The tenant of the peer. There is one.
    tenant: Option<Tenant>,
    /// The number of packets from the peer that were fulfilled since the node was started.
    packets_in: UInt64,
    /// The number of packets to the peer that were fulfilled since the node was started.
    packets_out: UInt64,
    /// The amount that the packets counted in `packetsIn` took from the peer's liquidity, in the
    /// asset's smallest unit. It begins at zero when the node is started.
    amount_in: UInt64,
    /// The amount that the packets counted in `packetsOut` added to the peer's liquidity, in the
    /// asset's smallest unit. It begins at zero when the node is started.
    amount_out: UInt64,
    /// The amount that the peer's packets under way hold of its liquidity, in the asset's smallest
    /// unit. It goes to the next hops or comes back.
    amount_on_hold: UInt64,
    /// The number of edits. An update that names a version is refused once it isn't the stored one.
    version: UInt64,
}

impl From<PeerView> for Peer {
    fn from(view: PeerView) -> Self {
        let PeerView { record, asset, liquidity, reachability, last_seen_at, last_trouble, passed } =
            view;
        let PeerRecord { id, terms, created_at_ms, version, .. } = record;
        let address = terms.address.to_string();
        let routes = terms.routes.iter().map(AddressPrefix::to_string);
        let outgoing = HttpOutgoing {
            auth_token: terms.outgoing_token.reveal().to_owned(),
            endpoint: terms.endpoint,
        };
        Self {
            id: id.into(),
            max_packet_amount: terms.max_packet_amount.map(UInt64::from),
            http: Http { outgoing },
            asset: asset.into(),
            name: terms.name,
            liquidity_threshold: terms.liquidity_threshold.map(UInt64::from),
            liquidity: Some(liquidity.into()),
            created_at: Timestamp::from_unix_ms(created_at_ms).to_string(),
            routes: std::iter::once(address.clone()).chain(routes).collect(),
            static_ilp_address: address,
            limits: terms.limits.into(),
            is_default_route: terms.is_default_route,
            state: reachability.into(),
            last_seen_at: last_seen_at.map(|at| at.to_string()),
            last_failure: last_trouble.map(LinkFailure::from),
            spread_basis_points: terms.spread.basis_points().into(),
            incoming_token_count: i32::try_from(terms.incoming_tokens.len()).unwrap_or(i32::MAX),
            incoming_tokens: terms.incoming_tokens.iter().map(IncomingToken::from).collect(),
            tenant: Some(Tenant::default()),
            packets_in: passed.packets_in.into(),
            packets_out: passed.packets_out.into(),
            amount_in: passed.amount_in.into(),
            amount_out: passed.amount_out.into(),
            amount_on_hold: passed.amount_on_hold.into(),
            version: version.into(),
        }
    }
}

impl Row for Peer {
    fn id(&self) -> &ID {
        &self.id
    }
}

/// The HTTP endpoint and token for packets to a peer.
#[derive(SimpleObject)]
pub(crate) struct Http {
    /// The endpoint and the token.
    outgoing: HttpOutgoing,
}

/// The endpoint at which a peer takes packets, and the token for it.
#[derive(SimpleObject)]
pub(crate) struct HttpOutgoing {
    /// The token that we show there. A secret: whoever has it can send as this node.
    auth_token: String,
    /// The URL, such as `https://ilp.othergreatwallet.com`; without a scheme `https` is meant.
    endpoint: String,
}

/// A page of peers.
#[derive(SimpleObject)]
pub(crate) struct PeersConnection {
    /// The position of the page in the list.
    page_info: PageInfo,
    /// The peers of the page.
    edges: Vec<PeerEdge>,
}

/// A peer in a list.
#[derive(SimpleObject)]
pub(crate) struct PeerEdge {
    /// The peer.
    node: Peer,
    /// The cursor of this place in the list, also after the peer is gone.
    cursor: String,
}

impl From<Rows<PeerView>> for PeersConnection {
    fn from(rows: Rows<PeerView>) -> Self {
        let (page_info, rows) = page::page(rows);
        let edges = rows.map(|(cursor, node)| PeerEdge { node, cursor }).collect();
        Self { page_info, edges }
    }
}

/// The result of making a peer.
#[derive(SimpleObject)]
pub(crate) struct CreatePeerMutationResponse {
    /// The peer; null when the mutation was refused.
    peer: Option<Peer>,
    #[graphql(flatten)]
    status: Status,
}

impl MutationResponse for CreatePeerMutationResponse {
    type Done = PeerView;

    fn new(done: Option<PeerView>, status: Status) -> Self {
        Self { peer: done.map(Peer::from), status }
    }
}

/// The result of changing a peer.
#[derive(SimpleObject)]
pub(crate) struct UpdatePeerMutationResponse {
    /// The peer as it is now; null when the mutation was refused.
    peer: Option<Peer>,
    #[graphql(flatten)]
    status: Status,
}

impl MutationResponse for UpdatePeerMutationResponse {
    type Done = PeerView;

    fn new(done: Option<PeerView>, status: Status) -> Self {
        Self { peer: done.map(Peer::from), status }
    }
}

/// The result of deleting a peer.
#[derive(SimpleObject)]
pub(crate) struct DeletePeerMutationResponse {
    #[graphql(flatten)]
    status: Status,
}

impl MutationResponse for DeletePeerMutationResponse {
    type Done = ();

    fn new(_done: Option<()>, status: Status) -> Self {
        Self { status }
    }
}
