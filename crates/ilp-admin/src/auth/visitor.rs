//! Who looks at the operator's pages.

use std::{net::IpAddr, time::Instant};

use axum::http::HeaderMap;

use super::{Auth, Rule, guesses::Guessed};
use crate::operator::audit::CallerKind;

/// The header in which a script of our own pages repeats its page's form token. Another site's page
/// can't send it without asking first, which the node never allows.
const FORM_TOKEN: &str = "x-form-token";

/// In the place of a session where there is none: on the page that asks for the secret, and on all
/// pages where nobody has to show one.
const NO_SESSION: &str = "";

/// Somebody with a browser who may do what the operator may.
#[derive(Debug)]
pub struct Visitor {
    /// How they are known.
    pub kind: CallerKind,
    /// What every form on a page for them must carry; see [`Auth::is_own_form`].
    pub form_token: String,
}

/// Why somebody is not signed in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignInRefused {
    /// What was shown isn't the secret.
    Wrong,
    /// The source has been wrong too often lately.
    TooOften,
}

impl Auth {
    /// Who asks for a page; `None` where somebody has to sign in first.
    #[must_use]
    pub fn visitor(&self, headers: &HeaderMap, now: Instant) -> Option<Visitor> {
        let (kind, session) = match &*self.rule {
            Rule::Loopback { .. } => (CallerKind::Loopback, NO_SESSION.to_owned()),
            Rule::Secret(_) => (CallerKind::Session, self.sessions.known(headers, now)?),
        };
        Some(Visitor { kind, form_token: self.sessions.form_token(&session) })
    }

    /// Who asks for a part of a page by a script, which keeps no session from idling; `None` where
    /// somebody has to sign in first.
    #[must_use]
    pub fn unattended_visitor(&self, headers: &HeaderMap, now: Instant) -> Option<Visitor> {
        let (kind, session) = match &*self.rule {
            Rule::Loopback { .. } => (CallerKind::Loopback, NO_SESSION.to_owned()),
            Rule::Secret(_) => (CallerKind::Session, self.sessions.unattended(headers, now)?),
        };
        Some(Visitor { kind, form_token: self.sessions.form_token(&session) })
    }

    /// What the form that asks for the secret must carry, so that another site can't sign somebody
    /// in.
    #[must_use]
    pub fn sign_in_token(&self) -> String {
        self.sessions.form_token(NO_SESSION)
    }

    /// Whether a form came from a page that was made for whoever sends it.
    #[must_use]
    pub fn is_own_form(&self, headers: &HeaderMap, form_token: &str, now: Instant) -> bool {
        let session = match &*self.rule {
            Rule::Loopback { .. } => Some(NO_SESSION.to_owned()),
            Rule::Secret(_) => self.sessions.known(headers, now),
        };
        session.is_some_and(|session| self.sessions.is_form_token(&session, form_token))
    }

    /// Whether the form that asks for the secret came from a page of ours.
    #[must_use]
    pub fn is_own_sign_in(&self, form_token: &str) -> bool {
        self.sessions.is_form_token(NO_SESSION, form_token)
    }

    /// Opens a session for whoever shows the secret, and gives the name and the value of the cookie
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
    pub fn sign_out(&self, headers: &HeaderMap) -> &str {
        self.sessions.close(headers);
        self.sessions.cookie()
    }

    /// Whether a script on a page of somebody who has signed in makes the request.
    pub(super) fn is_own_page(&self, headers: &HeaderMap, now: Instant) -> bool {
        let token = headers.get(FORM_TOKEN).and_then(|token| token.to_str().ok());
        token.is_some_and(|token| self.is_own_form(headers, token, now))
    }
}
