//! Why packets weren't fulfilled, counted over all peers.

use std::{
    array, mem,
    sync::atomic::{AtomicU64, Ordering},
};

use interledger_packet::ErrorCode;

use strum::VariantArray;

use super::Codes;
use crate::refusal::{LinkFailure, Refusal};

/// Counters for every reason. Touched only by packets that fail.
#[derive(Debug)]
pub struct Causes {
    refusals: [AtomicU64; Refusal::KINDS.len()],
    link_failures: [AtomicU64; LinkFailure::VARIANTS.len()],
    rejects: Codes,
}

impl Default for Causes {
    fn default() -> Self {
        Self {
            refusals: array::from_fn(|_| AtomicU64::new(0)),
            link_failures: array::from_fn(|_| AtomicU64::new(0)),
            rejects: Codes::default(),
        }
    }
}

// Relaxed throughout: the numbers are for display and order nothing.
impl Causes {
    /// Our own Rejects by kind. The amounts in a kind's fields mean nothing here.
    pub fn refusals(&self) -> impl Iterator<Item = (Refusal, u64)> {
        Refusal::KINDS.into_iter().zip(self.refusals.iter().map(load))
    }

    /// How next hops failed to reply. Each ends in a refusal, or in another try.
    pub fn link_failures(&self) -> impl Iterator<Item = (LinkFailure, u64)> {
        LinkFailure::VARIANTS.iter().copied().zip(self.link_failures.iter().map(load))
    }

    /// Rejects from further on that passed through, by code; `None` for codes that no RFC names.
    pub fn rejects(&self) -> impl Iterator<Item = (Option<ErrorCode>, u64)> {
        self.rejects.counts()
    }

    pub(crate) fn refused(&self, refusal: &Refusal) {
        let kind = mem::discriminant(refusal);
        let kinds = &Refusal::KINDS;
        let index = kinds.iter().position(|known| mem::discriminant(known) == kind);
        debug_assert!(index.is_some(), "{refusal:?} is missing among Refusal::KINDS");
        add(index.and_then(|index| self.refusals.get(index)));
    }

    pub(crate) fn link_failed(&self, failure: LinkFailure) {
        let index = LinkFailure::VARIANTS.iter().position(|known| *known == failure);
        add(index.and_then(|index| self.link_failures.get(index)));
    }

    pub(crate) fn rejected(&self, code: ErrorCode) {
        self.rejects.add(code);
    }
}

fn load(counter: &AtomicU64) -> u64 {
    counter.load(Ordering::Relaxed)
}

fn add(counter: Option<&AtomicU64>) {
    if let Some(counter) = counter {
        counter.fetch_add(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_cause_has_its_counter_and_a_label_of_its_own() {
        let causes = Causes::default();
        Refusal::KINDS.iter().for_each(|kind| causes.refused(kind));
        LinkFailure::VARIANTS.iter().for_each(|kind| causes.link_failed(*kind));
        assert!(causes.refusals().all(|(_, count)| count == 1));
        assert!(causes.link_failures().all(|(_, count)| count == 1));
        let mut labels: Vec<_> = causes.refusals().map(|(kind, _)| kind.label()).collect();
        labels.sort_unstable();
        labels.dedup();
        assert_eq!(labels.len(), Refusal::KINDS.len());
        let is_plain = |letter: char| letter.is_ascii_lowercase() || letter == '_';
        assert!(labels.iter().all(|label| label.chars().all(is_plain)));
    }

    #[test]
    fn codes_that_a_next_hop_makes_up_share_one_counter() {
        let causes = Causes::default();
        for bytes in [b"F99", b"F98", b"T77", b"R33", b"F08"] {
            causes.rejected(ErrorCode::from_bytes(*bytes).expect("a code"));
        }
        let counted: Vec<_> = causes.rejects().filter(|(_, count)| *count > 0).collect();
        let f08 = Some(ErrorCode::F08_AMOUNT_TOO_LARGE);
        let f99 = Some(ErrorCode::F99_APPLICATION_ERROR);
        assert_eq!(counted, [(f08, 1), (f99, 1), (None, 3)]);
    }
}
