//! The books: the balances of all accounts as of the journal's end, their rows in the index, and the
//! deposits, withdrawals and thresholds that are kept with them.

pub(crate) mod accounts;
pub(crate) mod operator_transfer;
pub(crate) mod rows;
mod slots;
pub(crate) mod state;
pub(crate) mod threshold;
