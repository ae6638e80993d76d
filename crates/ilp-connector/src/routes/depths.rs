//! A table for each depth, which is how many segments a prefix has.
//!
//! A destination is looked for at every depth from the longest prefix down. With all prefixes in one
//! table, one route of eight segments would let each packet to a shorter one wait for memory five
//! times more, to find nothing. Apart, the few routes of an uncommon depth are a small table, which
//! stays near, and depths without a route cost nothing.

use std::sync::OnceLock;

use super::table::Table;

/// The number of depths with tables of their own. Deeper prefixes share the last one: they are
/// rare, and there could be hundreds of depths.
const DEPTHS: usize = 16;

/// The tables. They are made with the first route of a depth and stay, since a table without routes
/// is small.
#[derive(Debug)]
pub(super) struct Depths {
    tables: [OnceLock<Table>; DEPTHS],
}

impl Depths {
    pub(super) fn new() -> Self {
        Self { tables: [const { OnceLock::new() }; DEPTHS] }
    }

    /// Returns the table of prefixes of `segments` segments; `None` where there never was one.
    pub(super) fn table(&self, segments: usize) -> Option<&Table> {
        self.tables[segments.min(DEPTHS - 1)].get()
    }

    pub(super) fn table_or_new(&self, segments: usize) -> &Table {
        self.tables[segments.min(DEPTHS - 1)].get_or_init(Table::new)
    }
}
