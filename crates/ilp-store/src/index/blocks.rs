//! Blocks: many entries of the index in one entry of sled.
//!
//! sled 0.34 splits a leaf at 17 entries, whatever their length, and keeps about 100 bytes in memory for
//! each leaf. A record is some hundred bytes long, so entries by themselves made millions of leaves out of
//! a long history. A block holds the entries of one kind between its key and the key of the next block, in
//! their order, and so a leaf of sled holds hundreds of entries.
//!
//! An entry in a block is the length of its key and of its value (u32 each, big-endian), key and value.

use std::ops::{Bound, Range, RangeBounds};

use sled::IVec;

use super::{KeyValue, storage::Storage};

/// How long a block becomes, in bytes, before it is split. Sixteen of them and an entry more fit into the
/// 128 KiB up to which sled keeps a leaf in its log; a longer one gets a file of its own.
const BLOCK_BYTES: usize = 5 * 1024;

/// The bytes of the two lengths.
const LENGTHS_BYTES: usize = 8;

/// The entries of an index, in blocks. Clones share them.
#[derive(Clone)]
pub(super) struct Blocks {
    pub(super) storage: Storage,
}

/// A change of an entry: its key, and its value or `None` where it is removed.
type EntryChange = (Vec<u8>, Option<IVec>);

impl Blocks {
    /// Returns what is under a key.
    pub(super) fn get(&self, key: &[u8]) -> sled::Result<Option<IVec>> {
        let Some((_, block)) = self.block_of(key)? else { return Ok(None) };
        for entry in Entries::new(&block) {
            let (found, value) = entry?;
            if &block[found] == key {
                return Ok(Some(IVec::from(&block[value])));
            }
        }
        Ok(None)
    }

    /// Calls `visit` with the entries between two bounds, from the lowest key on or from the highest,
    /// until it returns false.
    pub(super) fn visit(
        &self,
        (low, high): (Bound<&[u8]>, Bound<&[u8]>),
        from_high: bool,
        mut visit: impl FnMut(IVec, IVec) -> bool,
    ) -> sled::Result<()> {
        // The block that holds the lower bound begins at it or before it.
        let first = match low {
            Bound::Included(key) | Bound::Excluded(key) => self.block_of(key)?.map(|(at, _)| at),
            Bound::Unbounded => None,
        };
        let begin = first.as_ref().map_or(low, |at| Bound::Included(&at[..]));
        // A batch may split a block between two steps, and the second half would come twice.
        let mut last: Option<IVec> = None;
        let mut outcome = Ok(());
        self.storage.visit((begin, high), from_high, |at, block| {
            if at.first() == Some(&0) {
                // The index's position.
                return true;
            }
            let entries = match Entries::new(&block).collect::<sled::Result<Vec<_>>>() {
                Ok(entries) => entries,
                Err(damaged) => {
                    outcome = Err(damaged);
                    return false;
                }
            };
            let mut visit = |(key, value): &(Range<usize>, Range<usize>)| {
                let (bounds, key) = ((low, high), part(&block, key));
                let is_next =
                    last.as_ref().is_none_or(|last| (key < *last) == from_high && key != *last);
                if !is_next || !RangeBounds::<[u8]>::contains(&bounds, &key[..]) {
                    return true;
                }
                last = Some(key.clone());
                visit(key, part(&block, value))
            };
            let mut entries = entries.iter();
            let ended = if from_high {
                entries.rfind(|entry| !visit(entry))
            } else {
                entries.find(|entry| !visit(entry))
            };
            ended.is_none()
        })?;
        outcome
    }

    /// Returns what changes of entries, in the order of their keys, do to the blocks, for one batch of
    /// sled. Calls `changed` with the key of each, its value before and its value after.
    pub(super) fn rewrite(
        &self,
        changes: impl IntoIterator<Item = EntryChange>,
        mut changed: impl FnMut(&[u8], Option<&[u8]>, Option<&[u8]>),
    ) -> sled::Result<Vec<(IVec, Option<IVec>)>> {
        let mut changes = changes.into_iter().peekable();
        let mut writes = Vec::new();
        while let Some((key, _)) = changes.peek() {
            let kind = kind_of(key).to_vec();
            let found = self.block_of(key)?;
            let (at, block) = found.unwrap_or_else(|| (IVec::from(&kind[..]), IVec::default()));
            let end = self.next_after(&at, &kind)?;
            let is_in_block = |(key, _): &EntryChange| {
                kind_of(key) == &kind[..] && end.as_ref().is_none_or(|end| key[..] < end[..])
            };
            let (mut merged, mut old) = (Vec::new(), decode(&block)?.into_iter().peekable());
            while let Some((key, value)) = changes.next_if(is_in_block) {
                while let Some(entry) = old.next_if(|(old, _)| old[..] < key[..]) {
                    merged.push(entry);
                }
                let before = old.next_if(|(old, _)| old[..] == key[..]).map(|(_, before)| before);
                changed(&key, before.as_deref(), value.as_deref());
                merged.extend(value.map(|value| (IVec::from(key), value)));
            }
            let is_appended = old.peek().is_none();
            merged.extend(old);
            write_blocks(at, &merged, is_appended, &mut writes);
        }
        Ok(writes)
    }

    /// Returns the block whose range has a key: the last one of its kind that begins at it or before it.
    fn block_of(&self, key: &[u8]) -> sled::Result<Option<KeyValue>> {
        let bounds = (Bound::Included(kind_of(key)), Bound::Included(key));
        self.first(bounds, true)
    }

    /// Returns the key of the next block of a kind after the one at a key.
    fn next_after(&self, at: &IVec, kind: &[u8]) -> sled::Result<Option<IVec>> {
        let next = self.first((Bound::Excluded(&at[..]), Bound::Unbounded), false)?;
        Ok(next.map(|(key, _)| key).filter(|key| kind_of(key) == kind))
    }

    fn first(
        &self,
        bounds: (Bound<&[u8]>, Bound<&[u8]>),
        from_high: bool,
    ) -> sled::Result<Option<KeyValue>> {
        let mut found = None;
        self.storage.visit(bounds, from_high, |key, value| {
            found = Some((key, value));
            false
        })?;
        Ok(found)
    }
}

/// Writes the entries of one block, in as many as they need. The first stays where the block was.
fn write_blocks(
    at: IVec,
    entries: &[KeyValue],
    is_appended: bool,
    writes: &mut Vec<(IVec, Option<IVec>)>,
) {
    let total: usize = entries.iter().map(entry_bytes).sum();
    // Entries that come in their order leave full blocks behind them. Others come between those that are
    // there, and both halves of a block need room.
    let split_at = if is_appended || total <= BLOCK_BYTES {
        BLOCK_BYTES
    } else {
        total.div_ceil(total.div_ceil(BLOCK_BYTES).max(2))
    };
    let (mut at, mut bytes) = (Some(at), Vec::new());
    for (key, value) in entries {
        if bytes.len() >= split_at {
            let block = std::mem::take(&mut bytes);
            writes.extend(at.take().map(|at| (at, Some(block.into()))));
        }
        at.get_or_insert_with(|| key.clone());
        // An entry fits into a page of the log, which is a mebibyte.
        bytes.extend_from_slice(&length(key));
        bytes.extend_from_slice(&length(value));
        bytes.extend_from_slice(key);
        bytes.extend_from_slice(value);
    }
    let block = (!bytes.is_empty()).then(|| bytes.into());
    writes.extend(at.map(|at| (at, block)));
}

fn length(bytes: &[u8]) -> [u8; 4] {
    u32::try_from(bytes.len()).unwrap_or(u32::MAX).to_be_bytes()
}

fn entry_bytes((key, value): &KeyValue) -> usize {
    LENGTHS_BYTES + key.len() + value.len()
}

/// Returns the kind of an entry or a block, which is the first byte of its key.
fn kind_of(key: &[u8]) -> &[u8] {
    &key[..key.len().min(1)]
}

fn part(block: &IVec, range: &Range<usize>) -> IVec {
    block.subslice(range.start, range.len())
}

fn decode(block: &IVec) -> sled::Result<Vec<KeyValue>> {
    let entries = Entries::new(block).map(|entry| {
        let (key, value) = entry?;
        Ok((part(block, &key), part(block, &value)))
    });
    entries.collect()
}

/// The places of the keys and values in a block.
struct Entries<'a> {
    block: &'a [u8],
    at: usize,
}

impl<'a> Entries<'a> {
    fn new(block: &'a [u8]) -> Self {
        Self { block, at: 0 }
    }

    fn read(&mut self) -> Option<(Range<usize>, Range<usize>)> {
        let key_from = self.at.checked_add(LENGTHS_BYTES)?;
        let (key_bytes, value_bytes) = self.block.get(self.at..key_from)?.split_first_chunk()?;
        let value_from = key_from.checked_add(usize_of(*key_bytes))?;
        let end = value_from.checked_add(usize_of(value_bytes.try_into().ok()?))?;
        self.at = end;
        (end <= self.block.len()).then_some((key_from..value_from, value_from..end))
    }
}

fn usize_of(bytes: [u8; 4]) -> usize {
    u32::from_be_bytes(bytes) as usize
}

impl Iterator for Entries<'_> {
    type Item = sled::Result<(Range<usize>, Range<usize>)>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.at == self.block.len() {
            return None;
        }
        let entry = self.read();
        if entry.is_none() {
            self.at = self.block.len();
        }
        Some(entry.ok_or_else(damaged))
    }
}

fn damaged() -> sled::Error {
    sled::Error::Io(std::io::Error::new(
        std::io::ErrorKind::InvalidData,
        "a block of entries doesn't have the lengths that it names",
    ))
}

#[cfg(test)]
mod tests;
