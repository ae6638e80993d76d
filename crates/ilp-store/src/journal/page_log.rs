//! A second place for the log's pages: a database that several nodes share.

use std::{fmt, io, path::Path};

use super::{
    page::{Found, PAGE_HEADER_BYTES, Page},
    segment::{Head, SEGMENT_HEADER_BYTES, SegmentHeader, read_written},
};
use crate::error::StoreError;

/// A place beside the disk that must have each page of the log before anybody is told of its content.
///
/// The log's writer calls it from one thread, and writes and syncs the page on the disk between the
/// two calls, so that both waits pass together.
pub trait PageLog: Send + Sync + fmt::Debug {
    /// Begins to write the page that follows the last one.
    fn begin(&self, page: LogPage<'_>);

    /// Returns once the page that was begun would survive the loss of one machine.
    ///
    /// # Errors
    /// Any error stops the log for good: another node has taken the log over.
    fn finish(&self) -> io::Result<()>;

    /// Returns whether a page has waited for so long that no further transfer is taken.
    fn is_stalled(&self) -> bool;
}

/// A page of the log as it lies in its segment, with the head of the segment before the first page of
/// one.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct LogPage<'a> {
    /// The place and the checksum of the page.
    pub name: PageName,
    /// The checksum of the page before, 128 bits; 0 before the first page ever.
    pub follows: u128,
    /// The page, and the zeros behind it up to where the next one may begin.
    pub bytes: &'a [u8],
}

/// The name of a page: its place and its checksum. Two logs that both have a page of one name are
/// alike up to it, since each checksum covers the one before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PageName {
    /// The number of the segment.
    pub segment: u32,
    /// The offset of the page's bytes in the segment; 0 where the segment's head comes with them.
    pub offset: u32,
    /// The checksum of the page, 128 bits.
    pub checksum: u128,
    /// The sequence of the page's last entry.
    pub last_sequence: u64,
}

impl<'a> LogPage<'a> {
    /// Reads the page whose bytes lie at `offset` of a segment. `None` where they are no whole page
    /// of the present format.
    #[must_use]
    pub fn read(segment: u32, offset: u32, bytes: &'a [u8]) -> Option<Self> {
        let head = if offset == 0 { SEGMENT_HEADER_BYTES } else { 0 };
        match Page::at(bytes.get(head..)?) {
            Found::Page(page) if page.entries_from == PAGE_HEADER_BYTES => {
                let (checksum, last_sequence) = (page.checksum, page.last_sequence());
                let name = PageName { segment, offset, checksum, last_sequence };
                Some(Self { name, follows: page.link, bytes })
            }
            _ => None,
        }
    }
}

impl fmt::Debug for LogPage<'_> {
    /// Shows the place, since the content may hold a secret.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("LogPage")
            .field("name", &self.name)
            .field("bytes", &self.bytes.len())
            .finish()
    }
}

/// Calls `visit` with each page of the segment at `path`, up to the first one that isn't whole, follows
/// another one than that before it, or is of an older format. An absent segment has none.
///
/// # Errors
/// When the segment can't be read, and those of `visit`.
pub(crate) fn pages_of<E: From<StoreError>>(
    path: &Path,
    segment: u32,
    mut visit: impl FnMut(LogPage<'_>) -> Result<(), E>,
) -> Result<(), E> {
    let mut bytes = Vec::new();
    let head = match read_written(path, 0, &mut bytes) {
        Ok(head) => head,
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(cause) => return Err(StoreError::read(cause).into()),
    };
    let Ok(Head::Whole(header)) = SegmentHeader::read(path, &head) else { return Ok(()) };
    let (mut link, mut next_sequence) = (header.link, header.first_sequence);
    let (mut start, mut page_start) = (0, SEGMENT_HEADER_BYTES);
    while let Found::Page(page) = Page::at(bytes.get(page_start..).unwrap_or_default()) {
        if page.link != link || page.first_sequence != next_sequence || page.count == 0 {
            break;
        }
        (link, next_sequence) = (page.checksum, page.last_sequence() + 1);
        page_start += page.stride();
        bytes.resize(bytes.len().max(page_start), 0);
        let offset = u32::try_from(start).unwrap_or(u32::MAX);
        let Some(page) = LogPage::read(segment, offset, &bytes[start..page_start]) else { break };
        visit(page)?;
        start = page_start;
    }
    Ok(())
}
