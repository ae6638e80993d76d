//! The routing table as packets read it: without a lock, and with one wait for memory.
//!
//! At a million routes a look-up costs what it waits for memory, and what it waits depends on how
//! much of the table is still in a cache. So a prefix takes little room: in the 64 bytes that a
//! processor fetches at once lie six prefixes, each as 53 bits of its hash beside the number of its
//! value. Which 64 bytes these are follows from the hash too, and the values are shared by all
//! prefixes that have the same, so they are mostly near already.
//!
//! A look-up compares 53 bits with about five prefixes, and so takes one for another once in 2^50
//! times: at a million look-ups of prefixes that are not there a second, every 35 years. The seeds of
//! the hash are secret and new with each process, so nobody can choose prefixes that make it
//! likelier. Then a packet goes to a peer to which its sender might have sent it anyway; its money
//! doesn't, since only the fulfillment moves that.

mod shard;

use std::{hash::BuildHasher, sync::Arc};

use arc_swap::ArcSwap;

use self::shard::Shard;
use super::values::Number;

/// The number of parts of a table, each of which grows by itself: a part is copied when it grows,
/// and a 256th of a million routes is copied within a fraction of a millisecond.
const SHARDS: usize = 256;

/// Numbers of values under prefixes. Any thread reads; one at a time writes.
#[derive(Debug)]
pub(super) struct Table {
    shards: Box<[ArcSwap<Shard>]>,
    seeds: [foldhash::quality::RandomState; 2],
}

/// The key of a prefix in its table: where it lies, and the hash that it is known by there.
#[derive(Clone, Copy, Debug)]
struct Key {
    place: u64,
    tag: u64,
}

impl Table {
    pub(super) fn new() -> Self {
        let shards = (0..SHARDS).map(|_| ArcSwap::from_pointee(Shard::new(1)));
        Self { shards: shards.collect(), seeds: Default::default() }
    }

    /// The value under a prefix, which `value_of` finds by its number.
    pub(super) fn get<T>(
        &self,
        prefix: &[u8],
        value_of: impl Fn(Number) -> Option<T>,
    ) -> Option<T> {
        let key = self.key(prefix);
        loop {
            let shard = self.shard(key).load();
            let slot = shard.find(key)?;
            let number = slot.number()?;
            let value = value_of(number);
            // A number gets another value only after it was taken from every prefix that had it,
            // and a shard is marked before the one that replaces it changes. A reader that got the
            // other value sees either of the two here, and looks again.
            if slot.number() == Some(number) && !shard.is_replaced() {
                return value;
            }
        }
    }

    /// Puts a value under a prefix. The caller makes one change at a time.
    pub(super) fn set(&self, prefix: &[u8], number: Number) {
        let key = self.key(prefix);
        let shard = self.shard(key).load();
        if shard.set(key, number).is_ok() {
            return;
        }
        let larger = shard.rebuilt();
        larger.set(key, number).expect("a new shard has room for another prefix");
        self.shard(key).store(Arc::new(larger));
        shard.replace();
    }

    /// Empties a prefix. Its place is free again when its shard grows. The caller makes one change at
    /// a time.
    pub(super) fn remove(&self, prefix: &[u8]) {
        let key = self.key(prefix);
        if let Some(slot) = self.shard(key).load().find(key) {
            slot.clear();
        }
    }

    fn key(&self, prefix: &[u8]) -> Key {
        let [place, tag] = &self.seeds;
        Key { place: place.hash_one(prefix), tag: tag.hash_one(prefix) }
    }

    fn shard(&self, key: Key) -> &ArcSwap<Shard> {
        // The low bits; the place within the shard follows from the high ones.
        &self.shards[key.place as usize % SHARDS]
    }
}

#[cfg(test)]
mod tests;
