//! What the ledger tells those who watch the node.

use ilp_connector::histogram::Durations;

use super::DurableLedger;

/// How the ledger does at some moment.
#[derive(Clone, Debug)]
pub struct LedgerStats {
    /// The place of the last transfer that was posted: moved in memory, and on its way to the disk.
    pub posted_sequence: u64,
    /// The place of the last one that is durable.
    pub durable_sequence: u64,
    /// How many more transfers may be under way.
    pub permits_left: usize,
    /// How long each commit of this process took, from the write to the end of the sync.
    pub commits: Durations,
    /// What those commits wrote, in bytes.
    pub written_bytes: u64,
    /// How many segments the journal has.
    pub segments: u64,
    /// What they take of the disk, in bytes.
    pub disk_bytes: u64,
}

impl DurableLedger {
    /// How the ledger does. Takes the queue's lock for a moment and waits for no disk.
    #[must_use]
    pub fn stats(&self) -> LedgerStats {
        let gauges = &self.keeper.gauges;
        // In this order, so that what is durable is never more than what was posted.
        let durable_sequence = self.durable_sequence();
        LedgerStats {
            posted_sequence: self.shared.queue.last_sequence(),
            durable_sequence,
            permits_left: self.permits_left(),
            commits: gauges.commits.durations(),
            written_bytes: gauges.written_bytes(),
            segments: gauges.segments(),
            disk_bytes: gauges.disk_bytes(),
        }
    }
}
