//! Idempotency keys: the same request, sent again, gets the first answer and does nothing twice.
//!
//! While a request runs, its key is taken in memory. What it will answer goes to the disk with what
//! it does, in the same unit of the log. So a crash at any moment leaves the deed and its answer, or
//! neither, and no request is ever half known.
//!
//! `claim` is a request that runs, `entry` the form of an answer on disk, and `snapshot` the outcome
//! that an answer repeats.

mod claim;
mod entry;
pub(crate) mod snapshot;

use std::ops::Bound::{Excluded, Included};

pub use self::claim::Claim;
pub(crate) use self::{claim::Answer, entry::Proof};
use self::{
    entry::{Entry, by_time, time_of},
    snapshot::Snapshot,
};
use super::forms::keys::{Kind, hexadecimal};
use crate::{
    error::{StoreError, TransactionError},
    store::{Store, reading::Reading, running::Taken, transaction::Transaction},
};

/// How long an answer is kept, in milliseconds: a day.
pub const IDEMPOTENCY_KEPT_MS: u64 = 24 * 60 * 60 * 1000;

/// The longest key, in bytes.
const KEY_BYTES_MAX: usize = 1_024;

/// The state of an idempotency key.
#[derive(Debug)]
pub enum Idempotency {
    /// Nothing: the request may run, and has the key as long as the claim lives.
    New(Claim),
    /// The request was done before, and this is its outcome.
    Replay(Snapshot),
    /// Another request has or had the key.
    Different,
    /// The request still runs.
    Running,
    /// The request ran while the store or the ledger stopped. The next start shows whether it was
    /// done.
    Open,
}

impl Store {
    /// Asks whether a request may run at `now_ms` (milliseconds since 1970), and if so, takes the
    /// key for it. Of several calls at once, one learns [`Idempotency::New`].
    ///
    /// # Errors
    /// [`TransactionError::TooLarge`] for a key of more than 1,024 bytes, or when the store or what is kept
    /// under the key can't be read.
    pub fn idempotency_begin(
        &self,
        key: &str,
        request_digest: [u8; 32],
        now_ms: u64,
    ) -> Result<Idempotency, TransactionError> {
        if key.len() > KEY_BYTES_MAX {
            return Err(TransactionError::TooLarge { bytes: key.len() });
        }
        let mut running = self.inner.running.lock();
        if let Some(taken) = running.get(key) {
            return Ok(match taken {
                Taken { digest, .. } if *digest != request_digest => Idempotency::Different,
                Taken { is_open: true, .. } => Idempotency::Open,
                Taken { .. } => Idempotency::Running,
            });
        }
        // Under the lock: an outcome is on the disk before its claim lets go of the key.
        let bytes = self.get(&entry_key(key))?;
        if let Some(bytes) = bytes
            && now_ms < time_of(&bytes).unwrap_or(0).saturating_add(IDEMPOTENCY_KEPT_MS)
        {
            let entry = Entry::from_bytes(&bytes).ok_or_else(|| unreadable(key))?;
            if entry.digest != request_digest {
                return Ok(Idempotency::Different);
            }
            let outcome = Snapshot::from_bytes(&entry.outcome).ok_or_else(|| unreadable(key))?;
            return Ok(Idempotency::Replay(outcome));
        }
        running.insert(key.to_owned(), Taken { digest: request_digest, is_open: false });
        Ok(Idempotency::New(Claim::new(self, key, request_digest)))
    }

    /// Removes up to `limit` answers that are over a day old at `now_ms`, and says how many.
    ///
    /// # Errors
    /// When the store can't be read or written.
    pub fn idempotency_purge(&self, now_ms: u64, limit: usize) -> Result<usize, TransactionError> {
        let Some(oldest_kept) = now_ms.checked_sub(IDEMPOTENCY_KEPT_MS) else { return Ok(0) };
        let end = Kind::IdempotencyByTime.key(&oldest_kept.saturating_add(1).to_be_bytes());
        let start = vec![Kind::IdempotencyByTime.byte()];
        let due = self.range(Included(start), Excluded(end)).take(limit);
        let due = due.collect::<Result<Vec<_>, _>>()?;
        if due.is_empty() {
            return Ok(0);
        }
        self.change(|tx| {
            for (entry, _) in &due {
                let key = String::from_utf8_lossy(entry.get(9..).unwrap_or_default());
                tx.remove(entry.to_vec());
                // The key may have been used anew since.
                let kept = kept_since(tx, &key)?;
                if kept.is_some_and(|at_ms| by_time(at_ms, &key) == entry[..]) {
                    tx.remove(entry_key(&key));
                }
            }
            Ok(due.len())
        })
    }

    /// Removes the answers that a store of format 1 kept before the books had what they answer for, and
    /// whose proof is found wanting. Comes before the first request.
    ///
    /// # Errors
    /// When the store can't be read or written, or a proof can't be looked for.
    pub(crate) fn drop_unproved(
        &self,
        mut is_proved: impl FnMut(Proof) -> Result<bool, StoreError>,
    ) -> Result<(), TransactionError> {
        let mut unproved = Vec::new();
        for row in self.scan_prefix(&[Kind::Idempotency.byte()]) {
            let (key, bytes) = row?;
            // What can't be read is told to whoever sends its request again.
            let proof = Entry::from_bytes(&bytes).and_then(|entry| entry.proof);
            if let Some(proof) = proof
                && !is_proved(proof)?
            {
                let name = String::from_utf8_lossy(&key[1..]);
                unproved.extend([by_time(time_of(&bytes).unwrap_or(0), &name), key.to_vec()]);
            }
        }
        if unproved.is_empty() {
            return Ok(());
        }
        self.change(|tx| {
            unproved.into_iter().for_each(|key| tx.remove(key));
            Ok(())
        })
    }
}

/// Returns since when something is kept under a key, in milliseconds since 1970.
fn kept_since(tx: &Transaction<'_>, key: &str) -> Result<Option<u64>, StoreError> {
    Ok(tx.get(&entry_key(key))?.and_then(|bytes| time_of(&bytes)))
}

fn entry_key(key: &str) -> Vec<u8> {
    Kind::Idempotency.key(key.as_bytes())
}

fn unreadable(key: &str) -> StoreError {
    StoreError::Record {
        tree: Kind::Idempotency.name(),
        key: hexadecimal(key.as_bytes()),
        detail: "it is no outcome in the form that this jirani writes".to_owned(),
    }
}

#[cfg(test)]
mod tests;
