//! The URL at which a node takes packets or peering requests.

use std::{fmt, num::NonZeroU16, str::FromStr};

use crate::{
    host::Host,
    path,
    written::{Scheme, UrlError, Written},
};

/// The URL at which a node takes packets or peering requests, in normal form: the scheme written
/// out, the host in lower case, no default port, a path of at least `/`, nothing percent-encoded in
/// it that needs no encoding.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Endpoint {
    scheme: Scheme,
    /// The host as it is dialled.
    host: Host,
    /// The port as it is dialled.
    port: NonZeroU16,
    path_and_query: String,
    /// The length of the path in it.
    path_bytes: usize,
}

/// The place that an endpoint leads to: two endpoints with equal places are one node's. The scheme
/// and slashes at the end of the path don't matter.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Place(String);

impl Endpoint {
    /// Parses an endpoint as operators write it.
    ///
    /// Without a scheme it means `https://`, except for a host on this machine or in a private
    /// network, where certificates are rare: that means `http://`. An unspecified host (`0.0.0.0`,
    /// `[::]`), as found in listening addresses, stands for this machine.
    ///
    /// # Errors
    /// [`UrlError`], which says what was wrong and what would be right.
    pub fn parse(text: &str) -> Result<Self, UrlError> {
        Self::of(Written::parse(text)?)
    }

    pub(crate) fn of(written: Written<'_>) -> Result<Self, UrlError> {
        if written.user_info.is_some() {
            return Err(UrlError::UserInfo);
        }
        let Written { scheme, authority, path, query, .. } = written;
        let path = path::normal(path)?;
        query.map_or(Ok(()), path::check_query)?;
        let is_near = authority.host.is_near();
        let scheme = scheme.unwrap_or(if is_near { Scheme::Http } else { Scheme::Https });
        let path_bytes = path.len();
        let path_and_query = match query {
            Some(query) => format!("{path}?{query}"),
            None => path,
        };
        Ok(Self {
            scheme,
            host: authority.host.dialled(),
            port: authority.port.unwrap_or(scheme.default_port()),
            path_and_query,
            path_bytes,
        })
    }

    /// Returns the host of an endpoint as it is written, so an unspecified one too, which an
    /// [`Endpoint`] replaces by loopback.
    ///
    /// # Errors
    /// [`UrlError`], as for [`Endpoint::parse`].
    pub fn written_host(text: &str) -> Result<Host, UrlError> {
        Ok(Written::parse(text)?.authority.host)
    }

    /// Returns the endpoint with another path and without a query.
    pub(crate) fn with_path(self, path: &str) -> Self {
        Self { path_and_query: path.to_owned(), path_bytes: path.len(), ..self }
    }

    /// Returns the scheme.
    #[must_use]
    pub fn scheme(&self) -> Scheme {
        self.scheme
    }

    /// Returns whether connections are encrypted.
    #[must_use]
    pub fn is_tls(&self) -> bool {
        self.scheme == Scheme::Https
    }

    /// Returns the host as it is dialled, so never an unspecified address.
    #[must_use]
    pub fn host(&self) -> &Host {
        &self.host
    }

    /// Returns the port as it is dialled.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port.get()
    }

    /// Returns the path, which begins with a slash.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path_and_query[..self.path_bytes]
    }

    /// Returns the path, and the query behind a question mark where there is one.
    #[must_use]
    pub fn path_and_query(&self) -> &str {
        &self.path_and_query
    }

    /// Returns the value of the `Host` header: the host, and the port unless it is the scheme's own.
    #[must_use]
    pub fn authority(&self) -> String {
        if self.port == self.scheme.default_port() {
            self.host.to_string()
        } else {
            format!("{}:{}", self.host, self.port)
        }
    }

    /// Returns the scheme, the host and the port, which hold no secret.
    #[must_use]
    pub fn origin(&self) -> String {
        format!("{}://{}", self.scheme, self.authority())
    }

    /// Returns the place that the endpoint leads to.
    #[must_use]
    pub fn place(&self) -> Place {
        let (path, query) = self.path_and_query.split_at(self.path_bytes);
        Place(format!("{}{}{query}", self.authority(), path.trim_end_matches('/')))
    }

    /// Returns the URL without slashes at the end of its path, under which a node that was asked for
    /// a peering is noted: operators write the slash or leave it out, and mean one node.
    #[must_use]
    pub fn peering_key(&self) -> String {
        format!("{}://{}", self.scheme, self.place().0)
    }
}

/// Writes the whole URL. The path and the query may hold secrets: messages show
/// [`Endpoint::origin`].
impl fmt::Display for Endpoint {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}://{}{}", self.scheme, self.authority(), self.path_and_query)
    }
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Endpoint({})", self.origin())
    }
}

impl fmt::Debug for Place {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let authority = self.0.split(['/', '?']).next().unwrap_or_default();
        write!(formatter, "Place({authority})")
    }
}

impl FromStr for Endpoint {
    type Err = UrlError;

    fn from_str(text: &str) -> Result<Self, UrlError> {
        Self::parse(text)
    }
}
