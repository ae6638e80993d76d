//! How those who posted wait for the disk, on any runtime.

use std::{
    collections::BTreeMap,
    future::Future,
    pin::Pin,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicU64, Ordering},
    },
    task::{Context, Poll, Waker},
};

use ilp_connector::ledger::Stopped;
use parking_lot::Mutex;

/// How far the disk has come, and who waits for it to come further.
pub(crate) struct Durable {
    /// All transfers up to this one are durable. Written by the writer only, with Release after
    /// the sync; read with Acquire, so who sees the number also sees all that led to it.
    sequence: AtomicU64,
    /// Set once no further transfer will become durable, with the reason.
    stop: OnceLock<String>,
    waiters: Mutex<Waiters>,
}

#[derive(Default)]
struct Waiters {
    /// By sequence, then ticket: two may wait for one transfer, where an operator has sent it
    /// twice. At most one per permit and per operator's call, so it doesn't grow without bound.
    wakers: BTreeMap<(u64, u64), Waker>,
    last_ticket: u64,
}

impl Durable {
    /// With all transfers up to `sequence` on the disk.
    pub(crate) fn new(sequence: u64) -> Self {
        Self {
            sequence: AtomicU64::new(sequence),
            stop: OnceLock::new(),
            waiters: Mutex::new(Waiters::default()),
        }
    }

    /// Waits until the transfer of this sequence is durable.
    pub(crate) fn wait(self: &Arc<Self>, sequence: u64) -> UntilDurable {
        UntilDurable { durable: Arc::clone(self), sequence, ticket: None }
    }

    /// All transfers up to `sequence` are durable.
    pub(crate) fn advance(&self, sequence: u64) {
        self.sequence.store(sequence, Ordering::Release);
        // Whoever doesn't see the number yet has looked before this lock was taken, under the same
        // lock, and so has left a waker.
        let due = {
            let mut waiters = self.waiters.lock();
            let later = waiters.wakers.split_off(&(sequence.saturating_add(1), 0));
            std::mem::replace(&mut waiters.wakers, later)
        };
        // Waking runs code of the runtime, which may poll at once and want the lock.
        due.into_values().for_each(Waker::wake);
    }

    /// Nothing further will become durable. The first reason counts.
    pub(crate) fn stop(&self, reason: String) {
        self.stop.get_or_init(|| reason);
        let wakers = std::mem::take(&mut self.waiters.lock().wakers);
        wakers.into_values().for_each(Waker::wake);
    }

    /// Why nothing further will become durable, once that is so.
    pub(crate) fn stopped(&self) -> Option<&str> {
        self.stop.get().map(String::as_str)
    }

    /// The last transfer that is durable.
    pub(crate) fn sequence(&self) -> u64 {
        self.sequence.load(Ordering::Acquire)
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

/// Ready once a transfer is durable, or never will be. May be dropped at any time, and polled from
/// one task and then from another.
pub(crate) struct UntilDurable {
    durable: Arc<Durable>,
    sequence: u64,
    /// Names our waker among the waiters, once there is one.
    ticket: Option<u64>,
}

impl Future for UntilDurable {
    type Output = Result<(), Stopped>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        if let Some(outcome) = self.durable.outcome(self.sequence) {
            return Poll::Ready(outcome);
        }
        let this = &mut *self;
        let mut waiters = this.durable.waiters.lock();
        // Again under the lock: the writer may have come by since.
        if let Some(outcome) = this.durable.outcome(this.sequence) {
            return Poll::Ready(outcome);
        }
        let ticket = *this.ticket.get_or_insert_with(|| {
            waiters.last_ticket += 1;
            waiters.last_ticket
        });
        // The task may have changed since the last poll; the last waker is the one that counts.
        let waker = waiters.wakers.entry((this.sequence, ticket));
        waker
            .and_modify(|waker| waker.clone_from(context.waker()))
            .or_insert_with(|| context.waker().clone());
        Poll::Pending
    }
}

impl Drop for UntilDurable {
    fn drop(&mut self) {
        // One that is done has been taken out by the writer; only an early leaver is still in.
        if let Some(ticket) = self.ticket
            && self.durable.outcome(self.sequence).is_none()
        {
            self.durable.waiters.lock().wakers.remove(&(self.sequence, ticket));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{sync::atomic::AtomicUsize, task::Wake};

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
        let durable = Arc::new(Durable::new(0));
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
        let durable = Arc::new(Durable::new(0));
        let waker = Arc::new(Counter::default());
        for _ in 0..10 {
            assert!(poll(&mut durable.wait(1), &waker).is_pending());
        }
        assert!(durable.waiters.lock().wakers.is_empty());
    }
}
