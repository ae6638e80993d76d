//! The stored form of an answer under an idempotency key.
//!
//! Since when (u64, milliseconds since 1970, big-endian), the request's digest (32 bytes), the
//! proof (one byte of kind, 16 of id; all zero where none is needed), then the outcome as JSON.

use uuid::Uuid;

use crate::{journal::Fields, records::forms::keys::Kind};

/// The bytes before the outcome.
const HEAD_BYTES: usize = 8 + 32 + 1 + 16;

/// The evidence in the books that a request was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Proof {
    /// An operator's transfer of this id, whatever became of it.
    Booked(Uuid),
    /// A withdrawal of this id that was posted.
    Posted(Uuid),
    /// A withdrawal of this id that was voided.
    Voided(Uuid),
}

impl Proof {
    /// Kind and id. The numbers are on disk and never change; zero is for no proof.
    fn to_parts(self) -> (u8, Uuid) {
        match self {
            Self::Booked(id) => (1, id),
            Self::Posted(id) => (2, id),
            Self::Voided(id) => (3, id),
        }
    }

    fn from_parts(kind: u8, id: Uuid) -> Option<Option<Self>> {
        match kind {
            0 => Some(None),
            1 => Some(Some(Self::Booked(id))),
            2 => Some(Some(Self::Posted(id))),
            3 => Some(Some(Self::Voided(id))),
            _ => None,
        }
    }
}

/// An outcome with what it belongs to.
pub(super) struct Entry {
    pub(super) at_ms: u64,
    pub(super) digest: [u8; 32],
    /// Without which the outcome doesn't count.
    pub(super) proof: Option<Proof>,
    pub(super) outcome: Vec<u8>,
}

impl Entry {
    pub(super) fn to_bytes(&self) -> Vec<u8> {
        let (kind, id) = self.proof.map_or((0, Uuid::nil()), Proof::to_parts);
        let mut bytes = Vec::with_capacity(HEAD_BYTES + self.outcome.len());
        bytes.extend_from_slice(&self.at_ms.to_be_bytes());
        bytes.extend_from_slice(&self.digest);
        bytes.push(kind);
        bytes.extend_from_slice(id.as_bytes());
        bytes.extend_from_slice(&self.outcome);
        bytes
    }

    pub(super) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (head, outcome) = bytes.split_at_checked(HEAD_BYTES)?;
        Some(Self {
            at_ms: time_of(head)?,
            digest: head[8..40].try_into().ok()?,
            proof: Proof::from_parts(head[40], Uuid::from_slice(&head[41..]).ok()?)?,
            outcome: outcome.to_vec(),
        })
    }
}

/// Since when an entry is kept, which can be told even where the rest can't be understood.
pub(super) fn time_of(bytes: &[u8]) -> Option<u64> {
    Fields::new(bytes).u64()
}

/// Where the index of the oldest leads to a key.
pub(super) fn by_time(at_ms: u64, key: &str) -> Vec<u8> {
    let mut rest = at_ms.to_be_bytes().to_vec();
    rest.extend_from_slice(key.as_bytes());
    Kind::IdempotencyByTime.key(&rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_comes_back_from_its_bytes_and_nothing_else_is_taken_for_one() {
        let id = Uuid::from_u128(7);
        let proofs = [Proof::Booked(id), Proof::Posted(id), Proof::Voided(id)].map(Some);
        for proof in proofs.into_iter().chain([None]) {
            let entry = Entry { at_ms: 9, digest: [3; 32], proof, outcome: b"{}".to_vec() };
            let bytes = entry.to_bytes();
            let read = Entry::from_bytes(&bytes).unwrap();
            assert_eq!((read.at_ms, read.digest, read.proof), (9, [3; 32], proof));
            assert_eq!(read.outcome, b"{}");
            assert!(Entry::from_bytes(&bytes[..HEAD_BYTES - 1]).is_none());
        }
        // As it was written before there were proofs.
        let earlier = [&9_u64.to_be_bytes()[..], &[3; 32], br#"{"id":"a longer text"}"#].concat();
        assert!(Entry::from_bytes(&earlier).is_none());
        assert_eq!(time_of(&earlier), Some(9));
    }
}
