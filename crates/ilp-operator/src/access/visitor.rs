//! Who looks at the operator's pages.

use std::{net::IpAddr, time::Instant};

use super::{Auth, Rule, credentials::Credentials, guesses::Guessed};
use crate::access::caller::CallerKind;

/// In the place of a session where there is none: on the page that asks for the secret, and on all
/// pages where nobody has to show one.
const NO_SESSION: &str = "";

/// A visitor with a browser who may do what the operator may.
#[derive(Debug)]
pub struct Visitor {
    /// How they are known.
    pub kind: CallerKind,
    /// The token that each form on a visitor's page must carry; see [`Auth::is_own_form`].
    pub form_token: String,
}

/// The reason why a visitor is not signed in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignInRefused {
    /// The text shown isn't the secret.
    Wrong,
    /// The source has been wrong too often lately.
    TooOften,
}

impl Auth {
    /// Returns the visitor who asks for a page; `None` where the visitor must sign in first.
    #[must_use]
    pub fn visitor(&self, cookies: &[&str], now: Instant) -> Option<Visitor> {
        let (kind, session) = match &*self.rule {
            Rule::Loopback { .. } => (CallerKind::Loopback, NO_SESSION.to_owned()),
            Rule::Secret(_) => (CallerKind::Session, self.sessions.known(cookies, now)?),
        };
        Some(Visitor { kind, form_token: self.sessions.form_token(&session) })
    }

    /// Returns the visitor behind a script's request for a part of a page, which doesn't keep a
    /// session from idling; `None` where the visitor must sign in first.
    #[must_use]
    pub fn unattended_visitor(&self, cookies: &[&str], now: Instant) -> Option<Visitor> {
        let (kind, session) = match &*self.rule {
            Rule::Loopback { .. } => (CallerKind::Loopback, NO_SESSION.to_owned()),
            Rule::Secret(_) => (CallerKind::Session, self.sessions.unattended(cookies, now)?),
        };
        Some(Visitor { kind, form_token: self.sessions.form_token(&session) })
    }

    /// Returns the token that the sign-in form must carry, so that another site can't sign a
    /// visitor in.
    #[must_use]
    pub fn sign_in_token(&self) -> String {
        self.sessions.form_token(NO_SESSION)
    }

    /// Returns whether a form came from a page that was made for its sender.
    #[must_use]
    pub fn is_own_form(&self, cookies: &[&str], form_token: &str, now: Instant) -> bool {
        let session = match &*self.rule {
            Rule::Loopback { .. } => Some(NO_SESSION.to_owned()),
            Rule::Secret(_) => self.sessions.known(cookies, now),
        };
        session.is_some_and(|session| self.sessions.is_form_token(&session, form_token))
    }

    /// Returns whether the sign-in form came from a page of this node.
    #[must_use]
    pub fn is_own_sign_in(&self, form_token: &str) -> bool {
        self.sessions.is_form_token(NO_SESSION, form_token)
    }

    /// Opens a session for a visitor who shows the secret, and returns name and value of the cookie
    /// that says so.
    ///
    /// # Errors
    /// [`SignInRefused`], of which a page may say all.
    pub fn sign_in(
        &self,
        secret: &str,
        from: Option<IpAddr>,
        now: Instant,
    ) -> Result<(&str, String), SignInRefused> {
        let Rule::Secret(known) = &*self.rule else { return Err(SignInRefused::Wrong) };
        if !self.guesses.admit(from, now) {
            return Err(SignInRefused::TooOften);
        }
        if !known.0.is(secret.as_bytes()) {
            return Err(match self.guesses.was_wrong(from, now) {
                Guessed::Within => SignInRefused::Wrong,
                Guessed::TooOften => SignInRefused::TooOften,
            });
        }
        self.guesses.was_right(from, now);
        Ok((self.sessions.cookie(), self.sessions.open(now)))
    }

    /// Ends the session that a request belongs to, and gives the name of its cookie.
    pub fn sign_out(&self, cookies: &[&str]) -> &str {
        self.sessions.close(cookies);
        self.sessions.cookie()
    }

    /// Returns whether the request comes from a script on a page of a signed-in visitor.
    pub(super) fn is_own_page(&self, credentials: &Credentials<'_>, now: Instant) -> bool {
        let token = credentials.form_token;
        token.is_some_and(|token| self.is_own_form(&credentials.cookies, token, now))
    }
}
