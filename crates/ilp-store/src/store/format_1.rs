//! Brings a store of format 1 into the present format.
//!
//! Format 1 kept records and checkpoints in a database of sled in the store's own directory, beside the
//! journal. What that database holds becomes a snapshot, as of the place of its checkpoint, so that a
//! start takes the snapshot and replays the journal behind it. The snapshot's name is what decides:
//! before it is there the store is of format 1, and afterwards it isn't. The old files are moved into a
//! directory of their own, as a store of format 1 that an older jirani can open.

use std::{
    fs,
    io::{self, ErrorKind},
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
};

use sled::{Db, Tree};
use uuid::Uuid;

use crate::{
    directory::unusable,
    error::StoreError,
    fail_stop::panic_text,
    index::LOCK_REFUSED,
    journal::{self, Fields, Files, Place, path_of},
    ledger::COUNT,
    log::{
        log_files::{LogFiles, SNAPSHOTS},
        mark::{self, Answered},
        snapshot_file::{SnapshotHead, SnapshotWriter},
    },
};

/// sled's file, whose presence in the store's directory says that it is of format 1.
const DB: &str = "db";

/// The directory of the store as it was.
pub(crate) const BACKUP: &str = "format-1";

/// The newest schema of format 1.
const SCHEMA_VERSION: u32 = 1;

/// Where the number of changes was among the records.
const CHANGES: [u8; 1] = [0];

/// The kinds of the ledger's entries in format 1, in rising order, each with its kind in the index:
/// balances, operators' transfers, pending ones, closed accounts.
const LEDGER_KINDS: [(u8, u8); 4] = [(1, 0x81), (2, 0x82), (6, 0x86), (8, 0x88)];

/// The key of the checkpoint's place in the journal.
const PLACE: [u8; 1] = [3];

/// Returns whether the store in a directory is of format 1.
pub(crate) fn is_format_1(dir: &Path) -> bool {
    dir.join(DB).is_file()
}

/// Brings the store in `dir` into the present format, if it is of format 1. May be repeated after a
/// crash at any moment.
///
/// # Errors
/// What was wrong with a store of format 1, or when a file can't be read or written. The store is of
/// format 1 as before then.
pub(crate) fn migrate(dir: &Path, files: &dyn Files, answered: Answered) -> Result<(), StoreError> {
    if !is_format_1(dir) {
        return Ok(());
    }
    let log = LogFiles::look(dir)?;
    if log.snapshots.is_empty() {
        tracing::info!(path = %dir.display(), "bringing the store into format 2");
        // sled asserts much of what it expects to find in its files, so damage can show as a panic.
        let converted = catch_unwind(AssertUnwindSafe(|| convert(dir, files, &log, answered)));
        converted.unwrap_or_else(|panic| Err(corrupt(dir, panic_text(&*panic))))?;
    }
    // An attempt before this one may have ended between the snapshot's rename and the sync. The old
    // files stay where they are until the snapshot would survive a loss of power.
    let synced =
        files.sync_directory(&dir.join(SNAPSHOTS)).and_then(|()| files.sync_directory(dir));
    synced.map_err(|cause| unusable(dir, &cause))?;
    move_aside(dir, files).map_err(|cause| unusable(dir, &cause))?;
    tracing::info!(
        backup = %dir.join(BACKUP).display(),
        "the store is of format 2 now; the store as it was is kept and may be removed"
    );
    Ok(())
}

/// Writes the snapshot.
fn convert(
    dir: &Path,
    files: &dyn Files,
    log: &LogFiles,
    answered: Answered,
) -> Result<(), StoreError> {
    let db = open_sled(dir)?;
    check_schema(&db, dir)?;
    let records = open_tree(&db, dir, "records")?;
    let ledger = open_tree(&db, dir, "ledger")?;
    let changes = changes_in(&records)?;
    if changes < answered.changes {
        let answered = answered.changes;
        let detail = format!("it had come to {answered} changes and now holds {changes} of them");
        return Err(corrupt(dir, detail));
    }
    let head = head_of(&ledger, log)?;
    log.check_position(head.journal, head.place)?;
    let directory = dir.join(SNAPSHOTS);
    let write = || -> io::Result<()> {
        make_directory(files, &directory)?;
        files.sync_directory(dir)?;
        let mut writer = SnapshotWriter::create(files, &directory, &head)?;
        for entry in records.iter() {
            let (key, value) = entry?;
            if key[..] != CHANGES {
                writer.push(&key, &value)?;
            }
        }
        // Each entry was a step of a transfer.
        writer.push(&COUNT, &(head.place.next_sequence - 1).to_be_bytes())?;
        for (kind, kind_in_index) in LEDGER_KINDS {
            for entry in ledger.scan_prefix([kind]) {
                let (mut key, value) = entry?;
                key[0] = kind_in_index;
                writer.push(&key, &value)?;
            }
        }
        writer.finish().map(drop)
    };
    write().map_err(|cause| unusable(dir, &cause))
}

/// Returns the place of the last checkpoint, or the journal's beginning.
fn head_of(ledger: &Tree, log: &LogFiles) -> Result<SnapshotHead, StoreError> {
    let Some(bytes) = ledger.get(PLACE).map_err(StoreError::read)? else {
        let journal = log.journal.unwrap_or_else(Uuid::new_v4);
        return Ok(SnapshotHead { journal, place: Place::START, time_ms: 0 });
    };
    let mut fields = Fields::new(&bytes);
    let read = (|| {
        let journal = fields.uuid()?;
        let place = Place {
            segment: fields.u32()?,
            offset: fields.u32()?,
            page_offset: fields.u32()?,
            link: fields.u32()?.into(),
            next_sequence: fields.u64()?,
        };
        Some(SnapshotHead { journal, place, time_ms: fields.u64()? })
    })();
    read.filter(|_| fields.is_empty()).ok_or_else(|| StoreError::Record {
        tree: "ledger",
        key: "03".to_owned(),
        detail: "it is not a place in the journal".to_owned(),
    })
}

/// Moves the old files into the backup. sled's file goes last: as long as it is there, the next start
/// goes on here.
fn move_aside(dir: &Path, files: &dyn Files) -> io::Result<()> {
    let backup = dir.join(BACKUP);
    if backup.join(DB).exists() {
        // An older jirani was started on a store of the present format, and has made an empty database
        // before it found the journal's format unknown.
        return remove_stray(dir, files);
    }
    make_directory(files, &backup)?;
    let journal = dir.join(journal::DIRECTORY);
    if journal.is_dir() {
        let copies = backup.join(journal::DIRECTORY);
        make_directory(files, &copies)?;
        for number in journal::segments_in(&journal).map_err(io::Error::other)? {
            // A segment that isn't in use yet is where the present format goes on.
            if journal::place_of(&journal, number).map_err(io::Error::other)?.is_none() {
                continue;
            }
            link_or_copy(files, &path_of(&journal, number), &path_of(&copies, number))?;
        }
        files.sync_directory(&copies)?;
    }
    // A copy, since the mark goes on.
    copy(files, &dir.join(mark::FILE), &backup.join(mark::FILE))?;
    files.sync_directory(&backup)?;
    for path in sled_files(dir)? {
        if let Some(name) = path.file_name() {
            files.rename(&path, &backup.join(name))?;
        }
    }
    files.sync_directory(&backup)?;
    files.rename(&dir.join(DB), &backup.join(DB))?;
    files.sync_directory(&backup)?;
    files.sync_directory(dir)
}

fn remove_stray(dir: &Path, files: &dyn Files) -> io::Result<()> {
    for path in sled_files(dir)? {
        if path.is_dir() {
            fs::remove_dir_all(&path)?;
        } else {
            files.remove(&path)?;
        }
    }
    files.remove(&dir.join(DB))?;
    files.sync_directory(dir)
}

/// Lists sled's files in a directory, without the one that is named last.
fn sled_files(dir: &Path) -> io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(dir)? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if name == "conf" || name == "blobs" || name.starts_with("snap.") {
            found.push(path);
        }
    }
    Ok(found)
}

/// Gives a file a second name, or a copy where the file system has no links. A journal's segment of
/// format 1 never changes any more.
fn link_or_copy(files: &dyn Files, from: &Path, to: &Path) -> io::Result<()> {
    match files.hard_link(from, to) {
        Err(cause) if cause.kind() == ErrorKind::NotFound => Ok(()),
        Err(_) => copy(files, from, to),
        Ok(()) => Ok(()),
    }
}

/// Copies a file, unless an attempt before this one has made the copy. What it made of one in part is
/// replaced.
fn copy(files: &dyn Files, from: &Path, to: &Path) -> io::Result<()> {
    let bytes = fs::read(from)?;
    match fs::read(to) {
        Ok(copied) if copied == bytes => {}
        Ok(_) => files.remove(to)?,
        Err(cause) if cause.kind() == ErrorKind::NotFound => {}
        Err(cause) => return Err(cause),
    }
    let copy = if to.exists() {
        files.open(to)?
    } else {
        let copy = files.create_stream(to)?;
        copy.write_at(&bytes, 0)?;
        copy
    };
    copy.sync()
}

fn make_directory(files: &dyn Files, path: &Path) -> io::Result<()> {
    match files.create_directory(path) {
        Err(cause) if cause.kind() == ErrorKind::AlreadyExists => Ok(()),
        made => made,
    }
}

fn open_sled(dir: &Path) -> Result<Db, StoreError> {
    sled::Config::new().path(dir).open().map_err(|cause| explain(dir, cause))
}

fn open_tree(db: &Db, dir: &Path, name: &str) -> Result<Tree, StoreError> {
    db.open_tree(name).map_err(|cause| explain(dir, cause))
}

fn explain(dir: &Path, cause: sled::Error) -> StoreError {
    match cause {
        sled::Error::Io(io) if io.to_string().starts_with(LOCK_REFUSED) => {
            StoreError::InUse { path: dir.to_owned() }
        }
        sled::Error::Io(io) if is_of_the_system(&io) => unusable(dir, &io),
        cause => corrupt(dir, cause.to_string()),
    }
}

/// Returns whether the operating system refused, as opposed to sled not finding what it expects.
fn is_of_the_system(cause: &io::Error) -> bool {
    use ErrorKind::{
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

/// Refuses a store of a newer schema, and a database that isn't jirani's.
fn check_schema(db: &Db, dir: &Path) -> Result<(), StoreError> {
    // `open_tree` makes a tree that is absent, so ask first: a foreign database stays as it is.
    let names = db.tree_names();
    if !names.iter().any(|name| &name[..] == b"meta") && names.len() > 1 {
        return Err(corrupt(dir, "it holds tables but no schema version".to_owned()));
    }
    let meta = open_tree(db, dir, "meta")?;
    let Some(bytes) = meta.get("schema_version").map_err(|cause| explain(dir, cause))? else {
        // An empty tree of this name is what a crash at the very first start leaves.
        if names.len() <= 2 {
            return Ok(());
        }
        return Err(corrupt(dir, "it holds tables but no schema version".to_owned()));
    };
    let text = std::str::from_utf8(&bytes).ok();
    let found = text.and_then(|text| text.parse().ok());
    let found: u32 =
        found.ok_or_else(|| corrupt(dir, "its schema version is not a number".to_owned()))?;
    if found > SCHEMA_VERSION {
        let path = dir.to_owned();
        return Err(StoreError::NewerSchema { path, found, known: SCHEMA_VERSION });
    }
    Ok(())
}

/// Returns how many changes the records have seen.
fn changes_in(records: &Tree) -> Result<u64, StoreError> {
    let Some(bytes) = records.get(CHANGES).map_err(StoreError::read)? else { return Ok(0) };
    let number = bytes[..].try_into().map(u64::from_be_bytes);
    number.map_err(|_| StoreError::Record {
        tree: "records",
        key: "00".to_owned(),
        detail: format!("it should hold a number of 8 bytes and holds {}", bytes.len()),
    })
}

fn corrupt(dir: &Path, detail: String) -> StoreError {
    StoreError::Corrupt { path: dir.to_owned(), detail }
}
