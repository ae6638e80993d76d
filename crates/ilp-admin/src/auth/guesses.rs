//! How often the secret may be guessed, for each source by itself.
//!
//! A source that was wrong too often is not listened to for a while, whatever it shows. That would let
//! a client lock out the operator behind the same address, so there are sources to which it doesn't
//! happen: the node's own machine, and those that have shown the right secret within a day. What is
//! shown there is always looked at, so that the right secret always opens, and only the answer to a
//! wrong one tells that there were too many.

use std::{
    collections::HashMap,
    net::IpAddr,
    time::{Duration, Instant},
};

use parking_lot::Mutex;

use crate::auto_peering::host_of;

/// Wrong guesses at once from one source, and how long it takes until there may be one more.
const GUESSES_MAX: u32 = 10;
const GUESS_INTERVAL: Duration = Duration::from_secs(6);

/// Sources that are remembered at once: 64 bytes each. One more makes the one forgotten that has been
/// quiet for longest.
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
    /// When each showed the right secret.
    trusted: HashMap<Option<IpAddr>, Instant>,
}

/// How often a source was wrong lately, less one for each interval since.
#[derive(Clone, Copy, Debug)]
struct Wrong {
    count: u32,
    last: Instant,
}

/// Whether a wrong guess was one too many.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Guessed {
    /// The source may guess again.
    Within,
    /// The source has been wrong too often.
    TooOften,
}

impl Guesses {
    /// Whether what a source shows is looked at.
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

    /// How many of a hundred guesses are looked at.
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
