//! A segment: one file of the chain, its name and its head.

use std::{
    fs::{self, File},
    io,
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
};

use uuid::Uuid;
use xxhash_rust::xxh3::xxh3_64;

use super::{
    FORMAT_1, FORMAT_VERSION, JournalError, Place,
    entry::{Fields, put_u32, put_u64},
    page::{PAGE_ALIGNMENT, PAGE_BYTES_MAX},
};
use crate::error::StoreError;

/// The journal's directory, in the store's.
pub(crate) const DIRECTORY: &str = "journal";

/// The bytes of a segment's head.
pub(crate) const SEGMENT_HEADER_BYTES: usize = 64;

/// How much of a segment is read at a time.
const READ_BYTES: usize = 256 * 1024;

const MAGIC: [u8; 8] = *b"JIRANIJ\0";

/// The header of a segment. It is written together with the first page, since a segment is prepared
/// before the sequence that precedes it is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SegmentHeader {
    /// Names the journal, so that a file of another node's is noticed.
    pub(crate) journal: Uuid,
    pub(crate) number: u32,
    pub(crate) first_sequence: u64,
    /// The checksum of the last page of the segment before.
    pub(crate) link: u128,
    /// The format of the segment's pages.
    pub(crate) format: u32,
}

/// The head of a file, as far as it could be read.
pub(crate) enum Head {
    Whole(SegmentHeader),
    /// Prepared and not used yet.
    Unused,
    /// The head is torn by a crash, or damaged.
    Broken,
}

// The layout of format 2: magic, format, number, journal, link, sequence, checksum.
const _: () = assert!(8 + 4 + 4 + 16 + 16 + 8 + 8 == SEGMENT_HEADER_BYTES);
/// Where the checksum of a head of format 2 is, which covers all before it.
const CHECKSUM_AT: usize = 56;

impl SegmentHeader {
    /// Returns the head in the format that is written.
    pub(crate) fn to_bytes(self) -> [u8; SEGMENT_HEADER_BYTES] {
        let mut bytes = [0; SEGMENT_HEADER_BYTES];
        bytes[..8].copy_from_slice(&MAGIC);
        put_u32(&mut bytes, 8, FORMAT_VERSION);
        put_u32(&mut bytes, 12, self.number);
        bytes[16..32].copy_from_slice(self.journal.as_bytes());
        bytes[32..48].copy_from_slice(&self.link.to_be_bytes());
        put_u64(&mut bytes, 48, self.first_sequence);
        let checksum = xxh3_64(&bytes[..CHECKSUM_AT]);
        put_u64(&mut bytes, CHECKSUM_AT, checksum);
        bytes
    }

    /// # Errors
    /// [`JournalError::UnknownFormat`] for that of a newer program.
    pub(crate) fn read(path: &Path, bytes: &[u8]) -> Result<Head, JournalError> {
        let Some(bytes) = bytes.get(..SEGMENT_HEADER_BYTES) else { return Ok(Head::Broken) };
        if bytes.iter().all(|byte| *byte == 0) {
            return Ok(Head::Unused);
        }
        if bytes[..8] != MAGIC {
            return Ok(Head::Broken);
        }
        let format = Fields::new(&bytes[8..]).u32().unwrap_or_default();
        let sealed_2 =
            Fields::new(&bytes[CHECKSUM_AT..]).u64() == Some(xxh3_64(&bytes[..CHECKSUM_AT]));
        let mut unsealed_1 = [0; SEGMENT_HEADER_BYTES];
        unsealed_1.copy_from_slice(bytes);
        put_u32(&mut unsealed_1, 12, 0);
        let sealed_1 = Fields::new(&bytes[12..]).u32() == Some(crc32fast::hash(&unsealed_1));
        let header = match format {
            FORMAT_1 if sealed_1 => Self::fields_1(&bytes[16..]),
            FORMAT_VERSION if sealed_2 => Self::fields_2(&bytes[12..]),
            found if found > FORMAT_VERSION && (sealed_1 || sealed_2) => {
                let (path, known) = (path.to_owned(), FORMAT_VERSION);
                return Err(JournalError::UnknownFormat { path, found, known });
            }
            _ => None,
        };
        Ok(header.map_or(Head::Broken, Head::Whole))
    }

    fn fields_1(bytes: &[u8]) -> Option<Self> {
        let mut fields = Fields::new(bytes);
        let (journal, number, link) = (fields.uuid()?, fields.u32()?, fields.u32()?.into());
        Some(Self { journal, number, link, first_sequence: fields.u64()?, format: FORMAT_1 })
    }

    fn fields_2(bytes: &[u8]) -> Option<Self> {
        let mut fields = Fields::new(bytes);
        let (number, journal, link) = (fields.u32()?, fields.uuid()?, fields.u128()?);
        Some(Self { journal, number, link, first_sequence: fields.u64()?, format: FORMAT_VERSION })
    }
}

/// Where a segment is.
pub(crate) fn path_of(directory: &Path, number: u32) -> PathBuf {
    directory.join(format!("{number:010}.segment"))
}

/// Which segment a file is, if its name is one's.
pub(crate) fn number_of(path: &Path) -> Option<u32> {
    let name = path.file_name()?.to_str()?.strip_suffix(".segment")?;
    name.parse().ok().filter(|_| name.len() == 10)
}

/// The numbers of the segments in a directory, rising. None for a directory that isn't there.
pub(crate) fn segments_in(directory: &Path) -> Result<Vec<u32>, StoreError> {
    let listed = match fs::read_dir(directory) {
        Ok(listed) => listed,
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(cause) => return Err(StoreError::read(cause)),
    };
    let mut numbers = Vec::new();
    for entry in listed {
        numbers.extend(number_of(&entry.map_err(StoreError::read)?.path()));
    }
    numbers.sort_unstable();
    Ok(numbers)
}

/// Reads the head of a segment.
pub(crate) fn head_of(directory: &Path, number: u32) -> Result<Head, StoreError> {
    let path = path_of(directory, number);
    let mut bytes = [0; SEGMENT_HEADER_BYTES];
    let file = File::open(&path).map_err(StoreError::read)?;
    match file.read_exact_at(&mut bytes, 0) {
        Ok(()) => Ok(SegmentHeader::read(&path, &bytes)?),
        Err(cause) if cause.kind() == io::ErrorKind::UnexpectedEof => Ok(Head::Broken),
        Err(cause) => Err(StoreError::read(cause)),
    }
}

/// Reads a segment's head, and into `bytes` what was written from an offset on. A segment is made at its
/// full length, so most of the newest one is zeros: of those behind the last byte that isn't zero, only
/// as many are kept as a page may end with.
///
/// # Errors
/// When the file can't be opened or read.
pub(crate) fn read_written(
    path: &Path,
    from: u32,
    bytes: &mut Vec<u8>,
) -> io::Result<[u8; SEGMENT_HEADER_BYTES]> {
    let file = File::open(path)?;
    let mut head = [0; SEGMENT_HEADER_BYTES];
    read_at(&file, 0, &mut head)?;
    bytes.clear();
    let (mut chunk, mut offset, mut zeros) = (vec![0; READ_BYTES], u64::from(from), 0);
    loop {
        let length = read_at(&file, offset, &mut chunk)?;
        let read = &chunk[..length];
        if read.iter().all(|byte| *byte == 0) {
            zeros += length;
        } else {
            bytes.resize(bytes.len() + zeros, 0);
            bytes.extend_from_slice(read);
            zeros = 0;
        }
        offset += length as u64;
        if length < READ_BYTES {
            break;
        }
    }
    bytes.resize(bytes.len() + zeros.min(PAGE_BYTES_MAX), 0);
    Ok(head)
}

/// Reads the bytes between two offsets of a segment, with the head and a page between them at the most.
/// There are fewer where the file ends before.
///
/// # Errors
/// When the file can't be opened or read.
pub(crate) fn read_range(path: &Path, from: u32, to: u32) -> io::Result<Vec<u8>> {
    // The offsets may be those of a damaged index.
    let length_max = SEGMENT_HEADER_BYTES + PAGE_BYTES_MAX + PAGE_ALIGNMENT;
    let mut bytes = vec![0; length_max.min(to.saturating_sub(from) as usize)];
    let length = read_at(&File::open(path)?, from.into(), &mut bytes)?;
    bytes.truncate(length);
    Ok(bytes)
}

/// Fills `bytes` from an offset of a file on, and returns how many there were before its end.
fn read_at(file: &File, offset: u64, bytes: &mut [u8]) -> io::Result<usize> {
    let mut length = 0;
    while length < bytes.len() {
        match file.read_at(&mut bytes[length..], offset + length as u64) {
            Ok(0) => break,
            Ok(read) => length += read,
            Err(cause) if cause.kind() == io::ErrorKind::Interrupted => {}
            Err(cause) => return Err(cause),
        }
    }
    Ok(length)
}

/// Which journal the segments belong to, going by the oldest one in use.
pub(crate) fn identity_of(directory: &Path, segments: &[u32]) -> Result<Option<Uuid>, StoreError> {
    for number in segments {
        if let Head::Whole(header) = head_of(directory, *number)? {
            return Ok(Some(header.journal));
        }
    }
    Ok(None)
}

/// Returns where a segment begins, as its head says. `None` for a segment that isn't used yet.
pub(crate) fn place_of(directory: &Path, number: u32) -> Result<Option<Place>, StoreError> {
    Ok(match head_of(directory, number)? {
        Head::Whole(SegmentHeader { first_sequence, link, .. }) => {
            Some(Place { segment: number, next_sequence: first_sequence, link, ..Place::START })
        }
        Head::Unused | Head::Broken => None,
    })
}

/// Returns whether the first segment of a log is of a format that has records, so that all of them
/// can be read from the log. A segment that isn't used yet is.
pub(crate) fn begins_with_records(directory: &Path) -> Result<bool, StoreError> {
    Ok(!is_segment_of_format_1(directory, Place::START.segment)?)
}

/// Returns whether a segment has the head of format 1.
pub(crate) fn is_segment_of_format_1(directory: &Path, number: u32) -> Result<bool, StoreError> {
    let head = head_of(directory, number)?;
    Ok(matches!(head, Head::Whole(header) if header.format == FORMAT_1))
}

/// Checks that the segments from `oldest` on are all there, each under its own number, of this
/// journal, and in the order of their sequences. Reads their heads alone.
///
/// # Errors
/// [`JournalError::SegmentMissing`], [`JournalError::OutOfChain`], or a newer format.
pub(crate) fn check_chain(
    directory: &Path,
    segments: &[u32],
    oldest: u32,
    journal: Uuid,
) -> Result<(), StoreError> {
    let mut last_sequence = 0;
    let newest = segments.last().copied().unwrap_or(oldest);
    for number in oldest..=newest {
        let path = path_of(directory, number);
        if segments.binary_search(&number).is_err() {
            return Err(JournalError::SegmentMissing { path }.into());
        }
        // One that is broken or unused is for the scan to judge, which sees what is around it.
        let Head::Whole(header) = head_of(directory, number)? else { continue };
        let detail = if header.journal != journal {
            "it belongs to another journal".to_owned()
        } else if header.number != number {
            format!("it says that it is segment {}", header.number)
        } else if header.first_sequence < last_sequence {
            format!("it begins with transfer {}", header.first_sequence)
        } else {
            // Two that begin alike are in order: the first page of the former was torn, and the next
            // unit needed a larger segment.
            last_sequence = header.first_sequence;
            continue;
        };
        return Err(JournalError::OutOfChain { path, detail }.into());
    }
    Ok(())
}

/// Makes the names in a directory survive a loss of power.
pub(crate) fn sync_directory(directory: &Path) -> io::Result<()> {
    File::open(directory)?.sync_all()
}
