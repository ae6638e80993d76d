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
        self.take(cost_ns, NS_PER_MINUTE, now)
    }

    /// Counts `amount` against `limit` per second; a full bucket holds a second's worth, so an
    /// amount above `limit` never passes, and is better refused before it is asked for. The cost
    /// rounds down, to the payer's good: by less than a nanosecond's worth a packet.
    pub(crate) fn take_amount(&self, amount: u64, limit: u64, now: Timestamp) -> bool {
        let cost_ns =
            (u128::from(amount) * u128::from(NS_PER_SECOND)).checked_div(u128::from(limit));
        let Some(cost_ns) = cost_ns else { return amount == 0 };
        u64::try_from(cost_ns).is_ok_and(|cost_ns| self.take(cost_ns, NS_PER_SECOND, now))
    }

    /// Takes `cost_ns` from a bucket that holds `capacity_ns`, if that much is in it.
    fn take(&self, cost_ns: u64, capacity_ns: u64, now: Timestamp) -> bool {
        let now_ns = now.unix_ms().saturating_mul(NS_PER_MS);
        let latest_ns = now_ns.saturating_add(capacity_ns);
        // Relaxed: the bucket orders nothing but itself, and fetch_update never loses a count.
        self.full_at_ns
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |full_at_ns| {
                // No bucket is emptier than empty: a later moment means that the clock was set
                // back since, and must not shut the peer out until it has caught up.
                let from_ns = if full_at_ns > latest_ns { now_ns } else { full_at_ns.max(now_ns) };
                from_ns.checked_add(cost_ns).filter(|full_at_ns| *full_at_ns <= latest_ns)
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
        for size in [1, 7, 999, 1_000] {
            let bucket = RateLimit::default();
            let passed = (0..100_000).filter(|ms| bucket.take_amount(size, 1_000, at_ms(*ms)));
            let total = passed.count() as u64 * size;
            // 100 seconds at 1,000, and at the most the bucket that was full at the start.
            let average = 100 * 1_000;
            assert!((average - 2 * size..=average + 1_000).contains(&total), "{size}: {total}");
        }
    }

    #[test]
    fn no_single_amount_shuts_a_peer_out() {
        let bucket = RateLimit::default();
        for amount in [1_001, 1_000_000_000_000, u64::MAX] {
            assert!(!bucket.take_amount(amount, 1_000, at_ms(0)));
        }
        assert!(bucket.take_amount(1_000, 1_000, at_ms(0)), "nothing was taken for the others");
        assert!(!bucket.take_amount(1_000, 1_000, at_ms(999)));
        assert!(bucket.take_amount(1_000, 1_000, at_ms(1_000)));
        assert!(bucket.take_amount(u64::MAX, u64::MAX, at_ms(9_000)), "and nothing overflows");
    }

    #[test]
    fn a_clock_that_is_set_back_shuts_nobody_out() {
        let (packets, amounts) = (RateLimit::default(), RateLimit::default());
        let tomorrow = at_ms(24 * 60 * 60 * 1_000);
        assert!((0..600).all(|_| packets.take_packet(600, tomorrow)));
        assert!(amounts.take_amount(1_000, 1_000, tomorrow));
        assert!(packets.take_packet(600, at_ms(0)));
        assert!(amounts.take_amount(1_000, 1_000, at_ms(0)));
        assert!(!amounts.take_amount(1_000, 1_000, at_ms(0)));
    }
}
