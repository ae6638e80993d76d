//! The accounts of the books in memory, by place.

use std::ops::{Index, IndexMut};

use super::state::{Row, Threshold};

/// An account with what only the running ledger needs.
pub(super) struct Slot {
    pub(super) row: Row,
    /// Whether the account was closed, so that the slot is free for another account.
    pub(super) vacant: bool,
    pub(super) threshold: Option<Threshold>,
    /// Whether the account was at or below its threshold after its last entry.
    pub(super) low: bool,
    /// Whether it changed since the last checkpoint.
    pub(super) changed: bool,
}

/// The place of an account among the slots. Slots are reused and never removed, so each index that
/// was given is one for good.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct SlotIndex(usize);

/// The slots of the accounts.
#[derive(Default)]
pub(super) struct Slots(Vec<Slot>);

impl Slots {
    pub(super) fn iter(&self) -> impl Iterator<Item = &Slot> {
        self.0.iter()
    }

    pub(super) fn add(&mut self, slot: Slot) -> SlotIndex {
        self.0.push(slot);
        SlotIndex(self.0.len() - 1)
    }
}

impl Index<SlotIndex> for Slots {
    type Output = Slot;

    #[expect(clippy::indexing_slicing, reason = "an index is the place of a slot that was added")]
    fn index(&self, SlotIndex(at): SlotIndex) -> &Slot {
        &self.0[at]
    }
}

impl IndexMut<SlotIndex> for Slots {
    #[expect(clippy::indexing_slicing, reason = "an index is the place of a slot that was added")]
    fn index_mut(&mut self, SlotIndex(at): SlotIndex) -> &mut Slot {
        &mut self.0[at]
    }
}
