//! The receiver of a payment as people write it: a payment pointer (IL-RFC 26) or a URL.

#[cfg(test)]
mod tests;

use crate::{Endpoint, EndpointError};
use std::{fmt, str::FromStr};

/// The path at which a host without a path is asked for payment details.
const WELL_KNOWN_PATH: &str = "/.well-known/pay";

/// The URL of a receiver, parsed once, from a payment pointer or from a URL.
///
/// The scheme is `https://`, or `http://` on this machine or in a private network. The URL has a
/// path, and neither user name, query nor fragment. Its [`Display`](fmt::Display) form is
/// normalised as RFC 3986, section 6.2.2 says (host in lower case, no default port, nothing
/// percent-encoded that needs no encoding), so that equal URLs are equal texts.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ReceiverUrl(Endpoint);

/// The reason why a text names no receiver. Each message says what was wrong and what would be
/// right, and none repeats what may be a password.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReceiverError {
    /// Neither a payment pointer nor a URL with a scheme.
    #[error(
        "a receiver is a payment pointer such as $example.com/bob, or a URL such as \
         https://example.com/bob"
    )]
    NeitherPointerNorUrl,
    /// `$host:port`, which RFC 26 has no room for.
    #[error("a payment pointer has no port; write the URL instead, such as https://{0}")]
    PointerWithPort(String),
    /// A user name, with or without password.
    #[error("the receiver holds a user name or password before an @; remove it")]
    UserInfo,
    /// Anything behind a question mark.
    #[error("the receiver holds a ?query, which is never sent to a payment endpoint; remove it")]
    Query,
    /// Anything behind a number sign.
    #[error("the receiver ends in a #fragment, which is never sent to a server; remove it")]
    Fragment,
    /// `http://` to a host that is not near.
    #[error(
        "the receiver is reached without encryption; write https://, since http:// is for this \
         machine and private networks only"
    )]
    Unencrypted,
    /// A character that no path has.
    #[error("the receiver's path holds {0:?}, which must be percent-encoded in a URL")]
    PathCharacter(char),
    /// A percent sign without two hexadecimal digits.
    #[error("the receiver's path holds a % that two hexadecimal digits don't follow")]
    PercentEncoding,
    /// A segment that is `.` or `..`, in either spelling.
    #[error("the receiver's path holds a segment of dots; write the path that is meant")]
    DotSegment,
    /// The text is not a URL.
    #[error(transparent)]
    Url(EndpointError),
}

impl ReceiverUrl {
    /// Reads a payment pointer (`$host/path`) or a URL.
    ///
    /// A pointer means `https://`, except for a host on this machine or in a private network, where
    /// certificates are rare: that means `http://`. Without a path, either form means the host's
    /// `/.well-known/pay`.
    ///
    /// # Errors
    /// [`ReceiverError`], which says what was wrong and what would be right.
    pub fn parse(text: &str) -> Result<Self, ReceiverError> {
        let (is_pointer, rest) = split(text)?;
        let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        if authority.contains('@') {
            return Err(ReceiverError::UserInfo);
        }
        if is_pointer && has_port(authority) {
            return Err(ReceiverError::PointerWithPort(rest.to_owned()));
        }
        check_path(path)?;
        let written = path;
        let path = if matches!(path, "" | "/") { WELL_KNOWN_PATH.into() } else { normal(path) };
        let before_path = &text[usize::from(is_pointer)..text.len() - written.len()];
        let endpoint = Endpoint::parse(&format!("{before_path}{path}"));
        let endpoint = endpoint.map_err(ReceiverError::Url)?;
        if !endpoint.is_tls() && !endpoint.host().is_near() {
            return Err(ReceiverError::Unencrypted);
        }
        Ok(Self(endpoint))
    }

    /// Returns the endpoint that is dialled.
    #[must_use]
    pub fn endpoint(&self) -> &Endpoint {
        &self.0
    }

    /// The payment pointer that means this URL, where one does: pointers have no port.
    #[must_use]
    pub fn payment_pointer(&self) -> Option<String> {
        let path = match self.0.path().as_str() {
            WELL_KNOWN_PATH => "",
            path => path,
        };
        let pointer = format!("${}{path}", self.0.host());
        (Self::parse(&pointer).as_ref() == Ok(self)).then_some(pointer)
    }
}

impl FromStr for ReceiverUrl {
    type Err = ReceiverError;

    fn from_str(text: &str) -> Result<Self, ReceiverError> {
        Self::parse(text)
    }
}

/// The normalised URL.
impl fmt::Display for ReceiverUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Returns whether the text is a payment pointer, and the part that follows the `$` or the `://`.
fn split(text: &str) -> Result<(bool, &str), ReceiverError> {
    let pointer = text.strip_prefix('$');
    let has_scheme =
        |text: &str| text.split_once("://").is_some_and(|(scheme, _)| !scheme.contains('/'));
    let rest = match pointer {
        Some(rest) if !has_scheme(rest) => rest,
        None if has_scheme(text) => text.split_once("://").map_or("", |(_, rest)| rest),
        _ => return Err(ReceiverError::NeitherPointerNorUrl),
    };
    if rest.contains('#') {
        return Err(ReceiverError::Fragment);
    }
    if rest.contains('?') {
        return Err(ReceiverError::Query);
    }
    Ok((pointer.is_some(), rest))
}

fn has_port(authority: &str) -> bool {
    let behind_address = authority.rsplit_once(']').map_or(authority, |(_, behind)| behind);
    behind_address.contains(':')
}

/// Returns the normalised spelling of a path that [`check_path`] accepts: characters that need no
/// encoding are decoded, and the digits of all other encodings are in upper case.
fn normal(path: &str) -> String {
    let mut parts = path.split('%');
    let mut normal = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (digits, behind) = part.split_at(2);
        match u8::from_str_radix(digits, 16).map(char::from) {
            Ok(plain) if plain.is_ascii_alphanumeric() || "-._~".contains(plain) => {
                normal.push(plain);
            }
            _ => {
                normal.push('%');
                normal.push_str(&digits.to_ascii_uppercase());
            }
        }
        normal.push_str(behind);
    }
    normal
}

/// Holds a path to RFC 3986, as strictly as RFC 26 asks: what one program mends and another doesn't
/// would be two receivers under one name.
fn check_path(path: &str) -> Result<(), ReceiverError> {
    let is_path_character =
        |c: char| c.is_ascii_alphanumeric() || "-._~!$&'()*+,;=:@/%".contains(c);
    if let Some(stray) = path.chars().find(|c| !is_path_character(*c)) {
        return Err(ReceiverError::PathCharacter(stray));
    }
    let is_encoded = |behind: &str| {
        let mut digits = behind.bytes();
        [digits.next(), digits.next()].into_iter().all(|d| d.is_some_and(|d| d.is_ascii_hexdigit()))
    };
    if !path.split('%').skip(1).all(is_encoded) {
        return Err(ReceiverError::PercentEncoding);
    }
    let is_dots = |segment: &str| {
        let plain = segment.replace("%2e", ".").replace("%2E", ".");
        plain == "." || plain == ".."
    };
    if path.split('/').any(is_dots) {
        return Err(ReceiverError::DotSegment);
    }
    Ok(())
}
