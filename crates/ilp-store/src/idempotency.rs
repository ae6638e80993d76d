//! Idempotency keys: the same request, sent again, gets the first answer and does nothing twice.
//!
//! A request that runs is in memory alone, so one that a crash cut short doesn't block its key.
//! What it did until then is there, and what it does has keys of its own: a transfer's id.

use std::collections::HashMap;

use parking_lot::Mutex;

use crate::{
    error::{Refusal, StoreError},
    journal::Fields,
    keys::{Kind, hexadecimal},
    store::Store,
};

/// How long an answer is kept, in milliseconds: a day.
pub const IDEMPOTENCY_KEPT_MS: u64 = 24 * 60 * 60 * 1000;

/// The longest key, in bytes.
const KEY_BYTES_MAX: usize = 1_024;

/// The bytes of a kept answer before the answer itself: when, and the digest.
const HEAD_BYTES: usize = 8 + 32;

/// What is known of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Idempotency {
    /// Nothing: the request may run, and ends with [`Store::idempotency_finish`] or
    /// [`Store::idempotency_forget`].
    New,
    /// The same request was answered with this.
    Replay(Vec<u8>),
    /// Another request has or had the key.
    Different,
    /// The same request still runs.
    Running,
}

/// The requests that run, by key, with their digests.
pub(crate) type Running = Mutex<HashMap<String, [u8; 32]>>;

impl Store {
    /// Asks whether a request may run at `now_ms` (milliseconds since 1970), and if so, notes that
    /// it does. Of several calls at once, one learns [`Idempotency::New`].
    ///
    /// # Errors
    /// [`Refusal::TooLarge`] for a key of more than 1,024 bytes, or when the store can't be read.
    pub fn idempotency_begin(
        &self,
        key: &str,
        request_digest: [u8; 32],
        now_ms: u64,
    ) -> Result<Idempotency, Refusal> {
        if key.len() > KEY_BYTES_MAX {
            return Err(Refusal::TooLarge { bytes: key.len() });
        }
        let mut running = self.inner.running.lock();
        if let Some(digest) = running.get(key) {
            return Ok(if *digest == request_digest {
                Idempotency::Running
            } else {
                Idempotency::Different
            });
        }
        // Under the lock: one that finishes is on the disk before it leaves the map.
        if let Some(kept) = self.kept_answer(key)?
            && now_ms < kept.at_ms.saturating_add(IDEMPOTENCY_KEPT_MS)
        {
            return Ok(if kept.digest == request_digest {
                Idempotency::Replay(kept.response)
            } else {
                Idempotency::Different
            });
        }
        running.insert(key.to_owned(), request_digest);
        Ok(Idempotency::New)
    }

    /// Keeps the answer to a request that runs, from `now_ms` on. On the disk when it returns. The
    /// key is free again when the answer can't be kept. Does nothing for a request that doesn't
    /// run.
    ///
    /// # Errors
    /// [`Refusal::TooLarge`] above [`crate::RECORD_BYTES_MAX`], or when the store can't be written.
    pub fn idempotency_finish(
        &self,
        key: &str,
        response: &[u8],
        now_ms: u64,
    ) -> Result<(), Refusal> {
        let Some(digest) = self.inner.running.lock().get(key).copied() else { return Ok(()) };
        let mut bytes = now_ms.to_be_bytes().to_vec();
        bytes.extend_from_slice(&digest);
        bytes.extend_from_slice(response);
        let kept = self.change(|change| {
            // One that had expired may not have been purged yet.
            if let Some(old) = self.kept_answer(key)? {
                change.remove(by_time(old.at_ms, key));
            }
            change.put_bytes(by_time(now_ms, key), &[])?;
            change.put_bytes(Kind::Idempotency.key(key.as_bytes()), &bytes)
        });
        self.idempotency_forget(key);
        kept
    }

    /// Frees the key of a request that was refused, so that it may be sent again.
    pub fn idempotency_forget(&self, key: &str) {
        self.inner.running.lock().remove(key);
    }

    /// Removes up to `limit` answers that are over a day old at `now_ms`, and says how many.
    ///
    /// # Errors
    /// When the store can't be read or written.
    pub fn idempotency_purge(&self, now_ms: u64, limit: usize) -> Result<usize, Refusal> {
        let Some(oldest_kept) = now_ms.checked_sub(IDEMPOTENCY_KEPT_MS) else { return Ok(0) };
        let end = Kind::IdempotencyByTime.key(&oldest_kept.saturating_add(1).to_be_bytes());
        let start = vec![Kind::IdempotencyByTime.byte()];
        let due: Result<Vec<_>, _> =
            self.inner.records.range(start..end).keys().take(limit).collect();
        let due = due.map_err(StoreError::read)?;
        if due.is_empty() {
            return Ok(0);
        }
        self.change(|change| {
            for entry in &due {
                let key = String::from_utf8_lossy(entry.get(9..).unwrap_or_default());
                change.remove(entry.to_vec());
                // The key may have been used anew since.
                let kept = self.kept_answer(&key)?;
                if kept.is_some_and(|kept| by_time(kept.at_ms, &key) == entry[..]) {
                    change.remove(Kind::Idempotency.key(key.as_bytes()));
                }
            }
            Ok(due.len())
        })
    }

    fn kept_answer(&self, key: &str) -> Result<Option<Kept>, StoreError> {
        let key = Kind::Idempotency.key(key.as_bytes());
        let value = self.inner.records.get(&key).map_err(StoreError::read)?;
        value
            .map(|bytes| {
                Kept::from_bytes(&bytes).ok_or_else(|| StoreError::Record {
                    tree: Kind::Idempotency.name(),
                    key: hexadecimal(&key[1..]),
                    detail: "it is too short".to_owned(),
                })
            })
            .transpose()
    }
}

/// An answer on the disk.
struct Kept {
    at_ms: u64,
    digest: [u8; 32],
    response: Vec<u8>,
}

impl Kept {
    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let at_ms = Fields::new(bytes).u64()?;
        let digest = bytes.get(8..HEAD_BYTES)?.try_into().ok()?;
        Some(Self { at_ms, digest, response: bytes[HEAD_BYTES..].to_vec() })
    }
}

fn by_time(at_ms: u64, key: &str) -> Vec<u8> {
    let mut rest = at_ms.to_be_bytes().to_vec();
    rest.extend_from_slice(key.as_bytes());
    Kind::IdempotencyByTime.key(&rest)
}

#[cfg(test)]
mod tests;
