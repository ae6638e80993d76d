//! How often nodes may ask, each for itself and all together, by the minute.

use std::{
    collections::HashMap,
    net::{IpAddr, Ipv6Addr},
};

use parking_lot::Mutex;

/// Requests within a minute from one source. Two operators who try until it works need a few.
const FROM_ONE_MAX: u32 = 10;
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
    by_source: HashMap<IpAddr, u32>,
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
        let source = from.map_or(IpAddr::V6(Ipv6Addr::UNSPECIFIED), source);
        let count = minute.by_source.entry(source).or_default();
        if *count >= FROM_ONE_MAX {
            return false;
        }
        *count += 1;
        minute.all += 1;
        true
    }
}

/// Whoever has one IPv6 address usually has all of its /64.
pub(crate) fn source(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => {
            let mut octets = address.octets();
            octets[8..].fill(0);
            IpAddr::V6(octets.into())
        }
        v4 => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_source_and_all_together_are_bounded_by_the_minute() {
        let limiter = Limiter::default();
        let address = |last: u8| Some(IpAddr::from([192, 0, 2, last]));
        let admitted = |from, now_ms| (0..100).filter(|_| limiter.admit(from, now_ms)).count();
        assert_eq!(admitted(address(1), 0), 10);
        assert_eq!(admitted(None, 0), 10);
        let six = |text: &str| Some(text.parse().unwrap());
        assert_eq!(admitted(six("2001:db8::1"), 0), 10);
        assert_eq!(admitted(six("2001:db8::ffff"), 0), 0, "the same /64");
        assert_eq!(admitted(six("::ffff:192.0.2.1"), 0), 0, "the same as without the prefix");
        let others: usize = (2..200).map(|last| admitted(address(last), 0)).sum();
        assert_eq!(others, 30, "60 in all");
        assert!(limiter.minute.lock().by_source.len() <= 60);
        assert_eq!(admitted(address(1), MINUTE_MS), 10);
    }
}
