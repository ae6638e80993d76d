//! Keys, encryption, fulfillments (IL-RFC 29, sections 5.1 and 6).

use std::fmt;

use bytes::{Bytes, BytesMut};
use interledger_packet::MAX_DATA_BYTES;
use ring::{
    aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, Tag, UnboundKey},
    digest::{SHA256, digest},
    hmac,
};

/// The initialization vector that opens encrypted data.
pub(crate) const IV_BYTES: usize = 12;
/// The authentication tag that follows it. Most libraries put it behind the ciphertext.
const TAG_BYTES: usize = 16;

/// The bytes that encryption adds to a packet: 12 for the IV and 16 for the tag.
pub const ENCRYPTION_OVERHEAD_BYTES: usize = IV_BYTES + TAG_BYTES;

/// The longest STREAM packet before its encryption: 32,767 - 28 = 32,739 bytes.
pub const MAX_PLAINTEXT_BYTES: usize = MAX_DATA_BYTES - ENCRYPTION_OVERHEAD_BYTES;

const ENCRYPTION_LABEL: &[u8] = b"ilp_stream_encryption";
const FULFILLMENT_LABEL: &[u8] = b"ilp_stream_fulfillment";

/// A source of random bytes. This crate has none of its own, so that a test can repeat a run.
///
/// The bytes must be unpredictable: they are initialization vectors, of which no two may be equal
/// under one key, and conditions that can't be fulfilled.
pub trait Random {
    /// Fills `bytes`. A source that fails must panic: there is no safe way to go on without.
    fn fill(&mut self, bytes: &mut [u8]);
}

impl<F: FnMut(&mut [u8])> Random for F {
    fn fill(&mut self, bytes: &mut [u8]) {
        self(bytes);
    }
}

/// `N` random bytes.
pub(crate) fn random_array<const N: usize>(random: &mut impl Random) -> [u8; N] {
    let mut bytes = [0; N];
    random.fill(&mut bytes);
    bytes
}

/// The 32 bytes that only the two ends of a connection know.
#[derive(Clone, PartialEq, Eq)]
pub struct SharedSecret([u8; 32]);

impl SharedSecret {
    /// Wraps a secret, as SPSP or [`crate::Receiver::credentials`] gives it.
    #[must_use]
    pub const fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The secret itself, for the one place that has to hand it to the sender.
    #[must_use]
    pub const fn reveal(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for SharedSecret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("SharedSecret(..)")
    }
}

/// The keys that follow from a shared secret: one of the packets and one of the fulfillments.
#[derive(Clone)]
pub struct Keys {
    encryption: EncryptionKey,
    fulfillment: hmac::Key,
}

impl Keys {
    /// Derives both keys.
    #[must_use]
    pub fn new(shared_secret: &SharedSecret) -> Self {
        let secret = hmac_key(&shared_secret.0);
        Self {
            encryption: EncryptionKey::new(&hmac_with(&secret, ENCRYPTION_LABEL)),
            fulfillment: hmac_key(&hmac_with(&secret, FULFILLMENT_LABEL)),
        }
    }

    /// The key that packets are encrypted with, both ways.
    pub(crate) const fn encryption(&self) -> &EncryptionKey {
        &self.encryption
    }

    /// Encrypts `plaintext`, whatever it is; [`crate::StreamPacketBuilder::encrypt`] writes and
    /// encrypts a packet in one go. Who sends it must see that it is at most
    /// [`MAX_PLAINTEXT_BYTES`] long.
    #[must_use]
    pub fn encrypt(&self, plaintext: &[u8], random: &mut impl Random) -> Bytes {
        let write = |buffer: &mut BytesMut| buffer.extend_from_slice(plaintext);
        self.encryption.encrypt(random_array(random), plaintext.len(), write)
    }

    /// Decrypts a packet's `data` where it lies. `None` unless the other end has written it.
    #[must_use]
    pub fn decrypt<'b>(&self, data: &'b mut [u8]) -> Option<&'b mut [u8]> {
        self.encryption.decrypt(data)
    }

    /// The fulfillment of a Prepare that carries the encrypted `data` (section 6.3).
    #[must_use]
    pub fn fulfillment(&self, data: &[u8]) -> [u8; 32] {
        hmac_with(&self.fulfillment, data)
    }
}

impl fmt::Debug for Keys {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Keys(..)")
    }
}

/// The condition that a fulfillment fulfills: its SHA-256 digest.
#[must_use]
pub fn condition_of(fulfillment: &[u8; 32]) -> [u8; 32] {
    let mut condition = [0; 32];
    condition.copy_from_slice(digest(&SHA256, fulfillment).as_ref());
    condition
}

/// HMAC-SHA256 of `message` under a key of any length.
pub(crate) fn hmac_sha256(key: &[u8], message: &[u8]) -> [u8; 32] {
    hmac_with(&hmac_key(key), message)
}

pub(crate) fn hmac_key(key: &[u8]) -> hmac::Key {
    hmac::Key::new(hmac::HMAC_SHA256, key)
}

pub(crate) fn hmac_with(key: &hmac::Key, message: &[u8]) -> [u8; 32] {
    let mut bytes = [0; 32];
    bytes.copy_from_slice(hmac::sign(key, message).as_ref());
    bytes
}

/// AES-256-GCM without associated data, laid out as `IV || tag || ciphertext` (section 5.1.1).
#[derive(Clone)]
pub(crate) struct EncryptionKey(LessSafeKey);

impl EncryptionKey {
    pub(crate) fn new(key: &[u8; 32]) -> Self {
        let key = UnboundKey::new(&AES_256_GCM, key).expect("AES-256 takes a key of 32 bytes");
        Self(LessSafeKey::new(key))
    }

    /// Encrypts what `write` appends, which is about `expected_bytes` long. The room for IV and
    /// tag is left in front of it, so nothing is moved afterwards.
    pub(crate) fn encrypt(
        &self,
        iv: [u8; IV_BYTES],
        expected_bytes: usize,
        write: impl FnOnce(&mut BytesMut),
    ) -> Bytes {
        let capacity = expected_bytes.saturating_add(ENCRYPTION_OVERHEAD_BYTES);
        let mut data = BytesMut::with_capacity(capacity);
        data.resize(ENCRYPTION_OVERHEAD_BYTES, 0);
        write(&mut data);
        let (head, plaintext) = data.split_at_mut(ENCRYPTION_OVERHEAD_BYTES);
        let nonce = Nonce::assume_unique_for_key(iv);
        let tag = self
            .0
            .seal_in_place_separate_tag(nonce, Aad::empty(), plaintext)
            .expect("a packet is far shorter than what AES-GCM can encrypt");
        let (iv_part, tag_part) = head.split_at_mut(IV_BYTES);
        iv_part.copy_from_slice(&iv);
        tag_part.copy_from_slice(tag.as_ref());
        data.freeze()
    }

    /// Decrypts in place. `None` when the data is too short or its tag is not right.
    pub(crate) fn decrypt<'b>(&self, data: &'b mut [u8]) -> Option<&'b mut [u8]> {
        let (head, ciphertext) = data.split_at_mut_checked(ENCRYPTION_OVERHEAD_BYTES)?;
        let (iv, tag) = head.split_first_chunk::<IV_BYTES>()?;
        let tag = Tag::try_from(tag).ok()?;
        let nonce = Nonce::assume_unique_for_key(*iv);
        self.0.open_in_place_separate_tag(nonce, Aad::empty(), tag, ciphertext, 0..).ok()
    }
}

impl fmt::Debug for EncryptionKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("EncryptionKey(..)")
    }
}

#[cfg(test)]
mod tests;
