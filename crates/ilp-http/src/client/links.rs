//! All links of one client, and the slow clock by which idle ones are let go.

use super::{ClientOptions, ConnectError, NextHop, SendError, link::Link, shares::Shares};
use foldhash::{HashMap, HashMapExt as _};
use parking_lot::Mutex;
use rustls::ClientConfig;
use std::{
    fmt,
    sync::{
        Arc, Weak,
        atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering},
    },
    time::Duration,
};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// One in so many links or connections is dropped at once when there are too many, so that the
/// search for the least recently used is paid once for many new ones.
const EVICTED_SHARE: usize = 8;

/// The time that a new connection waits for an idle one to be closed: the tasks of the idle ones
/// have to run once.
const PLACE_TIMEOUT: Duration = Duration::from_millis(500);

/// The state that the clones of a client share.
pub(super) struct Links {
    pub(super) options: ClientOptions,
    pub(super) tls: Arc<ClientConfig>,
    /// A mutex, since a client belongs to one thread: it is taken once per packet for one look-up,
    /// is never held across an await, and is contended only when a peer is forgotten.
    by_id: Mutex<HashMap<u64, Arc<Link>>>,
    /// Beats of the slow clock since the first packet. Wraps after 136 years of seconds.
    tick: AtomicU32,
    clock_runs: AtomicBool,
    connections_opened: AtomicU64,
    connections_open: Arc<AtomicU64>,
    /// The semaphore with a permit for each connection that may be open.
    places: Arc<Semaphore>,
    /// The number of HTTP/1.1 connections that each sender's packets use.
    pub(super) shares: Shares,
    retries: AtomicU64,
    /// In the order of [`SendError::KINDS`].
    failures: [AtomicU64; SendError::KINDS.len()],
}

/// A place among the connections that may be open, held from before a connection is dialled to its
/// end.
pub(super) struct Place {
    _permit: OwnedSemaphorePermit,
}

/// Counts one connection for as long as it lives, and keeps its place.
pub(super) struct OpenConnection {
    open: Arc<AtomicU64>,
    _place: Place,
}

impl Drop for OpenConnection {
    fn drop(&mut self) {
        self.open.fetch_sub(1, Ordering::Relaxed);
    }
}

// `Relaxed` throughout: the counters are for display, and a tick read one beat late is a tick.
impl Links {
    pub(super) fn new(options: ClientOptions, tls: Arc<ClientConfig>) -> Links {
        let places = options.connections_open_max.min(Semaphore::MAX_PERMITS);
        Links {
            places: Arc::new(Semaphore::new(places)),
            shares: Shares::new(options.sender_connections_max),
            options,
            tls,
            by_id: Mutex::new(HashMap::new()),
            tick: AtomicU32::new(0),
            clock_runs: AtomicBool::new(false),
            connections_opened: AtomicU64::new(0),
            connections_open: Arc::default(),
            retries: AtomicU64::new(0),
            failures: [const { AtomicU64::new(0) }; SendError::KINDS.len()],
        }
    }

    /// Returns the link to a next hop, and makes the link for the first packet.
    pub(super) fn get(self: &Arc<Self>, next_hop: NextHop<'_>) -> Result<Arc<Link>, SendError> {
        let tick = self.tick();
        let known = self.by_id.lock().get(&next_hop.id).cloned();
        if let Some(link) = known {
            link.use_at(tick);
            return Ok(link);
        }
        self.start_clock();
        let link = Arc::new(Link::new(next_hop, &self.options, tick)?);
        let mut by_id = self.by_id.lock();
        let evicted = self.make_room(&mut by_id);
        let link = Arc::clone(by_id.entry(next_hop.id).or_insert(link));
        drop(by_id);
        // Closing many connections takes a while, and no packet should wait for it at the lock.
        drop(evicted);
        Ok(link)
    }

    pub(super) fn forget(&self, id: u64) {
        let forgotten = self.by_id.lock().remove(&id);
        if let Some(link) = forgotten {
            link.close();
        }
    }

    pub(super) fn tick(&self) -> u32 {
        self.tick.load(Ordering::Relaxed)
    }

    /// Takes a place for one more connection. If there is none, an idle connection is closed for
    /// it.
    ///
    /// # Errors
    /// [`ConnectError::NoDescriptor`] when all connections are in use.
    pub(super) async fn place(&self) -> Result<Place, ConnectError> {
        let place = match Arc::clone(&self.places).try_acquire_owned() {
            Ok(place) => place,
            Err(_) if self.close_some_idle() => {
                let given_back = Arc::clone(&self.places).acquire_owned();
                let place = tokio::time::timeout(PLACE_TIMEOUT, given_back).await;
                place.ok().and_then(Result::ok).ok_or(ConnectError::NoDescriptor)?
            }
            Err(_) => return Err(ConnectError::NoDescriptor),
        };
        Ok(Place { _permit: place })
    }

    /// Counts a connection that lives as long as what is returned.
    pub(super) fn connection(&self, place: Place) -> OpenConnection {
        self.connections_open.fetch_add(1, Ordering::Relaxed);
        OpenConnection { open: Arc::clone(&self.connections_open), _place: place }
    }

    /// Takes a place for a question that can wait. Only more than half of the places being free
    /// permits it, so that no packet lacks a place because of the question.
    ///
    /// # Errors
    /// [`ConnectError::NoDescriptor`] when no more than half of the places are free.
    pub(super) fn place_to_spare(&self) -> Result<Place, ConnectError> {
        if self.places.available_permits() <= self.options.connections_open_max / 2 {
            return Err(ConnectError::NoDescriptor);
        }
        let place = Arc::clone(&self.places).try_acquire_owned();
        place.map(|_permit| Place { _permit }).map_err(|_| ConnectError::NoDescriptor)
    }

    /// Closes the idle connections of the least recently used links that have any. Returns false
    /// where no connection is idle.
    fn close_some_idle(&self) -> bool {
        let by_id = self.by_id.lock();
        let mut idle: Vec<_> = by_id.values().filter(|link| link.has_idle()).cloned().collect();
        drop(by_id);
        if idle.is_empty() {
            return false;
        }
        let closed = (idle.len() / EVICTED_SHARE).max(1);
        idle.select_nth_unstable_by_key(closed - 1, |link| link.last_used());
        idle[..closed].iter().for_each(|link| link.close_all_idle());
        true
    }

    pub(super) fn connections_open(&self) -> u64 {
        self.connections_open.load(Ordering::Relaxed)
    }

    pub(super) fn failed(&self, error: &SendError) {
        let index = SendError::KINDS.iter().position(|kind| *kind == error.kind());
        debug_assert!(index.is_some(), "{} is missing among SendError::KINDS", error.kind());
        if let Some(count) = index.and_then(|index| self.failures.get(index)) {
            count.fetch_add(1, Ordering::Relaxed);
        }
    }

    pub(super) fn failures(&self) -> impl Iterator<Item = (&'static str, u64)> {
        let counts = self.failures.iter().map(|count| count.load(Ordering::Relaxed));
        SendError::KINDS.into_iter().zip(counts)
    }

    pub(super) fn opened_connection(&self) {
        self.connections_opened.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn connections_opened(&self) -> u64 {
        self.connections_opened.load(Ordering::Relaxed)
    }

    pub(super) fn connections_idle(&self) -> usize {
        self.by_id.lock().values().map(|link| link.connections_idle()).sum()
    }

    pub(super) fn retried(&self) {
        self.retries.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn retries(&self) -> u64 {
        self.retries.load(Ordering::Relaxed)
    }

    fn make_room(&self, by_id: &mut HashMap<u64, Arc<Link>>) -> Vec<Arc<Link>> {
        if by_id.len() < self.options.links_max.max(1) {
            return Vec::new();
        }
        let mut uses: Vec<(u32, u64)> =
            by_id.iter().map(|(id, link)| (link.last_used(), *id)).collect();
        let evicted = (uses.len() / EVICTED_SHARE).max(1);
        uses.select_nth_unstable(evicted - 1);
        uses[..evicted].iter().filter_map(|(_, id)| by_id.remove(id)).collect()
    }

    fn start_clock(self: &Arc<Self>) {
        if !self.clock_runs.swap(true, Ordering::Relaxed) {
            tokio::spawn(beat(Arc::downgrade(self), self.options.tick()));
        }
    }

    /// One beat: closes idle connections and lets go of links without packets.
    fn beat(&self) {
        let now = self.tick.fetch_add(1, Ordering::Relaxed).wrapping_add(1);
        let connection_ticks = self.options.ticks(self.options.idle_timeout);
        let link_ticks = self.options.ticks(self.options.link_idle_timeout);
        let mut idle = Vec::new();
        let mut by_id = self.by_id.lock();
        by_id.retain(|_, link| {
            let keep = link.is_in_use() || now.wrapping_sub(link.last_used()) <= link_ticks;
            if keep {
                link.close_idle(now, connection_ticks);
            } else {
                idle.push(Arc::clone(link));
            }
            keep
        });
        drop(by_id);
        drop(idle);
    }
}

/// Beats for as long as any clone of the client is alive.
async fn beat(links: Weak<Links>, tick: Duration) {
    let mut interval = tokio::time::interval(tick);
    interval.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    interval.tick().await;
    loop {
        interval.tick().await;
        let Some(links) = links.upgrade() else { return };
        links.beat();
    }
}

impl fmt::Debug for Links {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Links")
            .field("options", &self.options)
            .field("links", &self.by_id.lock().len())
            .finish_non_exhaustive()
    }
}
