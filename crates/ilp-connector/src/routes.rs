//! Finds the peer that a destination is reached through: the longest prefix, counted in whole
//! segments.

#![expect(
    clippy::as_conversions,
    clippy::indexing_slicing,
    reason = "places in tables are hashes cut to the table's length, on the path of every packet"
)]

mod choice;
mod depths;
mod hops;
mod listing;
mod table;
mod values;

use std::{
    collections::BTreeMap,
    hash::BuildHasher,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use interledger_packet::{Addr, Timestamp};
use parking_lot::Mutex;

pub(crate) use self::choice::{Chosen, Order, Seeker};
pub use self::listing::{ListedRoute, Listing, RouteCursor};
use self::{
    depths::Depths,
    hops::{AllHops, Hops},
};
use crate::peer::Peer;

/// The routes. Packets read them in tables without a lock; a change touches one prefix.
#[derive(Debug)]
pub(crate) struct Routes {
    depths: Depths,
    hops: AllHops,
    /// The routes in the order of the prefixes, for changes and for listings. Packets never take
    /// the lock.
    by_prefix: Mutex<ByPrefix>,
    /// The most segments that any prefix has, so that a destination of 500 segments costs no more
    /// look-ups than the routes are deep. It never shrinks: that would need a count per depth, and
    /// buys nothing but look-ups that find nothing.
    segments_max: AtomicUsize,
    /// Seeds the choice among several peers for one prefix.
    choice: foldhash::fast::FixedState,
}

type ByPrefix = BTreeMap<Box<str>, Hops>;

/// The result of looking a destination up.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Found<T> {
    /// Through this peer; the prefix that matched was this many bytes long.
    Through(T, usize),
    /// The longest matching prefix leads only to the sending neighbour or to peers that were tried
    /// already.
    BackToSender,
    /// No prefix matches.
    Nothing,
}

impl Routes {
    pub(crate) fn new() -> Self {
        Self {
            depths: Depths::new(),
            hops: AllHops::new(),
            by_prefix: Mutex::default(),
            segments_max: AtomicUsize::new(0),
            choice: foldhash::fast::FixedState::default(),
        }
    }

    /// Lets prefixes lead to a peer, beside whom they led to before.
    pub(crate) fn add<'a>(&self, prefixes: impl Iterator<Item = &'a str>, peer: &Arc<Peer>) {
        let mut by_prefix = self.by_prefix.lock();
        let alone = self.hops.alone(peer);
        for prefix in prefixes {
            let hops = match by_prefix.get(prefix).map(Hops::peers) {
                None => alone.clone(),
                Some(known) if known.iter().any(|known| Arc::ptr_eq(known, peer)) => continue,
                Some(known) => self.hops.of(known.iter().chain([peer]).cloned().collect()),
            };
            self.lead(&mut by_prefix, prefix, hops);
        }
        self.hops.release(alone);
    }

    /// Lets prefixes lead to a peer no more.
    pub(crate) fn remove<'a>(&self, prefixes: impl Iterator<Item = &'a str>, peer: &Peer) {
        let mut by_prefix = self.by_prefix.lock();
        for prefix in prefixes {
            let Some(known) = by_prefix.get(prefix) else { continue };
            let others = known.peers().iter().filter(|known| known.id != peer.id);
            match others.cloned().collect::<Vec<_>>() {
                others if others.is_empty() => {
                    if let Some(table) = self.depths.table(segments(prefix)) {
                        table.remove(prefix.as_bytes());
                    }
                    if let Some(known) = by_prefix.remove(prefix) {
                        self.hops.release(known);
                    }
                }
                others => {
                    let hops = self.hops.of(others);
                    self.lead(&mut by_prefix, prefix, hops);
                }
            }
        }
    }

    /// Lets a prefix lead there and nowhere else.
    fn lead(&self, by_prefix: &mut ByPrefix, prefix: &str, hops: Hops) {
        let segments = segments(prefix);
        self.segments_max.fetch_max(segments, Ordering::Relaxed);
        self.depths.table_or_new(segments).set(prefix.as_bytes(), hops.number());
        if let Some(before) = by_prefix.insert(prefix.into(), hops) {
            self.hops.release(before);
        }
    }

    /// Finds the next hop for a destination. The longest prefix wins, and among several peers for
    /// one prefix the seeker chooses. The empty prefix, of default routes, comes after a bare
    /// scheme.
    pub(crate) fn find(
        &self,
        destination: Addr<'_>,
        seeker: Seeker<'_>,
        now: Timestamp,
    ) -> Found<Chosen> {
        // Relaxed: a prefix becomes visible after its depth did, on the thread that adds it; a
        // packet that races with the change is routed as if it had come a moment earlier.
        let (mut prefix, mut depth) =
            first_segments(destination.as_bytes(), self.segments_max.load(Ordering::Relaxed));
        loop {
            let table = self.depths.table(depth);
            let hops = table.and_then(|table| table.get(prefix, |number| self.hops.get(number)));
            if let Some(hops) = hops {
                let rank = |peer: &Peer| self.choice.hash_one((destination.as_str(), peer.id));
                return match seeker.choose(hops.peers(), rank, now) {
                    Some(chosen) => Found::Through(chosen, prefix.len()),
                    None => Found::BackToSender,
                };
            }
            match prefix.iter().rposition(|byte| *byte == b'.') {
                Some(dot) => (prefix, depth) = (&prefix[..dot], depth - 1),
                None if prefix.is_empty() => return Found::Nothing,
                None => (prefix, depth) = (&[], 0),
            }
        }
    }
}

/// Returns the number of segments of a prefix; the empty one has none.
fn segments(prefix: &str) -> usize {
    if prefix.is_empty() { 0 } else { prefix.split('.').count() }
}

/// The first `most` segments of an address, or all of it, and how many they are.
//
// Over bytes, since looking at them as text would check all of them for every look-up.
fn first_segments(address: &[u8], most: usize) -> (&[u8], usize) {
    let mut count = 0;
    for (index, byte) in address.iter().enumerate() {
        if *byte == b'.' {
            count += 1;
            if count >= most {
                return (&address[..index], count);
            }
        }
    }
    (address, count + 1)
}

#[cfg(test)]
mod tests;
