//! What a runtime's thread does for the ledger by itself, once per turn and not once per packet.
//!
//! A packet that is posted wakes the writer's thread, and a transfer that is durable wakes the
//! packet's task from the writer's: a system call each time. With a lane both go through one task of
//! the runtime's thread. It runs after those that were ready before it, tells the writer of all that
//! they posted, and wakes all whose transfers have become durable, which on its own thread is no more
//! than a push onto the runtime's queue.

use std::{
    cell::RefCell,
    fmt,
    future::Future,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, Waker},
};

use parking_lot::Mutex;

use super::{Shared, durable::Durable, waiting::Waiting};

thread_local! {
    /// The lane of this thread, and the ledger that it is of.
    static LANE: RefCell<Option<(Arc<Durable>, Arc<Lane>)>> = const { RefCell::new(None) };
}

/// The posts and the waiters of one thread.
pub(crate) struct Lane {
    waiting: Arc<Waiting>,
    /// Whether something was posted of which the writer has not been told.
    posted: AtomicBool,
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

    /// Something was posted: the task will tell the writer.
    pub(crate) fn posted(&self) {
        // Relaxed will do: what was posted is behind the queue's lock.
        if !self.posted.swap(true, Ordering::Relaxed) {
            self.wake();
        }
    }

    /// Wakes the task if somebody waits for a transfer up to `sequence`.
    pub(crate) fn call(&self, sequence: u64) {
        if self.waiting.waits_up_to(sequence) {
            self.wake();
        }
    }

    fn wake(&self) {
        let task = self.task.lock();
        if let Some(task) = task.as_ref() {
            task.wake_by_ref();
        }
    }
}

/// A thread's lane as a task of its runtime, which must be one that stays on one thread. Ends never;
/// dropping it ends it, and whoever waited in it is woken by the writer from then on.
#[must_use = "a lane does nothing unless it is spawned"]
pub struct LedgerLane {
    shared: Arc<Shared>,
    lane: Option<Arc<Lane>>,
}

impl LedgerLane {
    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        Self { shared, lane: None }
    }

    /// The lane becomes this thread's.
    fn enter(&self) -> Arc<Lane> {
        let lane = Arc::new(Lane {
            waiting: Arc::default(),
            posted: AtomicBool::new(false),
            task: Mutex::new(None),
        });
        let durable = &self.shared.durable;
        durable.enter(&lane);
        LANE.set(Some((Arc::clone(durable), Arc::clone(&lane))));
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
        if lane.posted.swap(false, Ordering::Relaxed) {
            self.shared.queue.hand_over();
        }
        lane.waiting.wake_up_to(self.shared.durable.sequence());
        Poll::Pending
    }
}

impl Drop for LedgerLane {
    fn drop(&mut self) {
        let Some(lane) = self.lane.take() else { return };
        self.shared.durable.leave(&lane);
        // A runtime may be dropped on another thread than it ran on, which then keeps a lane that is
        // closed, and so passed over.
        let _ = LANE.try_with(|current| {
            current.borrow_mut().take_if(|(_, current)| Arc::ptr_eq(current, &lane))
        });
        lane.waiting.close();
        self.shared.queue.hand_over();
    }
}

impl fmt::Debug for LedgerLane {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("LedgerLane").field("entered", &self.lane.is_some()).finish()
    }
}
