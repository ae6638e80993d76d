//! Queries of the tenant.

use async_graphql::{Context, Object, Result};

use crate::schema::forms::context::{operator, or_error};
use crate::schema::{
    forms::page::{self, SortOrder},
    node::{
        node_info::WhoamiResponse,
        tenant::{Tenant, TenantsConnection},
    },
};

#[derive(Default)]
pub(crate) struct TenantQuery;

/// The one tenant.
#[Object]
impl TenantQuery {
    /// The client's tenant.
    async fn whoami(&self, context: &Context<'_>) -> WhoamiResponse {
        WhoamiResponse { id: operator(context).tenant_id().to_owned(), is_operator: true }
    }

    /// The tenant of this id. `NOT_FOUND` for every id but the one that `whoami` tells.
    async fn tenant(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The tenant's id.")] id: String,
    ) -> Result<Tenant> {
        or_error(operator(context).tenant(&id).await).map(|_| Tenant::default())
    }

    /// A page of the tenants, of which there is one.
    #[graphql(complexity = "page::complexity(first, last, child_complexity)")]
    async fn tenants(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Only tenants after the one of this cursor.")] after: Option<String>,
        #[graphql(desc = "Only tenants before the one of this cursor.")] before: Option<String>,
        #[graphql(desc = "The first so many of them.")] first: Option<i32>,
        #[graphql(desc = "The last so many of them.")] last: Option<i32>,
        #[graphql(desc = "Newest first (DESC) unless told.")] sort_order: Option<SortOrder>,
    ) -> Result<TenantsConnection> {
        let page = page::arguments(after, before, first, last, sort_order);
        Ok(or_error(operator(context).tenants(&page).await)?.into())
    }
}
