//! The values under keys: the changes in memory over the index.
//!
//! There are two views. Readers see what is durable. A transaction sees everything that the log has
//! taken before it, durable or not.

use std::{
    collections::VecDeque,
    iter::Peekable,
    ops::Bound::{self, Excluded, Included, Unbounded},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use parking_lot::RwLock;
use sled::IVec;

use super::{Index, KeyValue, overlay::Overlay};
use crate::error::StoreError;

/// How many entries a range reads at first, and at most, at a time.
const CHUNK_MIN: usize = 4;
const CHUNK_MAX: usize = 256;

/// Which changes are seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum View {
    /// The changes that are on the disk.
    Durable,
    /// All that the log has taken.
    Newest,
}

/// The records: the index, and over it the changes in memory.
pub(crate) struct Keyspace {
    pub(crate) index: Index,
    /// Held for a look-up by readers. No packet comes here.
    pub(crate) overlay: RwLock<Overlay>,
    /// The last entry of the log that is on the disk.
    durable: Arc<AtomicU64>,
}

impl Keyspace {
    pub(crate) fn new(index: Index, overlay: Overlay, durable: Arc<AtomicU64>) -> Self {
        Self { index, overlay: RwLock::new(overlay), durable }
    }

    /// Returns the last entry of the log that is on the disk.
    pub(crate) fn durable(&self) -> u64 {
        self.durable.load(Ordering::Acquire)
    }

    fn up_to(&self, view: View) -> u64 {
        match view {
            View::Durable => self.durable(),
            View::Newest => u64::MAX,
        }
    }

    /// Returns what is under a key.
    pub(crate) fn get(&self, view: View, key: &[u8]) -> Result<Option<IVec>, StoreError> {
        // In this order: a change is in the index before it is no longer here.
        if let Some(value) = self.overlay.read().get(key, self.up_to(view)) {
            return Ok(value.cloned());
        }
        self.index.get(key)
    }

    /// Reads up to `limit` entries between two bounds, from the lowest key on or from the highest.
    fn chunk(
        &self,
        view: View,
        (low, high): (&Bound<Vec<u8>>, &Bound<Vec<u8>>),
        from_high: bool,
        limit: usize,
    ) -> Result<VecDeque<KeyValue>, StoreError> {
        let bounds = (low.as_ref().map(Vec::as_slice), high.as_ref().map(Vec::as_slice));
        // Under the lock throughout: what the index gets meanwhile is still here, and so counts as
        // it is here.
        let overlay = self.overlay.read();
        let changed = overlay.range(bounds, self.up_to(view));
        let mut merge = Merge { limit, from_high, found: VecDeque::with_capacity(limit) };
        if from_high {
            self.merge(bounds, &mut changed.rev().peekable(), &mut merge)?;
        } else {
            self.merge(bounds, &mut changed.peekable(), &mut merge)?;
        }
        Ok(merge.found)
    }

    fn merge<'a>(
        &self,
        bounds: (Bound<&[u8]>, Bound<&[u8]>),
        changed: &mut Peekable<impl Iterator<Item = Changed<'a>>>,
        merge: &mut Merge,
    ) -> Result<(), StoreError> {
        self.index.visit(bounds, merge.from_high, |key, value| {
            merge.changes_before(&key, changed);
            match changed.next_if(|(changed, _)| *changed == &key[..]) {
                Some((_, value)) => merge.changed(&key, value),
                None => merge.take(key, value),
            }
            !merge.is_full()
        })?;
        while !merge.is_full()
            && let Some((key, value)) = changed.next()
        {
            merge.changed(key, value);
        }
        Ok(())
    }
}

/// A key that has changed, with its value where it isn't removed.
type Changed<'a> = (&'a [u8], Option<&'a IVec>);

/// Entries of the index and changed ones, in one order.
struct Merge {
    limit: usize,
    from_high: bool,
    found: VecDeque<KeyValue>,
}

impl Merge {
    fn is_full(&self) -> bool {
        self.found.len() >= self.limit
    }

    fn take(&mut self, key: IVec, value: IVec) {
        if !self.is_full() {
            self.found.push_back((key, value));
        }
    }

    fn changed(&mut self, key: &[u8], value: Option<&IVec>) {
        if let Some(value) = value {
            self.take(IVec::from(key), value.clone());
        }
    }

    /// Takes the changed keys that come before a key of the index.
    fn changes_before<'a>(
        &mut self,
        key: &[u8],
        changed: &mut Peekable<impl Iterator<Item = Changed<'a>>>,
    ) {
        let from_high = self.from_high;
        let is_before =
            |(changed, _): &Changed<'_>| if from_high { *changed > key } else { *changed < key };
        while !self.is_full()
            && let Some((key, value)) = changed.next_if(is_before)
        {
            self.changed(key, value);
        }
    }
}

/// The entries between two bounds, in the order of their keys, read in chunks.
pub(crate) struct Entries {
    keyspace: Arc<Keyspace>,
    view: View,
    low: Bound<Vec<u8>>,
    high: Bound<Vec<u8>>,
    /// The entries that were read from the low end, lowest first, and from the high end, highest
    /// first.
    front: VecDeque<KeyValue>,
    back: VecDeque<KeyValue>,
    chunk: usize,
    /// Whether everything between the bounds was read.
    is_read: bool,
}

impl Entries {
    pub(crate) fn new(
        keyspace: &Arc<Keyspace>,
        view: View,
        (low, high): (Bound<Vec<u8>>, Bound<Vec<u8>>),
    ) -> Self {
        let is_read = is_empty(&low, &high);
        Self {
            keyspace: Arc::clone(keyspace),
            view,
            low,
            high,
            front: VecDeque::new(),
            back: VecDeque::new(),
            chunk: CHUNK_MIN,
            is_read,
        }
    }

    /// Reads the next chunk from one end.
    fn read(&mut self, from_high: bool) -> Result<(), StoreError> {
        let limit = self.chunk;
        self.chunk = (limit * 4).min(CHUNK_MAX);
        let bounds = (&self.low, &self.high);
        let found = self.keyspace.chunk(self.view, bounds, from_high, limit)?;
        self.is_read = found.len() < limit;
        let last = found.back().map(|(key, _)| key.to_vec());
        if from_high {
            self.high = last.map_or(Unbounded, Excluded);
            self.back = found;
        } else {
            self.low = last.map_or(Unbounded, Excluded);
            self.front = found;
        }
        self.is_read |= is_empty(&self.low, &self.high);
        Ok(())
    }
}

impl Iterator for Entries {
    type Item = Result<KeyValue, StoreError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.front.is_empty()
            && !self.is_read
            && let Err(error) = self.read(false)
        {
            self.is_read = true;
            return Some(Err(error));
        }
        self.front.pop_front().or_else(|| self.back.pop_back()).map(Ok)
    }
}

impl DoubleEndedIterator for Entries {
    fn next_back(&mut self) -> Option<Self::Item> {
        if self.back.is_empty()
            && !self.is_read
            && let Err(error) = self.read(true)
        {
            self.is_read = true;
            return Some(Err(error));
        }
        self.back.pop_front().or_else(|| self.front.pop_back()).map(Ok)
    }
}

/// Returns whether no key lies between two bounds, as bounds that cross have none.
fn is_empty(low: &Bound<Vec<u8>>, high: &Bound<Vec<u8>>) -> bool {
    match (low, high) {
        (Included(low), Included(high)) => low > high,
        (Included(low) | Excluded(low), Included(high) | Excluded(high)) => low >= high,
        _ => false,
    }
}

/// Returns the bounds of the keys that begin like this.
pub(crate) fn prefix(prefix: &[u8]) -> (Bound<Vec<u8>>, Bound<Vec<u8>>) {
    let mut end = prefix.to_vec();
    while let Some(last) = end.pop() {
        if last < u8::MAX {
            end.push(last + 1);
            return (Included(prefix.to_vec()), Excluded(end));
        }
    }
    (Included(prefix.to_vec()), Unbounded)
}
