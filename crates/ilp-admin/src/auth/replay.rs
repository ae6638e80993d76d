//! Remembers the signatures that were accepted, so that none is accepted twice.

use std::collections::BTreeSet;

use parking_lot::Mutex;

/// How many signatures are remembered at once. Sixty thousand in a lifetime of 30 s on both sides
/// of now are a thousand requests a second; an entry takes 40 bytes, so this is 2.6 MB.
const SEEN_MAX: usize = 65_536;

/// The signatures seen and not yet too old to be refused for their age alone.
///
/// Only a signature that was verified gets in, so nobody without the secret can fill it.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    /// Sorted by when a signature ends, so that those that ended are found at the front. A digest
    /// covers its own timestamp, hence always comes with the same end.
    digests: Mutex<BTreeSet<(u64, [u8; 32])>>,
}

impl Seen {
    /// Whether the digest is new; it isn't the next time. Also false when there is no more room:
    /// to forget one early would let it in again.
    pub(crate) fn is_first(&self, digest: [u8; 32], ends_at_ms: u64, now_ms: u64) -> bool {
        let mut digests = self.digests.lock();
        while digests.first().is_some_and(|(ends_at_ms, _)| *ends_at_ms < now_ms) {
            digests.pop_first();
        }
        if digests.len() >= SEEN_MAX {
            tracing::warn!(SEEN_MAX, "signed requests come faster than they can be remembered");
            return false;
        }
        digests.insert((ends_at_ms, digest))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_is_new_once_and_forgotten_after_its_end() {
        let seen = Seen::default();
        assert!(seen.is_first([1; 32], 100, 50));
        assert!(!seen.is_first([1; 32], 100, 100));
        assert!(seen.is_first([2; 32], 200, 101));
        assert_eq!(seen.digests.lock().len(), 1, "what has ended is dropped");
    }

    #[test]
    fn a_full_memory_refuses_rather_than_forgets() {
        let seen = Seen::default();
        for number in 0..SEEN_MAX as u64 {
            let mut digest = [0; 32];
            digest[..8].copy_from_slice(&number.to_be_bytes());
            assert!(seen.is_first(digest, 100, 50));
        }
        assert!(!seen.is_first([255; 32], 100, 50));
        assert!(seen.is_first([255; 32], 300, 101));
    }
}
