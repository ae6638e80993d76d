//! The places of a port: which connection takes one, and which one makes room.

use super::Source;
use foldhash::{HashMap, HashMapExt as _};
use std::{cmp::Reverse, collections::BTreeSet};

/// The holder that a known connection is counted to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Holder {
    /// A peer, by its id.
    Peer(u128),
    /// The clients of one source, which have shown nothing but their address.
    Source(Source),
    /// The node's operator.
    Operator,
}

/// The factor by which one holder's connections may exceed the free places. A lone holder gets
/// eight ninths of all places, and the last ninth stays free for others.
const TIMES_FREE: u32 = 8;

/// The strangers' connections, oldest first, by source.
#[derive(Debug)]
pub(super) struct Strangers {
    max: u32,
    count: u32,
    by_source: HashMap<Source, BTreeSet<u64>>,
}

impl Strangers {
    pub(super) fn new(max: u32) -> Strangers {
        Strangers { max, count: 0, by_source: HashMap::new() }
    }

    /// Takes a place for the connection `id`, whose number is above that of any before. If that is
    /// one too many, returns the connection that has to leave: the oldest one of the source that
    /// has the most.
    pub(super) fn enter(&mut self, id: u64, source: Source) -> Option<u64> {
        self.count += 1;
        self.by_source.entry(source).or_default().insert(id);
        if self.count <= self.max {
            return None;
        }
        self.of_the_most(None).map(|(oldest, _)| oldest)
    }

    /// Returns the connection that leaves if one of `source` enters now, and its source.
    pub(super) fn next_to_leave(&self, source: Source) -> Option<(u64, Source)> {
        if self.count < self.max { None } else { self.of_the_most(Some(source)) }
    }

    /// Returns the oldest connection of the source that has the most, counting one more for
    /// `entering`.
    fn of_the_most(&self, entering: Option<Source>) -> Option<(u64, Source)> {
        let oldest = self.by_source.iter().filter_map(|(source, ids)| {
            let count = ids.len() + usize::from(Some(*source) == entering);
            Some((count, Reverse(*ids.first()?), *source))
        });
        let most = oldest.max_by_key(|(count, oldest, _)| (*count, *oldest));
        most.map(|(_, Reverse(oldest), source)| (oldest, source))
    }

    pub(super) fn leave(&mut self, id: u64, source: Source) {
        let Some(ids) = self.by_source.get_mut(&source) else { return };
        if ids.remove(&id) {
            self.count -= 1;
        }
        if ids.is_empty() {
            self.by_source.remove(&source);
        }
    }
}

/// The weight of the known connections, by holder.
#[derive(Debug)]
pub(super) struct Known {
    max: u32,
    taken: u32,
    by_holder: HashMap<Holder, u32>,
}

/// The maximum number of connections of a greater weight than one that a holder may have: those
/// over HTTP/2, each of which carries thousands of requests at once.
const HEAVY_MAX: u32 = 64;

impl Known {
    pub(super) fn new(max: u32) -> Known {
        Known { max, taken: 0, by_holder: HashMap::new() }
    }

    fn of(&self, holder: Holder) -> u32 {
        self.by_holder.get(&holder).copied().unwrap_or(0)
    }

    /// Takes `weight` places for a connection of `holder`, if that is within the holder's share.
    pub(super) fn enter(&mut self, holder: Holder, weight: u32) -> bool {
        let free = self.max.saturating_sub(self.taken);
        let own = self.of(holder).saturating_add(weight);
        // The only connection of a holder needs just a free place.
        let is_first = own == weight;
        let is_beyond_share = own > free.saturating_mul(TIMES_FREE);
        let is_one_too_many = weight > 1 && own > HEAVY_MAX.saturating_mul(weight);
        if weight > free || (!is_first && (is_beyond_share || is_one_too_many)) {
            return false;
        }
        self.taken += weight;
        *self.by_holder.entry(holder).or_default() += weight;
        true
    }

    pub(super) fn leave(&mut self, holder: Holder, weight: u32) {
        self.taken = self.taken.saturating_sub(weight);
        if let Some(own) = self.by_holder.get_mut(&holder) {
            *own = own.saturating_sub(weight);
            if *own == 0 {
                self.by_holder.remove(&holder);
            }
        }
    }

    /// Returns the holder with the most places, if it has more than `holder` would with `weight`
    /// more.
    pub(super) fn heavier_than(&self, holder: Holder, weight: u32) -> Option<Holder> {
        let (heaviest, most) = self.by_holder.iter().max_by_key(|(_, taken)| **taken)?;
        (*most > self.of(holder).saturating_add(weight)).then_some(*heaviest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::IpAddr;

    fn source(last: u8) -> Source {
        Source::from(IpAddr::from([192, 0, 2, last]))
    }

    #[test]
    fn the_oldest_of_the_source_with_the_most_makes_room() {
        let mut strangers = Strangers::new(4);
        for (id, last) in [(0, 1), (1, 2), (2, 2), (3, 2)] {
            assert_eq!(strangers.enter(id, source(last)), None);
        }
        assert_eq!(strangers.next_to_leave(source(3)), Some((1, source(2))));
        assert_eq!(strangers.enter(4, source(3)), Some(1), "of the source with three");
        strangers.leave(1, source(2));
        assert_eq!(strangers.enter(5, source(2)), Some(2), "of its own");
        strangers.leave(2, source(2));
        // Every source but one has one connection from here on, so the oldest of all makes room.
        strangers.leave(5, source(2));
        assert_eq!(strangers.enter(6, source(4)), None);
        assert_eq!(strangers.enter(7, source(5)), Some(0));
    }

    #[test]
    fn a_lone_holder_leaves_a_ninth_and_others_find_it() {
        let mut known = Known::new(900);
        let (greedy, other) = (Holder::Peer(1), Holder::Peer(2));
        let taken = (0..1_000).filter(|_| known.enter(greedy, 1)).count();
        assert_eq!(taken, 800);
        let taken = (0..1_000).filter(|_| known.enter(other, 1)).count();
        assert_eq!(taken, 89, "eight ninths of the hundred");
        assert!(known.enter(Holder::Operator, 1));
        assert_eq!(known.heavier_than(other, 1), Some(greedy));
        assert_eq!(known.heavier_than(greedy, 1), None);
        known.leave(greedy, 1);
        assert!(!known.enter(greedy, 1), "what is free counts");
    }

    #[test]
    fn the_only_place_is_taken_once() {
        let mut known = Known::new(1);
        assert!(known.enter(Holder::Peer(1), 1));
        assert!(!known.enter(Holder::Peer(2), 1));
        known.leave(Holder::Peer(1), 1);
        assert!(known.enter(Holder::Peer(2), 1));
    }

    #[test]
    fn a_holder_has_few_heavy_connections_and_many_light_ones() {
        let mut known = Known::new(10_000);
        let taken = (0..1_000).filter(|_| known.enter(Holder::Peer(1), 4)).count();
        assert_eq!(taken, 64);
        assert!(known.enter(Holder::Peer(1), 1));
    }

    #[test]
    fn a_weight_is_taken_as_a_whole() {
        let mut known = Known::new(10);
        assert!(known.enter(Holder::Peer(1), 8));
        assert!(!known.enter(Holder::Peer(2), 8));
        assert!(known.enter(Holder::Peer(2), 2));
        known.leave(Holder::Peer(1), 8);
        known.leave(Holder::Peer(2), 2);
        assert_eq!((known.taken, known.by_holder.len()), (0, 0));
    }
}
