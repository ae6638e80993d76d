//! The errors of queries to receivers. No text repeats what the other side sent.

use crate::{client::ConnectError, web::WebError};
use std::{error::Error, sync::Arc, time::Duration};

/// The reason why there are no payment details.
#[derive(Clone, Debug, thiserror::Error)]
pub enum SpspError {
    /// No connection came about.
    #[error("the receiver's server can't be reached")]
    Connect(#[source] ConnectError),
    /// The answer was not complete in time.
    #[error("the receiver's server did not answer within {} ms", .0.as_millis())]
    Timeout(Duration),
    /// The connection ended early, or what came is not HTTP.
    #[error("the receiver's server broke the connection off, or speaks no HTTP")]
    Http(#[source] Arc<dyn Error + Send + Sync>),
    /// The HTTP proxy of the environment did not lead to the receiver.
    #[error("the HTTP proxy does not lead to the receiver's server: {0}")]
    Proxy(String),
    /// The receiver is on this machine or in a private network, and that is not allowed; or the
    /// name has no address. Both have one message.
    #[error(
        "the receiver's server is unknown, or it is on this machine or in a private network, which \
         wallet.private_receivers = true in the configuration allows"
    )]
    NotPublic,
    /// The receiver is on this machine or in a private network, and failed in any way.
    #[error(
        "no receiver can be asked there; what failed on this machine or in a private network is \
         told where wallet.private_receivers = true is in the configuration"
    )]
    Unspecified,
    /// 404: the server knows no such receiver.
    #[error("the receiver's server knows nobody of that name (HTTP status 404)")]
    Unknown,
    /// 410: a request for payment that has been paid, or whose time is over.
    #[error("the request for payment is paid already, or its time is over (HTTP status 410)")]
    Over,
    /// Any other status but 200.
    #[error("the receiver's server answered HTTP status {0}")]
    Status(u16),
    /// The answer points to another host. The payer must see and decide whose that is (IL-RFC 26).
    #[error(
        "the receiver's server points to another host, {0}; pay that one if it is who is meant"
    )]
    Elsewhere(String),
    /// A redirection that leads nowhere.
    #[error("the receiver's server redirects without saying where to, or too often")]
    Redirects,
    /// The answer is longer than any can be.
    #[error("the receiver's answer is longer than {0} bytes")]
    TooLong(usize),
    /// An answer of another type, such as a web page.
    #[error("the receiver's server answers, but not with SPSP: it can't be paid at this URL")]
    NotSpsp,
    /// An answer that can't be paid to.
    #[error("the receiver's answer can't be used: {0}")]
    Answer(&'static str),
}

impl SpspError {
    /// Returns whether the same query may well be answered a little later.
    #[must_use]
    pub fn is_temporary(&self) -> bool {
        match self {
            Self::Connect(ConnectError::Tls(_) | ConnectError::Name) => false,
            Self::Connect(_)
            | Self::Timeout(_)
            | Self::Http(_)
            | Self::Proxy(_)
            | Self::Unspecified => true,
            Self::Status(status) => *status == 429 || *status >= 500,
            _ => false,
        }
    }
}

impl From<WebError> for SpspError {
    fn from(error: WebError) -> Self {
        match error {
            WebError::Url | WebError::Redirects => Self::Redirects,
            WebError::NotPublic => Self::NotPublic,
            WebError::Connect(error) => Self::Connect(error),
            WebError::Proxy(words) => Self::Proxy(words),
            WebError::Timeout(time) => Self::Timeout(time),
            WebError::Http(error) => Self::Http(error),
            WebError::TooLong(bytes) => Self::TooLong(bytes),
            WebError::Elsewhere(url) => Self::Elsewhere(url),
        }
    }
}
