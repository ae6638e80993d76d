//! Paging by cursor, as GraphQL clients do it. A page costs what its rows cost, wherever it lies.

use uuid::Uuid;

/// In which order rows are listed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Order {
    /// By falling id, which is by falling time of creation.
    #[default]
    NewestFirst,
    /// By rising id.
    OldestFirst,
}

/// Which rows to list: those between two cursors in the given order, and of these the first or the
/// last so many. A cursor is the id of a row and needs no row: after a deletion it marks the gap.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Page {
    /// Only rows that come after this one in the order.
    pub after: Option<Uuid>,
    /// Only rows that come before this one in the order.
    pub before: Option<Uuid>,
    /// At most so many rows. The caller bounds it.
    pub limit: usize,
    /// The order, both of the rows given back and of what `after` and `before` mean.
    pub order: Order,
    /// Takes the last rows between the cursors (`last` in GraphQL), not the first.
    pub from_end: bool,
}

impl Page {
    /// The first `limit` rows, newest first.
    #[must_use]
    pub fn newest(limit: usize) -> Self {
        Self { after: None, before: None, limit, order: Order::NewestFirst, from_end: false }
    }
}

/// A page of rows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rows<R> {
    /// The rows in the order that was asked for.
    pub rows: Vec<R>,
    /// Whether rows come before these; for an empty page, before the place where it looked.
    pub has_previous: bool,
    /// Whether rows come after these; for an empty page, after the place where it looked.
    pub has_next: bool,
}
