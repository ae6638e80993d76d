//! The queries.

mod audit;
mod books;
mod peering;
mod rates;
mod routes;
mod tenants;
mod wallets;

use async_graphql::{Context, ID, MergedObject, Object, Result};
use ilp_operator::{PeerError, PingOver};

use crate::schema::{
    assets::asset::{Asset, AssetsConnection},
    forms::{
        context::{operator, or_error},
        page::{self, SortOrder},
        scalars::UInt8,
    },
    node::node_info::{NodeInfo, PingResult},
    peers::peer::{Peer, PeersConnection},
};

/// A ping occupies the network, so few of them fit into one request.
const PING_COMPLEXITY: usize = 1000;

/// Everything that can be read. Refusals are GraphQL errors with `extensions.code`, such as
/// `NOT_FOUND`.
#[derive(Default, MergedObject)]
pub(crate) struct Query(
    NodeQuery,
    books::BooksQuery,
    tenants::TenantQuery,
    audit::AuditQuery,
    peering::PeeringQuery,
    rates::RatesQuery,
    routes::RoutesQuery,
    wallets::WalletsQuery,
);

/// The queries about the node, its assets and its peers. A field that may be null is an
/// `Option<Result<_>>`: a refusal then makes that field null beside the error; a
/// `Result<Option<_>>` would void the data of its neighbours too.
#[derive(Default)]
struct NodeQuery;

/// The node, its assets and its peers.
#[Object]
impl NodeQuery {
    /// The asset of this id. `NOT_FOUND` when there is none.
    async fn asset(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The asset's id.")] id: String,
    ) -> Option<Result<Asset>> {
        Some(or_error(operator(context).assets().get(&id).await).map(Asset::from))
    }

    /// The asset of this code and scale; null when there is none.
    async fn asset_by_code_and_scale(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The asset's code, such as `USD`.")] code: String,
        #[graphql(desc = "The asset's scale, such as 2.")] scale: UInt8,
    ) -> Option<Result<Asset>> {
        let asset = operator(context).assets().by_code_and_scale(code, scale.0).await;
        or_error(asset.map(|asset| asset.map(Asset::from))).transpose()
    }

    /// A page of the assets: the `first` rows `after` a cursor, or the `last` ones `before` it; 20
    /// rows by default, 100 at most. `BAD_USER_INPUT` for arguments that make no page, `NOT_FOUND`
    /// for an unknown tenant.
    #[graphql(complexity = "page::complexity(first, last, child_complexity)")]
    #[expect(clippy::too_many_arguments, reason = "the arguments are the schema's")]
    async fn assets(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Only assets after the one of this cursor.")] after: Option<String>,
        #[graphql(desc = "Only assets before the one of this cursor.")] before: Option<String>,
        #[graphql(desc = "The first so many of them.")] first: Option<i32>,
        #[graphql(desc = "The last so many of them.")] last: Option<i32>,
        #[graphql(desc = "Newest first (DESC) unless told.")] sort_order: Option<SortOrder>,
        #[graphql(desc = "Only this tenant's assets. There is one tenant.")] tenant_id: Option<
            String,
        >,
    ) -> Result<AssetsConnection> {
        let page = page::arguments(after, before, first, last, sort_order);
        or_error(operator(context).check_tenant(tenant_id.as_deref()))?;
        Ok(or_error(operator(context).assets().list(&page).await)?.into())
    }

    /// The peer of this id. `NOT_FOUND` when there is none.
    async fn peer(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The peer's id.")] id: String,
    ) -> Option<Result<Peer>> {
        Some(or_error(operator(context).peers().get(&id).await).map(Peer::from))
    }

    /// The peer of this asset that has this address, or else the longest beginning of it, segment
    /// by segment; null when there is none.
    async fn peer_by_address_and_asset(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "An ILP address, such as `g.othergreatwallet`.")]
        static_ilp_address: String,
        #[graphql(desc = "The id of the peer's asset.")] asset_id: String,
    ) -> Option<Result<Peer>> {
        let peer =
            operator(context).peers().by_address_and_asset(static_ilp_address, &asset_id).await;
        or_error(peer.map(|peer| peer.map(Peer::from))).transpose()
    }

    /// A page of the peers: the `first` rows `after` a cursor, or the `last` ones `before` it; 20
    /// rows by default, 100 at most. `BAD_USER_INPUT` for arguments that make no page, `NOT_FOUND`
    /// for an unknown tenant.
    #[graphql(complexity = "page::complexity(first, last, child_complexity)")]
    #[expect(clippy::too_many_arguments, reason = "the arguments are the schema's")]
    async fn peers(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Only peers after the one of this cursor.")] after: Option<String>,
        #[graphql(desc = "Only peers before the one of this cursor.")] before: Option<String>,
        #[graphql(desc = "The first so many of them.")] first: Option<i32>,
        #[graphql(desc = "The last so many of them.")] last: Option<i32>,
        #[graphql(desc = "Newest first (DESC) unless told.")] sort_order: Option<SortOrder>,
        #[graphql(desc = "Only this tenant's peers. There is one tenant.")] tenant_id: Option<ID>,
    ) -> Result<PeersConnection> {
        let page = page::arguments(after, before, first, last, sort_order);
        let tenant_id = tenant_id.as_deref().map(String::as_str);
        or_error(operator(context).check_tenant(tenant_id))?;
        Ok(or_error(operator(context).peers().list(&page).await)?.into())
    }

    /// The node that answers.
    async fn node(&self, context: &Context<'_>) -> NodeInfo {
        operator(context).node().into()
    }

    /// Sends a packet of zero, which cannot be fulfilled, to an ILP address and tells which node refused
    /// it. No money moves. `BAD_USER_INPUT` when it is not an ILP address, or `peerId` and `assetId` are
    /// both given; `NOT_FOUND` when there is no such peer or asset.
    #[graphql(complexity = "PING_COMPLEXITY + child_complexity")]
    async fn ping(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Where to, such as `g.othergreatwallet.alice`.")] address: String,
        #[graphql(desc = "The peer that the packet is sent to, whatever the routes say.")]
        peer_id: Option<String>,
        #[graphql(
            desc = "The asset whose way the packet takes: over a peer in it, where one leads there."
        )]
        asset_id: Option<String>,
    ) -> Result<PingResult> {
        let over = match (&peer_id, &asset_id) {
            (None, None) => PingOver::Any,
            (Some(peer), None) => PingOver::Peer(peer),
            (None, Some(asset)) => PingOver::Asset(asset),
            (Some(_), Some(_)) => {
                return or_error(Err(PeerError::PingOverBoth));
            }
        };
        Ok(or_error(operator(context).peers().ping(&address, over).await)?.into())
    }
}
