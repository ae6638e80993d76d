use std::{
    collections::HashMap,
    sync::atomic::{AtomicBool, Ordering},
    thread,
};

use proptest::prelude::*;

use super::*;
use crate::routes::values::{Numbered, Values};

/// A table and its values.
struct Map {
    table: Table,
    values: Values<u64>,
}

/// Changes a table as routes do: each prefix holds its value until it has another one.
struct Writer<'a> {
    map: &'a Map,
    held: HashMap<String, Arc<Numbered<u64>>>,
}

impl Map {
    fn new() -> Self {
        Self { table: Table::new(), values: Values::new() }
    }

    fn read(&self, prefix: &str) -> Option<u64> {
        let value_of = |number| self.values.get(number).as_deref().copied();
        self.table.get(prefix.as_bytes(), value_of)
    }

    fn slot_count(&self) -> usize {
        self.table.shards.iter().map(|shard| shard.load().slot_count()).sum()
    }
}

impl<'a> Writer<'a> {
    fn of(map: &'a Map) -> Self {
        Self { map, held: HashMap::new() }
    }

    fn set(&mut self, prefix: String, value: u64) {
        let value = self.map.values.add(Arc::new(value));
        self.map.table.set(prefix.as_bytes(), value.number());
        if let Some(before) = self.held.insert(prefix, value) {
            self.map.values.release(before);
        }
    }

    fn remove(&mut self, prefix: &str) {
        self.map.table.remove(prefix.as_bytes());
        if let Some(before) = self.held.remove(prefix) {
            self.map.values.release(before);
        }
    }
}

proptest! {
    /// Against the standard map, over few enough prefixes that they come and go in every order.
    #[test]
    fn it_is_a_map(
        steps in prop::collection::vec((0..300u64, prop::option::of(0..9u64)), 0..3_000),
    ) {
        let map = Map::new();
        let (mut writer, mut model) = (Writer::of(&map), HashMap::new());
        for (key, value) in steps {
            let prefix = format!("g.{key}");
            match value {
                Some(value) => {
                    writer.set(prefix.clone(), value);
                    model.insert(key, value);
                }
                None => {
                    writer.remove(&prefix);
                    model.remove(&key);
                }
            }
            prop_assert_eq!(map.read(&prefix), model.get(&key).copied());
        }
        for key in 0..300 {
            prop_assert_eq!(map.read(&format!("g.{key}")), model.get(&key).copied());
        }
        prop_assert_eq!(map.values.count(), model.len(), "no value is kept that nobody holds");
    }
}

#[test]
fn it_grows_and_finds_all_of_a_hundred_thousand_and_nothing_else() {
    let map = Map::new();
    let mut writer = Writer::of(&map);
    for key in 0..100_000 {
        writer.set(format!("g.{key}"), key);
    }
    for key in 0..100_000 {
        assert_eq!(map.read(&format!("g.{key}")), Some(key));
        assert_eq!(map.read(&format!("h.{key}")), None);
    }
    let slot_count = map.slot_count();
    assert!((100_000 * 5 / 4..100_000 * 2).contains(&slot_count), "{slot_count} slots");
}

#[test]
fn one_prefix_that_comes_and_goes_does_not_make_it_grow() {
    let map = Map::new();
    let (mut writer, before) = (Writer::of(&map), map.slot_count());
    for key in 0..100_000 {
        writer.set(format!("g.{key}"), key);
        writer.remove(&format!("g.{key}"));
    }
    assert_eq!(map.slot_count(), before);
    assert_eq!(map.values.count(), 0);
}

#[test]
fn what_is_there_stays_found_while_another_thread_adds_and_removes() {
    let (map, ended) = (Map::new(), AtomicBool::new(false));
    let mut writer = Writer::of(&map);
    for key in 0..100 {
        writer.set(format!("stays.{key}"), key);
    }
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while !ended.load(Ordering::Relaxed) {
                    for key in 0..100 {
                        assert_eq!(map.read(&format!("stays.{key}")), Some(key));
                        // A value under a prefix is always one that was put there, though its number
                        // was another prefix's a moment ago.
                        let passing = map.read(&format!("passes.{key}"));
                        assert!(passing.is_none_or(|value| value % 1_000 == key));
                    }
                }
            });
        }
        for round in 0..200 {
            for key in 0..500 {
                writer.set(format!("passes.{key}"), round * 1_000 + key);
                // The number that is given up is the next one's.
                if key % 3 > 0 {
                    writer.remove(&format!("passes.{}", key - 1));
                }
            }
            for key in 0..500 {
                writer.remove(&format!("passes.{key}"));
            }
        }
        ended.store(true, Ordering::Relaxed);
    });
    assert_eq!(map.values.count(), 100);
}
