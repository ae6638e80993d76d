//! The keeper: a thread that writes checkpoints and events, and lets old segments go. Nothing that
//! it does is on a packet's path.

use std::{
    collections::{HashMap, HashSet},
    fs, io,
    path::PathBuf,
    sync::Arc,
    thread::JoinHandle,
    time::{Duration, Instant},
};

use ilp_connector::account::AccountId;
use parking_lot::{Condvar, Mutex};
use uuid::Uuid;

use super::{
    books::Books,
    checkpoint::{self, Meta, Which},
    operator::Operators,
    queue::Step,
    state::{Crossing, Row},
    threshold,
};
use crate::{
    error::{Conflict, Refusal, StoreError},
    journal::{JournalError, Place, path_of, scan_until, sync_directory},
    store::Store,
};

/// Called on the keeper's thread after the ledger has put an event into the outbox.
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

    /// Removes whole segments that the checkpoint has passed, beyond those that are to be kept.
    fn retire(&self, checkpoint: Place) -> Result<(), StoreError> {
        let Some(retained) = self.retain_segments_min else { return Ok(()) };
        loop {
            let base = checkpoint::meta(&self.store, Which::Base)?;
            let from = base.map_or(Place::START, |base| base.place);
            // The segment of the checkpoint counts as one of those that are kept.
            if u64::from(checkpoint.segment - from.segment) < retained.max(1) {
                return Ok(());
            }
            self.retire_one(from)?;
        }
    }

    /// Carries what a segment did over into the base, and removes it after that.
    fn retire_one(&self, from: Place) -> Result<(), StoreError> {
        let mut rows: HashMap<AccountId, Row> = HashMap::new();
        let (mut begun, mut ended) = (HashSet::new(), HashSet::new());
        let next = self.first_of(from.segment + 1)?;
        let mut time_ms = 0;
        let tail = scan_until(&self.directory, self.journal, from, next - 1, |scanned| {
            time_ms = scanned.page.time_ms;
            scanned.page.entries(|posted, _, distance| {
                let position =
                    crate::journal::Position::new(scanned.at.segment, scanned.at.offset + distance);
                for entry in posted.entries() {
                    for account in [entry.debit, entry.credit] {
                        if !rows.contains_key(&account) {
                            rows.insert(account, checkpoint::base_row(&self.store, account)?);
                        }
                        if posted.step.is_first()
                            && let Some(row) = rows.get_mut(&account)
                        {
                            row.head = position.to_u64();
                        }
                    }
                    carry(&mut rows, entry, posted.step);
                }
                match posted.step {
                    Step::Move => {}
                    Step::Begin => drop(begun.insert(posted.id)),
                    Step::Post | Step::Void | Step::Expire => {
                        if !begun.remove(&posted.id) {
                            ended.insert(posted.id);
                        }
                    }
                }
                Ok::<(), StoreError>(())
            })?;
            Ok(())
        })?;
        let segment = from.segment + 1;
        let place = Place { segment, offset: Place::START.offset, page_offset: 0, ..tail.place };
        let meta = Meta { journal: self.journal, place, time_ms };
        let rows: Vec<Row> = rows.into_values().collect();
        let (begun, ended) = (Vec::from_iter(begun), Vec::from_iter(ended));
        checkpoint::write_base(&self.store, meta, &rows, &begun, &ended)?;
        fs::remove_file(path_of(&self.directory, from.segment)).map_err(StoreError::write)?;
        sync_directory(&self.directory).map_err(StoreError::write)
    }

    /// The sequence with which a segment begins.
    fn first_of(&self, segment: u32) -> Result<u64, StoreError> {
        let path = path_of(&self.directory, segment);
        crate::journal::first_sequence(&self.directory, segment)?
            .ok_or_else(|| JournalError::SegmentMissing { path }.into())
    }
}

/// Does to two rows what one movement of a step does.
fn carry(rows: &mut HashMap<AccountId, Row>, entry: &super::Entry, step: Step) {
    let amount = u128::from(entry.amount);
    if let Some(row) = rows.get_mut(&entry.debit) {
        match step {
            Step::Move => row.debits += amount,
            Step::Begin => row.pending += amount,
            Step::Post => {
                row.pending = row.pending.saturating_sub(amount);
                row.debits += amount;
            }
            Step::Void | Step::Expire => row.pending = row.pending.saturating_sub(amount),
        }
    }
    if let Some(row) = rows.get_mut(&entry.credit)
        && matches!(step, Step::Move | Step::Post)
    {
        row.credits += amount;
    }
}
