//! Queries of the routing table.

use async_graphql::{Context, Object, Result};

use crate::schema::forms::context::{operator, or_error};
use crate::schema::{forms::page, peers::route::RoutesConnection};

/// The routing table.
#[derive(Default)]
pub(crate) struct RoutesQuery;

/// The routing table.
#[Object]
impl RoutesQuery {
    /// A page of the routes: the `first` rows `after` a cursor; 20 rows by default, 100 at most.
    /// Default routes come first, then the others in the order of their prefixes. `BAD_USER_INPUT`
    /// for arguments that make no page.
    #[graphql(complexity = "page::complexity(first, None, child_complexity)")]
    async fn routes(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Only routes after the one of this cursor.")] after: Option<String>,
        #[graphql(desc = "The first so many of them.")] first: Option<i32>,
    ) -> Result<RoutesConnection> {
        Ok(or_error(operator(context).peers().routes(first, after.as_deref()).await)?.into())
    }
}
