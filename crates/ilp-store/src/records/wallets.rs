//! Wallets: wallet addresses, incoming payments, quotes and outgoing payments, and fees.
//!
//! `wallet_records` has the types, `wallet_forms` their form on disk, `indexed` the upkeep of their
//! index entries.

mod fees;
mod incoming_payments;
pub(crate) mod indexed;
mod outgoing_payments;
pub(crate) mod payments;
pub(crate) mod wallet_addresses;
mod wallet_forms;
pub(crate) mod wallet_records;
