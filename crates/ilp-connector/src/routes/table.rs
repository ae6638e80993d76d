//! The routing table as packets read it: without a lock, and with as few waits for memory as
//! possible.
//!
//! At a million routes a look-up costs what it waits for memory. A map of texts waits three or four
//! times, each wait for an address that the last one brought. Here a prefix is known by 128 bits of
//! its hash, which lie beside its value in the slot that the hash itself names: one wait. The value
//! is shared by all prefixes that have the same, so it is mostly near already.
//!
//! The seeds of the hash are secret and new with each process, so two prefixes are taken for one
//! another once in 2^128 tries, whoever chooses them. Should it ever happen, a packet goes astray;
//! its money doesn't, since only the fulfillment moves that.

use std::{
    hash::BuildHasher,
    sync::{
        Arc,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
};

use arc_swap::{ArcSwap, ArcSwapOption, Guard};

/// So many parts, each of which grows by itself: a part is copied when it doubles, and a 256th of a
/// million routes is copied within a fraction of a millisecond.
const SHARDS: usize = 256;
/// A power of two.
const SLOTS_MIN: usize = 8;

/// Values under prefixes. Any thread reads; one at a time writes.
#[derive(Debug)]
pub(super) struct Table<V> {
    shards: Box<[ArcSwap<Shard<V>>]>,
    seeds: [foldhash::quality::RandomState; 2],
}

/// An open-addressed table, at most 5/8 full so that the next empty slot is near.
#[derive(Debug)]
struct Shard<V> {
    slots: Box<[Slot<V>]>,
    /// Slots with a key, whether they still have a value or not. The writer's alone.
    used: AtomicUsize,
}

/// A slot gets its key once and keeps it for as long as its shard lives, so a reader that has seen
/// the key may take the value whatever happens in between.
#[derive(Debug)]
struct Slot<V> {
    /// Zero in the first word is no key yet. It is written last and read first.
    key: [AtomicU64; 2],
    /// `None` under a key that was removed.
    value: ArcSwapOption<V>,
}

type Key = [u64; 2];

impl<V> Table<V> {
    pub(super) fn new() -> Self {
        let shards = (0..SHARDS).map(|_| ArcSwap::from_pointee(Shard::new(SLOTS_MIN)));
        Self { shards: shards.collect(), seeds: Default::default() }
    }

    /// What is under a prefix.
    pub(super) fn get(&self, prefix: &str) -> Option<Guard<Option<Arc<V>>>> {
        let key = self.key(prefix);
        let shard = self.shard(key).load();
        let value = shard.find(key).ok()?.value.load();
        value.is_some().then_some(value)
    }

    /// Puts a value under a prefix. The caller makes one change at a time.
    pub(super) fn set(&self, prefix: &str, value: Arc<V>) {
        let key = self.key(prefix);
        let shard = self.shard(key).load();
        match shard.find(key) {
            Ok(slot) => slot.value.store(Some(value)),
            Err(_) if shard.is_full() => {
                let larger = shard.rebuilt();
                larger.insert(key, value);
                self.shard(key).store(Arc::new(larger));
            }
            Err(_) => shard.insert(key, value),
        }
    }

    /// Empties a prefix. Its slot is free again when its shard grows. The caller makes one change at
    /// a time.
    pub(super) fn remove(&self, prefix: &str) {
        let key = self.key(prefix);
        if let Ok(slot) = self.shard(key).load().find(key) {
            slot.value.store(None);
        }
    }

    fn key(&self, prefix: &str) -> Key {
        let [first, second] = &self.seeds;
        // One of 2^64 hashes becomes another one, since zero means that there is no key.
        [first.hash_one(prefix.as_bytes()).max(1), second.hash_one(prefix.as_bytes())]
    }

    fn shard(&self, [_, second]: Key) -> &ArcSwap<Shard<V>> {
        &self.shards[second as usize % SHARDS]
    }
}

impl<V> Shard<V> {
    fn new(slot_count: usize) -> Self {
        let empty = || Slot { key: Default::default(), value: ArcSwapOption::empty() };
        let slots = std::iter::repeat_with(empty).take(slot_count).collect();
        Self { slots, used: AtomicUsize::new(0) }
    }

    /// The slot of a key, or the empty one that it would get.
    fn find(&self, [first, second]: Key) -> Result<&Slot<V>, &Slot<V>> {
        let mask = self.slots.len() - 1;
        let mut index = first as usize & mask;
        // Ends at an empty slot, of which there are always some.
        loop {
            let slot = &self.slots[index];
            // Acquire pairs with the release in `insert`: who sees the key sees all of the slot.
            match slot.key[0].load(Ordering::Acquire) {
                0 => return Err(slot),
                found if found == first && slot.key[1].load(Ordering::Relaxed) == second => {
                    return Ok(slot);
                }
                _ => index = (index + 1) & mask,
            }
        }
    }

    fn is_full(&self) -> bool {
        self.used.load(Ordering::Relaxed) >= self.slots.len() / 8 * 5
    }

    fn insert(&self, key: Key, value: Arc<V>) {
        let (Ok(slot) | Err(slot)) = self.find(key);
        slot.value.store(Some(value));
        slot.key[1].store(key[1], Ordering::Relaxed);
        slot.key[0].store(key[0], Ordering::Release);
        self.used.fetch_add(1, Ordering::Relaxed);
    }

    /// What has a value, in a shard with room for a quarter more at least, so that however values
    /// come and go, the next copy is as far away as this one was long.
    fn rebuilt(&self) -> Self {
        let live = || self.slots.iter().filter(|slot| slot.value.load().is_some());
        let slot_count = ((live().count() + 1) * 2).next_power_of_two().max(SLOTS_MIN);
        let rebuilt = Self::new(slot_count);
        for slot in live() {
            let key = [0, 1].map(|word| slot.key[word].load(Ordering::Relaxed));
            if let Some(value) = slot.value.load_full() {
                rebuilt.insert(key, value);
            }
        }
        rebuilt
    }
}

#[cfg(test)]
mod tests {
    use std::{collections::HashMap, sync::atomic::AtomicBool, thread};

    use proptest::prelude::*;

    use super::*;

    fn read(table: &Table<u64>, prefix: &str) -> Option<u64> {
        table.get(prefix).and_then(|value| value.as_deref().copied())
    }

    proptest! {
        /// Against the standard map, over few enough keys that they come and go in every order.
        #[test]
        fn it_is_a_map(
            steps in prop::collection::vec((0..300u64, prop::option::of(0..9u64)), 0..3_000),
        ) {
            let (table, mut map) = (Table::new(), HashMap::new());
            for (key, value) in steps {
                let prefix = format!("g.{key}");
                match value {
                    Some(value) => {
                        table.set(&prefix, Arc::new(value));
                        map.insert(key, value);
                    }
                    None => {
                        table.remove(&prefix);
                        map.remove(&key);
                    }
                }
                prop_assert_eq!(read(&table, &prefix), map.get(&key).copied());
            }
            for key in 0..300 {
                prop_assert_eq!(read(&table, &format!("g.{key}")), map.get(&key).copied());
            }
        }
    }

    #[test]
    fn it_grows_and_finds_all_of_a_hundred_thousand_and_nothing_else() {
        let table = Table::new();
        for key in 0..100_000 {
            table.set(&format!("g.{key}"), Arc::new(key));
        }
        for key in 0..100_000 {
            assert_eq!(read(&table, &format!("g.{key}")), Some(key));
            assert_eq!(read(&table, &format!("h.{key}")), None);
        }
    }

    #[test]
    fn one_key_that_comes_and_goes_does_not_make_it_grow() {
        let table = Table::new();
        for key in 0..100_000 {
            table.set(&format!("g.{key}"), Arc::new(key));
            table.remove(&format!("g.{key}"));
        }
        let slots: usize = table.shards.iter().map(|shard| shard.load().slots.len()).sum();
        assert_eq!(slots, SHARDS * SLOTS_MIN);
    }

    #[test]
    fn what_is_there_stays_found_while_another_thread_adds_and_removes() {
        let (table, ended) = (Table::new(), AtomicBool::new(false));
        for key in 0..100 {
            table.set(&format!("stays.{key}"), Arc::new(key));
        }
        thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| {
                    while !ended.load(Ordering::Relaxed) {
                        for key in 0..100 {
                            assert_eq!(read(&table, &format!("stays.{key}")), Some(key));
                            // A value under a key is always one that was put there.
                            let passing = read(&table, &format!("passes.{key}"));
                            assert!(passing.is_none_or(|value| value % 1_000 == key));
                        }
                    }
                });
            }
            for round in 0..200 {
                for key in 0..500 {
                    table.set(&format!("passes.{key}"), Arc::new(round * 1_000 + key));
                }
                for key in 0..500 {
                    table.remove(&format!("passes.{key}"));
                }
            }
            ended.store(true, Ordering::Relaxed);
        });
    }
}
