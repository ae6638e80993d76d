//! Reads the journal in its order, and tells an end that a crash tore from damage.
//!
//! One page is written at a time, and the next one only after a sync. So of all that was ever
//! written, a crash can tear the last page alone, and nothing valid lies behind it. Whatever is
//! broken and has a valid page behind it was whole once: that is damage, and named.

use std::{fs, io, path::Path};

use uuid::Uuid;

use super::{
    Files, JournalError,
    page::{Found, PAGE_ALIGNMENT, Page, any_from},
    segment::{
        Head, SEGMENT_HEADER_BYTES, SegmentHeader, head_of, path_of, read_range, read_written,
    },
};
use crate::error::StoreError;

/// A place between two pages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) segment: u32,
    /// Where the next page goes, in bytes from the segment's start.
    pub(crate) offset: u32,
    /// Where the last page begins; zero when the segment has none yet.
    pub(crate) page_offset: u32,
    /// The checksum of the last page; zero before the first one ever.
    pub(crate) link: u128,
    pub(crate) next_sequence: u64,
}

/// The segment's head as an offset: where the first page goes.
pub(crate) const FIRST_PAGE: u32 = SEGMENT_HEADER_BYTES as u32;

impl Place {
    /// Where a journal begins.
    pub(crate) const START: Self =
        Self { segment: 1, offset: FIRST_PAGE, page_offset: 0, link: 0, next_sequence: 1 };

    /// The place behind a page that begins at this one.
    pub(crate) fn behind(self, page: &Page<'_>) -> Self {
        Self {
            segment: self.segment,
            // A segment's length fits, so all that lies in it does.
            offset: self.offset + u32::try_from(page.stride()).unwrap_or(u32::MAX),
            page_offset: self.offset,
            link: page.checksum,
            next_sequence: self.next_sequence + u64::from(page.count),
        }
    }
}

/// Where the journal ends.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tail {
    pub(crate) place: Place,
    /// Whether the segment has its head yet.
    pub(crate) begun: bool,
    /// Whether something lies behind the end that is no page.
    pub(crate) torn: bool,
}

/// A page on the way.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scanned<'a> {
    pub(crate) page: Page<'a>,
    /// Where it begins.
    pub(crate) at: Place,
}

/// Reads all pages from a place on.
///
/// # Errors
/// [`JournalError`] for everything but a torn end, and whatever `visit` says.
pub(crate) fn scan(
    directory: &Path,
    journal: Uuid,
    from: Place,
    visit: impl FnMut(Scanned<'_>) -> Result<(), StoreError>,
) -> Result<Tail, StoreError> {
    scan_until(directory, journal, from, u64::MAX, visit)
}

/// Reads the pages from a place on, up to the one that ends with `last_sequence`. The bytes behind it
/// aren't looked at.
pub(crate) fn scan_until(
    directory: &Path,
    journal: Uuid,
    from: Place,
    last_sequence: u64,
    mut visit: impl FnMut(Scanned<'_>) -> Result<(), StoreError>,
) -> Result<Tail, StoreError> {
    let (mut place, mut bytes) = (from, Vec::new());
    loop {
        let path = path_of(directory, place.segment);
        let head = match read_written(&path, place.offset, &mut bytes) {
            Ok(head) => head,
            Err(cause) if cause.kind() == io::ErrorKind::NotFound => {
                return Err(JournalError::SegmentMissing { path }.into());
            }
            Err(cause) => return Err(StoreError::read(cause)),
        };
        let from = place.offset as usize;
        let segment = Segment { directory, path: &path, journal, head, from, bytes: &bytes };
        if !segment.has_head(place)? {
            check_last(directory, place.segment)?;
            let torn = head.iter().chain(&bytes).any(|byte| *byte != 0);
            return Ok(Tail { place, begun: false, torn });
        }
        let broken = loop {
            if place.next_sequence > last_sequence {
                return Ok(Tail { place, begun: true, torn: false });
            }
            match segment.page_at(place) {
                Ok(Some(page)) => {
                    visit(Scanned { page, at: place })?;
                    place = place.behind(&page);
                }
                Ok(None) => break None,
                Err(detail) => break Some(detail),
            }
        };
        match segment.end(place, broken)? {
            Some(next) => place = next,
            None => {
                let torn = segment.rest(place).iter().any(|byte| *byte != 0);
                return Ok(Tail { place, begun: true, torn });
            }
        }
    }
}

/// The part of a segment that a scan looks at, in memory.
struct Segment<'a> {
    directory: &'a Path,
    path: &'a Path,
    journal: Uuid,
    head: [u8; SEGMENT_HEADER_BYTES],
    /// Where in the segment `bytes` begin.
    from: usize,
    bytes: &'a [u8],
}

impl Segment<'_> {
    fn rest(&self, place: Place) -> &[u8] {
        self.behind(place.offset as usize)
    }

    fn behind(&self, offset: usize) -> &[u8] {
        self.bytes.get(offset - self.from..).unwrap_or_default()
    }

    /// Whether the head is there and fits. One that isn't is an end, if no page follows it.
    fn has_head(&self, place: Place) -> Result<bool, StoreError> {
        let head = SegmentHeader::read(self.path, &self.head)?;
        let Head::Whole(header) = head else {
            let follows = any_from(self.bytes, 0);
            if place.offset != FIRST_PAGE || follows {
                return Err(self.damaged(0, "the segment's head is broken".to_owned()));
            }
            return Ok(false);
        };
        let detail = if header.journal != self.journal {
            "it belongs to another journal".to_owned()
        } else if header.number != place.segment {
            format!("it says that it is segment {}", header.number)
        } else if place.offset != FIRST_PAGE {
            return Ok(true);
        } else if header.first_sequence != place.next_sequence {
            format!(
                "it begins with transfer {}, and {} should follow",
                header.first_sequence, place.next_sequence
            )
        } else if header.link != place.link {
            "it follows another page than the last one".to_owned()
        } else {
            return Ok(true);
        };
        Err(JournalError::OutOfChain { path: self.path.to_owned(), detail }.into())
    }

    /// The page at a place, `None` where nothing was written, or what is wrong with it.
    fn page_at(&self, place: Place) -> Result<Option<Page<'_>>, String> {
        match Page::at(self.rest(place)) {
            Found::Empty => Ok(None),
            Found::Broken(detail) => Err(detail.to_owned()),
            Found::Page(page) if page.first_sequence != place.next_sequence || page.count == 0 => {
                Err(format!(
                    "the page begins with transfer {}, and {} should follow",
                    page.first_sequence, place.next_sequence
                ))
            }
            Found::Page(page) if page.link != place.link => {
                Err("the page follows another one than that before it".to_owned())
            }
            Found::Page(page) => Ok(Some(page)),
        }
    }

    /// Returns the place after the last page of this segment: that of the next segment, or nothing.
    fn end(&self, place: Place, broken: Option<String>) -> Result<Option<Place>, StoreError> {
        let what = broken.clone().unwrap_or_else(|| "a page is missing".to_owned());
        let offset = (place.offset as usize).next_multiple_of(PAGE_ALIGNMENT);
        if any_from(self.behind(offset), 0) {
            return Err(self.damaged(place.offset.into(), what));
        }
        let next = place.segment + 1;
        if !path_of(self.directory, next).exists() {
            return Ok(None);
        }
        if !begins(self.directory, next)? {
            check_last(self.directory, next)?;
            return Ok(None);
        }
        if broken.is_some() || self.rest(place).iter().any(|byte| *byte != 0) {
            return Err(self.damaged(place.offset.into(), what));
        }
        Ok(Some(Place { segment: next, offset: FIRST_PAGE, page_offset: 0, ..place }))
    }

    fn damaged(&self, offset: u64, detail: String) -> StoreError {
        JournalError::Damaged { path: self.path.to_owned(), offset, detail }.into()
    }
}

/// Returns whether an existing segment has its head or a page.
fn begins(directory: &Path, number: u32) -> Result<bool, StoreError> {
    match head_of(directory, number)? {
        Head::Whole(_) => Ok(true),
        // A crash while it was being taken into use, or before; or else damage, which pages behind
        // the head give away.
        Head::Unused | Head::Broken => {
            let mut bytes = Vec::new();
            read_written(&path_of(directory, number), 0, &mut bytes).map_err(StoreError::read)?;
            Ok(any_from(&bytes, 0))
        }
    }
}

/// Checks that no segment behind one without head and pages has been written. The next segment is
/// written only after a page of this one was synced, so this one would have lost all of its pages.
fn check_last(directory: &Path, empty: u32) -> Result<(), StoreError> {
    let mut later = empty + 1;
    while path_of(directory, later).exists() {
        if begins(directory, later)? {
            let detail = format!("it has no page, and segment {later} behind it was written");
            let path = path_of(directory, empty);
            return Err(JournalError::Damaged { path, offset: 0, detail }.into());
        }
        later += 1;
    }
    Ok(())
}

/// Checks that the page before a checkpoint's place is there.
///
/// # Errors
/// [`JournalError::CheckpointAhead`] or [`JournalError::CheckpointWrong`] when it isn't, or when
/// the segment can't be read.
pub(crate) fn check_place(directory: &Path, place: Place) -> Result<(), StoreError> {
    if place.page_offset == 0 {
        return Ok(());
    }
    let path = path_of(directory, place.segment);
    let page = read_range(&path, place.page_offset, place.offset).map_err(StoreError::read)?;
    let (ahead, detail) = match Page::at(&page) {
        Found::Page(page) if page.checksum != place.link => (false, "another page is there"),
        Found::Page(page) if page.last_sequence() + 1 == place.next_sequence => return Ok(()),
        Found::Page(_) => (false, "its page has other transfers"),
        Found::Empty => (true, "its page isn't there"),
        Found::Broken(detail) => (true, detail),
    };
    let (offset, segment) = (place.page_offset, place.segment);
    let detail = format!("{detail}, at byte {offset} of segment {segment}");
    let checkpoint = place.next_sequence - 1;
    Err(if ahead {
        JournalError::CheckpointAhead { path: directory.to_owned(), checkpoint, detail }.into()
    } else {
        JournalError::CheckpointWrong { sequence: checkpoint, detail }.into()
    })
}

/// Wipes what lies behind the end, so that nothing of it is ever taken for a page.
pub(crate) fn repair(files: &dyn Files, directory: &Path, tail: &Tail) -> io::Result<()> {
    let path = path_of(directory, tail.place.segment);
    let from = if tail.begun { u64::from(tail.place.offset) } else { 0 };
    let bytes = fs::metadata(&path)?.len();
    let length = usize::try_from(bytes.saturating_sub(from)).unwrap_or(usize::MAX);
    tracing::info!(
        path = %path.display(), offset = from,
        "wiped the end of the journal, torn by a crash before anyone was told of it"
    );
    let file = files.open(&path)?;
    file.write_at(&vec![0; length], from)?;
    file.sync()
}

/// Writes the last page again and syncs it. A start finds a page that a killed process wrote and
/// didn't sync, or whose sync failed: reads show it, and yet the disk may not have it. The system
/// takes pages of a failed sync for clean, so a further sync alone would do nothing for them.
pub(crate) fn make_durable(files: &dyn Files, directory: &Path, tail: &Tail) -> io::Result<()> {
    let Place { segment, offset, page_offset, .. } = tail.place;
    if !tail.begun || page_offset == 0 {
        return Ok(());
    }
    let path = path_of(directory, segment);
    // The head goes out with the first page.
    let from = if page_offset == FIRST_PAGE { 0 } else { page_offset };
    let page = read_range(&path, from, offset)?;
    let file = files.open(&path)?;
    file.write_at(&page, from.into())?;
    file.sync()
}
