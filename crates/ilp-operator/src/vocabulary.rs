//! The vocabulary that all subjects share: errors, pages of lists, edits of fields, and the form of
//! texts.

pub(crate) mod boxed_future;
pub mod canonical_json;
pub(crate) mod check;
pub(crate) mod edit;
pub(crate) mod error;
pub(crate) mod field;
pub(crate) mod input_error;
pub(crate) mod iso_time;
pub(crate) mod name;
pub(crate) mod page;
pub(crate) mod reason;
pub(crate) mod seek;
