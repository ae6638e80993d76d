//! The mutations. Each reads its input, runs one operation and says what was done; how refusals
//! are told, and what an idempotency key does, is `response`'s business.

mod liquidity;
mod payments;
mod peering;
mod rates;
mod tokens;
mod upkeep;
mod wallets;

use async_graphql::{Context, MergedObject, Object, Result};
use ilp_operator::{Operator, TenantError};

use crate::schema::{
    assets::asset::{
        AssetMutationResponse, CreateAssetInput, DeleteAssetInput, DeleteAssetMutationResponse,
        UpdateAssetInput,
    },
    forms::response::answer,
    peers::{
        peer::{
            CreatePeerMutationResponse, DeletePeerMutationResponse, UpdatePeerMutationResponse,
        },
        peer_input::{CreatePeerInput, DeletePeerInput, UpdatePeerInput},
    },
};

/// A change is written to the disk, so fewer of them than of fields fit into one request.
const CHANGE_COMPLEXITY: usize = 50;

/// Everything that can be changed. What was changed is live and on the disk when the answer comes,
/// and a client that hangs up doesn't stop it half way.
#[derive(Default, MergedObject)]
pub(crate) struct Mutation(
    PeeringMutation,
    liquidity::LiquidityMutation,
    tokens::TokenMutation,
    peering::PeeringByUrlMutation,
    rates::RatesMutation,
    upkeep::UpkeepMutation,
    wallets::WalletsMutation,
    payments::PaymentsMutation,
);

/// Assets and peers.
#[derive(Default)]
struct PeeringMutation;

/// Assets and peers.
#[Object]
impl PeeringMutation {
    /// Makes an asset. `DUPLICATE` when there is one of this code and scale, `BAD_USER_INPUT` for
    /// an empty or too long code.
    #[graphql(complexity = "CHANGE_COMPLEXITY + child_complexity")]
    async fn create_asset(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The asset.")] input: CreateAssetInput,
    ) -> Result<AssetMutationResponse> {
        let key = input.idempotency_key.clone();
        answer(context, "Created Asset", key, move |operator| async move {
            check_assignment(&operator, input.tenant_id.as_deref().map(String::as_str))?;
            operator.assets().create(input.read()?).await
        })
        .await
    }

    /// Changes an asset. `NOT_FOUND` when there is none of this id, `CONFLICT` when it was edited since
    /// the `version` that the input names.
    #[graphql(complexity = "CHANGE_COMPLEXITY + child_complexity")]
    async fn update_asset(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The asset's id and what is to change.")] input: UpdateAssetInput,
    ) -> Result<AssetMutationResponse> {
        let key = input.idempotency_key.clone();
        answer(context, "Updated Asset", key, |operator| async move {
            operator.assets().update(input.read()?).await
        })
        .await
    }

    /// Deletes an asset that no peer uses and that holds no liquidity; `FORBIDDEN` otherwise, and
    /// `NOT_FOUND` when there is none of this id.
    #[graphql(complexity = "CHANGE_COMPLEXITY + child_complexity")]
    async fn delete_asset(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The asset's id.")] input: DeleteAssetInput,
    ) -> Result<DeleteAssetMutationResponse> {
        let key = input.idempotency_key;
        answer(context, "Asset deleted", key, |operator| async move {
            operator.assets().delete(&input.id).await
        })
        .await
    }

    /// Makes a peer and lets it take part at once. `NOT_FOUND` for an unknown asset, `DUPLICATE`
    /// when a peer of the asset has the address or any peer has one of the tokens,
    /// `BAD_USER_INPUT` for an address, route, endpoint, token or amount that is none.
    #[graphql(complexity = "CHANGE_COMPLEXITY + child_complexity")]
    async fn create_peer(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The peer.")] input: CreatePeerInput,
    ) -> Result<CreatePeerMutationResponse> {
        let key = input.idempotency_key.clone();
        answer(context, "Created ILP Peer", key, |operator| async move {
            operator.peers().create(input.read()?).await
        })
        .await
    }

    /// Changes a peer. Packets that come after the answer see the change. Refused like
    /// `createPeer`, with `NOT_FOUND` when there is no peer of this id, and with `CONFLICT` when it was
    /// edited since the `version` that the input names.
    #[graphql(complexity = "CHANGE_COMPLEXITY + child_complexity")]
    async fn update_peer(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The peer's id and what is to change.")] input: UpdatePeerInput,
    ) -> Result<UpdatePeerMutationResponse> {
        let key = input.idempotency_key.clone();
        answer(context, "Updated ILP Peer", key, |operator| async move {
            operator.peers().update(input.read()?).await
        })
        .await
    }

    /// Deletes a peer and withdraws what it has left to settlement; its books stay. A withdrawal that
    /// is pending may still be posted or voided, and settles what it holds either way. `NOT_FOUND`
    /// when there is none of this id.
    #[graphql(complexity = "CHANGE_COMPLEXITY + child_complexity")]
    async fn delete_peer(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The peer's id.")] input: DeletePeerInput,
    ) -> Result<DeletePeerMutationResponse> {
        let key = input.idempotency_key;
        answer(context, "Deleted ILP Peer", key, |operator| async move {
            operator.peers().delete(&input.id).await
        })
        .await
    }
}

/// Whether something may be made for the tenant that the client names.
pub(crate) fn check_assignment(
    operator: &Operator,
    tenant_id: Option<&str>,
) -> Result<(), TenantError> {
    operator.check_tenant(tenant_id).map_err(|_| TenantError::NotPermitted)
}
