//! Which part of a list is wanted.

use ilp_store::{Order, Page, Rows};
use uuid::Uuid;

use crate::vocabulary::{
    check,
    error::OperatorError,
    field::Field,
    input_error::{InputError, ROWS_MAX},
};

/// Rows of a page when nobody says how many.
const ROWS_DEFAULT: usize = 20;

/// A page as clients ask for it: the first so many after a cursor, or the last so many before one.
#[derive(Clone, Debug, Default)]
pub struct PageArguments {
    /// Only rows after the one of this cursor.
    pub after: Option<String>,
    /// Only rows before the one of this cursor.
    pub before: Option<String>,
    /// The first so many of them.
    pub first: Option<i32>,
    /// The last so many of them.
    pub last: Option<i32>,
    /// In which order rows are counted.
    pub order: Order,
}

impl PageArguments {
    /// The page in the store's terms.
    pub(crate) fn check(&self) -> Result<Page, OperatorError> {
        let (wanted, from_end) = match (self.first, self.last) {
            (Some(_), Some(_)) => {
                return Err(InputError::FirstAndLast.into());
            }
            (first, None) => {
                (first, first.is_none() && self.before.is_some() && self.after.is_none())
            }
            (None, last) => (last, true),
        };
        Ok(Page {
            after: cursor(Field::After, self.after.as_deref())?,
            before: cursor(Field::Before, self.before.as_deref())?,
            limit: row_count(wanted)?,
            order: self.order,
            from_end,
        })
    }
}

fn row_count(wanted: Option<i32>) -> Result<usize, InputError> {
    let Some(wanted) = wanted else { return Ok(ROWS_DEFAULT) };
    usize::try_from(wanted)
        .ok()
        .filter(|rows| *rows <= ROWS_MAX)
        .ok_or(InputError::RowCount(wanted))
}

fn cursor(field: Field, text: Option<&str>) -> Result<Option<Uuid>, InputError> {
    let Some(text) = text else { return Ok(None) };
    check::id(text).map(Some).ok_or(InputError::Cursor(field))
}

/// Makes views of the rows of a page.
pub(crate) fn views<Record, View>(
    rows: Rows<Record>,
    view: impl FnMut(Record) -> Result<View, OperatorError>,
) -> Result<Rows<View>, OperatorError> {
    let Rows { rows, has_previous, has_next } = rows;
    let rows = rows.into_iter().map(view).collect::<Result<_, _>>()?;
    Ok(Rows { rows, has_previous, has_next })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vocabulary::reason::Reason;

    const CURSOR: &str = "019926a0-3b5c-7def-8123-456789abcdef";

    fn arguments(first: Option<i32>, last: Option<i32>) -> PageArguments {
        PageArguments { first, last, ..PageArguments::default() }
    }

    #[test]
    fn a_page_has_twenty_rows_unless_told() {
        let page = arguments(None, None).check().unwrap();
        assert_eq!(page, Page::newest(20));
        assert_eq!(arguments(Some(100), None).check().unwrap().limit, 100);
        assert_eq!(arguments(Some(0), None).check().unwrap().limit, 0);
        let page = arguments(None, Some(3)).check().unwrap();
        assert_eq!((page.limit, page.from_end), (3, true));
    }

    #[test]
    fn before_alone_means_the_rows_just_before() {
        let before = Some(CURSOR.to_owned());
        let page = PageArguments { before: before.clone(), ..PageArguments::default() };
        assert!(page.check().unwrap().from_end);
        let page = PageArguments { before, first: Some(2), ..PageArguments::default() };
        assert!(!page.check().unwrap().from_end);
        let page = PageArguments { after: Some(CURSOR.to_owned()), ..PageArguments::default() };
        assert!(!page.check().unwrap().from_end);
    }

    #[test]
    fn what_makes_no_page_is_refused() {
        let bad_cursor = PageArguments { after: Some("x".to_owned()), ..PageArguments::default() };
        for wrong in [
            arguments(Some(1), Some(1)),
            arguments(Some(-1), None),
            arguments(None, Some(-1)),
            arguments(Some(101), None),
            arguments(None, Some(i32::MAX)),
            bad_cursor,
        ] {
            let error = wrong.check().unwrap_err();
            assert_eq!(error.reason(), Reason::InvalidPage, "{wrong:?}");
        }
    }
}
