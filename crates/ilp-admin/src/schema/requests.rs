//! The request before it is run, and its answer: what a document may ask for, and the order of its fields.

pub(crate) mod answer;
pub(crate) mod document;
pub(crate) mod field_order;
pub(crate) mod introspection;
