//! The shapes that the types of all subjects share: scalars, amounts, pages, filters, and answers of mutations.

pub(crate) mod amount;
pub(crate) mod context;
pub(crate) mod filter;
pub(crate) mod lists;
pub(crate) mod page;
pub(crate) mod response;
pub(crate) mod scalars;
