//! Copies the store while the node runs.

use std::{
    fs::{self, DirBuilder, File},
    io::{self, Read, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::Path,
};

use super::{
    DurableLedger,
    checkpoint::{self, Which},
};
use crate::{
    directory::{self, DIRECTORY_MODE, FILE_MODE, unusable},
    error::StoreError,
    journal::{DIRECTORY, Place, path_of, sync_directory},
    store::Store,
};

/// How many entries of sled go into the copy at once.
const BATCH: usize = 1_000;

/// What a backup holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BackupReport {
    /// The last transfer in it.
    pub last_sequence: u64,
    /// How many segments of the journal.
    pub segments: u64,
    /// How large its journal is, in bytes.
    pub journal_bytes: u64,
}

impl DurableLedger {
    /// Copies the store into `dir`, which must be absent, or empty and closed to other users'
    /// writes, so that another node can start from it. Transfers continue meanwhile; changes of
    /// peers and assets wait. The copy holds every transfer that was durable when the call was
    /// made. Call it on a thread of its own.
    ///
    /// # Errors
    /// [`StoreError::WrongDirectory`] for one that isn't empty, or when something can't be read or
    /// written. The partial copy is of no use then.
    pub fn backup(&self, dir: &Path) -> Result<BackupReport, StoreError> {
        make_empty(dir)?;
        self.keeper.keep(true)?;
        // From here on there is no checkpoint and no segment goes, and no record changes.
        let _turn = self.keeper.turn.lock();
        let (last_sequence, end) = {
            let kept = self.books.lock();
            if let Some(reason) = &kept.broken {
                return Err(StoreError::write(reason));
            }
            (kept.state.sequence, kept.place)
        };
        let changes = {
            let changes = self.store.inner.changes.lock();
            self.store.inner.records.settle().map_err(StoreError::write)?;
            copy_records(&self.store, dir)?;
            *changes
        };
        let base = checkpoint::meta(&self.store, Which::Base)?;
        let oldest = base.map_or(Place::START, |base| base.place).segment;
        let directory = dir.join(DIRECTORY);
        let unwritable = |cause: io::Error| unusable(dir, &cause);
        DirBuilder::new().mode(DIRECTORY_MODE).create(&directory).map_err(unwritable)?;
        let mut journal_bytes = 0;
        for number in oldest..=end.segment {
            let from = path_of(&self.keeper.directory, number);
            let length = (number == end.segment).then_some(u64::from(end.offset));
            journal_bytes +=
                copy_segment(&from, &path_of(&directory, number), length).map_err(unwritable)?;
        }
        sync_directory(&directory).map_err(unwritable)?;
        // The look at every record, and the notes of what the copy has come to.
        let copy = Store::open(dir)?;
        copy.inner.durability.persist_records(&copy.inner.records, changes)?;
        copy.inner.durability.answer_for(last_sequence).map_err(StoreError::write)?;
        let segments = u64::from(end.segment - oldest) + 1;
        Ok(BackupReport { last_sequence, segments, journal_bytes })
    }
}

fn make_empty(dir: &Path) -> Result<(), StoreError> {
    match fs::read_dir(dir) {
        Ok(mut entries) => {
            if entries.next().is_none() {
                return directory::prepare(dir);
            }
            let detail = "isn't empty; give the backup a directory of its own";
            Err(StoreError::WrongDirectory { path: dir.to_owned(), detail })
        }
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => directory::prepare(dir),
        Err(cause) => Err(unusable(dir, &cause)),
    }
}

/// Copies sled's entries into a database of its own, since its files change while it's open.
fn copy_records(store: &Store, dir: &Path) -> Result<(), StoreError> {
    let from = store.inner.durability.db();
    let to = sled::open(dir).map_err(StoreError::write)?;
    for name in from.tree_names() {
        let source = from.open_tree(&name).map_err(StoreError::read)?;
        let target = to.open_tree(&name).map_err(StoreError::write)?;
        let mut entries = source.iter();
        loop {
            let mut batch = sled::Batch::default();
            let mut copied = 0;
            for entry in entries.by_ref().take(BATCH) {
                let (key, value) = entry.map_err(StoreError::read)?;
                batch.insert(key, value);
                copied += 1;
            }
            if copied == 0 {
                break;
            }
            target.apply_batch(batch).map_err(StoreError::write)?;
        }
    }
    to.flush().map_err(StoreError::write)?;
    Ok(())
}

/// Copies a segment, or what is written of it so far with zeros for the rest.
fn copy_segment(from: &Path, to: &Path, length: Option<u64>) -> io::Result<u64> {
    let source = File::open(from)?;
    let whole = source.metadata()?.len();
    let mut target = File::options().write(true).create_new(true).mode(FILE_MODE).open(to)?;
    let written = length.unwrap_or(whole);
    io::copy(&mut (&source).take(written), &mut target)?;
    io::copy(&mut io::repeat(0).take(whole.saturating_sub(written)), &mut target)?;
    target.flush()?;
    target.sync_all()?;
    Ok(whole)
}
