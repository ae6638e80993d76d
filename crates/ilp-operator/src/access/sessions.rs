//! The operator's browser: who has signed in on the pages, and that a form or a request was made by
//! one of them and not by a page of another site.
//!
//! Sessions live in memory and end with the process. What a browser keeps is 32 random bytes, and
//! what the node keeps of them is a digest under a key that is never written anywhere.

use std::{
    collections::HashMap,
    fmt,
    time::{Duration, Instant},
};

use data_encoding::{HEXLOWER, HEXLOWER_PERMISSIVE};
use parking_lot::Mutex;
use ring::{
    hmac,
    rand::{SecureRandom, SystemRandom},
};

/// Sessions that may be open at once. One more ends the one that was used least recently.
const SESSIONS_MAX: usize = 64;
/// The idle time after which a browser has to sign in again.
const IDLE_MAX: Duration = Duration::from_secs(30 * 60);
/// However busy a session is, a working day later the secret is asked for again.
const AGE_MAX: Duration = Duration::from_secs(12 * 60 * 60);

/// The length of a session's token, in bytes, before it is written in hexadecimal.
const TOKEN_BYTES: usize = 32;

type Digest = [u8; 32];

/// The sessions of one node.
pub(super) struct Sessions {
    key: hmac::Key,
    /// Browsers tell nodes apart by host alone and not by port, so each node has a name of its own.
    cookie: String,
    open: Mutex<HashMap<Digest, Open>>,
}

struct Open {
    since: Instant,
    used: Instant,
}

impl Sessions {
    /// No sessions yet. `node` tells this node from others on the same host.
    ///
    /// # Panics
    /// When the system gives no random numbers.
    pub(super) fn new(node: &str) -> Self {
        let random = SystemRandom::new();
        let key = hmac::Key::generate(hmac::HMAC_SHA256, &random)
            .expect("the system gives random numbers");
        let name = ring::digest::digest(&ring::digest::SHA256, node.as_bytes());
        Self {
            key,
            cookie: format!("jirani_session_{}", HEXLOWER.encode(&name.as_ref()[..4])),
            open: Mutex::default(),
        }
    }

    /// Returns the cookie's name.
    pub(super) fn cookie(&self) -> &str {
        &self.cookie
    }

    /// Opens a session and gives what the browser is to keep.
    ///
    /// # Panics
    /// When the system gives no random numbers.
    pub(super) fn open(&self, now: Instant) -> String {
        let mut bytes = [0; TOKEN_BYTES];
        SystemRandom::new().fill(&mut bytes).expect("the system gives random numbers");
        let token = HEXLOWER.encode(&bytes);
        let mut open = self.open.lock();
        open.retain(|_, session| session.is_good(now));
        if open.len() >= SESSIONS_MAX {
            let oldest = open.iter().min_by_key(|(_, session)| session.used).map(|(key, _)| *key);
            oldest.map(|key| open.remove(&key));
        }
        open.insert(self.digest(&token), Open { since: now, used: now });
        token
    }

    /// Returns the token of the session that a request belongs to, if that is still good. Using it
    /// keeps it from idling.
    pub(super) fn known(&self, cookies: &[&str], now: Instant) -> Option<String> {
        self.good(cookies, now, |session| session.used = now)
    }

    /// Returns the token as [`Sessions::known`] does, for a page that refreshes itself, which
    /// doesn't keep the session from idling.
    pub(super) fn unattended(&self, cookies: &[&str], now: Instant) -> Option<String> {
        self.good(cookies, now, |_| {})
    }

    fn good(
        &self,
        cookies: &[&str],
        now: Instant,
        touch: impl FnOnce(&mut Open),
    ) -> Option<String> {
        let token = self.shown(cookies)?;
        let digest = self.digest(&token);
        let mut open = self.open.lock();
        let session = open.get_mut(&digest)?;
        if !session.is_good(now) {
            open.remove(&digest);
            return None;
        }
        touch(session);
        Some(token)
    }

    /// Ends the session that a request belongs to.
    pub(super) fn close(&self, cookies: &[&str]) {
        if let Some(token) = self.shown(cookies) {
            self.open.lock().remove(&self.digest(&token));
        }
    }

    /// Returns the token that a form must send back. Another site can't read it, and can't make it.
    pub(super) fn form_token(&self, session: &str) -> String {
        HEXLOWER.encode(hmac::sign(&self.key, form_text(session).as_bytes()).as_ref())
    }

    /// Returns whether a form sent back the session's token, compared in constant time.
    pub(super) fn is_form_token(&self, session: &str, shown: &str) -> bool {
        let Ok(shown) = HEXLOWER_PERMISSIVE.decode(shown.as_bytes()) else { return false };
        hmac::verify(&self.key, form_text(session).as_bytes(), &shown).is_ok()
    }

    fn digest(&self, token: &str) -> Digest {
        let tag = hmac::sign(&self.key, format!("session {token}").as_bytes());
        let mut digest = Digest::default();
        digest.copy_from_slice(tag.as_ref());
        digest
    }

    fn shown(&self, cookies: &[&str]) -> Option<String> {
        let mut pairs = cookies.iter().flat_map(|value| value.split(';'));
        pairs.find_map(|pair| {
            let (name, value) = pair.trim().split_once('=')?;
            (name == self.cookie && value.len() == 2 * TOKEN_BYTES).then(|| value.to_owned())
        })
    }
}

impl fmt::Debug for Sessions {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Sessions(..)")
    }
}

impl Open {
    fn is_good(&self, now: Instant) -> bool {
        now.saturating_duration_since(self.since) < AGE_MAX
            && now.saturating_duration_since(self.used) < IDLE_MAX
    }
}

fn form_text(session: &str) -> String {
    format!("form {session}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cookie(sessions: &Sessions, token: &str) -> String {
        format!("other=1; {}={token}", sessions.cookie())
    }

    #[test]
    fn a_session_ends_when_it_idles_and_when_it_is_old_and_when_it_is_closed() {
        let (sessions, start) = (Sessions::new("one"), Instant::now());
        let held = cookie(&sessions, &sessions.open(start));
        assert!(sessions.known(&[], start).is_none());
        let step = IDLE_MAX - Duration::from_secs(1);
        let mut now = start;
        while now + step < start + AGE_MAX {
            now += step;
            assert!(sessions.known(&[&held], now).is_some());
        }
        assert!(sessions.known(&[&held], start + AGE_MAX).is_none(), "old, though it was used");
        let held = cookie(&sessions, &sessions.open(start));
        for second in 0..IDLE_MAX.as_secs() {
            assert!(sessions.unattended(&[&held], start + Duration::from_secs(second)).is_some());
        }
        assert!(
            sessions.known(&[&held], start + IDLE_MAX).is_none(),
            "idle, though it was looked at"
        );
        assert!(sessions.known(&[&held], start).is_none(), "and forgotten");
        let held = cookie(&sessions, &sessions.open(start));
        sessions.close(&[&held]);
        assert!(sessions.known(&[&held], start).is_none());
        assert_ne!(Sessions::new("two").cookie(), sessions.cookie());
    }

    #[test]
    fn the_session_that_was_used_least_recently_makes_room() {
        let (sessions, start) = (Sessions::new("one"), Instant::now());
        let at = |number: usize| start + Duration::from_millis(number as u64);
        let all: Vec<_> = (0..SESSIONS_MAX).map(|number| sessions.open(at(number))).collect();
        assert!(sessions.known(&[&cookie(&sessions, &all[0])], at(SESSIONS_MAX)).is_some());
        sessions.open(at(SESSIONS_MAX + 1));
        assert_eq!(sessions.open.lock().len(), SESSIONS_MAX);
        assert!(sessions.known(&[&cookie(&sessions, &all[0])], at(SESSIONS_MAX + 2)).is_some());
        assert!(sessions.known(&[&cookie(&sessions, &all[1])], at(SESSIONS_MAX + 2)).is_none());
    }

    #[test]
    fn a_form_belongs_to_one_session() {
        let sessions = Sessions::new("one");
        let token = sessions.form_token("a");
        assert!(sessions.is_form_token("a", &token));
        for wrong in ["", "zz", "é", &token[1..], &sessions.form_token("b")] {
            assert!(!sessions.is_form_token("a", wrong), "{wrong}");
        }
    }
}
