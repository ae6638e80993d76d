//! The number of requests per minute, for each source and in total.

use std::{
    collections::HashMap,
    net::{IpAddr, Ipv6Addr},
};

use ilp_operator::Networks;
use parking_lot::Mutex;

/// Requests within a minute from one address, and from the networks around it. Two operators who
/// try until it works need a few.
const FROM_ONE_MAX: [u32; Networks::LEVELS] = [10, 20, 30];
/// Requests within a minute from all of them. It also bounds how many sources are remembered.
const FROM_ALL_MAX: u32 = 60;

const MINUTE_MS: u64 = 60_000;

/// Counts the requests of the minute that runs.
#[derive(Default)]
pub(super) struct Limiter {
    minute: Mutex<Minute>,
}

#[derive(Default)]
struct Minute {
    number: u64,
    all: u32,
    /// The counts by the level of a network, and the network.
    by_network: HashMap<(usize, IpAddr), u32>,
}

impl Limiter {
    /// Whether one more request may be read. Those of an unknown source share one count.
    pub(super) fn admit(&self, from: Option<IpAddr>, now_ms: u64) -> bool {
        let mut minute = self.minute.lock();
        let number = now_ms / MINUTE_MS;
        if minute.number != number {
            *minute = Minute { number, ..Minute::default() };
        }
        if minute.all >= FROM_ALL_MAX {
            return false;
        }
        let networks = Networks::of(from.unwrap_or(Ipv6Addr::UNSPECIFIED.into())).levels();
        let is_full = networks.iter().enumerate().any(|key| {
            let count = minute.by_network.get(&(key.0, *key.1)).copied().unwrap_or_default();
            count >= FROM_ONE_MAX[key.0]
        });
        if is_full {
            return false;
        }
        for (level, network) in networks.into_iter().enumerate() {
            *minute.by_network.entry((level, network)).or_default() += 1;
        }
        minute.all += 1;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn admitted(limiter: &Limiter, from: Option<IpAddr>, now_ms: u64) -> usize {
        (0..100).filter(|_| limiter.admit(from, now_ms)).count()
    }

    fn at(text: &str) -> Option<IpAddr> {
        Some(text.parse().unwrap())
    }

    #[test]
    fn each_source_and_all_together_are_bounded_by_the_minute() {
        let limiter = Limiter::default();
        let admitted = |from, now_ms| admitted(&limiter, from, now_ms);
        assert_eq!(admitted(at("192.0.2.1"), 0), 10);
        assert_eq!(admitted(None, 0), 10);
        assert_eq!(admitted(at("2001:db8::1"), 0), 10);
        assert_eq!(admitted(at("2001:db8::ffff"), 0), 0, "the same /64");
        assert_eq!(admitted(at("::ffff:192.0.2.1"), 0), 0, "the same as without the prefix");
        let others = (2..200).map(|first| admitted(Some([first, 0, 113, 1].into()), 0));
        assert_eq!(others.sum::<usize>(), 30, "60 in all");
        assert!(limiter.minute.lock().by_network.len() <= 3 * 60);
        assert_eq!(admitted(at("192.0.2.1"), MINUTE_MS), 10);
    }

    #[test]
    fn a_source_with_many_addresses_leaves_room_for_others() {
        let limiter = Limiter::default();
        let site = (0..1_000).map(|host| {
            let address = format!("2001:db8:1:{host:x}::1");
            admitted(&limiter, at(&address), 0)
        });
        assert_eq!(site.sum::<usize>(), 20, "one /48");
        let provider = (2..1_000).map(|site| {
            let address = format!("2001:db8:{site:x}::1");
            admitted(&limiter, at(&address), 0)
        });
        assert_eq!(provider.sum::<usize>(), 10, "30 of one /32");
        let block = (0..=255).map(|host| admitted(&limiter, Some([192, 0, 2, host].into()), 0));
        assert_eq!(block.sum::<usize>(), 20, "one /24");
        assert_eq!(admitted(&limiter, at("203.0.113.9"), 0), 10, "others are heard");
    }
}
