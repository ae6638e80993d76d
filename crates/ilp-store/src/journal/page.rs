//! One page: what one commit writes, under one checksum.

use super::entry::{Fields, put_u32, put_u64};

/// The bytes of a page's head.
pub(crate) const PAGE_HEADER_BYTES: usize = 40;

/// Pages begin at multiples of this, so that a search for them need not look at every byte.
pub(crate) const PAGE_ALIGNMENT: usize = 8;

/// How large a page may become. A larger batch takes several.
pub(crate) const PAGE_BYTES_MAX: usize = 1024 * 1024;

/// The first bytes of every page.
const MAGIC: u32 = u32::from_be_bytes(*b"JIRP");

/// A page as it was read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Page<'a> {
    /// The checksum of all that follows it in the page. The next page repeats it, which chains
    /// them.
    pub(crate) checksum: u32,
    /// The checksum of the page before this one.
    pub(crate) link: u32,
    /// The sequence of the first entry.
    pub(crate) first_sequence: u64,
    /// How many entries there are.
    pub(crate) count: u32,
    /// When it was written, in milliseconds since 1970.
    pub(crate) time_ms: u64,
    /// All of it, head included.
    pub(crate) bytes: &'a [u8],
}

/// What lies where a page may begin.
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
        if head.len() < PAGE_HEADER_BYTES {
            return Found::Broken("there is no room for a page");
        }
        let mut fields = Fields::new(head);
        if fields.u32() != Some(MAGIC) {
            return Found::Broken("it doesn't begin like a page");
        }
        let length = fields.u32().unwrap_or_default() as usize;
        let Some(whole) = bytes.get(..length).filter(|_| length >= PAGE_HEADER_BYTES) else {
            return Found::Broken("the page's length can't be");
        };
        let checksum = fields.u32().unwrap_or_default();
        if crc32fast::hash(&whole[12..]) != checksum {
            return Found::Broken("the page's checksum is wrong");
        }
        let mut field = || fields.u32().unwrap_or_default();
        let (link, count) = (field(), field());
        // Four bytes are kept for later.
        field();
        let mut field = || fields.u64().unwrap_or_default();
        let (first_sequence, time_ms) = (field(), field());
        Found::Page(Self { checksum, link, first_sequence, count, time_ms, bytes: whole })
    }

    /// Where the next page may begin, counted from the start of this one.
    pub(crate) fn stride(&self) -> usize {
        self.bytes.len().next_multiple_of(PAGE_ALIGNMENT)
    }

    /// The sequence of the last entry.
    pub(crate) fn last_sequence(&self) -> u64 {
        self.first_sequence + u64::from(self.count).saturating_sub(1)
    }
}

/// Fills in the head of a page whose entries are in `page` behind room for it, and returns its
/// checksum.
pub(crate) fn seal(
    page: &mut [u8],
    link: u32,
    first_sequence: u64,
    count: u32,
    time_ms: u64,
) -> u32 {
    put_u32(page, 0, MAGIC);
    put_u32(page, 4, u32::try_from(page.len()).unwrap_or(u32::MAX));
    put_u32(page, 12, link);
    put_u32(page, 16, count);
    put_u64(page, 24, first_sequence);
    put_u64(page, 32, time_ms);
    let checksum = crc32fast::hash(&page[12..]);
    put_u32(page, 8, checksum);
    checksum
}

/// Whether a valid page with a sequence from `sequence` on begins anywhere in `bytes`, which begin
/// at a multiple of the alignment.
pub(crate) fn any_from(bytes: &[u8], sequence: u64) -> bool {
    let magic = MAGIC.to_be_bytes();
    (0..bytes.len()).step_by(PAGE_ALIGNMENT).any(|offset| {
        bytes[offset..].starts_with(&magic)
            && matches!(Page::at(&bytes[offset..]),
                Found::Page(page) if page.first_sequence >= sequence)
    })
}
