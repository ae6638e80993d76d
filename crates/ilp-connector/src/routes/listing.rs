//! The routes in order, a page at a time.

use std::{ops::Bound, sync::Arc};

use uuid::Uuid;

use super::{Hops, Routes};
use crate::peer::Peer;

/// One peer under one prefix.
#[derive(Clone, Debug)]
pub struct ListedRoute {
    /// The prefix; empty for a default route.
    pub prefix: Box<str>,
    /// The peer.
    pub peer: Arc<Peer>,
}

/// Names a place in the list, whether there is still a route or not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RouteCursor {
    /// The prefix.
    pub prefix: Box<str>,
    /// The peer's id.
    pub peer: Uuid,
}

/// A page of the routes.
#[derive(Clone, Debug, Default)]
pub struct Listing {
    /// Default routes first, then in the order of the prefixes, and under one prefix in the order in
    /// which the peers were made.
    pub rows: Vec<ListedRoute>,
    /// Whether there are routes before these.
    pub has_previous: bool,
    /// Whether there are routes after these.
    pub has_next: bool,
}

impl Routes {
    /// At most `limit` routes after a place in the list. It costs what the page has, and what the
    /// search for its beginning does.
    pub(crate) fn page(&self, after: Option<&RouteCursor>, limit: usize) -> Listing {
        let by_prefix = self.by_prefix.lock();
        let from = after.map_or(Bound::Unbounded, |after| Bound::Included(&*after.prefix));
        let rest =
            by_prefix.range::<str, _>((from, Bound::Unbounded)).flat_map(|(prefix, hops)| {
                peers_after(prefix, hops, after).iter().map(move |peer| (prefix, peer))
            });
        let mut rows: Vec<_> = rest
            .take(limit.saturating_add(1))
            .map(|(prefix, peer)| ListedRoute { prefix: prefix.clone(), peer: Arc::clone(peer) })
            .collect();
        let has_next = rows.len() > limit;
        rows.truncate(limit);
        let has_previous = after.is_some_and(|after| {
            let first = by_prefix
                .first_key_value()
                .and_then(|(prefix, hops)| hops.peers().first().map(|peer| (&**prefix, peer.id)));
            first.is_some_and(|first| first <= (&*after.prefix, after.peer))
        });
        Listing { rows, has_previous, has_next }
    }
}

impl Routes {
    /// Returns at most `limit` routes of peers that `is_wanted`, whose prefix is `address`, lies
    /// above it or lies below it. The nearest ones above come first; the empty prefix of default
    /// routes is above all. The cost grows with the routes found and with those below the address
    /// that `is_wanted` rejects.
    pub(crate) fn around(
        &self,
        address: &str,
        limit: usize,
        is_wanted: impl Fn(&Peer) -> bool,
    ) -> Vec<ListedRoute> {
        let by_prefix = self.by_prefix.lock();
        let shorter = address.rmatch_indices('.').map(|(end, _)| &address[..end]);
        let at_or_above = [address].into_iter().chain(shorter).chain([""]);
        let at_or_above = at_or_above.filter_map(|prefix| by_prefix.get_key_value(prefix));
        let start = format!("{address}.");
        let below = by_prefix
            .range::<str, _>((Bound::Included(&*start), Bound::Unbounded))
            .take_while(|(prefix, _)| prefix.starts_with(&start));
        at_or_above
            .chain(below)
            .flat_map(|(prefix, hops)| hops.peers().iter().map(move |peer| (prefix, peer)))
            .filter(|(_, peer)| is_wanted(peer))
            .take(limit)
            .map(|(prefix, peer)| ListedRoute { prefix: prefix.clone(), peer: Arc::clone(peer) })
            .collect()
    }
}

/// The peers under a prefix that come after a place in the list.
fn peers_after<'a>(prefix: &str, hops: &'a Hops, after: Option<&RouteCursor>) -> &'a [Arc<Peer>] {
    let peers = hops.peers();
    match after.filter(|after| *after.prefix == *prefix) {
        None => peers,
        Some(after) => &peers[peers.partition_point(|peer| peer.id <= after.peer)..],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::peer;

    fn cursor(row: &ListedRoute) -> RouteCursor {
        RouteCursor { prefix: row.prefix.clone(), peer: row.peer.id }
    }

    #[test]
    fn pages_of_any_size_show_each_route_once_and_in_order() {
        let routes = Routes::new();
        let peers: Vec<_> = ["g.one", "g.two", "g.three"].map(peer).into();
        for (index, peer) in peers.iter().enumerate().rev() {
            let own = format!("g.own{index}");
            routes.add(["g.shared", &own, ""].into_iter(), peer);
        }
        let ids: Vec<_> = peers.iter().map(|peer| peer.id).collect();
        let expected: Vec<(String, Uuid)> = [("", 0), ("", 1), ("", 2)]
            .into_iter()
            .chain([("g.own0", 0), ("g.own1", 1), ("g.own2", 2)])
            .chain([("g.shared", 0), ("g.shared", 1), ("g.shared", 2)])
            .map(|(prefix, index)| (prefix.to_owned(), ids[index]))
            .collect();
        for limit in 1..=10 {
            let (mut seen, mut after) = (Vec::new(), None);
            loop {
                let page = routes.page(after.as_ref(), limit);
                assert_eq!(page.has_previous, !seen.is_empty());
                assert!(page.rows.len() <= limit);
                seen.extend(page.rows.iter().map(|row| (row.prefix.to_string(), row.peer.id)));
                after = page.rows.last().map(cursor);
                if !page.has_next {
                    break;
                }
            }
            assert_eq!(seen, expected, "pages of {limit}");
        }
        assert!(routes.page(None, 0).rows.is_empty() && routes.page(None, 0).has_next);
    }

    #[test]
    fn routes_at_above_and_below_an_address_are_found_by_segments() {
        let routes = Routes::new();
        let (one, two) = (peer("g.one"), peer("g.two"));
        routes.add(["g.a.b", "g.a.b.c.d", "g.a.bc", "g.ab", "g.a.b-c"].into_iter(), &one);
        routes.add(["g.a", "", "g.a.b.c"].into_iter(), &two);
        let around = |address: &str, is_wanted: fn(&Peer) -> bool| -> Vec<String> {
            let found = routes.around(address, 9, is_wanted);
            found.iter().map(|row| row.prefix.to_string()).collect()
        };
        assert_eq!(around("g.a.b", |_| true), ["g.a.b", "g.a", "", "g.a.b.c", "g.a.b.c.d"]);
        assert_eq!(around("g.a.b.c.d.e", |_| true), ["g.a.b.c.d", "g.a.b.c", "g.a.b", "g.a", ""]);
        assert_eq!(around("g.z", |_| true), [""]);
        let not_two = |peer: &Peer| peer.terms().address.as_str() != "g.two";
        assert_eq!(around("g.a.b", not_two), ["g.a.b", "g.a.b.c.d"]);
        assert_eq!(routes.around("g.a.b", 1, |_| true).len(), 1);
    }

    #[test]
    fn a_place_stays_a_place_when_its_route_is_gone() {
        let routes = Routes::new();
        let (one, two) = (peer("g.one"), peer("g.two"));
        routes.add(["g.a", "g.b", "g.c"].into_iter(), &one);
        routes.add(["g.b"].into_iter(), &two);
        let after = RouteCursor { prefix: "g.b".into(), peer: one.id };
        routes.remove(["g.b"].into_iter(), &one);
        let rows = |after| -> Vec<_> {
            let page = routes.page(Some(after), 9);
            page.rows.iter().map(|row| (row.prefix.to_string(), row.peer.id)).collect()
        };
        assert_eq!(rows(&after), [("g.b".to_owned(), two.id), ("g.c".to_owned(), one.id)]);
        routes.remove(["g.b"].into_iter(), &two);
        assert_eq!(rows(&after), [("g.c".to_owned(), one.id)]);
    }
}
