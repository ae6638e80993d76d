//! The node as a whole: the [`Operator`](operator::Operator), its parts and its start.

pub(crate) mod apply;
pub(crate) mod backup;
pub(crate) mod clock_step;
pub(crate) mod clock_steps;
pub(crate) mod error;
pub(crate) mod load;
pub(crate) mod operator;
pub(crate) mod parts;
pub(crate) mod tenant_profile;
pub(crate) mod tenants;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
pub(crate) mod view;
