//! The queue before the writer, and the permits that keep it from ever being full.

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicUsize, Ordering},
};

use ilp_connector::{
    account::AccountId,
    ledger::{Leg, Stopped, Transfer, TransferKind},
};
use parking_lot::{Condvar, Mutex};
use uuid::Uuid;

/// One movement of a posted transfer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The account that pays.
    pub debit: AccountId,
    /// The account that is paid.
    pub credit: AccountId,
    /// In the smallest unit of the two accounts' asset.
    pub amount: u64,
}

impl Entry {
    fn of(leg: &Leg) -> Self {
        Self { debit: leg.debit.id(), credit: leg.credit.id(), amount: leg.amount }
    }
}

/// What happens to a transfer. The number is written to disk, so it never changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Step {
    /// It moves its money, in one step.
    Move = 1,
    /// A withdrawal sets its amount aside, until it is posted, voided or expires.
    Begin = 2,
    /// A withdrawal that had begun moves its money.
    Post = 3,
    /// A withdrawal that had begun gives its amount back.
    Void = 4,
    /// A withdrawal that had begun gives its amount back, since its time is over.
    Expire = 5,
}

impl Step {
    /// The step whose number on disk is `byte`.
    #[must_use]
    pub fn from_byte(byte: u8) -> Option<Self> {
        [Self::Move, Self::Begin, Self::Post, Self::Void, Self::Expire]
            .into_iter()
            .find(|step| step.to_byte() == byte)
    }

    /// The step's number on disk.
    #[must_use]
    pub fn to_byte(self) -> u8 {
        self as u8
    }

    /// Whether the step brings a transfer into the books, as opposed to changing one.
    #[must_use]
    pub fn is_first(self) -> bool {
        matches!(self, Self::Move | Self::Begin)
    }
}

/// A step of a transfer as it waits for the disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Posted {
    /// Its place in the books; the first one ever is 1, and none is left out.
    pub sequence: u64,
    /// The transfer's id.
    pub id: Uuid,
    /// Why the money moved.
    pub kind: TransferKind,
    /// What happens to the transfer.
    pub step: Step,
    /// The first or only movement.
    pub first: Entry,
    /// The second one, where two assets meet.
    pub second: Option<Entry>,
    /// When an operator took this step, in milliseconds since 1970. A packet's is the time at which
    /// its page is written.
    pub created_at_ms: Option<u64>,
    /// For a withdrawal that begins, from when on it is expired, in milliseconds since 1970.
    pub expires_at_ms: Option<u64>,
}

impl Posted {
    /// Of a transfer that is to get its place.
    pub(crate) fn new(transfer: &Transfer, step: Step, created_at_ms: Option<u64>) -> Self {
        Self {
            sequence: 0,
            id: transfer.id,
            kind: transfer.kind,
            step,
            first: Entry::of(&transfer.first),
            second: transfer.second.as_ref().map(Entry::of),
            created_at_ms,
            expires_at_ms: None,
        }
    }

    /// The movements, of which all or none are in the books.
    pub fn entries(&self) -> impl Iterator<Item = &Entry> {
        std::iter::once(&self.first).chain(&self.second)
    }
}

/// What waits for the writer.
pub(crate) struct Queue {
    state: Mutex<State>,
    /// Notified when something is handed over, or no more will be.
    filled: Condvar,
    /// How many more transfers may be under way.
    permits: AtomicUsize,
    /// Follows the state's `closed`, so that a hold can ask without the lock. One that asks too
    /// early is refused when it is posted.
    closed: AtomicBool,
}

struct State {
    waiting: Vec<Posted>,
    /// Whether the writer may take what waits. A runtime's thread hands over all that it posted in a
    /// turn at once: taken one by one, each batch would be what the last sync left time for.
    handed_over: bool,
    last_sequence: u64,
    closed: bool,
}

/// The right to have one transfer under way: from its hold until it is void or durable. There are
/// as many as the queue has room for, so a transfer that is on hold can always be posted.
pub(crate) struct Permit {
    queue: Arc<Queue>,
    /// Whether it's still here, and not gone with the transfer into the queue.
    held: bool,
}

impl Drop for Permit {
    fn drop(&mut self) {
        if self.held {
            self.queue.release(1);
        }
    }
}

impl Queue {
    /// An empty queue with so many permits; the next transfer comes after `last_sequence`.
    pub(crate) fn new(permits: usize, last_sequence: u64) -> Self {
        Self {
            state: Mutex::new(State {
                waiting: Vec::new(),
                handed_over: false,
                last_sequence,
                closed: false,
            }),
            filled: Condvar::new(),
            permits: AtomicUsize::new(permits),
            closed: AtomicBool::new(false),
        }
    }

    /// A permit, unless all are out.
    pub(crate) fn permit(self: &Arc<Self>) -> Option<Permit> {
        // Relaxed will do: the count guards no other memory, and what is queued has its own lock.
        self.permits
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1))
            .ok()?;
        Some(Permit { queue: Arc::clone(self), held: true })
    }

    /// Gives back the permits of transfers that are durable.
    pub(crate) fn release(&self, permits: usize) {
        self.permits.fetch_add(permits, Ordering::Relaxed);
    }

    /// How many more transfers may be under way.
    pub(crate) fn permits_left(&self) -> usize {
        self.permits.load(Ordering::Relaxed)
    }

    /// Gives the transfer its place, and its permit to the writer. Never waits for the writer, which
    /// takes it after the next [`Queue::hand_over`].
    ///
    /// # Errors
    /// [`Stopped`] once the queue is closed; the permit is back then.
    pub(crate) fn append(&self, mut permit: Permit, posted: Posted) -> Result<u64, Stopped> {
        let mut state = self.state.lock();
        if state.closed {
            // The permit's drop takes no lock, so it may happen under this one.
            return Err(Stopped);
        }
        permit.held = false;
        state.last_sequence += 1;
        let sequence = state.last_sequence;
        state.waiting.push(Posted { sequence, ..posted });
        Ok(sequence)
    }

    /// Lets the writer take all that was appended so far.
    pub(crate) fn hand_over(&self) {
        self.state.lock().handed_over = true;
        self.filled.notify_one();
    }

    /// Waits until something is handed over and takes all that is queued into `batch`, which must be
    /// empty.     /// False once the queue is closed and empty.
    pub(crate) fn take(&self, batch: &mut Vec<Posted>) -> bool {
        debug_assert!(batch.is_empty(), "the last batch is done with");
        let mut state = self.state.lock();
        while (state.waiting.is_empty() || !state.handed_over) && !state.closed {
            self.filled.wait(&mut state);
        }
        // The two vectors take turns, so that at full speed nothing is allocated.
        std::mem::swap(&mut state.waiting, batch);
        state.handed_over = false;
        !batch.is_empty()
    }

    /// Whether nothing more may be appended.
    pub(crate) fn is_closed(&self) -> bool {
        // Relaxed will do: nothing is read on the strength of it.
        self.closed.load(Ordering::Relaxed)
    }

    /// The place of the last transfer that was queued.
    pub(crate) fn last_sequence(&self) -> u64 {
        self.state.lock().last_sequence
    }

    /// Lets nothing more in. What waits stays for the writer.
    pub(crate) fn close(&self) {
        self.state.lock().closed = true;
        self.closed.store(true, Ordering::Relaxed);
        self.filled.notify_all();
    }

    /// Forgets what waits, for a writer that has failed.
    pub(crate) fn discard(&self) {
        self.state.lock().waiting.clear();
    }
}
