//! The keeper: a thread that writes checkpoints and events, and lets old segments go (`retention`).
//! Nothing that it does is on a packet's path.

use std::{
    io,
    path::PathBuf,
    sync::Arc,
    thread::JoinHandle,
    time::{Duration, Instant},
};

use parking_lot::{Condvar, Mutex};
use uuid::Uuid;

use super::{books::Books, checkpoint, operator::Operators, state::Crossing, threshold};
use crate::{
    error::{Conflict, Refusal, StoreError},
    store::Store,
};

/// Called after the ledger has put an event into the outbox. May wake others, and may not call the
/// ledger: no checkpoint can be written until it returns.
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

    /// Waits until something is asked for, or it is time for a checkpoint. `None` at the end.
    fn next(&self, time: Instant) -> Option<bool> {
        let mut asked = self.asked.lock();
        loop {
            if asked.ended {
                return None;
            }
            if asked.checkpoint || asked.events {
                asked.events = false;
                return Some(std::mem::take(&mut asked.checkpoint));
            }
            if self.changed.wait_until(&mut asked, time).timed_out() {
                return Some(true).filter(|_| !asked.ended);
            }
        }
    }
}

/// What it takes to keep books. Used by the thread, and by those who need a checkpoint at once.
pub(crate) struct Keeper {
    pub(crate) store: Store,
    pub(crate) books: Arc<Books>,
    pub(crate) operators: Arc<Operators>,
    pub(crate) journal: Uuid,
    pub(crate) directory: PathBuf,
    pub(crate) retain_segments_min: Option<u64>,
    pub(crate) on_event: Option<OnEvent>,
    /// One at a time: what was taken out of the books is written before more is taken.
    pub(crate) turn: Mutex<()>,
    pub(crate) signal: Arc<Signal>,
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
                if let Err(error) = keeper.keep(checkpoint) {
                    // A failed write has stopped the store and with it the ledger's next batch; a
                    // broken ledger has told everyone already.
                    tracing::error!(%error, "the ledger's checkpoint or an event can't be kept");
                }
                if checkpoint {
                    next = Instant::now() + interval;
                }
                wanted = keeper.signal.next(next);
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
    /// When the store can't be written, or a write of the journal has failed before.
    pub(crate) fn keep(&self, wants_checkpoint: bool) -> Result<(), StoreError> {
        let _turn = self.turn.lock();
        // Both under one lock: a checkpoint never passes a crossing whose event isn't kept.
        let (crossings, changes) = {
            let mut kept = self.books.lock();
            if let Some(reason) = &kept.broken {
                return Err(StoreError::write(reason));
            }
            let crossings = kept.state.take_crossings();
            let changes = (wants_checkpoint && kept.state.has_changed()).then(|| {
                kept.checkpoint = kept.state.sequence;
                let place = kept.place;
                kept.state.take_changes(place)
            });
            (crossings, changes)
        };
        self.tell(&crossings)?;
        let Some(changes) = changes else { return Ok(()) };
        checkpoint::write(&self.store, self.journal, &changes)?;
        self.operators.forget_up_to(changes.sequence);
        self.retire(changes.place)
    }

    fn tell(&self, crossings: &[Crossing]) -> Result<(), StoreError> {
        for crossing in crossings {
            match self.store.append_event(&threshold::event(&self.store, crossing)?) {
                Ok(()) => {}
                // From before a crash.
                Err(Refusal::Conflict(Conflict::Id)) => continue,
                Err(Refusal::Store(error)) => return Err(error),
                Err(refusal) => return Err(StoreError::write(refusal)),
            }
            if let Some(tell) = &self.on_event {
                tell();
            }
        }
        Ok(())
    }
}
