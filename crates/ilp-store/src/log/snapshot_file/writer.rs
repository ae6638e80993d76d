//! Writes a snapshot file, block by block.

use std::{
    io,
    path::{Path, PathBuf},
};

use super::{
    BLOCK_BYTES_MAX, BLOCK_HEAD_BYTES, ENTRY_HEAD_BYTES, KEY_BYTES_MAX, SnapshotHead,
    SnapshotReport, VALUE_BYTES_MAX,
    listing::{partial_path_of, path_of},
    seal,
};
use crate::journal::{Files, SegmentFile};

/// The bytes that are written between two syncs. A commit of the log waits for the snapshot's data
/// that the disk already has to write: with one sync at the end, that could be gigabytes.
const SYNC_BYTES: u64 = 8 * 1024 * 1024;

/// A snapshot that is being written. Dropped before [`SnapshotWriter::finish`], it removes its
/// partial file.
pub(crate) struct SnapshotWriter<'a> {
    files: &'a dyn Files,
    directory: PathBuf,
    partial: PathBuf,
    path: PathBuf,
    file: Box<dyn SegmentFile>,
    /// The block that is being gathered: room for its head, then entries.
    block: Vec<u8>,
    /// The number of entries in the block.
    count: u32,
    /// The most bytes of entries in a block of several; tests make it small.
    pub(super) block_bytes_max: usize,
    /// The checksum of the last block that was written, or of the head.
    previous: u128,
    /// The length of the file so far.
    bytes: u64,
    synced_bytes: u64,
    entries: u64,
    last_key: Option<Vec<u8>>,
    /// Whether an operation failed. A later sync would not show that data of an earlier one was
    /// lost, so the file can't become a snapshot any more.
    failed: bool,
    renamed: bool,
}

impl<'a> SnapshotWriter<'a> {
    /// Begins a snapshot in an existing directory. Replaces the partial file that an interrupted
    /// writer left.
    ///
    /// # Errors
    /// Those of the operating system.
    pub(crate) fn create(
        files: &'a dyn Files,
        directory: &Path,
        head: &SnapshotHead,
    ) -> io::Result<Self> {
        let next_sequence = head.place.next_sequence;
        let partial = partial_path_of(directory, next_sequence);
        match files.remove(&partial) {
            Err(cause) if cause.kind() != io::ErrorKind::NotFound => return Err(cause),
            _ => {}
        }
        let file = files.create_stream(&partial)?;
        let (head, checksum) = head.to_bytes();
        let mut writer = Self {
            files,
            directory: directory.to_owned(),
            partial,
            path: path_of(directory, next_sequence),
            file,
            block: vec![0; BLOCK_HEAD_BYTES],
            count: 0,
            block_bytes_max: BLOCK_BYTES_MAX,
            previous: checksum,
            bytes: 0,
            synced_bytes: 0,
            entries: 0,
            last_key: None,
            failed: false,
            renamed: false,
        };
        // From here on, an error drops the writer, which removes the file.
        writer.append(&head)?;
        Ok(writer)
    }

    /// Adds an entry. Its key must be greater than the key of the entry before.
    ///
    /// # Errors
    /// [`io::ErrorKind::InvalidInput`] for a key out of order, or a key or value over its bound,
    /// and those of the operating system. The snapshot can't be finished after an error.
    pub(crate) fn push(&mut self, key: &[u8], value: &[u8]) -> io::Result<()> {
        self.check()?;
        let pushed = self.try_push(key, value);
        self.failed = pushed.is_err();
        pushed
    }

    /// Ends the snapshot, and returns once it would survive a loss of power under its own name.
    ///
    /// # Errors
    /// Those of the operating system, and an error when an earlier operation failed. If the
    /// directory's sync alone failed, the snapshot is there and whole, but may be lost with power.
    pub(crate) fn finish(mut self) -> io::Result<SnapshotReport> {
        self.check()?;
        if self.count > 0 {
            self.write_block()?;
        }
        self.write_totals()?;
        self.file.sync()?;
        self.files.rename(&self.partial, &self.path)?;
        self.renamed = true;
        self.files.sync_directory(&self.directory)?;
        Ok(SnapshotReport { path: self.path.clone(), entries: self.entries, bytes: self.bytes })
    }

    fn check(&self) -> io::Result<()> {
        if self.failed {
            let path = self.partial.display();
            let text = format!("the snapshot {path} can't be continued: an earlier write failed");
            return Err(io::Error::other(text));
        }
        Ok(())
    }

    fn try_push(&mut self, key: &[u8], value: &[u8]) -> io::Result<()> {
        let refused = |reason: &str| {
            let (number, path) = (self.entries + 1, self.partial.display());
            let text = format!("entry {number} of the snapshot {path} can't be written: {reason}");
            io::Error::new(io::ErrorKind::InvalidInput, text)
        };
        if self.last_key.as_deref().is_some_and(|last| last >= key) {
            return Err(refused("its key isn't greater than the key before it"));
        }
        if key.len() > KEY_BYTES_MAX || value.len() > VALUE_BYTES_MAX {
            return Err(refused("its key or its value is too long"));
        }
        // The bounds fit 32 bits.
        let [key_bytes, value_bytes] =
            [key, value].map(|part| u32::try_from(part.len()).unwrap_or(u32::MAX).to_be_bytes());
        let entry_bytes = ENTRY_HEAD_BYTES + key.len() + value.len();
        if self.count > 0 && self.entries_bytes() + entry_bytes > self.block_bytes_max {
            self.write_block()?;
        }
        for part in [&key_bytes, &value_bytes, key, value] {
            self.block.extend_from_slice(part);
        }
        self.count += 1;
        self.entries += 1;
        let last = self.last_key.get_or_insert_default();
        last.clear();
        last.extend_from_slice(key);
        if self.entries_bytes() >= self.block_bytes_max { self.write_block() } else { Ok(()) }
    }

    fn entries_bytes(&self) -> usize {
        self.block.len() - BLOCK_HEAD_BYTES
    }

    fn write_totals(&mut self) -> io::Result<()> {
        let bytes = self.bytes + (BLOCK_HEAD_BYTES + super::TOTALS_BYTES) as u64;
        self.block.extend_from_slice(&self.entries.to_be_bytes());
        self.block.extend_from_slice(&bytes.to_be_bytes());
        self.write_block()
    }

    fn write_block(&mut self) -> io::Result<()> {
        // A block is at most one entry over its bound, so its length fits.
        let length = u32::try_from(self.entries_bytes()).unwrap_or(u32::MAX);
        self.block[..4].copy_from_slice(&length.to_be_bytes());
        self.block[4..8].copy_from_slice(&self.count.to_be_bytes());
        self.previous = seal(&mut self.block, self.previous);
        let mut block = std::mem::take(&mut self.block);
        self.append(&block)?;
        block.truncate(BLOCK_HEAD_BYTES);
        block.shrink_to(BLOCK_HEAD_BYTES + BLOCK_BYTES_MAX);
        self.block = block;
        self.count = 0;
        Ok(())
    }

    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.write_at(bytes, self.bytes)?;
        self.bytes += bytes.len() as u64;
        if self.bytes - self.synced_bytes >= SYNC_BYTES {
            self.file.sync()?;
            self.synced_bytes = self.bytes;
        }
        Ok(())
    }
}

impl Drop for SnapshotWriter<'_> {
    fn drop(&mut self) {
        if !self.renamed {
            // A file that stays is removed by `keep_newest` or by the next writer.
            let _ = self.files.remove(&self.partial);
        }
    }
}
