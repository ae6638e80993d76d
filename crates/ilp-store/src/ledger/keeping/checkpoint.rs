//! Moves the index on: all records and balances as of a place in the log, in one batch.

use std::{panic::resume_unwind, thread};

use rustix::process::setpriority_process;

use crate::{
    error::StoreError,
    index::{IndexChanges, IndexPosition},
    ledger::{
        books::{rows, state::Changes},
        writing::durable_books::Kept,
    },
    store::Inner,
};

/// The nice value of a thread that writes to the index. A batch keeps a core busy for up to a tenth of a
/// second, and packets come first.
const NICE: i32 = 10;

/// The changes since the last checkpoint, records and books as of one place.
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
        in_background(|| self.keyspace.index.apply(records, position))?;
        // Readers find the changes here until the index has them.
        self.keyspace.overlay.write().forget(changes.sequence);
        Ok(changes)
    }
}

/// Runs work on a thread that yields to packets, and waits for it. The caller's own thread keeps its
/// priority, since packets wait for the locks that it takes, and no process without privileges can give
/// a priority back.
///
/// # Errors
/// Those of `work`, and when there is no thread to be had.
fn in_background<T: Send>(
    work: impl FnOnce() -> Result<T, StoreError> + Send,
) -> Result<T, StoreError> {
    thread::scope(|scope| {
        let thread = thread::Builder::new().name("jirani-index".to_owned());
        let worker = thread.spawn_scoped(scope, || {
            if let Err(cause) = setpriority_process(None, NICE) {
                tracing::debug!(%cause, "the index is written at the priority of packets");
            }
            work()
        });
        let worker = worker.map_err(StoreError::write)?;
        worker.join().unwrap_or_else(|panic| resume_unwind(panic))
    })
}
