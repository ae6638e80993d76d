//! Routes in the schema.

use async_graphql::SimpleObject;
use ilp_operator::RouteView;
use ilp_store::Rows;

use crate::schema::{
    assets::asset::Asset,
    forms::page::PageInfo,
    peers::peer::{Peer, PeerState},
};

/// A prefix of addresses, and a peer that packets to them may be sent to. The longest prefix wins;
/// among several peers for one prefix the choice depends on the destination, and peers that don't
/// answer are passed over.
#[derive(SimpleObject)]
pub(crate) struct Route {
    /// The prefix, such as `g.othergreatwallet`, or `g` for all that nobody is nearer to. Empty for
    /// a default route, which comes after every prefix.
    prefix: String,
    /// The peer.
    peer: Peer,
    /// The asset of the peer's balance.
    asset: Asset,
    /// Whether packets reach the peer.
    state: PeerState,
}

/// A page of routes.
#[derive(SimpleObject)]
pub(crate) struct RoutesConnection {
    /// The position of the page in the list.
    page_info: PageInfo,
    /// The routes of the page.
    edges: Vec<RouteEdge>,
}

/// A route in a list.
#[derive(SimpleObject)]
pub(crate) struct RouteEdge {
    /// The route.
    node: Route,
    /// The cursor of this place in the list, also after the route is gone.
    cursor: String,
}

impl From<RouteView> for RouteEdge {
    fn from(view: RouteView) -> Self {
        let cursor = view.cursor();
        let RouteView { prefix, peer } = view;
        let (asset, state) = (peer.asset.clone().into(), peer.reachability.into());
        Self { node: Route { prefix, asset, state, peer: peer.into() }, cursor }
    }
}

impl From<Rows<RouteView>> for RoutesConnection {
    fn from(rows: Rows<RouteView>) -> Self {
        let Rows { rows, has_previous, has_next } = rows;
        let edges: Vec<RouteEdge> = rows.into_iter().map(RouteEdge::from).collect();
        let cursor = |edge: &RouteEdge| edge.cursor.clone();
        let page_info = PageInfo::new(
            edges.first().map(cursor),
            edges.last().map(cursor),
            has_previous,
            has_next,
        );
        Self { page_info, edges }
    }
}
