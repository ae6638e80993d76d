//! The entry point of the fuzz target for signatures. Only cargo-fuzz builds it: it sets
//! `cfg(fuzzing)`.

use std::{fmt, path::Path};

use ilp_connector::token::Secret;
use ilp_store::Store;
use interledger_packet::Timestamp;
use ring::hmac;
use serde_json::Value;

use super::{
    SignatureRules,
    credentials::Credentials,
    signature::{Signatures, sign},
};

const NOW_MS: u64 = 1_700_000_000_000;
const SECRET: &str = "the secret of the fuzz target";

/// The check of signed requests, at one time and under one secret.
pub struct SignatureCheck(Signatures);

impl fmt::Debug for SignatureCheck {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

impl SignatureCheck {
    /// Makes the check, with a store in `directory`.
    ///
    /// # Panics
    /// The store can't be opened.
    #[must_use]
    pub fn new(directory: &Path) -> Self {
        let key = hmac::Key::new(hmac::HMAC_SHA256, SECRET.as_bytes());
        let rules = SignatureRules { tenant_id: "tenant".to_owned(), lifetime_ms: 30_000 };
        let store = Store::open(directory).expect("a directory for the store");
        let signatures = Signatures::new(key, rules, || Timestamp::from_unix_ms(NOW_MS), store);
        Self(signatures.expect("a new store"))
    }

    /// Returns the header with which a client signs a body.
    #[must_use]
    pub fn sign(&self, body: &Value) -> String {
        sign(body, &Secret::new(SECRET.to_owned()), NOW_MS)
    }

    /// Returns the body that a request with this header runs with; `None` where it is refused.
    #[must_use]
    pub fn verify(&self, header: &str, body: Value) -> Option<Value> {
        let credentials = Credentials { signature: Some(header), ..Credentials::default() };
        self.0.verify(&credentials, body).ok().map(|(body, _)| body)
    }
}
