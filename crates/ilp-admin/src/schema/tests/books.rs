//! Money: rates, thresholds and withdrawals.

mod rates;
mod thresholds;
mod withdrawals;
