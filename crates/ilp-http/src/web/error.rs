//! The errors of web requests. No message repeats a URL, which may hold a token, or the other
//! side's bytes.

use super::connector::ConnectFailure;
use crate::client::ConnectError;
use hyper_util::client::legacy;
use std::{error::Error, sync::Arc, time::Duration};

/// The reason why there is no answer.
#[derive(Clone, Debug, thiserror::Error)]
pub enum WebError {
    /// The URL can't be spoken to in HTTP.
    #[error("the URL can't be sent to")]
    Url,
    /// The host's name is unknown, or it leads to this machine or into a private network, where
    /// this client may not go. Both are one error, because strangers must not learn which names
    /// exist inside.
    #[error("the host is unknown, or on this machine or in a private network")]
    NotPublic,
    /// There is no connection.
    #[error("no connection came about")]
    Connect(#[source] ConnectError),
    /// The proxy failed to reach the server.
    #[error("the HTTP proxy does not lead on: {0}")]
    Proxy(String),
    /// The answer was not complete in time.
    #[error("no answer within {} ms", .0.as_millis())]
    Timeout(Duration),
    /// The connection ended early, or the answer is not HTTP.
    #[error("the connection broke off, or what came is not HTTP")]
    Http(#[source] Arc<dyn Error + Send + Sync>),
    /// The answer is longer than allowed.
    #[error("the answer is longer than {0} bytes")]
    TooLong(usize),
    /// A redirection to another host, or from `https://` to `http://`.
    #[error("the answer points to another host, or to one without encryption")]
    Elsewhere(String),
    /// A redirection that leads nowhere, or too many redirections.
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
