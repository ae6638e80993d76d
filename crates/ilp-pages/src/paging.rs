//! Paging of lists: the rows that a query asks for, and the links to their neighbours.

use ilp_operator::PageArguments;
use ilp_store::Rows;
use maud::Markup;

use crate::{fields::query, parts::pager, visit::Visit};

/// The number of rows on a page of a list.
pub(crate) const ROWS: i32 = 25;
/// The number of rows on a page of a search's results.
pub(crate) const ROWS_FOUND: usize = 25;

/// The names of cursors and of the notice shown once, which links don't carry on.
const NOT_KEPT: [&str; 3] = ["after", "before", "done"];

/// Returns the rows that the query asks for: those after or before a cursor, else the newest.
pub(crate) fn asked(visit: &Visit) -> PageArguments {
    let of = |name: &str| visit.query.given(name).map(str::to_owned);
    let (after, before) = (of("after"), of("before"));
    let (first, last) = if before.is_some() { (None, Some(ROWS)) } else { (Some(ROWS), None) };
    PageArguments { after, before, first, last, ..PageArguments::default() }
}

/// Links from a page of the list at `path` to its neighbours. The rest of the query, such as a
/// search, stays. `cursor` names a row.
pub(crate) fn links<R>(
    visit: &Visit,
    path: &str,
    rows: &Rows<R>,
    cursor: impl Fn(&R) -> String,
) -> Markup {
    let newer = rows.rows.first().filter(|_| rows.has_previous).map(&cursor);
    let older = rows.rows.last().filter(|_| rows.has_next).map(&cursor);
    let to = |name: &str, cursor: String| link(visit, path, name, &cursor);
    let newer = newer.map(|cursor| to("before", cursor));
    let older = older.map(|cursor| to("after", cursor));
    pager(newer.as_deref(), older.as_deref())
}

/// Returns the cursor at which an earlier search stopped.
pub(crate) fn going_on(visit: &Visit) -> Option<String> {
    visit.query.given("after").map(str::to_owned)
}

/// Links from the results of a search to its beginning and to its next page.
pub(crate) fn search_links(visit: &Visit, path: &str, next: Option<&str>) -> Markup {
    let begin = going_on(visit).map(|_| {
        let kept = visit.query.except(&NOT_KEPT).filter(|(_, value)| !value.is_empty());
        format!("{path}?{}", query(&kept.collect::<Vec<_>>()))
    });
    let on = next.map(|next| link(visit, path, "after", next));
    pager(begin.as_deref(), on.as_deref())
}

/// Returns a link to the rows after or before a cursor.
pub(crate) fn link(visit: &Visit, path: &str, name: &str, cursor: &str) -> String {
    let kept = visit.query.except(&NOT_KEPT).filter(|(_, value)| !value.is_empty());
    let fields: Vec<_> = kept.chain([(name, cursor)]).collect();
    format!("{path}?{}", query(&fields))
}
