//! Who may use the node: clients of the admin API and visitors of the pages.
//!
//! With a secret, a client may use the API if it shows the secret as a bearer token, or signs the
//! request with it as Rafiki's clients do. Without one, every client that reaches the port may, so
//! the node then listens on loopback only, and keeps out web pages in a browser on the same machine.
//!
//! Nothing here knows HTTP: a surface reads the [`Credentials`] out of the requests that it takes.

pub(crate) mod caller;
pub(crate) mod connection;
pub(crate) mod credentials;
pub(crate) mod networks;

#[cfg(fuzzing)]
pub mod fuzzing;
mod guesses;
mod replay;
mod sessions;
pub(crate) mod signature;
pub(crate) mod visitor;

use std::{fmt, net::IpAddr, sync::Arc, time::Instant};

use ilp_connector::token::Secret;
use ilp_net::{Host, HostPort, Reach};
use ilp_store::{Noted, Store, StoreError};
use ring::hmac;
use serde_json::Value;

use self::{
    credentials::Credentials,
    guesses::{Guessed, Guesses},
    sessions::Sessions,
    signature::{Signatures, Verified, WRONG_DIGEST},
};
use crate::{access::caller::CallerKind, node::parts::Clock};

/// How a request proves that it comes from the operator. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Auth {
    rule: Arc<Rule>,
    sessions: Arc<Sessions>,
    guesses: Arc<Guesses>,
}

#[derive(Debug)]
enum Rule {
    /// Names beside loopback under which the node may be addressed.
    Loopback { own_names: Vec<Host> },
    /// The secret, prepared for both ways to show it.
    Secret(Box<(Bearer, Signatures)>),
}

/// The operator's rules for signatures.
#[derive(Clone, Debug)]
pub struct SignatureRules {
    /// The value that the `tenant-id` header must have where a client sends one.
    pub tenant_id: String,
    /// How far a signature's time may lie from ours, before or after.
    pub lifetime_ms: u64,
}

impl Auth {
    /// Without a secret: for a node whose admin port listens on loopback only. A request must be
    /// addressed to a loopback name, or to one of `own_names`.
    #[must_use]
    pub fn loopback(own_names: Vec<Host>) -> Self {
        Self {
            rule: Arc::new(Rule::Loopback { own_names }),
            sessions: Arc::new(Sessions::new("")),
            guesses: Arc::default(),
        }
    }

    /// Makes the check of a secret. Signatures that were accepted are remembered in `store`.
    ///
    /// # Errors
    /// When the store can't be read.
    ///
    /// # Panics
    /// When the secret is empty. The configuration must have refused an empty secret before a port is
    /// opened.
    pub fn secret(
        secret: &Secret,
        rules: SignatureRules,
        clock: Clock,
        store: Store,
    ) -> Result<Self, StoreError> {
        assert!(!secret.reveal().is_empty(), "the admin secret is empty");
        let bearer = Bearer::new(secret);
        let sessions = Arc::new(Sessions::new(&rules.tenant_id));
        let signatures = Signatures::new(bearer.key.clone(), rules, clock, store)?;
        let rule = Arc::new(Rule::Secret(Box::new((bearer, signatures))));
        Ok(Self { rule, sessions, guesses: Arc::default() })
    }

    /// Returns whether a request may be read at all, by the host that it is addressed to.
    ///
    /// A page of another site can't send `application/json` here without asking first, which the
    /// node never allows; so the content type alone stops it. But a site may point its own name
    /// at 127.0.0.1 once its page is loaded (DNS rebinding) and is then no other site to the
    /// browser. The `Host` header still says the site's name, and that's what is checked here.
    #[must_use]
    pub fn addressed_to_us(&self, host: Option<&str>) -> bool {
        let Rule::Loopback { own_names } = &*self.rule else { return true };
        let Some(host) = host else {
            // Every browser sends it, so no browser is behind this request.
            return true;
        };
        // An unspecified address is not a name of this node: pages of other sites reach the node
        // under it in some browsers.
        HostPort::parse(host).is_ok_and(|HostPort { host, .. }| {
            host.reach() == Some(Reach::Loopback) || own_names.contains(&host)
        })
    }

    /// Returns whether clients need to show no secret.
    #[must_use]
    pub fn is_open(&self) -> bool {
        matches!(&*self.rule, Rule::Loopback { .. })
    }

    /// Checks that a request without a body is the operator's; without a body nothing could be
    /// signed. `own` is a secret that opens this resource in addition to the operator's.
    ///
    /// # Errors
    /// [`Denied`], of which the client must learn no more than that.
    pub fn permits(
        &self,
        authorization: Option<&[u8]>,
        own: Option<&Bearer>,
        from: Option<IpAddr>,
    ) -> Result<(), Denied> {
        let secret = match &*self.rule {
            Rule::Loopback { .. } => None,
            Rule::Secret(secret) => Some(&secret.0),
        };
        if secret.or(own).is_none() {
            return Ok(());
        }
        let shown = authorization.ok_or(Denied::Wrong("nothing was shown"))?;
        self.compare(from, Instant::now(), || {
            [secret, own].into_iter().flatten().any(|secret| secret.is_shown_by(shown))
        })
    }

    /// Checks that a request from `from` is the operator's. `body` is `None` when it is not JSON,
    /// and nothing can be signed then.
    ///
    /// # Errors
    /// [`Denied`], of which the client must learn no more than that.
    pub fn identify(
        &self,
        credentials: &Credentials<'_>,
        body: Option<Value>,
        from: Option<IpAddr>,
    ) -> Result<Identified<'_>, Denied> {
        let known = |kind, body| Identified { kind, body, signature: None };
        let Rule::Secret(secret) = &*self.rule else {
            return Ok(known(CallerKind::Loopback, body));
        };
        let (bearer, signatures) = &**secret;
        let now = Instant::now();
        match (credentials.authorization, body) {
            (Some(shown), body) => self
                .compare(from, now, || bearer.is_shown_by(shown))
                .map(|()| known(CallerKind::Bearer, body)),
            (None, body) if self.is_own_page(credentials, now) => {
                Ok(known(CallerKind::Session, body))
            }
            (None, Some(body)) => {
                if !self.guesses.admit(from, now) {
                    return Err(Denied::TooOften);
                }
                let verified =
                    signatures.verify(credentials, body).map_err(|denied| match denied {
                        Denied::Wrong(WRONG_DIGEST) => self.wrong(from, now, WRONG_DIGEST),
                        // A signature that is too old, malformed or missing is not a guess.
                        denied => denied,
                    });
                let (body, verified) = verified?;
                self.guesses.was_right(from, now);
                let signature = Some((signatures, verified));
                Ok(Identified { kind: CallerKind::Signature, body: Some(body), signature })
            }
            (None, None) => Err(Denied::Wrong("nothing was shown, and no JSON was sent")),
        }
    }

    /// Compares the secret that a source shows, unless the source has guessed wrong too often.
    fn compare(
        &self,
        from: Option<IpAddr>,
        now: Instant,
        is_right: impl FnOnce() -> bool,
    ) -> Result<(), Denied> {
        if !self.guesses.admit(from, now) {
            return Err(Denied::TooOften);
        }
        if !is_right() {
            return Err(self.wrong(from, now, "the bearer token is not the secret"));
        }
        self.guesses.was_right(from, now);
        Ok(())
    }

    fn wrong(&self, from: Option<IpAddr>, now: Instant, reason: &'static str) -> Denied {
        match self.guesses.was_wrong(from, now) {
            Guessed::Within => Denied::Wrong(reason),
            Guessed::TooOften => Denied::TooOften,
        }
    }
}

/// A request that has proved to be the operator's. Its methods return the caller once it is known
/// whether the request changes anything.
#[derive(Debug)]
pub struct Identified<'a> {
    kind: CallerKind,
    /// The body as it was signed, where it was signed; otherwise as it came.
    pub body: Option<Value>,
    signature: Option<(&'a Signatures, Verified)>,
}

impl Identified<'_> {
    /// Returns the caller of a request that only reads. Its signature may be used again: clients
    /// that ask the same twice within a millisecond make the same signature twice.
    #[must_use]
    pub fn reader(self) -> CallerKind {
        self.kind
    }

    /// Returns the caller of a request that may change something, and uses up its signature, so
    /// that an eavesdropper can't have the change made a second time. The note of the signature is
    /// durable before the request is answered.
    ///
    /// # Errors
    /// [`Denied`].
    pub async fn writer(self) -> Result<(CallerKind, Option<Noted>), Denied> {
        let noted = match self.signature {
            Some((signatures, verified)) => Some(signatures.use_up(verified).await?),
            None => None,
        };
        Ok((self.kind, noted))
    }
}

/// Why a request isn't let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Denied {
    /// The request doesn't show that it is the operator's. The reason is for the operator's own log.
    Wrong(&'static str),
    /// The source of the request has shown too many wrong secrets lately.
    TooOften,
    /// The request has proved to be the operator's, but its signature can't be remembered as it
    /// must be.
    Unavailable(&'static str),
}

/// The bearer secret. Both sides are compared as MACs under a private key, so that the
/// time taken tells nothing about where they differ.
pub struct Bearer {
    key: hmac::Key,
    expected: hmac::Tag,
}

impl Bearer {
    /// Prepares the secret for comparisons.
    #[must_use]
    pub fn new(secret: &Secret) -> Self {
        let key = hmac::Key::new(hmac::HMAC_SHA256, secret.reveal().as_bytes());
        Self { expected: hmac::sign(&key, secret.reveal().as_bytes()), key }
    }

    pub(crate) fn is_shown_by(&self, header: &[u8]) -> bool {
        let Some((scheme, token)) = header.split_at_checked("Bearer ".len()) else { return false };
        scheme.eq_ignore_ascii_case(b"Bearer ") && self.is(token.trim_ascii())
    }

    fn is(&self, token: &[u8]) -> bool {
        hmac::verify(&self.key, token, self.expected.as_ref()).is_ok()
    }
}

impl fmt::Debug for Bearer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Bearer(..)")
    }
}

#[cfg(test)]
mod tests {
    use interledger_packet::Timestamp;
    use tempfile::TempDir;

    use super::*;

    fn showing(authorization: &str) -> Credentials<'_> {
        Credentials { authorization: Some(authorization.as_bytes()), ..Credentials::default() }
    }

    fn with_secret(dir: &TempDir) -> Auth {
        Auth::secret(
            &Secret::new("iyIgCprjb9uL8wFckR+pLEkJWMB7FJhgkvqhTQR/964=".to_owned()),
            SignatureRules { tenant_id: "t".to_owned(), lifetime_ms: 30_000 },
            || Timestamp::from_unix_ms(1_000_000),
            Store::open(dir.path()).unwrap(),
        )
        .unwrap()
    }

    #[test]
    fn only_the_whole_secret_opens_the_door() {
        let dir = tempfile::tempdir().unwrap();
        let auth = with_secret(&dir);
        let secret = "iyIgCprjb9uL8wFckR+pLEkJWMB7FJhgkvqhTQR/964=";
        let permits = |value: &str| {
            let identified = auth.identify(&showing(value), None, None);
            identified.is_ok_and(|identified| identified.reader() == CallerKind::Bearer)
        };
        assert!(permits(&format!("Bearer {secret}")));
        assert!(permits(&format!("bearer  {secret}")));
        for wrong in [
            String::new(),
            "Bearer".to_owned(),
            "Bearer ".to_owned(),
            secret.to_owned(),
            format!("Basic {secret}"),
            format!("Bearer {secret}x"),
            format!("Bearer {}", &secret[1..]),
        ] {
            assert!(!permits(&wrong), "{wrong}");
        }
        assert!(auth.identify(&Credentials::default(), None, None).is_err());
    }

    #[test]
    fn a_rebound_name_is_refused_and_every_loopback_name_taken() {
        let auth = Auth::loopback(vec![Host::parse("node.internal").unwrap()]);
        let addressed = |host: &str| auth.addressed_to_us(Some(host));
        for good in [
            "localhost:3001",
            "LOCALHOST",
            "127.0.0.1:3001",
            "127.8.9.1",
            "[::1]:3001",
            "Node.Internal:3001",
        ] {
            assert!(addressed(good), "{good}");
        }
        for bad in [
            "evil.example",
            "localhost.evil.example:3001",
            "127.0.0.1.evil.example",
            "10.0.0.1",
            "",
        ] {
            assert!(!addressed(bad), "{bad}");
        }
        let dir = tempfile::tempdir().unwrap();
        assert!(with_secret(&dir).addressed_to_us(Some("evil.example")));
    }

    #[test]
    fn nothing_secret_is_printed() {
        let dir = tempfile::tempdir().unwrap();
        assert!(!format!("{:?}", with_secret(&dir)).contains("iyIg"));
    }
}
