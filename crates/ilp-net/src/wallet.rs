//! The URLs of wallet addresses and incoming payments, in the one form in which a node keeps and
//! compares them.
//!
//! The whole URL is in lower case, as with Rafiki: people type wallet addresses, and two that differ
//! in case alone would be confused. Only the node that owns them may say so; the path of another
//! node's receiver keeps its case.

use std::{fmt, str::FromStr};

use crate::receiver::{ReceiverError, ReceiverUrl};

/// The segments below which a wallet address has payments and quotes, so that no wallet address may
/// lie there itself.
const RESERVED: [&str; 3] = ["incoming-payments", "outgoing-payments", "quotes"];

/// The part between a wallet address's URL and the id of an incoming payment.
const INCOMING_PAYMENTS: &str = "/incoming-payments/";

/// The URL of a wallet address or of an incoming payment of a node, in lower case and without a
/// slash at its end.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct WalletUrl(String);

/// The URL that a wallet address has: with a path, in which no segment is reserved.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct WalletAddressUrl(WalletUrl);

/// The reason why a text is not the URL of a wallet address.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WalletAddressError {
    /// A URL without a path. Rafiki refuses it too: most often the path was forgotten.
    #[error("a path is expected, such as {0}/alice")]
    NoPath(String),
    /// Two slashes in a row.
    #[error("the path of a wallet address has no empty segments; remove the second of two slashes")]
    EmptySegment,
    /// A path in which a wallet address's own payments and quotes are.
    #[error("the path of a wallet address has no segment {0}: its payments or quotes are there")]
    Reserved(&'static str),
    /// The text is neither a payment pointer nor a URL of a receiver.
    #[error(transparent)]
    Receiver(#[from] ReceiverError),
}

impl WalletUrl {
    /// Parses a URL or a payment pointer that a payer uses.
    ///
    /// # Errors
    /// [`WalletAddressError`], but never for a missing path or a reserved segment.
    pub fn parse(text: &str) -> Result<Self, WalletAddressError> {
        Self::of(&ReceiverUrl::parse(text)?)
    }

    /// Returns the form in which a node keeps the URL of a receiver, if the receiver is its own.
    ///
    /// # Errors
    /// [`WalletAddressError::EmptySegment`].
    pub fn of(receiver: &ReceiverUrl) -> Result<Self, WalletAddressError> {
        let endpoint = receiver.endpoint();
        let path = endpoint.path().strip_suffix('/').unwrap_or(endpoint.path());
        if path.split('/').skip(1).any(str::is_empty) {
            return Err(WalletAddressError::EmptySegment);
        }
        Ok(Self(format!("{}{}", endpoint.origin(), path.to_ascii_lowercase())))
    }

    /// Returns the URL.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the text that stands where an incoming payment has its id; `None` where the URL is
    /// not that of an incoming payment.
    #[must_use]
    pub fn incoming_payment_id(&self) -> Option<&str> {
        self.0.rsplit_once(INCOMING_PAYMENTS).map(|(_, id)| id)
    }

    /// Returns the form in which earlier versions kept a URL with `%7e` for a tilde in it; `None`
    /// for a URL without a tilde. Other characters that need no encoding are not written encoded.
    #[must_use]
    pub fn earlier_form(&self) -> Option<String> {
        self.0.contains('~').then(|| self.0.replace('~', "%7e"))
    }
}

impl WalletAddressUrl {
    /// Parses the URL, or the payment pointer, that a new wallet address is to have.
    ///
    /// # Errors
    /// [`WalletAddressError`], which says what was wrong and what would be right.
    pub fn parse(text: &str) -> Result<Self, WalletAddressError> {
        let (receiver, is_without_path) = ReceiverUrl::parse_with_path(text)?;
        if is_without_path {
            return Err(WalletAddressError::NoPath(receiver.endpoint().origin()));
        }
        let url = WalletUrl::of(&receiver)?;
        let mut segments = url.0.split('/');
        match segments.find_map(|segment| RESERVED.into_iter().find(|known| *known == segment)) {
            Some(reserved) => Err(WalletAddressError::Reserved(reserved)),
            None => Ok(Self(url)),
        }
    }

    /// Returns the URL as one that payers use.
    #[must_use]
    pub fn as_wallet_url(&self) -> &WalletUrl {
        &self.0
    }

    /// Returns the URL.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0.0
    }

    /// Returns the URL of an incoming payment to the wallet address with this URL.
    #[must_use]
    pub fn incoming_payment(wallet_address: &str, id: impl fmt::Display) -> String {
        format!("{wallet_address}{INCOMING_PAYMENTS}{id}")
    }
}

impl FromStr for WalletUrl {
    type Err = WalletAddressError;

    fn from_str(text: &str) -> Result<Self, WalletAddressError> {
        Self::parse(text)
    }
}

impl FromStr for WalletAddressUrl {
    type Err = WalletAddressError;

    fn from_str(text: &str) -> Result<Self, WalletAddressError> {
        Self::parse(text)
    }
}

impl fmt::Display for WalletUrl {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl fmt::Display for WalletAddressUrl {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

impl fmt::Debug for WalletUrl {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "WalletUrl({})", self.0)
    }
}

impl fmt::Debug for WalletAddressUrl {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "WalletAddressUrl({})", self.0)
    }
}
