//! Token buckets of one word each, filled by the passing of time.
//!
//! A bucket keeps the moment at which it will be full again (the generic cell rate algorithm):
//! taking from it moves that moment on, and a bucket that would be full too far in the future is
//! empty now. No timer refills it and no lock guards it.

use std::sync::atomic::{AtomicU64, Ordering};

use interledger_packet::Timestamp;

const NS_PER_MS: u64 = 1_000_000;
const NS_PER_SECOND: u64 = 1_000 * NS_PER_MS;
const NS_PER_MINUTE: u64 = 60 * NS_PER_SECOND;

/// One bucket. Its limit is an argument, since terms change while the bucket's state stays.
#[derive(Debug, Default)]
pub(crate) struct RateLimit {
    /// When the bucket is full again, in nanoseconds since 1970. Wraps no sooner than 2554.
    full_at_ns: AtomicU64,
}

impl RateLimit {
    /// Counts one packet against `limit` packets per minute; a full bucket holds a minute's worth.
    /// False when the packet is one too many.
    pub(crate) fn take_packet(&self, limit: u64, now: Timestamp) -> bool {
        let Some(cost_ns) = NS_PER_MINUTE.checked_div(limit) else { return false };
        self.take(cost_ns, NS_PER_MINUTE.saturating_sub(cost_ns), now)
    }

    /// Counts `amount` against `limit` per second; a full bucket holds a second's worth. A packet
    /// passes while anything is left and may overdraw the bucket, which the following packets wait
    /// for: so a packet larger than a second's worth is slowed down, not shut out for ever.
    pub(crate) fn take_amount(&self, amount: u64, limit: u64, now: Timestamp) -> bool {
        let cost_ns =
            (u128::from(amount) * u128::from(NS_PER_SECOND)).checked_div(u128::from(limit));
        let Some(cost_ns) = cost_ns else { return amount == 0 };
        let cost_ns = u64::try_from(cost_ns).unwrap_or(u64::MAX);
        self.take(cost_ns, NS_PER_SECOND - 1, now)
    }

    /// Takes `cost_ns` if the bucket is full again within `slack_ns` from now.
    fn take(&self, cost_ns: u64, slack_ns: u64, now: Timestamp) -> bool {
        let now_ns = now.unix_ms().saturating_mul(NS_PER_MS);
        // Relaxed: the bucket orders nothing but itself, and fetch_update never loses a count.
        self.full_at_ns
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |full_at_ns| {
                let from_ns = full_at_ns.max(now_ns);
                (from_ns - now_ns <= slack_ns).then(|| from_ns.saturating_add(cost_ns))
            })
            .is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at_ms(ms: u64) -> Timestamp {
        Timestamp::from_unix_ms(1_800_000_000_000 + ms)
    }

    #[test]
    fn a_minutes_worth_of_packets_passes_and_not_one_more() {
        let bucket = RateLimit::default();
        let passed = (0..1_000).filter(|_| bucket.take_packet(600, at_ms(0))).count();
        assert_eq!(passed, 600);
        // One comes back every 100 ms.
        assert!(!bucket.take_packet(600, at_ms(99)));
        assert!(bucket.take_packet(600, at_ms(100)));
        assert!(!bucket.take_packet(600, at_ms(100)));
    }

    #[test]
    fn a_limit_of_zero_lets_no_packet_pass() {
        assert!(!RateLimit::default().take_packet(0, at_ms(0)));
        assert!(!RateLimit::default().take_amount(1, 0, at_ms(0)));
    }

    #[test]
    fn amounts_average_to_the_limit_whatever_their_size() {
        for size in [1, 7, 999, 1_000, 25_000] {
            let bucket = RateLimit::default();
            let mut total = 0;
            for ms in 0..100_000 {
                if bucket.take_amount(size, 1_000, at_ms(ms)) {
                    total += size;
                }
            }
            // 100 seconds at 1,000, the bucket that was full at the start, and one overdraft.
            let most = 100 * 1_000 + 1_000 + size;
            assert!(total <= most && total + 1_000 + size >= most - 1_000, "{size}: {total}");
        }
    }

    #[test]
    fn the_largest_amount_overflows_nothing() {
        let bucket = RateLimit::default();
        assert!(bucket.take_amount(u64::MAX, 1, at_ms(0)));
        assert!(!bucket.take_amount(1, u64::MAX, at_ms(0)));
    }
}
