//! A host: a domain name or an IP address, with or without a port.

use std::{
    fmt,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    num::NonZeroU16,
};

use crate::reach::{Reach, dialled};

/// The longest domain name and the longest label in it, in bytes (RFC 1035).
const NAME_BYTES_MAX: usize = 253;
const LABEL_BYTES_MAX: usize = 63;

/// The name of this machine, as resolvers know it.
const LOCALHOST: &str = "localhost";

/// Top-level domains that are set aside for private networks and examples (RFC 2606, RFC 6762, RFC
/// 8375), or in common use there.
const SET_ASIDE: [&str; 10] =
    [LOCALHOST, "local", "internal", "test", "example", "invalid", "lan", "home", "corp", "arpa"];

/// A domain name or an IP address.
///
/// A name is in lower case, without a final dot, and in ASCII: names in other scripts are in their
/// `xn--` form. An IPv4 address that is written as an IPv6 one is the IPv4 address.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Host(Kind);

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Kind {
    Name(String),
    Address(IpAddr),
}

/// The target of a connection to a host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DialTarget<'a> {
    /// An address, which needs no look-up. It is never an unspecified one.
    Address(IpAddr),
    /// A name to look up. Names below `localhost` are `localhost` here, since not every resolver
    /// knows that they mean this machine.
    Name(&'a str),
}

/// The reason why a text is not a host, or not a host and a port.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HostError {
    /// The text is empty or a dot.
    #[error("no host is named; write one such as ilp.example.com")]
    Missing,
    /// The text is neither a name nor an address. Also numbers such as `127.1`, which are addresses
    /// to some resolvers and names to others.
    #[error("the host {0:?} is neither a domain name nor an IP address")]
    Name(String),
    /// An IPv6 address without brackets, or a text in brackets that is not an IPv6 address.
    #[error("an IPv6 address must be written in brackets, as in [::1]:3002")]
    Ipv6,
    /// The text behind the colon is not a port.
    #[error("the port {0:?} is not a number from 1 to 65535")]
    Port(String),
}

impl Host {
    /// Parses a host; an IPv6 address is in brackets.
    ///
    /// # Errors
    /// [`HostError`], which never is [`HostError::Port`].
    pub fn parse(text: &str) -> Result<Self, HostError> {
        if let Some(inner) = text.strip_prefix('[') {
            let inner = inner.strip_suffix(']').ok_or(HostError::Ipv6)?;
            let address: Ipv6Addr = inner.parse().map_err(|_| HostError::Ipv6)?;
            return Ok(Self::from(IpAddr::V6(address)));
        }
        if let Ok(address) = text.parse::<Ipv4Addr>() {
            return Ok(Self::from(IpAddr::V4(address)));
        }
        let name = text.strip_suffix('.').unwrap_or(text);
        if name.is_empty() {
            return Err(HostError::Missing);
        }
        if !is_name(name) {
            return Err(HostError::Name(text.to_owned()));
        }
        Ok(Self(Kind::Name(name.to_ascii_lowercase())))
    }

    /// Returns the address; `None` for a name.
    #[must_use]
    pub fn address(&self) -> Option<IpAddr> {
        match self.0 {
            Kind::Name(_) => None,
            Kind::Address(address) => Some(address),
        }
    }

    /// Returns the reach of the host as far as its text tells: `None` for a name that has to be
    /// looked up, which may lead anywhere.
    #[must_use]
    pub fn reach(&self) -> Option<Reach> {
        match &self.0 {
            Kind::Name(name) => is_localhost(name).then_some(Reach::Loopback),
            Kind::Address(address) => Some(Reach::of(*address)),
        }
    }

    /// Returns whether the host is on this machine or in a private network, as far as its text
    /// tells. A name with one label, such as a container's, is not: it may lead anywhere.
    #[must_use]
    pub fn is_near(&self) -> bool {
        self.reach().is_some_and(Reach::is_near)
    }

    /// Returns whether a connection to the host stays on this machine, as far as its text tells.
    #[must_use]
    pub fn is_this_machine(&self) -> bool {
        matches!(self.reach(), Some(Reach::Loopback | Reach::Unspecified))
    }

    /// Returns whether the host is on the Internet, as far as its text tells: a public address, or
    /// a name below a top-level domain that is not set aside for private networks and examples.
    #[must_use]
    pub fn is_of_the_internet(&self) -> bool {
        match &self.0 {
            Kind::Address(address) => Reach::of(*address) == Reach::Public,
            Kind::Name(name) => {
                let top = name.rsplit_once('.').map(|(_, top)| top);
                top.is_some_and(|top| !SET_ASIDE.contains(&top))
            }
        }
    }

    /// Returns the host that a connection leads to: loopback for an unspecified address.
    #[must_use]
    pub fn dialled(self) -> Self {
        match self.0 {
            Kind::Address(address) => Self(Kind::Address(dialled(address))),
            Kind::Name(_) => self,
        }
    }

    /// Returns what to look up or to connect to.
    #[must_use]
    pub fn dial_target(&self) -> DialTarget<'_> {
        match &self.0 {
            Kind::Address(address) => DialTarget::Address(dialled(*address)),
            Kind::Name(name) if is_localhost(name) => DialTarget::Name(LOCALHOST),
            Kind::Name(name) => DialTarget::Name(name),
        }
    }
}

impl From<IpAddr> for Host {
    fn from(address: IpAddr) -> Self {
        Self(Kind::Address(address.to_canonical()))
    }
}

/// Writes the host as in a URL: an IPv6 address in brackets.
impl fmt::Display for Host {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Kind::Name(name) => formatter.write_str(name),
            Kind::Address(IpAddr::V4(address)) => address.fmt(formatter),
            Kind::Address(IpAddr::V6(address)) => write!(formatter, "[{address}]"),
        }
    }
}

/// A host, and a port where one is written.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct HostPort {
    /// The host.
    pub host: Host,
    /// The port; `None` where the text has none.
    pub port: Option<NonZeroU16>,
}

impl HostPort {
    /// Parses `host` or `host:port`, where an IPv6 address is in brackets.
    ///
    /// # Errors
    /// [`HostError`], which says what was wrong and what would be right.
    pub fn parse(text: &str) -> Result<Self, HostError> {
        let (host, port) = split_port(text)?;
        let host = Host::parse(host)?;
        Ok(Self { host, port: port.map(parse_port).transpose()? })
    }
}

impl fmt::Display for HostPort {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.host.fmt(formatter)?;
        self.port.map_or(Ok(()), |port| write!(formatter, ":{port}"))
    }
}

fn split_port(text: &str) -> Result<(&str, Option<&str>), HostError> {
    if text.starts_with('[') {
        let end = text.find(']').ok_or(HostError::Ipv6)?;
        let (host, rest) = text.split_at(end + 1);
        return match rest.strip_prefix(':') {
            Some(port) => Ok((host, Some(port))),
            None if rest.is_empty() => Ok((host, None)),
            None => Err(HostError::Ipv6),
        };
    }
    match text.split_once(':') {
        None => Ok((text, None)),
        Some((_, port)) if port.contains(':') => Err(HostError::Ipv6),
        Some((host, port)) => Ok((host, Some(port))),
    }
}

fn parse_port(digits: &str) -> Result<NonZeroU16, HostError> {
    // `u16::from_str` accepts a leading plus sign, which no URL has.
    let is_plain = digits.bytes().all(|byte| byte.is_ascii_digit());
    let port = digits.parse().ok().filter(|_| is_plain);
    port.ok_or_else(|| HostError::Port(digits.to_owned()))
}

fn is_localhost(name: &str) -> bool {
    name.strip_suffix(LOCALHOST).is_some_and(|before| before.is_empty() || before.ends_with('.'))
}

fn is_name(name: &str) -> bool {
    let is_label = |label: &str| {
        !label.is_empty()
            && label.len() <= LABEL_BYTES_MAX
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
    };
    let last = name.rsplit('.').next().unwrap_or(name);
    let hexadecimal = last.strip_prefix("0x").or_else(|| last.strip_prefix("0X"));
    let is_number = last.bytes().all(|byte| byte.is_ascii_digit())
        || hexadecimal.is_some_and(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()));
    name.len() <= NAME_BYTES_MAX && name.split('.').all(is_label) && !is_number
}
