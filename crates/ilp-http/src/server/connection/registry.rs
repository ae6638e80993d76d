//! All open connections, looked at once in a tick for those that are too slow or idle.

use super::{Control, Order, control::Doing};
use crate::server::{Limits, ServerStats};
use foldhash::{HashMap, HashMapExt as _};
use parking_lot::Mutex;
use std::sync::Arc;

/// The open connections of one server.
pub(in crate::server) struct Registry {
    limits: Arc<Limits>,
    stats: Arc<ServerStats>,
    /// Locked when a connection opens or closes and once in a tick, never for a packet.
    watched: Mutex<Watched>,
}

struct Watched {
    next_id: u64,
    /// The standing order: a connection accepted just before a drain must hear of it too.
    standing: Order,
    connections: HashMap<u64, Subject>,
}

struct Subject {
    control: Arc<Control>,
    /// What it was doing at the last tick, and how many requests had begun.
    last: (u32, Doing),
    /// For how many ticks that has not changed.
    ticks: u32,
}

impl Registry {
    pub(in crate::server) fn new(limits: Arc<Limits>, stats: Arc<ServerStats>) -> Registry {
        let watched = Watched { next_id: 0, standing: Order::Serve, connections: HashMap::new() };
        Registry { limits, stats, watched: Mutex::new(watched) }
    }

    /// Watches a connection until the returned guard is dropped.
    pub(in crate::server) fn register(self: &Arc<Self>, control: Arc<Control>) -> Registered {
        let mut watched = self.watched.lock();
        let id = watched.next_id;
        watched.next_id += 1;
        control.give(watched.standing);
        let last = control.look();
        watched.connections.insert(id, Subject { control, last, ticks: 0 });
        Registered { id, registry: Arc::clone(self) }
    }

    /// Gives an order to every connection, and to every one to come.
    pub(in crate::server) fn order_all(&self, order: Order) {
        let mut watched = self.watched.lock();
        watched.standing = order;
        for subject in watched.connections.values() {
            subject.control.give(order);
        }
    }

    /// One tick: ends what has been waiting for its client for too long.
    pub(in crate::server) fn watch(&self) {
        let bounds = Bounds {
            head: self.limits.ticks(self.limits.head_timeout),
            body: self.limits.ticks(self.limits.body_timeout),
            idle: self.limits.ticks(self.limits.idle_timeout),
        };
        for subject in self.watched.lock().connections.values_mut() {
            subject.watch(&bounds, &self.stats);
        }
    }
}

/// Timeouts in ticks.
struct Bounds {
    head: u32,
    body: u32,
    idle: u32,
}

impl Subject {
    fn watch(&mut self, bounds: &Bounds, stats: &ServerStats) {
        let now = self.control.look();
        if now != self.last {
            self.last = now;
            self.ticks = 0;
            return;
        }
        self.ticks = self.ticks.saturating_add(1);
        match now.1 {
            Doing::Answering => {}
            Doing::Head if self.ticks > bounds.head => self.control.give(Order::CutIfQuiet),
            Doing::Body if self.ticks > bounds.body => {
                stats.timed_out();
                self.control.give_up_on_body();
            }
            // A polite end first, which in HTTP/2 waits for the peer; one head's time later a rude one.
            Doing::Nothing if self.ticks > bounds.idle.saturating_add(bounds.head) => {
                self.control.give(Order::CutIfQuiet);
            }
            Doing::Nothing if self.ticks > bounds.idle => self.control.give(Order::Finish),
            Doing::Head | Doing::Body | Doing::Nothing => {}
        }
    }
}

/// Ends the watching of a connection when dropped.
pub(in crate::server) struct Registered {
    id: u64,
    registry: Arc<Registry>,
}

impl Drop for Registered {
    fn drop(&mut self) {
        let subject = self.registry.watched.lock().connections.remove(&self.id);
        // The lock is released by now: dropping the last waker of a task may run arbitrary code.
        drop(subject);
    }
}
