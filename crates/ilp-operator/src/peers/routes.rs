//! The routes as they are now.

use std::sync::Arc;

use ilp_connector::{ListedRoute, Refusal, RouteCursor, peer::Asset};
use ilp_store::Rows;
use interledger_packet::Address;
use uuid::Uuid;

use crate::{
    assets::error::AssetError,
    node::operator::Inner,
    peers::{Peers, error::PeerError, view::PeerView},
    vocabulary::{check, error::OperatorError, input_error::InputError, page::PageArguments},
};

/// A prefix, and a peer that it leads to.
#[derive(Clone, Debug)]
pub struct RouteView {
    /// Empty for a default route.
    pub prefix: String,
    /// The peer.
    pub peer: PeerView,
}

/// Where a packet would go.
#[derive(Clone, Debug)]
pub enum Way {
    /// The address ends at this node.
    Here,
    /// To a peer.
    Through {
        /// The prefix that leads there: the longest one that fits. Empty for a default route.
        prefix: String,
        /// The peer.
        peer: Box<PeerView>,
        /// Peers that the prefix leads to as well, some of them.
        others: Vec<PeerView>,
    },
    /// Nowhere.
    Refused(Refusal),
}

/// How many other peers for the same prefix are told.
const OTHERS_TOLD_MAX: usize = 10;

impl RouteView {
    /// Names the route's place in the list.
    #[must_use]
    pub fn cursor(&self) -> String {
        format!("{}:{}", self.peer.record.id, self.prefix)
    }
}

impl Peers<'_> {
    /// The first so many routes after a cursor: default routes first, then by prefix.
    ///
    /// # Errors
    /// Bad input.
    pub async fn routes(
        self,
        first: Option<i32>,
        after: Option<&str>,
    ) -> Result<Rows<RouteView>, OperatorError> {
        self.on.peers().routes_beginning_with("", first, after).await
    }

    /// Returns the first so many routes after a cursor whose prefixes begin with `text`. The cost
    /// depends on the page's length, however many other routes there are.
    ///
    /// # Errors
    /// Bad input.
    pub async fn routes_beginning_with(
        self,
        text: &str,
        first: Option<i32>,
        after: Option<&str>,
    ) -> Result<Rows<RouteView>, OperatorError> {
        let limit = PageArguments { first, ..PageArguments::default() }.check()?.limit;
        let after = after.map(read_cursor).transpose()?;
        let text = text.to_owned();
        self.on
            .read(move |inner| {
                let is_first = after.is_none();
                let after = after.or_else(|| (!text.is_empty()).then(|| before_all(&text)));
                let mut page = inner.parts.connector.routes(after.as_ref(), limit + 1);
                page.rows.retain(|row| row.prefix.starts_with(&text));
                let has_next = page.rows.len() > limit;
                page.rows.truncate(limit);
                let has_previous = page.has_previous && !is_first;
                Ok(Rows { rows: inner.route_views(&page.rows)?, has_previous, has_next })
            })
            .await
    }

    /// Returns the way that a packet to `address` would take now, by its amount's asset where the
    /// id of one is given.
    ///
    /// # Errors
    /// Bad input when it is not an ILP address; not found for an unknown
    /// asset.
    pub async fn way_to(self, address: &str, asset: Option<&str>) -> Result<Way, OperatorError> {
        let destination: Address = address.parse().map_err(PeerError::Destination)?;
        let find =
            |id| check::id(id).and_then(|id| self.on.inner.asset(id)).ok_or(AssetError::Unknown);
        let asset = asset.map(find).transpose()?;
        self.on.read(move |inner| inner.way_to(&destination, asset.as_ref())).await
    }
}

impl Inner {
    fn way_to(
        &self,
        destination: &Address,
        asset: Option<&Arc<Asset>>,
    ) -> Result<Way, OperatorError> {
        let connector = &self.parts.connector;
        let now = (self.parts.clock)();
        let next = match connector.way_to(destination.as_addr(), asset, now) {
            Ok(None) => return Ok(Way::Here),
            Ok(Some(next)) => next,
            Err(refusal) => return Ok(Way::Refused(refusal)),
        };
        for prefix in prefixes(destination.as_str()) {
            let mut page = connector.routes(Some(&before_all(prefix)), OTHERS_TOLD_MAX);
            page.rows.retain(|row| *row.prefix == *prefix);
            if page.rows.is_empty() {
                continue;
            }
            page.rows.retain(|row| row.peer.id != next.id);
            let others = self.route_views(&page.rows)?.into_iter().map(|route| route.peer);
            let Some(record) = self.store.peer(next.id)? else { break };
            let peer = Box::new(self.peer_view(record)?);
            let (prefix, others) = (prefix.to_owned(), others.collect());
            return Ok(Way::Through { prefix, peer, others });
        }
        // Its peer is being deleted just now.
        Ok(Way::Refused(Refusal::NoRoute))
    }

    /// Routes whose peer is being deleted just now are left out.
    fn route_views(&self, listed: &[ListedRoute]) -> Result<Vec<RouteView>, OperatorError> {
        let mut prefixes = Vec::with_capacity(listed.len());
        let mut records = Vec::with_capacity(listed.len());
        for route in listed {
            if let Some(record) = self.store.peer(route.peer.id)? {
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

/// Returns the prefixes that may lead to an address: itself and its beginnings, the longest first,
/// and the empty prefix of default routes.
fn prefixes(address: &str) -> impl Iterator<Item = &str> {
    let shorter = address.rmatch_indices('.').map(|(end, _)| &address[..end]);
    [address].into_iter().chain(shorter).chain([""])
}

/// Returns the place before all routes of this prefix.
fn before_all(prefix: &str) -> RouteCursor {
    RouteCursor { prefix: prefix.into(), peer: Uuid::nil() }
}

fn read_cursor(text: &str) -> Result<RouteCursor, InputError> {
    let place = text.split_once(':').and_then(|(peer, prefix)| {
        Some(RouteCursor { prefix: prefix.into(), peer: check::id(peer)? })
    });
    place.ok_or(InputError::RouteCursor)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_prefix_comes_first_and_the_default_route_last() {
        let found: Vec<_> = prefixes("g.a.bc").collect();
        assert_eq!(found, ["g.a.bc", "g.a", "g", ""]);
        assert_eq!(prefixes("g").collect::<Vec<_>>(), ["g", ""]);
    }
}
