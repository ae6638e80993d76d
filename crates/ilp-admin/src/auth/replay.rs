//! Remembers the signatures that were accepted, so that none is accepted twice.

use std::collections::BTreeSet;

use ilp_store::{Store, StoreError};
use parking_lot::Mutex;

use super::Denied;

/// How many signatures are remembered at once. Sixty thousand in a lifetime of 30 s on both sides
/// of now are a thousand requests a second; an entry takes 40 bytes, so this is 2.6 MB.
const SEEN_MAX: usize = 65_536;

/// The signatures seen and not yet too old to be refused for their age alone.
///
/// Only a signature that was verified gets in, so nobody without the secret can fill it. Each is on
/// the disk before its request is served, so a node that was killed refuses it all the same.
///
/// An end is reckoned by the lifetime that was configured then: to configure a longer one lets
/// those in again that had ended by the shorter one.
pub(crate) struct Seen {
    /// Sorted by when a signature ends, so that those that ended are found at the front. A digest
    /// covers its own timestamp, hence always comes with the same end.
    digests: Mutex<BTreeSet<(u64, [u8; 32])>>,
    store: Store,
}

impl Seen {
    /// Those that the store remembers and that haven't ended.
    pub(crate) fn open(store: Store, now_ms: u64) -> Result<Self, StoreError> {
        let digests = store.signatures(now_ms)?.into_iter().collect();
        Ok(Self { digests: Mutex::new(digests), store })
    }

    /// Lets a digest through the first time, once that is on the disk.
    pub(crate) async fn admit(
        &self,
        digest: [u8; 32],
        ends_at_ms: u64,
        now_ms: u64,
    ) -> Result<(), Denied> {
        if !self.is_first(digest, ends_at_ms, now_ms)? {
            return Err(Denied::Wrong("the signature was used before"));
        }
        let store = self.store.clone();
        let remembered = tokio::task::spawn_blocking(move || {
            store.remember_signature(&digest, ends_at_ms, now_ms)
        });
        match remembered.await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => {
                tracing::error!(%error, "a signature can't be remembered, so it isn't accepted");
                Err(Denied::Unavailable("the node can't write its store"))
            }
            Err(_panic) => Err(Denied::Unavailable("the node can't write its store")),
        }
    }

    /// Whether the digest is new; it isn't the next time. Refused also when there is no more room:
    /// to forget one early would let it in again.
    fn is_first(&self, digest: [u8; 32], ends_at_ms: u64, now_ms: u64) -> Result<bool, Denied> {
        let mut digests = self.digests.lock();
        while digests.first().is_some_and(|(ends_at_ms, _)| *ends_at_ms < now_ms) {
            digests.pop_first();
        }
        if digests.len() >= SEEN_MAX && !digests.contains(&(ends_at_ms, digest)) {
            tracing::warn!(SEEN_MAX, "signed requests come faster than they can be remembered");
            return Err(Denied::Unavailable("more signed requests come than can be remembered"));
        }
        Ok(digests.insert((ends_at_ms, digest)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(dir: &tempfile::TempDir) -> Seen {
        Seen::open(Store::open(dir.path()).unwrap(), 0).unwrap()
    }

    #[tokio::test]
    async fn a_digest_is_new_once_also_after_a_restart_and_forgotten_after_its_end() {
        let dir = tempfile::tempdir().unwrap();
        let before = seen(&dir);
        assert_eq!(before.admit([1; 32], 100, 50).await, Ok(()));
        drop(before);
        let after = seen(&dir);
        let used = Err(Denied::Wrong("the signature was used before"));
        assert_eq!(after.admit([1; 32], 100, 100).await, used);
        assert_eq!(after.admit([2; 32], 200, 101).await, Ok(()));
        assert_eq!(after.digests.lock().len(), 1, "what has ended is dropped");
    }

    #[test]
    fn a_full_memory_refuses_rather_than_forgets() {
        let dir = tempfile::tempdir().unwrap();
        let seen = seen(&dir);
        for number in 0..SEEN_MAX as u64 {
            let mut digest = [0; 32];
            digest[..8].copy_from_slice(&number.to_be_bytes());
            assert_eq!(seen.is_first(digest, 100, 50), Ok(true));
        }
        assert!(matches!(seen.is_first([255; 32], 100, 50), Err(Denied::Unavailable(_))));
        assert_eq!(seen.is_first([0; 32], 100, 50), Ok(false));
        assert_eq!(seen.is_first([255; 32], 300, 101), Ok(true));
    }
}
