//! What a connection tells about itself, and what it is ordered: a few atomics, no channel, no timer.

mod running;

pub use running::Running;

use super::{Holder, Share, Source};
use parking_lot::Mutex;
use std::{
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, AtomicU8, AtomicU32, AtomicUsize, Ordering},
    },
    task::Waker,
};

/// What a connection shall do. A later one in this list overrides an earlier one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Order {
    /// Serve requests as they come.
    Serve = 0,
    /// Answer what is in flight, then close.
    Finish = 1,
    /// Close at once, unless a request is in flight.
    CutIfQuiet = 2,
    /// Close at once.
    Cut = 3,
}

/// Bytes that are read of a client in one turn, unless its socket is empty before: of a stranger, and of
/// a client that has shown who it is. They are a few requests, and a dozen common packets.
//
// A turn also bounds how many streams an HTTP/2 connection opens before the first of them is answered:
// h2 keeps 1.5 kB for as many as there ever were at once. A turn of 128 KiB made that 1.7 MB.
const READ_BYTES_STRANGER: usize = 1_024;
const READ_BYTES_KNOWN: usize = 4 * 1_024;

/// The state that a connection's task, its requests and the registry share.
#[derive(Debug)]
pub(crate) struct Control {
    order: AtomicU8,
    /// Wakes the connection's task. Locked when an order is given and when the task first runs.
    waker: Mutex<Option<Waker>>,
    /// Where the client is.
    source: Source,
    /// Whether the client has shown who it is.
    known: AtomicBool,
    /// Who it is.
    holder: OnceLock<Holder>,
    /// What the client occupies, once it is known, where the port counts that.
    share: OnceLock<Arc<Share>>,
    /// Whether the connection left HTTP for a WebSocket.
    upgraded: AtomicBool,
    /// Requests begun; it wraps, since only a change of it matters.
    begun: AtomicU32,
    /// Requests whose answer has not left yet: at most one in HTTP/1.1, many in HTTP/2.
    running: AtomicU32,
    /// The most of them that there ever were at once.
    running_most: AtomicU32,
    /// Answers that wait for the client to take them, by the epoch in which they began to.
    waiting: [AtomicU32; 2],
    /// 0 or 1; the registry changes it once every [`take_timeout`](super::PortLimits::take_timeout).
    epoch: AtomicU8,
    /// Refusals that wait for the client to take them.
    refusals_waiting: AtomicU32,
    /// Requests refused since the last one that was not.
    refused: AtomicU32,
    /// Whether bytes came since the last request ended: then a head is on its way.
    heard: AtomicBool,
    /// Whether a request came by HTTP/2, where bytes between requests need not be a head.
    http2: AtomicBool,
    /// Whether an HTTP/1.1 request's body is being waited for.
    body_awaited: AtomicBool,
    /// Set by the registry when that took too long.
    body_late: AtomicBool,
    /// Whether the socket takes no more bytes, since the client doesn't.
    write_blocked: AtomicBool,
    /// How often that has ended; it wraps.
    unblocked: AtomicU32,
    /// Bytes that may still be read in this turn.
    readable_bytes: AtomicUsize,
    /// Whether the connection waits for its next turn.
    turn_awaited: AtomicBool,
    /// Whether the connection's task has run.
    begun_task: AtomicBool,
}

// Orders: `order` and `body_late` carry nothing but themselves and are followed by a wake, whose
// lock orders them; everything else is a hint that the registry looks at once in a tick, or is
// written and read by the connection's own thread. So `Relaxed` will do.
impl Control {
    pub(super) fn new(source: Source) -> Control {
        Control {
            order: AtomicU8::new(Order::Serve as u8),
            waker: Mutex::new(None),
            source,
            known: AtomicBool::new(false),
            holder: OnceLock::new(),
            share: OnceLock::new(),
            upgraded: AtomicBool::new(false),
            begun: AtomicU32::new(0),
            running: AtomicU32::new(0),
            running_most: AtomicU32::new(0),
            waiting: [AtomicU32::new(0), AtomicU32::new(0)],
            epoch: AtomicU8::new(0),
            refusals_waiting: AtomicU32::new(0),
            refused: AtomicU32::new(0),
            // A connection that says nothing at all is as slow as a slow head.
            heard: AtomicBool::new(true),
            http2: AtomicBool::new(false),
            body_awaited: AtomicBool::new(false),
            body_late: AtomicBool::new(false),
            write_blocked: AtomicBool::new(false),
            unblocked: AtomicU32::new(0),
            readable_bytes: AtomicUsize::new(READ_BYTES_STRANGER),
            turn_awaited: AtomicBool::new(false),
            begun_task: AtomicBool::new(false),
        }
    }

    /// Gives an order, unless one that overrides it was given already; says whether it was given.
    pub(crate) fn give(&self, order: Order) -> bool {
        let is_new = self.order.fetch_max(order as u8, Ordering::Relaxed) < order as u8;
        if is_new {
            self.wake();
        }
        is_new
    }

    /// Takes back an [`Order::CutIfQuiet`]; an [`Order::Cut`] given since stands.
    pub(super) fn countermand(&self) {
        let (cut, finish) = (Order::CutIfQuiet as u8, Order::Finish as u8);
        // Losing the exchange means that a stronger order came, which the next poll obeys.
        let _ = self.order.compare_exchange(cut, finish, Ordering::Relaxed, Ordering::Relaxed);
    }

    pub(super) fn order(&self) -> Order {
        match self.order.load(Ordering::Relaxed) {
            0 => Order::Serve,
            1 => Order::Finish,
            2 => Order::CutIfQuiet,
            _ => Order::Cut,
        }
    }

    pub(super) fn wake_with(&self, waker: &Waker) {
        *self.waker.lock() = Some(waker.clone());
    }

    fn wake(&self) {
        let waker = self.waker.lock().clone();
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    /// Whether the client has shown who it is.
    pub(crate) fn is_known(&self) -> bool {
        self.known.load(Ordering::Relaxed)
    }

    pub(super) fn set_known(&self, holder: Holder) {
        let _ = self.holder.set(holder);
        self.known.store(true, Ordering::Relaxed);
    }

    /// To whom the connection's turns are counted.
    pub(super) fn holder(&self) -> Holder {
        self.holder.get().copied().unwrap_or(Holder::Source(self.source))
    }

    /// Says whether the connection's task runs for the first time.
    pub(super) fn begin_task(&self) -> bool {
        !self.begun_task.swap(true, Ordering::Relaxed)
    }

    /// What the client occupies, once it is known, where the port counts that.
    pub(super) fn share(&self) -> Option<&Arc<Share>> {
        self.share.get()
    }

    /// Notes what the client occupies. A connection stays with the client that was known first.
    pub(crate) fn set_share(&self, share: Arc<Share>) {
        let _ = self.share.set(share);
    }

    pub(super) fn is_upgraded(&self) -> bool {
        self.upgraded.load(Ordering::Relaxed)
    }

    pub(super) fn set_upgraded(&self) {
        self.upgraded.store(true, Ordering::Relaxed);
    }

    pub(super) fn begin(&self, http2: bool) {
        self.http2.store(http2, Ordering::Relaxed);
        self.begun.fetch_add(1, Ordering::Relaxed);
        let running = self.running.fetch_add(1, Ordering::Relaxed) + 1;
        if running > self.running_most.load(Ordering::Relaxed) {
            self.running_most.store(running, Ordering::Relaxed);
        }
    }

    /// The most requests that ever were answered at once.
    pub(super) fn running_most(&self) -> u32 {
        self.running_most.load(Ordering::Relaxed)
    }

    pub(super) fn end(&self) {
        self.heard.store(false, Ordering::Relaxed);
        self.body_awaited.store(false, Ordering::Relaxed);
        self.running.fetch_sub(1, Ordering::Relaxed);
    }

    /// Whether every answer has left.
    pub(super) fn is_quiet(&self) -> bool {
        self.running.load(Ordering::Relaxed) == 0
    }

    /// Counts an answer that waits for the client from now on, and gives its epoch.
    pub(super) fn wait(&self) -> usize {
        let epoch = usize::from(self.epoch.load(Ordering::Relaxed) & 1);
        self.waiting[epoch].fetch_add(1, Ordering::Relaxed);
        epoch
    }

    pub(super) fn taken(&self, epoch: usize) {
        self.waiting[epoch & 1].fetch_sub(1, Ordering::Relaxed);
    }

    /// Begins the next epoch; says whether an answer of the one before has not been taken.
    pub(super) fn turn_epoch(&self) -> bool {
        let next = (self.epoch.load(Ordering::Relaxed) & 1) ^ 1;
        if self.waiting[usize::from(next)].load(Ordering::Relaxed) > 0 {
            return true;
        }
        self.epoch.store(next, Ordering::Relaxed);
        false
    }

    pub(super) fn refusal_waits(&self) {
        self.refusals_waiting.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn refusal_taken(&self) {
        self.refusals_waiting.fetch_sub(1, Ordering::Relaxed);
    }

    /// Refusals that wait for the client to take them.
    pub(crate) fn refusals_waiting(&self) -> u32 {
        self.refusals_waiting.load(Ordering::Relaxed)
    }

    /// Answers that wait for the client to take them.
    pub(crate) fn answers_waiting(&self) -> u32 {
        self.waiting.iter().map(|waiting| waiting.load(Ordering::Relaxed)).sum()
    }

    /// Counts a refused request and gives how many in a row were.
    pub(crate) fn count_refused(&self) -> u32 {
        self.refused.fetch_add(1, Ordering::Relaxed).wrapping_add(1)
    }

    /// Ends the row of refused requests.
    pub(crate) fn count_let_in(&self) {
        // Nearly always there is none, and a load leaves the line of memory as it is.
        if self.refused.load(Ordering::Relaxed) != 0 {
            self.refused.store(0, Ordering::Relaxed);
        }
    }

    pub(super) fn hear(&self) {
        self.heard.store(true, Ordering::Relaxed);
    }

    pub(crate) fn await_body(&self, awaited: bool) {
        self.body_late.store(false, Ordering::Relaxed);
        self.body_awaited.store(awaited, Ordering::Relaxed);
    }

    pub(crate) fn body_is_late(&self) -> bool {
        self.body_late.load(Ordering::Relaxed)
    }

    pub(super) fn give_up_on_body(&self) {
        self.body_late.store(true, Ordering::Relaxed);
        self.wake();
    }

    pub(super) fn set_write_blocked(&self, blocked: bool) {
        self.write_blocked.store(blocked, Ordering::Relaxed);
        if !blocked {
            self.unblocked.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Whether the socket takes no bytes, and how often that has ended.
    pub(super) fn blocked(&self) -> (bool, u32) {
        (self.write_blocked.load(Ordering::Relaxed), self.unblocked.load(Ordering::Relaxed))
    }

    /// Begins a turn of reading: the socket was empty, or others have had theirs.
    pub(super) fn begin_turn(&self) {
        let bytes = if self.is_known() { READ_BYTES_KNOWN } else { READ_BYTES_STRANGER };
        self.readable_bytes.store(bytes, Ordering::Relaxed);
    }

    /// Says whether the connection waits for its turn from now on, and didn't before.
    pub(super) fn await_turn(&self) -> bool {
        !self.turn_awaited.swap(true, Ordering::Relaxed)
    }

    pub(super) fn give_turn(&self) {
        self.turn_awaited.store(false, Ordering::Relaxed);
        self.begin_turn();
        self.wake();
    }

    /// Bytes that may still be read in this turn.
    pub(super) fn readable_bytes(&self) -> usize {
        self.readable_bytes.load(Ordering::Relaxed)
    }

    pub(super) fn count_read(&self, bytes: usize) {
        let left = self.readable_bytes().saturating_sub(bytes);
        self.readable_bytes.store(left, Ordering::Relaxed);
    }

    /// How many requests have begun, and what the connection is doing.
    pub(super) fn look(&self) -> (u32, Activity) {
        let begun = self.begun.load(Ordering::Relaxed);
        let http2 = self.http2.load(Ordering::Relaxed);
        let activity = if self.is_upgraded() {
            Activity::Upgraded
        } else if !self.is_quiet() {
            if self.body_awaited.load(Ordering::Relaxed) {
                Activity::Body
            } else {
                Activity::Answering
            }
        } else if self.heard.load(Ordering::Relaxed) && !http2 {
            Activity::Head
        } else {
            Activity::Idle
        };
        (begun, activity)
    }
}

/// What a connection is doing, as far as a timeout is concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Activity {
    /// Waiting for a head of which bytes have come, or for the first bytes at all.
    Head,
    /// Waiting for the rest of an HTTP/1.1 body.
    Body,
    /// Waiting for the handler, which has a deadline of its own, or for the client to take the answer.
    Answering,
    /// Open without a request.
    Idle,
    /// A WebSocket, whose server has deadlines of its own.
    Upgraded,
}

#[cfg(test)]
mod tests;
