//! Tests of deposits, withdrawals, booked steps and closed accounts.

mod booking;
mod closing;
pub(super) mod withdrawal;
