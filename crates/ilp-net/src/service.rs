//! The URL of a service that this node asks or tells: exchange rates, webhooks, spans, the admin
//! API.

use std::{fmt, str::FromStr};

use crate::written::{Scheme, UrlError, Written};

/// The text that stands for the parts of a URL that may hold secrets.
const HIDDEN: &str = "(hidden)";

/// The URL of a service, with a scheme, as it is written. Its user name, password, path and query
/// often let anyone in who knows them, so neither `Display` nor `Debug` shows them.
#[derive(Clone, PartialEq, Eq)]
pub struct ServiceUrl {
    text: String,
    /// The URL as it may be shown.
    shown: String,
}

/// The reason why a text is not the URL of a service.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ServiceUrlError {
    /// No scheme is written.
    #[error("the URL has no scheme; write http:// or https:// before the host")]
    NoScheme,
    /// The text is not a URL.
    #[error(transparent)]
    Url(#[from] UrlError),
}

impl ServiceUrl {
    /// Parses the URL of a service.
    ///
    /// # Errors
    /// [`ServiceUrlError`], which says what was wrong and what would be right.
    pub fn parse(text: &str) -> Result<Self, ServiceUrlError> {
        let written = Written::parse(text)?;
        let scheme: Scheme = written.scheme.ok_or(ServiceUrlError::NoScheme)?;
        let is_plain = written.path == "/" && written.query.is_none();
        let path = match (is_plain, text.ends_with('/')) {
            (false, _) => format!("/{HIDDEN}"),
            (true, true) => "/".to_owned(),
            (true, false) => String::new(),
        };
        let shown = format!("{scheme}://{}{path}", written.authority);
        Ok(Self { text: text.to_owned(), shown })
    }

    /// Returns the whole URL, secrets included.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.text
    }
}

impl FromStr for ServiceUrl {
    type Err = ServiceUrlError;

    fn from_str(text: &str) -> Result<Self, ServiceUrlError> {
        Self::parse(text)
    }
}

/// Writes the scheme, the host and the port.
impl fmt::Display for ServiceUrl {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.shown)
    }
}

impl fmt::Debug for ServiceUrl {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "ServiceUrl({})", self.shown)
    }
}
