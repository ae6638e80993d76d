//! Which peer a destination is reached through: the longest prefix, counted in whole segments.

use std::{
    hash::BuildHasher,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use interledger_packet::Addr;
use papaya::{Compute, HashMap, Operation};

use crate::peer::Peer;

/// The routing table. Reads take no lock and allocate nothing; a change touches one prefix.
#[derive(Debug)]
pub(crate) struct Routes {
    by_prefix: HashMap<Box<str>, Arc<[Arc<Peer>]>, foldhash::fast::RandomState>,
    /// The most segments that any prefix has, so that a destination of 500 segments costs no more
    /// look-ups than the table is deep. It never shrinks: that would need a count per depth, and
    /// buys nothing but look-ups that find nothing.
    segments_max: AtomicUsize,
    /// Seeds the choice among several peers for one prefix.
    choice: foldhash::fast::FixedState,
}

/// What the table says about a destination.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Found<T> {
    /// Through this peer; the prefix that matched was this many bytes long.
    Through(T, usize),
    /// The longest matching prefix leads to the sender alone.
    BackToSender,
    /// No prefix matches.
    Nothing,
}

impl Routes {
    pub(crate) fn new() -> Self {
        Self {
            by_prefix: HashMap::default(),
            segments_max: AtomicUsize::new(0),
            choice: foldhash::fast::FixedState::default(),
        }
    }

    /// Adds a peer under a prefix. The caller makes one change at a time.
    pub(crate) fn add(&self, prefix: &str, peer: &Arc<Peer>) {
        self.segments_max.fetch_max(segments(prefix), Ordering::Relaxed);
        self.by_prefix.pin().update_or_insert_with(
            prefix.into(),
            |peers| {
                let others = peers.iter().filter(|known| known.id != peer.id);
                others.chain(std::iter::once(peer)).cloned().collect()
            },
            || Arc::from([Arc::clone(peer)]),
        );
    }

    /// Removes a peer from under a prefix. The caller makes one change at a time.
    pub(crate) fn remove(&self, prefix: &str, peer: &Peer) {
        let _: Compute<'_, _, _, ()> = self.by_prefix.pin().compute(prefix.into(), |entry| {
            let Some((_, peers)) = entry else { return Operation::Abort(()) };
            let rest: Vec<_> = peers.iter().filter(|known| known.id != peer.id).cloned().collect();
            if rest.is_empty() { Operation::Remove } else { Operation::Insert(rest.into()) }
        });
    }

    /// The peer for a destination: the longest prefix wins; among several peers for one prefix the
    /// choice depends on the destination alone, so that one payment stays on one path.
    pub(crate) fn find(&self, destination: Addr<'_>, sender: Option<&Peer>) -> Found<Arc<Peer>> {
        let table = self.by_prefix.pin();
        // Relaxed: a prefix becomes visible after its depth did, on the thread that adds it; a
        // packet that races with the change is routed as if it had come a moment earlier.
        let mut prefix =
            first_segments(destination.as_str(), self.segments_max.load(Ordering::Relaxed));
        loop {
            if let Some(peers) = table.get(prefix) {
                let is_other = |peer: &&Arc<Peer>| sender.is_none_or(|sender| sender.id != peer.id);
                return match peers.iter().filter(is_other).max_by_key(|peer| {
                    // Rendezvous hashing: taking one peer away moves only the destinations that
                    // it served.
                    self.choice.hash_one((destination.as_str(), peer.id))
                }) {
                    Some(peer) => Found::Through(Arc::clone(peer), prefix.len()),
                    None => Found::BackToSender,
                };
            }
            match prefix.rfind('.').and_then(|dot| prefix.get(..dot)) {
                Some(shorter) => prefix = shorter,
                None => return Found::Nothing,
            }
        }
    }
}

fn segments(prefix: &str) -> usize {
    prefix.split('.').count()
}

/// The first `count` segments of an address, or all of it.
fn first_segments(address: &str, count: usize) -> &str {
    match address.match_indices('.').nth(count.saturating_sub(1)) {
        Some((dot, _)) => address.get(..dot).unwrap_or(address),
        None => address,
    }
}

#[cfg(test)]
mod tests {
    use interledger_packet::Address;
    use proptest::prelude::*;

    use super::*;
    use crate::testing::{address, peer};

    fn found(routes: &Routes, destination: &str, sender: Option<&Peer>) -> Found<String> {
        match routes.find(address(destination).as_addr(), sender) {
            Found::Through(peer, bytes) => {
                Found::Through(peer.terms().address.as_str().to_owned(), bytes)
            }
            Found::BackToSender => Found::BackToSender,
            Found::Nothing => Found::Nothing,
        }
    }

    #[test]
    fn the_longest_prefix_of_whole_segments_wins() {
        let routes = Routes::new();
        for prefix in ["g.bob", "g.bob.savings", "g.carol"] {
            routes.add(prefix, &peer(prefix));
        }
        let through = |name: &str| Found::Through(name.to_owned(), name.len());
        assert_eq!(found(&routes, "g.bob", None), through("g.bob"));
        assert_eq!(found(&routes, "g.bob.x.y.z", None), through("g.bob"));
        assert_eq!(found(&routes, "g.bob.savings", None), through("g.bob.savings"));
        assert_eq!(found(&routes, "g.bob.savings.1", None), through("g.bob.savings"));
        assert_eq!(found(&routes, "g.bobby", None), Found::Nothing);
        assert_eq!(found(&routes, "g.bo", None), Found::Nothing);
        assert_eq!(found(&routes, "test.bob", None), Found::Nothing);
    }

    #[test]
    fn a_bare_scheme_is_a_default_route() {
        let routes = Routes::new();
        routes.add("g", &peer("g.parent"));
        assert_eq!(found(&routes, "g.x.y", None), Found::Through("g.parent".to_owned(), 1));
    }

    #[test]
    fn the_sender_is_never_the_next_hop() {
        let routes = Routes::new();
        let (one, two) = (peer("g.one"), peer("g.two"));
        routes.add("g.shared", &one);
        assert_eq!(found(&routes, "g.shared.x", Some(&one)), Found::BackToSender);
        routes.add("g.shared", &two);
        for index in 0..64 {
            let destination = format!("g.shared.{index}");
            let expected = Found::Through("g.two".to_owned(), "g.shared".len());
            assert_eq!(found(&routes, &destination, Some(&one)), expected);
        }
    }

    #[test]
    fn one_destination_stays_on_one_path_and_many_spread() {
        let routes = Routes::new();
        let peers: Vec<_> = ["g.one", "g.two", "g.three"].map(peer).into();
        for peer in &peers {
            routes.add("g.shared", peer);
        }
        let choice = |index: usize| found(&routes, &format!("g.shared.{index}"), None);
        let before: Vec<_> = (0..300).map(choice).collect();
        assert_eq!(before, (0..300).map(choice).collect::<Vec<_>>());
        for peer in &peers {
            let name = peer.terms().address.as_str().to_owned();
            let count =
                before.iter().filter(|found| matches!(found, Found::Through(n, _) if *n == name));
            assert!(count.count() > 50, "{name} carries its share");
        }
        // Taking one away moves its own destinations only.
        routes.remove("g.shared", &peers[0]);
        for (index, old) in before.iter().enumerate() {
            if !matches!(old, Found::Through(name, _) if name == "g.one") {
                assert_eq!(&choice(index), old);
            }
        }
        for peer in &peers {
            routes.remove("g.shared", peer);
        }
        assert_eq!(choice(0), Found::Nothing);
    }

    proptest! {
        /// The table against the definition: of all prefixes that match by segment, the longest.
        #[test]
        fn finds_what_the_definition_says(
            prefixes in prop::collection::btree_set("g(\\.[ab]{1,2}){0,4}", 1..20),
            destination in "g(\\.[ab]{1,2}){1,6}",
        ) {
            let routes = Routes::new();
            for prefix in &prefixes {
                routes.add(prefix, &peer("g.peer"));
            }
            let destination: Address = destination.as_str().try_into().expect("an address");
            let longest = prefixes
                .iter()
                .filter(|prefix| destination.starts_with_segments(prefix))
                .map(String::len)
                .max();
            let found = match routes.find(destination.as_addr(), None) {
                Found::Through(_, bytes) => Some(bytes),
                _ => None,
            };
            prop_assert_eq!(found, longest);
        }
    }
}
