//! Refusals of inputs that many operations have: numbers, and parts of lists.

use super::{field::Field, reason::Reason};

/// Most rows of a page.
pub(crate) const ROWS_MAX: usize = 100;
/// Most types of events that one filter may name. There are fewer types than that.
pub(crate) const FILTER_TYPES_MAX: usize = 100;

/// A refusal of a number, or of the part of a list that a client asks for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InputError {
    /// The input is not a whole number from 0 to 2^64 - 1.
    #[error(
        "{}: {shown:?} is not a whole number from 0 to 18446744073709551615, as an integer or a \
         string of decimal digits, as expected", number_words(*.field)
    )]
    NotANumber {
        /// The input.
        field: Field,
        /// The beginning of the client's text.
        shown: String,
    },
    /// Both `first` and `last` are given.
    #[error("Pagination: first and last exclude each other, give one of them")]
    FirstAndLast,
    /// This many rows are fewer than none or more than a page has.
    #[error("Pagination: {0} rows asked for, 0 to {ROWS_MAX} can be given")]
    RowCount(i32),
    /// The text of this input is not a cursor.
    #[error("Pagination: {} is no cursor, take one from edges or pageInfo", .0.name())]
    Cursor(Field),
    /// The text is not a cursor of a route.
    #[error("Pagination: after is no cursor of a route, take one from edges or pageInfo")]
    RouteCursor,
    /// The cursor names no place in this list.
    #[error("Pagination: that is no place in this list, begin again from its first page")]
    NoPlace,
    /// The filter names more types of events than there are.
    #[error("filter: at most {FILTER_TYPES_MAX} types are taken")]
    FilterTypes,
}

impl InputError {
    /// Returns the refusal of `text`, which is not a number, as the input `field`.
    #[must_use]
    pub fn not_a_number(field: Field, text: &str) -> Self {
        // The text may be as long as the whole request.
        Self::NotANumber { field, shown: text.chars().take(40).collect() }
    }

    /// Returns the reason.
    #[must_use]
    pub fn reason(&self) -> Reason {
        match self {
            Self::NotANumber { .. } => Reason::InvalidNumber,
            Self::FirstAndLast
            | Self::RowCount(_)
            | Self::Cursor(_)
            | Self::RouteCursor
            | Self::NoPlace => Reason::InvalidPage,
            Self::FilterTypes => Reason::InvalidFilter,
        }
    }

    /// Returns the input that the refusal is about.
    #[must_use]
    pub fn field(&self) -> Option<Field> {
        match self {
            Self::NotANumber { field, .. } | Self::Cursor(field) => Some(*field),
            Self::FirstAndLast | Self::RowCount(_) => Some(Field::First),
            Self::RouteCursor => Some(Field::After),
            Self::NoPlace => None,
            Self::FilterTypes => Some(Field::Filter),
        }
    }
}

/// Returns the words by which clients know that an input is wrong.
fn number_words(field: Field) -> String {
    match field {
        Field::Amount => "Invalid transfer amount".to_owned(),
        Field::Fixed => "Fixed fee must be greater than or equal to 0".to_owned(),
        Field::InitialLiquidity => "invalid initial liquidity for peer".to_owned(),
        Field::Value => "invalid amount".to_owned(),
        field => format!("invalid {}", field.name()),
    }
}
