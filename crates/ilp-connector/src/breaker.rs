//! Circuit breakers, which record whether a peer answers and when a silent one is tried again.
//!
//! A breaker is closed while packets flow. A few failures in a row open it, and packets go to the
//! next peer for the same prefix. After a pause it is half open: one packet may try. Each such try
//! doubles the pause, and any reply closes the breaker. No timer moves it and no lock guards it.

use std::sync::atomic::{AtomicU64, Ordering};

use interledger_packet::Timestamp;
use strum::VariantArray;

/// The number of failures in a row that opens a breaker: a single one may be an accident of one
/// connection.
const FAILURES_TO_OPEN: u64 = 3;
/// The first pause: a restart of the peer's node takes about that long.
const PAUSE_MS_MIN: u64 = 500;
/// The longest pause, so that a peer which comes back is used again within it.
const PAUSE_MS_MAX: u64 = 30_000;
/// The precision of the last reply's time. Every reply would otherwise write a cache line that all
/// threads read.
const LAST_REPLY_STEP_MS: u64 = 1_000;

/// The knowledge about reaching a peer, from this process's own packets to the peer. The number is
/// kept with the outcome of an operation, so it never changes.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, strum::FromRepr, strum::IntoStaticStr, strum::VariantArray,
)]
#[repr(u8)]
#[strum(serialize_all = "snake_case")]
pub enum Reachability {
    /// No packet was sent to it yet, or too few failed to say.
    Unknown = 0,
    /// The peer answered last.
    Reachable = 1,
    /// The peer failed several times in a row, and is passed over while others lead to the same
    /// place.
    Unreachable = 2,
}

impl Reachability {
    /// Every kind.
    pub const KINDS: &[Self] = Self::VARIANTS;

    /// A short constant name, for metrics.
    #[must_use]
    pub fn label(self) -> &'static str {
        self.into()
    }
}

/// The answer of a breaker to a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Passage {
    /// Packets flow.
    Closed,
    /// The pause is over: one may try.
    HalfOpen,
    /// Not now.
    Open,
}

/// The breaker of one peer.
#[derive(Debug, Default)]
pub(crate) struct Breaker {
    /// The state of the breaker in one word, so that its three parts always belong together. The
    /// low seven bits count the failures in a row; the eighth says that the peer was found
    /// unreachable and has not answered since; the bits above hold the millisecond since 1970 from
    /// which one packet may try. Zero is closed.
    ///
    /// Every access is relaxed: the word orders nothing but itself. A reply that races with a
    /// failure may win or lose, as it would had it come a moment earlier or later.
    word: AtomicU64,
    /// Milliseconds since 1970; zero before the first reply.
    last_reply_ms: AtomicU64,
}

impl Breaker {
    /// Returns whether a packet may go now.
    pub(crate) fn passage(&self, now: Timestamp) -> Passage {
        passage(self.word.load(Ordering::Relaxed), now)
    }

    /// A packet goes now. Of a half-open breaker it takes the one try and begins the next pause:
    /// should the try come to nothing, even without a word, another one follows. Packets that looked
    /// before the first of them went may still go too.
    pub(crate) fn begin(&self, now: Timestamp) {
        let word = self.word.load(Ordering::Relaxed);
        if passage(word, now) == Passage::HalfOpen {
            let next = one_more_failure(word, now);
            // A packet that comes second finds that the pause has begun.
            let order = Ordering::Relaxed;
            let _ = self.word.compare_exchange(word, next, order, order);
        }
    }

    /// Counts a packet that could not reach the peer or that the peer was too busy to take, and
    /// returns whether this packet found the peer unreachable. That is true for one packet until
    /// the peer answers again. Packets that were under way when the breaker opened and fail later
    /// change nothing.
    pub(crate) fn failed(&self, now: Timestamp) -> bool {
        let before = self.word.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |word| {
            (passage(word, now) != Passage::Open).then(|| one_more_failure(word, now))
        });
        before.is_ok_and(|word| {
            word & FOUND_UNREACHABLE == 0 && one_more_failure(word, now) & FOUND_UNREACHABLE != 0
        })
    }

    /// Notes an answer of the peer, and returns whether it is the first since the peer was found
    /// unreachable.
    pub(crate) fn answered(&self, now: Timestamp) -> bool {
        // Looked at first, so that the line stays shared among the threads that only read it.
        let is_back = self.word.load(Ordering::Relaxed) != 0
            && self.word.swap(0, Ordering::Relaxed) & FOUND_UNREACHABLE != 0;
        let (last_ms, now_ms) = (self.last_reply_ms.load(Ordering::Relaxed), now.unix_ms());
        if last_ms.abs_diff(now_ms) >= LAST_REPLY_STEP_MS {
            self.last_reply_ms.store(now_ms, Ordering::Relaxed);
        }
        is_back
    }

    /// Forgets what happened at the peer's old endpoint, except that the peer was found
    /// unreachable: its first answer there is reported.
    pub(crate) fn reset(&self) {
        self.word.fetch_and(FOUND_UNREACHABLE, Ordering::Relaxed);
        self.last_reply_ms.store(0, Ordering::Relaxed);
    }

    pub(crate) fn reachability(&self) -> Reachability {
        if failures(self.word.load(Ordering::Relaxed)) >= FAILURES_TO_OPEN {
            Reachability::Unreachable
        } else if self.last_reply_at().is_some() {
            Reachability::Reachable
        } else {
            Reachability::Unknown
        }
    }

    /// Returns the time of the peer's last answer, to the second.
    pub(crate) fn last_reply_at(&self) -> Option<Timestamp> {
        let ms = self.last_reply_ms.load(Ordering::Relaxed);
        (ms > 0).then(|| Timestamp::from_unix_ms(ms))
    }
}

const FAILURE_BITS: u32 = u8::BITS;
const FAILURES_MAX: u64 = 0x7f;
const FOUND_UNREACHABLE: u64 = 0x80;

fn failures(word: u64) -> u64 {
    word & FAILURES_MAX
}

fn passage(word: u64, now: Timestamp) -> Passage {
    if failures(word) < FAILURES_TO_OPEN {
        return Passage::Closed;
    }
    let left_ms = (word >> FAILURE_BITS).saturating_sub(now.unix_ms());
    // No pause is longer than the longest: more to go means that the clock was set back since.
    if left_ms == 0 || left_ms > PAUSE_MS_MAX { Passage::HalfOpen } else { Passage::Open }
}

/// The word after one more failure at `now`.
fn one_more_failure(word: u64, now: Timestamp) -> u64 {
    let failures = (failures(word) + 1).min(FAILURES_MAX);
    let Some(doublings) = failures.checked_sub(FAILURES_TO_OPEN) else {
        return (word & FOUND_UNREACHABLE) | failures;
    };
    // Beyond 16 doublings it is long since the longest pause.
    let pause_ms = (PAUSE_MS_MIN << doublings.min(16)).min(PAUSE_MS_MAX);
    // Times end in the year 9999, which needs 48 bits of the 56.
    (now.unix_ms().saturating_add(pause_ms) << FAILURE_BITS) | FOUND_UNREACHABLE | failures
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at_ms(ms: u64) -> Timestamp {
        Timestamp::from_unix_ms(1_800_000_000_000 + ms)
    }

    fn open_at(ms: u64) -> Breaker {
        let breaker = Breaker::default();
        for _ in 0..FAILURES_TO_OPEN {
            breaker.failed(at_ms(ms));
        }
        breaker
    }

    #[test]
    fn a_few_failures_in_a_row_open_it_and_a_reply_between_them_keeps_it_closed() {
        let breaker = Breaker::default();
        assert_eq!(breaker.reachability(), Reachability::Unknown);
        for _ in 0..10 {
            breaker.failed(at_ms(0));
            breaker.failed(at_ms(0));
            assert_eq!(breaker.passage(at_ms(0)), Passage::Closed);
            breaker.answered(at_ms(0));
        }
        assert_eq!(breaker.reachability(), Reachability::Reachable);
        let breaker = open_at(0);
        assert_eq!(breaker.passage(at_ms(0)), Passage::Open);
        assert_eq!(breaker.passage(at_ms(PAUSE_MS_MIN - 1)), Passage::Open);
        assert_eq!(breaker.passage(at_ms(PAUSE_MS_MIN)), Passage::HalfOpen);
        assert_eq!(breaker.reachability(), Reachability::Unreachable);
        assert_eq!(breaker.last_reply_at(), None);
    }

    #[test]
    fn one_packet_tries_after_each_pause_and_each_pause_is_twice_as_long() {
        let breaker = open_at(0);
        let mut tries = Vec::new();
        for ms in 0..200_000 {
            if breaker.passage(at_ms(ms)) == Passage::HalfOpen {
                breaker.begin(at_ms(ms));
                assert_eq!(breaker.passage(at_ms(ms)), Passage::Open, "one only");
                tries.push(ms);
                breaker.failed(at_ms(ms + 1));
            }
        }
        assert_eq!(tries[..6], [500, 1_500, 3_500, 7_500, 15_500, 31_500]);
        assert!(tries[6..].windows(2).all(|pair| pair[1] - pair[0] == PAUSE_MS_MAX));
        breaker.answered(at_ms(200_000));
        assert_eq!(breaker.passage(at_ms(200_000)), Passage::Closed);
        assert_eq!(breaker.last_reply_at(), Some(at_ms(200_000)));
    }

    #[test]
    fn each_change_of_state_is_told_once_also_over_a_change_of_endpoint() {
        let breaker = Breaker::default();
        assert!(!breaker.answered(at_ms(0)), "it was never unreachable");
        let told = |count: u64| (0..count).filter(|_| breaker.failed(at_ms(0))).count();
        assert_eq!(told(FAILURES_TO_OPEN - 1), 0);
        assert_eq!(told(1_000), 1);
        breaker.reset();
        assert_eq!(breaker.passage(at_ms(0)), Passage::Closed);
        assert_eq!(breaker.reachability(), Reachability::Unknown);
        assert_eq!(told(1_000), 0, "still unreachable");
        breaker.reset();
        assert!(breaker.answered(at_ms(1)), "back at its new endpoint");
        assert!(!breaker.answered(at_ms(2)));
        assert_eq!(told(1_000), 1);
        assert!(breaker.answered(at_ms(3)));
    }

    #[test]
    fn a_burst_that_fails_as_one_opens_it_for_one_pause() {
        let breaker = Breaker::default();
        for _ in 0..10_000 {
            breaker.failed(at_ms(7));
        }
        assert_eq!(breaker.passage(at_ms(7 + PAUSE_MS_MIN)), Passage::HalfOpen);
    }

    #[test]
    fn a_clock_that_is_set_back_keeps_nobody_out() {
        let breaker = open_at(24 * 60 * 60 * 1_000);
        assert_eq!(breaker.passage(at_ms(0)), Passage::HalfOpen);
        breaker.begin(at_ms(0));
        assert_eq!(breaker.passage(at_ms(1)), Passage::Open);
    }

    #[test]
    fn threads_that_begin_at_once_begin_one_pause() {
        for _ in 0..100 {
            let breaker = open_at(0);
            std::thread::scope(|scope| {
                (0..8).for_each(|_| drop(scope.spawn(|| breaker.begin(at_ms(PAUSE_MS_MIN)))));
            });
            let next_ms = PAUSE_MS_MIN + 2 * PAUSE_MS_MIN;
            assert_eq!(breaker.passage(at_ms(next_ms - 1)), Passage::Open);
            assert_eq!(breaker.passage(at_ms(next_ms)), Passage::HalfOpen);
        }
    }

    proptest! {
        /// Whatever happens to it and however the clock jumps, it lets a packet through within the
        /// longest pause, and a reply closes it.
        #[test]
        fn it_is_never_open_for_longer_than_the_longest_pause(
            events in prop::collection::vec((0..3u8, 0..100_000u64), 0..400),
        ) {
            let breaker = Breaker::default();
            let mut last = 0;
            for (event, ms) in events {
                last = ms;
                match event {
                    0 => {
                        breaker.failed(at_ms(ms));
                    }
                    1 => breaker.begin(at_ms(ms)),
                    _ => {
                        breaker.answered(at_ms(ms));
                        prop_assert_eq!(breaker.passage(at_ms(ms)), Passage::Closed);
                    }
                }
            }
            prop_assert_ne!(breaker.passage(at_ms(last + 2 * PAUSE_MS_MAX + 100_000)), Passage::Open);
        }
    }
}
