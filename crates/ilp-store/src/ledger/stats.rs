//! The figures of the ledger for those who watch the node.

use ilp_connector::histogram::Durations;

use super::DurableLedger;

/// How the ledger does at some moment.
#[derive(Clone, Debug)]
pub struct LedgerStats {
    /// How many steps of transfers the books have: moved in memory, durable or on their way to the
    /// disk.
    pub posted_transfers: u64,
    /// The place of the last entry that the log has taken.
    pub posted_sequence: u64,
    /// The place of the last one that is durable.
    pub durable_sequence: u64,
    /// How many more transfers may be under way.
    pub permits_left: usize,
    /// How long each commit of this process took, from the write to the end of the sync.
    pub commits: Durations,
    /// The bytes that those commits wrote.
    pub written_bytes: u64,
    /// How many segments the journal has.
    pub segments: u64,
    /// The bytes that the segments take of the disk.
    pub disk_bytes: u64,
    /// The bytes that the snapshots take of the disk.
    pub snapshot_bytes: u64,
    /// The bytes that the index takes of the disk.
    pub index_bytes: u64,
    /// By how many entries the index is behind the last durable one.
    pub index_lag: u64,
    /// The bytes of memory that the changes take which the index doesn't have yet.
    pub overlay_bytes: u64,
}

impl DurableLedger {
    /// Returns whether no further transfer is taken, since the cluster's database has not taken a page
    /// for too long. Always false for a node without a cluster.
    #[must_use]
    pub fn is_stalled(&self) -> bool {
        self.shared.queue.is_stalled()
    }

    /// How the ledger does. Takes the queue's lock for a moment and waits for no disk.
    #[must_use]
    pub fn stats(&self) -> LedgerStats {
        let (gauges, keyspace) = (&self.keeper.gauges, &self.store.inner.keyspace);
        // In this order, so that what is durable is never more than what was posted.
        let durable_sequence = self.durable_sequence();
        let (posted_sequence, posted_transfers) = self.shared.queue.counts();
        LedgerStats {
            posted_transfers,
            posted_sequence,
            durable_sequence,
            permits_left: self.permits_left(),
            commits: gauges.commits.durations(),
            written_bytes: gauges.written_bytes(),
            segments: gauges.segments(),
            disk_bytes: gauges.disk_bytes(),
            snapshot_bytes: gauges.snapshot_bytes(),
            index_bytes: keyspace.index.disk_bytes(),
            index_lag: durable_sequence.saturating_sub(keyspace.index.sequence()),
            overlay_bytes: u64::try_from(keyspace.overlay.read().bytes()).unwrap_or(u64::MAX),
        }
    }
}
