//! The records of the node and the operations on them, one module for each subject.
//!
//! `assets`, `peers` and `wallets` are what operators and clients create. `outbox` keeps the events
//! for the operator's systems, `audit` the log of who changed what, `idempotency` the answers to
//! requests with an idempotency key, and `signatures` the signatures that were accepted. `forms` is
//! what all of them share: keys, stored forms, pages and filters.

pub(crate) mod assets;
pub(crate) mod audit;
pub(crate) mod forms;
pub(crate) mod idempotency;
pub(crate) mod outbox;
pub(crate) mod peers;
mod settings;
mod signatures;
pub(crate) mod wallets;
