//! Deposits, withdrawals, and the transfers of an account.

pub(crate) mod liquidity;
pub(crate) mod transfer;
