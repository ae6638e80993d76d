//! The parts of a URL as they are written, which all kinds of URLs have in common.

use std::{fmt, num::NonZeroU16};

use crate::{
    host::{HostError, HostPort},
    path::PathError,
};

/// The longest URL, in bytes. Common servers refuse request lines above 8 KiB, and every URL here is
/// one that a person enters.
pub(crate) const URL_BYTES_MAX: usize = 2_048;

/// The scheme of a URL.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Scheme {
    /// In clear text.
    Http,
    /// Over TLS.
    Https,
}

impl Scheme {
    /// Returns the port of a URL that names none.
    #[must_use]
    pub fn default_port(self) -> NonZeroU16 {
        const HTTP: NonZeroU16 = NonZeroU16::new(80).expect("80 is not zero");
        const HTTPS: NonZeroU16 = NonZeroU16::new(443).expect("443 is not zero");
        match self {
            Self::Http => HTTP,
            Self::Https => HTTPS,
        }
    }

    /// Returns the scheme as it is written.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
        }
    }
}

impl fmt::Display for Scheme {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

/// The reason why a text is not a URL that this node can use. Each message says what was wrong and
/// what would be right, and none repeats what may be a password.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UrlError {
    /// The text is empty.
    #[error("the URL is empty; write one such as https://ilp.example.com/ilp")]
    Empty,
    /// The text is longer than any URL needs to be.
    #[error("the URL has {0} bytes; at most {URL_BYTES_MAX} are accepted")]
    TooLong(usize),
    /// A space, a control character, a backslash or a character beyond ASCII.
    #[error(
        "the URL holds {character:?} at byte {at}; it may hold only printable ASCII without spaces \
         and backslashes (names in other scripts in their xn-- form)"
    )]
    Character {
        /// The character that has no place in a URL.
        character: char,
        /// Its offset in bytes.
        at: usize,
    },
    /// Neither http nor https.
    #[error("the URL's scheme is {0:?}; only http:// and https:// are supported")]
    Scheme(String),
    /// `https:host`, which would otherwise be a host named https with a strange port.
    #[error("the URL's scheme must be followed by //, as in https://ilp.example.com/")]
    SchemeWithoutSlashes,
    /// A user name, with or without password.
    #[error("the URL holds a user name or password before an @; remove it")]
    UserInfo,
    /// A fragment.
    #[error("the URL ends in a #fragment, which is never sent to a server; remove it")]
    Fragment,
    /// The host or the port is wrong.
    #[error(transparent)]
    Host(#[from] HostError),
    /// The path or the query is wrong.
    #[error(transparent)]
    Path(#[from] PathError),
}

/// The parts of a URL as they are written.
pub(crate) struct Written<'a> {
    pub(crate) scheme: Option<Scheme>,
    /// The user name and password, without the `@`.
    pub(crate) user_info: Option<&'a str>,
    pub(crate) authority: HostPort,
    pub(crate) path: &'a str,
    pub(crate) query: Option<&'a str>,
}

impl<'a> Written<'a> {
    /// Takes a URL apart; the scheme may be missing.
    pub(crate) fn parse(text: &'a str) -> Result<Self, UrlError> {
        check_characters(text)?;
        let (scheme, rest) = split_scheme(text)?;
        let (rest, query) = match rest.split_once('?') {
            Some((rest, query)) => (rest, Some(query)),
            None => (rest, None),
        };
        let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        let (user_info, authority) = match authority.rsplit_once('@') {
            Some((user_info, authority)) => (Some(user_info), authority),
            None => (None, authority),
        };
        // A slash or a question mark in a password ends the authority early, and what looks like a
        // host or a port is then a part of the password, which no error may repeat.
        let authority = match HostPort::parse(authority) {
            Err(_) if text.contains('@') => return Err(UrlError::UserInfo),
            authority => authority?,
        };
        Ok(Self { scheme, user_info, authority, path, query })
    }
}

fn check_characters(text: &str) -> Result<(), UrlError> {
    if text.is_empty() {
        return Err(UrlError::Empty);
    }
    if text.len() > URL_BYTES_MAX {
        return Err(UrlError::TooLong(text.len()));
    }
    let stray = text.char_indices().find(|(_, c)| !c.is_ascii_graphic() || *c == '\\');
    if let Some((at, character)) = stray {
        return Err(UrlError::Character { character, at });
    }
    if text.contains('#') {
        return Err(UrlError::Fragment);
    }
    Ok(())
}

fn split_scheme(text: &str) -> Result<(Option<Scheme>, &str), UrlError> {
    if let Some((scheme, rest)) = text.split_once("://").filter(|(before, _)| is_scheme(before)) {
        return match scheme.to_ascii_lowercase().as_str() {
            "https" => Ok((Some(Scheme::Https), rest)),
            "http" => Ok((Some(Scheme::Http), rest)),
            other => Err(UrlError::Scheme(other.to_owned())),
        };
    }
    if let Some((before, _)) = text.split_once(':')
        && ["http", "https"].iter().any(|scheme| before.eq_ignore_ascii_case(scheme))
    {
        return Err(UrlError::SchemeWithoutSlashes);
    }
    Ok((None, text))
}

fn is_scheme(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte))
}
