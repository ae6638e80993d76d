//! A sum over the entries of each kind, kept up to date with every change.

use std::collections::BTreeMap;

use xxhash_rust::xxh3::{xxh3_64, xxh3_64_with_seed};

use crate::journal::Fields;

/// How many entries, and the sum of their hashes. Two sets of entries that differ have one sum once in
/// 2^64 times.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Sum {
    count: u64,
    hashes: u64,
}

impl Sum {
    /// Adds an entry.
    pub(crate) fn add(&mut self, key: &[u8], value: &[u8]) {
        self.add_hash(hash(key, value));
    }

    fn add_hash(&mut self, hash: u64) {
        self.count = self.count.wrapping_add(1);
        self.hashes = self.hashes.wrapping_add(hash);
    }

    /// Removes an entry that was added.
    fn remove(&mut self, key: &[u8], value: &[u8]) {
        self.count = self.count.wrapping_sub(1);
        self.hashes = self.hashes.wrapping_sub(hash(key, value));
    }

    /// Returns how many entries there are.
    pub(crate) fn count(&self) -> u64 {
        self.count
    }
}

/// Returns the hash of an entry.
pub(crate) fn hash(key: &[u8], value: &[u8]) -> u64 {
    xxh3_64_with_seed(value, xxh3_64(key))
}

/// The sums of all kinds; a kind is the first byte of a key.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Sums(BTreeMap<u8, Sum>);

impl Sums {
    /// Adds an entry.
    pub(crate) fn add(&mut self, key: &[u8], value: &[u8]) {
        let Some(kind) = key.first() else { return };
        self.0.entry(*kind).or_default().add(key, value);
    }

    /// Adds an entry of this kind by its hash.
    pub(crate) fn add_hash(&mut self, kind: u8, hash: u64) {
        self.0.entry(kind).or_default().add_hash(hash);
    }

    /// Removes an entry that was added.
    pub(crate) fn remove(&mut self, key: &[u8], value: &[u8]) {
        let Some(kind) = key.first() else { return };
        self.0.entry(*kind).or_default().remove(key, value);
    }

    /// Returns the sum of one kind.
    pub(crate) fn of(&self, kind: u8) -> Sum {
        self.0.get(&kind).copied().unwrap_or_default()
    }

    /// Returns the kinds whose sums differ from those of `other`.
    pub(crate) fn differences<'a>(&'a self, other: &'a Self) -> impl Iterator<Item = u8> + 'a {
        (0..=u8::MAX).filter(|kind| self.of(*kind) != other.of(*kind))
    }

    pub(super) fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(self.0.len() * 17);
        for (kind, sum) in &self.0 {
            bytes.push(*kind);
            bytes.extend_from_slice(&sum.count.to_be_bytes());
            bytes.extend_from_slice(&sum.hashes.to_be_bytes());
        }
        bytes
    }

    pub(super) fn from_fields(mut fields: Fields<'_>) -> Option<Self> {
        let mut sums = BTreeMap::new();
        while !fields.is_empty() {
            let kind = fields.u8()?;
            sums.insert(kind, Sum { count: fields.u64()?, hashes: fields.u64()? });
        }
        Some(Self(sums))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sum_is_that_of_its_entries_in_any_order_and_of_no_others() {
        let sum = |entries: &[(&[u8], &[u8])]| {
            let mut sums = Sums::default();
            entries.iter().for_each(|(key, value)| sums.add(key, value));
            sums
        };
        let whole = sum(&[(b"aa", b"1"), (b"ab", b"2"), (b"b", b"3")]);
        assert_eq!(whole, sum(&[(b"b", b"3"), (b"ab", b"2"), (b"aa", b"1")]));
        let mut changed = sum(&[(b"aa", b"1"), (b"ab", b"9"), (b"b", b"3")]);
        assert_eq!(whole.differences(&changed).collect::<Vec<_>>(), [b'a']);
        changed.remove(b"ab", b"9");
        changed.add(b"ab", b"2");
        assert_eq!(whole, changed);
        let fields = whole.to_bytes();
        assert_eq!(Sums::from_fields(Fields::new(&fields)), Some(whole.clone()));
        assert_ne!(whole, sum(&[(b"aa1", b""), (b"ab", b"2"), (b"b", b"3")]));
    }
}
