//! Looking through a list for rows that are wanted, so many at a time.

use ilp_store::{Page, Rows, StoreError};
use uuid::Uuid;

use crate::vocabulary::{error::OperatorError, page::PageArguments};

/// How many rows one search looks at. What lies beyond is had by going on from where it stopped, so
/// that a search costs the same however long the list is.
const LOOKED_AT_MAX: usize = 10_000;
/// How many are read in one step.
const ROWS_PER_STEP: usize = 500;

/// The result of a search.
#[derive(Clone, Debug)]
pub struct Sought<R> {
    /// The rows that are wanted, newest first.
    pub rows: Vec<R>,
    /// Where to go on, when there is more to look at.
    pub next: Option<String>,
}

/// Where a search begins.
pub(crate) fn begin(after: Option<String>) -> Result<Page, OperatorError> {
    let page = PageArguments { after, ..PageArguments::default() }.check()?;
    Ok(Page { limit: ROWS_PER_STEP, ..page })
}

/// The first so many wanted rows of a list, from the page's beginning on.
pub(crate) fn seek<R>(
    first: usize,
    mut page: Page,
    list: impl Fn(Page) -> Result<Rows<R>, StoreError>,
    id: impl Fn(&R) -> Uuid,
    is_wanted: impl Fn(&R) -> bool,
) -> Result<Sought<R>, OperatorError> {
    let mut found = Vec::new();
    for _ in 0..LOOKED_AT_MAX / ROWS_PER_STEP {
        let Rows { rows, has_next, .. } = list(page)?;
        let count = rows.len();
        for (index, row) in rows.into_iter().enumerate() {
            page.after = Some(id(&row));
            if is_wanted(&row) {
                found.push(row);
            }
            if found.len() == first {
                let has_more = has_next || index + 1 < count;
                let next = page.after.filter(|_| has_more).map(|id| id.to_string());
                return Ok(Sought { rows: found, next });
            }
        }
        if !has_next {
            return Ok(Sought { rows: found, next: None });
        }
    }
    Ok(Sought { rows: found, next: page.after.map(|id| id.to_string()) })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Numbers as rows, the greatest first.
    fn numbers(count: u128) -> impl Fn(Page) -> Result<Rows<u128>, StoreError> {
        move |page| {
            let below = page.after.map_or(count, |after| after.as_u128());
            let rows: Vec<_> = (0..below).rev().take(page.limit).collect();
            let has_next = rows.last().is_some_and(|last| *last > 0);
            Ok(Rows { rows, has_previous: page.after.is_some(), has_next })
        }
    }

    fn sought(first: usize, after: Option<String>, of: u128, wanted: u128) -> Sought<u128> {
        let is_wanted = move |number: &u128| number.is_multiple_of(wanted);
        let id = |number: &u128| Uuid::from_u128(*number);
        seek(first, begin(after).unwrap(), numbers(of), id, is_wanted).unwrap()
    }

    #[test]
    fn all_that_is_wanted_is_found_however_far_apart_it_lies() {
        for wanted in [1, 7, 600, 25_000] {
            let (mut found, mut after) = (Vec::new(), None);
            loop {
                let Sought { rows, next } = sought(25, after, 40_000, wanted);
                assert!(rows.len() <= 25);
                found.extend(rows);
                after = next;
                if after.is_none() {
                    break;
                }
            }
            let expected: Vec<_> = (0..40_000).rev().filter(|it| it % wanted == 0).collect();
            assert_eq!(found, expected, "each {wanted}th");
        }
    }

    #[test]
    fn a_search_looks_at_so_many_and_says_where_to_go_on() {
        let nothing = sought(1, None, 40_000, 50_000);
        assert!(nothing.rows.is_empty());
        assert_eq!(nothing.next, Some(Uuid::from_u128(30_000).to_string()));
        assert!(sought(3, None, 3, 1).next.is_none(), "nothing lies beyond the last");
    }
}
