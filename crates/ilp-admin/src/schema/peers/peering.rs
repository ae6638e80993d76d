//! Auto-peering in the schema.

use async_graphql::{ID, InputObject, SimpleObject};
use ilp_operator::{
    Field, OperatorError, PeerByUrl, PeeringApproval, PeeringByUrl, PeeringRequestView,
    WAITING_FOR_APPROVAL,
};
use ilp_store::Rows;
use interledger_packet::Timestamp;

use crate::schema::{
    forms::{
        page::{self, PageInfo, Row},
        response::{MutationResponse, Status},
        scalars::UInt64,
    },
    peers::peer::Peer,
};

/// A node to be asked for a peering.
#[derive(InputObject)]
pub(crate) struct CreateOrUpdatePeerByUrlInput {
    /// The most that one packet to or from the peer may carry, in the asset's smallest unit; told
    /// to the peer too.
    max_packet_amount: Option<UInt64>,
    /// The id of the asset of the peering.
    asset_id: String,
    /// The URL at which the peer takes peering requests, such as
    /// `https://peering.othergreatwallet.com`.
    peer_url: String,
    /// The peer's name for people; what it calls itself when left out.
    name: Option<String>,
    /// An event is due when liquidity falls to this or below. In the asset's smallest unit.
    liquidity_threshold: Option<UInt64>,
    /// The amount to add to the peer's liquidity, in the asset's smallest unit.
    liquidity_to_deposit: Option<UInt64>,
    /// The idempotency key: a request that is repeated with it is done once.
    pub(crate) idempotency_key: Option<String>,
}

impl CreateOrUpdatePeerByUrlInput {
    pub(crate) fn read(self) -> Result<PeerByUrl, OperatorError> {
        Ok(PeerByUrl {
            peer_url: self.peer_url,
            asset_id: self.asset_id,
            name: self.name,
            max_packet_amount: UInt64::optional(self.max_packet_amount, Field::MaxPacketAmount)?,
            liquidity_threshold: UInt64::optional(
                self.liquidity_threshold,
                Field::LiquidityThreshold,
            )?,
            liquidity_to_deposit: UInt64::optional(
                self.liquidity_to_deposit,
                Field::LiquidityToDeposit,
            )?,
        })
    }
}

/// The result of asking a node to become a peer.
#[derive(SimpleObject)]
pub(crate) struct CreateOrUpdatePeerByUrlMutationResponse {
    /// The peer as it is now; null when the mutation was refused.
    peer: Option<Peer>,
    /// Whether the other node's operator has yet to approve. Its node refuses packets until then. Null
    /// when the mutation was refused.
    is_pending: Option<bool>,
    #[graphql(flatten)]
    status: Status,
}

impl MutationResponse for CreateOrUpdatePeerByUrlMutationResponse {
    type Done = PeeringByUrl;

    fn new(done: Option<PeeringByUrl>, mut status: Status) -> Self {
        let is_pending = done.as_ref().map(|done| done.is_pending);
        if is_pending == Some(true) {
            status.message = WAITING_FOR_APPROVAL.to_owned();
        }
        Self { peer: done.map(|done| done.peer.into()), is_pending, status }
    }
}

/// A node that has asked to become a peer and waits for the operator's word.
#[derive(SimpleObject)]
pub(crate) struct PeeringRequest {
    /// The request's id, a UUID.
    pub(crate) id: ID,
    /// The time of the request, such as `2026-11-23T12:00:00.000Z`. It waits for seven days.
    pub(crate) created_at: String,
    /// The id of the asset of the peering.
    asset_id: ID,
    /// The ILP address that the node says it has.
    static_ilp_address: String,
    /// The node's name for itself.
    name: Option<String>,
    /// The URL at which the node would take packets.
    endpoint: String,
    /// The largest amount of a packet, in the asset's smallest unit.
    max_packet_amount: Option<UInt64>,
    /// The address of the request's sender; null where it isn't known.
    origin: Option<String>,
    /// Warnings for the approval: the peers that now get packets which the node would get then,
    /// since they have its address, or routes above or below it.
    warnings: Vec<String>,
}

impl From<PeeringRequestView> for PeeringRequest {
    fn from(PeeringRequestView { record, warnings }: PeeringRequestView) -> Self {
        Self {
            id: record.id.into(),
            created_at: Timestamp::from_unix_ms(record.created_at_ms).to_string(),
            asset_id: record.asset_id.into(),
            static_ilp_address: record.static_ilp_address,
            name: record.name,
            endpoint: record.endpoint,
            max_packet_amount: record.max_packet_amount.map(UInt64::from),
            origin: (!record.origin.is_empty()).then_some(record.origin),
            warnings,
        }
    }
}

impl Row for PeeringRequest {
    fn id(&self) -> &ID {
        &self.id
    }
}

/// A page of requests.
#[derive(SimpleObject)]
pub(crate) struct PeeringRequestsConnection {
    /// The position of the page in the list.
    page_info: PageInfo,
    /// The requests of the page.
    edges: Vec<PeeringRequestEdge>,
}

/// A request in a list.
#[derive(SimpleObject)]
pub(crate) struct PeeringRequestEdge {
    /// The request.
    node: PeeringRequest,
    /// The cursor of this place in the list, also after the request is gone.
    cursor: String,
}

impl From<Rows<PeeringRequestView>> for PeeringRequestsConnection {
    fn from(rows: Rows<PeeringRequestView>) -> Self {
        let (page_info, rows) = page::page(rows);
        let edges = rows.map(|(cursor, node)| PeeringRequestEdge { node, cursor }).collect();
        Self { page_info, edges }
    }
}

/// A request to be approved.
#[derive(InputObject)]
pub(crate) struct ApprovePeeringRequestInput {
    /// The request's id.
    id: String,
    /// The peer's name for people; what it calls itself when left out.
    name: Option<String>,
    /// The most that one packet may carry, in the asset's smallest unit; what the node asked for
    /// when left out.
    max_packet_amount: Option<UInt64>,
    /// The initial liquidity, in the asset's smallest unit; `auto_peering.liquidity` when left out.
    initial_liquidity: Option<UInt64>,
    /// The idempotency key: a request that is repeated with it is done once.
    pub(crate) idempotency_key: Option<String>,
}

impl ApprovePeeringRequestInput {
    pub(crate) fn read(self) -> Result<PeeringApproval, OperatorError> {
        Ok(PeeringApproval {
            id: self.id,
            name: self.name,
            max_packet_amount: UInt64::optional(self.max_packet_amount, Field::MaxPacketAmount)?,
            initial_liquidity: UInt64::optional(self.initial_liquidity, Field::InitialLiquidity)?,
        })
    }
}

/// A request to be rejected.
#[derive(InputObject)]
pub(crate) struct RejectPeeringRequestInput {
    /// The request's id.
    pub(crate) id: String,
    /// The idempotency key: a request that is repeated with it is done once.
    pub(crate) idempotency_key: Option<String>,
}

/// The result of rejecting a request.
#[derive(SimpleObject)]
pub(crate) struct RejectPeeringRequestMutationResponse {
    #[graphql(flatten)]
    status: Status,
}

impl MutationResponse for RejectPeeringRequestMutationResponse {
    type Done = ();

    fn new(_done: Option<()>, status: Status) -> Self {
        Self { status }
    }
}
