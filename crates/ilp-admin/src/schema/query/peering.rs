//! The query of waiting peering requests.

use async_graphql::{Context, Object, Result};

use crate::schema::forms::context::{operator, or_error};
use crate::schema::{
    forms::page::{self, SortOrder},
    peers::peering::PeeringRequestsConnection,
};

#[derive(Default)]
pub(crate) struct PeeringQuery;

/// Auto-peering.
#[Object]
impl PeeringQuery {
    /// A page of the nodes that have asked to become peers and wait: the `first` rows `after` a
    /// cursor, or the `last` ones `before` it; 20 rows by default, 100 at most.
    #[graphql(complexity = "page::complexity(first, last, child_complexity)")]
    async fn peering_requests(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Only requests after the one of this cursor.")] after: Option<String>,
        #[graphql(desc = "Only requests before the one of this cursor.")] before: Option<String>,
        #[graphql(desc = "The first so many of them.")] first: Option<i32>,
        #[graphql(desc = "The last so many of them.")] last: Option<i32>,
        #[graphql(desc = "Newest first (DESC) unless told.")] sort_order: Option<SortOrder>,
    ) -> Result<PeeringRequestsConnection> {
        let page = page::arguments(after, before, first, last, sort_order);
        Ok(or_error(operator(context).peering().requests(&page).await)?.into())
    }
}
