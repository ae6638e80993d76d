//! Auto-peering: asking, and answering those who ask.

use async_graphql::{Context, Object, Result};

use super::CHANGE_COMPLEXITY;
use crate::schema::{
    forms::response::answer,
    peers::{
        peer::CreatePeerMutationResponse,
        peering::{
            ApprovePeeringRequestInput, CreateOrUpdatePeerByUrlInput,
            CreateOrUpdatePeerByUrlMutationResponse, RejectPeeringRequestInput,
            RejectPeeringRequestMutationResponse,
        },
    },
};

/// Another node is asked and may take ten seconds, so few of them fit into one request.
const ASK_COMPLEXITY: usize = 1_000;

#[derive(Default)]
pub(crate) struct PeeringByUrlMutation;

/// Peers by their URLs.
#[Object]
impl PeeringByUrlMutation {
    /// Asks the node at a URL to become a peer and makes it one here; one that became a peer at this
    /// URL before is asked to renew its tokens. `NOT_FOUND` when no node takes peering requests
    /// there, `BAD_USER_INPUT` when it refuses, or answers with the address of a peer that it isn't
    /// known to be.
    #[graphql(complexity = "ASK_COMPLEXITY + child_complexity")]
    async fn create_or_update_peer_by_url(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The node's URL and our terms.")] mut input: CreateOrUpdatePeerByUrlInput,
    ) -> Result<CreateOrUpdatePeerByUrlMutationResponse> {
        let key = input.idempotency_key.take();
        answer(context, "Created ILP Peer", key, |operator| async move {
            operator.peering().create_or_update_by_url(input.read()?).await
        })
        .await
    }

    /// Makes a peer of a node that has asked. `NOT_FOUND` for an unknown request; refused like
    /// `createPeer`.
    #[graphql(complexity = "CHANGE_COMPLEXITY + child_complexity")]
    async fn approve_peering_request(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The request's id and our terms.")] mut input: ApprovePeeringRequestInput,
    ) -> Result<CreatePeerMutationResponse> {
        let key = input.idempotency_key.take();
        answer(context, "Created ILP Peer", key, |operator| async move {
            operator.peering().approve(input.read()?).await
        })
        .await
    }

    /// Forgets a node that has asked; it may ask again. `NOT_FOUND` for an unknown request.
    #[graphql(complexity = "CHANGE_COMPLEXITY + child_complexity")]
    async fn reject_peering_request(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The request's id.")] mut input: RejectPeeringRequestInput,
    ) -> Result<RejectPeeringRequestMutationResponse> {
        let key = input.idempotency_key.take();
        answer(context, "Rejected peering request", key, |operator| async move {
            operator.peering().reject(&input.id).await
        })
        .await
    }
}
