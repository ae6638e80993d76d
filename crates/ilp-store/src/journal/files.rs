//! The little that the journal asks of a disk, so that tests can put a failing one in its place.

use std::{
    fmt,
    fs::File,
    io,
    os::unix::fs::{FileExt, OpenOptionsExt},
    path::Path,
};

use rustix::io::Errno;

use crate::directory::FILE_MODE;

/// The bytes of a new segment that are written and synced at once. A commit meanwhile waits for no more
/// than that: with all of it in one sync, the disk would have 16 MB before a page of a few packets.
const ZEROS_BYTES: usize = 256 * 1024;

/// Where segments are made and opened.
pub trait Files: Send + Sync + fmt::Debug {
    /// Makes, or makes anew, a file of `bytes` zeros that are really on the disk, and not merely
    /// promised: a later write into it needs no further room.
    ///
    /// # Errors
    /// Such as [`io::ErrorKind::StorageFull`]; what was made of the file is of no use then.
    fn create(&self, path: &Path, bytes: u64) -> io::Result<Box<dyn SegmentFile>>;

    /// Opens a file to go on writing into it.
    ///
    /// # Errors
    /// Those of the operating system.
    fn open(&self, path: &Path) -> io::Result<Box<dyn SegmentFile>>;
}

/// A segment that is being written.
pub trait SegmentFile: Send + Sync {
    /// Writes all of `bytes` at `offset`.
    ///
    /// # Errors
    /// Those of the operating system.
    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()>;

    /// Returns once all that was written would survive a loss of power.
    ///
    /// # Errors
    /// Those of the operating system. What was written before is open then, for good.
    fn sync(&self) -> io::Result<()>;
}

/// Returns whether an error says that the process, or the whole system, has no file descriptor
/// left. The lack passes as soon as a descriptor is closed.
pub(crate) fn lacks_descriptors(cause: &io::Error) -> bool {
    let lacks = [Errno::MFILE, Errno::NFILE].map(Errno::raw_os_error);
    cause.raw_os_error().is_some_and(|code| lacks.contains(&code))
}

/// The real disk.
#[derive(Clone, Copy, Debug, Default)]
pub struct Disk;

impl Files for Disk {
    fn create(&self, path: &Path, bytes: u64) -> io::Result<Box<dyn SegmentFile>> {
        let mut options = File::options();
        options.read(true).write(true).create(true).truncate(true).mode(FILE_MODE);
        let file = options.open(path)?;
        // Written and not only reserved: a write into reserved space changes the file's metadata,
        // which every sync would then have to write as well.
        let zeros = vec![0; ZEROS_BYTES];
        let mut offset = 0;
        while offset < bytes {
            let left = usize::try_from(bytes - offset).unwrap_or(ZEROS_BYTES).min(ZEROS_BYTES);
            file.write_all_at(&zeros[..left], offset)?;
            file.sync_data()?;
            offset += left as u64;
        }
        file.sync_all()?;
        Ok(Box::new(file))
    }

    fn open(&self, path: &Path) -> io::Result<Box<dyn SegmentFile>> {
        Ok(Box::new(File::options().read(true).write(true).open(path)?))
    }
}

impl SegmentFile for File {
    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        self.write_all_at(bytes, offset)
    }

    fn sync(&self) -> io::Result<()> {
        self.sync_data()
    }
}
