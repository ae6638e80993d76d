//! The mutations. Each reads its input, runs one operation and says what was done; how refusals
//! are told is `response`'s business.

use async_graphql::{Context, Object, Result};

use super::{
    asset::{
        AssetMutationResponse, CreateAssetInput, DeleteAssetInput, DeleteAssetMutationResponse,
        UpdateAssetInput,
    },
    liquidity::{DepositAssetLiquidityInput, DepositPeerLiquidityInput, LiquidityMutationResponse},
    peer::{CreatePeerMutationResponse, DeletePeerMutationResponse, UpdatePeerMutationResponse},
    peer_input::{CreatePeerInput, DeletePeerInput, UpdatePeerInput},
    query::{is_other_tenant, operator},
    response::answer,
};
use crate::operator::{ErrorKind, OperatorError};

/// A change is written to the disk, so fewer of them than of fields fit into one request.
const CHANGE_COMPLEXITY: usize = 50;

/// What can be changed.
pub(crate) struct Mutation;

/// Everything that can be changed. What was changed is live and on the disk when the answer comes,
/// and a client that hangs up doesn't stop it half way.
#[Object]
impl Mutation {
    /// Makes an asset. `DUPLICATE` when there is one of this code and scale, `BAD_USER_INPUT` for
    /// an empty or too long code.
    #[graphql(complexity = "CHANGE_COMPLEXITY + child_complexity")]
    async fn create_asset(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The asset.")] input: CreateAssetInput,
    ) -> Result<AssetMutationResponse> {
        let key = input.idempotency_key.clone();
        answer(context, "Created Asset", key.as_deref(), async {
            if is_other_tenant(context, input.tenant_id.as_deref().map(String::as_str)) {
                return Err(other_tenant());
            }
            operator(context).create_asset(input.read()?).await
        })
        .await
    }

    /// Changes an asset. `NOT_FOUND` when there is none of this id.
    #[graphql(complexity = "CHANGE_COMPLEXITY + child_complexity")]
    async fn update_asset(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The asset's id and what is to change.")] input: UpdateAssetInput,
    ) -> Result<AssetMutationResponse> {
        let key = input.idempotency_key.clone();
        answer(context, "Updated Asset", key.as_deref(), async {
            operator(context).update_asset(input.read()?).await
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
        let key = input.idempotency_key.as_deref();
        answer(context, "Asset deleted", key, operator(context).delete_asset(&input.id)).await
    }

    /// Adds to the node's own stock of an asset. `NOT_FOUND` for an unknown asset, `FORBIDDEN` for
    /// zero, `DUPLICATE` for an id that was booked, `BAD_USER_INPUT` for what is no amount or id.
    #[graphql(complexity = "CHANGE_COMPLEXITY + child_complexity")]
    async fn deposit_asset_liquidity(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The deposit.")] input: DepositAssetLiquidityInput,
    ) -> Option<Result<LiquidityMutationResponse>> {
        let key = input.idempotency_key.clone();
        let answered = answer(context, "Added asset liquidity", Some(&key), async {
            operator(context).deposit_asset_liquidity(input.read()?).await
        });
        Some(answered.await)
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
        answer(context, "Created ILP Peer", key.as_deref(), async {
            operator(context).create_peer(input.read()?).await
        })
        .await
    }

    /// Changes a peer. Packets that come after the answer see the change. Refused like
    /// `createPeer`, and with `NOT_FOUND` when there is no peer of this id.
    #[graphql(complexity = "CHANGE_COMPLEXITY + child_complexity")]
    async fn update_peer(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The peer's id and what is to change.")] input: UpdatePeerInput,
    ) -> Result<UpdatePeerMutationResponse> {
        let key = input.idempotency_key.clone();
        answer(context, "Updated ILP Peer", key.as_deref(), async {
            operator(context).update_peer(input.read()?).await
        })
        .await
    }

    /// Deletes a peer and withdraws what it has left to settlement; its books stay. `NOT_FOUND`
    /// when there is none of this id.
    #[graphql(complexity = "CHANGE_COMPLEXITY + child_complexity")]
    async fn delete_peer(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The peer's id.")] input: DeletePeerInput,
    ) -> Result<DeletePeerMutationResponse> {
        let key = input.idempotency_key.as_deref();
        answer(context, "Deleted ILP Peer", key, operator(context).delete_peer(&input.id)).await
    }

    /// Adds to what a peer may send. `NOT_FOUND` for an unknown peer, `FORBIDDEN` for zero,
    /// `DUPLICATE` for an id that was booked, `BAD_USER_INPUT` for what is no amount or id.
    #[graphql(complexity = "CHANGE_COMPLEXITY + child_complexity")]
    async fn deposit_peer_liquidity(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The deposit.")] input: DepositPeerLiquidityInput,
    ) -> Option<Result<LiquidityMutationResponse>> {
        let key = input.idempotency_key.clone();
        let answered = answer(context, "Added peer liquidity", Some(&key), async {
            operator(context).deposit_peer_liquidity(input.read()?).await
        });
        Some(answered.await)
    }
}

fn other_tenant() -> OperatorError {
    OperatorError::new(
        ErrorKind::BadInput,
        "Assignment to the specified tenant is not permitted: there is one tenant, which whoami \
         names",
    )
}
