//! Opening the store: its directory, its lock, its schema, and a look at every record.

use std::{
    collections::HashMap,
    io,
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
    sync::{Arc, atomic::AtomicBool},
    thread,
    time::Duration,
};

use parking_lot::Mutex;
use sled::{Db, Tree};
use uuid::Uuid;

use crate::{
    directory::{self, unusable},
    durability::Durability,
    error::StoreError,
    idempotency::{Rider, Running},
    keys::{CHANGES, hexadecimal},
    outbox::EventCounters,
    record_tree::RecordTree,
    recorder::Recorder,
    records::PeerRecord,
};

/// The newest schema that this program reads, and the one that it writes.
const SCHEMA_VERSION: u32 = 1;

/// What sled may keep in memory. Its own default is a gigabyte.
const CACHE_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// How often, and how long apart, the lock is tried. A jirani that is just ending, or sled's
/// threads after a store was dropped, hold it for a moment longer.
const LOCK_TRIES: u32 = 25;
const LOCK_PAUSE: Duration = Duration::from_millis(20);

/// The node's store. Clones share it; the directory is free again when the last one is dropped.
#[derive(Clone)]
pub struct Store {
    pub(crate) inner: Arc<Inner>,
    /// What goes into the batch of each change that is made through this clone.
    pub(crate) rider: Option<Arc<Rider>>,
    /// The audit record of the change that is made through this clone.
    pub(crate) recorder: Option<Recorder>,
}

/// What the clones of a store share.
pub(crate) struct Inner {
    /// Assets, peers and their indexes, settings; see `keys`.
    pub(crate) records: RecordTree,
    /// The books as of a checkpoint; see `ledger::checkpoint`. A tree apart from the records, so
    /// that a checkpoint is one batch.
    pub(crate) ledger: Tree,
    pub(crate) durability: Durability,
    /// How many changes of the records there were, ever. Held from the checks of a change until
    /// its batch is applied.
    pub(crate) changes: Mutex<u64>,
    /// How many events are to be sent, and how many were given up.
    pub(crate) events: EventCounters,
    /// The idempotency keys of the requests that run.
    pub(crate) running: Running,
    /// The peers as they were read when the store was opened, oldest first. A caller that needs all of
    /// them right after that needn't read and decode them again. The first change drops them.
    pub(crate) peers_at_start: Mutex<Option<Vec<PeerRecord>>>,
    /// The asset ids of the wallet addresses and payments that were read when the store was opened,
    /// by the id of the record. The first check of the books takes them, and reads none of these
    /// records again.
    pub(crate) owners_at_start: Mutex<HashMap<Uuid, Uuid>>,
    /// Whether a ledger writes to the store.
    pub(crate) ledger_open: AtomicBool,
    pub(crate) path: PathBuf,
}

impl Store {
    /// Opens the store in `dir`, and makes directory and store if they are absent. Afterwards
    /// everything in the directory is accessible to the owner alone. Reads each record that work
    /// depends on once, so that damage shows now and not during that work.
    ///
    /// # Errors
    /// [`StoreError`] names the directory and says what to do: when it can't be used, is in use,
    /// belongs to another user or is open to others, was written by a newer jirani or is damaged.
    pub fn open(dir: &Path) -> Result<Self, StoreError> {
        directory::prepare(dir)?;
        // sled asserts much of what it expects to find in its files, so damage can show as a panic.
        catch_unwind(AssertUnwindSafe(|| Self::open_prepared(dir))).unwrap_or_else(|panic| {
            Err(StoreError::Corrupt { path: dir.to_owned(), detail: panic_text(&*panic) })
        })
    }

    /// Opens the store in `dir`, if there is one.
    ///
    /// # Errors
    /// [`StoreError::WrongDirectory`] when there is none, and those of [`Store::open`].
    pub fn open_existing(dir: &Path) -> Result<Self, StoreError> {
        if dir.join("db").is_file() {
            return Self::open(dir);
        }
        let detail = "holds no store of jirani; name the data directory of a node";
        Err(StoreError::WrongDirectory { path: dir.to_owned(), detail })
    }

    /// Returns the path of the store.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.inner.path
    }

    /// Returns the number of batches of records that were ever applied. The changes of one request
    /// belong into one batch, which tests check by this number.
    #[must_use]
    pub fn batches(&self) -> u64 {
        *self.inner.changes.lock()
    }

    /// A clone through which nothing rides along.
    pub(crate) fn alone(&self) -> Self {
        Self { inner: Arc::clone(&self.inner), rider: None, recorder: None }
    }

    /// A clone through which `rider` rides along.
    pub(crate) fn with_rider(&self, rider: Rider) -> Self {
        Self { inner: Arc::clone(&self.inner), rider: Some(Arc::new(rider)), recorder: None }
    }

    fn open_prepared(dir: &Path) -> Result<Self, StoreError> {
        let db = open_sled(dir)?;
        check_schema(&db, dir)?;
        let tree = |name: &str| db.open_tree(name).map_err(|cause| explain(dir, cause));
        let records = tree("records")?;
        let ledger = tree("ledger")?;
        let changes = changes_in(&records)?;
        let durability = Durability::new(db, dir).map_err(|cause| unusable(dir, &cause))?;
        let inner = Inner {
            records: RecordTree::new(records, changes),
            ledger,
            durability,
            changes: Mutex::new(changes),
            events: EventCounters::default(),
            running: Running::default(),
            peers_at_start: Mutex::default(),
            owners_at_start: Mutex::default(),
            ledger_open: AtomicBool::new(false),
            path: dir.to_owned(),
        };
        let store = Self { inner: Arc::new(inner), rider: None, recorder: None };
        let answered = store.inner.durability.answered().changes;
        if changes < answered {
            return Err(store.fallen_back("changes", changes, answered));
        }
        *store.inner.peers_at_start.lock() = Some(store.check_records()?);
        // The files of a store that was made just now must themselves survive a loss of power.
        store.inner.durability.persist_opened(changes)?;
        directory::close_to_others(dir).map_err(|cause| unusable(dir, &cause))?;
        directory::sync(dir)?;
        Ok(store)
    }

    /// The error for a store that has less than it once had.
    pub(crate) fn fallen_back(&self, what: &str, has: u64, answered: u64) -> StoreError {
        let detail = format!("it had come to {answered} {what} and now holds {has} of them");
        StoreError::Corrupt { path: self.inner.path.clone(), detail }
    }
}

impl std::fmt::Debug for Store {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Store").field("path", &self.inner.path).finish_non_exhaustive()
    }
}

/// Returns how many changes are in the records.
fn changes_in(records: &Tree) -> Result<u64, StoreError> {
    let Some(bytes) = records.get(CHANGES).map_err(StoreError::read)? else { return Ok(0) };
    let number = bytes[..].try_into().map(u64::from_be_bytes);
    number.map_err(|_| StoreError::Record {
        tree: "records",
        key: hexadecimal(&CHANGES),
        detail: format!("it should hold a number of 8 bytes and holds {}", bytes.len()),
    })
}

/// Returns the message of a panic.
pub(crate) fn panic_text(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("a panic").to_owned()
}

fn open_sled(dir: &Path) -> Result<Db, StoreError> {
    let config = sled::Config::new().path(dir).cache_capacity(CACHE_BYTES_MAX);
    for _ in 1..LOCK_TRIES {
        match config.open() {
            Err(cause) if is_locked(&cause) => thread::sleep(LOCK_PAUSE),
            other => return other.map_err(|cause| explain(dir, cause)),
        }
    }
    config.open().map_err(|cause| explain(dir, cause))
}

/// sled 0.34.7 gives the refused lock no kind of its own, only this text.
fn is_locked(cause: &sled::Error) -> bool {
    matches!(cause, sled::Error::Io(io) if io.to_string().starts_with("could not acquire lock"))
}

fn explain(dir: &Path, cause: sled::Error) -> StoreError {
    if is_locked(&cause) {
        return StoreError::InUse { path: dir.to_owned() };
    }
    match cause {
        sled::Error::Io(io) if is_of_the_system(&io) => unusable(dir, &io),
        cause => StoreError::Corrupt { path: dir.to_owned(), detail: cause.to_string() },
    }
}

/// Returns whether the operating system refused, as opposed to sled not finding what it expects.
fn is_of_the_system(cause: &io::Error) -> bool {
    use io::ErrorKind::{
        AlreadyExists, IsADirectory, NotADirectory, PermissionDenied, QuotaExceeded,
        ReadOnlyFilesystem, StorageFull,
    };
    matches!(
        cause.kind(),
        AlreadyExists
            | IsADirectory
            | NotADirectory
            | PermissionDenied
            | QuotaExceeded
            | ReadOnlyFilesystem
            | StorageFull
    )
}

/// Refuses a store of a newer schema before anything is written to it, and marks a fresh one.
fn check_schema(db: &Db, dir: &Path) -> Result<(), StoreError> {
    let corrupt =
        |detail: &str| StoreError::Corrupt { path: dir.to_owned(), detail: detail.to_owned() };
    // `open_tree` makes a tree that is absent, so ask first: a foreign sled stays as it is.
    let names = db.tree_names();
    let has_meta = names.iter().any(|name| &name[..] == b"meta");
    if !has_meta && names.len() > 1 {
        return Err(corrupt("it holds tables but no schema version"));
    }
    let meta = db.open_tree("meta").map_err(|cause| explain(dir, cause))?;
    match meta.get("schema_version").map_err(|cause| explain(dir, cause))? {
        Some(bytes) => {
            let text = std::str::from_utf8(&bytes).ok();
            let found: u32 = text
                .and_then(|text| text.parse().ok())
                .ok_or_else(|| corrupt("its schema version is no number"))?;
            if found > SCHEMA_VERSION {
                let path = dir.to_owned();
                return Err(StoreError::NewerSchema { path, found, known: SCHEMA_VERSION });
            }
            Ok(())
        }
        // An empty tree of this name is what a crash at the very first start leaves.
        None if names.len() <= 2 => {
            let version = SCHEMA_VERSION.to_string();
            meta.insert("schema_version", version.as_bytes())
                .map_err(|cause| explain(dir, cause))?;
            Ok(())
        }
        None => Err(corrupt("it holds tables but no schema version")),
    }
}

#[cfg(test)]
mod tests;
