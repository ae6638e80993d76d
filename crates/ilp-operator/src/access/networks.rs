//! The networks around an address, by which a source with many addresses is bounded.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The networks that an address lies in, the narrowest first: those of one host, one site and one
/// provider. A host has an IPv4 address or an IPv6 /64, a site a /24 or /48, a provider a /16 or
/// /32. So a source with many addresses has a bound too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Networks([IpAddr; Networks::LEVELS]);

impl Networks {
    /// The number of networks for each address.
    pub const LEVELS: usize = 3;

    /// Returns the networks of an address.
    #[must_use]
    pub fn of(address: IpAddr) -> Self {
        Self(match address.to_canonical() {
            IpAddr::V4(address) => [32, 24, 16].map(|bits| {
                let kept = u32::MAX << (u32::BITS - bits);
                Ipv4Addr::from_bits(address.to_bits() & kept).into()
            }),
            IpAddr::V6(address) => [64, 48, 32].map(|bits| {
                let kept = u128::MAX << (u128::BITS - bits);
                Ipv6Addr::from_bits(address.to_bits() & kept).into()
            }),
        })
    }

    /// Returns the networks of the host, the site and the provider.
    #[must_use]
    pub fn levels(self) -> [IpAddr; Self::LEVELS] {
        self.0
    }
}

/// Returns the host that an address belongs to: the address itself, or its IPv6 /64, since a host
/// that has one address of a /64 usually has all of it.
pub(crate) fn host_of(address: IpAddr) -> IpAddr {
    let Networks([host, ..]) = Networks::of(address);
    host
}

/// Returns whether one more from a source would be one too many, beside those from `others`. Only
/// the bound on all applies to a request without a known source.
pub(crate) fn is_one_too_many(
    from: Option<Networks>,
    others: impl Iterator<Item = Option<Networks>>,
    from_one_max: [usize; Networks::LEVELS],
) -> bool {
    let Some(Networks(from)) = from else { return false };
    let mut counts = [0; Networks::LEVELS];
    for Networks(other) in others.flatten() {
        for (level, count) in counts.iter_mut().enumerate() {
            *count += usize::from(from[level] == other[level]);
        }
    }
    counts.iter().zip(&from_one_max).any(|(count, max)| count >= max)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_one_source_has_of_a_whole_is_counted_by_its_networks() {
        let from = |text: &str| Some(Networks::of(text.parse().unwrap()));
        let there = ["192.0.2.1", "192.0.2.1", "192.0.2.7", "192.0.9.7", "203.0.113.1"].map(from);
        let max = [2, 4, 5];
        let is_one_too_many = |text| is_one_too_many(from(text), there.into_iter(), max);
        assert!(is_one_too_many("192.0.2.1"));
        assert!(!is_one_too_many("192.0.2.7") && !is_one_too_many("203.0.113.1"));
        assert!(!super::is_one_too_many(None, there.into_iter(), [0; 3]));
        let crowded = there.into_iter().chain([from("192.0.77.1")]);
        assert!(super::is_one_too_many(from("192.0.99.1"), crowded, max), "five of one /16");
    }
}
