//! The keeper: a thread that moves the index on, writes events, makes snapshots and lets old segments
//! go (`retention`).
//! Nothing that it does is on a packet's path.

use std::{
    io,
    panic::{AssertUnwindSafe, catch_unwind},
    path::PathBuf,
    sync::Arc,
    thread::JoinHandle,
    time::{Duration, Instant},
};

use parking_lot::Mutex;

use super::checkpoint::Checkpoint;
use crate::{
    error::{StoreError, TransactionError},
    fail_stop::panic_text,
    index::mark_damaged,
    journal::{Files, Gauges},
    ledger::{
        books::{
            accounts::Accounts,
            state::{Changes, Crossing},
            threshold,
        },
        transfers::operator::Operators,
        writing::{durable_books::Books, signal::Signal},
    },
    store::{Store, start::UNCHECKED},
};

/// Called after the ledger has put one or more events into the outbox. May wake others, and may not
/// call the ledger: no checkpoint can be written until it returns.
pub type OnEvent = Arc<dyn Fn() + Send + Sync>;

/// The parts that keeping the books takes. Used by the thread, and by callers that need a
/// checkpoint at once.
pub(crate) struct Keeper {
    pub(crate) store: Store,
    pub(crate) books: Arc<Books>,
    pub(crate) operators: Arc<Operators>,
    pub(crate) accounts: Arc<Accounts>,
    pub(crate) directory: PathBuf,
    pub(crate) files: Arc<dyn Files>,
    pub(crate) retain_segments_min: Option<u64>,
    pub(crate) snapshot_log_bytes_min: u64,
    pub(crate) on_event: Option<OnEvent>,
    pub(crate) signal: Arc<Signal>,
    pub(crate) gauges: Arc<Gauges>,
    /// One backup at a time.
    pub(crate) backup: Mutex<()>,
}

impl Keeper {
    /// Starts the thread.
    pub(crate) fn start(self: &Arc<Self>, interval: Duration) -> io::Result<JoinHandle<()>> {
        let keeper = Arc::clone(self);
        std::thread::Builder::new().name("jirani-keeper".to_owned()).spawn(move || {
            let mut next = Instant::now() + interval;
            // What a replay found, before anything else.
            let mut wanted = Some(false);
            let mut is_checked = false;
            while let Some(checkpoint) = wanted {
                let fail_stop = &keeper.store.inner.fail_stop;
                let kept = catch_unwind(AssertUnwindSafe(|| keeper.keep_and_plan(checkpoint)));
                let kept = kept.unwrap_or_else(|panic| Err(fail_stop.fail(&panic_text(&*panic))));
                if let Err(error) = &kept {
                    tracing::error!(%error, "the ledger's checkpoint or an event can't be kept");
                }
                if fail_stop.failure().is_some() {
                    // Everyone was told, and nothing more may be written.
                    return;
                }
                if checkpoint {
                    next = Instant::now() + interval;
                }
                if !std::mem::replace(&mut is_checked, true) {
                    keeper.check_index();
                }
                wanted = keeper.signal.next(next, kept.unwrap_or_default());
            }
        })
    }

    /// Checks the kinds of entry that a start doesn't, which would make it slower the longer the node
    /// has lived. An index that has lost some of them answers wrongly, so the node stops, and its next
    /// start makes the index anew.
    fn check_index(&self) {
        let inner = &self.store.inner;
        for kind in UNCHECKED {
            let _turn = inner.turn.lock();
            let check = || inner.keyspace.index.check([kind], || self.signal.is_ended());
            // A read that failed once may succeed; what was lost stays lost.
            let checked = check().or_else(|fault| {
                tracing::warn!(%fault, "the index may be damaged; its check is repeated");
                check()
            });
            let Err(fault) = checked else { continue };
            tracing::error!(%fault, "the index is damaged; the next start makes it anew");
            if let Err(cause) = mark_damaged(&inner.path) {
                tracing::error!(%cause, "the index can't be marked as damaged; remove its directory");
            }
            inner.fail_stop.fail(&format_args!("the index is damaged: {fault}"));
            return;
        }
    }

    /// Ends the thread.
    pub(crate) fn end(&self, thread: JoinHandle<()>) {
        self.signal.end();
        if thread.thread().id() != std::thread::current().id() {
            // What it does is tried again at the next start.
            let _ = thread.join();
        }
    }

    /// Puts the events that are due into the outbox, and writes a checkpoint if it is asked for.
    ///
    /// # Errors
    /// When the store can't be written, now or before, or a write of the journal has failed.
    pub(crate) fn keep(&self, wants_checkpoint: bool) -> Result<(), StoreError> {
        self.keep_and_plan(wants_checkpoint).map(|_| ())
    }

    /// Writes the last checkpoint once the log takes nothing more. While an account's event is still to
    /// be made, the index stays where it is, so that the next start finds the crossing in the log.
    ///
    /// # Errors
    /// As [`Keeper::keep`].
    pub(crate) fn keep_last(&self) -> Result<(), StoreError> {
        let inner = &self.store.inner;
        let _turn = inner.turn.lock();
        inner.fail_stop.usable()?;
        let checkpoint = {
            // A change that the log took before its end may not have reached the overlay yet, and the
            // index must not pass it.
            let _changes = inner.changes.lock();
            let mut kept = self.books.lock();
            let is_whole = kept.broken.is_none() && kept.state.crossings.is_empty();
            let is_due = is_whole && inner.is_index_behind(&kept);
            is_due.then(|| inner.with_records(inner.take_changes(&mut kept)))
        };
        let Some(checkpoint) = checkpoint else { return Ok(()) };
        let changes = inner.write_checkpoint(checkpoint)?;
        self.operators.forget_up_to(changes.sequence);
        self.accounts.forget(changes.closed.iter().map(|row| row.account));
        self.books.lock().state.forget_closed(&changes.closed);
        Ok(())
    }

    /// Does what [`Keeper::keep`] does, and returns the time at which the next waiting event
    /// becomes due.
    ///
    /// # Errors
    /// As [`Keeper::keep`].
    fn keep_and_plan(&self, wants_checkpoint: bool) -> Result<Option<Instant>, StoreError> {
        let inner = &self.store.inner;
        let _turn = inner.turn.lock();
        // Before anything is taken: after a failure, a checkpoint would lack what was taken then.
        inner.fail_stop.usable()?;
        // All under one lock: a checkpoint never passes a crossing whose event isn't kept.
        let (crossings, checkpoint, next) = {
            let _changes = inner.changes.lock();
            let mut kept = self.books.lock();
            if let Some(reason) = &kept.broken {
                return Err(StoreError::write(reason));
            }
            let is_due = wants_checkpoint && inner.is_index_behind(&kept);
            let changes = is_due.then(|| inner.take_changes(&mut kept));
            let waiting = &mut kept.state.crossings;
            let crossings = waiting.take(Instant::now(), changes.is_some());
            let next = waiting.next();
            // Packets go on from here, while the changed records are copied.
            drop(kept);
            (crossings, changes.map(|changes| inner.with_records(changes)), next)
        };
        // What was taken is in no other place, so it's written now or the store stops here, and
        // the next start finds it again in the log.
        let write = || self.write(&crossings, checkpoint);
        let changes = catch_unwind(AssertUnwindSafe(write))
            .unwrap_or_else(|panic| Err(inner.fail_stop.fail(&panic_text(&*panic))))
            .inspect_err(|error| drop(inner.fail_stop.fail(error)))?;
        if let Some(changes) = changes {
            self.operators.forget_up_to(changes.sequence);
            // The closed accounts are in the index now, where a look-up that misses memory finds
            // them.
            self.accounts.forget(changes.closed.iter().map(|row| row.account));
            self.books.lock().state.forget_closed(&changes.closed);
            self.retire(changes.place)?;
        }
        Ok(next)
    }

    fn write(
        &self,
        crossings: &[Crossing],
        checkpoint: Option<Checkpoint>,
    ) -> Result<Option<Changes>, StoreError> {
        self.tell(crossings)?;
        checkpoint.map(|checkpoint| self.store.inner.write_checkpoint(checkpoint)).transpose()
    }

    fn tell(&self, crossings: &[Crossing]) -> Result<(), StoreError> {
        let events: Vec<_> =
            crossings.iter().map(|crossing| threshold::event(&self.store, crossing)).collect();
        let appended = self.store.append_new_events(&events).map_err(|refusal| match refusal {
            TransactionError::Store(error) => error,
            refusal => StoreError::write(refusal),
        })?;
        if appended {
            self.events_came();
        }
        Ok(())
    }

    /// Signals that there are new events in the outbox.
    pub(crate) fn events_came(&self) {
        if let Some(tell) = &self.on_event {
            tell();
        }
    }
}
