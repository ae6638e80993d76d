//! Outgoing payments, and the money of payments of both directions.

use async_graphql::{Context, Object, Result};
use ilp_operator::PaymentError;

use super::CHANGE_COMPLEXITY;
use crate::schema::{
    books::liquidity::LiquidityMutationResponse,
    forms::response::answer,
    wallets::{
        outgoing_payment::{
            CancelOutgoingPaymentInput, CreateOutgoingPaymentInput, OutgoingPaymentResponse,
        },
        wallet_liquidity::{
            CreateIncomingPaymentWithdrawalInput, CreateOutgoingPaymentWithdrawalInput,
            DepositOutgoingPaymentLiquidityInput,
        },
    },
};

#[derive(Default)]
pub(crate) struct PaymentsMutation;

/// Outgoing payments, and the money of payments of both directions.
#[Object]
impl PaymentsMutation {
    /// Makes a payment on the terms of a quote; it waits for its money then. `NOT_FOUND` for an
    /// unknown wallet address or quote, `INACTIVE` for a wallet address that makes no new payments,
    /// `BAD_USER_INPUT` for a quote that is another wallet address's, expired or used.
    #[graphql(complexity = "CHANGE_COMPLEXITY + child_complexity")]
    async fn create_outgoing_payment(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The payment.")] input: CreateOutgoingPaymentInput,
    ) -> Result<OutgoingPaymentResponse> {
        let key = input.idempotency_key.clone();
        answer(context, "Created outgoing payment", key, |operator| async move {
            operator.payments().create_outgoing(input.read()).await
        })
        .await
    }

    /// Calls off a payment that waits for its money. `NOT_FOUND` for an unknown payment, `CONFLICT`
    /// for one that doesn't wait for its money.
    #[graphql(complexity = "CHANGE_COMPLEXITY + child_complexity")]
    async fn cancel_outgoing_payment(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The payment's id.")] input: CancelOutgoingPaymentInput,
    ) -> Result<OutgoingPaymentResponse> {
        answer(context, "Cancelled outgoing payment", None, |operator| async move {
            operator.payments().cancel_outgoing(&input.id, input.reason).await
        })
        .await
    }

    /// Gives a payment its money, all of its `debitAmount`, and has it sent. `NOT_FOUND` for an
    /// unknown payment, `CONFLICT` for one that doesn't wait for its money.
    #[graphql(complexity = "CHANGE_COMPLEXITY + child_complexity")]
    async fn deposit_outgoing_payment_liquidity(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Which payment.")] input: DepositOutgoingPaymentLiquidityInput,
    ) -> Option<Result<LiquidityMutationResponse>> {
        let key = Some(input.idempotency_key.clone());
        let message = "Added outgoing payment liquidity";
        let answered = answer(context, message, key, |operator| async move {
            if input.data_to_transmit.is_some_and(|data| !data.is_empty()) {
                return Err(PaymentError::DataToTransmit.into());
            }
            operator.payments().fund_outgoing(&input.outgoing_payment_id).await
        });
        Some(answered.await)
    }

    /// Takes all that an incoming payment received, once it has ended, for good or until it is posted
    /// or voided. `NOT_FOUND` for one that is unknown or has not ended with money, `DUPLICATE` for
    /// one whose money is taken, `FORBIDDEN` when there is none.
    #[graphql(complexity = "CHANGE_COMPLEXITY + child_complexity")]
    async fn create_incoming_payment_withdrawal(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The withdrawal.")] input: CreateIncomingPaymentWithdrawalInput,
    ) -> Option<Result<LiquidityMutationResponse>> {
        let key = Some(input.idempotency_key.clone());
        let message = "Created incoming payment withdrawal";
        let answered = answer(context, message, key, |operator| async move {
            let (id, timeout_s) = input.read()?;
            operator.payments().withdraw_from_incoming(&id, timeout_s).await
        });
        Some(answered.await)
    }

    /// Takes all that an outgoing payment has left, once it has ended, for good or until it is posted
    /// or voided. `NOT_FOUND` for one that is unknown or has not ended, `DUPLICATE` for one whose
    /// money is taken, `FORBIDDEN` when there is none.
    #[graphql(complexity = "CHANGE_COMPLEXITY + child_complexity")]
    async fn create_outgoing_payment_withdrawal(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The withdrawal.")] input: CreateOutgoingPaymentWithdrawalInput,
    ) -> Option<Result<LiquidityMutationResponse>> {
        let key = Some(input.idempotency_key.clone());
        let message = "Created outgoing payment withdrawal";
        let answered = answer(context, message, key, |operator| async move {
            let (id, timeout_s) = input.read()?;
            operator.payments().withdraw_from_outgoing(&id, timeout_s).await
        });
        Some(answered.await)
    }
}
