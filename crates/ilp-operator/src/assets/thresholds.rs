//! Below which liquidity an event is due. The records say it to clients, the books act on it: they
//! are told at every change, and once more at the start, in case a crash came in between.

use ilp_connector::account::AccountId;

use crate::{books::liquidity::Liquidity, node::operator::Inner, vocabulary::error::OperatorError};

/// An account that is at its threshold, or below.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LowAccount {
    /// A peer's, or an asset's.
    pub account: AccountId,
    /// The amount that is not on hold, in the asset's smallest unit.
    pub available: u128,
    /// At what the operator wants to be told.
    pub threshold: u64,
}

impl Liquidity<'_> {
    /// Shows `visit` every account that is at its threshold or below, in no order. From memory, and
    /// in as much time as there are thresholds.
    pub fn visit_low_accounts(self, mut visit: impl FnMut(LowAccount)) {
        // A copy, since a change of a threshold must not wait for whoever looks.
        let thresholds: Vec<_> =
            self.on.inner.thresholds.lock().iter().map(|(account, set)| (*account, *set)).collect();
        for (account, threshold) in thresholds {
            let available = self.on.inner.ledger().total(account).available();
            if available <= u128::from(threshold) {
                visit(LowAccount { account, available, threshold });
            }
        }
    }
}

impl Inner {
    /// Makes the books watch an account as its record says. Writes to the store when the threshold is
    /// another one than before.
    pub(crate) fn watch(
        &self,
        account: AccountId,
        threshold: Option<u64>,
    ) -> Result<(), OperatorError> {
        self.ledger().set_threshold(account, threshold)?;
        let mut thresholds = self.thresholds.lock();
        match threshold {
            Some(threshold) => thresholds.insert(account, threshold),
            None => thresholds.remove(&account),
        };
        Ok(())
    }
}
