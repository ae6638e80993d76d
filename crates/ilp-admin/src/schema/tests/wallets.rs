//! Wallet addresses and payments.

mod addresses;
mod ended_payments;
mod incoming_payments;
mod outgoing_payments;
mod payment_progress;
mod payment_restart;
mod wallet_refusals;
