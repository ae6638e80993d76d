//! The receiver of a payment as people write it: a payment pointer (IL-RFC 26) or a URL.

use std::{fmt, str::FromStr};

use crate::{
    endpoint::Endpoint,
    written::{Scheme, UrlError, Written},
};

/// The path at which a host without a path is asked for payment details.
const WELL_KNOWN_PATH: &str = "/.well-known/pay";

/// The URL of a receiver, parsed from a payment pointer or from a URL.
///
/// The scheme is `https://`, or `http://` on this machine or in a private network. The URL has a
/// path, and neither user name, query nor fragment.
#[derive(Clone, PartialEq, Eq, Hash)]
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
    /// `$host:port/path`. RFC 26 has no port and has pointers of any other form refused, so other
    /// wallets would not understand such a pointer.
    #[error("a payment pointer has no port; write the URL instead, such as {0}")]
    PointerWithPort(String),
    /// A question mark.
    #[error("the receiver holds a ?query, which is never sent to a payment endpoint; remove it")]
    Query,
    /// `http://` to a host that is not near.
    #[error(
        "the receiver is reached without encryption; write https://, since http:// is for this \
         machine and private networks only"
    )]
    Unencrypted,
    /// The text is not a URL.
    #[error(transparent)]
    Url(#[from] UrlError),
}

impl ReceiverUrl {
    /// Parses a payment pointer (`$host/path`) or a URL.
    ///
    /// A pointer means `https://`, except for a host on this machine or in a private network, where
    /// certificates are rare: that means `http://`. Without a path, either form means the host's
    /// `/.well-known/pay`.
    ///
    /// # Errors
    /// [`ReceiverError`], which says what was wrong and what would be right.
    pub fn parse(text: &str) -> Result<Self, ReceiverError> {
        Self::parse_with_path(text).map(|(receiver, _)| receiver)
    }

    /// Parses a receiver, and says whether the text is a URL without a path.
    pub(crate) fn parse_with_path(text: &str) -> Result<(Self, bool), ReceiverError> {
        let has_scheme =
            |text: &str| text.split_once("://").is_some_and(|(before, _)| !before.contains('/'));
        let pointer = text.strip_prefix('$');
        let written = match pointer {
            Some(rest) if !has_scheme(rest) => Written::parse(rest)?,
            None if has_scheme(text) => Written::parse(text)?,
            _ => return Err(ReceiverError::NeitherPointerNorUrl),
        };
        let (has_port, has_query) = (written.authority.port.is_some(), written.query.is_some());
        let endpoint = Endpoint::of(written)?;
        if has_query {
            return Err(ReceiverError::Query);
        }
        if pointer.is_some() && has_port {
            return Err(ReceiverError::PointerWithPort(endpoint.to_string()));
        }
        if endpoint.scheme() == Scheme::Http && !endpoint.host().is_near() {
            return Err(ReceiverError::Unencrypted);
        }
        let is_without_path = endpoint.path() == "/";
        let endpoint = if is_without_path { endpoint.with_path(WELL_KNOWN_PATH) } else { endpoint };
        Ok((Self(endpoint), is_without_path && pointer.is_none()))
    }

    /// Returns the endpoint that is dialled.
    #[must_use]
    pub fn endpoint(&self) -> &Endpoint {
        &self.0
    }

    /// Returns the payment pointer that means this URL, where one does: pointers have no port.
    #[must_use]
    pub fn payment_pointer(&self) -> Option<String> {
        let path = match self.0.path() {
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

/// Writes the whole URL.
impl fmt::Display for ReceiverUrl {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

impl fmt::Debug for ReceiverUrl {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "ReceiverUrl({})", self.0.origin())
    }
}
