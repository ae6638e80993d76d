//! One way to change anything: a turn, an audit record, and the answer kept under an idempotency
//! key.

pub mod audit;
pub(crate) mod changing;
pub(crate) mod error;
pub(crate) mod given;
pub(crate) mod idempotency;
pub(crate) mod outcome;
pub(crate) mod recorded;
pub(crate) mod refusals;
pub(crate) mod subject;
pub(crate) mod writes;
