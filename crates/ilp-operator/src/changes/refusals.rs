//! Bounds how many refusals of clients the audit log notes.

use parking_lot::Mutex;

/// How many refusals are noted at once, and how long it takes until there is room for one more. All
/// others are counted: a client that is refused all day must not fill the disk.
const REFUSALS_MAX: u64 = 20;
const REFUSAL_INTERVAL_MS: u64 = 3_000;

/// Lets so many refusals through and counts the rest.
#[derive(Debug, Default)]
pub(crate) struct Refusals {
    /// How many were noted lately, less one for each interval since.
    recent: u64,
    last_ms: u64,
    unnoted: u64,
}

impl Refusals {
    /// Whether this one is noted; if so, how many before it were not.
    pub(super) fn admit(&mut self, now_ms: u64) -> Option<u64> {
        let intervals = now_ms.saturating_sub(self.last_ms) / REFUSAL_INTERVAL_MS;
        if intervals > 0 {
            self.recent = self.recent.saturating_sub(intervals);
            self.last_ms = now_ms;
        }
        if self.recent >= REFUSALS_MAX {
            self.unnoted += 1;
            return None;
        }
        self.recent += 1;
        Some(std::mem::take(&mut self.unnoted))
    }
}

/// The refusals so far, as all callers share them.
pub(crate) type SharedRefusals = Mutex<Refusals>;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_of_refusals_is_counted_and_not_noted() {
        let mut refusals = Refusals::default();
        let now_ms = 1_000_000;
        let noted = (0..1_000).filter(|_| refusals.admit(now_ms).is_some()).count();
        assert_eq!(noted, 20);
        assert_eq!(refusals.admit(now_ms + REFUSAL_INTERVAL_MS - 1), None);
        assert_eq!(refusals.admit(now_ms + REFUSAL_INTERVAL_MS), Some(981));
        assert_eq!(refusals.admit(now_ms + REFUSAL_INTERVAL_MS), None);
        // A day later there is room again, and no more than at the first time.
        let later_ms = now_ms + 86_400_000;
        let noted = (0..1_000).filter(|_| refusals.admit(later_ms).is_some()).count();
        assert_eq!(noted, 20);
    }
}
