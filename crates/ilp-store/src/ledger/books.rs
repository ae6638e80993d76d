//! The books in memory as far as they are durable, and the writer that moves them on.

use std::{io, sync::Arc};

use parking_lot::{Mutex, MutexGuard};

use super::{keeper::Signal, queue::Posted, state::State, writer::BatchWriter};
use crate::{
    journal::{Place, Writer},
    store::Store,
};

/// Tells the time in milliseconds since 1970.
pub type ClockMs = Arc<dyn Fn() -> u64 + Send + Sync>;

/// The number of changed operator transfers, or of closed accounts, at which a checkpoint is due.
/// They stay in memory until then.
const CHANGED_TRANSFERS_MAX: usize = 4_096;

/// The state and the place in the journal up to which it goes.
pub(crate) struct Kept {
    pub(crate) state: State,
    pub(crate) place: Place,
    /// Why the state is no longer that of the journal: a write has failed in the middle.
    pub(crate) broken: Option<String>,
    /// The last transfer in the last checkpoint.
    pub(crate) checkpoint: u64,
}

/// The books as the writer, the keeper and their readers share them.
pub(crate) struct Books {
    /// The books. The writer holds the lock for the length of a commit, so other holders see only
    /// durable books. No code on a packet's path takes it.
    kept: Mutex<Kept>,
}

impl Books {
    pub(crate) fn new(state: State, place: Place, checkpoint: u64) -> Self {
        Self { kept: Mutex::new(Kept { state, place, broken: None, checkpoint }) }
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock()
    }
}

/// Writes batches to the journal.
pub(crate) struct JournalWriter {
    pub(crate) books: Arc<Books>,
    pub(crate) journal: Writer,
    pub(crate) store: Store,
    pub(crate) clock_ms: ClockMs,
    pub(crate) keeper: Arc<Signal>,
    pub(crate) checkpoint_transfers: u64,
}

impl BatchWriter for JournalWriter {
    fn write(&mut self, batch: &[Posted]) -> io::Result<()> {
        let store = self.store.clone();
        let durability = &store.inner.durability;
        // That the store has failed is no reason to refuse: this was on hold when new holds were
        // not yet refused, and the journal tells of its own failures.
        let books = Arc::clone(&self.books);
        let mut kept = books.lock();
        if let Err(cause) = self.append(&mut kept.state, batch) {
            kept.broken = Some(cause.to_string());
            durability.fail(&cause);
            return Err(cause);
        }
        kept.place = self.journal.place();
        let since = kept.state.sequence - kept.checkpoint;
        let is_due = since >= self.checkpoint_transfers
            || kept.state.changed_transfers().len() > CHANGED_TRANSFERS_MAX
            || kept.state.closed().len() > CHANGED_TRANSFERS_MAX;
        let (sequence, crossed) = (kept.state.sequence, kept.state.crossings.take_more());
        drop(kept);
        if is_due || crossed {
            self.keeper.wake(is_due);
        }
        durability.answer_for(sequence).inspect_err(|cause| drop(durability.fail(cause)))
    }
}

impl JournalWriter {
    fn append(&mut self, state: &mut State, batch: &[Posted]) -> io::Result<()> {
        // A clock that is set back doesn't take the journal's time with it.
        let time_ms = (self.clock_ms)().max(state.time_ms);
        for posted in batch {
            let position = self.journal.position(time_ms)?;
            let pointers = state.apply(posted, position, time_ms).map_err(|detail| {
                io::Error::other(format!("transfer {} can't be: {detail}", posted.sequence))
            })?;
            self.journal.push(posted, time_ms, &pointers);
        }
        self.journal.commit(time_ms)
    }
}
