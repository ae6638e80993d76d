//! The queue before the writer, and the permits that keep it from ever being full.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Instant,
};

use ilp_connector::{
    account::AccountId,
    ledger::{Leg, Stopped, Transfer, TransferKind},
};
use parking_lot::{Condvar, Mutex};
use uuid::Uuid;

use super::gather::{GATHER_MAX, Gather};

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
    /// Closes an empty account: the paying account's sums are added to those of the paid one, and
    /// the paying account is removed. Moves no money; the amount is zero.
    Close = 6,
}

impl Step {
    /// Returns the step whose number on disk is `byte`.
    #[must_use]
    pub fn from_byte(byte: u8) -> Option<Self> {
        [Self::Move, Self::Begin, Self::Post, Self::Void, Self::Expire, Self::Close]
            .into_iter()
            .find(|step| step.to_byte() == byte)
    }

    /// Returns the step's number on disk.
    #[must_use]
    pub fn to_byte(self) -> u8 {
        self as u8
    }

    /// Returns whether the step brings a transfer into the books, as opposed to changing one.
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

    /// Makes the entry that closes an account, whose sums go to another one.
    pub(crate) fn close(account: AccountId, into: AccountId, now_ms: u64) -> Self {
        Self {
            sequence: 0,
            id: account.owner,
            // No money moves, so the kind has no meaning; any kind that has a form on the disk will
            // do.
            kind: TransferKind::Withdrawal,
            step: Step::Close,
            first: Entry { debit: account, credit: into, amount: 0 },
            second: None,
            created_at_ms: Some(now_ms),
            expires_at_ms: None,
        }
    }

    /// Returns the movements, of which all or none are in the books.
    pub fn entries(&self) -> impl Iterator<Item = &Entry> {
        std::iter::once(&self.first).chain(&self.second)
    }
}

/// What waits for the writer.
pub(crate) struct Queue {
    state: Mutex<State>,
    /// Notified when as many wait as the writer wants, or no more will.
    filled: Condvar,
    /// How many transfers may be under way at once.
    permits_max: usize,
    /// How many more may be.
    permits: AtomicUsize,
    /// Follows the state's `closed`, so that a hold can ask without the lock. One that asks too
    /// early is refused when it is posted.
    closed: AtomicBool,
}

struct State {
    waiting: Vec<Posted>,
    last_sequence: u64,
    closed: bool,
    /// With how many waiting the writer is to be woken; it asks only while it waits for them.
    wanted: Option<usize>,
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
                last_sequence,
                closed: false,
                wanted: None,
            }),
            filled: Condvar::new(),
            permits_max: permits,
            permits: AtomicUsize::new(permits),
            closed: AtomicBool::new(false),
        }
    }

    /// Returns a permit, unless all are out.
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

    /// Returns how many more transfers may be under way.
    pub(crate) fn permits_left(&self) -> usize {
        self.permits.load(Ordering::Relaxed)
    }

    /// Gives the transfer its place, and its permit to the writer. Never waits for the writer.
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
        let waiting = state.waiting.len();
        let is_wanted = state.wanted.take_if(|wanted| *wanted <= waiting).is_some();
        drop(state);
        // Waking a thread is a system call, so only the one that makes a batch of it does.
        if is_wanted {
            self.filled.notify_one();
        }
        Ok(sequence)
    }

    /// Waits until something is queued, and a little longer where more is to be expected, and takes
    /// all of it into `batch`, which must be empty. False once the queue is closed and empty.
    pub(crate) fn take(&self, batch: &mut Vec<Posted>, gather: &mut Gather) -> bool {
        debug_assert!(batch.is_empty(), "the last batch is done with");
        let mut state = self.state.lock();
        let wanted = gather.wanted(self.permits_max.saturating_sub(self.permits_left()));
        if wanted > 1 {
            // From now on and not from the first transfer on, so that the writer is woken once.
            let until = Instant::now() + GATHER_MAX;
            let too_few = |state: &mut State| state.waiting.len() < wanted && !state.closed;
            state.wanted = Some(wanted);
            self.filled.wait_while_until(&mut state, too_few, until);
        }
        while state.waiting.is_empty() && !state.closed {
            state.wanted = Some(1);
            self.filled.wait(&mut state);
        }
        state.wanted = None;
        // The two vectors take turns, so that at full speed nothing is allocated.
        std::mem::swap(&mut state.waiting, batch);
        gather.took(batch.len());
        !batch.is_empty()
    }

    /// Returns whether nothing more may be appended.
    pub(crate) fn is_closed(&self) -> bool {
        // Relaxed will do: nothing is read on the strength of it.
        self.closed.load(Ordering::Relaxed)
    }

    /// Returns the place of the last transfer that was queued.
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

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;

    fn queue() -> Arc<Queue> {
        Arc::new(Queue::new(64, 0))
    }

    fn append(queue: &Arc<Queue>) {
        let account = AccountId::peer(Uuid::nil());
        let posted = Posted {
            sequence: 0,
            id: Uuid::nil(),
            kind: TransferKind::Packet,
            step: Step::Move,
            first: Entry { debit: account, credit: account, amount: 1 },
            second: None,
            created_at_ms: None,
            expires_at_ms: None,
        };
        queue.append(queue.permit().unwrap(), posted).unwrap();
    }

    fn after_a_crowd() -> Gather {
        let mut gather = Gather::default();
        gather.took(8);
        gather
    }

    #[test]
    fn after_a_crowd_the_writer_waits_and_misses_nobody() {
        let (queue, mut gather) = (queue(), after_a_crowd());
        let (mut first, mut rest) = (Vec::new(), Vec::new());
        let wanted = gather.wanted(0);
        thread::scope(|scope| {
            scope.spawn(|| (0..wanted).for_each(|_| append(&queue)));
            assert!(queue.take(&mut first, &mut gather));
        });
        queue.close();
        queue.take(&mut rest, &mut gather);
        let sequences: Vec<u64> = first.iter().chain(&rest).map(|posted| posted.sequence).collect();
        assert_eq!(sequences, (1..=wanted as u64).collect::<Vec<_>>());
    }

    #[test]
    fn a_batch_that_does_not_fill_is_taken_all_the_same() {
        let (queue, mut gather, mut batch) = (queue(), after_a_crowd(), Vec::new());
        append(&queue);
        assert!(queue.take(&mut batch, &mut gather));
        assert_eq!(batch.len(), 1);
    }

    #[test]
    fn an_empty_queue_that_is_closed_ends_the_writer_while_it_gathers() {
        let (queue, mut gather) = (queue(), after_a_crowd());
        queue.close();
        assert!(!queue.take(&mut Vec::new(), &mut gather));
    }
}
