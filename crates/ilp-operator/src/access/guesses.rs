//! Limits how often the secret may be guessed, separately for each source.
//!
//! A source with too many wrong guesses is refused for a while, whatever it shows. That alone would
//! let a client lock out the operator behind the same address, so some sources are exempt: the
//! node's own machine, and sources that have shown the right secret within a day. The secret that
//! they show is always checked, so that the right secret always opens, and only the answer to a
//! wrong one says that there were too many.

use std::{
    collections::HashMap,
    net::IpAddr,
    time::{Duration, Instant},
};

use parking_lot::Mutex;

use crate::access::networks::host_of;

/// Wrong guesses that one source may make at once, and the time until it may make one more.
const GUESSES_MAX: u32 = 10;
const GUESS_INTERVAL: Duration = Duration::from_secs(6);

/// The number of sources remembered at once, 64 bytes each. A further source displaces the one that
/// has been quiet for longest.
const SOURCES_MAX: usize = 4_096;
const TRUSTED_MAX: usize = 256;

/// How long a source is trusted after it has shown the right secret.
const TRUST: Duration = Duration::from_secs(24 * 60 * 60);

/// Wrong guesses, by source.
#[derive(Debug, Default)]
pub(super) struct Guesses(Mutex<Sources>);

#[derive(Debug, Default)]
struct Sources {
    wrong: HashMap<Option<IpAddr>, Wrong>,
    /// The time at which each source last showed the right secret.
    trusted: HashMap<Option<IpAddr>, Instant>,
}

/// The recent wrong guesses of a source, less one for each interval since.
#[derive(Clone, Copy, Debug)]
struct Wrong {
    count: u32,
    last: Instant,
}

/// The verdict on a wrong guess: whether it was one too many.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Guessed {
    /// The source may guess again.
    Within,
    /// The source has been wrong too often.
    TooOften,
}

impl Guesses {
    /// Returns whether the secret that a source shows is to be checked.
    pub(super) fn admit(&self, from: Option<IpAddr>, now: Instant) -> bool {
        let source = from.map(host_of);
        let sources = self.0.lock();
        sources.trusts(source, now) || sources.recent(source, now) < GUESSES_MAX
    }

    /// Notes that a source has shown a wrong secret.
    pub(super) fn was_wrong(&self, from: Option<IpAddr>, now: Instant) -> Guessed {
        let source = from.map(host_of);
        let mut sources = self.0.lock();
        let recent = sources.recent(source, now);
        if recent >= GUESSES_MAX {
            return Guessed::TooOften;
        }
        if sources.wrong.len() >= SOURCES_MAX && !sources.wrong.contains_key(&source) {
            let quietest = sources.wrong.iter().min_by_key(|(_, wrong)| wrong.last);
            let quietest = quietest.map(|(source, _)| *source);
            quietest.map(|source| sources.wrong.remove(&source));
        }
        sources.wrong.insert(source, Wrong { count: recent + 1, last: now });
        Guessed::Within
    }

    /// Notes that a source has shown the right secret.
    pub(super) fn was_right(&self, from: Option<IpAddr>, now: Instant) {
        let Some(source) = from.map(host_of).filter(|source| !source.is_loopback()) else { return };
        let mut sources = self.0.lock();
        if sources.trusted.len() >= TRUSTED_MAX && !sources.trusted.contains_key(&Some(source)) {
            let oldest = sources.trusted.iter().min_by_key(|(_, shown)| **shown);
            let oldest = oldest.map(|(source, _)| *source);
            oldest.map(|source| sources.trusted.remove(&source));
        }
        sources.trusted.insert(Some(source), now);
    }
}

impl Sources {
    fn trusts(&self, source: Option<IpAddr>, now: Instant) -> bool {
        source.is_some_and(|source| source.is_loopback())
            || self
                .trusted
                .get(&source)
                .is_some_and(|shown| now.saturating_duration_since(*shown) < TRUST)
    }

    fn recent(&self, source: Option<IpAddr>, now: Instant) -> u32 {
        let Some(wrong) = self.wrong.get(&source) else { return 0 };
        let since = now.saturating_duration_since(wrong.last);
        let intervals = since.as_secs() / GUESS_INTERVAL.as_secs();
        wrong.count.saturating_sub(u32::try_from(intervals).unwrap_or(u32::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(last: u8) -> Option<IpAddr> {
        Some(IpAddr::from([192, 0, 2, last]))
    }

    /// Returns how many of a hundred guesses are checked.
    fn looked_at(guesses: &Guesses, from: Option<IpAddr>, now: Instant) -> usize {
        let guess = || guesses.admit(from, now).then(|| guesses.was_wrong(from, now));
        (0..100).filter(|_| guess().is_some()).count()
    }

    #[test]
    fn each_source_guesses_for_itself() {
        let (guesses, start) = (Guesses::default(), Instant::now());
        assert_eq!(looked_at(&guesses, address(1), start), 10);
        for last in 2..=200 {
            assert_eq!(looked_at(&guesses, address(last), start), 10, "{last}");
        }
        assert_eq!(looked_at(&guesses, None, start), 10, "all of an unknown source together");
        let six = |text: &str| Some(text.parse().unwrap());
        assert_eq!(looked_at(&guesses, six("2001:db8::1"), start), 10);
        assert_eq!(looked_at(&guesses, six("2001:db8::2"), start), 0, "the same /64");
        assert_eq!(looked_at(&guesses, address(1), start + GUESS_INTERVAL), 1);
        assert_eq!(looked_at(&guesses, address(1), start + GUESS_INTERVAL * 20), 10);
    }

    #[test]
    fn a_source_that_was_right_is_always_looked_at() {
        let (guesses, start) = (Guesses::default(), Instant::now());
        guesses.was_right(address(1), start);
        let loopback = Some(IpAddr::from([127, 0, 0, 1]));
        for trusted in [address(1), loopback] {
            assert_eq!(looked_at(&guesses, trusted, start), 100);
            assert_eq!(guesses.was_wrong(trusted, start), Guessed::TooOften);
            assert!(guesses.admit(trusted, start), "the next one may be right");
        }
        assert_eq!(looked_at(&guesses, address(1), start + TRUST), 10);
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let (guesses, start) = (Guesses::default(), Instant::now());
        for number in 0..SOURCES_MAX + 100 {
            let [.., high, low] = number.to_be_bytes();
            let from = Some(IpAddr::from([10, 0, high, low]));
            let now = start + Duration::from_millis(number as u64);
            assert_eq!(guesses.was_wrong(from, now), Guessed::Within);
            guesses.was_right(from, now);
        }
        let sources = guesses.0.lock();
        assert_eq!((sources.wrong.len(), sources.trusted.len()), (SOURCES_MAX, TRUSTED_MAX));
    }
}
