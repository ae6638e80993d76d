//! Requests signed as Rafiki's clients sign them.
//!
//! `signature: t=MS, v1=HEX`, where HEX is the HMAC-SHA256, under the secret, of the time in
//! milliseconds as it was written, a dot, and the body as canonical JSON. Further parts are
//! ignored: nothing covers them, so they mustn't mean anything, and unlike in Rafiki they don't
//! make an old signature new.
//!
//! Canonical JSON has two forms, which differ in integers above 2^53 alone: RFC 8785 writes them as
//! doubles, and a client whose integers have 64 bits writes all their digits. Both are accepted.
//! The node always runs the text that was signed: a body that matches its signature only as doubles
//! is read anew from that text. So the digits under a signature decide, and a body can't be
//! exchanged for another amount that rounds to the same double.

use std::fmt;

use data_encoding::{HEXLOWER, HEXLOWER_PERMISSIVE};
use ilp_connector::token::Secret;
use ilp_store::{Noted, Store, StoreError};
use ring::hmac;
use serde_json::Value;

use super::{Denied, SignatureRules, credentials::Credentials, replay::Seen};
use crate::{
    node::parts::Clock,
    vocabulary::canonical_json::{canonical, canonical_to_the_digit},
};

/// Returns the `signature` header with which a client signs `body` at the time `now_ms`, in
/// milliseconds since 1970. Integers are signed with all their digits, so that the node runs what
/// the body says.
#[must_use]
pub fn sign(body: &Value, secret: &Secret, now_ms: u64) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.reveal().as_bytes());
    let tag = hmac::sign(&key, format!("{now_ms}.{}", canonical_to_the_digit(body)).as_bytes());
    let hex = HEXLOWER.encode(tag.as_ref());
    format!("t={now_ms}, v1={hex}")
}

/// The reason to refuse a signature made under another secret or of another body, which may be a
/// guess.
pub(super) const WRONG_DIGEST: &str = "the signature is not that of this body under the secret";

/// The check of signatures, with the memory of those that may be used only once.
pub(crate) struct Signatures {
    key: hmac::Key,
    rules: SignatureRules,
    clock: Clock,
    seen: Seen,
}

/// A signature that is right and in time. It is not yet known whether it was used before.
#[derive(Debug)]
pub(crate) struct Verified {
    digest: [u8; 32],
    ends_at_ms: u64,
}

/// The two parts of the header that count.
struct Parts<'a> {
    /// The time as the client wrote it, since that text was signed.
    time_text: &'a str,
    time_ms: u64,
    digest: [u8; 32],
}

impl Signatures {
    pub(crate) fn new(
        key: hmac::Key,
        rules: SignatureRules,
        clock: Clock,
        store: Store,
    ) -> Result<Self, StoreError> {
        let seen = Seen::open(store)?;
        Ok(Self { key, rules, clock, seen })
    }

    /// Checks that the headers hold a signature of `body` that is right and in time. Returns the
    /// body as it was signed.
    ///
    /// # Errors
    /// [`Denied::Wrong`].
    pub(crate) fn verify(
        &self,
        credentials: &Credentials<'_>,
        body: Value,
    ) -> Result<(Value, Verified), Denied> {
        // Older clients send no tenant; the secret says enough, since there is one tenant.
        if credentials.tenant_id.is_some_and(|tenant| tenant != self.rules.tenant_id.as_bytes()) {
            return Err(Denied::Wrong("the tenant-id header names another tenant"));
        }
        let header =
            credentials.signature.ok_or(Denied::Wrong("neither a signature nor a bearer token"))?;
        let parts = Parts::read(header).ok_or(Denied::Wrong("the signature has another form"))?;
        if parts.time_ms.abs_diff((self.clock)().unix_ms()) > self.rules.lifetime_ms {
            return Err(Denied::Wrong("the signature's time is too far from now"));
        }
        let body = self.signed_body(&parts, body)?;
        let ends_at_ms = parts.time_ms.saturating_add(self.rules.lifetime_ms);
        Ok((body, Verified { digest: parts.digest, ends_at_ms }))
    }

    /// Returns the body whose text the signature covers: the given one, or the one read from the
    /// RFC's form.
    fn signed_body(&self, parts: &Parts<'_>, body: Value) -> Result<Value, Denied> {
        let covers = |text: &str| {
            let signed = format!("{}.{text}", parts.time_text);
            hmac::verify(&self.key, signed.as_bytes(), &parts.digest).is_ok()
        };
        let to_the_digit = canonical_to_the_digit(&body);
        if covers(&to_the_digit) {
            return Ok(body);
        }
        let as_doubles = canonical(&body);
        if as_doubles != to_the_digit
            && covers(&as_doubles)
            && let Ok(signed) = serde_json::from_str(&as_doubles)
        {
            return Ok(signed);
        }
        Err(Denied::Wrong(WRONG_DIGEST))
    }

    /// Uses up a signature: it is refused the next time, whatever the outcome of the request.
    ///
    /// # Errors
    /// [`Denied::Wrong`] when it was used before, [`Denied::Unavailable`] when it can't be
    /// remembered.
    pub(crate) async fn use_up(&self, verified: Verified) -> Result<Noted, Denied> {
        let Verified { digest, ends_at_ms } = verified;
        self.seen.admit(digest, ends_at_ms, (self.clock)().unix_ms()).await
    }
}

impl<'a> Parts<'a> {
    fn read(header: &'a str) -> Option<Self> {
        let part = |name: &str| {
            header.split(',').find_map(|part| part.trim().strip_prefix(name)?.strip_prefix('='))
        };
        let time_text = part("t")?;
        if time_text.is_empty() || !time_text.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        let digest = digest_from_hex(part("v1")?)?;
        Some(Self { time_text, time_ms: time_text.parse().ok()?, digest })
    }
}

fn digest_from_hex(text: &str) -> Option<[u8; 32]> {
    HEXLOWER_PERMISSIVE.decode(text.as_bytes()).ok()?.try_into().ok()
}

impl fmt::Debug for Signatures {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Signatures").field("rules", &self.rules).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use interledger_packet::Timestamp;
    use serde_json::json;
    use tempfile::TempDir;

    use super::*;

    const NOW_MS: u64 = 1_700_000_000_000;
    const SECRET: &[u8] = b"iyIgCprjb9uL8wFckR+pLEkJWMB7FJhgkvqhTQR/964=";

    /// With a memory of its own.
    struct Fresh {
        _dir: TempDir,
        signatures: Signatures,
    }

    impl Fresh {
        fn new() -> Self {
            let dir = tempfile::tempdir().unwrap();
            let signatures = Signatures::new(
                hmac::Key::new(hmac::HMAC_SHA256, SECRET),
                SignatureRules { tenant_id: "438fa74a".to_owned(), lifetime_ms: 30_000 },
                || Timestamp::from_unix_ms(NOW_MS),
                Store::open(dir.path()).unwrap(),
            );
            Self { _dir: dir, signatures: signatures.unwrap() }
        }

        /// Checks a request that changes something, which uses up its signature.
        async fn accept(&self, signature: &str, body: &Value) -> bool {
            self.accept_from(Some("438fa74a"), signature, body).await
        }

        async fn accept_from(&self, tenant: Option<&str>, signature: &str, body: &Value) -> bool {
            match self.signatures.verify(&shown(tenant, signature), body.clone()) {
                Ok((_, verified)) => self.signatures.use_up(verified).await.is_ok(),
                Err(_) => false,
            }
        }
    }

    fn body() -> Value {
        json!({"query": "{ whoami { id } }", "variables": {"z": 1, "a": 9_007_199_254_740_993_u64}})
    }

    fn hex_of(time: &str, body: &Value) -> String {
        let key = hmac::Key::new(hmac::HMAC_SHA256, SECRET);
        let tag = hmac::sign(&key, format!("{time}.{}", canonical_to_the_digit(body)).as_bytes());
        tag.as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
    }

    fn shown<'a>(tenant: Option<&'a str>, signature: &'a str) -> Credentials<'a> {
        let tenant_id = tenant.map(str::as_bytes);
        Credentials { tenant_id, signature: Some(signature), ..Credentials::default() }
    }

    fn signed_at(time_ms: u64) -> String {
        format!("t={time_ms}, v1={}", hex_of(&time_ms.to_string(), &body()))
    }

    #[tokio::test]
    async fn a_known_signature_verifies() {
        // Made with Python's hmac over `1700000000000.{"query":"{ a }"}`.
        let known = "d0239d2a1f7a6d0577dfb39f1dea60ea26737df52d90143d4772e48020679660";
        let signature = format!("t=1700000000000, v1={known}");
        assert!(Fresh::new().accept(&signature, &json!({"query": "{ a }"})).await);
    }

    #[tokio::test]
    async fn what_clients_sign_is_accepted() {
        let secret = Secret::new(String::from_utf8(SECRET.to_vec()).unwrap());
        let signature = sign(&body(), &secret, NOW_MS);
        assert!(Fresh::new().accept(&signature, &body()).await);
    }

    /// Returns a signature over this canonical text.
    fn signed_text(text: &str) -> String {
        let key = hmac::Key::new(hmac::HMAC_SHA256, SECRET);
        let tag = hmac::sign(&key, format!("{NOW_MS}.{text}").as_bytes());
        let hex: String = tag.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
        format!("t={NOW_MS}, v1={hex}")
    }

    #[test]
    fn what_runs_is_the_text_that_was_signed_whatever_the_body_rounds_to() {
        let signatures = Fresh::new().signatures;
        let amount = |signed: &str, sent: &str| {
            let signature = signed_text(&format!("{{\"amount\":{signed}}}"));
            let body = serde_json::from_str(&format!("{{\"amount\":{sent}}}")).unwrap();
            let (body, _) = signatures.verify(&shown(None, &signature), body).ok()?;
            Some(body["amount"].to_string())
        };
        for (signed, sent, runs) in [
            // The first is signed by a client with integers of 64 bits, the second by one in
            // JavaScript.
            ("9007199254740993", "9007199254740993", Some("9007199254740993")),
            ("9007199254740992", "9007199254740993", Some("9007199254740992")),
            ("18446744073709551615", "18446744073709551615", Some("18446744073709551615")),
            // Both forms have these digits, so both neighbouring integers must be read as them.
            ("1152921504606847000", "1152921504606847000", Some("1152921504606847000")),
            ("1152921504606847000", "1152921504606846976", Some("1152921504606847000")),
            ("9007199254740993", "9007199254740992", None),
            ("9007199254740993", "9007199254740994", None),
            ("9007199254740992", "9007199254740994", None),
            ("9007199254740991", "9007199254740992", None),
            ("18446744073709552000", "18446744073709551615", Some("1.8446744073709552e+19")),
        ] {
            assert_eq!(amount(signed, sent).as_deref(), runs, "{signed} signed, {sent} sent");
        }
    }

    #[tokio::test]
    async fn a_signature_counts_once_whatever_is_appended() {
        let signatures = Fresh::new();
        let text = format!("t={NOW_MS}, v1={}", hex_of(&NOW_MS.to_string(), &body()));
        assert!(signatures.accept(&text, &body()).await);
        assert!(!signatures.accept(&text, &body()).await);
        assert!(!signatures.accept(&format!("{text}, n=1"), &body()).await);
        assert!(!signatures.accept(&text.replace('a', "A").replace('f', "F"), &body()).await);
        assert!(!signatures.accept(&text.replace(", ", ","), &body()).await);
        assert!(signatures.accept(&signed_at(NOW_MS + 1), &body()).await);
    }

    #[tokio::test]
    async fn the_time_is_bounded_on_both_sides() {
        for (time_ms, accepted) in [
            (NOW_MS - 30_000, true),
            (NOW_MS - 30_001, false),
            (NOW_MS + 30_000, true),
            (NOW_MS + 30_001, false),
            (0, false),
        ] {
            assert_eq!(
                Fresh::new().accept(&signed_at(time_ms), &body()).await,
                accepted,
                "{time_ms}"
            );
        }
    }

    #[tokio::test]
    async fn another_body_tenant_or_digest_is_refused() {
        let signatures = Fresh::new();
        assert!(!signatures.accept(&signed_at(NOW_MS), &json!({"query": "{ other }"})).await);
        let signature = signed_at(NOW_MS);
        assert!(!signatures.accept_from(Some("other"), &signature, &body()).await);
        let hex = hex_of(&NOW_MS.to_string(), &body());
        for wrong in [
            String::new(),
            format!("t={NOW_MS}"),
            format!("v1={hex}"),
            format!("t=+{NOW_MS}, v1={hex}"),
            format!("t= {NOW_MS}, v1={hex}"),
            format!("t={NOW_MS}, v2={hex}"),
            format!("t={NOW_MS}, v1={}", &hex[2..]),
            format!("t={NOW_MS}, v1={hex}00"),
            format!("t={NOW_MS}, v1=+{}", &hex[1..]),
            format!("t={}, v1={hex}", NOW_MS + 1),
        ] {
            assert!(!signatures.accept(&wrong, &body()).await, "{wrong}");
        }
        let accepted = signatures.accept_from(None, &signature, &body()).await;
        assert!(accepted, "clients before tenants send none");
    }
}
