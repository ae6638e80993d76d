//! How far away an address is: this machine, a private network, or the Internet.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The reach of an IP address, by RFC 6890 and its updates. An IPv4 address that is written as an
/// IPv6 one (`::ffff:10.0.0.1`) has the reach of the IPv4 address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Reach {
    /// `0.0.0.0` or `::`, which stand for every address of this machine and are dialled as loopback.
    Unspecified,
    /// An address of this machine that no other machine reaches.
    Loopback,
    /// An address in a network that is not the Internet: private (RFC 1918, RFC 4193), behind the
    /// NAT of a provider (RFC 6598), or on this link. The metadata services of cloud providers are
    /// among these.
    Private,
    /// An address that no host on the Internet has: for documentation, measurements, multicast, or
    /// the wrapping of IPv4 addresses.
    Reserved,
    /// An address on the Internet.
    Public,
}

/// Returns the address that a connection to `address` leads to: loopback for an unspecified one.
#[must_use]
pub fn dialled(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) if address.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(address) if address.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        address => address,
    }
}

impl Reach {
    /// Returns the reach of an address.
    #[must_use]
    pub fn of(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V4(address) => Self::of_v4(address),
            IpAddr::V6(address) => Self::of_v6(address),
        }
    }

    /// Returns whether the address is on this machine or in a private network. Certificates are rare
    /// there, so `http://` is accepted, and is what a URL without a scheme means.
    #[must_use]
    pub fn is_near(self) -> bool {
        matches!(self, Self::Unspecified | Self::Loopback | Self::Private)
    }

    fn of_v4(address: Ipv4Addr) -> Self {
        // Azure's host agent, which hands out secrets of the machine, has an address from the public
        // range.
        const AZURE_HOST: Ipv4Addr = Ipv4Addr::new(168, 63, 129, 16);
        let [first, second, third, _] = address.octets();
        let is_behind_provider = first == 100 && (64..128).contains(&second);
        if address.is_unspecified() {
            Self::Unspecified
        } else if address.is_loopback() {
            Self::Loopback
        } else if address.is_private()
            || address.is_link_local()
            || is_behind_provider
            || address == AZURE_HOST
        {
            Self::Private
        } else if address.is_multicast()
            || address.is_documentation()
            || first == 0
            || first >= 240
            || (first == 192 && second == 0 && third == 0)
            || (first == 198 && (18..20).contains(&second))
        {
            Self::Reserved
        } else {
            Self::Public
        }
    }

    fn of_v6(address: Ipv6Addr) -> Self {
        let [first, second, ..] = address.segments();
        // Assigned for global use are the addresses of 2000::/3, without those for documentation,
        // those of protocols (2001::/23, Teredo among them) and those that wrap an IPv4 address.
        let is_documentation =
            (first == 0x2001 && second == 0x0db8) || (first == 0x3fff && second < 0x1000);
        let is_of_protocol = first == 0x2001 && second < 0x0200;
        let wraps_v4 = first == 0x2002;
        if address.is_unspecified() {
            Self::Unspecified
        } else if address.is_loopback() {
            Self::Loopback
        } else if address.is_unique_local() || address.is_unicast_link_local() {
            Self::Private
        } else if !(0x2000..0x4000).contains(&first)
            || is_documentation
            || is_of_protocol
            || wraps_v4
        {
            Self::Reserved
        } else {
            Self::Public
        }
    }
}
