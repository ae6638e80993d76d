//! The signatures that were accepted: none is accepted twice, even after a crash or when the clock
//! is set back. The caller decides which are removed.

use std::ops::Bound::{Excluded, Included};

use super::forms::keys::{Kind, hexadecimal};
use crate::{
    error::{StoreError, TransactionError},
    journal::Fields,
    store::{Store, reading::Reader, transact::Noted},
};

/// How many that have ended are removed beside each that is added: more than one, so that what is
/// left behind shrinks, and few, so that no request pays for all of them.
const REMOVED_MAX: usize = 16;

/// Bytes of a key after its kind: when the signature ends, and its digest.
const REST_BYTES: usize = 8 + 32;

impl Reader {
    /// Returns the signatures that haven't ended at `now_ms`, each with its end, those first that
    /// end first.
    ///
    /// # Errors
    /// When the store can't be read, or an entry is none.
    pub fn signatures(&self, now_ms: u64) -> Result<Vec<(u64, [u8; 32])>, StoreError> {
        self.wait_for_log()?;
        let start = Kind::Signature.key(&now_ms.to_be_bytes());
        let end = vec![Kind::Signature.byte() + 1];
        let entries = self.range(Included(start), Excluded(end));
        entries
            .map(|entry| {
                let (key, _) = entry?;
                let rest = key.get(1..).filter(|rest| rest.len() == REST_BYTES);
                let read = rest.and_then(|rest| {
                    Some((Fields::new(rest).u64()?, rest.get(8..)?.try_into().ok()?))
                });
                read.ok_or_else(|| StoreError::Record {
                    tree: Kind::Signature.name(),
                    key: hexadecimal(key.get(1..).unwrap_or_default()),
                    detail: "its key is no time and digest".to_owned(),
                })
            })
            .collect()
    }
}

impl Store {
    /// Notes a signature that ends at `ends_at_ms` (milliseconds since 1970). The log has the
    /// note before every change that comes after it. Also removes some of those that ended before `forget_before_ms`.
    ///
    /// # Errors
    /// When the store can't be read or written.
    pub fn remember_signature(
        &self,
        digest: &[u8; 32],
        ends_at_ms: u64,
        forget_before_ms: u64,
    ) -> Result<Noted, TransactionError> {
        let start = vec![Kind::Signature.byte()];
        let end = Kind::Signature.key(&forget_before_ms.to_be_bytes());
        let ended = self.range(Included(start), Excluded(end)).take(REMOVED_MAX);
        let ended = ended.collect::<Result<Vec<_>, _>>()?;
        self.note(|tx| {
            ended.iter().for_each(|(key, _)| tx.remove(key.to_vec()));
            let mut rest = ends_at_ms.to_be_bytes().to_vec();
            rest.extend_from_slice(digest);
            tx.put_bytes(Kind::Signature.key(&rest), &[])
        })
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{fresh, open};

    #[test]
    fn a_signature_is_there_after_a_restart_until_its_end() {
        let (dir, store) = fresh();
        store.remember_signature(&[1; 32], 100, 50).unwrap().wait().unwrap();
        store.remember_signature(&[2; 32], 300, 60).unwrap().wait().unwrap();
        drop(store);
        let store = open(dir.path());
        assert_eq!(store.signatures(100).unwrap(), [(100, [1; 32]), (300, [2; 32])]);
        assert_eq!(store.signatures(101).unwrap(), [(300, [2; 32])]);
        store.remember_signature(&[3; 32], 400, 101).unwrap().wait().unwrap();
        assert_eq!(store.signatures(0).unwrap(), [(300, [2; 32]), (400, [3; 32])], "one is gone");
    }
}
