//! Moves the index on: all records and balances as of a place in the log, in one batch.

use super::{
    books::Kept,
    rows::{self, IndexChanges},
    state::Changes,
};
use crate::{error::StoreError, index::IndexPosition, store::Inner};

/// What changed since the last checkpoint, records and books as of one place.
pub(crate) struct Checkpoint {
    pub(crate) changes: Changes,
    records: IndexChanges,
}

impl Inner {
    /// Returns whether the index is behind what is durable.
    pub(crate) fn is_index_behind(&self, kept: &Kept) -> bool {
        kept.state.has_changed() || !self.keyspace.overlay.read().is_empty()
    }

    /// Takes what changed in the books since the last checkpoint.
    pub(crate) fn take_changes(&self, kept: &mut Kept) -> Changes {
        kept.checkpoint = kept.state.sequence;
        kept.state.take_changes(kept.tail.place)
    }

    /// Adds the records that changed up to the same place. The caller has held the write lock since
    /// before it took the books' changes, so no change is between the log and the overlay.
    pub(crate) fn with_records(&self, changes: Changes) -> Checkpoint {
        let records = self.keyspace.overlay.read().changes(changes.sequence);
        Checkpoint { changes, records: records.into_iter().collect() }
    }

    /// Writes a checkpoint to the index, without waiting for the disk.
    ///
    /// # Errors
    /// When sled can't write.
    pub(crate) fn write_checkpoint(
        &self,
        Checkpoint { changes, mut records }: Checkpoint,
    ) -> Result<Changes, StoreError> {
        rows::add_to(&mut records, &changes);
        let position = IndexPosition {
            journal: self.journal,
            place: changes.place,
            time_ms: changes.time_ms,
            durable: self.keyspace.durable(),
            sums: Default::default(),
        };
        self.keyspace.index.apply(records, position)?;
        // Readers find the changes here until the index has them.
        self.keyspace.overlay.write().forget(changes.sequence);
        Ok(changes)
    }
}
