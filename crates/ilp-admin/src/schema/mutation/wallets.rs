//! Wallet addresses, what is asked and offered for them, and fees.

use async_graphql::{Context, Object, Result};

use super::{CHANGE_COMPLEXITY, check_assignment};
use crate::schema::{
    assets::fee::{SetFeeInput, SetFeeResponse},
    forms::response::answer,
    wallets::{
        incoming_payment::{CreateIncomingPaymentInput, IncomingPaymentResponse},
        quote::{CreateQuoteInput, QuoteResponse},
        wallet_address_input::{
            CreateWalletAddressInput, CreateWalletAddressMutationResponse,
            CreateWalletAddressWithdrawalInput, UpdateWalletAddressInput,
            UpdateWalletAddressMutationResponse, WalletAddressWithdrawalMutationResponse,
        },
    },
};

/// A quote occupies the network, so few of them fit into one request.
const QUOTE_COMPLEXITY: usize = 1_000;

#[derive(Default)]
pub(crate) struct WalletsMutation;

/// Wallet addresses, what is asked and offered for them, and fees.
#[Object]
impl WalletsMutation {
    /// Makes a wallet address. `NOT_FOUND` for an unknown asset, `DUPLICATE` when another one has
    /// the URL, `BAD_USER_INPUT` for a URL that is none for a wallet address.
    #[graphql(complexity = "CHANGE_COMPLEXITY + child_complexity")]
    async fn create_wallet_address(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The wallet address.")] input: CreateWalletAddressInput,
    ) -> Result<CreateWalletAddressMutationResponse> {
        let key = input.idempotency_key.clone();
        answer(context, "Created wallet address", key, move |operator| async move {
            check_assignment(&operator, input.tenant_id.as_deref().map(String::as_str))?;
            operator.wallets().create(input.read()).await
        })
        .await
    }

    /// Changes a wallet address. `NOT_FOUND` when there is none of this id.
    #[graphql(complexity = "CHANGE_COMPLEXITY + child_complexity")]
    async fn update_wallet_address(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Its id and what is to change.")] input: UpdateWalletAddressInput,
    ) -> Result<UpdateWalletAddressMutationResponse> {
        let key = input.idempotency_key.clone();
        answer(context, "Updated wallet address", key, |operator| async move {
            operator.wallets().update(input.read()?).await
        })
        .await
    }

    /// Takes all that a wallet address has, for good or until it is posted or voided. `NOT_FOUND`
    /// for an unknown wallet address, `FORBIDDEN` when it has nothing, `DUPLICATE` for an id that
    /// was booked, `BAD_USER_INPUT` for an invalid id.
    #[graphql(complexity = "CHANGE_COMPLEXITY + child_complexity")]
    async fn create_wallet_address_withdrawal(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The withdrawal.")] input: CreateWalletAddressWithdrawalInput,
    ) -> Option<Result<WalletAddressWithdrawalMutationResponse>> {
        let key = Some(input.idempotency_key.clone());
        let message = "Created wallet address withdrawal";
        let answered = answer(context, message, key, |operator| async move {
            operator.wallets().withdraw(input.read()?).await
        });
        Some(answered.await)
    }

    /// Makes an incoming payment. `NOT_FOUND` for an unknown wallet address, `INACTIVE` for one that
    /// takes no new payments, `BAD_USER_INPUT` for an amount or an expiry that can't be.
    #[graphql(complexity = "CHANGE_COMPLEXITY + child_complexity")]
    async fn create_incoming_payment(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The payment.")] input: CreateIncomingPaymentInput,
    ) -> Result<IncomingPaymentResponse> {
        let key = input.idempotency_key.clone();
        answer(context, "Created incoming payment", key, |operator| async move {
            operator.payments().create_incoming(input.read()?).await
        })
        .await
    }

    /// Finds out what a payment would cost. No money moves; the quote stands for five minutes, or as
    /// long as its receiver takes money. `NOT_FOUND` for an unknown wallet address, `INACTIVE` for
    /// one that makes no new payments, `BAD_USER_INPUT` for a receiver or an amount that can't be.
    #[graphql(complexity = "QUOTE_COMPLEXITY + child_complexity")]
    async fn create_quote(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The payment.")] input: CreateQuoteInput,
    ) -> Result<QuoteResponse> {
        let key = input.idempotency_key.clone();
        answer(context, "Created quote", key, |operator| async move {
            operator.payments().create_quote(input.read()?).await
        })
        .await
    }

    /// Sets the fee for payments in an asset, from now on. `NOT_FOUND` for an unknown asset,
    /// `BAD_USER_INPUT` for basis points that are below 0 or above 10000.
    #[graphql(complexity = "CHANGE_COMPLEXITY + child_complexity")]
    async fn set_fee(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The fee.")] input: SetFeeInput,
    ) -> Result<SetFeeResponse> {
        let key = input.idempotency_key.clone();
        answer(context, "Set fee", key, |operator| async move {
            operator.assets().set_fee(input.read()?).await
        })
        .await
    }
}
