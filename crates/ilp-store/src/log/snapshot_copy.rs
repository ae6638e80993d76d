//! Snapshots as files that are copied from one node's folder to another's, as they are.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use super::{
    log_files::{LogFiles, SNAPSHOTS},
    log_folder::LogFolder,
    snapshot_file::{SnapshotReader, partial_path_of, path_of},
};
use crate::{
    error::StoreError,
    journal::{Files, SegmentFile},
};

/// A whole snapshot in the folder of a node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SnapshotCopy {
    /// The sequence of the first entry of the log that isn't in it.
    pub next_sequence: u64,
    /// The segment of that entry. The log is needed from its begin on.
    pub segment: u32,
    /// The file, which may be removed at any time.
    pub path: PathBuf,
}

/// A snapshot that is being copied into a folder. Without [`SnapshotDraft::finish`] it is no snapshot.
pub struct SnapshotDraft<'a> {
    files: &'a dyn Files,
    file: Box<dyn SegmentFile>,
    directory: PathBuf,
    partial: PathBuf,
    path: PathBuf,
    bytes: u64,
}

/// Returns the snapshots in the folder of a store, newest first.
///
/// # Errors
/// When the folder or a snapshot can't be read.
pub(crate) fn snapshots_of(dir: &Path) -> Result<Vec<SnapshotCopy>, StoreError> {
    let found = LogFiles::look(dir)?.snapshots.into_iter();
    let snapshots = found.map(|(next_sequence, path)| {
        let snapshot = SnapshotReader::open(&path).map_err(StoreError::read)?;
        let segment = snapshot.head().place.segment;
        Ok(SnapshotCopy { next_sequence, segment, path })
    });
    snapshots.collect()
}

impl LogFolder {
    /// Returns the folder's snapshots, newest first.
    ///
    /// # Errors
    /// When the folder or a snapshot can't be read.
    pub fn snapshots(&self) -> Result<Vec<SnapshotCopy>, StoreError> {
        snapshots_of(self.dir())
    }

    /// Begins to copy a snapshot into the folder.
    ///
    /// # Errors
    /// When the folder can't be written.
    pub fn begin_snapshot(&self, next_sequence: u64) -> Result<SnapshotDraft<'_>, StoreError> {
        let directory = self.dir().join(SNAPSHOTS);
        let files = self.files();
        match files.create_directory(&directory) {
            Err(cause) if cause.kind() == io::ErrorKind::AlreadyExists => {}
            made => {
                made.map_err(StoreError::write)?;
                files.sync_directory(self.dir()).map_err(StoreError::write)?;
            }
        }
        let partial = partial_path_of(&directory, next_sequence);
        let path = path_of(&directory, next_sequence);
        for old in [&partial, &path] {
            match fs::remove_file(old) {
                Err(cause) if cause.kind() != io::ErrorKind::NotFound => {
                    return Err(StoreError::write(cause));
                }
                _ => {}
            }
        }
        let file = files.create_stream(&partial).map_err(StoreError::write)?;
        Ok(SnapshotDraft { files, file, directory, partial, path, bytes: 0 })
    }
}

impl SnapshotDraft<'_> {
    /// Appends the next part of the file.
    ///
    /// # Errors
    /// When the folder can't be written.
    pub fn push(&mut self, part: &[u8]) -> Result<(), StoreError> {
        self.file.write_at(part, self.bytes).map_err(StoreError::write)?;
        self.bytes += part.len() as u64;
        Ok(())
    }

    /// Gives the snapshot its name, once it would survive a loss of power. Its content is checked when it
    /// is used.
    ///
    /// # Errors
    /// When the folder can't be written.
    pub fn finish(self) -> Result<(), StoreError> {
        let renamed = self.file.sync().and_then(|()| self.files.rename(&self.partial, &self.path));
        renamed.and_then(|()| self.files.sync_directory(&self.directory)).map_err(StoreError::write)
    }
}

impl std::fmt::Debug for SnapshotDraft<'_> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("SnapshotDraft").field("path", &self.path).finish_non_exhaustive()
    }
}
