//! Appends to the journal: gathers entries into a page, writes it, syncs it.

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
    time::Instant,
};

use uuid::Uuid;

use super::{
    Ahead, FORMAT_VERSION, Files, Gauges, LogPage, PageLog, PageName, Place, Pointers, Position,
    SegmentFile, Tail,
    entry::{RecordChange, encode, entry_bytes_max},
    page::{PAGE_ALIGNMENT, PAGE_BYTES_MAX, PAGE_HEADER_BYTES, seal},
    posted::Posted,
    scan::FIRST_PAGE,
    segment::{SEGMENT_HEADER_BYTES, SegmentHeader, path_of},
};

/// The least that a segment may have: room for its head and a page of a few entries.
pub(crate) const SEGMENT_BYTES_MIN: u32 = 4 * 1024;

/// The first segment is made while the node starts for the first time, so it is smaller.
const FIRST_SEGMENT_BYTES_MAX: u32 = 1024 * 1024;

/// The end of the journal, where pages are added.
pub(crate) struct Writer {
    journal: Uuid,
    files: Arc<dyn Files>,
    directory: PathBuf,
    ahead: Ahead,
    file: Box<dyn SegmentFile>,
    /// The length of the segment, in bytes.
    limit: u32,
    segment_bytes: u32,
    place: Place,
    /// Whether the segment has its head; it goes out with the first page.
    begun: bool,
    /// The page that is being gathered, behind the head of its segment where that is still to be
    /// written. Kept from page to page, so that at full speed nothing is allocated.
    buffer: Vec<u8>,
    gauges: Arc<Gauges>,
    /// The database that has to have each page as well, where there is one.
    page_log: Option<Arc<dyn PageLog>>,
    /// Where the page begins in the buffer.
    page_start: usize,
    count: u32,
}

impl Writer {
    /// Goes on at the end of a journal.
    ///
    /// # Errors
    /// When the segment can't be opened, or the thread can't be started.
    pub(crate) fn open(
        files: &Arc<dyn Files>,
        directory: &Path,
        journal: Uuid,
        tail: &Tail,
        segment_bytes: u32,
        (gauges, page_log): (Arc<Gauges>, Option<Arc<dyn PageLog>>),
    ) -> io::Result<Self> {
        let segment_bytes = segment_bytes.max(SEGMENT_BYTES_MIN);
        let path = path_of(directory, tail.place.segment);
        let file = files.open(&path)?;
        let limit = u32::try_from(fs::metadata(&path)?.len()).unwrap_or(u32::MAX);
        Ok(Self {
            journal,
            files: Arc::clone(files),
            directory: directory.to_owned(),
            ahead: Ahead::start(Arc::clone(files), directory, segment_bytes)?,
            file,
            limit,
            segment_bytes,
            place: tail.place,
            begun: tail.begun,
            buffer: Vec::new(),
            gauges,
            page_log,
            page_start: 0,
            count: 0,
        })
    }

    /// Makes the directory of a journal, and the segment with which it goes on.
    ///
    /// # Errors
    /// Those of the operating system.
    pub(crate) fn create(
        files: &dyn Files,
        directory: &Path,
        number: u32,
        segment_bytes: u32,
    ) -> io::Result<()> {
        match files.create_directory(directory) {
            Err(cause) if cause.kind() == io::ErrorKind::AlreadyExists => {}
            made => made?,
        }
        let bytes =
            segment_bytes.clamp(SEGMENT_BYTES_MIN, FIRST_SEGMENT_BYTES_MAX.max(SEGMENT_BYTES_MIN));
        drop(files.create(&path_of(directory, number), bytes.into())?);
        files.sync_directory(directory)?;
        // The directory's own name; an attempt before this one may have made it.
        files.sync_directory(directory.parent().unwrap_or(Path::new("")))
    }

    /// Returns the end of the journal. While entries are gathered, that is where their page goes.
    pub(crate) fn tail(&self) -> Tail {
        Tail { place: self.place, begun: self.begun, torn: false }
    }

    /// Tells why the next segment can't be prepared, while that is so.
    pub(crate) fn warning(&self) -> impl Fn() -> Option<String> + Send + Sync + use<> {
        self.ahead.watch()
    }

    /// Returns the place of the next entry. Commits the gathered entries when their page or segment is
    /// full.
    ///
    /// # Errors
    /// Those of a commit, and when there is no room for the next segment.
    pub(crate) fn position(&mut self, time_ms: u64) -> io::Result<Position> {
        if self.count > 0 {
            let gathered = self.buffer.len() - self.page_start;
            let with_one_more = gathered + entry_bytes_max() + PAGE_ALIGNMENT;
            if with_one_more > PAGE_BYTES_MAX || !self.has_room(with_one_more) {
                self.commit(time_ms)?;
            }
        }
        if self.count == 0 {
            self.begin_page(entry_bytes_max())?;
        }
        let in_page = u32::try_from(self.buffer.len() - self.page_start).unwrap_or(u32::MAX);
        Ok(Position::new(self.place.segment, self.place.offset + in_page))
    }

    /// Makes room for a unit in one page: for records of so many bytes, and for so many steps of
    /// transfers. Commits the gathered entries when they leave too little.
    ///
    /// # Errors
    /// As [`Writer::position`].
    pub(crate) fn make_room(
        &mut self,
        record_bytes: usize,
        transfers: usize,
        time_ms: u64,
    ) -> io::Result<()> {
        let bytes = record_bytes + (transfers + 1) * entry_bytes_max();
        if self.count > 0 {
            let whole = self.buffer.len() - self.page_start + bytes + PAGE_ALIGNMENT;
            if whole > PAGE_BYTES_MAX || !self.has_room(whole) {
                self.commit(time_ms)?;
            }
        }
        if self.count == 0 { self.begin_page(bytes) } else { Ok(()) }
    }

    /// Gathers the change of a record, for which there is room.
    pub(crate) fn push_record(&mut self, change: &RecordChange<'_>) {
        change.encode(&mut self.buffer, self.page_start);
        self.count += 1;
    }

    /// Gathers an entry, at the position that was given for it.
    pub(crate) fn push(&mut self, posted: &Posted, time_ms: u64, pointers: &Pointers) {
        encode(&mut self.buffer, self.page_start, posted, time_ms, pointers);
        self.count += 1;
    }

    /// Writes what was gathered, if anything, and returns once it is durable.
    ///
    /// # Errors
    /// Those of the write or the sync. Nothing may be written after one.
    pub(crate) fn commit(&mut self, time_ms: u64) -> io::Result<()> {
        if self.count == 0 {
            return Ok(());
        }
        let Place { link, next_sequence, offset, segment, .. } = self.place;
        let page = &mut self.buffer[self.page_start..];
        let checksum = seal(page, link, next_sequence, self.count, time_ms);
        let stride = page.len().next_multiple_of(PAGE_ALIGNMENT);
        self.buffer.resize(self.page_start + stride, 0);
        let at = if self.begun { offset } else { 0 };
        let started = Instant::now();
        if let Some(page_log) = &self.page_log {
            let last_sequence = next_sequence + u64::from(self.count).saturating_sub(1);
            let name = PageName { segment, offset: at, checksum, last_sequence };
            page_log.begin(LogPage { name, follows: link, bytes: &self.buffer });
        }
        self.file.write_at(&self.buffer, at.into())?;
        self.file.sync()?;
        if let Some(page_log) = &self.page_log {
            page_log.finish()?;
        }
        self.gauges.commits.record(started.elapsed().as_nanos().try_into().unwrap_or(u64::MAX));
        self.gauges.wrote(self.buffer.len());
        self.begun = true;
        self.place = Place {
            segment,
            offset: offset + u32::try_from(stride).unwrap_or(u32::MAX),
            page_offset: offset,
            link: checksum,
            next_sequence: next_sequence + u64::from(self.count),
        };
        self.count = 0;
        if self.place.offset > self.limit / 2 {
            self.ahead.want(segment + 1);
        }
        Ok(())
    }

    fn has_room(&self, bytes: usize) -> bool {
        self.place.offset as usize + bytes <= self.limit as usize
    }

    /// Begins a page with room for so many bytes of entries, in the next segment where this one is
    /// full.
    fn begin_page(&mut self, entry_bytes: usize) -> io::Result<()> {
        let bytes = PAGE_HEADER_BYTES + entry_bytes + PAGE_ALIGNMENT;
        if !self.has_room(bytes) {
            self.roll(bytes)?;
        }
        self.buffer.clear();
        if !self.begun {
            let header = SegmentHeader {
                journal: self.journal,
                number: self.place.segment,
                first_sequence: self.place.next_sequence,
                link: self.place.link,
                format: FORMAT_VERSION,
            };
            self.buffer.extend_from_slice(&header.to_bytes());
        }
        self.page_start = self.buffer.len();
        debug_assert!(self.begun || self.page_start == SEGMENT_HEADER_BYTES, "the head is whole");
        self.buffer.extend_from_slice(&[0; PAGE_HEADER_BYTES]);
        Ok(())
    }

    /// Goes on in the next segment, which takes a page of so many bytes.
    fn roll(&mut self, page_bytes: usize) -> io::Result<()> {
        let number = self.place.segment + 1;
        self.file = self.ahead.take(number)?;
        self.limit = self.segment_bytes;
        let wanted = u32::try_from(SEGMENT_HEADER_BYTES + page_bytes).unwrap_or(u32::MAX);
        if wanted > self.limit {
            // Only where segments are smaller than the largest unit.
            self.file = self.files.create(&path_of(&self.directory, number), wanted.into())?;
            self.limit = wanted;
        }
        self.gauges.segment_came(self.limit.into());
        self.place = Place { segment: number, offset: FIRST_PAGE, page_offset: 0, ..self.place };
        self.begun = false;
        Ok(())
    }
}
