//! The source of a connection.

use std::net::IpAddr;

/// The source of a connection: an IPv4 address, or the first 64 bits of an IPv6 address.
///
/// A network gives a customer one IPv4 address or at least a whole /64, so anything finer would let one
/// client count as many.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Source(IpAddr);

impl From<IpAddr> for Source {
    fn from(address: IpAddr) -> Source {
        match address.to_canonical() {
            IpAddr::V6(address) => {
                let mut octets = address.octets();
                octets[8..].fill(0);
                Source(IpAddr::V6(octets.into()))
            }
            v4 => Source(v4),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Source;

    fn source(text: &str) -> Source {
        Source::from(text.parse::<std::net::IpAddr>().unwrap())
    }

    #[test]
    fn one_customer_of_a_network_is_one_source() {
        assert_eq!(source("2001:db8::1"), source("2001:db8::ffff:ffff"));
        assert_ne!(source("2001:db8::1"), source("2001:db8:0:1::1"));
        assert_eq!(source("::ffff:192.0.2.1"), source("192.0.2.1"));
        assert_ne!(source("192.0.2.1"), source("192.0.2.2"));
    }
}
