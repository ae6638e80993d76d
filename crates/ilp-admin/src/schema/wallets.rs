//! Wallet addresses, and the quotes and payments of their holders.

pub(crate) mod incoming_payment;
pub(crate) mod outgoing_payment;
pub(crate) mod payment;
pub(crate) mod quote;
pub(crate) mod wallet_address;
pub(crate) mod wallet_address_input;
pub(crate) mod wallet_liquidity;
