//! Assets, their fees, and the rates between them.

pub(crate) mod asset;
pub(crate) mod fee;
pub(crate) mod rate;
