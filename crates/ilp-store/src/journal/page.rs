//! One page: what one commit writes, under one checksum.

use xxhash_rust::xxh3::xxh3_128;

use super::entry::{Fields, put_u32, put_u64};

/// The bytes of the head of a page of format 2, the format that is written.
pub(crate) const PAGE_HEADER_BYTES: usize = 64;

/// The bytes of the head of a page of format 1.
const HEADER_BYTES_1: usize = 40;

/// Pages begin at multiples of this, so that a search for them need not look at every byte.
pub(crate) const PAGE_ALIGNMENT: usize = 8;

/// How large a page may become. A larger batch takes several.
pub(crate) const PAGE_BYTES_MAX: usize = 1024 * 1024;

/// The first bytes of a page of each format.
const MAGIC: u32 = u32::from_be_bytes(*b"JIR2");
const MAGIC_1: u32 = u32::from_be_bytes(*b"JIRP");

// The layout of format 2: magic, length, checksum, link, count, four zeros, sequence, time.
const _: () = assert!(4 + 4 + 16 + 16 + 4 + 4 + 8 + 8 == PAGE_HEADER_BYTES);
/// Where the checksum is, and where what it covers begins.
const CHECKSUM_AT: usize = 8;
const COVERED_FROM: usize = 24;
/// Where format 1 has the part of a page that its checksum covers.
const COVERED_FROM_1: usize = 12;

/// A page as it was read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Page<'a> {
    /// The checksum of all that follows it in the page. The next page repeats it, which chains
    /// them. A page of format 1 has one of 32 bits.
    pub(crate) checksum: u128,
    /// The checksum of the page before this one.
    pub(crate) link: u128,
    /// The sequence of the first entry.
    pub(crate) first_sequence: u64,
    /// How many entries there are.
    pub(crate) count: u32,
    /// When the page was written, in milliseconds since 1970.
    pub(crate) time_ms: u64,
    /// The whole page, head included.
    pub(crate) bytes: &'a [u8],
    /// Where the first entry begins in `bytes`.
    pub(crate) entries_from: usize,
}

/// The content of a place where a page may begin.
#[derive(Debug)]
pub(crate) enum Found<'a> {
    /// A whole page.
    Page(Page<'a>),
    /// Nothing was ever written here.
    Empty,
    /// Something that is no page, and why.
    Broken(&'static str),
}

impl<'a> Page<'a> {
    /// Looks at the start of `bytes`, which go on to the end of the segment.
    pub(crate) fn at(bytes: &'a [u8]) -> Found<'a> {
        let head = &bytes[..bytes.len().min(PAGE_HEADER_BYTES)];
        if head.iter().all(|byte| *byte == 0) {
            return Found::Empty;
        }
        let mut fields = Fields::new(head);
        let magic = fields.u32();
        let header_bytes = match magic {
            Some(MAGIC) => PAGE_HEADER_BYTES,
            Some(MAGIC_1) => HEADER_BYTES_1,
            _ if head.len() < HEADER_BYTES_1 => {
                return Found::Broken("there is no room for a page");
            }
            _ => return Found::Broken("it doesn't begin like a page"),
        };
        let length = fields.u32().unwrap_or_default() as usize;
        let Some(whole) = bytes.get(..length).filter(|_| length >= header_bytes) else {
            return Found::Broken("the page's length can't be");
        };
        let read = if magic == Some(MAGIC) { Self::read(whole) } else { Self::read_1(whole) };
        match read {
            Some(page) => Found::Page(page),
            None => Found::Broken("the page's checksum is wrong"),
        }
    }

    /// Reads a page of format 2. `None` where its checksum is wrong.
    fn read(whole: &'a [u8]) -> Option<Self> {
        let mut fields = Fields::new(whole.get(CHECKSUM_AT..)?);
        let checksum = fields.u128()?;
        if xxh3_128(&whole[COVERED_FROM..]) != checksum {
            return None;
        }
        let (link, count) = (fields.u128()?, fields.u32()?);
        // Four bytes are kept for later.
        fields.u32()?;
        let (first_sequence, time_ms) = (fields.u64()?, fields.u64()?);
        let entries_from = PAGE_HEADER_BYTES;
        Some(Self { checksum, link, first_sequence, count, time_ms, bytes: whole, entries_from })
    }

    /// Reads a page of format 1. `None` where its checksum is wrong.
    fn read_1(whole: &'a [u8]) -> Option<Self> {
        let mut fields = Fields::new(whole.get(CHECKSUM_AT..)?);
        let checksum = fields.u32()?;
        if crc32fast::hash(&whole[COVERED_FROM_1..]) != checksum {
            return None;
        }
        let (link, count) = (fields.u32()?.into(), fields.u32()?);
        fields.u32()?;
        let (first_sequence, time_ms) = (fields.u64()?, fields.u64()?);
        let (checksum, entries_from) = (checksum.into(), HEADER_BYTES_1);
        Some(Self { checksum, link, first_sequence, count, time_ms, bytes: whole, entries_from })
    }

    /// Returns where the next page may begin, counted from the start of this one.
    pub(crate) fn stride(&self) -> usize {
        self.bytes.len().next_multiple_of(PAGE_ALIGNMENT)
    }

    /// Returns the sequence of the last entry.
    pub(crate) fn last_sequence(&self) -> u64 {
        self.first_sequence + u64::from(self.count).saturating_sub(1)
    }
}

/// Fills in the head of a page whose entries are in `page` behind room for it, and returns its
/// checksum.
pub(crate) fn seal(
    page: &mut [u8],
    link: u128,
    first_sequence: u64,
    count: u32,
    time_ms: u64,
) -> u128 {
    put_u32(page, 0, MAGIC);
    put_u32(page, 4, u32::try_from(page.len()).unwrap_or(u32::MAX));
    page[COVERED_FROM..COVERED_FROM + 16].copy_from_slice(&link.to_be_bytes());
    put_u32(page, 40, count);
    put_u64(page, 48, first_sequence);
    put_u64(page, 56, time_ms);
    let checksum = xxh3_128(&page[COVERED_FROM..]);
    page[CHECKSUM_AT..COVERED_FROM].copy_from_slice(&checksum.to_be_bytes());
    checksum
}

/// Returns whether a valid page with a sequence from `sequence` on begins anywhere in `bytes`, which
/// begin at a multiple of the alignment.
pub(crate) fn any_from(bytes: &[u8], sequence: u64) -> bool {
    let magics = [MAGIC, MAGIC_1].map(u32::to_be_bytes);
    (0..bytes.len()).step_by(PAGE_ALIGNMENT).any(|offset| {
        let rest = &bytes[offset..];
        magics.iter().any(|magic| rest.starts_with(magic))
            && matches!(Page::at(rest), Found::Page(page) if page.first_sequence >= sequence)
    })
}
