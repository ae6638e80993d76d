//! Payments to and from the wallets of this node: quotes, incoming and outgoing payments.

pub(crate) mod checks;
pub(crate) mod ended;
pub(crate) mod events;
pub(crate) mod incoming;
pub(crate) mod inputs;
pub(crate) mod outgoing;
pub mod paying;
pub(crate) mod quotes;
pub(crate) mod sending;
pub(crate) mod state;
pub(crate) mod views;
