//! The `records` tree, and the changes that gather before it takes them.
//!
//! Each batch costs sled two writes with a wait for each, one of them of 24 bytes alone, whether or
//! not a sync follows; and it rewrites the leaf that counts the changes every few batches. So a change
//! goes into memory first, where every look-up finds it, and the next flush takes all that gathered as
//! one batch: those changes that came while the last flush was under way, and those that need no flush
//! of their own.

use std::{
    collections::BTreeMap,
    iter::{Chain, Flatten},
    ops::RangeBounds,
    option,
};

use parking_lot::RwLock;
use sled::{Batch, IVec, Tree};

use crate::keys::CHANGES;

/// What may gather, in bytes of keys and values, before it goes into the tree without a flush.
const GATHERED_BYTES_MAX: usize = 1024 * 1024;

/// What changes do to entries: a value, or `None` for one that is removed.
pub(crate) type Writes = BTreeMap<Vec<u8>, Option<IVec>>;

/// An entry, or why there is none.
type Entry = sled::Result<(IVec, IVec)>;

/// Entries in the order of their keys; an error and nothing else where there can't be any.
pub(crate) type Entries = Chain<option::IntoIter<Entry>, Flatten<option::IntoIter<sled::Iter>>>;

/// See the module.
pub(crate) struct RecordTree {
    tree: Tree,
    /// Held for a look-up by readers, and for the length of a batch by whoever puts it into the tree.
    /// No packet comes here.
    gathered: RwLock<Gathered>,
}

struct Gathered {
    writes: Writes,
    bytes: usize,
    /// How many changes there were, ever, these included.
    changes: u64,
}

impl RecordTree {
    /// Over a tree that has so many changes.
    pub(crate) fn new(tree: Tree, changes: u64) -> Self {
        Self { tree, gathered: RwLock::new(Gathered { writes: Writes::new(), bytes: 0, changes }) }
    }

    /// What is under a key.
    pub(crate) fn get(&self, key: &[u8]) -> sled::Result<Option<IVec>> {
        // Looked at in this order: a write is in the tree before it is no longer here.
        if let Some(value) = self.gathered.read().writes.get(key) {
            return Ok(value.clone());
        }
        self.tree.get(key)
    }

    /// Whether there is an entry under a key.
    pub(crate) fn contains_key(&self, key: &[u8]) -> sled::Result<bool> {
        if let Some(value) = self.gathered.read().writes.get(key) {
            return Ok(value.is_some());
        }
        self.tree.contains_key(key)
    }

    /// The entries between two keys, with all that was changed before this call.
    pub(crate) fn range<K: AsRef<[u8]>, R: RangeBounds<K>>(&self, keys: R) -> Entries {
        self.settled(|tree| tree.range(keys))
    }

    /// The entries whose keys begin like this, with all that was changed before this call.
    pub(crate) fn scan_prefix(&self, prefix: impl AsRef<[u8]>) -> Entries {
        self.settled(|tree| tree.scan_prefix(prefix))
    }

    /// The keys of the entries between two keys.
    pub(crate) fn keys<K: AsRef<[u8]>, R: RangeBounds<K>>(
        &self,
        keys: R,
    ) -> impl Iterator<Item = sled::Result<IVec>> + use<K, R> {
        self.range(keys).map(|entry| entry.map(|(key, _)| key))
    }

    /// Takes the writes of a change, after which there are so many of them. They are on the disk with
    /// the flush after the next [`RecordTree::settle`].
    pub(crate) fn gather(&self, writes: Writes, changes: u64) -> sled::Result<()> {
        let mut gathered = self.gathered.write();
        gathered.changes = changes;
        for (key, value) in writes {
            gathered.bytes += key.len() + value.as_ref().map_or(0, |value| value.len());
            gathered.writes.insert(key, value);
        }
        if gathered.bytes > GATHERED_BYTES_MAX { gathered.settle(&self.tree) } else { Ok(()) }
    }

    /// Puts what has gathered into the tree as one batch, which is there after a crash in full or not
    /// at all. Says how many changes the tree has then.
    pub(crate) fn settle(&self) -> sled::Result<u64> {
        let mut gathered = self.gathered.write();
        gathered.settle(&self.tree)?;
        Ok(gathered.changes)
    }

    /// The tree itself, to be damaged.
    #[cfg(test)]
    pub(crate) fn tree(&self) -> &Tree {
        &self.tree
    }

    fn settled(&self, entries: impl FnOnce(&Tree) -> sled::Iter) -> Entries {
        // Most find nothing to be settled, and don't wait for each other.
        let is_settled = self.gathered.read().writes.is_empty();
        let settled = if is_settled { Ok(()) } else { self.settle().map(drop) };
        let (error, entries) = match settled {
            Ok(()) => (None, Some(entries(&self.tree))),
            Err(cause) => (Some(Err(cause)), None),
        };
        error.into_iter().chain(entries.into_iter().flatten())
    }
}

impl Gathered {
    /// What could not be put into the tree stays here, and so is seen as if it had been.
    fn settle(&mut self, tree: &Tree) -> sled::Result<()> {
        if self.writes.is_empty() {
            return Ok(());
        }
        let mut batch = Batch::default();
        for (key, value) in &self.writes {
            match value {
                Some(value) => batch.insert(&key[..], value.clone()),
                None => batch.remove(&key[..]),
            }
        }
        batch.insert(&CHANGES, &self.changes.to_be_bytes());
        tree.apply_batch(batch)?;
        self.writes.clear();
        self.bytes = 0;
        Ok(())
    }
}

impl Drop for RecordTree {
    /// What needed no flush of its own goes with sled's last one.
    fn drop(&mut self) {
        if let Err(error) = self.settle() {
            tracing::warn!(%error, "the last notes of what was done are lost");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree() -> (tempfile::TempDir, sled::Db, RecordTree) {
        let dir = tempfile::tempdir().unwrap();
        let db = sled::open(dir.path()).unwrap();
        let tree = RecordTree::new(db.open_tree("records").unwrap(), 0);
        (dir, db, tree)
    }

    fn writes<const N: usize>(writes: [(&[u8], Option<&[u8]>); N]) -> Writes {
        writes.into_iter().map(|(key, value)| (key.to_vec(), value.map(IVec::from))).collect()
    }

    fn keys(entries: impl Iterator<Item = Entry>) -> Vec<u8> {
        entries.map(|entry| entry.unwrap().0[0]).collect()
    }

    #[test]
    fn what_has_gathered_is_found_and_goes_into_the_tree_as_one() {
        let (_dir, db, records) = tree();
        records.gather(writes([(b"a", Some(b"1")), (b"b", Some(b"2"))]), 1).unwrap();
        records.gather(writes([(b"a", None), (b"c", Some(b"3"))]), 2).unwrap();
        assert!(records.tree.is_empty(), "nothing was written yet");
        assert_eq!(records.get(b"a").unwrap(), None);
        assert_eq!(records.get(b"c").unwrap().unwrap(), b"3");
        assert!(!records.contains_key(b"a").unwrap() && records.contains_key(b"b").unwrap());
        assert_eq!(keys(records.range(b"a".to_vec()..)), b"bc", "whoever lists sees it too");
        assert_eq!(keys(records.range(b"a".to_vec()..).rev()), b"cb");
        assert_eq!(records.tree.get(CHANGES).unwrap().unwrap(), 2_u64.to_be_bytes());
        records.gather(writes([(b"b", None)]), 3).unwrap();
        assert_eq!(records.settle().unwrap(), 3);
        assert_eq!(keys(records.scan_prefix(b"b")), b"");
        assert_eq!(records.get(b"c").unwrap().unwrap(), b"3");
        records.gather(writes([(b"d", Some(b"4"))]), 4).unwrap();
        drop(records);
        let kept = db.open_tree("records").unwrap();
        assert_eq!(kept.get(b"d").unwrap().unwrap(), b"4", "an orderly end loses nothing");
    }

    #[test]
    fn what_gathers_is_bounded() {
        let (_dir, _db, records) = tree();
        let value = vec![7; GATHERED_BYTES_MAX / 4];
        for number in 1..=8 {
            records.gather(writes([(&[number], Some(&value))]), number.into()).unwrap();
            assert!(records.gathered.read().bytes <= GATHERED_BYTES_MAX);
        }
        assert!(!records.tree.is_empty());
        assert_eq!(records.range([1]..).count(), 8);
    }
}
