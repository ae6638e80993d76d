//! The books in memory as far as they are durable, and the writer that moves them on.

use std::{io, sync::Arc};

use parking_lot::{Mutex, MutexGuard};

use super::writer::BatchWriter;
use crate::{
    fail_stop::FailStop,
    journal::{
        RecordChange, Tail, Writer,
        posted::{Posted, Queued, Unit},
    },
    ledger::{
        books::{state::State, threshold},
        writing::signal::Signal,
    },
    log::mark::Mark,
};

/// Tells the time in milliseconds since 1970.
pub type ClockMs = Arc<dyn Fn() -> u64 + Send + Sync>;

/// The number of changed operator transfers, or of closed accounts, at which a checkpoint is due.
/// They stay in memory until then.
const CHANGED_TRANSFERS_MAX: usize = 4_096;

/// The state and the place in the log up to which it goes.
pub(crate) struct Kept {
    pub(crate) state: State,
    pub(crate) tail: Tail,
    /// Why the state is no longer that of the log: a write has failed in the middle.
    pub(crate) broken: Option<String>,
    /// The last entry that the index has.
    pub(crate) checkpoint: u64,
}

/// The books as the writer, the keeper and their readers share them.
pub(crate) struct Books {
    /// The books. The writer holds the lock for the length of a commit, so other holders see only
    /// durable books. No code on a packet's path takes it.
    kept: Mutex<Kept>,
}

impl Books {
    pub(crate) fn new(state: State, tail: Tail, checkpoint: u64) -> Self {
        Self { kept: Mutex::new(Kept { state, tail, broken: None, checkpoint }) }
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock()
    }
}

/// Writes batches to the log.
pub(crate) struct JournalWriter {
    pub(crate) books: Arc<Books>,
    pub(crate) journal: Writer,
    pub(crate) mark: Arc<Mark>,
    pub(crate) fail_stop: Arc<FailStop>,
    pub(crate) clock_ms: ClockMs,
    pub(crate) keeper: Arc<Signal>,
    pub(crate) checkpoint_entries: u64,
}

impl BatchWriter for JournalWriter {
    fn write(&mut self, batch: &[Queued]) -> io::Result<()> {
        // That the store has failed is no reason to refuse: this was on hold when new holds were
        // not yet refused, and the log tells of its own failures.
        let books = Arc::clone(&self.books);
        let mut kept = books.lock();
        if let Err(cause) = self.append(&mut kept.state, batch) {
            kept.broken = Some(cause.to_string());
            self.fail_stop.fail(&cause);
            return Err(cause);
        }
        kept.tail = self.journal.tail();
        let since = kept.state.sequence - kept.checkpoint;
        let is_due = since >= self.checkpoint_entries
            || kept.state.changed_transfers().len() > CHANGED_TRANSFERS_MAX
            || kept.state.closed().len() > CHANGED_TRANSFERS_MAX;
        let (sequence, crossed) = (kept.state.sequence, kept.state.crossings.take_more());
        drop(kept);
        if is_due || crossed {
            self.keeper.wake(is_due);
        }
        self.mark.advance(sequence).inspect_err(|cause| drop(self.fail_stop.fail(cause)))
    }
}

impl JournalWriter {
    fn append(&mut self, state: &mut State, batch: &[Queued]) -> io::Result<()> {
        // A clock that is set back doesn't take the log's time with it.
        let time_ms = (self.clock_ms)().max(state.time_ms);
        for queued in batch {
            match queued {
                Queued::Transfer(posted) => self.transfer(state, posted, time_ms)?,
                Queued::Unit(unit) => self.unit(state, unit, time_ms)?,
            }
        }
        self.journal.commit(time_ms)
    }

    fn transfer(&mut self, state: &mut State, posted: &Posted, time_ms: u64) -> io::Result<()> {
        let position = self.journal.position(time_ms)?;
        let pointers = state.apply(posted, position, time_ms).map_err(|detail| {
            io::Error::other(format!("transfer {} can't be: {detail}", posted.sequence))
        })?;
        self.journal.push(posted, time_ms, &pointers);
        Ok(())
    }

    /// Writes a unit, which lies in one page.
    fn unit(&mut self, state: &mut State, unit: &Unit, time_ms: u64) -> io::Result<()> {
        let change = |(key, value): &'_ (Vec<u8>, Option<sled::IVec>)| -> usize {
            RecordChange { key, value: value.as_deref() }.entry_bytes()
        };
        let bytes = unit.records.iter().map(change).sum::<usize>();
        self.journal.make_room(bytes, unit.transfers.len(), time_ms)?;
        for ((key, value), sequence) in unit.records.iter().zip(unit.first_sequence..) {
            self.journal.push_record(&RecordChange { key, value: value.as_deref() });
            state.note_record(sequence, time_ms);
            threshold::replay(state, key, value.as_deref()).map_err(io::Error::other)?;
        }
        for posted in &unit.transfers {
            self.transfer(state, posted, time_ms)?;
        }
        Ok(())
    }
}
