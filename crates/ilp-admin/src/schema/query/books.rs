//! Queries of transfers and events.

use async_graphql::{Context, Object, Result};
use ilp_operator::TRANSFER_ROWS_MAX;

use crate::schema::forms::context::{operator, or_error};
use crate::schema::{
    books::transfer::AccountingTransferConnection,
    forms::page::{self, SortOrder},
    node::event::{WebhookEventFilter, WebhookEventsConnection},
};

#[derive(Default)]
pub(crate) struct BooksQuery;

/// The books and the events.
#[Object]
impl BooksQuery {
    /// The newest movements on the account of a peer or an asset, newest first, also of one that
    /// was deleted; or the one deposit or withdrawal of an id. There are none on an unknown account.
    #[graphql(complexity = "transfers_complexity(limit, child_complexity)")]
    async fn accounting_transfers(
        &self,
        context: &Context<'_>,
        #[graphql(
            desc = "The id of the peer or asset; an asset's id with `:settlement` behind it \
                          for where its deposits come from and its withdrawals go to; or the \
                          client's id of a deposit or withdrawal."
        )]
        id: String,
        #[graphql(desc = "How many, debits and credits together; 20 unless told, 500 at most.")]
        limit: Option<i32>,
    ) -> Result<AccountingTransferConnection> {
        Ok(or_error(operator(context).books().transfers(&id, limit).await)?.into())
    }

    /// A page of the events: the `first` rows `after` a cursor, or the `last` ones `before` it; 20
    /// rows by default, 100 at most. `BAD_USER_INPUT` for arguments that make no page.
    #[graphql(
        complexity = "page::filtered_complexity(filter.is_some(), first, last, child_complexity)"
    )]
    #[expect(clippy::too_many_arguments, reason = "the arguments are the schema's")]
    async fn webhook_events(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Only events after the one of this cursor.")] after: Option<String>,
        #[graphql(desc = "Only events before the one of this cursor.")] before: Option<String>,
        #[graphql(desc = "The first so many of them.")] first: Option<i32>,
        #[graphql(desc = "The last so many of them.")] last: Option<i32>,
        #[graphql(desc = "Newest first (DESC) unless told.")] sort_order: Option<SortOrder>,
        #[graphql(desc = "Which of them; all when left out.")] filter: Option<WebhookEventFilter>,
        #[graphql(desc = "Only this tenant's events. There is one tenant.")] tenant_id: Option<
            String,
        >,
    ) -> Result<WebhookEventsConnection> {
        let page = page::arguments(after, before, first, last, sort_order);
        let (only, except) = filter.unwrap_or_default().read();
        or_error(operator(context).check_tenant(tenant_id.as_deref()))?;
        Ok(or_error(operator(context).events().list(&page, only, except).await)?.into())
    }
}

/// A limit that will be refused counts as the most there can be.
fn transfers_complexity(limit: Option<i32>, row: usize) -> usize {
    let rows = usize::try_from(limit.unwrap_or(20))
        .unwrap_or(TRANSFER_ROWS_MAX)
        .clamp(1, TRANSFER_ROWS_MAX);
    rows.saturating_mul(row.saturating_add(1))
}
