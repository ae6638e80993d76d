//! A request that runs, and how its outcome comes to the disk.

use std::{fmt, sync::Arc};

use parking_lot::Mutex;

use super::{
    entry::{Entry, by_time},
    entry_key, kept_since,
    snapshot::Snapshot,
};
use crate::{
    RECORD_BYTES_MAX,
    error::TransactionError,
    store::{Store, transaction::Transaction},
};

/// The longest entry, in bytes: a record of any size with the few numbers and the asset beside it.
const ENTRY_BYTES_MAX: usize = RECORD_BYTES_MAX + 8 * 1024;

/// A key that a running request has. It's free for others, or leads to the outcome, once this is
/// released or dropped.
pub struct Claim {
    store: Store,
    key: String,
    digest: [u8; 32],
    progress: Mutex<Progress>,
}

/// How far the outcome of a request has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Progress {
    /// Nothing of it is on the disk.
    Begun,
    /// The outcome is on the disk.
    Kept,
    /// Whether it's on the disk, or counts, shows at the next start.
    Open,
    /// The request is over.
    Released,
}

impl Claim {
    pub(super) fn new(store: &Store, key: &str, digest: [u8; 32]) -> Self {
        let progress = Mutex::new(Progress::Begun);
        Self { store: store.clone(), key: key.to_owned(), digest, progress }
    }

    /// Returns the entry that keeps `outcome` from `now_ms` (milliseconds since 1970) on, for the
    /// unit of a transaction; `None` once the request is over.
    pub(crate) fn answer(self: &Arc<Self>, outcome: &Snapshot, now_ms: u64) -> Option<Answer> {
        if self.progress() == Progress::Released {
            return None;
        }
        let entry =
            Entry { at_ms: now_ms, digest: self.digest, proof: None, outcome: outcome.to_bytes() };
        Some(Answer { claim: Arc::clone(self), entry })
    }

    /// Returns whether there is an outcome on the disk, for good or as a promise.
    #[must_use]
    pub fn is_kept(&self) -> bool {
        self.progress() == Progress::Kept
    }

    /// Lets go of the key: it leads to the outcome now, or is free where none was kept. Where that
    /// can't be told before the next start, it stays taken.
    pub fn release(&self) {
        let before = std::mem::replace(&mut *self.progress.lock(), Progress::Released);
        let mut running = self.store.inner.running.lock();
        match before {
            Progress::Begun | Progress::Kept => {
                running.remove(&self.key);
            }
            Progress::Open => {
                if let Some(taken) = running.get_mut(&self.key) {
                    taken.is_open = true;
                }
            }
            Progress::Released => {}
        }
    }

    pub(crate) fn store(&self) -> &Store {
        &self.store
    }

    pub(crate) fn progress(&self) -> Progress {
        *self.progress.lock()
    }

    /// Nothing moves a request on that is over: what works on behind it has no key any more.
    pub(crate) fn set_progress(&self, to: Progress) {
        let mut progress = self.progress.lock();
        if *progress != Progress::Released {
            *progress = to;
        }
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        self.release();
    }
}

impl fmt::Debug for Claim {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Claim")
            .field("key", &self.key)
            .field("progress", &self.progress())
            .finish_non_exhaustive()
    }
}

/// An outcome that is kept in the unit of a transaction.
pub(crate) struct Answer {
    claim: Arc<Claim>,
    entry: Entry,
}

impl Answer {
    /// Puts the outcome into the unit, under the write lock.
    pub(crate) fn join(&self, tx: &mut Transaction<'_>) -> Result<(), TransactionError> {
        let Claim { key, .. } = &*self.claim;
        // Of one that has expired and isn't purged yet.
        if let Some(at_ms) = kept_since(tx, key)? {
            tx.remove(by_time(at_ms, key));
        }
        let entry = &self.entry;
        tx.put_within(ENTRY_BYTES_MAX, entry_key(key), &entry.to_bytes())?;
        tx.put_bytes(by_time(entry.at_ms, key), &[])
    }

    /// Notes that the unit is about to be written: whether the outcome is on the disk is open from here
    /// on, until [`Answer::is_durable`] is called. A change that is refused before leaves the key free.
    pub(crate) fn is_being_written(&self) {
        self.claim.set_progress(Progress::Open);
    }

    /// Notes that the unit is on the disk.
    pub(crate) fn is_durable(&self) {
        self.claim.set_progress(Progress::Kept);
    }
}
