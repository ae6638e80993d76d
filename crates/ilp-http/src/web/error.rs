//! Why a web request got no answer. None of the texts repeats a URL, which may hold a token, or what
//! the other side sent.

use super::connector::ConnectFailure;
use crate::client::ConnectError;
use hyper_util::client::legacy;
use std::{error::Error, sync::Arc, time::Duration};

/// Why there is no answer.
#[derive(Clone, Debug, thiserror::Error)]
pub enum WebError {
    /// The URL is not one that HTTP can be spoken to.
    #[error("the URL can't be sent to")]
    Url,
    /// The host's name is unknown, or it leads to this machine or into a private network, where this
    /// client may not go. One word for both: which names exist inside is not a stranger's business.
    #[error("the host is unknown, or on this machine or in a private network")]
    NotPublic,
    /// No connection came about.
    #[error("no connection came about")]
    Connect(#[source] ConnectError),
    /// The proxy did not lead on.
    #[error("the HTTP proxy does not lead on: {0}")]
    Proxy(String),
    /// The answer was not complete in time.
    #[error("no answer within {} ms", .0.as_millis())]
    Timeout(Duration),
    /// The connection ended early, or what came is not HTTP.
    #[error("the connection broke off, or what came is not HTTP")]
    Http(#[source] Arc<dyn Error + Send + Sync>),
    /// The answer is longer than allowed.
    #[error("the answer is longer than {0} bytes")]
    TooLong(usize),
    /// A redirection to another host, or from `https://` to `http://`.
    #[error("the answer points to another host, or to one without encryption")]
    Elsewhere(String),
    /// A redirection that leads nowhere, or one after the other.
    #[error("the answer redirects without saying where to, or too often")]
    Redirects,
}

impl WebError {
    /// Finds out which part of an exchange failed.
    pub(super) fn of_exchange(error: legacy::Error) -> Self {
        let mut cause = error.source();
        while let Some(found) = cause {
            if let Some(failure) = found.downcast_ref::<ConnectFailure>() {
                return match failure {
                    ConnectFailure::NotPublic => Self::NotPublic,
                    ConnectFailure::Url => Self::Url,
                    ConnectFailure::Connect(error) => Self::Connect(error.clone()),
                    ConnectFailure::Proxy(words) => Self::Proxy(words.clone()),
                };
            }
            cause = found.source();
        }
        Self::Http(Arc::new(error))
    }
}
