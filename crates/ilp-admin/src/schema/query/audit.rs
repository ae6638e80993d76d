//! The query of the audit log.

use async_graphql::{Context, Object, Result};

use crate::schema::forms::context::{operator, or_error};
use crate::schema::{
    forms::page::{self, SortOrder},
    node::audit::{AuditEventFilter, AuditEventsConnection},
};

#[derive(Default)]
pub(crate) struct AuditQuery;

/// The audit log.
#[Object]
impl AuditQuery {
    /// A page of what was done, tried or refused: the `first` rows `after` a cursor, or the `last`
    /// ones `before` it; 20 rows by default, 100 at most. `BAD_USER_INPUT` for arguments that make
    /// no page.
    #[graphql(
        complexity = "page::filtered_complexity(filter.is_some(), first, last, child_complexity)"
    )]
    #[expect(clippy::too_many_arguments, reason = "the arguments are the schema's")]
    async fn audit_events(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Only records after the one of this cursor.")] after: Option<String>,
        #[graphql(desc = "Only records before the one of this cursor.")] before: Option<String>,
        #[graphql(desc = "The first so many of them.")] first: Option<i32>,
        #[graphql(desc = "The last so many of them.")] last: Option<i32>,
        #[graphql(desc = "Newest first (DESC) unless told.")] sort_order: Option<SortOrder>,
        #[graphql(desc = "Which of them; all when left out.")] filter: Option<AuditEventFilter>,
    ) -> Result<AuditEventsConnection> {
        let page = page::arguments(after, before, first, last, sort_order);
        let filter = filter.unwrap_or_default().read();
        Ok(or_error(operator(context).audit().list(&page, filter).await)?.into())
    }
}
