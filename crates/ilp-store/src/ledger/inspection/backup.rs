//! Copies the store while the node runs.

use std::{
    fs::{self, DirBuilder, File},
    io::{self, Read, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

use super::verify::verify;
use crate::{
    directory::{self, DIRECTORY_MODE, FILE_MODE, unusable},
    error::StoreError,
    journal::{DIRECTORY, path_of, segments_in, sync_directory},
    ledger::DurableLedger,
    log::{log_files::SNAPSHOTS, mark::Mark},
};

/// The content of a backup.
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
    /// writes, so that another node can start from it. Transfers and changes continue meanwhile. The
    /// copy is a snapshot and the segments of the log, and holds everything that was durable when the
    /// call was made. It is made beside `dir`, as `DIR.partial`, checked as by [`verify`], and gets
    /// its name when it is whole. Call it on a thread of its own.
    ///
    /// # Errors
    /// [`StoreError::WrongDirectory`] for one that isn't empty, or when something can't be read or
    /// written. What there is of the copy keeps the name of a partial one, and neither a start nor
    /// [`verify`] takes it for a store until all of the log is there.
    pub fn backup(&self, dir: &Path) -> Result<BackupReport, StoreError> {
        // Another backup to this name would remove the copy under the hands of this one.
        let _alone = self.keeper.backup.lock();
        make_empty(dir)?;
        let partial = partial_path(dir);
        remove_partial(&partial)?;
        directory::prepare(&partial)?;
        let report = self.copy_into(&partial)?;
        let checked = verify(&partial)?;
        if let Some(fault) = checked.faults.first() {
            let detail = format!("the copy in {} isn't whole: {fault}", partial.display());
            return Err(StoreError::Books { detail });
        }
        directory::close_to_others(&partial).map_err(|cause| unusable(&partial, &cause))?;
        let renamed = fs::remove_dir(dir).and_then(|()| fs::rename(&partial, dir));
        renamed.map_err(|cause| unusable(dir, &cause))?;
        directory::sync(dir.parent().unwrap_or(Path::new("")))?;
        Ok(report)
    }

    fn copy_into(&self, dir: &Path) -> Result<BackupReport, StoreError> {
        self.keeper.keep(true)?;
        // From here on there is no checkpoint and no segment goes.
        let inner = &self.store.inner;
        let _turn = inner.turn.lock();
        let (last_sequence, end) = {
            let kept = self.books.lock();
            if let Some(reason) = &kept.broken {
                return Err(StoreError::write(reason));
            }
            (kept.state.sequence, kept.tail.place)
        };
        let unwritable = |cause: io::Error| unusable(dir, &cause);
        let make = |name: &str| -> Result<PathBuf, StoreError> {
            let path = dir.join(name);
            DirBuilder::new().mode(DIRECTORY_MODE).create(&path).map_err(unwritable)?;
            Ok(path)
        };
        // The mark comes first: with less of the log than it says, the copy is refused by `verify` and
        // by a start.
        let mark = Mark::open(dir).map_err(unwritable)?;
        mark.advance(last_sequence).and_then(|()| mark.sync()).map_err(unwritable)?;
        directory::sync(dir)?;
        let snapshots = make(SNAPSHOTS)?;
        self.keeper.write_snapshot(&snapshots)?;
        let directory = make(DIRECTORY)?;
        let mut report = BackupReport { last_sequence, segments: 0, journal_bytes: 0 };
        for number in segments_in(&self.keeper.directory)? {
            if number > end.segment {
                break;
            }
            let from = path_of(&self.keeper.directory, number);
            let length = (number == end.segment).then_some(u64::from(end.offset));
            let copied = copy_segment(&from, &path_of(&directory, number), length);
            report.journal_bytes += copied.map_err(unwritable)?;
            report.segments += 1;
        }
        sync_directory(&directory).map_err(unwritable)?;
        directory::sync(dir)?;
        Ok(report)
    }
}

/// Returns the name of a copy while it is made.
fn partial_path(dir: &Path) -> PathBuf {
    let mut name = dir.file_name().unwrap_or_default().to_owned();
    name.push(".partial");
    dir.with_file_name(name)
}

/// Removes what an interrupted backup has left: the mark last, so that what another interruption leaves
/// of it is refused too.
fn remove_partial(partial: &Path) -> Result<(), StoreError> {
    for path in [&partial.join(DIRECTORY), &partial.join(SNAPSHOTS), partial] {
        match fs::remove_dir_all(path) {
            Err(cause) if cause.kind() != io::ErrorKind::NotFound => {
                return Err(unusable(partial, &cause));
            }
            _ => {}
        }
    }
    Ok(())
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
