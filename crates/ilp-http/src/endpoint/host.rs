//! A host: a domain name or an address, and whether it is near enough to be spoken to in clear text.

use super::EndpointError;
use crate::reach::is_public;
use std::{
    fmt,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
};

/// DNS allows 253 characters in a name and 63 in each label.
const NAME_BYTES_MAX: usize = 253;
const LABEL_BYTES_MAX: usize = 63;

/// The host of an [`Endpoint`](super::Endpoint).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Host {
    /// A domain name, in lower case and without a final dot.
    Name(String),
    /// An address; it needs no look-up.
    Address(IpAddr),
}

impl Host {
    /// Reads a host; an IPv6 address is in brackets.
    pub(crate) fn parse(text: &str) -> Result<Host, EndpointError> {
        if let Some(inner) = text.strip_prefix('[') {
            let inner = inner.strip_suffix(']').ok_or(EndpointError::Ipv6)?;
            let address: Ipv6Addr = inner.parse().map_err(|_| EndpointError::Ipv6)?;
            return Ok(Host::Address(IpAddr::V6(address)));
        }
        if let Ok(address) = text.parse::<Ipv4Addr>() {
            return Ok(Host::Address(IpAddr::V4(address)));
        }
        let name = text.strip_suffix('.').unwrap_or(text);
        if name.is_empty() {
            return Err(EndpointError::NoHost);
        }
        if !is_name(name) {
            return Err(EndpointError::Host(text.to_owned()));
        }
        Ok(Host::Name(name.to_ascii_lowercase()))
    }

    /// Returns whether the host is this machine or in a private network, so that no scheme means
    /// `http://`.
    ///
    /// A single-label name such as a container's is not near: it may resolve to anything.
    pub(crate) fn is_near(&self) -> bool {
        match self {
            Host::Name(name) => is_localhost(name),
            Host::Address(IpAddr::V4(address)) => is_near_v4(*address),
            Host::Address(IpAddr::V6(address)) => match address.to_ipv4_mapped() {
                Some(mapped) => is_near_v4(mapped),
                None => {
                    address.is_loopback()
                        || address.is_unspecified()
                        || address.is_unique_local()
                        || address.is_unicast_link_local()
                }
            },
        }
    }

    /// Returns whether the host is on the Internet, as far as its text tells: a public address, or
    /// a name below a domain that isn't set aside for private networks and examples (RFC 2606, RFC
    /// 6762, RFC 8375).
    pub fn is_of_the_internet(&self) -> bool {
        const SET_ASIDE: [&str; 10] = [
            "localhost",
            "local",
            "internal",
            "test",
            "example",
            "invalid",
            "lan",
            "home",
            "corp",
            "arpa",
        ];
        match self {
            Host::Address(address) => is_public(*address),
            Host::Name(name) => {
                let top = name.rsplit_once('.').map(|(_, top)| top);
                top.is_some_and(|top| !SET_ASIDE.contains(&top))
            }
        }
    }

    /// Returns the host to connect to: the unspecified addresses become loopback.
    pub(crate) fn dialled(self) -> Host {
        match self {
            Host::Address(IpAddr::V4(address)) if address.is_unspecified() => {
                Host::Address(IpAddr::V4(Ipv4Addr::LOCALHOST))
            }
            Host::Address(IpAddr::V6(address)) if address.is_unspecified() => {
                Host::Address(IpAddr::V6(Ipv6Addr::LOCALHOST))
            }
            other => other,
        }
    }

    /// The name to resolve. Names below `localhost` mean this machine, which not every resolver knows.
    pub(crate) fn resolved_name(name: &str) -> &str {
        if is_localhost(name) { "localhost" } else { name }
    }
}

/// As written in a URL: an IPv6 address in brackets.
impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Host::Name(name) => f.write_str(name),
            Host::Address(IpAddr::V4(address)) => address.fmt(f),
            Host::Address(IpAddr::V6(address)) => write!(f, "[{address}]"),
        }
    }
}

fn is_localhost(name: &str) -> bool {
    name == "localhost" || name.ends_with(".localhost")
}

fn is_near_v4(address: Ipv4Addr) -> bool {
    address.is_loopback()
        || address.is_private()
        || address.is_link_local()
        || address.is_unspecified()
}

fn is_name(name: &str) -> bool {
    let labels_fit = name.split('.').all(|label| {
        !label.is_empty()
            && label.len() <= LABEL_BYTES_MAX
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
    });
    // `127.1` or `0x7f000001` is an address to some resolvers and a name to others: refused.
    let last = name.rsplit('.').next().unwrap_or(name);
    let hexadecimal = last.strip_prefix("0x").or_else(|| last.strip_prefix("0X"));
    let numeric = last.bytes().all(|b| b.is_ascii_digit())
        || hexadecimal.is_some_and(|digits| digits.bytes().all(|b| b.is_ascii_hexdigit()));
    name.len() <= NAME_BYTES_MAX && labels_fit && !numeric
}
