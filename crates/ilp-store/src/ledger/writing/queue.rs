//! The queue before the writer, and the permits that keep it from ever being full.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use ilp_connector::ledger::Stopped;
use parking_lot::{Condvar, Mutex, MutexGuard};

use super::gather::{GATHER_MAX, Gather};
use crate::journal::{
    PageLog,
    posted::{Posted, Queued, Unit},
};

/// How long notes that no caller waits for wait for a page that is written anyway, so that they cost no
/// sync of their own.
const NOTES_WAIT_MAX: Duration = Duration::from_millis(20);

/// Whether a caller waits for a unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Urgency {
    /// The unit goes into a page at once.
    Now,
    /// The unit may wait for the next page, see [`NOTES_WAIT_MAX`].
    WithTheNext,
}

/// The queue of units that wait for the writer.
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
    /// The database that has the log's pages as well, where there is one.
    page_log: Option<Arc<dyn PageLog>>,
}

struct State {
    waiting: Vec<Queued>,
    last_sequence: u64,
    /// How many steps of transfers there were, ever.
    transfers: u64,
    /// Whether something waits that a caller waits for.
    urgent: bool,
    /// Until when notes that no caller waits for may wait for a page that is written anyway.
    notes_until: Option<Instant>,
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

impl Permit {
    /// Lets the permit go with its transfer into the queue.
    fn pass_on(mut self) {
        self.held = false;
    }
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
    pub(crate) fn new(
        permits: usize,
        (last_sequence, transfers): (u64, u64),
        page_log: Option<Arc<dyn PageLog>>,
    ) -> Self {
        Self {
            state: Mutex::new(State {
                waiting: Vec::new(),
                last_sequence,
                transfers,
                urgent: false,
                notes_until: None,
                closed: false,
                wanted: None,
            }),
            filled: Condvar::new(),
            permits_max: permits,
            permits: AtomicUsize::new(permits),
            closed: AtomicBool::new(false),
            page_log,
        }
    }

    /// Returns a permit, unless all are out or the database has not taken a page for too long.
    pub(crate) fn permit(self: &Arc<Self>) -> Option<Permit> {
        // For a node without a database this is one comparison with zero.
        if self.is_stalled() {
            return None;
        }
        // Relaxed will do: the count guards no other memory, and what is queued has its own lock.
        self.permits
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1))
            .ok()?;
        Some(Permit { queue: Arc::clone(self), held: true })
    }

    /// Returns whether the database has not taken a page for too long.
    pub(crate) fn is_stalled(&self) -> bool {
        self.page_log.as_ref().is_some_and(|page_log| page_log.is_stalled())
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
    pub(crate) fn append(&self, permit: Permit, posted: Posted) -> Result<u64, Stopped> {
        let mut state = self.state.lock();
        if state.closed {
            // The permit's drop takes no lock, so it may happen under this one.
            return Err(Stopped);
        }
        permit.pass_on();
        state.transfers += 1;
        state.last_sequence += 1;
        let sequence = state.last_sequence;
        state.waiting.push(Queued::Transfer(Posted { sequence, ..posted }));
        state.urgent = true;
        self.appended(state);
        Ok(sequence)
    }

    /// Gives the entries of a unit, which has at least one, their places, and a permit for each of
    /// its transfers to the writer. Returns the place of the last entry. Never waits for the writer.
    ///
    /// # Errors
    /// [`Stopped`] once the queue is closed; the permits are back then.
    pub(crate) fn append_unit(
        &self,
        permits: Vec<Permit>,
        mut unit: Unit,
        urgency: Urgency,
    ) -> Result<u64, Stopped> {
        debug_assert_eq!(permits.len(), unit.transfers.len(), "a permit for each transfer");
        let mut state = self.state.lock();
        if state.closed {
            return Err(Stopped);
        }
        permits.into_iter().for_each(Permit::pass_on);
        unit.first_sequence = state.last_sequence + 1;
        let transfers_from =
            unit.first_sequence + u64::try_from(unit.records.len()).unwrap_or(u64::MAX);
        for (posted, sequence) in unit.transfers.iter_mut().zip(transfers_from..) {
            posted.sequence = sequence;
        }
        state.last_sequence += unit.entries();
        state.transfers += u64::try_from(unit.transfers.len()).unwrap_or(u64::MAX);
        let sequence = state.last_sequence;
        state.waiting.push(Queued::Unit(Box::new(unit)));
        match urgency {
            Urgency::Now => state.urgent = true,
            Urgency::WithTheNext => {
                state.notes_until.get_or_insert_with(|| Instant::now() + NOTES_WAIT_MAX);
            }
        }
        self.appended(state);
        Ok(sequence)
    }

    fn appended(&self, mut state: MutexGuard<'_, State>) {
        let waiting = state.waiting.len();
        let is_wanted = state.wanted.take_if(|wanted| *wanted <= waiting).is_some();
        drop(state);
        // Waking a thread is a system call, so only the one that makes a batch of it does.
        if is_wanted {
            self.filled.notify_one();
        }
    }

    /// Waits until something is queued, and a little longer where more is to be expected, and takes
    /// all of it into `batch`, which must be empty. False once the queue is closed and empty.
    pub(crate) fn take(&self, batch: &mut Vec<Queued>, gather: &mut Gather) -> bool {
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
        while !state.urgent && !state.closed {
            state.wanted = Some(1);
            match state.notes_until {
                Some(until) if Instant::now() >= until => break,
                Some(until) => drop(self.filled.wait_until(&mut state, until)),
                None => self.filled.wait(&mut state),
            }
        }
        state.wanted = None;
        (state.urgent, state.notes_until) = (false, None);
        // The two vectors take turns, so that at full speed nothing is allocated.
        std::mem::swap(&mut state.waiting, batch);
        gather.took(batch.len());
        !batch.is_empty()
    }

    /// Has the writer write what waits, notes included.
    pub(crate) fn hurry(&self) {
        let mut state = self.state.lock();
        if !state.waiting.is_empty() {
            state.urgent = true;
            state.wanted = None;
            drop(state);
            self.filled.notify_one();
        }
    }

    /// Returns whether nothing more may be appended.
    pub(crate) fn is_closed(&self) -> bool {
        // Relaxed will do: nothing is read on the strength of it.
        self.closed.load(Ordering::Relaxed)
    }

    /// Returns the place of the last entry that was queued.
    pub(crate) fn last_sequence(&self) -> u64 {
        self.state.lock().last_sequence
    }

    /// Returns the place of the last entry that was queued, and how many steps of transfers there
    /// were, ever.
    pub(crate) fn counts(&self) -> (u64, u64) {
        let state = self.state.lock();
        (state.last_sequence, state.transfers)
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

    use ilp_connector::{account::AccountId, ledger::TransferKind};
    use uuid::Uuid;

    use super::*;
    use crate::ledger::{Entry, Step};

    fn queue() -> Arc<Queue> {
        Arc::new(Queue::new(64, (0, 0), None))
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
        let sequences: Vec<u64> = first.iter().chain(&rest).map(Queued::last_sequence).collect();
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
