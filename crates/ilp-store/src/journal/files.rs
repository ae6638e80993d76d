//! Every change that the store makes to the file system goes through the trait [`Files`].
//!
//! Tests put another implementation in the place of the real disk: one that fails, one that is
//! full, or one that loses power. Reads go to `std::fs` directly.

use std::{
    fmt,
    fs::{self, DirBuilder, File},
    io,
    os::unix::fs::{DirBuilderExt, FileExt, OpenOptionsExt},
    path::Path,
};

use rustix::io::Errno;

use crate::directory::{DIRECTORY_MODE, FILE_MODE};

/// The bytes of a new segment that are written and synced at once. A commit meanwhile waits for no more
/// than that: with all of it in one sync, the disk would have 16 MB before a page of a few packets.
const ZEROS_BYTES: usize = 256 * 1024;

/// The operations by which the store changes files and directories.
///
/// A change of a name (a creation, rename, removal or link) survives a loss of power only after
/// [`Files::sync_directory`] on the directory of that name.
pub trait Files: Send + Sync + fmt::Debug {
    /// Creates or replaces a file with `bytes` zeros that are written and synced, and not merely
    /// reserved: a later write within them needs no further room and changes no metadata.
    ///
    /// # Errors
    /// Those of the operating system, such as [`io::ErrorKind::StorageFull`]. The file's content is
    /// undefined then.
    fn create(&self, path: &Path, bytes: u64) -> io::Result<Box<dyn SegmentFile>>;

    /// Creates an empty file that grows as it is written, accessible to its owner alone.
    ///
    /// # Errors
    /// [`io::ErrorKind::AlreadyExists`] for a path that exists, and those of the operating system.
    fn create_stream(&self, path: &Path) -> io::Result<Box<dyn SegmentFile>>;

    /// Opens an existing file for further writes.
    ///
    /// # Errors
    /// Those of the operating system.
    fn open(&self, path: &Path) -> io::Result<Box<dyn SegmentFile>>;

    /// Renames a file or directory in one step, within one file system. An existing file at `to`
    /// is replaced: at every moment, `to` names either the old file or the new one.
    ///
    /// # Errors
    /// Those of the operating system. Both names are as they were then.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;

    /// Removes a file's name. The file's space is free once it has no other name and isn't open.
    ///
    /// # Errors
    /// Those of the operating system, [`io::ErrorKind::NotFound`] included.
    fn remove(&self, path: &Path) -> io::Result<()>;

    /// Gives the file at `from` a second name, `to`, within one file system.
    ///
    /// # Errors
    /// [`io::ErrorKind::AlreadyExists`] when `to` exists, and those of the operating system: some
    /// file systems have no hard links.
    fn hard_link(&self, from: &Path, to: &Path) -> io::Result<()>;

    /// Creates a directory that only its owner may enter. Its parent must exist.
    ///
    /// # Errors
    /// [`io::ErrorKind::AlreadyExists`] for a path that exists, and those of the operating system.
    fn create_directory(&self, path: &Path) -> io::Result<()>;

    /// Returns once all names in a directory would survive a loss of power. The empty path is the
    /// current directory, since the parent of a relative path of one part is the empty path.
    ///
    /// # Errors
    /// Those of the operating system. Names that were changed before may be lost then, even if a
    /// later sync succeeds.
    fn sync_directory(&self, path: &Path) -> io::Result<()>;
}

/// A file that is being written: a segment, or a stream that grows.
pub trait SegmentFile: Send + Sync {
    /// Writes all of `bytes` at `offset`. A write behind the end makes the file longer.
    ///
    /// # Errors
    /// Those of the operating system. Any part of `bytes` may have been written then.
    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()>;

    /// Returns once all that was written, and the file's length, would survive a loss of power.
    ///
    /// # Errors
    /// Those of the operating system. What was written since the last sync may be lost then, even
    /// if a later sync succeeds.
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

    fn create_stream(&self, path: &Path) -> io::Result<Box<dyn SegmentFile>> {
        let mut options = File::options();
        options.read(true).write(true).create_new(true).mode(FILE_MODE);
        Ok(Box::new(options.open(path)?))
    }

    fn open(&self, path: &Path) -> io::Result<Box<dyn SegmentFile>> {
        Ok(Box::new(File::options().read(true).write(true).open(path)?))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        fs::remove_file(path)
    }

    fn hard_link(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::hard_link(from, to)
    }

    fn create_directory(&self, path: &Path) -> io::Result<()> {
        DirBuilder::new().mode(DIRECTORY_MODE).create(path)
    }

    fn sync_directory(&self, path: &Path) -> io::Result<()> {
        let path = if path.as_os_str().is_empty() { Path::new(".") } else { path };
        File::open(path)?.sync_all()
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

#[cfg(test)]
mod tests {
    use std::{io::ErrorKind, os::unix::fs::PermissionsExt};

    use super::*;

    #[test]
    fn the_real_disk_makes_renames_links_and_removes() {
        let dir = tempfile::tempdir().unwrap();
        let inner = dir.path().join("inner");
        let (old, new, other) = (inner.join("old"), inner.join("new"), inner.join("other"));
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o7777;

        Disk.create_directory(&inner).unwrap();
        assert_eq!(mode(&inner), DIRECTORY_MODE);
        assert_eq!(Disk.create_directory(&inner).unwrap_err().kind(), ErrorKind::AlreadyExists);

        let stream = Disk.create_stream(&old).unwrap();
        stream.write_at(b"45", 3).unwrap();
        stream.write_at(b"123", 0).unwrap();
        stream.sync().unwrap();
        assert_eq!((mode(&old), fs::read(&old).unwrap()), (FILE_MODE, b"12345".to_vec()));
        let again = Disk.create_stream(&old).map(drop);
        assert_eq!(again.unwrap_err().kind(), ErrorKind::AlreadyExists);

        Disk.create(&new, 2).unwrap();
        Disk.rename(&old, &new).unwrap();
        assert_eq!((old.exists(), fs::read(&new).unwrap()), (false, b"12345".to_vec()));
        Disk.hard_link(&new, &other).unwrap();
        Disk.remove(&new).unwrap();
        assert_eq!((new.exists(), fs::read(&other).unwrap()), (false, b"12345".to_vec()));
        assert_eq!(Disk.remove(&new).unwrap_err().kind(), ErrorKind::NotFound);
        Disk.sync_directory(&inner).unwrap();
        Disk.sync_directory(Path::new("")).unwrap();
        assert!(Disk.sync_directory(&new).is_err());
    }
}
