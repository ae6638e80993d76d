//! Remembers the signatures that were accepted, so that none is accepted twice.

use std::collections::BTreeSet;

use ilp_store::{Noted, Store, StoreError};
use parking_lot::Mutex;

use super::Denied;

/// The number of signatures remembered before expired ones are removed. After the clock is set
/// back, a signature that was used before would be valid again, so no signature is removed while
/// there is room.
const KEPT_MAX: usize = 32_768;

/// The most signatures remembered at once. Sixty thousand in a lifetime of 30 s on both sides of
/// now are a thousand requests a second; an entry takes 40 bytes, so this is 2.6 MB.
const SEEN_MAX: usize = 65_536;

/// The signatures seen, including those that are too old to be accepted unless the clock is set
/// back. If it is set back, a signature that ends before one that was removed is refused: it may
/// have been used.
///
/// Only a verified signature gets in, so a client without the secret can't fill it. Each signature
/// is on the disk before its request is served, so it is refused also after the node was killed.
///
/// The end of a signature follows from the lifetime configured when it was seen. Configuring a
/// longer lifetime makes signatures valid again that had ended by the shorter one.
/// those in again that had ended by the shorter one.
pub(crate) struct Seen {
    /// Sorted by when a signature ends, so that those that ended are found at the front. A digest
    /// covers its own timestamp, hence always comes with the same end.
    memory: Mutex<Memory>,
    store: Store,
}

#[derive(Default)]
struct Memory {
    digests: BTreeSet<(u64, [u8; 32])>,
    /// The time up to which expired signatures may have been removed; in milliseconds since 1970.
    forgotten_up_to_ms: u64,
}

impl Seen {
    /// Opens the set with the signatures that the store remembers.
    pub(crate) fn open(store: Store) -> Result<Self, StoreError> {
        let digests: BTreeSet<_> = store.signatures(0)?.into_iter().collect();
        let mut memory = Memory::default();
        if digests.len() >= KEPT_MAX {
            // Other signatures were removed before these, at the latest when the first of these
            // ended.
            memory.forgotten_up_to_ms = digests.first().map_or(0, |(ends_at_ms, _)| ends_at_ms - 1);
        }
        memory.digests = digests;
        Ok(Self { memory: Mutex::new(memory), store })
    }

    /// Lets a digest through the first time. The log has it before the changes that it authorises, so it
    /// is on the disk with them or earlier; the caller waits for the note before it answers.
    pub(crate) async fn admit(
        &self,
        digest: [u8; 32],
        ends_at_ms: u64,
        now_ms: u64,
    ) -> Result<Noted, Denied> {
        let Some(oldest_ms) = self.is_first(digest, ends_at_ms, now_ms)? else {
            return Err(Denied::Wrong("the signature was used before"));
        };
        let store = self.store.clone();
        let remembered = tokio::task::spawn_blocking(move || {
            store.remember_signature(&digest, ends_at_ms, oldest_ms)
        });
        match remembered.await {
            Ok(Ok(noted)) => Ok(noted),
            Ok(Err(error)) => {
                tracing::error!(%error, "a signature can't be remembered, so it isn't accepted");
                Err(Denied::Unavailable("the node can't write its store"))
            }
            Err(_panic) => Err(Denied::Unavailable("the node can't write its store")),
        }
    }

    /// Adds a new digest, and returns the end of the oldest one remembered; `None` for a digest
    /// that was used before. Refuses the digest also when there is no more room: removing one early
    /// would let it be used again.
    fn is_first(
        &self,
        digest: [u8; 32],
        ends_at_ms: u64,
        now_ms: u64,
    ) -> Result<Option<u64>, Denied> {
        let Memory { digests, forgotten_up_to_ms } = &mut *self.memory.lock();
        while digests.len() >= KEPT_MAX
            && let Some((ended_at_ms, ended)) = digests.first().copied()
            && ended_at_ms < now_ms
        {
            digests.remove(&(ended_at_ms, ended));
            *forgotten_up_to_ms = ended_at_ms.max(*forgotten_up_to_ms);
        }
        if ends_at_ms <= *forgotten_up_to_ms {
            return Err(Denied::Wrong(
                "the signature may have been used before the node's clock was set back",
            ));
        }
        if digests.len() >= SEEN_MAX && !digests.contains(&(ends_at_ms, digest)) {
            tracing::warn!(SEEN_MAX, "signed requests come faster than they can be remembered");
            return Err(Denied::Unavailable("more signed requests come than can be remembered"));
        }
        if !digests.insert((ends_at_ms, digest)) {
            return Ok(None);
        }
        Ok(digests.first().map(|(oldest_ms, _)| *oldest_ms))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(dir: &tempfile::TempDir) -> Seen {
        Seen::open(Store::open(dir.path()).unwrap()).unwrap()
    }

    #[tokio::test]
    async fn a_digest_is_new_once_also_after_a_restart_and_when_the_clock_is_set_back() {
        let dir = tempfile::tempdir().unwrap();
        let before = seen(&dir);
        assert_eq!(before.admit([1; 32], 100, 50).await.map(drop), Ok(()));
        drop(before);
        let after = seen(&dir);
        let used = Err(Denied::Wrong("the signature was used before"));
        assert_eq!(after.admit([1; 32], 100, 100).await.map(drop), used);
        // A day passes, and then the clock is set back to the time before it.
        assert_eq!(after.admit([2; 32], 90_000_000, 86_400_000).await.map(drop), Ok(()));
        assert_eq!(after.admit([1; 32], 100, 60).await.map(drop), used);
        assert_eq!(after.admit([3; 32], 101, 60).await.map(drop), Ok(()));
        drop(after);
        assert_eq!(seen(&dir).admit([1; 32], 100, 60).await.map(drop), used);
    }

    #[test]
    fn what_was_forgotten_for_want_of_room_is_not_let_in_again() {
        let dir = tempfile::tempdir().unwrap();
        let seen = seen(&dir);
        let digest = |number: u64| {
            let mut digest = [0; 32];
            digest[..8].copy_from_slice(&number.to_be_bytes());
            digest
        };
        for number in 0..KEPT_MAX as u64 {
            assert!(seen.is_first(digest(number), 100 + number, 50).unwrap().is_some());
        }
        let later_ms = 200;
        assert_eq!(seen.is_first([255; 32], 1_000_000, later_ms), Ok(Some(101)), "one has gone");
        assert!(matches!(seen.is_first(digest(0), 100, 50), Err(Denied::Wrong(_))));
        assert_eq!(seen.is_first(digest(1), 101, 50), Ok(None), "this one is still known");
    }

    #[test]
    fn a_full_memory_refuses_rather_than_forgets() {
        let dir = tempfile::tempdir().unwrap();
        let seen = seen(&dir);
        for number in 0..SEEN_MAX as u64 {
            let mut digest = [0; 32];
            digest[..8].copy_from_slice(&number.to_be_bytes());
            assert_eq!(seen.is_first(digest, 100, 50), Ok(Some(100)));
        }
        assert!(matches!(seen.is_first([255; 32], 100, 50), Err(Denied::Unavailable(_))));
        assert_eq!(seen.is_first([0; 32], 100, 50), Ok(None));
        assert_eq!(seen.is_first([255; 32], 300, 101), Ok(Some(100)));
    }
}
