//! Makes what sled has taken survive a loss of power.

use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
    sync::OnceLock,
};

use parking_lot::Mutex;

use crate::{
    error::StoreError,
    mark::{Answered, Mark},
    record_tree::RecordTree,
};

/// Flushes and syncs, until that fails once.
pub(crate) struct Durability {
    db: sled::Db,
    /// sled's own file, opened once and kept: an error of a write that the kernel does later is
    /// reported to each handle that was open at the time, so ours also learns of one that sled's
    /// background thread has seen and only logged.
    file: File,
    /// Where sled puts what doesn't fit its log, as files that it never syncs.
    blobs: PathBuf,
    mark: Mark,
    /// Held by the one call that persists records. A lock and no queue: those who wait are as many
    /// as there are changes under way, and each waits for two syncs at most.
    records_turn: Mutex<()>,
    /// Set by the first failure. After a failed sync the kernel may drop the pages and call the
    /// next sync a success, so a second try would prove nothing.
    failed: OnceLock<String>,
    /// Called by that first failure.
    hook: Mutex<Option<Hook>>,
}

/// Called with the reason of a failure, by whoever meets it and under whatever lock that one has:
/// it may only pass the word on.
pub(crate) type Hook = Box<dyn FnOnce(&str) + Send>;

impl Durability {
    /// For the database that sled has open in `dir`.
    pub(crate) fn new(db: sled::Db, dir: &Path) -> io::Result<Self> {
        let file = File::options().read(true).write(true).open(dir.join("db"))?;
        let (blobs, mark) = (dir.join("blobs"), Mark::open(dir)?);
        Ok(Self {
            db,
            file,
            blobs,
            mark,
            records_turn: Mutex::default(),
            failed: OnceLock::new(),
            hook: Mutex::default(),
        })
    }

    /// Returns once all that sled took before is on the disk. For entries far smaller than sled's
    /// log takes (128 KiB for a leaf of 16 or so), such as those of the ledger.
    ///
    /// # Errors
    /// After the first failure every call fails with that one's reason.
    pub(crate) fn persist_ledger(&self) -> Result<(), StoreError> {
        self.usable()?;
        self.flush_and_sync().map_err(|cause| self.fail(&cause))
    }

    /// Notes that transfers up to this one, which are on the disk, will be answered for. A whole
    /// page lost from the very end of the journal looks like one that was never written; this is
    /// what tells them apart.
    pub(crate) fn answer_for(&self, sequence: u64) -> io::Result<()> {
        self.mark.advance(Answered { sequence, changes: 0 })
    }

    /// sled itself, to be copied.
    pub(crate) fn db(&self) -> &sled::Db {
        &self.db
    }

    /// The same up to the change of this number, for records, whose leaves may be so large that
    /// sled keeps them in files apart.
    ///
    /// Those who call at once share one flush and sync: whoever comes while one runs waits for its
    /// end, and the first of those that waited persists the changes of all of them.
    ///
    /// # Errors
    /// As [`Durability::persist_ledger`].
    pub(crate) fn persist_records(
        &self,
        records: &RecordTree,
        changes: u64,
    ) -> Result<(), StoreError> {
        let _turn = self.records_turn.lock();
        self.usable()?;
        if changes <= self.answered().changes {
            return Ok(());
        }
        let settled = records.settle().map_err(|cause| self.fail(&cause))?;
        self.persist_all(settled)
    }

    /// The same for a store that was opened just now with so many changes, whatever its mark says:
    /// its files themselves may never have been synced.
    pub(crate) fn persist_opened(&self, changes: u64) -> Result<(), StoreError> {
        self.usable()?;
        self.persist_all(changes)
    }

    fn persist_all(&self, changes: u64) -> Result<(), StoreError> {
        self.flush_and_sync()
            .and_then(|()| self.sync_blobs())
            .and_then(|()| self.mark.advance(Answered { changes, sequence: 0 }))
            .map_err(|cause| self.fail(&cause))
    }

    /// What the store has answered for, now or before it was opened.
    pub(crate) fn answered(&self) -> Answered {
        self.mark.answered()
    }

    /// Whether nothing has failed so far.
    ///
    /// # Errors
    /// With the reason of the first failure.
    pub(crate) fn usable(&self) -> Result<(), StoreError> {
        self.failure().map_or(Ok(()), |reason| Err(StoreError::write(reason)))
    }

    /// The reason of the first failure, if there was one. One atomic load.
    pub(crate) fn failure(&self) -> Option<&str> {
        self.failed.get().map(String::as_str)
    }

    /// Takes note of a failure; the first one counts.
    pub(crate) fn fail(&self, cause: &dyn std::fmt::Display) -> StoreError {
        let error = StoreError::write(self.failed.get_or_init(|| cause.to_string()));
        self.run_hook();
        error
    }

    /// Sets what the first failure calls, or removes it. It's called here if that has happened.
    pub(crate) fn set_hook(&self, hook: Option<Hook>) {
        // The one before is dropped without the lock: what it owns may end in a call to here.
        let before = std::mem::replace(&mut *self.hook.lock(), hook);
        drop(before);
        self.run_hook();
    }

    /// Runs the hook if something has failed. A failure between a `set_hook` and this call finds
    /// the hook itself; whoever takes it out runs it.
    fn run_hook(&self) {
        let Some(reason) = self.failure() else { return };
        let hook = self.hook.lock().take();
        if let Some(hook) = hook {
            hook(reason);
        }
    }

    fn flush_and_sync(&self) -> io::Result<()> {
        self.db.flush().map_err(io::Error::from)?;
        // sled's flush ends in sync_file_range, which writes neither the file's size nor the
        // disk's own cache, and so doesn't survive a loss of power by itself.
        self.file.sync_data()
    }

    fn sync_blobs(&self) -> io::Result<()> {
        let mut any = false;
        for entry in fs::read_dir(&self.blobs)? {
            any = true;
            match File::open(entry?.path()) {
                Ok(blob) => blob.sync_all()?,
                // sled removes those that nothing refers to any more, at any time.
                Err(cause) if cause.kind() == io::ErrorKind::NotFound => {}
                Err(cause) => return Err(cause),
            }
        }
        if any { File::open(&self.blobs)?.sync_all() } else { Ok(()) }
    }
}
