//! The journal: a chain of append-only files that holds every movement of money, in its order.
//!
//! `LOG.md` at the root of this crate describes the format. The parts: `entry` is one
//! movement, `page` is what one commit writes, `segment` is a file's head and name, `files` is the little that the
//! journal asks of a disk, `page_log` the little that it asks of a database that has the pages as well, `ahead` prepares the next file, `writer` appends, `scan` reads all in
//! order and decides what a broken end means, `reader` looks up single entries. `posted` has the steps
//! of transfers and the units that come from the ledger.
//!
//! The journal knows no balances: what an entry does to the books is the ledger's business.

mod ahead;
mod entry;
mod files;
#[cfg(fuzzing)]
pub(crate) mod fuzzing;
mod gauges;
mod page;
mod page_log;
pub(crate) mod posted;
mod reader;
mod scan;
mod segment;
mod writer;

pub(crate) use self::{
    ahead::Ahead,
    entry::{Fields, LogEntry, Pointers, RecordChange},
    gauges::Gauges,
    page_log::pages_of,
    reader::Reader,
    scan::{Place, Scanned, Tail, check_place, make_durable, repair, scan, scan_until},
    segment::{
        DIRECTORY, begins_with_records, check_chain, identity_of, is_segment_of_format_1, path_of,
        place_of, segments_in, sync_directory,
    },
    writer::Writer,
};
pub use self::{
    entry::Position,
    files::{Disk, Files, SegmentFile},
    page_log::{LogPage, PageLog, PageName},
};
pub use crate::error::JournalError;

/// The format that this program writes, and the newest that it reads.
pub(crate) const FORMAT_VERSION: u32 = 2;
/// The format before it, without records. A log may begin with segments of it.
pub(crate) const FORMAT_1: u32 = 1;
