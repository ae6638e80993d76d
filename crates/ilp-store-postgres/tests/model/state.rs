//! A state of the two nodes and the database.

use std::hash::{DefaultHasher, Hash, Hasher};

use super::rows::Row;

/// A write under way.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) struct Write {
    pub(super) row: Row,
    /// Where the row, or the beat that vouches for it, is in the log; `None` in doubt.
    pub(super) at: Option<usize>,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) struct Node {
    pub(super) runs: bool,
    pub(super) epoch: u8,
    /// The number of its last acknowledged page.
    pub(super) number: u8,
    pub(super) available: u8,
    /// Movements that no page has yet.
    pub(super) queue: [i8; 2],
    pub(super) page: Option<Write>,
    pub(super) other: Option<Write>,
    pub(super) operation: u8,
}

pub(super) const GONE: Node = Node {
    runs: false,
    epoch: 0,
    number: 0,
    available: 0,
    queue: [0; 2],
    page: None,
    other: None,
    operation: 0,
};

#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(super) struct State {
    pub(super) nodes: [Node; 2],
    pub(super) log: Vec<Row>,
    /// How much of the log the standby has.
    pub(super) replicated: usize,
    /// How much of the log a restart has shown.
    pub(super) shown: usize,
    pub(super) failures: u8,
    pub(super) kills: u8,
    pub(super) credits: u8,
    /// How many Fulfills of debits have left.
    pub(super) fulfilled: u8,
    pub(super) writes: u8,
}

pub(super) fn queued(queue: [i8; 2]) -> usize {
    queue.iter().filter(|entry| **entry != 0).count()
}

pub(super) fn with(mut queue: [i8; 2], entry: i8) -> [i8; 2] {
    queue[queued(queue)] = entry;
    queue
}

impl Node {
    /// Takes the acknowledgement of a write, and returns how many Fulfills leave.
    pub(super) fn acknowledged(&mut self, is_page: bool) -> u8 {
        if !is_page {
            let granted = matches!(self.other.take(), Some(Write { row: Row::Grant { .. }, .. }));
            self.available += u8::from(granted);
            return 0;
        }
        match self.page.take() {
            Some(Write { row: Row::Page { number, entries, .. }, .. }) => {
                self.number = number;
                u8::try_from(entries.iter().filter(|entry| **entry < 0).count()).unwrap()
            }
            _ => 0,
        }
    }

    pub(super) fn write(&mut self, is_page: bool) -> &mut Option<Write> {
        if is_page { &mut self.page } else { &mut self.other }
    }
}

/// Returns the print of a state, the same for the state with the two nodes' names changed.
pub(super) fn print_of(state: &State) -> u128 {
    let mut mirrored = state.clone();
    mirrored.nodes.swap(0, 1);
    for node in &mut mirrored.nodes {
        for write in [&mut node.page, &mut node.other].into_iter().flatten() {
            write.row = write.row.mirrored();
        }
    }
    mirrored.log.iter_mut().for_each(|row| *row = row.mirrored());
    hash_of(state).min(hash_of(&mirrored))
}

pub(super) fn hash_of(state: &State) -> u128 {
    let half = |seed: u64| {
        let mut hasher = DefaultHasher::new();
        seed.hash(&mut hasher);
        state.hash(&mut hasher);
        u128::from(hasher.finish())
    };
    half(1) << 64 | half(2)
}
