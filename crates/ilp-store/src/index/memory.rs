//! Indexes in memory. A file in the index's directory names the entries, so that an index that is moved
//! or removed takes its entries with it.

use std::{cell::RefCell, collections::BTreeMap, fs, path::Path, sync::Arc};

use parking_lot::{Mutex, MutexGuard};
use sled::IVec;

type Entries = BTreeMap<IVec, IVec>;

/// The file that names the entries.
const FILE: &str = "memory";

thread_local! {
    /// The entries of all indexes that this thread keeps in memory, or `None` while it keeps none there.
    static KEPT: RefCell<Option<Vec<Memory>>> = const { RefCell::new(None) };
}

/// The entries of one index.
#[derive(Clone, Default)]
pub(crate) struct Memory(Arc<Mutex<Entries>>);

impl Memory {
    /// Keeps the indexes that this thread opens from now on in memory, and forgets those from before.
    pub(crate) fn keep_all() {
        KEPT.set(Some(Vec::new()));
    }

    /// Returns the entries of the index in a directory, if this thread keeps indexes in memory.
    pub(super) fn at(directory: &Path) -> Option<Self> {
        KEPT.with_borrow(|kept| {
            let kept = kept.as_ref()?;
            let number = fs::read_to_string(directory.join(FILE)).ok()?;
            Some(kept[number.parse::<usize>().expect("the file holds a number")].clone())
        })
        .or_else(|| Self::default().put(directory))
    }

    /// Makes these the entries of the index in a directory.
    pub(crate) fn put(self, directory: &Path) -> Option<Self> {
        KEPT.with_borrow_mut(|kept| {
            let kept = kept.as_mut()?;
            fs::create_dir_all(directory).expect("the index's directory can be made");
            fs::write(directory.join(FILE), kept.len().to_string()).expect("there is room");
            kept.push(self.clone());
            Some(self)
        })
    }

    /// Returns a copy of the entries of the index in a directory.
    pub(crate) fn copy(directory: &Path) -> Option<Self> {
        let entries = Self::at(directory)?.lock().clone();
        Some(Self(Arc::new(Mutex::new(entries))))
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, Entries> {
        self.0.lock()
    }

    pub(super) fn apply(&self, changes: impl IntoIterator<Item = (IVec, Option<IVec>)>) {
        let mut entries = self.lock();
        for (key, value) in changes {
            match value {
                Some(value) => drop(entries.insert(key, value)),
                None => drop(entries.remove(&key)),
            }
        }
    }
}
