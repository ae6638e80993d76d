//! Wallet addresses, payments and quotes.

use async_graphql::{Context, Object, Result};

use crate::schema::forms::context::{operator, or_error};
use crate::schema::{
    forms::{
        lists::Connection,
        page::{self, SortOrder},
    },
    wallets::{
        incoming_payment::{IncomingPayment, IncomingPaymentFilter},
        outgoing_payment::{OutgoingPayment, OutgoingPaymentFilter},
        payment::{Payment, PaymentFilter},
        quote::Quote,
        wallet_address::WalletAddress,
    },
};

#[derive(Default)]
pub(crate) struct WalletsQuery;

/// Wallet addresses, payments and quotes.
#[Object]
impl WalletsQuery {
    /// The wallet address of this id. `NOT_FOUND` when there is none.
    async fn wallet_address(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The wallet address's id.")] id: String,
    ) -> Option<Result<WalletAddress>> {
        Some(or_error(operator(context).wallets().get(&id).await).map(WalletAddress::from))
    }

    /// The wallet address of this URL or payment pointer; null when there is none.
    async fn wallet_address_by_url(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Such as `https://wallet.example/alice`.")] url: String,
    ) -> Option<Result<WalletAddress>> {
        let found = operator(context).wallets().by_url(&url).await;
        or_error(found.map(|found| found.map(WalletAddress::from))).transpose()
    }

    /// The quote of this id, as long as it is kept. `NOT_FOUND` when there is none.
    async fn quote(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The quote's id.")] id: String,
    ) -> Option<Result<Quote>> {
        Some(or_error(operator(context).payments().quote(&id).await).map(Quote::from))
    }

    /// The outgoing payment of this id. `NOT_FOUND` when there is none.
    async fn outgoing_payment(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The payment's id.")] id: String,
    ) -> Option<Result<OutgoingPayment>> {
        Some(or_error(operator(context).payments().outgoing(&id).await).map(OutgoingPayment::from))
    }

    /// The incoming payment of this id. `NOT_FOUND` when there is none.
    async fn incoming_payment(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The payment's id.")] id: String,
    ) -> Option<Result<IncomingPayment>> {
        Some(or_error(operator(context).payments().incoming(&id).await).map(IncomingPayment::from))
    }

    /// A page of the wallet addresses: the `first` rows `after` a cursor, or the `last` ones
    /// `before` it; 20 rows by default, 100 at most. `BAD_USER_INPUT` for arguments that make no
    /// page.
    #[graphql(complexity = "page::complexity(first, last, child_complexity)")]
    #[expect(clippy::too_many_arguments, reason = "the arguments are the schema's")]
    async fn wallet_addresses(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Only wallet addresses after the one of this cursor.")] after: Option<
            String,
        >,
        #[graphql(desc = "Only wallet addresses before the one of this cursor.")] before: Option<
            String,
        >,
        #[graphql(desc = "The first so many of them.")] first: Option<i32>,
        #[graphql(desc = "The last so many of them.")] last: Option<i32>,
        #[graphql(desc = "Newest first (DESC) unless told.")] sort_order: Option<SortOrder>,
        #[graphql(desc = "Only this tenant's. There is one tenant.")] tenant_id: Option<String>,
    ) -> Result<Connection<WalletAddress>> {
        let page = page::arguments(after, before, first, last, sort_order);
        or_error(operator(context).check_tenant(tenant_id.as_deref()))?;
        Ok(or_error(operator(context).wallets().list(&page).await)?.into())
    }

    /// A page of the outgoing payments: the `first` rows `after` a cursor, or the `last` ones
    /// `before` it; 20 rows by default, 100 at most. `BAD_USER_INPUT` for arguments that make no
    /// page.
    #[graphql(complexity = "page::complexity(first, last, child_complexity)")]
    #[expect(clippy::too_many_arguments, reason = "the arguments are the schema's")]
    async fn outgoing_payments(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Only payments after the one of this cursor.")] after: Option<String>,
        #[graphql(desc = "Only payments before the one of this cursor.")] before: Option<String>,
        #[graphql(desc = "The first so many of them.")] first: Option<i32>,
        #[graphql(desc = "The last so many of them.")] last: Option<i32>,
        #[graphql(desc = "Newest first (DESC) unless told.")] sort_order: Option<SortOrder>,
        #[graphql(desc = "Which of them; all when left out.")] filter: Option<
            OutgoingPaymentFilter,
        >,
        #[graphql(desc = "Only this tenant's. There is one tenant.")] tenant_id: Option<String>,
    ) -> Result<Connection<OutgoingPayment>> {
        let page = page::arguments(after, before, first, last, sort_order);
        let filter = OutgoingPaymentFilter::read(filter);
        or_error(operator(context).check_tenant(tenant_id.as_deref()))?;
        Ok(or_error(operator(context).payments().list_outgoing(&page, filter).await)?.into())
    }

    /// A page of the incoming payments: the `first` rows `after` a cursor, or the `last` ones
    /// `before` it; 20 rows by default, 100 at most. `BAD_USER_INPUT` for arguments that make no
    /// page.
    #[graphql(complexity = "page::complexity(first, last, child_complexity)")]
    #[expect(clippy::too_many_arguments, reason = "the arguments are the schema's")]
    async fn incoming_payments(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Only payments after the one of this cursor.")] after: Option<String>,
        #[graphql(desc = "Only payments before the one of this cursor.")] before: Option<String>,
        #[graphql(desc = "The first so many of them.")] first: Option<i32>,
        #[graphql(desc = "The last so many of them.")] last: Option<i32>,
        #[graphql(desc = "Newest first (DESC) unless told.")] sort_order: Option<SortOrder>,
        #[graphql(desc = "Which of them; all when left out.")] filter: Option<
            IncomingPaymentFilter,
        >,
        #[graphql(desc = "Only this tenant's. There is one tenant.")] tenant_id: Option<String>,
    ) -> Result<Connection<IncomingPayment>> {
        let page = page::arguments(after, before, first, last, sort_order);
        let filter = IncomingPaymentFilter::read(filter);
        or_error(operator(context).check_tenant(tenant_id.as_deref()))?;
        Ok(or_error(operator(context).payments().list_incoming(None, &page, filter).await)?.into())
    }

    /// A page of the payments of both directions: the `first` rows `after` a cursor, or the `last`
    /// ones `before` it; 20 rows by default, 100 at most. `BAD_USER_INPUT` for arguments that make
    /// no page.
    #[graphql(complexity = "page::complexity(first, last, child_complexity)")]
    #[expect(clippy::too_many_arguments, reason = "the arguments are the schema's")]
    async fn payments(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Only payments after the one of this cursor.")] after: Option<String>,
        #[graphql(desc = "Only payments before the one of this cursor.")] before: Option<String>,
        #[graphql(desc = "The first so many of them.")] first: Option<i32>,
        #[graphql(desc = "The last so many of them.")] last: Option<i32>,
        #[graphql(desc = "Newest first (DESC) unless told.")] sort_order: Option<SortOrder>,
        #[graphql(desc = "Which of them; all when left out.")] filter: Option<PaymentFilter>,
        #[graphql(desc = "Only this tenant's. There is one tenant.")] tenant_id: Option<String>,
    ) -> Result<Connection<Payment>> {
        let page = page::arguments(after, before, first, last, sort_order);
        let filter = PaymentFilter::read(filter);
        or_error(operator(context).check_tenant(tenant_id.as_deref()))?;
        Ok(or_error(operator(context).payments().list(&page, filter).await)?.into())
    }
}
