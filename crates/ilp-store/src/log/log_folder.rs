//! The log in the folder of a store that isn't open, page by page: to compare it with a copy elsewhere,
//! and to bring it to the copy's state.
//!
//! The copy decides. Pages that it doesn't have are cut off, and its pages are appended. An index that
//! was made from other pages is put aside by the store's next start.

use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

use uuid::Uuid;

use super::{
    cluster_mark::{self, Membership},
    log_files::LogFiles,
    mark::Mark,
};
use crate::{
    directory::{self, lock, unusable},
    error::StoreError,
    journal::{self, Disk, Files, LogPage, PageName, SegmentFile, pages_of, path_of, segments_in},
};

/// The log of a folder, which is locked.
pub struct LogFolder {
    dir: PathBuf,
    journal: PathBuf,
    files: Arc<dyn Files>,
    lock: File,
    /// The segment that pages are appended to, where one is open.
    open: Option<(u32, Box<dyn SegmentFile>)>,
}

impl LogFolder {
    /// Opens the folder `dir`, which is made where it is absent.
    ///
    /// # Errors
    /// When the folder can't be used, or is in use.
    pub fn open(dir: &Path) -> Result<Self, StoreError> {
        Self::open_with(dir, Arc::new(Disk))
    }

    /// Opens the folder with its files on another disk.
    ///
    /// # Errors
    /// As [`LogFolder::open`].
    pub fn open_with(dir: &Path, files: Arc<dyn Files>) -> Result<Self, StoreError> {
        directory::prepare(dir)?;
        let lock = lock(dir)?;
        let journal = dir.join(journal::DIRECTORY);
        Ok(Self { dir: dir.to_owned(), journal, files, lock, open: None })
    }

    /// Returns the cluster that the folder belongs to, if it belongs to one.
    ///
    /// # Errors
    /// When the folder can't be read.
    pub fn membership(&self) -> Result<Option<Membership>, StoreError> {
        cluster_mark::read(&self.dir)
    }

    /// Notes that the folder belongs to a cluster. From here on a start without the cluster is refused.
    ///
    /// # Errors
    /// When the folder can't be written.
    pub fn join(&self, membership: Membership) -> Result<(), StoreError> {
        cluster_mark::write(&self.dir, membership)
    }

    /// Notes that the folder belongs to no cluster any more.
    ///
    /// # Errors
    /// When the folder can't be written.
    pub fn leave(&self) -> Result<(), StoreError> {
        cluster_mark::remove(&self.dir)
    }

    /// Returns which log it is. `None` for one that isn't begun.
    ///
    /// # Errors
    /// When the log can't be read.
    pub fn log_id(&self) -> Result<Option<Uuid>, StoreError> {
        Ok(LogFiles::look(&self.dir)?.journal)
    }

    /// Returns the last entry of the log that the node has answered for; 0 for none.
    ///
    /// # Errors
    /// When the folder can't be read.
    pub fn answered(&self) -> Result<u64, StoreError> {
        let mark = Mark::open(&self.dir).map_err(|cause| unusable(&self.dir, &cause))?;
        Ok(mark.answered().sequence)
    }

    /// Returns the numbers of the segments, rising, those that are prepared and not used among them.
    ///
    /// # Errors
    /// When the folder can't be read.
    pub fn segments(&self) -> Result<Vec<u32>, StoreError> {
        segments_in(&self.journal)
    }

    /// Calls `visit` with each page of a segment, up to the first one that isn't whole.
    ///
    /// # Errors
    /// When the segment can't be read, and those of `visit`.
    pub fn pages<E: From<StoreError>>(
        &self,
        segment: u32,
        visit: impl FnMut(LogPage<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        pages_of(&path_of(&self.journal, segment), segment, visit)
    }

    /// Removes all that lies behind a page, or everything without one.
    ///
    /// # Errors
    /// When the folder can't be changed.
    pub fn cut_behind(&mut self, page: Option<(PageName, usize)>) -> Result<(), StoreError> {
        self.open = None;
        let last = page.map_or(0, |(name, _)| name.segment);
        // From the end on: a crash on the way leaves no gap.
        for number in self.segments()?.into_iter().rev().filter(|number| *number > last) {
            self.files.remove(&path_of(&self.journal, number)).map_err(StoreError::write)?;
            self.files.sync_directory(&self.journal).map_err(StoreError::write)?;
        }
        let Some((name, bytes)) = page else { return Ok(()) };
        let path = path_of(&self.journal, name.segment);
        let end = u64::from(name.offset) + bytes as u64;
        let length = fs::metadata(&path).map_err(StoreError::read)?.len();
        if length > end {
            let file = self.files.open(&path).map_err(StoreError::write)?;
            wipe(&*file, end, length).map_err(StoreError::write)?;
        }
        Ok(())
    }

    /// Writes a page of the copy behind the last one, without waiting for the disk.
    ///
    /// # Errors
    /// When the folder can't be written.
    pub fn append(&mut self, page: &LogPage<'_>) -> Result<(), StoreError> {
        let PageName { segment, offset, .. } = page.name;
        if self.open.as_ref().is_none_or(|(number, _)| *number != segment) {
            self.sync()?;
            self.open = Some((segment, self.segment(segment)?));
        }
        let Some((_, file)) = &self.open else { return Ok(()) };
        file.write_at(page.bytes, offset.into()).map_err(StoreError::write)
    }

    /// Returns once what was appended would survive a loss of power.
    ///
    /// # Errors
    /// When the disk fails.
    pub fn sync(&self) -> Result<(), StoreError> {
        match &self.open {
            Some((_, file)) => file.sync().map_err(StoreError::write),
            None => Ok(()),
        }
    }

    /// Opens a segment, which is made where it is absent. It grows as it is written: the node that
    /// writes the log goes on in a segment of its own length.
    fn segment(&self, number: u32) -> Result<Box<dyn SegmentFile>, StoreError> {
        let path = path_of(&self.journal, number);
        if path.exists() {
            return self.files.open(&path).map_err(StoreError::write);
        }
        match self.files.create_directory(&self.journal) {
            Err(cause) if cause.kind() == io::ErrorKind::AlreadyExists => {}
            made => {
                made.map_err(|cause| unusable(&self.journal, &cause))?;
                self.files.sync_directory(&self.dir).map_err(StoreError::write)?;
            }
        }
        let file = self.files.create_stream(&path).map_err(StoreError::write)?;
        self.files.sync_directory(&self.journal).map_err(StoreError::write)?;
        Ok(file)
    }

    /// Returns the directory, the files and a share of the lock, for a store that only reads the log.
    pub(crate) fn shared_parts(&self) -> Result<(PathBuf, Arc<dyn Files>, File), StoreError> {
        let lock = self.lock.try_clone().map_err(|cause| unusable(&self.dir, &cause))?;
        Ok((self.dir.clone(), Arc::clone(&self.files), lock))
    }

    /// Returns the folder.
    pub(super) fn dir(&self) -> &Path {
        &self.dir
    }

    /// Returns the files of the folder.
    pub(super) fn files(&self) -> &dyn Files {
        &*self.files
    }

    /// Returns the directory, the files and the lock, for a store that is opened in their place.
    pub(crate) fn into_parts(self) -> (PathBuf, Arc<dyn Files>, File) {
        (self.dir, self.files, self.lock)
    }
}

/// Writes zeros from an offset to the end of a file.
fn wipe(file: &dyn SegmentFile, mut from: u64, to: u64) -> io::Result<()> {
    static ZEROS: [u8; 64 * 1024] = [0; 64 * 1024];
    while from < to {
        let length = usize::try_from(to - from).unwrap_or(ZEROS.len()).min(ZEROS.len());
        file.write_at(&ZEROS[..length], from)?;
        from += length as u64;
    }
    file.sync()
}

impl std::fmt::Debug for LogFolder {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("LogFolder").field("dir", &self.dir).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
