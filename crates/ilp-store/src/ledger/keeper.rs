//! The keeper: a thread that writes checkpoints and events, and lets old segments go (`retention`).
//! Nothing that it does is on a packet's path.

use std::{
    io,
    panic::{AssertUnwindSafe, catch_unwind},
    path::PathBuf,
    sync::Arc,
    thread::JoinHandle,
    time::{Duration, Instant},
};

use parking_lot::{Condvar, Mutex};
use uuid::Uuid;

use super::{
    accounts::Accounts,
    books::Books,
    checkpoint,
    operator::Operators,
    state::{Changes, Crossing},
    threshold,
};
use crate::{
    error::{Refusal, StoreError},
    journal::Gauges,
    store::{Store, panic_text},
};

/// Called after the ledger has put one or more events into the outbox. May wake others, and may not
/// call the ledger: no checkpoint can be written until it returns.
pub type OnEvent = Arc<dyn Fn() + Send + Sync>;

/// What the keeper is asked to do.
#[derive(Default)]
pub(crate) struct Signal {
    asked: Mutex<Asked>,
    changed: Condvar,
}

#[derive(Default)]
struct Asked {
    checkpoint: bool,
    events: bool,
    ended: bool,
}

impl Signal {
    /// Asks for the events that are due, and for a checkpoint as well.
    pub(crate) fn wake(&self, checkpoint: bool) {
        let mut asked = self.asked.lock();
        asked.events = true;
        asked.checkpoint |= checkpoint;
        self.changed.notify_all();
    }

    fn end(&self) {
        self.asked.lock().ended = true;
        self.changed.notify_all();
    }

    /// Waits until something is asked for, or it is time for a checkpoint, or for `event`s that
    /// had to wait. Says whether a checkpoint is due, which events that keep coming can't put off.
    /// `None` at the end.
    fn next(&self, checkpoint: Instant, event: Option<Instant>) -> Option<bool> {
        let until = event.map_or(checkpoint, |event| event.min(checkpoint));
        let mut asked = self.asked.lock();
        loop {
            if asked.ended {
                return None;
            }
            let now = Instant::now();
            if asked.checkpoint || asked.events || now >= until {
                asked.events = false;
                return Some(std::mem::take(&mut asked.checkpoint) || now >= checkpoint);
            }
            self.changed.wait_until(&mut asked, until);
        }
    }
}

/// What it takes to keep books. Used by the thread, and by those who need a checkpoint at once.
pub(crate) struct Keeper {
    pub(crate) store: Store,
    pub(crate) books: Arc<Books>,
    pub(crate) operators: Arc<Operators>,
    pub(crate) accounts: Arc<Accounts>,
    pub(crate) journal: Uuid,
    pub(crate) directory: PathBuf,
    pub(crate) retain_segments_min: Option<u64>,
    pub(crate) on_event: Option<OnEvent>,
    /// One at a time: what was taken out of the books is written before more is taken.
    pub(crate) turn: Mutex<()>,
    pub(crate) signal: Arc<Signal>,
    pub(crate) gauges: Arc<Gauges>,
}

impl Keeper {
    /// Starts the thread.
    pub(crate) fn start(self: &Arc<Self>, interval: Duration) -> io::Result<JoinHandle<()>> {
        let keeper = Arc::clone(self);
        std::thread::Builder::new().name("jirani-keeper".to_owned()).spawn(move || {
            let mut next = Instant::now() + interval;
            // What a replay found, before anything else.
            let mut wanted = Some(false);
            while let Some(checkpoint) = wanted {
                let durability = &keeper.store.inner.durability;
                let kept = catch_unwind(AssertUnwindSafe(|| keeper.keep_and_plan(checkpoint)));
                let kept = kept.unwrap_or_else(|panic| Err(durability.fail(&panic_text(&*panic))));
                if let Err(error) = &kept {
                    tracing::error!(%error, "the ledger's checkpoint or an event can't be kept");
                }
                if durability.failure().is_some() {
                    // Everyone was told, and nothing more may be written.
                    return;
                }
                if checkpoint {
                    next = Instant::now() + interval;
                }
                wanted = keeper.signal.next(next, kept.unwrap_or_default());
            }
        })
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

    /// Does what [`Keeper::keep`] does, and returns the time at which the next waiting event
    /// becomes due.
    ///
    /// # Errors
    /// As [`Keeper::keep`].
    fn keep_and_plan(&self, wants_checkpoint: bool) -> Result<Option<Instant>, StoreError> {
        let _turn = self.turn.lock();
        let durability = &self.store.inner.durability;
        // Before anything is taken: after a failure, a checkpoint would lack what was taken then.
        durability.usable()?;
        // Both under one lock: a checkpoint never passes a crossing whose event isn't kept.
        let (crossings, changes, next) = {
            let mut kept = self.books.lock();
            if let Some(reason) = &kept.broken {
                return Err(StoreError::write(reason));
            }
            let changes = (wants_checkpoint && kept.state.has_changed()).then(|| {
                kept.checkpoint = kept.state.sequence;
                let place = kept.place;
                kept.state.take_changes(place)
            });
            let waiting = &mut kept.state.crossings;
            let crossings = waiting.take(Instant::now(), changes.is_some());
            (crossings, changes, waiting.next())
        };
        // What was taken is in no other place, so it's written now or the store stops here, and
        // the next start finds it again in the journal, behind the last checkpoint.
        let write = || self.write(&crossings, changes.as_ref());
        catch_unwind(AssertUnwindSafe(write))
            .unwrap_or_else(|panic| Err(durability.fail(&panic_text(&*panic))))
            .inspect_err(|error| drop(durability.fail(error)))?;
        if let Some(changes) = changes {
            self.operators.forget_up_to(changes.sequence);
            // The closed accounts are on the disk now, where a look-up that misses memory finds
            // them.
            self.accounts.forget(changes.closed.iter().map(|row| row.account));
            self.books.lock().state.forget_closed(&changes.closed);
            self.retire(changes.place)?;
        }
        Ok(next)
    }

    fn write(&self, crossings: &[Crossing], changes: Option<&Changes>) -> Result<(), StoreError> {
        self.tell(crossings)?;
        changes.map_or(Ok(()), |changes| checkpoint::write(&self.store, self.journal, changes))
    }

    fn tell(&self, crossings: &[Crossing]) -> Result<(), StoreError> {
        let events: Vec<_> =
            crossings.iter().map(|crossing| threshold::event(&self.store, crossing)).collect();
        let appended = self.store.append_new_events(&events).map_err(|refusal| match refusal {
            Refusal::Store(error) => error,
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
