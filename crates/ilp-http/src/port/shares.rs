//! The memory and places that requests occupy, shared so that no client leaves too little for
//! others.
//!
//! The rule is that of a switch with a shared buffer (dynamic thresholds, Choudhury and Hahne
//! 1998): a holder may occupy as much as is still free. So a lone holder gets half, two get a third
//! each, and a new holder finds as much free as each of the others has. This takes no list of
//! holders and no lock: two counters are added to and compared.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};
use tokio::sync::Notify;

/// A number of requests and of bytes in one word, so that one addition counts both: the requests are
/// above bit 40, the bytes below it. A [`Pool`] lets in far less than 2^24 requests and 2^40 bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Load(u64);

const REQUEST_SHIFT: u32 = 40;

impl Load {
    fn new(requests: u64, bytes: u64) -> Load {
        Load((requests << REQUEST_SHIFT) + bytes)
    }

    fn requests(self) -> u64 {
        self.0 >> REQUEST_SHIFT
    }

    fn bytes(self) -> u64 {
        self.0 & ((1 << REQUEST_SHIFT) - 1)
    }
}

/// The load of one holder, or of all.
#[derive(Default)]
struct Counter(AtomicU64);

// A decrement releases the work done under the charge, and the drain acquires it. Whether there is
// room depends only on the numbers.
impl Counter {
    fn load(&self) -> Load {
        Load(self.0.load(Ordering::Acquire))
    }

    /// Adds a load and returns the one before.
    fn add(&self, load: Load) -> Load {
        Load(self.0.fetch_add(load.0, Ordering::AcqRel))
    }

    /// Subtracts a load and returns the one before.
    fn subtract(&self, load: Load) -> Load {
        Load(self.0.fetch_sub(load.0, Ordering::AcqRel))
    }
}

/// The requests and bytes that all holders together may occupy.
pub(crate) struct Pool {
    load: Counter,
    requests_max: u64,
    bytes_max: u64,
    /// Notified whenever no request is left.
    zero: Arc<Notify>,
}

impl Pool {
    pub(crate) fn new(requests_max: u64, bytes_max: u64, zero: Arc<Notify>) -> Arc<Pool> {
        Arc::new(Pool { load: Counter::default(), requests_max, bytes_max, zero })
    }

    /// Returns the number of requests that occupy something.
    pub(crate) fn requests(&self) -> u64 {
        self.load.load().requests()
    }

    /// Returns the number of occupied bytes.
    pub(crate) fn bytes(&self) -> u64 {
        self.load.load().bytes()
    }
}

/// The part of a [`Pool`] that one holder, such as a peer, occupies.
pub(crate) struct Share {
    load: Counter,
    pool: Arc<Pool>,
}

/// The factors by which a holder's load may exceed what is free, for a new request and for the
/// reply to a request that was let in: a client at its limit loses new requests before it loses
/// replies.
const TIMES_FREE_NEW: u64 = 1;
const TIMES_FREE_REPLY: u64 = 2;

impl Share {
    pub(crate) fn new(pool: &Arc<Pool>) -> Arc<Share> {
        Arc::new(Share { load: Counter::default(), pool: Arc::clone(pool) })
    }

    /// Occupies a place and `bytes` for a request, if that is within the share.
    pub(crate) fn charge_request(self: &Arc<Self>, bytes: usize) -> Option<Charge> {
        self.charge(Load::new(1, bytes as u64), TIMES_FREE_NEW)
    }

    /// Occupies `bytes` more for a request that was let in already, if that is within twice the
    /// share.
    pub(super) fn charge_bytes(self: &Arc<Self>, bytes: usize) -> Option<Charge> {
        self.charge(Load::new(0, bytes as u64), TIMES_FREE_REPLY)
    }

    /// Occupies `bytes` that are in use already, within the share or not. Beyond the share, no new
    /// request is let in.
    pub(super) fn charge_taken(self: &Arc<Self>, bytes: usize) -> Charge {
        let load = Load::new(0, bytes as u64);
        self.load.add(load);
        self.pool.load.add(load);
        Charge { share: Arc::clone(self), load }
    }

    fn charge(self: &Arc<Self>, load: Load, times_free: u64) -> Option<Charge> {
        let own = self.load.add(load);
        let all = self.pool.load.add(load);
        // Dropping this gives back a load that doesn't fit.
        let charge = Charge { share: Arc::clone(self), load };
        let is_within = |own: u64, all: u64, more: u64, max: u64| {
            let free = max.saturating_sub(all);
            more == 0 || more <= free && own + more <= times_free * free
        };
        let pool = &self.pool;
        let fits = is_within(own.requests(), all.requests(), load.requests(), pool.requests_max)
            && is_within(own.bytes(), all.bytes(), load.bytes(), pool.bytes_max);
        fits.then_some(charge)
    }
}

impl fmt::Debug for Share {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let load = self.load.load();
        formatter
            .debug_struct("Share")
            .field("requests", &load.requests())
            .field("bytes", &load.bytes())
            .finish_non_exhaustive()
    }
}

/// The load of one request, given back when this is dropped.
#[must_use = "what is charged is given back when this is dropped"]
#[derive(Debug)]
pub(crate) struct Charge {
    share: Arc<Share>,
    load: Load,
}

impl Charge {
    /// Returns the number of requests that the holder has in flight, including this one.
    pub(crate) fn requests_of_holder(&self) -> u64 {
        self.share.load.load().requests()
    }

    /// Replaces the charge for the request's body by one for a reply of `bytes`. Returns whether
    /// there was room. A reply that is no longer than the body costs nothing more, as is usual.
    pub(crate) fn cover(&mut self, bytes: usize) -> bool {
        let more = (bytes as u64).saturating_sub(self.load.bytes());
        if more == 0 {
            return true;
        }
        let Some(mut grown) = self.share.charge(Load::new(0, more), TIMES_FREE_REPLY) else {
            return false;
        };
        // The two charges become one; the other one is left with nothing to give back.
        self.load = Load(self.load.0 + std::mem::replace(&mut grown.load, Load(0)).0);
        true
    }
}

impl Drop for Charge {
    fn drop(&mut self) {
        if self.load == Load(0) {
            return;
        }
        self.share.load.subtract(self.load);
        let pool = &self.share.pool;
        let before = pool.load.subtract(self.load);
        if before.requests() == self.load.requests() && self.load.requests() > 0 {
            pool.zero.notify_waiters();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pool(requests_max: u64, bytes_max: u64) -> Arc<Pool> {
        Pool::new(requests_max, bytes_max, Arc::default())
    }

    /// Charges requests of `bytes` each until one is refused.
    fn fill(share: &Arc<Share>, bytes: usize) -> Vec<Charge> {
        std::iter::from_fn(|| share.charge_request(bytes)).collect()
    }

    #[test]
    fn a_lone_holder_gets_half_and_each_further_one_as_much_as_is_left_to_the_next() {
        let pool = pool(1_200, u64::MAX >> REQUEST_SHIFT);
        let greedy = Share::new(&pool);
        let first = fill(&greedy, 0);
        assert_eq!(first.len(), 600);
        let second = fill(&Share::new(&pool), 0);
        assert_eq!(second.len(), 300, "half of what the first one left");
        assert!(greedy.charge_request(0).is_none());
        drop(first);
        assert_eq!(fill(&greedy, 0).len(), 450, "and now it is the other way round");
        assert_eq!(pool.requests(), second.len() as u64);
        drop(second);
        assert_eq!((pool.requests(), pool.bytes()), (0, 0));
    }

    #[test]
    fn a_place_is_a_place_where_there_is_one() {
        let pool = pool(1, 100);
        let (one, other) = (Share::new(&pool), Share::new(&pool));
        let held = one.charge_request(0);
        assert!(held.is_some() && other.charge_request(0).is_none());
        drop(held);
        assert!(other.charge_request(0).is_some());
    }

    #[test]
    fn bytes_are_bounded_as_places_are() {
        let pool = pool(1_000, 9_000);
        let share = Share::new(&pool);
        let mut charges = fill(&share, 100);
        assert_eq!(charges.len(), 45, "half of 9,000 bytes");
        assert_eq!(pool.bytes(), 4_500);
        // Replies may take twice what is free: 6,000 of 9,000.
        let last = charges.last_mut().unwrap();
        assert!(last.cover(50) && last.cover(100), "no more than the body was");
        assert_eq!(pool.bytes(), 4_500);
        assert!(last.cover(1_600), "up to 6,000");
        assert!(!last.cover(1_700));
        assert_eq!(pool.bytes(), 6_000);
        assert!(share.charge_bytes(1).is_none());
        let taken = share.charge_taken(10_000);
        assert!(Share::new(&pool).charge_request(1).is_none(), "nothing is free");
        drop(taken);
        assert!(Share::new(&pool).charge_request(1_500).is_some(), "another one's share");
        drop(charges);
        assert_eq!((pool.requests(), pool.bytes()), (0, 0));
    }
}
