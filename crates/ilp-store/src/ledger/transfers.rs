//! Transfers that no packet makes: deposits, withdrawals, steps booked together with a change of
//! records, and the closing of accounts.

pub(crate) mod booking;
mod closing;
pub(crate) mod operator;
mod unproved;
mod withdrawal;
