//! How a ledger is opened.

use std::{fmt, sync::Arc, time::Duration};

use super::{ClockMs, OnEvent, OnFailure};
use crate::journal::{Disk, Files};

/// How a ledger is opened.
pub struct LedgerOptions {
    /// How many transfers may be under way at once, from hold until void or durable. Each takes
    /// some 300 bytes; a hold beyond them is refused with
    /// [`HoldError::Full`](ilp_connector::ledger::HoldError::Full).
    pub transfers_in_flight_max: usize,
    /// Told once, on a thread of the ledger's, when a write of the ledger or the store has failed.
    /// Not called by a close.
    pub on_failure: Option<OnFailure>,
    /// Told, on a thread of the ledger's, when it has put events into the outbox.
    pub on_event: Option<OnEvent>,
    /// The source of the time in milliseconds since 1970, read once for each page and each
    /// threshold that is set.
    pub clock_ms: ClockMs,
    /// How long a segment of the journal is, in bytes. A new one is prepared when the last is half
    /// full.
    pub segment_bytes: u32,
    /// How many segments are kept at the least; `None` keeps all. Older ones are removed once two
    /// snapshots stand for what they did.
    pub retain_segments_min: Option<u64>,
    /// By how many bytes the log grows at the least before another snapshot is made.
    pub snapshot_log_bytes_min: u64,
    /// After how many entries of the log a checkpoint is due. A start replays at the most about as
    /// many.
    pub checkpoint_entries: u64,
    /// After how much time one is due, if anything has changed.
    pub checkpoint_interval: Duration,
    /// Where the journal is written.
    pub files: Arc<dyn Files>,
}

impl Default for LedgerOptions {
    /// Room for two seconds at 30,000 packets a second, segments of 16 MiB of which all are kept,
    /// a checkpoint every half minute, no callbacks, and a clock that stands still.
    fn default() -> Self {
        Self {
            transfers_in_flight_max: 65_536,
            on_failure: None,
            on_event: None,
            clock_ms: Arc::new(|| 0),
            segment_bytes: 16 * 1024 * 1024,
            retain_segments_min: None,
            snapshot_log_bytes_min: 256 * 1024 * 1024,
            checkpoint_entries: 500_000,
            checkpoint_interval: Duration::from_secs(30),
            files: Arc::new(Disk),
        }
    }
}

impl fmt::Debug for LedgerOptions {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("LedgerOptions")
            .field("transfers_in_flight_max", &self.transfers_in_flight_max)
            .field("segment_bytes", &self.segment_bytes)
            .field("retain_segments_min", &self.retain_segments_min)
            .field("snapshot_log_bytes_min", &self.snapshot_log_bytes_min)
            .field("checkpoint_entries", &self.checkpoint_entries)
            .field("checkpoint_interval", &self.checkpoint_interval)
            .field("files", &self.files)
            .finish_non_exhaustive()
    }
}
