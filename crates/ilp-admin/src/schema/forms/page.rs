//! Lists, as Relay pages through them.

use async_graphql::{Enum, ID, OutputType, SimpleObject};
use ilp_store::{Order, Rows};

use ilp_operator::PageArguments;

/// In which order a list is given.
#[derive(Clone, Copy, PartialEq, Eq, Enum)]
pub(crate) enum SortOrder {
    /// Oldest first.
    Asc,
    /// Newest first, which is the default.
    Desc,
}

/// The position of a page in its list.
#[derive(SimpleObject)]
pub(crate) struct PageInfo {
    /// The cursor of the page's last edge, to be given as `after`; null when the page is empty.
    end_cursor: Option<String>,
    /// Whether there are rows after this page.
    has_next_page: bool,
    /// Whether there are rows before this page.
    has_previous_page: bool,
    /// The cursor of the page's first edge, to be given as `before`; null when the page is empty.
    start_cursor: Option<String>,
}

impl PageInfo {
    /// The page from one cursor to another.
    pub(crate) fn new(
        start_cursor: Option<String>,
        end_cursor: Option<String>,
        has_previous_page: bool,
        has_next_page: bool,
    ) -> Self {
        Self { end_cursor, has_next_page, has_previous_page, start_cursor }
    }
}

/// Puts the arguments of a list together.
pub(crate) fn arguments(
    after: Option<String>,
    before: Option<String>,
    first: Option<i32>,
    last: Option<i32>,
    sort_order: Option<SortOrder>,
) -> PageArguments {
    let order = match sort_order {
        Some(SortOrder::Asc) => Order::OldestFirst,
        Some(SortOrder::Desc) | None => Order::NewestFirst,
    };
    PageArguments { after, before, first, last, order }
}

/// Returns the part of a request's complexity that a list takes: that of one row, for every row. A
/// number that will be refused counts as the largest page.
pub(crate) fn complexity(first: Option<i32>, last: Option<i32>, row: usize) -> usize {
    let rows = usize::try_from(first.or(last).unwrap_or(20)).unwrap_or(100).clamp(1, 100);
    rows.saturating_mul(row.saturating_add(1))
}

/// Returns the complexity of a list with a filter: rows that the filter drops must be read as well,
/// so only a few such lists fit into a request.
pub(crate) fn filtered_complexity(
    is_filtered: bool,
    first: Option<i32>,
    last: Option<i32>,
    row: usize,
) -> usize {
    let filter = if is_filtered { FILTER_COMPLEXITY } else { 0 };
    complexity(first, last, row).saturating_add(filter)
}

const FILTER_COMPLEXITY: usize = 2_000;

/// Rows that have a cursor: their id.
pub(crate) trait Row: OutputType {
    fn id(&self) -> &ID;
}

/// The page info of some rows and the rows with their cursors.
pub(crate) fn page<View, Node: Row + From<View>>(
    rows: Rows<View>,
) -> (PageInfo, impl Iterator<Item = (String, Node)>) {
    let Rows { rows, has_previous, has_next } = rows;
    let nodes: Vec<Node> = rows.into_iter().map(Node::from).collect();
    let cursor = |node: &Node| node.id().to_string();
    let (start, end) = (nodes.first().map(cursor), nodes.last().map(cursor));
    let info = PageInfo::new(start, end, has_previous, has_next);
    (info, nodes.into_iter().map(move |node| (cursor(&node), node)))
}
