//! The store: opening it with its directory, its lock, its log and its index, and reading and changing
//! what it holds.
//!
//! `start` rebuilds what the index lacks from a snapshot and the log, `format_1` converts a store of
//! the older format. `reading` and `paging` look records up; `transaction` writes them, `transact`
//! makes a transaction durable, `companions` is what goes with it, and `changed` names the changed
//! records. `event_counts` and `running` are kept in memory.

pub(crate) mod changed;
pub(crate) mod companions;
pub(crate) mod event_counts;
pub(crate) mod format_1;
mod paging;
pub(crate) mod reading;
pub(crate) mod running;
pub(crate) mod start;
pub(crate) mod transact;
pub(crate) mod transaction;

use std::{
    fs::File,
    ops::Deref,
    path::{Path, PathBuf},
    sync::{Arc, Weak, atomic::AtomicBool},
};

use parking_lot::{Mutex, MutexGuard, RwLock};
use uuid::Uuid;

use self::{
    changed::OnChange, event_counts::EventCounters, format_1::is_format_1, reading::Reader,
    running::Running,
};
use crate::{
    directory::{self, lock, unusable},
    error::StoreError,
    fail_stop::FailStop,
    index::keyspace::Keyspace,
    journal::{self, Disk, Files, PageLog},
    ledger::{Books, DurableSequence, Failure, Keeper, LedgerOptions, LogRun, Signal, check_sums},
    log::{
        cluster_mark,
        log_folder::LogFolder,
        mark::Mark,
        snapshot_copy::{SnapshotCopy, snapshots_of},
    },
    records::forms::peer_records::PeerRecord,
};

/// How much memory the changes that the index doesn't have may take, in bytes, before a change
/// waits for a checkpoint.
const OVERLAY_BYTES_MAX: usize = 32 * 1024 * 1024;

/// The node's store: reads through its [`Reader`], and changes by [`Store::transact`]. Clones share it;
/// the directory is free again when the last one is dropped, readers included.
#[derive(Clone)]
pub struct Store {
    reader: Reader,
}

impl Deref for Store {
    type Target = Reader;

    fn deref(&self) -> &Reader {
        &self.reader
    }
}

/// The index of a node that waits, to be moved on to the end of its log.
#[derive(Debug)]
pub struct IndexMover {
    dir: PathBuf,
    files: Arc<dyn Files>,
    lock: File,
}

impl IndexMover {
    /// Moves the index on. A store does so when it is opened and closed; its log isn't written.
    ///
    /// # Errors
    /// As [`Store::open`].
    pub fn run(self) -> Result<(), StoreError> {
        drop(Store::open_locked(&self.dir, self.files, self.lock, None)?);
        Ok(())
    }
}

/// The state that the clones of a store share.
pub(crate) struct Inner {
    /// Assets, peers and all other records; see `keys`.
    pub(crate) keyspace: Arc<Keyspace>,
    /// The books as of the last durable entry of the log.
    pub(crate) books: Arc<Books>,
    /// The last durable entry of the log.
    pub(crate) durable: DurableSequence,
    /// Where the log is written while no ledger is open.
    files: Arc<dyn Files>,
    /// The database that has the log's pages as well, where there is one.
    pub(crate) page_log: Option<Arc<dyn PageLog>>,
    /// The log while it is written.
    log: Mutex<Option<Arc<LogRun>>>,
    /// The callback that keeps live copies of records.
    pub(crate) on_change: RwLock<Option<OnChange>>,
    /// The keeper of the ledger that is open.
    pub(crate) keeper: Mutex<Weak<Keeper>>,
    /// One checkpoint at a time: what was taken out of the books is written before more is taken.
    pub(crate) turn: Mutex<()>,
    pub(crate) fail_stop: Arc<FailStop>,
    pub(crate) mark: Arc<Mark>,
    /// The write lock: held from the checks of a change until the log has taken it.
    pub(crate) changes: Mutex<Changes>,
    /// How many events are to be sent, and how many were given up.
    pub(crate) events: EventCounters,
    /// The idempotency keys of the requests that run.
    pub(crate) running: Running,
    /// The peers as they were read when the store was opened, oldest first. A caller that needs all of
    /// them right after that needn't read and decode them again. The first call takes them.
    pub(crate) peers_at_start: Mutex<Option<Vec<PeerRecord>>>,
    /// Whether a ledger writes to the store.
    pub(crate) ledger_open: AtomicBool,
    /// The log's id.
    pub(crate) journal: Uuid,
    pub(crate) path: PathBuf,
    /// Holds the lock.
    _lock: File,
}

/// The changes so far.
pub(crate) struct Changes {
    /// How many were made through this process.
    pub(crate) count: u64,
    /// The last entry of the last one, or of the log when the store was opened.
    pub(crate) last_sequence: u64,
}

impl Store {
    /// Opens the store in `dir`, and makes directory and store if they are absent. Afterwards
    /// everything in the directory is accessible to the owner alone.
    ///
    /// # Errors
    /// [`StoreError`] names the directory and says what to do: when it can't be used, is in use,
    /// belongs to another user or is open to others, was written by a newer jirani, or when its log
    /// is damaged.
    pub fn open(dir: &Path) -> Result<Self, StoreError> {
        Self::open_with(dir, Arc::new(Disk))
    }

    /// Opens the store as [`Store::open`], with the log's files and snapshots on another disk.
    ///
    /// # Errors
    /// As [`Store::open`].
    pub fn open_with(dir: &Path, files: Arc<dyn Files>) -> Result<Self, StoreError> {
        directory::prepare(dir)?;
        let lock = lock(dir)?;
        cluster_mark::refuse(dir)?;
        Self::open_locked(dir, files, lock, None)
    }

    fn open_locked(
        dir: &Path,
        files: Arc<dyn Files>,
        lock: File,
        page_log: Option<Arc<dyn PageLog>>,
    ) -> Result<Self, StoreError> {
        let mark = Mark::open(dir).map_err(|cause| unusable(dir, &cause))?;
        format_1::migrate(dir, &*files, mark.answered())?;
        let opened = start::open(dir, &*files, mark.answered())?;
        let last_sequence = opened.state.sequence;
        let durable: DurableSequence = Arc::new(last_sequence.into());
        let keyspace = Keyspace::new(opened.index, opened.overlay, Arc::clone(&durable));
        let inner = Inner {
            keyspace: Arc::new(keyspace),
            books: Arc::new(Books::new(opened.state, opened.tail, opened.checkpoint)),
            durable,
            files,
            page_log,
            log: Mutex::default(),
            on_change: RwLock::default(),
            keeper: Mutex::default(),
            turn: Mutex::default(),
            fail_stop: Arc::default(),
            mark: Arc::new(mark),
            changes: Mutex::new(Changes { count: 0, last_sequence }),
            events: EventCounters::default(),
            running: Running::default(),
            peers_at_start: Mutex::default(),
            ledger_open: AtomicBool::new(false),
            journal: opened.journal,
            path: dir.to_owned(),
            _lock: lock,
        };
        let store = Self { reader: Reader { inner: Arc::new(inner) } };
        *store.inner.peers_at_start.lock() = Some(store.all_peers().collect::<Result<_, _>>()?);
        store.count_events()?;
        let unchecked = check_sums(&store, &store.inner.books.lock().state)?;
        if let Some(unchecked) = unchecked.unchecked() {
            tracing::warn!(
                unchecked,
                "the books could not be checked in full; see jirani ledger verify"
            );
        }
        directory::close_to_others(dir).map_err(|cause| unusable(dir, &cause))?;
        directory::sync(dir)?;
        Ok(store)
    }

    /// Opens the store whose log was brought to the state of a database that has its pages. Each further
    /// page goes there as well, and nothing is told before the database has it.
    ///
    /// # Errors
    /// As [`Store::open`].
    pub fn open_in_cluster(
        folder: LogFolder,
        page_log: Arc<dyn PageLog>,
    ) -> Result<Self, StoreError> {
        let (dir, files, lock) = folder.into_parts();
        Self::open_locked(&dir, files, lock, Some(page_log))
    }

    /// Returns what moves the index of a node that waits on to the end of its log, so that its start
    /// takes no longer the longer it has waited. Nothing may be appended to the folder meanwhile.
    ///
    /// # Errors
    /// When the system gives no file descriptor.
    pub fn index_mover(folder: &LogFolder) -> Result<IndexMover, StoreError> {
        let (dir, files, lock) = folder.shared_parts()?;
        Ok(IndexMover { dir, files, lock })
    }

    /// Returns the snapshots of this store, newest first.
    ///
    /// # Errors
    /// When the folder or a snapshot can't be read.
    pub fn snapshots(&self) -> Result<Vec<SnapshotCopy>, StoreError> {
        snapshots_of(&self.inner.path)
    }

    /// Opens the store in `dir`, if there is one.
    ///
    /// # Errors
    /// [`StoreError::WrongDirectory`] when there is none, and those of [`Store::open`].
    pub fn open_existing(dir: &Path) -> Result<Self, StoreError> {
        check_exists(dir)?;
        Self::open(dir)
    }
}

impl Store {
    /// Sets what is called after each transaction with the records that it has changed. It may call the
    /// store, and not from within a transaction.
    pub fn on_change(&self, on_change: OnChange) {
        *self.inner.on_change.write() = Some(on_change);
    }
}

impl Inner {
    /// Returns the directory of the log's segments.
    pub(crate) fn journal_path(&self) -> PathBuf {
        self.path.join(journal::DIRECTORY)
    }

    /// Returns the log, which begins to be written where it isn't.
    ///
    /// # Errors
    /// When the log's end can't be opened.
    pub(crate) fn log(&self) -> Result<Arc<LogRun>, StoreError> {
        let mut slot = self.log.lock();
        if let Some(log) = &*slot {
            return Ok(Arc::clone(log));
        }
        let parts = (Arc::new(Signal::default()), Failure::new(None));
        let options = LedgerOptions { files: Arc::clone(&self.files), ..Default::default() };
        let log = LogRun::start(self, &options, parts, |writer| writer)?;
        *slot = Some(Arc::clone(&log));
        Ok(log)
    }

    /// Returns the log, if it is being written.
    pub(crate) fn running_log(&self) -> Option<Arc<LogRun>> {
        self.log.lock().clone()
    }

    /// Returns the place of the log that is being written, to end it and to begin another run.
    pub(crate) fn log_slot(&self) -> MutexGuard<'_, Option<Arc<LogRun>>> {
        self.log.lock()
    }

    /// Lets the next change begin another run of the log, after this one has ended.
    pub(crate) fn forget_log(&self, ended: &Arc<LogRun>) {
        self.log.lock().take_if(|log| Arc::ptr_eq(log, ended));
    }

    /// Makes room in memory for a change, by a checkpoint where the index is far behind.
    ///
    /// # Errors
    /// When the checkpoint can't be written.
    pub(crate) fn wait_for_room(&self) -> Result<(), StoreError> {
        if self.keyspace.overlay.read().bytes() <= OVERLAY_BYTES_MAX {
            return Ok(());
        }
        // The keeper's own changes come here while it holds the turn.
        let Some(turn) = self.turn.try_lock() else { return Ok(()) };
        let keeper = self.keeper.lock().upgrade();
        match keeper {
            Some(keeper) => {
                drop(turn);
                keeper.keep(true)
            }
            None => self.checkpoint(),
        }
    }

    /// Asks the keeper of the open ledger for a checkpoint.
    pub(crate) fn wake_keeper(&self) {
        if let Some(keeper) = self.keeper.lock().upgrade() {
            keeper.signal.wake(true);
        }
    }

    /// Moves the index on to what is durable, where no ledger is open. Comes under the turn.
    fn checkpoint(&self) -> Result<(), StoreError> {
        self.fail_stop.usable()?;
        let checkpoint = {
            let _changes = self.changes.lock();
            let mut kept = self.books.lock();
            let is_whole = kept.broken.is_none() && kept.state.crossings.is_empty();
            let is_due = is_whole && self.is_index_behind(&kept);
            is_due.then(|| self.with_records(self.take_changes(&mut kept)))
        };
        let Some(checkpoint) = checkpoint else { return Ok(()) };
        let written = self.write_checkpoint(checkpoint);
        let changes = written.inspect_err(|error| drop(self.fail_stop.fail(error)))?;
        self.books.lock().state.forget_closed(&changes.closed);
        Ok(())
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        if let Some(log) = self.log.lock().take() {
            log.end();
        }
        if let Err(error) = self.checkpoint() {
            tracing::debug!(%error, "no last checkpoint; the next start replays the log");
        }
    }
}

impl std::fmt::Debug for Store {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Store").field("path", &self.inner.path).finish_non_exhaustive()
    }
}

/// Checks that there is a store of the present format in `dir`.
///
/// # Errors
/// [`StoreError::WrongDirectory`] when there is none.
pub(crate) fn check_exists(dir: &Path) -> Result<(), StoreError> {
    let detail = if is_format_1(dir) {
        "holds a store of format 1; start the node once, which brings it into the present format"
    } else if dir.join(journal::DIRECTORY).is_dir() {
        return Ok(());
    } else {
        "holds no store of jirani; name the data directory of a node"
    };
    Err(StoreError::WrongDirectory { path: dir.to_owned(), detail })
}

#[cfg(test)]
mod tests;
