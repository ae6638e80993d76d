//! Where the index keeps its entries: in sled, or, for tests that open thousands of them, in memory.

use std::{ops::Bound, path::Path};

use sled::{Batch, Db, IVec, Tree};

#[cfg(test)]
use super::memory::Memory;
use super::{CACHE_BYTES_MAX, SLED_SEGMENT_BYTES, open_unlocked};

/// The entries of an index. Clones share them.
#[derive(Clone)]
pub(super) enum Storage {
    Sled {
        db: Db,
        tree: Tree,
    },
    #[cfg(test)]
    Memory(Memory),
}

impl Storage {
    pub(super) fn open(directory: &Path) -> sled::Result<Self> {
        #[cfg(test)]
        if let Some(memory) = Memory::at(directory) {
            return Ok(Self::Memory(memory));
        }
        let config = sled::Config::new()
            .path(directory)
            .cache_capacity(CACHE_BYTES_MAX)
            .segment_size(SLED_SEGMENT_BYTES as usize);
        let db = open_unlocked(&config)?;
        let tree = db.open_tree("index")?;
        Ok(Self::Sled { db, tree })
    }

    pub(super) fn get(&self, key: &[u8]) -> sled::Result<Option<IVec>> {
        match self {
            Self::Sled { tree, .. } => tree.get(key),
            #[cfg(test)]
            Self::Memory(memory) => Ok(memory.lock().get(key).cloned()),
        }
    }

    /// Returns whether there are no entries.
    pub(super) fn is_empty(&self) -> bool {
        match self {
            Self::Sled { tree, .. } => tree.is_empty(),
            #[cfg(test)]
            Self::Memory(memory) => memory.lock().is_empty(),
        }
    }

    /// Calls `visit` with the entries between two bounds, from the lowest key on or from the highest,
    /// until it returns false.
    pub(super) fn visit(
        &self,
        bounds: (Bound<&[u8]>, Bound<&[u8]>),
        from_high: bool,
        visit: impl FnMut(IVec, IVec) -> bool,
    ) -> sled::Result<()> {
        match self {
            Self::Sled { tree, .. } => each(tree.range::<&[u8], _>(bounds), from_high, visit),
            #[cfg(test)]
            Self::Memory(memory) => {
                let entries = memory.lock();
                let range = entries.range::<[u8], _>(bounds);
                let range = range.map(|(key, value)| Ok((key.clone(), value.clone())));
                each(range, from_high, visit)
            }
        }
    }

    /// Makes all changes, or none of them where the process or the system ends meanwhile.
    pub(super) fn apply(
        &self,
        changes: impl IntoIterator<Item = (IVec, Option<IVec>)>,
    ) -> sled::Result<()> {
        match self {
            Self::Sled { tree, .. } => {
                let mut batch = Batch::default();
                for (key, value) in changes {
                    match value {
                        Some(value) => batch.insert(key, value),
                        None => batch.remove(key),
                    }
                }
                tree.apply_batch(batch)
            }
            #[cfg(test)]
            Self::Memory(memory) => {
                memory.apply(changes);
                Ok(())
            }
        }
    }

    pub(super) fn flush(&self) -> sled::Result<()> {
        match self {
            Self::Sled { db, .. } => db.flush().map(drop),
            #[cfg(test)]
            Self::Memory(_) => Ok(()),
        }
    }

    pub(super) fn disk_bytes(&self) -> u64 {
        match self {
            Self::Sled { db, .. } => db.size_on_disk().unwrap_or(0),
            #[cfg(test)]
            Self::Memory(_) => 0,
        }
    }
}

fn each(
    mut entries: impl DoubleEndedIterator<Item = sled::Result<(IVec, IVec)>>,
    from_high: bool,
    mut visit: impl FnMut(IVec, IVec) -> bool,
) -> sled::Result<()> {
    let mut next = || if from_high { entries.next_back() } else { entries.next() };
    while let Some(entry) = next() {
        let (key, value) = entry?;
        if !visit(key, value) {
            break;
        }
    }
    Ok(())
}
