//! The counts of the journal's writer, for those who watch the node.

use std::sync::atomic::{AtomicU64, Ordering};

use ilp_connector::histogram::Histogram;

/// Written by the writer and the keeper, read by anybody.
#[derive(Debug, Default)]
pub(crate) struct Gauges {
    /// How long each commit took to be durable.
    pub(crate) commits: Histogram,
    written_bytes: AtomicU64,
    segments: AtomicU64,
    disk_bytes: AtomicU64,
    snapshot_bytes: AtomicU64,
}

// Relaxed throughout: the numbers are for display and order nothing.
impl Gauges {
    /// Returns the bytes that the commits of this process wrote.
    pub(crate) fn written_bytes(&self) -> u64 {
        self.written_bytes.load(Ordering::Relaxed)
    }

    /// How many segments there are, the one that is prepared ahead not among them.
    pub(crate) fn segments(&self) -> u64 {
        self.segments.load(Ordering::Relaxed)
    }

    /// Returns the bytes that the segments take of the disk.
    pub(crate) fn disk_bytes(&self) -> u64 {
        self.disk_bytes.load(Ordering::Relaxed)
    }

    /// Returns what the snapshots take of the disk, in bytes.
    pub(crate) fn snapshot_bytes(&self) -> u64 {
        self.snapshot_bytes.load(Ordering::Relaxed)
    }

    /// Notes what the snapshots take of the disk, in bytes.
    pub(crate) fn set_snapshot_bytes(&self, bytes: u64) {
        self.snapshot_bytes.store(bytes, Ordering::Relaxed);
    }

    pub(crate) fn wrote(&self, bytes: usize) {
        self.written_bytes.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    pub(crate) fn segment_came(&self, bytes: u64) {
        self.segments.fetch_add(1, Ordering::Relaxed);
        self.disk_bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    pub(crate) fn segment_went(&self, bytes: u64) {
        self.segments.fetch_sub(1, Ordering::Relaxed);
        self.disk_bytes.fetch_sub(bytes, Ordering::Relaxed);
    }
}
