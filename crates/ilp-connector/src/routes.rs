//! Which peer a destination is reached through: the longest prefix, counted in whole segments.

use std::{
    hash::BuildHasher,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use interledger_packet::{Addr, Timestamp};
use papaya::{Compute, HashMap, Operation};
use uuid::Uuid;

use crate::{breaker::Passage, peer::Peer};

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
    /// The longest matching prefix leads to the sender alone, or to peers that were tried already.
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
    /// choice depends on the destination alone, so that one payment stays on one path for as long as
    /// its peer answers. The empty prefix, of default routes, comes after a bare scheme.
    ///
    /// The sender is never chosen, and neither is one of `tried`.
    pub(crate) fn find(
        &self,
        destination: Addr<'_>,
        sender: Option<&Peer>,
        tried: &[Uuid],
        now: Timestamp,
    ) -> Found<Arc<Peer>> {
        let table = self.by_prefix.pin();
        // Relaxed: a prefix becomes visible after its depth did, on the thread that adds it; a
        // packet that races with the change is routed as if it had come a moment earlier.
        let mut prefix =
            first_segments(destination.as_str(), self.segments_max.load(Ordering::Relaxed));
        loop {
            if let Some(peers) = table.get(prefix) {
                let may_be_next = |peer: &Peer| {
                    sender.is_none_or(|sender| sender.id != peer.id) && !tried.contains(&peer.id)
                };
                return match self.choose(peers, may_be_next, destination, now) {
                    Some(peer) => Found::Through(Arc::clone(peer), prefix.len()),
                    None => Found::BackToSender,
                };
            }
            match prefix.rfind('.').and_then(|dot| prefix.get(..dot)) {
                Some(shorter) => prefix = shorter,
                None if prefix.is_empty() => return Found::Nothing,
                None => prefix = "",
            }
        }
    }

    /// The peer of the highest rank for this destination (rendezvous hashing: taking one peer away
    /// moves only the destinations that it served) among those that answer; where none does, among
    /// all, as if there were no breakers.
    fn choose<'a>(
        &self,
        peers: &'a [Arc<Peer>],
        may_be_next: impl Fn(&Peer) -> bool,
        destination: Addr<'_>,
        now: Timestamp,
    ) -> Option<&'a Arc<Peer>> {
        if let [only] = peers {
            return Some(only).filter(|peer| may_be_next(peer));
        }
        let rank = |peer: &Arc<Peer>| self.choice.hash_one((destination.as_str(), peer.id));
        loop {
            let candidates = peers.iter().filter(|peer| may_be_next(peer));
            let (peer, passage) = candidates
                .map(|peer| (peer, peer.breaker.passage(now)))
                .max_by_key(|(peer, passage)| (*passage != Passage::Open, rank(peer)))?;
            // Whoever loses the race for the one try of a half-open breaker finds it open in the
            // next round, or closed: a round is lost only to a thread that went on.
            if passage != Passage::HalfOpen || peer.breaker.claim(now) {
                return Some(peer);
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
    use crate::testing::{address, now, peer};

    fn found(routes: &Routes, destination: &str, sender: Option<&Peer>) -> Found<String> {
        match routes.find(address(destination).as_addr(), sender, &[], now()) {
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
    fn the_empty_prefix_comes_after_a_bare_scheme() {
        let routes = Routes::new();
        routes.add("", &peer("g.default"));
        let default = Found::Through("g.default".to_owned(), 0);
        assert_eq!(found(&routes, "g.x.y", None), default);
        assert_eq!(found(&routes, "test.x", None), default);
        routes.add("g", &peer("g.parent"));
        assert_eq!(found(&routes, "g.x.y", None), Found::Through("g.parent".to_owned(), 1));
        assert_eq!(found(&routes, "test.x", None), default);
    }

    #[test]
    fn an_open_breaker_lets_the_next_peer_in_and_one_packet_tries_after_the_pause() {
        let routes = Routes::new();
        let peers: Vec<_> = ["g.one", "g.two", "g.three"].map(peer).into();
        for peer in &peers {
            routes.add("g.shared", peer);
        }
        let at = |ms| now().saturating_add_ms(ms);
        let destination = address("g.shared.x");
        let choice = |ms| match routes.find(destination.as_addr(), None, &[], at(ms)) {
            Found::Through(peer, _) => peer,
            other => panic!("{other:?}"),
        };
        let open_at = |ms, peer: &Peer| (0..3).for_each(|_| peer.breaker.failed(at(ms)));
        let first = choice(0);
        open_at(0, &first);
        let second = choice(0);
        assert_ne!(first.id, second.id);
        open_at(0, &second);
        let third = choice(0);
        assert!(third.id != first.id && third.id != second.id);
        assert_eq!(choice(499).id, third.id);
        // The pause is over: one packet each tries the two, in their order.
        assert_eq!(
            [choice(500).id, choice(500).id, choice(500).id],
            [first.id, second.id, third.id]
        );
        open_at(501, &third);
        assert_eq!(choice(501).id, first.id, "all are open, which is as if none were");
        second.breaker.answered(at(502));
        assert_eq!(choice(502).id, second.id);
        first.breaker.answered(at(503));
        assert_eq!(choice(503).id, first.id, "back to where the destination belongs");
    }

    #[test]
    fn each_peer_is_tried_once_and_the_only_one_whatever_its_breaker_says() {
        let routes = Routes::new();
        let (one, two) = (peer("g.one"), peer("g.two"));
        routes.add("g.shared", &one);
        (0..3).for_each(|_| one.breaker.failed(now()));
        let destination = address("g.shared.x");
        let find = |tried: &[Uuid]| match routes.find(destination.as_addr(), None, tried, now()) {
            Found::Through(peer, _) => Some(peer.id),
            Found::BackToSender => None,
            Found::Nothing => panic!("there is a route"),
        };
        assert_eq!(find(&[]), Some(one.id));
        assert_eq!(find(&[one.id]), None);
        routes.add("g.shared", &two);
        assert_eq!(find(&[one.id]), Some(two.id));
        assert_eq!(find(&[one.id, two.id]), None);
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
            let found = match routes.find(destination.as_addr(), None, &[], now()) {
                Found::Through(_, bytes) => Some(bytes),
                _ => None,
            };
            prop_assert_eq!(found, longest);
        }
    }
}
