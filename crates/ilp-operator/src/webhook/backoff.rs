//! The pauses between attempts.

use std::time::Duration;

use ring::rand::{SecureRandom, SystemRandom};

/// How the pauses grow: by one step after each failure, up to so many steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Backoff {
    /// The pause after the first failure, and what each further one adds, in milliseconds.
    pub step_ms: u64,
    /// The longest pause, in steps.
    pub steps_max: u64,
}

impl Default for Backoff {
    /// 10 s after the first failure, 10 s more after each, 60 s at most.
    fn default() -> Self {
        Self { step_ms: 10_000, steps_max: 6 }
    }
}

/// How much of a pause may be left out by chance, as a fraction of it: a fifth. So events that
/// failed together, as all do when a receiver goes down, don't come back together.
const JITTER_DIVISOR: u64 = 5;

impl Backoff {
    /// Returns the longest pause.
    pub(crate) fn longest(&self) -> Duration {
        Duration::from_millis(self.step_ms.saturating_mul(self.steps_max.max(1)))
    }

    /// Returns the pause after the failed attempt with this number, the first being 1.
    pub(crate) fn pause_ms(&self, attempt: u32) -> u64 {
        self.pause_with(attempt, random_u16())
    }

    /// `chance` is uniform over its 16 bits.
    fn pause_with(&self, attempt: u32, chance: u16) -> u64 {
        let steps = u64::from(attempt).clamp(1, self.steps_max.max(1));
        let pause_ms = self.step_ms.saturating_mul(steps);
        let spread_ms = u128::from(pause_ms / JITTER_DIVISOR);
        let left_out_ms = (spread_ms * u128::from(chance)) >> 16;
        pause_ms.saturating_sub(u64::try_from(left_out_ms).unwrap_or(0))
    }
}

/// Without random numbers there is no jitter, and events are sent all the same.
fn random_u16() -> u16 {
    let mut bytes = [0; 2];
    let _ = SystemRandom::new().fill(&mut bytes);
    u16::from_ne_bytes(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_by_a_step_up_to_the_longest_and_never_pass_it() {
        let backoff = Backoff::default();
        for (attempt, longest) in [(1, 10_000), (2, 20_000), (6, 60_000), (7, 60_000), (99, 60_000)]
        {
            assert_eq!(backoff.pause_with(attempt, 0), longest);
            let shortest = backoff.pause_with(attempt, u16::MAX);
            assert!(shortest > longest * 8 / 10 - 1 && shortest < longest, "{shortest}");
            let pause_ms = backoff.pause_ms(attempt);
            assert!((shortest..=longest).contains(&pause_ms), "{pause_ms}");
        }
        assert_eq!(Backoff { step_ms: u64::MAX, steps_max: 6 }.pause_with(6, 0), u64::MAX);
    }
}
