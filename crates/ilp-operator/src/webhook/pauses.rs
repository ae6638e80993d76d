//! The pauses of events whose delivery failed, by the monotonic clock.
//!
//! The store has the time of the next attempt by the wall clock, since a restart must know it.
//! While the node runs that clock may be set, and an event would wait for an hour or not at all. So
//! the end of each pause is kept here too, and the store's time is used only for events that have
//! no pause here.

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use parking_lot::Mutex;
use uuid::Uuid;

/// The number of pauses kept before those that are over are removed.
const KEPT_MAX: usize = 4_096;

/// The pauses of the waiting events.
#[derive(Debug)]
pub(crate) struct Pauses {
    longest: Duration,
    ends: Mutex<HashMap<Uuid, Pause>>,
}

#[derive(Clone, Copy, Debug)]
struct Pause {
    /// The store's time of the next attempt. It differs where the operator cut the pause short.
    at_ms: u64,
    ends: Instant,
}

impl Pauses {
    /// Makes the pauses, none of which is longer than `longest`.
    pub(crate) fn new(longest: Duration) -> Self {
        Self { longest, ends: Mutex::default() }
    }

    /// Begins the pause of an event, until `at_ms` (milliseconds since 1970) by the wall clock.
    pub(crate) fn begin(&self, event: Uuid, at_ms: u64, pause: Duration) {
        self.put(event, at_ms, Instant::now() + pause.min(self.longest));
    }

    /// Returns how long an event still waits whose next attempt the store has at `at_ms`, where the
    /// wall clock says `now_ms`; `None` for an event that is due.
    pub(crate) fn left(&self, event: Uuid, at_ms: u64, now_ms: u64) -> Option<Duration> {
        let now = Instant::now();
        let known = self.ends.lock().get(&event).copied().filter(|pause| pause.at_ms == at_ms);
        let ends = match known {
            Some(pause) => pause.ends,
            None if at_ms <= now_ms => return None,
            // The pause is from before the start. If more than the longest pause is left, the clock
            // was set back since.
            None => {
                let left = Duration::from_millis(at_ms - now_ms).min(self.longest);
                self.put(event, at_ms, now + left);
                now + left
            }
        };
        Some(ends.saturating_duration_since(now)).filter(|left| !left.is_zero())
    }

    /// Removes the pause of an event, which is being sent.
    pub(crate) fn end(&self, event: Uuid) {
        self.ends.lock().remove(&event);
    }

    fn put(&self, event: Uuid, at_ms: u64, ends: Instant) {
        let mut all = self.ends.lock();
        if all.len() >= KEPT_MAX {
            // Pauses stay behind for events that ended in another way, such as by their age.
            let now = Instant::now();
            all.retain(|_, pause| pause.ends > now);
        }
        all.insert(event, Pause { at_ms, ends });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR_MS: u64 = 3_600_000;
    const NOW_MS: u64 = 1_800_000_000_000;

    #[test]
    fn a_pause_is_as_long_as_it_was_begun_wherever_the_clock_is_set() {
        let pauses = Pauses::new(Duration::from_secs(60));
        let [waiting, over] = [Uuid::from_u128(1), Uuid::from_u128(2)];
        pauses.begin(waiting, NOW_MS + 50_000, Duration::from_secs(50));
        pauses.begin(over, NOW_MS, Duration::ZERO);
        for now_ms in [NOW_MS, NOW_MS - HOUR_MS, NOW_MS + 24 * HOUR_MS] {
            let left = pauses.left(waiting, NOW_MS + 50_000, now_ms).expect("it waits");
            assert!(left <= Duration::from_secs(50) && left > Duration::from_secs(20), "{left:?}");
            assert_eq!(pauses.left(over, NOW_MS, now_ms), None);
        }
        // The operator has the event sent at once.
        assert_eq!(pauses.left(waiting, NOW_MS, NOW_MS), None);
    }

    #[test]
    fn what_the_store_has_counts_after_a_start_up_to_the_longest_pause() {
        let pauses = Pauses::new(Duration::from_secs(60));
        let left = |number, at_ms| pauses.left(Uuid::from_u128(number), at_ms, NOW_MS);
        assert_eq!(left(1, NOW_MS - HOUR_MS), None);
        let waits = left(2, NOW_MS + 20_000).expect("it waits");
        assert!(waits > Duration::from_secs(10) && waits <= Duration::from_secs(20));
        // The clock was an hour ahead when that time was written.
        let waits = left(3, NOW_MS + HOUR_MS).expect("it waits");
        assert!(waits > Duration::from_secs(40) && waits <= Duration::from_secs(60));
        pauses.end(Uuid::from_u128(3));
        assert_eq!(pauses.ends.lock().len(), 1);
    }
}
