//! Peers.

pub mod documented;
mod limits;

use serde::Serialize;

use crate::{
    Id, Page, UInt64,
    operation::{connection, mutation, query},
    schema,
};

pub use self::limits::{CreatePeerInput, Peer, PeerLimits, UpdatePeerInput};

#[derive(cynic::Enum, Clone, Copy, Debug, PartialEq, Eq)]
pub enum PeerState {
    Reachable,
    Unknown,
    Unreachable,
}

/// A packet that got no reply over a link.
#[derive(cynic::QueryFragment, Clone, Debug, Serialize)]
pub struct LinkFailure {
    pub message: String,
    pub at: String,
    pub count: UInt64,
}

#[derive(cynic::QueryFragment, Clone, Debug, Serialize)]
pub struct Http {
    pub outgoing: HttpOutgoing,
}

#[derive(cynic::QueryFragment, Clone, Debug, Serialize)]
pub struct HttpOutgoing {
    pub endpoint: String,
}

connection!(PeersConnection, PeerEdge, Peer);

/// A page of peers.
#[derive(cynic::QueryVariables, Clone, Debug)]
pub struct Peers {
    pub after: Option<String>,
}

#[derive(cynic::QueryFragment, Debug)]
#[cynic(graphql_type = "Query", variables = "Peers")]
pub struct PeersQuery {
    #[arguments(first: 100, after: $after)]
    pub peers: PeersConnection,
}

query!(Peers => PeersQuery, |data| Some(data.peers.into()) => Page<Peer>);

/// The peer of an id; one that isn't there is refused.
#[derive(cynic::QueryVariables, Clone, Debug)]
pub struct PeerById {
    pub id: Id,
}

#[derive(cynic::QueryFragment, Debug)]
#[cynic(graphql_type = "Query", variables = "PeerById")]
pub struct PeerByIdQuery {
    #[arguments(id: $id)]
    pub peer: Option<Peer>,
}

query!(PeerById => PeerByIdQuery, |data| data.peer => Peer);

/// The peer that an address leads to in an asset.
#[derive(cynic::QueryVariables, Clone, Debug)]
pub struct PeerByAddressAndAsset {
    pub address: String,
    pub asset: Id,
}

#[derive(cynic::QueryFragment, Debug)]
#[cynic(graphql_type = "Query", variables = "PeerByAddressAndAsset")]
pub struct PeerByAddressAndAssetQuery {
    #[arguments(staticIlpAddress: $address, assetId: $asset)]
    pub peer_by_address_and_asset: Option<Peer>,
}

query!(PeerByAddressAndAsset => PeerByAddressAndAssetQuery,
    |data| Some(data.peer_by_address_and_asset) => Option<Peer>);

/// The endpoint and the token that packets to a peer are sent with.
#[derive(cynic::QueryVariables, Clone, Debug)]
pub struct OutgoingLink {
    pub id: Id,
}

#[derive(cynic::QueryFragment, Debug)]
#[cynic(graphql_type = "Query", variables = "OutgoingLink")]
pub struct OutgoingLinkQuery {
    #[arguments(id: $id)]
    pub peer: Option<LinkedPeer>,
}

#[derive(cynic::QueryFragment, Debug)]
#[cynic(graphql_type = "Peer")]
pub struct LinkedPeer {
    pub http: LinkedHttp,
}

#[derive(cynic::QueryFragment, Debug)]
#[cynic(graphql_type = "Http")]
pub struct LinkedHttp {
    pub outgoing: Link,
}

#[derive(cynic::QueryFragment, Debug)]
#[cynic(graphql_type = "HttpOutgoing")]
pub struct Link {
    pub endpoint: String,
    pub auth_token: String,
}

query!(OutgoingLink => OutgoingLinkQuery,
    |data| data.peer.map(|peer| peer.http.outgoing) => Link);

#[derive(cynic::InputObject, Clone, Debug)]
#[cynic(require_all_fields)]
pub struct HttpInput {
    #[cynic(skip_serializing_if = "Option::is_none")]
    pub incoming: Option<HttpIncomingInput>,
    pub outgoing: HttpOutgoingInput,
}

#[derive(cynic::InputObject, Clone, Debug)]
#[cynic(require_all_fields)]
pub struct HttpIncomingInput {
    pub auth_tokens: Vec<String>,
}

#[derive(cynic::InputObject, Clone, Debug)]
#[cynic(require_all_fields)]
pub struct HttpOutgoingInput {
    pub endpoint: String,
    pub auth_token: String,
}

impl HttpInput {
    /// Returns the input for a peer that shows one token.
    pub fn new(incoming_token: String, endpoint: String, outgoing_token: String) -> Self {
        Self {
            incoming: Some(HttpIncomingInput { auth_tokens: vec![incoming_token] }),
            outgoing: HttpOutgoingInput { endpoint, auth_token: outgoing_token },
        }
    }
}

#[derive(cynic::InputObject, Clone, Debug)]
#[cynic(require_all_fields)]
pub struct DeletePeerInput {
    pub id: Id,
    #[cynic(skip_serializing_if = "Option::is_none")]
    pub idempotency_key: Option<String>,
}

#[derive(cynic::InputObject, Clone, Debug)]
#[cynic(require_all_fields)]
pub struct AddPeerTokenInput {
    pub peer_id: Id,
    #[cynic(skip_serializing_if = "Option::is_none")]
    pub auth_token: Option<String>,
    #[cynic(skip_serializing_if = "Option::is_none")]
    pub idempotency_key: Option<String>,
}

#[derive(cynic::InputObject, Clone, Debug)]
#[cynic(require_all_fields)]
pub struct RevokePeerTokenInput {
    pub peer_id: Id,
    #[cynic(skip_serializing_if = "Option::is_none")]
    pub token_id: Option<Id>,
    #[cynic(skip_serializing_if = "Option::is_none")]
    pub auth_token: Option<String>,
    #[cynic(skip_serializing_if = "Option::is_none")]
    pub idempotency_key: Option<String>,
}

#[derive(cynic::QueryFragment, Clone, Debug)]
pub struct CreatePeerMutationResponse {
    pub peer: Option<NewPeer>,
}

/// A peer as it is shown once it was created.
#[derive(cynic::QueryFragment, Clone, Debug, Serialize)]
#[cynic(graphql_type = "Peer")]
#[serde(rename_all = "camelCase")]
pub struct NewPeer {
    pub id: Id,
    pub static_ilp_address: String,
    pub name: Option<String>,
    pub routes: Vec<String>,
    pub liquidity: Option<UInt64>,
}

#[derive(cynic::QueryFragment, Clone, Debug)]
pub struct UpdatePeerMutationResponse {
    pub peer: Option<Peer>,
}

#[derive(cynic::QueryFragment, Clone, Debug)]
pub struct DeletePeerMutationResponse {
    pub success: bool,
}

#[derive(cynic::QueryFragment, Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AddPeerTokenMutationResponse {
    pub auth_token: Option<String>,
    pub incoming_token: Option<IncomingToken>,
}

#[derive(cynic::QueryFragment, Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct IncomingToken {
    pub id: Id,
    pub created_at: String,
}

#[derive(cynic::QueryFragment, Clone, Debug)]
pub struct RevokePeerTokenMutationResponse {
    pub peer: Option<Peer>,
}

mutation!(create_peer, CreatePeer.create_peer(CreatePeerInput) -> CreatePeerMutationResponse,
    |data| data.peer => NewPeer);
mutation!(update_peer, UpdatePeer.update_peer(UpdatePeerInput) -> UpdatePeerMutationResponse,
    |data| data.peer => Peer);
mutation!(delete_peer, DeletePeer.delete_peer(DeletePeerInput) -> DeletePeerMutationResponse,
    |data| data.success.then_some(()) => ());
mutation!(add_token, AddPeerToken.add_peer_token(AddPeerTokenInput) -> AddPeerTokenMutationResponse,
    |data| Some(data) => AddPeerTokenMutationResponse);
mutation!(revoke_token,
    RevokePeerToken.revoke_peer_token(RevokePeerTokenInput) -> RevokePeerTokenMutationResponse,
    |data| data.peer => Peer);
