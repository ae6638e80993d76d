//! A sum over index entries that is the same for the same entries in whatever order.

use std::{hash::BuildHasher, ops::AddAssign};

use foldhash::quality::RandomState;
use uuid::Uuid;

/// How many entries, and the sum of their hashes. Two sets of entries that differ, of whatever
/// damage made them so, have the same sum once in 2^64 times: the hash is another one at each start.
#[derive(Clone, Debug, Default)]
pub(super) struct IndexSum {
    count: u64,
    hashes: u64,
    hash: RandomState,
}

impl IndexSum {
    /// Adds the entry under `key` that leads to `id`.
    pub(super) fn add(&mut self, key: &[u8], id: Uuid) {
        self.count += 1;
        self.hashes = self.hashes.wrapping_add(self.hash.hash_one((key, id)));
    }

    pub(super) fn count(&self) -> u64 {
        self.count
    }
}

/// Only sums that were cloned from one another can be added or compared: they share its hash.
impl AddAssign for IndexSum {
    fn add_assign(&mut self, other: Self) {
        self.count += other.count;
        self.hashes = self.hashes.wrapping_add(other.hashes);
    }
}

impl PartialEq for IndexSum {
    fn eq(&self, other: &Self) -> bool {
        (self.count, self.hashes) == (other.count, other.hashes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sum_is_that_of_its_entries_in_any_order_and_of_no_others() {
        let none = IndexSum::default();
        let sum = |entries: &[(&[u8], u128)]| {
            let mut sum = none.clone();
            entries.iter().for_each(|(key, id)| sum.add(key, Uuid::from_u128(*id)));
            sum
        };
        let whole = sum(&[(b"a", 1), (b"b", 2), (b"c", 3)]);
        assert_eq!(whole, sum(&[(b"c", 3), (b"a", 1), (b"b", 2)]));
        let mut parts = sum(&[(b"c", 3)]);
        parts += sum(&[(b"b", 2), (b"a", 1)]);
        assert_eq!((&whole, parts.count()), (&parts, 3));
        for other in [
            sum(&[(b"a", 1), (b"b", 2)]),
            sum(&[(b"a", 1), (b"b", 2), (b"b", 2)]),
            sum(&[(b"a", 2), (b"b", 1), (b"c", 3)]),
            sum(&[(b"a", 1), (b"b", 2), (b"d", 3)]),
        ] {
            assert_ne!(whole, other);
        }
    }
}
