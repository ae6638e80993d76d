//! How those who posted wait for the disk, on any runtime.

use std::{
    future::Future,
    pin::Pin,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicU64, Ordering},
    },
    task::{Context, Poll, Wake, Waker},
};

use ilp_connector::ledger::Stopped;
use parking_lot::RwLock;

use super::{lane::Lane, waiting::Waiting};

/// How far the disk has come, and who waits for it to come further.
pub(crate) struct Durable {
    /// All transfers up to this one are durable. Written by the writer only, with Release after
    /// the sync; read with Acquire, so who sees the number also sees all that led to it. The readers
    /// of records share it.
    sequence: Arc<AtomicU64>,
    /// Set once no further transfer will become durable, with the reason.
    stop: OnceLock<String>,
    /// Who waits on a thread without a lane. The writer wakes each of them itself.
    strays: Arc<Waiting>,
    /// The lanes that runtime threads lend. Written when a thread begins or ends.
    lanes: RwLock<Vec<Arc<Lane>>>,
}

impl Durable {
    /// With all entries up to `sequence` on the disk.
    pub(crate) fn new(sequence: Arc<AtomicU64>) -> Self {
        Self { sequence, stop: OnceLock::new(), strays: Arc::default(), lanes: RwLock::default() }
    }

    /// Waits until the transfer of this sequence is durable.
    pub(crate) fn wait(self: &Arc<Self>, sequence: u64) -> UntilDurable {
        UntilDurable { durable: Arc::clone(self), sequence, place: None }
    }

    /// Waits on this thread until the entry of this sequence is durable. For threads that may block;
    /// never polled by a runtime, so a lane of this thread would not be served meanwhile.
    pub(crate) fn block(&self, sequence: u64) -> Result<(), Stopped> {
        let waker = Waker::from(Arc::new(Unpark(std::thread::current())));
        let mut ticket = None;
        loop {
            if let Some(outcome) = self.outcome(sequence) {
                return outcome;
            }
            if let Some(mut waiters) = self.strays.lock() {
                // Again under the lock: the writer may have come by since.
                if let Some(outcome) = self.outcome(sequence) {
                    return outcome;
                }
                ticket = Some(waiters.put(sequence, ticket, &waker));
            }
            std::thread::park();
        }
    }

    /// All transfers up to `sequence` are durable.
    pub(crate) fn advance(&self, sequence: u64) {
        self.sequence.store(sequence, Ordering::Release);
        // Whoever doesn't see the number yet has looked before this lock was taken, under the same
        // lock, and so has left a waker.
        self.strays.wake_up_to(sequence);
        self.lanes.read().iter().for_each(|lane| lane.call(sequence));
    }

    /// Nothing further will become durable. The first reason counts.
    pub(crate) fn stop(&self, reason: String) {
        self.stop.get_or_init(|| reason);
        self.strays.wake_up_to(u64::MAX);
        self.lanes.read().iter().for_each(|lane| lane.waiting().wake_up_to(u64::MAX));
    }

    /// Why nothing further will become durable, once that is so.
    pub(crate) fn stopped(&self) -> Option<&str> {
        self.stop.get().map(String::as_str)
    }

    /// The last transfer that is durable.
    pub(crate) fn sequence(&self) -> u64 {
        self.sequence.load(Ordering::Acquire)
    }

    /// Where a thread's lane is told from now on.
    pub(crate) fn enter(&self, lane: &Arc<Lane>) {
        self.lanes.write().push(Arc::clone(lane));
    }

    /// Where it was told.
    pub(crate) fn leave(&self, lane: &Arc<Lane>) {
        self.lanes.write().retain(|known| !Arc::ptr_eq(known, lane));
    }

    fn outcome(&self, sequence: u64) -> Option<Result<(), Stopped>> {
        // In this order: a stop doesn't undo what was durable before it. It is set after the last
        // advance, so who sees it, and then the sequence unmoved, sees the last word on both.
        let stopped = self.stop.get().is_some();
        if self.sequence() >= sequence {
            Some(Ok(()))
        } else if stopped {
            Some(Err(Stopped))
        } else {
            None
        }
    }
}

/// Wakes a thread that waits.
struct Unpark(std::thread::Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// Ready once a transfer is durable, or never will be. May be dropped at any time, and polled from
/// one task and then from another, on one thread and then on another.
pub(crate) struct UntilDurable {
    durable: Arc<Durable>,
    sequence: u64,
    /// Where our waker is, and which of those there it is, once there is one.
    place: Option<(Arc<Waiting>, u64)>,
}

impl UntilDurable {
    /// Leaves the waker among those of this thread. False where nobody would wake it there.
    fn wait_among(
        &mut self,
        waiting: &Arc<Waiting>,
        waker: &Waker,
    ) -> Option<Poll<Result<(), Stopped>>> {
        let moved = self.place.as_ref().is_some_and(|(at, _)| !Arc::ptr_eq(at, waiting));
        if moved {
            self.leave();
        }
        let mut waiters = waiting.lock()?;
        // Again under the lock: the writer may have come by since.
        if let Some(outcome) = self.durable.outcome(self.sequence) {
            return Some(Poll::Ready(outcome));
        }
        let ticket = self.place.as_ref().map(|(_, ticket)| *ticket);
        let ticket = waiters.put(self.sequence, ticket, waker);
        drop(waiters);
        self.place.get_or_insert_with(|| (Arc::clone(waiting), ticket));
        Some(Poll::Pending)
    }

    fn leave(&mut self) {
        if let Some((waiting, ticket)) = self.place.take() {
            waiting.remove(self.sequence, ticket);
        }
    }
}

impl Future for UntilDurable {
    type Output = Result<(), Stopped>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        if let Some(outcome) = this.durable.outcome(this.sequence) {
            return Poll::Ready(outcome);
        }
        let lane = Lane::of_this_thread(&this.durable);
        lane.and_then(|lane| this.wait_among(lane.waiting(), context.waker()))
            .or_else(|| {
                let strays = Arc::clone(&this.durable.strays);
                this.wait_among(&strays, context.waker())
            })
            // The strays' place is never closed.
            .unwrap_or(Poll::Pending)
    }
}

impl Drop for UntilDurable {
    fn drop(&mut self) {
        // One that is done has been taken out by whoever woke it; only an early leaver is still in.
        if self.durable.outcome(self.sequence).is_none() {
            self.leave();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;

    use super::*;

    #[derive(Default)]
    struct Counter(AtomicUsize);

    impl Wake for Counter {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }

    fn poll(future: &mut UntilDurable, waker: &Arc<Counter>) -> Poll<Result<(), Stopped>> {
        let waker = Waker::from(Arc::clone(waker));
        Pin::new(future).poll(&mut Context::from_waker(&waker))
    }

    #[test]
    fn wakes_the_last_waker_of_each_that_is_due_and_no_other() {
        let durable = Arc::new(Durable::new(Arc::default()));
        let [old, new, later] = [(); 3].map(|()| Arc::new(Counter::default()));
        let (mut first, mut twin) = (durable.wait(1), durable.wait(1));
        let mut second = durable.wait(2);
        assert!(poll(&mut first, &old).is_pending() && poll(&mut first, &new).is_pending());
        assert!(poll(&mut twin, &new).is_pending() && poll(&mut second, &later).is_pending());
        durable.advance(1);
        let woken = [&old, &new, &later].map(|counter| counter.0.load(Ordering::SeqCst));
        assert_eq!(woken, [0, 2, 0]);
        assert_eq!(poll(&mut first, &new), Poll::Ready(Ok(())));
        durable.stop("for a test".to_owned());
        assert_eq!(later.0.load(Ordering::SeqCst), 1);
        assert_eq!(poll(&mut second, &later), Poll::Ready(Err(Stopped)));
        assert_eq!(poll(&mut twin, &later), Poll::Ready(Ok(())));
    }

    #[test]
    fn those_who_leave_early_leave_nothing_behind() {
        let durable = Arc::new(Durable::new(Arc::default()));
        let waker = Arc::new(Counter::default());
        for _ in 0..10 {
            assert!(poll(&mut durable.wait(1), &waker).is_pending());
        }
        assert!(durable.strays.is_empty());
    }
}
