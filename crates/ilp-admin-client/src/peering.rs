//! Peerings that two nodes agree on by themselves.

use serde::Serialize;

use crate::{
    Id, Page, UInt64,
    operation::{connection, mutation, query},
    peer::{CreatePeerMutationResponse, NewPeer, Peer},
    schema,
};

#[derive(cynic::QueryFragment, Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PeeringRequest {
    pub id: Id,
    pub created_at: String,
    pub asset_id: Id,
    pub static_ilp_address: String,
    pub name: Option<String>,
    pub endpoint: String,
    pub max_packet_amount: Option<UInt64>,
    pub origin: Option<String>,
    pub warnings: Vec<String>,
}

connection!(PeeringRequestsConnection, PeeringRequestEdge, PeeringRequest);

/// A page of the nodes that wait for approval.
#[derive(cynic::QueryVariables, Clone, Debug)]
pub struct PeeringRequests {
    pub after: Option<String>,
}

#[derive(cynic::QueryFragment, Debug)]
#[cynic(graphql_type = "Query", variables = "PeeringRequests")]
pub struct PeeringRequestsQuery {
    #[arguments(first: 100, after: $after)]
    pub peering_requests: PeeringRequestsConnection,
}

query!(PeeringRequests => PeeringRequestsQuery,
    |data| Some(data.peering_requests.into()) => Page<PeeringRequest>);

#[derive(cynic::InputObject, Clone, Debug)]
#[cynic(require_all_fields)]
pub struct ApprovePeeringRequestInput {
    pub id: Id,
    #[cynic(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    #[cynic(skip_serializing_if = "Option::is_none")]
    pub initial_liquidity: Option<UInt64>,
    #[cynic(skip_serializing_if = "Option::is_none")]
    pub max_packet_amount: Option<UInt64>,
    #[cynic(skip_serializing_if = "Option::is_none")]
    pub idempotency_key: Option<String>,
}

#[derive(cynic::InputObject, Clone, Debug)]
#[cynic(require_all_fields)]
pub struct RejectPeeringRequestInput {
    pub id: Id,
    #[cynic(skip_serializing_if = "Option::is_none")]
    pub idempotency_key: Option<String>,
}

#[derive(cynic::InputObject, Clone, Debug)]
#[cynic(require_all_fields)]
pub struct CreateOrUpdatePeerByUrlInput {
    pub peer_url: String,
    pub asset_id: Id,
    #[cynic(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    #[cynic(skip_serializing_if = "Option::is_none")]
    pub liquidity_to_deposit: Option<UInt64>,
    #[cynic(skip_serializing_if = "Option::is_none")]
    pub liquidity_threshold: Option<UInt64>,
    #[cynic(skip_serializing_if = "Option::is_none")]
    pub max_packet_amount: Option<UInt64>,
    #[cynic(skip_serializing_if = "Option::is_none")]
    pub idempotency_key: Option<String>,
}

#[derive(cynic::QueryFragment, Clone, Debug)]
pub struct RejectPeeringRequestMutationResponse {
    pub success: bool,
}

#[derive(cynic::QueryFragment, Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CreateOrUpdatePeerByUrlMutationResponse {
    pub is_pending: Option<bool>,
    pub peer: Option<Peer>,
}

mutation!(approve,
    ApprovePeeringRequest.approve_peering_request(ApprovePeeringRequestInput)
        -> CreatePeerMutationResponse,
    |data| data.peer => NewPeer);
mutation!(reject,
    RejectPeeringRequest.reject_peering_request(RejectPeeringRequestInput)
        -> RejectPeeringRequestMutationResponse,
    |data| data.success.then_some(()) => ());
mutation!(ask,
    CreateOrUpdatePeerByUrl.create_or_update_peer_by_url(CreateOrUpdatePeerByUrlInput)
        -> CreateOrUpdatePeerByUrlMutationResponse,
    |data| Some(data) => CreateOrUpdatePeerByUrlMutationResponse);
