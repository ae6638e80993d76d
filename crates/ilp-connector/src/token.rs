//! Bearer tokens: those that peers show us are kept as digests only, those that we show peers are
//! kept whole and never printed.

use std::fmt;

use ring::digest::{SHA256, digest};

/// The SHA-256 of a token that a peer shows us. The node never keeps the token itself, so neither a
/// copy of the store nor a core dump gives access to a peer's account. Digests also make the
/// look-up safe against timing: an attacker can't steer a digest byte by byte.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TokenDigest([u8; 32]);

impl TokenDigest {
    /// Returns the digest of a token as it came over the wire.
    #[must_use]
    pub fn of(token: &[u8]) -> Self {
        let mut bytes = [0; 32];
        bytes.copy_from_slice(digest(&SHA256, token).as_ref());
        Self(bytes)
    }

    /// A digest read back from the store.
    #[must_use]
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The 32 bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for TokenDigest {
    /// Four bytes tell two tokens apart in a log, and don't help to guess one.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d, ..] = self.0;
        write!(formatter, "TokenDigest({a:02x}{b:02x}{c:02x}{d:02x}..)")
    }
}

/// A text that no log, error or Debug print may show.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Wraps a secret.
    #[must_use]
    pub fn new(text: String) -> Self {
        Self(text)
    }

    /// The secret itself, for the one place that has to send or store it.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Secret(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neither_a_digest_nor_a_secret_prints_what_it_holds() {
        assert_eq!(format!("{:?}", Secret::new("mytoken".to_owned())), "Secret(..)");
        // Only four of the 32 bytes may be seen.
        let shown = format!("{:?}", TokenDigest::of(b"mytoken"));
        assert_eq!(shown.len(), "TokenDigest(00000000..)".len());
    }
}
