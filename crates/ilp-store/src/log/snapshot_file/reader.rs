//! Reads a snapshot file, block by block, and returns only what its checksums cover.

use std::{
    fs::File,
    io,
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
};

use super::{
    BLOCK_BYTES_MAX, BLOCK_CHECKSUM_AT, BLOCK_HEAD_BYTES, ENTRY_BYTES_MAX, KEY_BYTES_MAX,
    SnapshotEntry, SnapshotError, SnapshotHead, TOTALS_BYTES, VALUE_BYTES_MAX, head::HEAD_BYTES,
    seal, take,
};

/// An open snapshot file, and an iterator of its entries in the order of their keys.
///
/// The iterator reads one block at a time and returns its entries once the whole block was right.
/// It ends without an error only if the last block was right and the file ends with it. It ends
/// after the first error.
#[derive(Debug)]
pub(crate) struct SnapshotReader {
    path: PathBuf,
    file: File,
    head: SnapshotHead,
    /// The length of the file when it was opened.
    length: u64,
    /// The offset of the next block.
    offset: u64,
    /// The checksum of the block before, or of the head.
    previous: u128,
    /// The current block, its head included.
    block: Vec<u8>,
    /// The offset in the block of the next entry.
    next: usize,
    /// The number of entries in all blocks so far.
    entries: u64,
    last_key: Option<Vec<u8>>,
    ended: bool,
}

impl SnapshotReader {
    /// Opens a snapshot and reads its head.
    ///
    /// # Errors
    /// [`SnapshotError`] for a file that can't be read, or that doesn't begin like a snapshot.
    pub(crate) fn open(path: &Path) -> Result<Self, SnapshotError> {
        let file = File::open(path).map_err(SnapshotError::io(path, "open"))?;
        let metadata = file.metadata().map_err(SnapshotError::io(path, "read"))?;
        let mut bytes = [0; HEAD_BYTES];
        read_exact(path, &file, &mut bytes, 0, 0)?;
        let (head, checksum) = SnapshotHead::read(path, &bytes)?;
        Ok(Self {
            path: path.to_owned(),
            file,
            head,
            length: metadata.len(),
            offset: HEAD_BYTES as u64,
            previous: checksum,
            block: Vec::new(),
            next: 0,
            entries: 0,
            last_key: None,
            ended: false,
        })
    }

    /// The origin of the snapshot.
    pub(crate) fn head(&self) -> &SnapshotHead {
        &self.head
    }

    /// Reads a whole snapshot and returns its size.
    #[cfg(test)]
    pub(crate) fn check(path: &Path) -> Result<super::SnapshotReport, SnapshotError> {
        let mut reader = Self::open(path)?;
        while reader.read_block()? {}
        let (entries, bytes) = (reader.entries, reader.offset);
        Ok(super::SnapshotReport { path: reader.path, entries, bytes })
    }

    fn next_entry(&mut self) -> Result<Option<SnapshotEntry>, SnapshotError> {
        while self.next >= self.block.len() {
            if !self.read_block()? {
                return Ok(None);
            }
        }
        let mut rest = &self.block[self.next..];
        let (key, value) = take_entry(&mut rest)
            .ok_or_else(|| self.damaged("an entry is longer than its block"))?;
        let entry = (key.to_owned(), value.to_owned());
        self.next = self.block.len() - rest.len();
        Ok(Some(entry))
    }

    /// Reads and checks the next block. Returns `false` if it is the last one.
    fn read_block(&mut self) -> Result<bool, SnapshotError> {
        let mut block = std::mem::take(&mut self.block);
        block.resize(BLOCK_HEAD_BYTES, 0);
        self.read_exact(&mut block, self.offset)?;
        let mut fields = block.as_slice();
        let field = |bytes: Option<[u8; 4]>| bytes.map_or(u32::MAX, u32::from_be_bytes);
        let (length, count) = (field(take(&mut fields)) as usize, field(take(&mut fields)));
        let bound = match count {
            0 => TOTALS_BYTES,
            1 => ENTRY_BYTES_MAX,
            _ => BLOCK_BYTES_MAX,
        };
        // Before memory is allocated for it: a length that was never written may be anything.
        if length > bound {
            return Err(self.damaged("a block's length is out of bounds"));
        }
        let begin = self.offset + BLOCK_HEAD_BYTES as u64;
        let end = begin + length as u64;
        if end > self.length {
            return Err(self.damaged("the file ends within a block"));
        }
        block.resize(BLOCK_HEAD_BYTES + length, 0);
        self.read_exact(&mut block[BLOCK_HEAD_BYTES..], begin)?;
        let stored = block[BLOCK_CHECKSUM_AT..BLOCK_HEAD_BYTES].to_owned();
        let checksum = seal(&mut block, self.previous);
        if stored != checksum.to_be_bytes() {
            return Err(self.damaged("a block's checksum is wrong, or it follows another block"));
        }
        let entries = &block[BLOCK_HEAD_BYTES..];
        if count == 0 {
            self.check_totals(entries, end)?;
        } else {
            self.last_key = Some(self.check_entries(entries, count)?);
            self.entries += u64::from(count);
            self.next = BLOCK_HEAD_BYTES;
            self.previous = checksum;
            self.block = block;
        }
        self.offset = end;
        Ok(count > 0)
    }

    /// Checks the last block, and that the file ends with it.
    fn check_totals(&self, mut totals: &[u8], end: u64) -> Result<(), SnapshotError> {
        let mut field = || take(&mut totals).map(u64::from_be_bytes);
        let (entries, bytes) = (field(), field());
        if entries != Some(self.entries) || bytes != Some(end) {
            return Err(self.damaged("the totals in the last block are wrong"));
        }
        let behind = self.file.read_at(&mut [0], end);
        if behind.map_err(SnapshotError::io(&self.path, "read"))? > 0 {
            return Err(self.damaged("bytes follow the last block"));
        }
        Ok(())
    }

    /// Checks that a block consists of `count` entries with rising keys, and returns the last key.
    fn check_entries(&self, entries: &[u8], count: u32) -> Result<Vec<u8>, SnapshotError> {
        let mut rest = entries;
        let mut last_key = self.last_key.as_deref();
        for _ in 0..count {
            let (key, _) = take_entry(&mut rest)
                .ok_or_else(|| self.damaged("an entry is longer than its block"))?;
            if last_key.is_some_and(|last| last >= key) {
                return Err(self.damaged("its keys don't rise"));
            }
            last_key = Some(key);
        }
        if !rest.is_empty() {
            return Err(self.damaged("a block is longer than its entries"));
        }
        Ok(last_key.unwrap_or_default().to_owned())
    }

    fn read_exact(&self, bytes: &mut [u8], at: u64) -> Result<(), SnapshotError> {
        read_exact(&self.path, &self.file, bytes, at, self.offset)
    }

    fn damaged(&self, detail: &'static str) -> SnapshotError {
        SnapshotError::damaged(&self.path, self.offset, detail)
    }
}

impl Iterator for SnapshotReader {
    type Item = Result<SnapshotEntry, SnapshotError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        let next = self.next_entry().transpose();
        self.ended = !matches!(next, Some(Ok(_)));
        next
    }
}

fn take_entry<'a>(rest: &mut &'a [u8]) -> Option<(&'a [u8], &'a [u8])> {
    let mut lengths = [0; 2];
    for length in &mut lengths {
        *length = u32::from_be_bytes(take(rest)?) as usize;
    }
    let [key_bytes, value_bytes] = lengths;
    let (key, behind) = rest.split_at_checked(key_bytes).filter(|_| key_bytes <= KEY_BYTES_MAX)?;
    let within = value_bytes <= VALUE_BYTES_MAX;
    let (value, behind) = behind.split_at_checked(value_bytes).filter(|_| within)?;
    *rest = behind;
    Some((key, value))
}

/// Reads bytes of the block or head at `block_offset`, which an error names.
fn read_exact(
    path: &Path,
    file: &File,
    bytes: &mut [u8],
    at: u64,
    block_offset: u64,
) -> Result<(), SnapshotError> {
    file.read_exact_at(bytes, at).map_err(|cause| match cause.kind() {
        io::ErrorKind::UnexpectedEof => {
            SnapshotError::damaged(path, block_offset, "the file ends before its last block")
        }
        _ => SnapshotError::io(path, "read")(cause),
    })
}
