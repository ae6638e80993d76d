//! Snapshot files: all entries of the index as of one place in the log, in one file.
//!
//! With a snapshot, the log's segments before its place are no longer needed, and a start without
//! an index needs no replay from the log's beginning. A snapshot is written as
//! `NNNNNNNNNNNNNNNNNNNN.snapshot.partial`, synced, renamed, and its directory synced: a file
//! without `.partial` was whole when it got its name. The number is the sequence of the first log
//! entry that is not in the snapshot.
//!
//! All numbers are big-endian, all checksums are 128-bit XXH3. The file begins with a head:
//!
//! | at | bytes | |
//! |---|---|---|
//! | 0 | 8 | `JIRANIS` and a zero |
//! | 8 | 4 | format version |
//! | 12 | 4 | zero |
//! | 16 | 16 | the journal's id |
//! | 32 | 12 | the place: segment, offset, offset of the last page |
//! | 44 | 4 | zero |
//! | 48 | 16 | the place: checksum of the last page |
//! | 64 | 8 | the place: sequence of the next entry |
//! | 72 | 8 | the snapshot's time, in milliseconds since 1970 |
//! | 80 | 16 | checksum of the 80 bytes before |
//!
//! Blocks follow:
//!
//! | at | bytes | |
//! |---|---|---|
//! | 0 | 4 | length of the entries, in bytes |
//! | 4 | 4 | number of entries |
//! | 8 | 16 | checksum of the block, computed with the previous block's checksum in this field; the first block takes the head's |
//! | 24 | | the entries: length of the key (4), length of the value (4), key, value |
//!
//! Keys rise through the whole file. A block has up to 64 KiB of entries, or one entry that is
//! larger. The last block has zero entries; it holds the number of all entries (8) and the length
//! of the file (8), and the file ends with it. So the reader finds an absent, swapped or foreign
//! block, a truncated file and a byte too many.

mod error;
mod head;
mod listing;
mod reader;
#[cfg(test)]
mod tests;
mod writer;

use std::path::PathBuf;

pub(crate) use self::{
    error::SnapshotError,
    head::SnapshotHead,
    listing::{keep_newest, partial_path_of, path_of, snapshots_in},
    reader::SnapshotReader,
    writer::SnapshotWriter,
};

/// The format that this program writes, and the newest that it reads.
pub(crate) const FORMAT_VERSION: u32 = 1;

/// The largest key, in bytes.
pub(crate) const KEY_BYTES_MAX: usize = 64 * 1024;

/// The largest value, in bytes.
pub(crate) const VALUE_BYTES_MAX: usize = 16 * 1024 * 1024;

/// The most bytes of entries in a block of several entries.
const BLOCK_BYTES_MAX: usize = 64 * 1024;

/// The bytes of a block's head: length, count and checksum.
const BLOCK_HEAD_BYTES: usize = 24;

/// The offset of the checksum in a block's head.
const BLOCK_CHECKSUM_AT: usize = 8;

/// The bytes of an entry's head: length of the key and length of the value.
const ENTRY_HEAD_BYTES: usize = 8;

/// The largest entry, in bytes, and so the largest block without its head.
const ENTRY_BYTES_MAX: usize = ENTRY_HEAD_BYTES + KEY_BYTES_MAX + VALUE_BYTES_MAX;

/// The bytes in the last block, without its head: number of entries and length of the file.
const TOTALS_BYTES: usize = 16;

/// An entry of a snapshot: its key and its value.
pub(crate) type SnapshotEntry = (Vec<u8>, Vec<u8>);

/// A whole snapshot file and its size.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SnapshotReport {
    pub(crate) path: PathBuf,
    /// The number of entries.
    pub(crate) entries: u64,
    /// The length of the file, in bytes.
    pub(crate) bytes: u64,
}

/// Fills in the checksum of a block and returns it. `previous` is the checksum of the block before,
/// or of the file's head.
fn seal(block: &mut [u8], previous: u128) -> u128 {
    let checksum_field = BLOCK_CHECKSUM_AT..BLOCK_HEAD_BYTES;
    block[checksum_field.clone()].copy_from_slice(&previous.to_be_bytes());
    let checksum = xxhash_rust::xxh3::xxh3_128(block);
    block[checksum_field].copy_from_slice(&checksum.to_be_bytes());
    checksum
}

/// Takes an array of bytes off the front of `bytes`.
fn take<const N: usize>(bytes: &mut &[u8]) -> Option<[u8; N]> {
    let (first, rest) = bytes.split_first_chunk::<N>()?;
    *bytes = rest;
    Some(*first)
}
