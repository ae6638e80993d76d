//! All open connections of a port: their places and their timeouts.

use super::{
    Charge, Control, Order, PortLimits, PortStats, Source,
    control::Activity,
    places::{Holder, Known, Strangers},
};
use foldhash::{HashMap, HashMapExt as _};
use parking_lot::Mutex;
use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::{Duration, Instant},
};
use tokio::sync::Notify;

/// The open connections of one port.
pub(super) struct Registry {
    limits: PortLimits,
    stats: Arc<PortStats>,
    /// Locked when a connection opens, closes or becomes known, and once in a tick; never for a request.
    connections: Mutex<Connections>,
    /// The number of connections whose tasks have yet to run for the first time, or to end after
    /// they were told to make room. At `unsettled_max` no further connection is accepted, so that a
    /// stranger's task runs before another stranger takes its place.
    unsettled: AtomicU32,
    unsettled_max: u32,
    /// Notified when `unsettled` falls below `unsettled_max`.
    settled: Notify,
}

struct Connections {
    next_id: u64,
    /// The order for every new connection, so that one accepted just before a drain gets it too.
    standing_order: Order,
    open: HashMap<u64, Subject>,
    strangers: Strangers,
    known: Known,
    ticks: u32,
}

struct Subject {
    control: Arc<Control>,
    standing: Standing,
    /// The number of requests begun and the activity at the last tick.
    last: (u32, Activity),
    /// The number of ticks for which `last` has not changed.
    ticks: u32,
    /// The number of ticks for which the connection has been open.
    age: u32,
    /// The number of times that the socket took bytes again, and the number of ticks for which it
    /// has not since.
    blocked: (u32, u32),
    since: Instant,
    /// The number of streams that are charged for, and their charge.
    streams: (u32, Option<Charge>),
}

/// The memory that an HTTP/2 connection keeps for each of the most streams that it ever had at
/// once.
const STREAM_BYTES: usize = 1_536;
/// The number of streams that are not charged for.
const STREAMS_FREE: u32 = 64;

/// The minimum time for which a stranger's connection keeps its place before another one of its own
/// source takes it. Clients that come faster wait in the order in which they came, and each has
/// this time to send something.
const STRANGER_TIME_MIN: Duration = Duration::from_millis(100);

/// The group that a connection is counted in.
#[derive(Clone, Copy)]
enum Standing {
    Stranger(Source),
    Known {
        holder: Holder,
        weight: u32,
    },
    /// The connection was told to make room.
    Leaving,
}

impl Registry {
    pub(super) fn new(limits: PortLimits, stats: Arc<PortStats>) -> Registry {
        // A quarter of the strangers' places is for connections that are about to end.
        let unsettled_max = (limits.strangers_max / 4).max(1);
        let strangers_max = limits.strangers_max.saturating_sub(unsettled_max).max(1);
        let connections = Connections {
            next_id: 0,
            standing_order: Order::Serve,
            open: HashMap::new(),
            strangers: Strangers::new(strangers_max),
            known: Known::new(limits.known_max),
            ticks: 0,
        };
        Registry {
            limits,
            stats,
            connections: Mutex::new(connections),
            unsettled: AtomicU32::new(0),
            unsettled_max,
            settled: Notify::new(),
        }
    }

    /// Completes once another connection may be accepted.
    pub(super) async fn takes_more(&self) {
        while self.unsettled.load(Ordering::Acquire) >= self.unsettled_max {
            // A permit that is left from before only costs one more check.
            self.settled.notified().await;
        }
    }

    /// Completes once a new connection from `source` may [`enter`](Registry::enter).
    pub(super) async fn has_room(&self, source: Source) {
        loop {
            let from = {
                let connections = self.connections.lock();
                let oldest = connections.strangers.next_to_leave(source);
                let subject = oldest
                    .filter(|(_, of)| *of == source)
                    .and_then(|(id, _)| connections.open.get(&id));
                subject.map(|subject| subject.since + STRANGER_TIME_MIN)
            };
            match from.filter(|from| *from > Instant::now()) {
                Some(from) => tokio::time::sleep_until(from.into()).await,
                None => return,
            }
        }
    }

    /// Notes that a connection's task runs, or that a connection which was told to make room has
    /// ended.
    pub(super) fn settle(&self) {
        if self.unsettled.fetch_sub(1, Ordering::AcqRel) == self.unsettled_max {
            self.settled.notify_one();
        }
    }

    pub(super) fn stats(&self) -> &Arc<PortStats> {
        &self.stats
    }

    /// Gives a new connection a stranger's place, and ends another stranger's connection if there
    /// is none.
    pub(super) fn enter(&self, source: Source) -> (u64, Arc<Control>) {
        let control = Arc::new(Control::new(source));
        self.unsettled.fetch_add(1, Ordering::AcqRel);
        let mut guard = self.connections.lock();
        let connections = &mut *guard;
        let id = connections.next_id;
        connections.next_id += 1;
        let oldest = connections.strangers.enter(id, source);
        let evicted = oldest.and_then(|oldest| connections.evict(oldest, Order::Cut));
        control.give(connections.standing_order);
        let subject = Subject {
            last: control.look(),
            control: Arc::clone(&control),
            standing: Standing::Stranger(source),
            ticks: 0,
            age: 0,
            blocked: (0, 0),
            since: Instant::now(),
            streams: (0, None),
        };
        connections.open.insert(id, subject);
        self.stats.count_begin();
        if evicted.is_some() {
            // Counted under the lock, so that the connection can't have ended and been subtracted
            // before.
            self.unsettled.fetch_add(1, Ordering::AcqRel);
        }
        drop(guard);
        self.cut(evicted);
        (id, control)
    }

    /// Makes a stranger's connection a known one, counted as `holder`'s, if there is a place. If
    /// there is none, an idle connection of a holder that has more of them makes room. Returns
    /// whether the connection is known now.
    pub(super) fn know(&self, id: u64, holder: Holder, weight: u32) -> bool {
        let mut guard = self.connections.lock();
        let connections = &mut *guard;
        let Some(subject) = connections.open.get(&id) else { return false };
        let Standing::Stranger(source) = subject.standing else {
            return subject.control.is_known();
        };
        let mut evicted = None;
        let mut is_known = connections.known.enter(holder, weight);
        if !is_known && let Some(idle) = connections.dispensable(holder, weight) {
            evicted = connections.evict(idle, Order::CutIfQuiet);
            is_known = connections.known.enter(holder, weight);
        }
        if is_known && let Some(subject) = connections.open.get_mut(&id) {
            subject.standing = Standing::Known { holder, weight };
            subject.control.set_known(holder);
            connections.strangers.leave(id, source);
        }
        if evicted.is_some() {
            // Counted under the lock, so that the connection can't have ended and been subtracted
            // before.
            self.unsettled.fetch_add(1, Ordering::AcqRel);
        }
        drop(guard);
        self.cut(evicted);
        is_known
    }

    fn cut(&self, evicted: Option<(Arc<Control>, Order)>) {
        // The order is given outside the lock, because a waker may run any code.
        if let Some((control, order)) = evicted {
            self.stats.count_evicted();
            control.give(order);
        }
    }

    /// Forgets a connection that has ended.
    pub(super) fn leave(&self, id: u64) {
        let mut connections = self.connections.lock();
        let subject = connections.open.remove(&id);
        match subject.as_ref().map(|subject| subject.standing) {
            Some(Standing::Stranger(source)) => connections.strangers.leave(id, source),
            Some(Standing::Known { holder, weight }) => connections.known.leave(holder, weight),
            Some(Standing::Leaving) | None => {}
        }
        drop(connections);
        if let Some(subject) = &subject {
            if matches!(subject.standing, Standing::Leaving) {
                self.settle();
            }
            // A task whose runtime has ended never runs, so it is settled here.
            if subject.control.begin_task() {
                self.settle();
            }
        }
        // The lock is released by now: dropping the last waker of a task may run arbitrary code.
        drop(subject);
        self.stats.count_end();
    }

    /// Gives an order to every connection, now and in the future.
    pub(super) fn order_all(&self, order: Order) {
        let mut connections = self.connections.lock();
        connections.standing_order = order;
        for subject in connections.open.values() {
            subject.control.give(order);
        }
    }

    /// Checks every connection's timeouts; called once in a tick.
    pub(super) fn watch(&self) {
        let ticks = |timeout| self.limits.ticks(timeout);
        let bounds = Bounds {
            stranger: self.limits.stranger_timeout.map(ticks),
            head: ticks(self.limits.head_timeout),
            body: ticks(self.limits.body_timeout),
            idle: ticks(self.limits.idle_timeout),
            take: ticks(self.limits.take_timeout).max(1),
        };
        let mut connections = self.connections.lock();
        connections.ticks = connections.ticks.wrapping_add(1);
        let epoch_ends = connections.ticks.is_multiple_of(bounds.take);
        for subject in connections.open.values_mut() {
            subject.watch(&bounds, epoch_ends, &self.stats);
        }
    }
}

impl Connections {
    /// Frees the place of a connection that is to end.
    fn evict(&mut self, id: u64, order: Order) -> Option<(Arc<Control>, Order)> {
        let subject = self.open.get_mut(&id)?;
        match std::mem::replace(&mut subject.standing, Standing::Leaving) {
            Standing::Stranger(source) => self.strangers.leave(id, source),
            Standing::Known { holder, weight } => self.known.leave(holder, weight),
            Standing::Leaving => return None,
        }
        Some((Arc::clone(&subject.control), order))
    }

    /// Returns the connection that has been without a request for longest, of the holder with the
    /// most, if that holder has more than `holder` would with `weight` more.
    fn dispensable(&self, holder: Holder, weight: u32) -> Option<u64> {
        let heaviest = self.known.heavier_than(holder, weight)?;
        let idle = self.open.iter().filter(|(_, subject)| {
            let is_theirs =
                matches!(subject.standing, Standing::Known { holder, .. } if holder == heaviest);
            is_theirs && subject.control.look().1 == Activity::Idle
        });
        idle.max_by_key(|(_, subject)| subject.ticks).map(|(id, _)| *id)
    }
}

/// The timeouts in ticks.
struct Bounds {
    stranger: Option<u32>,
    head: u32,
    body: u32,
    idle: u32,
    take: u32,
}

impl Subject {
    fn watch(&mut self, bounds: &Bounds, epoch_ends: bool, stats: &PortStats) {
        self.charge_streams();
        self.age = self.age.saturating_add(1);
        let takes_nothing = self.takes_nothing(bounds);
        let leaves_answers = epoch_ends && self.control.turn_epoch();
        let is_stranger = matches!(self.standing, Standing::Stranger(_));
        let stays_strange = is_stranger && bounds.stranger.is_some_and(|bound| self.age > bound);
        if takes_nothing || leaves_answers || stays_strange {
            if self.control.give(Order::Cut) {
                stats.count_timed_out();
            }
            return;
        }
        let now = self.control.look();
        if now != self.last {
            self.last = now;
            self.ticks = 0;
            return;
        }
        self.ticks = self.ticks.saturating_add(1);
        match now.1 {
            Activity::Answering | Activity::Upgraded => {}
            Activity::Head if self.ticks > bounds.head => {
                self.control.give(Order::CutIfQuiet);
            }
            Activity::Body if self.ticks > bounds.body => {
                stats.count_timed_out();
                self.control.give_up_on_body();
            }
            // An idle connection is ordered to finish first, which in HTTP/2 waits for the peer. It
            // is cut if it is still open one head timeout later.
            Activity::Idle if self.ticks > bounds.idle.saturating_add(bounds.head) => {
                self.control.give(Order::CutIfQuiet);
            }
            Activity::Idle if self.ticks > bounds.idle => {
                self.control.give(Order::Finish);
            }
            Activity::Head | Activity::Body | Activity::Idle => {}
        }
    }

    /// Charges the holder for the memory of the connection's streams, which the connection keeps
    /// until its end.
    fn charge_streams(&mut self) {
        let most = self.control.running_most();
        if most <= self.streams.0.max(STREAMS_FREE) {
            return;
        }
        let Some(share) = self.control.share() else { return };
        let charge = share.charge_taken(most as usize * STREAM_BYTES);
        self.streams = (most, Some(charge));
    }

    /// Returns whether the socket has taken no byte for too long although some wait for it.
    fn takes_nothing(&mut self, bounds: &Bounds) -> bool {
        let (is_blocked, unblocked) = self.control.blocked();
        if !is_blocked || unblocked != self.blocked.0 {
            self.blocked = (unblocked, 0);
            return false;
        }
        self.blocked.1 = self.blocked.1.saturating_add(1);
        self.blocked.1 > bounds.take
    }
}
