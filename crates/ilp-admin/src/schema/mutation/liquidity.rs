//! Deposits and withdrawals. Older clients may get null in place of a refused answer, so each is an
//! `Option<Result<_>>`.

use async_graphql::{Context, Object, Result};

use super::CHANGE_COMPLEXITY;
use crate::schema::{
    books::liquidity::{
        CreateAssetLiquidityWithdrawalInput, CreatePeerLiquidityWithdrawalInput,
        DepositAssetLiquidityInput, DepositPeerLiquidityInput, LiquidityMutationResponse,
        PostLiquidityWithdrawalInput, VoidLiquidityWithdrawalInput,
    },
    forms::response::answer,
};

/// The answer: the outcome, or null beside an error.
type Answer = Option<Result<LiquidityMutationResponse>>;

#[derive(Default)]
pub(crate) struct LiquidityMutation;

/// Deposits and withdrawals.
#[Object]
impl LiquidityMutation {
    /// Adds to the node's own stock of an asset. `NOT_FOUND` for an unknown asset, `FORBIDDEN` for
    /// zero, `DUPLICATE` for an id that was booked, `BAD_USER_INPUT` for an invalid amount or id.
    #[graphql(complexity = "CHANGE_COMPLEXITY + child_complexity")]
    async fn deposit_asset_liquidity(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The deposit.")] input: DepositAssetLiquidityInput,
    ) -> Answer {
        let key = Some(input.idempotency_key.clone());
        let answered = answer(context, "Added asset liquidity", key, |operator| async move {
            operator.liquidity().deposit_to_asset(input.read()?).await
        });
        Some(answered.await)
    }

    /// Adds to what a peer may send. `NOT_FOUND` for an unknown peer, `FORBIDDEN` for zero,
    /// `DUPLICATE` for an id that was booked, `BAD_USER_INPUT` for an invalid amount or id.
    #[graphql(complexity = "CHANGE_COMPLEXITY + child_complexity")]
    async fn deposit_peer_liquidity(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The deposit.")] input: DepositPeerLiquidityInput,
    ) -> Answer {
        let key = Some(input.idempotency_key.clone());
        let answered = answer(context, "Added peer liquidity", key, |operator| async move {
            operator.liquidity().deposit_to_peer(input.read()?).await
        });
        Some(answered.await)
    }

    /// Takes from what a peer may send, for good or until it is posted or voided. Refused like
    /// `depositPeerLiquidity`, and with `FORBIDDEN` when the peer has less.
    #[graphql(complexity = "CHANGE_COMPLEXITY + child_complexity")]
    async fn create_peer_liquidity_withdrawal(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The withdrawal.")] input: CreatePeerLiquidityWithdrawalInput,
    ) -> Answer {
        let key = Some(input.idempotency_key.clone());
        let message = "Created peer liquidity withdrawal";
        let answered = answer(context, message, key, |operator| async move {
            operator.liquidity().withdraw_from_peer(input.read()?).await
        });
        Some(answered.await)
    }

    /// Takes from the node's own stock of an asset, for good or until it is posted or voided.
    /// Refused like `depositAssetLiquidity`, and with `FORBIDDEN` when there is less.
    #[graphql(complexity = "CHANGE_COMPLEXITY + child_complexity")]
    async fn create_asset_liquidity_withdrawal(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The withdrawal.")] input: CreateAssetLiquidityWithdrawalInput,
    ) -> Answer {
        let key = Some(input.idempotency_key.clone());
        let message = "Created asset liquidity withdrawal";
        let answered = answer(context, message, key, |operator| async move {
            operator.liquidity().withdraw_from_asset(input.read()?).await
        });
        Some(answered.await)
    }

    /// Takes what a pending withdrawal has set aside for good. `NOT_FOUND` for an id under which
    /// nothing was withdrawn, `CONFLICT` when it was posted or voided, `FORBIDDEN` when its time was
    /// over.
    #[graphql(complexity = "CHANGE_COMPLEXITY + child_complexity")]
    async fn post_liquidity_withdrawal(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The withdrawal's id.")] input: PostLiquidityWithdrawalInput,
    ) -> Answer {
        let key = Some(input.idempotency_key);
        let answered = answer(context, "Posted Withdrawal", key, |operator| async move {
            operator.liquidity().post_withdrawal(&input.withdrawal_id).await
        });
        Some(answered.await)
    }

    /// Gives back what a pending withdrawal has set aside. Refused like
    /// `postLiquidityWithdrawal`.
    #[graphql(complexity = "CHANGE_COMPLEXITY + child_complexity")]
    async fn void_liquidity_withdrawal(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The withdrawal's id.")] input: VoidLiquidityWithdrawalInput,
    ) -> Answer {
        let key = Some(input.idempotency_key);
        let answered = answer(context, "Voided Withdrawal", key, |operator| async move {
            operator.liquidity().void_withdrawal(&input.withdrawal_id).await
        });
        Some(answered.await)
    }
}
