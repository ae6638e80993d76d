//! The state that a connection reports and the orders that it gets: a few atomics, no channel, no
//! timer.

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

/// An order to a connection. A later one in this list overrides an earlier one.
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

/// The bytes that are read from a client in one turn, unless its socket is empty before: from a
/// stranger, and from a known client. They are a few requests, and a dozen common packets.
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
    /// The source of the connection.
    source: Source,
    /// Whether the client is known.
    known: AtomicBool,
    /// The holder that a known client's connection is counted to.
    holder: OnceLock<Holder>,
    /// The share of a known client, if the port counts shares.
    share: OnceLock<Arc<Share>>,
    /// Whether the connection left HTTP for a WebSocket.
    upgraded: AtomicBool,
    /// The number of requests begun; it wraps, since only a change of it matters.
    begun: AtomicU32,
    /// The number of requests whose answer has not left yet: at most one in HTTP/1.1, many in
    /// HTTP/2.
    running: AtomicU32,
    /// The greatest value that `running` ever had.
    running_most: AtomicU32,
    /// The number of answers that wait for the client to take them, by the epoch in which they
    /// began to wait.
    waiting: [AtomicU32; 2],
    /// 0 or 1; the registry changes it once every [`take_timeout`](super::PortLimits::take_timeout).
    epoch: AtomicU8,
    /// The number of refusals that wait for the client to take them.
    refusals_waiting: AtomicU32,
    /// The number of requests refused since the last one that was not.
    refused: AtomicU32,
    /// Whether bytes came since the last request ended, so that a head is on its way.
    heard: AtomicBool,
    /// Whether a request came by HTTP/2, where bytes between requests need not be a head.
    http2: AtomicBool,
    /// Whether an HTTP/1.1 request's body is being waited for.
    body_awaited: AtomicBool,
    /// Whether the awaited body took too long; set by the registry.
    body_late: AtomicBool,
    /// Whether the socket takes no more bytes, because the client takes none.
    write_blocked: AtomicBool,
    /// The number of times that `write_blocked` has ended; it wraps.
    unblocked: AtomicU32,
    /// The number of bytes that may still be read in this turn.
    readable_bytes: AtomicUsize,
    /// Whether the connection waits for its next turn.
    turn_awaited: AtomicBool,
    /// Whether the connection's task has run.
    begun_task: AtomicBool,
}

// `order` and `body_late` are followed by a wake, whose lock orders them. Everything else is a hint
// that the registry reads once in a tick, or is written and read by the connection's own thread. So
// `Relaxed` is enough.
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
            // A connection on which nothing comes is as slow as one with a slow head.
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

    /// Gives an order, unless one that overrides it was given already. Returns whether it was
    /// given.
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

    /// Returns whether the client is known.
    pub(crate) fn is_known(&self) -> bool {
        self.known.load(Ordering::Relaxed)
    }

    pub(super) fn set_known(&self, holder: Holder) {
        let _ = self.holder.set(holder);
        self.known.store(true, Ordering::Relaxed);
    }

    /// Returns the holder to whom the connection's turns are counted.
    pub(super) fn holder(&self) -> Holder {
        self.holder.get().copied().unwrap_or(Holder::Source(self.source))
    }

    /// Notes that the connection's task runs, and returns whether that is the first time.
    pub(super) fn begin_task(&self) -> bool {
        !self.begun_task.swap(true, Ordering::Relaxed)
    }

    /// Returns the share of a known client, if the port counts shares.
    pub(super) fn share(&self) -> Option<&Arc<Share>> {
        self.share.get()
    }

    /// Sets the client's share. A connection stays with the client that was known first.
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

    /// Returns the greatest number of requests that were ever answered at once.
    pub(super) fn running_most(&self) -> u32 {
        self.running_most.load(Ordering::Relaxed)
    }

    pub(super) fn end(&self) {
        self.heard.store(false, Ordering::Relaxed);
        self.body_awaited.store(false, Ordering::Relaxed);
        self.running.fetch_sub(1, Ordering::Relaxed);
    }

    /// Returns whether every answer has left.
    pub(super) fn is_quiet(&self) -> bool {
        self.running.load(Ordering::Relaxed) == 0
    }

    /// Counts an answer that waits for the client from now on, and returns its epoch.
    pub(super) fn wait(&self) -> usize {
        let epoch = usize::from(self.epoch.load(Ordering::Relaxed) & 1);
        self.waiting[epoch].fetch_add(1, Ordering::Relaxed);
        epoch
    }

    pub(super) fn taken(&self, epoch: usize) {
        self.waiting[epoch & 1].fetch_sub(1, Ordering::Relaxed);
    }

    /// Begins the next epoch, unless an answer of the epoch before the present one has not been
    /// taken. Returns whether there is such an answer.
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

    /// Returns the number of refusals that wait for the client to take them.
    pub(crate) fn refusals_waiting(&self) -> u32 {
        self.refusals_waiting.load(Ordering::Relaxed)
    }

    /// Returns the number of answers that wait for the client to take them.
    pub(crate) fn answers_waiting(&self) -> u32 {
        self.waiting.iter().map(|waiting| waiting.load(Ordering::Relaxed)).sum()
    }

    /// Counts a refused request and returns the number of refused requests in a row.
    pub(crate) fn count_refused(&self) -> u32 {
        self.refused.fetch_add(1, Ordering::Relaxed).wrapping_add(1)
    }

    /// Ends the row of refused requests, because a request was let in.
    pub(crate) fn count_let_in(&self) {
        // The row is nearly always empty, and a load doesn't take the cache line from other
        // threads.
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

    /// Returns whether the socket takes no bytes, and the number of times that this has ended.
    pub(super) fn blocked(&self) -> (bool, u32) {
        (self.write_blocked.load(Ordering::Relaxed), self.unblocked.load(Ordering::Relaxed))
    }

    /// Begins a turn of reading: the socket was empty, or other connections have had their turns.
    pub(super) fn begin_turn(&self) {
        let bytes = if self.is_known() { READ_BYTES_KNOWN } else { READ_BYTES_STRANGER };
        self.readable_bytes.store(bytes, Ordering::Relaxed);
    }

    /// Notes that the connection waits for its turn, and returns whether it didn't wait before.
    pub(super) fn await_turn(&self) -> bool {
        !self.turn_awaited.swap(true, Ordering::Relaxed)
    }

    pub(super) fn give_turn(&self) {
        self.turn_awaited.store(false, Ordering::Relaxed);
        self.begin_turn();
        self.wake();
    }

    /// Returns the number of bytes that may still be read in this turn.
    pub(super) fn readable_bytes(&self) -> usize {
        self.readable_bytes.load(Ordering::Relaxed)
    }

    pub(super) fn count_read(&self, bytes: usize) {
        let left = self.readable_bytes().saturating_sub(bytes);
        self.readable_bytes.store(left, Ordering::Relaxed);
    }

    /// Returns the number of requests begun and the connection's activity.
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

/// The activity of a connection, as far as timeouts distinguish it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Activity {
    /// Waiting for a head of which bytes have come, or for the first bytes of the connection.
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
