//! Payments to and from the wallets of this node: quotes, incoming and outgoing payments.

pub(crate) mod checks;
pub(crate) mod ended;
pub(crate) mod error;
pub(crate) mod events;
pub(crate) mod incoming;
pub(crate) mod inputs;
pub(crate) mod outgoing;
pub mod paying;
pub(crate) mod quotes;
pub(crate) mod sending;
pub(crate) mod state;
pub(crate) mod views;

use crate::{changes::recorded::Recorded, node::operator::Operator};

/// A handle that reads quotes and payments, and takes the reports of the part that pays.
#[derive(Clone, Copy, Debug)]
pub struct Payments<'a> {
    pub(crate) on: &'a Operator,
}

/// A handle that changes payments: makes quotes and payments, funds and cancels them.
#[derive(Clone, Copy, Debug)]
pub struct PaymentChanges<'a> {
    pub(crate) on: &'a Recorded,
}

impl Operator {
    /// Returns the handle that reads payments.
    #[must_use]
    pub fn payments(&self) -> Payments<'_> {
        Payments { on: self }
    }
}

impl Recorded {
    /// Returns the handle that changes payments.
    #[must_use]
    pub fn payments(&self) -> PaymentChanges<'_> {
        PaymentChanges { on: self }
    }
}
