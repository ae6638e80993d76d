//! The changes that the index doesn't have yet, in memory over it.
//!
//! A change is here from the moment at which the log takes it, and is removed once the index has it.
//! A change that isn't durable yet is seen by transactions alone. So a key may have several versions:
//! the newest one, and those that readers of what is durable still need.

use std::{
    collections::{BTreeMap, btree_map::Entry},
    ops::Bound,
};

use sled::IVec;

/// The memory that a version of a key takes beside its bytes, about.
const VERSION_BYTES: usize = 96;

/// The value of a key after the entry of the log of this sequence; `None` where it is removed.
struct Version {
    sequence: u64,
    value: Option<IVec>,
}

/// The versions of one key.
struct Versions {
    newest: Version,
    /// The versions before it, oldest first. Almost always empty.
    older: Vec<Version>,
}

impl Versions {
    /// Returns the newest version up to a sequence.
    fn up_to(&self, sequence: u64) -> Option<&Version> {
        let all = self.older.iter().chain(std::iter::once(&self.newest));
        all.rev().find(|version| version.sequence <= sequence)
    }
}

/// The changes that the index doesn't have yet, in memory, by key and version.
#[derive(Default)]
pub(crate) struct Overlay {
    keys: BTreeMap<Vec<u8>, Versions>,
    bytes: usize,
}

impl Overlay {
    /// Returns about how much memory the changes take, in bytes.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Returns whether there are no changes.
    pub(crate) fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// Adds the change of a key by the entry of this sequence, which comes after all others of the
    /// key. Versions that no reader needs any more, with everything up to `durable` on the disk, are
    /// removed.
    pub(crate) fn put(&mut self, key: Vec<u8>, sequence: u64, value: Option<IVec>, durable: u64) {
        self.bytes += bytes_of(&key, value.as_ref());
        let newest = Version { sequence, value };
        let mut versions = match self.keys.entry(key) {
            Entry::Vacant(place) => {
                place.insert(Versions { newest, older: Vec::new() });
                return;
            }
            Entry::Occupied(versions) => versions,
        };
        let key_bytes = versions.key().len();
        let versions = versions.get_mut();
        versions.older.push(std::mem::replace(&mut versions.newest, newest));
        // The newest durable one is the oldest that anyone may still read.
        let seen = versions.older.iter().rposition(|version| version.sequence <= durable);
        let unread = versions.older.drain(..seen.unwrap_or(0));
        let freed = unread.map(|version| {
            key_bytes + version.value.as_ref().map_or(0, |value| value.len()) + VERSION_BYTES
        });
        self.bytes -= freed.sum::<usize>();
    }

    /// Returns what is under a key up to a sequence: a value, that it is removed, or `None` where the
    /// overlay says nothing.
    pub(crate) fn get(&self, key: &[u8], up_to: u64) -> Option<Option<&IVec>> {
        self.keys.get(key)?.up_to(up_to).map(|version| version.value.as_ref())
    }

    /// Returns the keys between two bounds that have changed up to a sequence, in their order, with
    /// what is under them. The bounds must not cross.
    pub(crate) fn range<'a>(
        &'a self,
        (low, high): (Bound<&'a [u8]>, Bound<&'a [u8]>),
        up_to: u64,
    ) -> impl DoubleEndedIterator<Item = (&'a [u8], Option<&'a IVec>)> {
        let keys = self.keys.range::<[u8], _>((low, high));
        keys.filter_map(move |(key, versions)| {
            Some((key.as_slice(), versions.up_to(up_to)?.value.as_ref()))
        })
    }

    /// Returns the changes up to a sequence.
    pub(crate) fn changes(&self, up_to: u64) -> Vec<(Vec<u8>, Option<IVec>)> {
        let all = (Bound::Unbounded, Bound::Unbounded);
        self.range(all, up_to).map(|(key, value)| (key.to_vec(), value.cloned())).collect()
    }

    /// Removes the changes up to a sequence, which the index has.
    pub(crate) fn forget(&mut self, up_to: u64) {
        let mut bytes = 0;
        self.keys.retain(|key, versions| {
            versions.older.retain(|version| version.sequence > up_to);
            let stays = versions.newest.sequence > up_to || !versions.older.is_empty();
            if stays {
                let versions = versions.older.iter().chain(std::iter::once(&versions.newest));
                let taken = versions.map(|version| bytes_of(key, version.value.as_ref()));
                bytes += taken.sum::<usize>();
            }
            stays
        });
        self.bytes = bytes;
    }
}

fn bytes_of(key: &[u8], value: Option<&IVec>) -> usize {
    key.len() + value.map_or(0, |value| value.len()) + VERSION_BYTES
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(text: &str) -> Option<IVec> {
        Some(IVec::from(text.as_bytes()))
    }

    #[test]
    fn each_reader_sees_the_newest_version_that_is_durable_for_it() {
        let mut overlay = Overlay::default();
        overlay.put(b"a".to_vec(), 3, value("three"), 2);
        overlay.put(b"a".to_vec(), 5, None, 2);
        overlay.put(b"b".to_vec(), 6, value("six"), 2);
        assert_eq!(overlay.get(b"a", 2), None, "the index is asked");
        assert_eq!(overlay.get(b"a", 4), Some(value("three").as_ref()));
        assert_eq!(overlay.get(b"a", 5), Some(None), "removed");
        assert_eq!(overlay.changes(5), [(b"a".to_vec(), None)]);
        let all = (Bound::Unbounded, Bound::Unbounded);
        let keys: Vec<_> = overlay.range(all, 9).rev().map(|(key, _)| key[0]).collect();
        assert_eq!(keys, b"ba");
    }

    #[test]
    fn only_the_versions_that_are_still_read_are_kept() {
        let mut overlay = Overlay::default();
        for sequence in 1..=100 {
            overlay.put(b"a".to_vec(), sequence, value("x"), sequence - 1);
        }
        let one = overlay.bytes();
        assert_eq!(overlay.get(b"a", 99), Some(value("x").as_ref()), "durable");
        assert_eq!(overlay.get(b"a", 98), None, "read by nobody");
        overlay.forget(99);
        assert!(overlay.bytes() < one && overlay.get(b"a", 100).is_some());
        overlay.forget(100);
        assert!(overlay.is_empty());
        assert_eq!(overlay.bytes(), 0);
    }
}
