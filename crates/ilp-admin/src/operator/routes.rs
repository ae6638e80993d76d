//! The routes as they are now.

use ilp_connector::{ListedRoute, RouteCursor};
use ilp_store::Rows;

use super::{
    Inner, Operator, OperatorError, check, error::ErrorKind, page::PageArguments, views::PeerView,
};

/// A prefix, and a peer that it leads to.
#[derive(Clone, Debug)]
pub struct RouteView {
    /// Empty for a default route.
    pub prefix: String,
    /// The peer.
    pub peer: PeerView,
}

impl RouteView {
    /// Names the route's place in the list.
    #[must_use]
    pub fn cursor(&self) -> String {
        format!("{}:{}", self.peer.record.id, self.prefix)
    }
}

impl Operator {
    /// The first so many routes after a cursor: default routes first, then by prefix.
    ///
    /// # Errors
    /// Bad input.
    pub async fn routes(
        &self,
        first: Option<i32>,
        after: Option<&str>,
    ) -> Result<Rows<RouteView>, OperatorError> {
        let limit = PageArguments { first, ..PageArguments::default() }.check()?.limit;
        let after = after.map(read_cursor).transpose()?;
        self.read(move |inner| {
            let page = inner.parts.connector.routes(after.as_ref(), limit);
            Ok(Rows {
                rows: inner.route_views(&page.rows)?,
                has_previous: page.has_previous,
                has_next: page.has_next,
            })
        })
        .await
    }
}

impl Inner {
    /// Routes whose peer is being deleted just now are left out.
    fn route_views(&self, listed: &[ListedRoute]) -> Result<Vec<RouteView>, OperatorError> {
        let mut prefixes = Vec::with_capacity(listed.len());
        let mut records = Vec::with_capacity(listed.len());
        for route in listed {
            if let Some(record) = self.parts.store.peer(route.peer.id)? {
                prefixes.push(route.prefix.to_string());
                records.push(record);
            }
        }
        let peers = self.peer_views(records)?.into_iter();
        Ok(prefixes
            .into_iter()
            .zip(peers)
            .map(|(prefix, peer)| RouteView { prefix, peer })
            .collect())
    }
}

fn read_cursor(text: &str) -> Result<RouteCursor, OperatorError> {
    let place = text.split_once(':').and_then(|(peer, prefix)| {
        Some(RouteCursor { prefix: prefix.into(), peer: check::id(peer)? })
    });
    place.ok_or_else(|| {
        OperatorError::new(
            ErrorKind::BadInput,
            "Pagination: after is no cursor of a route, take one from edges or pageInfo",
        )
    })
}
