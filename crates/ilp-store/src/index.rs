//! The index: sled, with all records and balances as of a position of the log.
//!
//! The index makes look-ups and lists fast, and nothing depends on it: it is written behind the log, in
//! the background and without a flush that anyone waits for. An index that is damaged, torn, older,
//! newer or another node's is put aside and made anew from a snapshot and the log. This is the only
//! part of the crate that opens a database of sled.
//!
//! Records and balances are in one tree, so that one batch of sled moves all of them from one position
//! to the next. The batch also writes the position, with a sum over the entries of each kind, by which
//! a start notices entries that sled has lost.
//!
//! Over it lies `overlay`, the changes that the index doesn't have yet, and `keyspace` reads both as
//! one.

mod aside;
mod blocks;
pub(crate) mod keyspace;
#[cfg(test)]
pub(crate) mod memory;
pub(crate) mod overlay;
mod position;
mod storage;
mod sums;

use std::{
    collections::BTreeMap,
    ffi::OsStr,
    fs::File,
    io,
    ops::Bound,
    os::unix::fs::FileExt,
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
    sync::{
        atomic::{AtomicBool, AtomicU64, Ordering},
        mpsc,
    },
    time::Duration,
};

use parking_lot::Mutex;
use sled::{Db, IVec};

pub(crate) use self::{
    aside::{is_marked, mark_damaged, put_aside},
    position::IndexPosition,
    sums::{Sum, Sums, hash as entry_hash},
};
use self::{blocks::Blocks, storage::Storage};
use crate::{error::StoreError, fail_stop::panic_text};

/// The index's directory, in the store's.
pub(crate) const DIRECTORY: &str = "index";

/// The key of the position. Its first byte is no kind of entry, and its second the format of the index:
/// one in another format has no position, and so counts as incomplete.
const POSITION: [u8; 2] = [0, 2];

/// The file in which sled 0.34 has its segments, their length, and how much of one holds its head.
const SLED_FILE: &str = "db";
const SLED_SEGMENT_BYTES: u64 = 512 * 1024;
const SLED_HEAD_BYTES: usize = 4096;

/// The most memory that sled may take for its cache. Its own default is a gigabyte.
const CACHE_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// How long a close waits for sled's last flush, which never ends where a write of it has failed.
const CLOSE_WAIT: Duration = Duration::from_secs(3);

/// How often, and how long apart, sled is opened whose file is still locked.
const LOCK_TRIES: u32 = 50;
const LOCK_PAUSE: Duration = Duration::from_millis(20);

/// How sled's error of a lock begins that it didn't get.
pub(crate) const LOCK_REFUSED: &str = "could not acquire lock";

/// A key and what is under it.
pub(crate) type KeyValue = (IVec, IVec);

/// The changes of entries, in the order of their keys.
pub(crate) type IndexChanges = BTreeMap<Vec<u8>, Option<IVec>>;

/// Why the index can't be used. A start puts such an index aside.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(crate) struct IndexFault(pub(crate) String);

/// The look-ups of a store, as of a position in its log.
pub(crate) struct Index {
    /// Taken by the drop, which ends sled on a thread of its own.
    blocks: Option<Blocks>,
    /// The position and the sums as of the last batch.
    position: Mutex<Option<IndexPosition>>,
    /// The last entry of the log that the index has, for display.
    sequence: AtomicU64,
    /// Whether a flush has not ended in its time.
    is_stuck: AtomicBool,
}

impl Index {
    /// Opens the index in a directory, and makes an empty one where there is none.
    ///
    /// # Errors
    /// [`IndexFault`] says what can't be read or makes no sense.
    pub(crate) fn open(directory: &Path) -> Result<Self, IndexFault> {
        // sled takes a segment whose head can't be read for one that was never written, and writes over
        // it. So what sled goes by is read once before sled sees it.
        read_heads(directory).map_err(|cause| IndexFault(format!("it can't be read: {cause}")))?;
        let opened = guard(|| {
            let storage = Storage::open(directory)?;
            let position = storage.get(&POSITION)?;
            Ok((storage, position))
        });
        let (storage, position) = opened?;
        let position = match position {
            Some(bytes) => {
                let position = IndexPosition::from_bytes(&bytes);
                Some(position.ok_or_else(|| IndexFault("its position is unreadable".to_owned()))?)
            }
            None if storage.is_empty() => None,
            None => return Err(IndexFault("it was never completed".to_owned())),
        };
        let sequence = AtomicU64::new(sequence_of(position.as_ref()));
        Ok(Self {
            blocks: Some(Blocks { storage }),
            position: Mutex::new(position),
            sequence,
            is_stuck: AtomicBool::new(false),
        })
    }

    /// Returns the position in the log up to which the index goes; `None` for an empty index.
    pub(crate) fn position(&self) -> Option<IndexPosition> {
        self.position.lock().clone()
    }

    /// Returns the last entry of the log that the index has.
    pub(crate) fn sequence(&self) -> u64 {
        // The position's lock is held for the length of a batch.
        self.sequence.load(Ordering::Relaxed)
    }

    /// Returns what is under a key.
    pub(crate) fn get(&self, key: &[u8]) -> Result<Option<IVec>, StoreError> {
        guard(|| self.blocks().get(key)).map_err(StoreError::read)
    }

    /// Calls `visit` with the entries between two bounds, from the lowest key on or from the highest,
    /// until it returns false.
    pub(crate) fn visit(
        &self,
        bounds: (Bound<&[u8]>, Bound<&[u8]>),
        from_high: bool,
        visit: impl FnMut(IVec, IVec) -> bool,
    ) -> Result<(), StoreError> {
        guard(|| self.blocks().visit(bounds, from_high, visit)).map_err(StoreError::read)
    }

    /// Moves the index to a position by what changed since the last one: all of it or nothing is
    /// there after a crash.
    ///
    /// # Errors
    /// When sled can't read or write. The index is to be put aside by the next start.
    pub(crate) fn apply(
        &self,
        changes: IndexChanges,
        mut to: IndexPosition,
    ) -> Result<(), StoreError> {
        let mut position = self.position.lock();
        let mut sums = position.as_ref().map(|position| position.sums.clone()).unwrap_or_default();
        let applied = guard(|| {
            let mut batch = self.blocks().rewrite(changes, |key, before, after| {
                if let Some(before) = before {
                    sums.remove(key, before);
                }
                if let Some(after) = after {
                    sums.add(key, after);
                }
            })?;
            to.sums = sums;
            batch.push((IVec::from(&POSITION), Some(to.to_bytes().into())));
            self.storage().apply(batch)
        });
        applied.map_err(StoreError::write)?;
        self.sequence.store(sequence_of(Some(&to)), Ordering::Relaxed);
        *position = Some(to);
        Ok(())
    }

    /// Adds entries, in the order of their keys, to an index that has no position yet, and so counts as
    /// incomplete until [`Index::complete`].
    ///
    /// # Errors
    /// When sled can't write.
    pub(crate) fn load(&self, entries: Vec<(Vec<u8>, Vec<u8>)>) -> Result<(), StoreError> {
        let entries = entries.into_iter().map(|(key, value)| (key, Some(IVec::from(value))));
        let loaded = guard(|| {
            let blocks = self.blocks().rewrite(entries, |_, _, _| {})?;
            self.storage().apply(blocks)
        });
        loaded.map_err(StoreError::write)
    }

    /// Gives a loaded index its position and the sums of its entries.
    ///
    /// # Errors
    /// When sled can't write.
    pub(crate) fn complete(&self, at: IndexPosition) -> Result<(), StoreError> {
        let entry = (IVec::from(&POSITION), Some(at.to_bytes().into()));
        guard(|| self.storage().apply([entry])).map_err(StoreError::write)?;
        self.sequence.store(sequence_of(Some(&at)), Ordering::Relaxed);
        *self.position.lock() = Some(at);
        Ok(())
    }

    /// Checks the entries of some kinds against their sums, until `is_ended` says to stop. Nothing may
    /// move the index on meanwhile.
    ///
    /// # Errors
    /// [`IndexFault`] names the kind whose entries aren't those that were written.
    pub(crate) fn check(
        &self,
        kinds: impl IntoIterator<Item = u8>,
        is_ended: impl Fn() -> bool,
    ) -> Result<(), IndexFault> {
        let sums = self.position().map(|position| position.sums).unwrap_or_default();
        for kind in kinds {
            let mut found = Sum::default();
            let (low, high) = ([kind], [kind.saturating_add(1)]);
            let bounds = (Bound::Included(&low[..]), Bound::Excluded(&high[..]));
            let visited = self.visit(bounds, false, |key, value| {
                found.add(&key, &value);
                !is_ended()
            });
            visited.map_err(|error| IndexFault(error.to_string()))?;
            if is_ended() {
                return Ok(());
            }
            if found != sums.of(kind) {
                let (found, wanted) = (found.count(), sums.of(kind).count());
                let detail =
                    format!("it has {found} entries of kind {kind}, not the {wanted} written");
                return Err(IndexFault(detail));
            }
        }
        Ok(())
    }

    /// Returns how much of the disk the index takes, in bytes.
    pub(crate) fn disk_bytes(&self) -> u64 {
        self.storage().disk_bytes()
    }

    /// Flushes what sled has in memory, as the last thing before the process may end: tasks that are
    /// never ended may keep the index from being dropped. The wait is bounded as that of a drop.
    pub(crate) fn flush_at_close(&self) {
        #[cfg(test)]
        if matches!(self.storage(), Storage::Memory(_)) {
            return;
        }
        let is_flushed = flush_within(CLOSE_WAIT, self.storage().clone());
        self.is_stuck.store(!is_flushed, Ordering::Relaxed);
    }

    fn blocks(&self) -> &Blocks {
        self.blocks.as_ref().expect("the index is open until it is dropped")
    }

    fn storage(&self) -> &Storage {
        &self.blocks().storage
    }

    /// Changes an entry as damage does: neither position nor sums follow.
    #[cfg(test)]
    pub(crate) fn damage(&self, key: &[u8], value: Option<&[u8]>) {
        let change = (key.to_vec(), value.map(IVec::from));
        let blocks = self.blocks().rewrite([change], |_, _, _| {}).unwrap();
        self.storage().apply(blocks).unwrap();
    }

    /// Flushes sled, as its own thread does now and then.
    #[cfg(test)]
    pub(crate) fn flush(&self) {
        self.storage().flush().unwrap();
    }
}

impl Drop for Index {
    /// Ends sled, whose last flush must not hold up the end of the process: it never returns where
    /// another thread of sled has met an error.
    fn drop(&mut self) {
        let Some(Blocks { storage }) = self.blocks.take() else { return };
        #[cfg(test)]
        if matches!(storage, Storage::Memory(_)) {
            return;
        }
        // A flush that didn't end before the ledger was closed won't end now.
        let wait = if self.is_stuck.load(Ordering::Relaxed) { Duration::ZERO } else { CLOSE_WAIT };
        flush_within(wait, storage);
    }
}

/// Flushes sled on a thread of its own, and waits for it no longer than so long. Returns whether the
/// flush has ended.
fn flush_within(wait: Duration, storage: Storage) -> bool {
    let (ended, end) = mpsc::channel::<()>();
    let thread = std::thread::Builder::new().name("jirani-index".to_owned());
    let spawned = thread.spawn(move || {
        if let Err(fault) = guard(|| storage.flush()) {
            tracing::warn!(
                %fault,
                "the index's last flush failed; the next start reads more of the log"
            );
        }
        drop(storage);
        drop(ended);
    });
    // Nothing is sent: the end of the thread drops the sender.
    spawned.is_ok() && end.recv_timeout(wait) == Err(mpsc::RecvTimeoutError::Disconnected)
}

fn sequence_of(position: Option<&IndexPosition>) -> u64 {
    position.map_or(0, |position| position.place.next_sequence - 1)
}

/// Opens sled once the lock of its file is free. No other process has the store open, but threads of
/// sled hold the lock of an index that this process has just closed for a moment longer.
fn open_unlocked(config: &sled::Config) -> sled::Result<Db> {
    for _ in 1..LOCK_TRIES {
        match config.open() {
            // sled 0.34.7 gives the refused lock no kind of its own, only this text.
            Err(sled::Error::Io(cause)) if cause.to_string().starts_with(LOCK_REFUSED) => {
                std::thread::sleep(LOCK_PAUSE);
            }
            opened => return opened,
        }
    }
    config.open()
}

/// Calls sled, which asserts much of what it expects to find in its files: damage may show as a panic.
fn guard<T>(call: impl FnOnce() -> sled::Result<T>) -> Result<T, IndexFault> {
    match catch_unwind(AssertUnwindSafe(call)) {
        Ok(outcome) => outcome.map_err(|cause| IndexFault(cause.to_string())),
        Err(panic) => Err(IndexFault(panic_text(&*panic))),
    }
}

/// Reads the head of each segment of sled's file, and every other file below a directory to its end. The
/// segments hold the whole history, and a start must not take longer as it grows; an entry that can't be
/// read is missed by the check of its kind's sum.
fn read_heads(directory: &Path) -> io::Result<()> {
    let mut waiting: Vec<PathBuf> = vec![directory.to_owned()];
    let mut buffer = vec![0; SLED_SEGMENT_BYTES as usize];
    while let Some(path) = waiting.pop() {
        let metadata = match std::fs::symlink_metadata(&path) {
            Err(cause) if cause.kind() == io::ErrorKind::NotFound => continue,
            metadata => metadata?,
        };
        if metadata.is_dir() {
            for entry in std::fs::read_dir(&path)? {
                waiting.push(entry?.path());
            }
        } else if metadata.is_file() {
            let is_segments = path.file_name() == Some(OsStr::new(SLED_FILE));
            let length = if is_segments { SLED_HEAD_BYTES } else { buffer.len() };
            let file = File::open(&path)?;
            let mut offset = 0;
            while file.read_at(&mut buffer[..length], offset)? > 0 {
                offset += SLED_SEGMENT_BYTES;
            }
        }
    }
    Ok(())
}

impl std::fmt::Debug for Index {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Index").finish_non_exhaustive()
    }
}
