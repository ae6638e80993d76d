//! The URL of a service that this node asks or tells: exchange rates, webhooks, spans, the admin
//! API.

use std::{fmt, str::FromStr};

use crate::{
    host::{Host, HostPort},
    written::{Scheme, UrlError, Written},
};

/// The URL of a service, with a scheme, as it is written and without its fragment. Its user name,
/// password, path and query often let anyone in who knows them, so neither `Display` nor `Debug`
/// shows them.
#[derive(Clone, PartialEq, Eq)]
pub struct ServiceUrl {
    text: String,
    scheme: Scheme,
    authority: HostPort,
    /// The part behind the authority as it may be shown.
    shown_path: &'static str,
    has_query: bool,
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
        // A fragment is never sent to a server.
        let text = text.split('#').next().unwrap_or_default();
        let Written { scheme, authority, path, query, .. } = Written::parse(text)?;
        let shown_path = match (path, query) {
            ("", None) => "",
            ("/", None) => "/",
            _ => "/(hidden)",
        };
        Ok(Self {
            text: text.to_owned(),
            scheme: scheme.ok_or(ServiceUrlError::NoScheme)?,
            authority,
            shown_path,
            has_query: query.is_some(),
        })
    }

    /// Returns the whole URL, secrets included.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.text
    }

    /// Returns the host.
    #[must_use]
    pub fn host(&self) -> &Host {
        &self.authority.host
    }

    /// Returns the scheme, the host and the port, which hold no secret.
    #[must_use]
    pub fn origin(&self) -> String {
        format!("{}://{}", self.scheme, self.authority)
    }

    /// Returns whether the URL has a query.
    #[must_use]
    pub fn has_query(&self) -> bool {
        self.has_query
    }
}

impl FromStr for ServiceUrl {
    type Err = ServiceUrlError;

    fn from_str(text: &str) -> Result<Self, ServiceUrlError> {
        Self::parse(text)
    }
}

/// Writes the scheme, the host and the port, and whether more follows.
impl fmt::Display for ServiceUrl {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}://{}{}", self.scheme, self.authority, self.shown_path)
    }
}

impl fmt::Debug for ServiceUrl {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "ServiceUrl({self})")
    }
}
