//! The ledger's task on a runtime's thread, so that the writer wakes the thread once per batch and
//! not once per packet.
//!
//! A task that is woken from another thread costs a system call, on the writer's thread and at the
//! expense of the next batch. So the writer wakes one task of each thread, and that one wakes all whose
//! transfers have become durable, which on its own thread is no more than a push onto the runtime's
//! queue. At 64 packets in flight that leaves three such calls of a hundred.

use std::{
    cell::RefCell,
    fmt,
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, Waker},
};

use parking_lot::Mutex;

use super::{durable::Durable, waiting::Waiting};

thread_local! {
    /// The lane of this thread, and the ledger that it is of.
    static LANE: RefCell<Option<(Arc<Durable>, Arc<Lane>)>> = const { RefCell::new(None) };
}

/// Those who wait on one thread.
pub(crate) struct Lane {
    waiting: Arc<Waiting>,
    /// The task that is the lane.
    task: Mutex<Option<Waker>>,
}

impl Lane {
    /// The lane that this thread lends to a ledger.
    pub(crate) fn of_this_thread(durable: &Arc<Durable>) -> Option<Arc<Lane>> {
        // A thread that is ending has none any more.
        let lane = LANE.try_with(|lane| {
            let lane = lane.borrow();
            let (of, lane) = lane.as_ref()?;
            Arc::ptr_eq(of, durable).then(|| Arc::clone(lane))
        });
        lane.ok().flatten()
    }

    pub(crate) fn waiting(&self) -> &Arc<Waiting> {
        &self.waiting
    }

    /// Wakes the task if somebody waits for a transfer up to `sequence`.
    pub(crate) fn call(&self, sequence: u64) {
        if !self.waiting.waits_up_to(sequence) {
            return;
        }
        // Waking runs code of the runtime, which may poll at once and want the lock.
        let task = self.task.lock().clone();
        if let Some(task) = task {
            task.wake();
        }
    }
}

/// A thread's lane as a task of its runtime, which must be one that stays on one thread. It never ends by
/// itself; when it is dropped, whoever waited in it is woken by the writer from then on.
#[must_use = "a lane does nothing unless it is spawned"]
pub struct LedgerLane {
    durable: Arc<Durable>,
    lane: Option<Arc<Lane>>,
}

impl LedgerLane {
    pub(crate) fn new(durable: Arc<Durable>) -> Self {
        Self { durable, lane: None }
    }

    /// The lane becomes this thread's.
    fn enter(&self) -> Arc<Lane> {
        let lane = Arc::new(Lane { waiting: Arc::default(), task: Mutex::new(None) });
        self.durable.enter(&lane);
        LANE.set(Some((Arc::clone(&self.durable), Arc::clone(&lane))));
        lane
    }
}

impl Future for LedgerLane {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let lane = self.lane.take().unwrap_or_else(|| self.enter());
        self.lane = Some(Arc::clone(&lane));
        {
            let mut task = lane.task.lock();
            if !task.as_ref().is_some_and(|known| known.will_wake(context.waker())) {
                *task = Some(context.waker().clone());
            }
        }
        lane.waiting.wake_up_to(self.durable.sequence());
        Poll::Pending
    }
}

impl Drop for LedgerLane {
    fn drop(&mut self) {
        let Some(lane) = self.lane.take() else { return };
        self.durable.leave(&lane);
        // A runtime may be dropped on another thread than it ran on, which then keeps a lane that is
        // closed, and so passed over.
        let _ = LANE.try_with(|current| {
            current.borrow_mut().take_if(|(_, current)| Arc::ptr_eq(current, &lane))
        });
        lane.waiting.close();
    }
}

impl fmt::Debug for LedgerLane {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("LedgerLane").field("entered", &self.lane.is_some()).finish()
    }
}
