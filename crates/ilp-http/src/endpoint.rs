//! The URL of a peer's packet endpoint: what is taken, what it means, and where it is dialled.

mod host;
#[cfg(test)]
mod tests;

pub use host::Host;

use http::uri::PathAndQuery;
use std::{fmt, num::NonZeroU16};

/// The longest endpoint taken, in bytes. Common servers refuse request lines above 8 KiB, and an
/// endpoint is an address someone typed.
const ENDPOINT_BYTES_MAX: usize = 2_048;

/// Where a peer takes packets: parsed once, and then free of surprises.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Endpoint {
    tls: bool,
    host: Host,
    /// The port as it is dialled, so the scheme's own where none was written.
    port: NonZeroU16,
    path: PathAndQuery,
}

/// Why a text is no endpoint. Each says what was wrong and what would be right, and none repeats
/// what may be a password.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EndpointError {
    /// Nothing was given.
    #[error("the endpoint is empty; write a URL such as https://ilp.example.com/ilp")]
    Empty,
    /// Longer than any endpoint needs to be.
    #[error("the endpoint has {0} bytes; at most {ENDPOINT_BYTES_MAX} are taken")]
    TooLong(usize),
    /// A space, a control character, a backslash or one beyond ASCII.
    #[error(
        "the endpoint holds {character:?} at byte {at}; it may hold only printable ASCII without \
         spaces and backslashes (names in other scripts in their xn-- form)"
    )]
    Character {
        /// The character that has no place in a URL.
        character: char,
        /// Its offset in bytes.
        at: usize,
    },
    /// Neither http nor https.
    #[error("the endpoint's scheme is {0:?}; only http:// and https:// are spoken")]
    Scheme(String),
    /// `https:host` and the like.
    #[error("the endpoint's scheme must be followed by //, as in https://ilp.example.com/")]
    SchemeWithoutSlashes,
    /// A user name, with or without password.
    #[error(
        "the endpoint holds a user name or password before an @; remove it and give the token as \
         the outgoing auth token"
    )]
    UserInfo,
    /// A fragment, which is never sent to a server.
    #[error("the endpoint ends in a #fragment, which is never sent to a server; remove it")]
    Fragment,
    /// No host where one is expected.
    #[error("the endpoint names no host; write a URL such as https://ilp.example.com/ilp")]
    NoHost,
    /// A host that is neither a name nor an address.
    #[error("the endpoint's host {0:?} is neither a domain name nor an IP address")]
    Host(String),
    /// An IPv6 address that is not bracketed, or is no IPv6 address.
    #[error("an IPv6 address must be written in brackets, as in http://[::1]:3002/")]
    Ipv6,
    /// Not a number from 1 to 65535.
    #[error("the endpoint's port {0:?} is not a number from 1 to 65535")]
    Port(String),
    /// The part after the host is no path.
    #[error(
        "the endpoint's path holds a character that must be percent-encoded, such as a quote or a \
         brace"
    )]
    Path,
}

impl Endpoint {
    /// Reads an endpoint as operators write it.
    ///
    /// Without a scheme it means `https://`, except for a host on this machine or in a private
    /// network, where certificates are rare: that means `http://`. An unspecified host (`0.0.0.0`,
    /// `[::]`), as found in listening addresses, stands for this machine.
    ///
    /// # Errors
    /// [`EndpointError`], which says what was wrong and what would be right.
    pub fn parse(text: &str) -> Result<Endpoint, EndpointError> {
        check_characters(text)?;
        let (scheme, rest) = split_scheme(text)?;
        let authority_end = rest.find(['/', '?']).unwrap_or(rest.len());
        let (authority, path) = rest.split_at(authority_end);
        if authority.contains('@') {
            return Err(EndpointError::UserInfo);
        }
        let (host, port) = split_port(authority)?;
        let host = Host::parse(host)?;
        let tls = scheme.unwrap_or_else(|| !host.is_near());
        let port = match port {
            None => default_port(tls),
            Some(digits) => parse_port(digits)?,
        };
        Ok(Endpoint { tls, host: host.dialled(), port, path: parse_path(path)? })
    }

    /// Whether the connection is encrypted.
    pub fn is_tls(&self) -> bool {
        self.tls
    }

    /// The host as it is dialled.
    pub fn host(&self) -> &Host {
        &self.host
    }

    /// The port as it is dialled.
    pub fn port(&self) -> u16 {
        self.port.get()
    }

    /// Path and query of every request; at least `/`.
    pub fn path(&self) -> &PathAndQuery {
        &self.path
    }

    /// What the `Host` header says: the host, and the port unless it is the scheme's own.
    pub fn authority(&self) -> String {
        if self.port == default_port(self.tls) {
            self.host.to_string()
        } else {
            format!("{}:{}", self.host, self.port)
        }
    }
}

/// The normalised URL: scheme and path written out, host in lower case, no default port.
impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.tls { "https" } else { "http" };
        write!(f, "{scheme}://{}{}", self.authority(), self.path)
    }
}

fn check_characters(text: &str) -> Result<(), EndpointError> {
    if text.is_empty() {
        return Err(EndpointError::Empty);
    }
    if text.len() > ENDPOINT_BYTES_MAX {
        return Err(EndpointError::TooLong(text.len()));
    }
    let stray = text.char_indices().find(|(_, c)| !c.is_ascii_graphic() || *c == '\\');
    if let Some((at, character)) = stray {
        return Err(EndpointError::Character { character, at });
    }
    if text.contains('#') {
        return Err(EndpointError::Fragment);
    }
    Ok(())
}

/// Splits the scheme off: `Some(true)` is https, `Some(false)` http, `None` none written.
fn split_scheme(text: &str) -> Result<(Option<bool>, &str), EndpointError> {
    let named = text.split_once("://").filter(|(before, _)| is_scheme(before));
    if let Some((scheme, rest)) = named {
        return match scheme.to_ascii_lowercase().as_str() {
            "https" => Ok((Some(true), rest)),
            "http" => Ok((Some(false), rest)),
            other => Err(EndpointError::Scheme(other.to_owned())),
        };
    }
    // `https:host` would otherwise be read as a host named https with a strange port.
    if let Some((before, _)) = text.split_once(':')
        && ["http", "https"].iter().any(|scheme| before.eq_ignore_ascii_case(scheme))
    {
        return Err(EndpointError::SchemeWithoutSlashes);
    }
    Ok((None, text))
}

fn is_scheme(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-' | b'.'))
}

/// Splits `host:port`, where an IPv6 host is in brackets.
fn split_port(authority: &str) -> Result<(&str, Option<&str>), EndpointError> {
    if authority.starts_with('[') {
        let end = authority.find(']').ok_or(EndpointError::Ipv6)?;
        let (host, rest) = authority.split_at(end + 1);
        return match rest.strip_prefix(':') {
            Some(port) => Ok((host, Some(port))),
            None if rest.is_empty() => Ok((host, None)),
            None => Err(EndpointError::Ipv6),
        };
    }
    match authority.split_once(':') {
        None => Ok((authority, None)),
        Some((_, port)) if port.contains(':') => Err(EndpointError::Ipv6),
        Some((host, port)) => Ok((host, Some(port))),
    }
}

fn parse_port(digits: &str) -> Result<NonZeroU16, EndpointError> {
    // `u16::from_str` takes a leading plus sign, which no URL has.
    let plain = digits.bytes().all(|b| b.is_ascii_digit());
    let port = digits.parse().ok().filter(|_| plain);
    port.ok_or_else(|| EndpointError::Port(digits.to_owned()))
}

fn parse_path(path: &str) -> Result<PathAndQuery, EndpointError> {
    let written = if path.starts_with('/') { path.to_owned() } else { format!("/{path}") };
    PathAndQuery::try_from(written).map_err(|_| EndpointError::Path)
}

fn default_port(tls: bool) -> NonZeroU16 {
    const HTTP: NonZeroU16 = NonZeroU16::new(80).expect("80 is not zero");
    const HTTPS: NonZeroU16 = NonZeroU16::new(443).expect("443 is not zero");
    if tls { HTTPS } else { HTTP }
}
