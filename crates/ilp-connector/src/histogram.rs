//! A histogram of durations that many threads may add to without waiting for each other.
//!
//! The buckets are log-linear: two to each power of two of nanoseconds, so a quantile read from
//! them is at most half as much again as it was, from a microsecond to half a minute.

#![expect(
    clippy::as_conversions,
    clippy::indexing_slicing,
    reason = "exponents are below 64, in constants too, and there is a bucket for each"
)]

use std::{
    array,
    sync::atomic::{AtomicU64, Ordering},
};

/// The bound of the first bucket is 2 to this power: 1,024 ns. No faster packet path is in sight.
const FIRST_EXPONENT: u32 = 10;
/// The last bound is 2 to this power: 34 s, which is longer than a packet may be held.
const LAST_EXPONENT: u32 = 35;
/// The buckets with a bound; what is above the last one is counted apart.
const BOUNDED: usize = 1 + 2 * (LAST_EXPONENT - FIRST_EXPONENT) as usize;

/// Counts of durations. Adding one is two additions to memory and takes no lock.
#[derive(Debug)]
pub struct Histogram {
    buckets: [AtomicU64; BOUNDED],
    above: AtomicU64,
    /// Wraps after 584 years of waiting.
    sum_ns: AtomicU64,
}

/// The contents of a [`Histogram`] at some moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Durations {
    buckets: [u64; BOUNDED],
    above: u64,
    /// All of them together, in nanoseconds.
    pub sum_ns: u64,
}

impl Default for Histogram {
    fn default() -> Self {
        Self {
            buckets: array::from_fn(|_| AtomicU64::new(0)),
            above: AtomicU64::new(0),
            sum_ns: AtomicU64::new(0),
        }
    }
}

// Relaxed throughout: the numbers are for display and order nothing. A reader may see a duration in
// its bucket and not yet in the sum.
impl Histogram {
    /// Counts a duration, in nanoseconds.
    pub fn record(&self, ns: u64) {
        let bucket = self.buckets.get(bucket_of(ns)).unwrap_or(&self.above);
        bucket.fetch_add(1, Ordering::Relaxed);
        self.sum_ns.fetch_add(ns, Ordering::Relaxed);
    }

    /// Returns the durations that were counted so far.
    #[must_use]
    pub fn durations(&self) -> Durations {
        let load = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Durations {
            buckets: array::from_fn(|index| load(&self.buckets[index])),
            above: load(&self.above),
            sum_ns: load(&self.sum_ns),
        }
    }
}

impl Default for Durations {
    fn default() -> Self {
        Self { buckets: [0; BOUNDED], above: 0, sum_ns: 0 }
    }
}

impl Durations {
    /// Adds what another histogram held.
    pub fn add(&mut self, other: &Self) {
        for (bucket, more) in self.buckets.iter_mut().zip(&other.buckets) {
            *bucket += more;
        }
        self.above += other.above;
        self.sum_ns = self.sum_ns.wrapping_add(other.sum_ns);
    }

    /// Returns the durations that were added since the histograms held `earlier`.
    #[must_use]
    pub fn since(&self, earlier: &Self) -> Self {
        let mut added = self.clone();
        for (bucket, before) in added.buckets.iter_mut().zip(&earlier.buckets) {
            *bucket = bucket.saturating_sub(*before);
        }
        added.above = added.above.saturating_sub(earlier.above);
        added.sum_ns = added.sum_ns.wrapping_sub(earlier.sum_ns);
        added
    }

    /// Returns the duration that `thousandths` of the durations didn't exceed, in nanoseconds: the
    /// bound of a bucket, so at most half as much again. `None` where there is no duration; for
    /// durations above the last bound, that bound.
    #[must_use]
    pub fn quantile_ns(&self, thousandths: u64) -> Option<u64> {
        let count = u128::from(self.count());
        let wanted = (count * u128::from(thousandths)).div_ceil(1_000).max(1);
        let mut seen = 0;
        self.buckets.iter().chain([&self.above]).enumerate().find_map(|(index, in_it)| {
            seen += u128::from(*in_it);
            (count > 0 && seen >= wanted).then(|| bound_of(index.min(BOUNDED - 1)))
        })
    }

    /// How many durations there were.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.buckets.iter().sum::<u64>() + self.above
    }

    /// Each bucket: the longest duration that belongs to it, in nanoseconds, and how many are in
    /// it. The last bucket has no bound.
    pub fn buckets(&self) -> impl Iterator<Item = (Option<u64>, u64)> {
        let bounded = (0..BOUNDED).map(bound_of).map(Some).zip(self.buckets);
        bounded.chain([(None, self.above)])
    }
}

/// The bucket of a duration: the first one whose bound it doesn't exceed.
fn bucket_of(ns: u64) -> usize {
    // One less, so that a duration which is exactly a bound belongs to that bound.
    let below = ns.saturating_sub(1);
    let exponent = below.max(1).ilog2();
    if exponent < FIRST_EXPONENT {
        return 0;
    }
    let upper_half = (below >> (exponent - 1)) & 1;
    1 + 2 * (exponent - FIRST_EXPONENT) as usize + upper_half as usize
}

/// The longest duration of a bucket: 2^n, or half as much again.
fn bound_of(bucket: usize) -> u64 {
    let Some(above_first) = bucket.checked_sub(1) else { return 1 << FIRST_EXPONENT };
    let power = 1 << (FIRST_EXPONENT as usize + above_first / 2);
    if above_first % 2 == 0 { power + power / 2 } else { 2 * power }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_bounds_rise_by_a_half_and_by_a_third_in_turn() {
        let bounds: Vec<u64> = (0..BOUNDED).map(bound_of).collect();
        assert_eq!(bounds[..5], [1_024, 1_536, 2_048, 3_072, 4_096]);
        assert_eq!(bounds.last(), Some(&(1 << LAST_EXPONENT)));
        assert!(bounds.is_sorted_by(|earlier, later| earlier < later));
    }

    #[test]
    fn what_several_threads_add_is_all_there() {
        let histogram = Histogram::default();
        thread::scope(|scope| {
            for thread in 1..=4u64 {
                let histogram = &histogram;
                scope.spawn(move || (0..1_000).for_each(|_| histogram.record(thread * 1_000_000)));
            }
        });
        let mut twice = histogram.durations();
        twice.add(&histogram.durations());
        assert_eq!((twice.count(), twice.sum_ns), (8_000, 20_000_000_000));
    }

    #[test]
    fn quantiles_are_read_from_what_was_added_since() {
        let histogram = Histogram::default();
        histogram.record(1_000_000_000);
        let before = histogram.durations();
        assert_eq!(before.since(&before).quantile_ns(500), None);
        (0..99).for_each(|_| histogram.record(1_024));
        histogram.record(u64::MAX);
        let added = histogram.durations().since(&before);
        assert_eq!(added.count(), 100);
        assert_eq!(added.quantile_ns(500), Some(1_024));
        assert_eq!(added.quantile_ns(990), Some(1_024));
        assert_eq!(added.quantile_ns(1_000), Some(1 << LAST_EXPONENT));
    }

    fn any_duration() -> impl Strategy<Value = u64> {
        // Of every order of magnitude alike, and the bounds themselves with their neighbours.
        prop_oneof![
            (0..64u32, any::<u64>()).prop_map(|(shift, bits)| bits >> shift),
            (0..BOUNDED, 0..3u64).prop_map(|(bucket, near)| bound_of(bucket) + near - 1),
        ]
    }

    proptest! {
        #[test]
        fn a_duration_is_in_the_first_bucket_that_reaches_it(ns in any_duration()) {
            let histogram = Histogram::default();
            histogram.record(ns);
            let durations = histogram.durations();
            prop_assert_eq!((durations.count(), durations.sum_ns), (1, ns));
            let mut longest_before = None;
            for (bound, count) in durations.buckets() {
                let reaches = bound.is_none_or(|bound| ns <= bound);
                let is_first = longest_before.is_none_or(|before| ns > before);
                prop_assert_eq!(count == 1, reaches && is_first, "{:?}", bound);
                longest_before = bound;
            }
        }

        #[test]
        fn a_bound_is_at_most_half_as_much_again_as_what_it_stands_for(
            ns in (1u64 << FIRST_EXPONENT)..=(1 << LAST_EXPONENT),
        ) {
            let bound = bound_of(bucket_of(ns));
            prop_assert!(ns <= bound && bound <= ns + ns / 2 + 1);
        }
    }
}
