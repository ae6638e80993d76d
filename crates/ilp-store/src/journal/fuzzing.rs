//! Logs that a fuzzer writes and damages.

use std::{fs, path::Path};

use uuid::Uuid;

use super::{
    Disk, FORMAT_VERSION, LogEntry, Place, RecordChange,
    entry::{Fields, distance},
    page::{Found, PAGE_ALIGNMENT, PAGE_HEADER_BYTES, Page, seal},
    path_of, repair, scan,
    segment::{SEGMENT_HEADER_BYTES, SegmentHeader},
};

const JOURNAL: Uuid = Uuid::from_bytes([7; 16]);

/// The most segments of a log, pages of a segment, and bytes that are changed in it.
const SEGMENTS_MAX: u8 = 3;
const PAGES_MAX: u8 = 4;
const CHANGES_MAX: u8 = 8;

/// Reads bytes as a page, and as an entry. An entry with a record's change is the one that was read
/// when it is written again.
pub(crate) fn read_entries(bytes: &[u8]) {
    if let Found::Page(page) = Page::at(bytes) {
        assert!(page.stride() >= page.bytes.len() && page.entries_from <= page.bytes.len());
    }
    drop(SegmentHeader::read(Path::new("fuzzed"), bytes));
    let _ = distance(bytes);
    let Some((entry, length)) = LogEntry::decode(bytes, 1) else { return };
    assert!(length > 0 && length <= bytes.len());
    if let LogEntry::Record(change) = entry {
        let mut again = Vec::new();
        change.encode(&mut again, 0);
        assert_eq!(again.len(), length);
        // The fourth byte and the distance mean nothing to a reader of the entry.
        assert_eq!((&again[..3], &again[8..]), (&bytes[..3], &bytes[8..length]));
    }
}

/// A page as it was written: the segment, the offset in it, and the bytes.
struct Written {
    segment: usize,
    offset: usize,
    bytes: Vec<u8>,
}

/// A log of valid pages, some of whose bytes were changed afterwards.
pub(crate) struct DamagedLog<'a> {
    directory: &'a Path,
    segments: Vec<Vec<u8>>,
    pages: Vec<Written>,
}

impl<'a> DamagedLog<'a> {
    /// Writes the log that a script describes: its pages with their entries, then the changes.
    pub(crate) fn write(directory: &'a Path, script: &[u8]) -> Self {
        let mut script = Fields::new(script);
        let mut log = Self { directory, segments: Vec::new(), pages: Vec::new() };
        let (mut link, mut sequence) = (0, 1);
        for number in 1..=script.u8().unwrap_or_default() % SEGMENTS_MAX + 1 {
            let head = SegmentHeader {
                journal: JOURNAL,
                number: number.into(),
                first_sequence: sequence,
                link,
                format: FORMAT_VERSION,
            };
            let mut segment = head.to_bytes().to_vec();
            for _ in 0..script.u8().unwrap_or_default() % PAGES_MAX + 1 {
                let count = u32::from(script.u8().unwrap_or_default() % 3 + 1);
                let page = page(&mut script, link, sequence, count);
                link = page.1;
                sequence += u64::from(count);
                let (offset, segment_index) = (segment.len(), log.segments.len());
                segment.extend_from_slice(&page.0);
                log.pages.push(Written { segment: segment_index, offset, bytes: page.0 });
                segment.resize(segment.len().next_multiple_of(PAGE_ALIGNMENT), 0);
            }
            // A segment is prepared with zeros behind its pages.
            segment.resize(segment.len() + 256, 0);
            log.segments.push(segment);
        }
        log.damage(&mut script);
        for (index, segment) in log.segments.iter().enumerate() {
            let number = u32::try_from(index + 1).expect("there are few segments");
            fs::write(path_of(directory, number), segment).expect("a directory to write to");
        }
        log
    }

    /// Changes some bytes, and cuts a segment off.
    fn damage(&mut self, script: &mut Fields<'_>) {
        for _ in 0..script.u8().unwrap_or_default() % (CHANGES_MAX + 1) {
            let (Some(segment), Some(offset), Some(change)) =
                (script.u8(), script.u32(), script.u8())
            else {
                break;
            };
            let segment = usize::from(segment) % self.segments.len();
            let bytes = &mut self.segments[segment];
            let offset = offset as usize % bytes.len().max(1);
            match change {
                0 => bytes.truncate(offset),
                // A torn page has zeros from some byte on.
                1 => bytes[offset..].fill(0),
                _ => bytes[offset] ^= change,
            }
            if bytes.is_empty() {
                break;
            }
        }
    }

    /// Scans the log. A scan without an error has visited every whole page, in order and as it was
    /// written. The repaired log ends at the same place, without a torn end.
    pub(crate) fn check(&self) {
        let mut visited = Vec::new();
        let scanned = scan(self.directory, JOURNAL, Place::START, |scanned| {
            assert_eq!(scanned.page.first_sequence, scanned.at.next_sequence);
            visited.push(scanned.page.bytes.to_vec());
            Ok(())
        });
        let is_prefix =
            visited.iter().zip(&self.pages).all(|(page, written)| *page == written.bytes);
        assert!(visited.len() <= self.pages.len() && is_prefix, "a page was made up");
        let tail = match scanned {
            Ok(tail) => tail,
            Err(error) => return drop(error.to_string()),
        };
        let left_out = self.pages[visited.len()..].iter().any(|page| self.is_whole(page));
        assert!(!left_out, "a whole page lies behind the end");
        repair(&Disk, self.directory, &tail).expect("the end can be repaired");
        let repaired = scan(self.directory, JOURNAL, Place::START, |_| Ok(()));
        let repaired = repaired.expect("a repaired log can be read");
        assert_eq!((repaired.place, repaired.torn), (tail.place, false));
    }

    fn is_whole(&self, page: &Written) -> bool {
        let bytes = self.segments[page.segment].get(page.offset..);
        bytes.is_some_and(|bytes| bytes.starts_with(&page.bytes))
    }
}

/// Returns a page of `count` changes of records, and its checksum.
fn page(script: &mut Fields<'_>, link: u128, sequence: u64, count: u32) -> (Vec<u8>, u128) {
    let mut page = vec![0; PAGE_HEADER_BYTES];
    for _ in 0..count {
        let shape = script.u8().unwrap_or_default();
        let key = vec![shape; usize::from(shape % 8) + 1];
        let value = vec![shape; usize::from(shape) * 2];
        let value = (shape % 4 != 0).then_some(value.as_slice());
        RecordChange { key: &key, value }.encode(&mut page, 0);
    }
    let checksum = seal(&mut page, link, sequence, count, 1_700_000_000_000);
    (page, checksum)
}

const _: () = assert!(SEGMENT_HEADER_BYTES.is_multiple_of(PAGE_ALIGNMENT));
