//! Closing accounts: a payment's account is closed once the payment has ended and its money is
//! gone.
//!
//! The number of payments has no bound, so ended ones must not take up memory, rows of the
//! checkpoint or time at a start. A closed account's sums go to one row for all closed accounts of
//! its asset and kind, by one entry of the journal, so that the books add up at any point of it.
//! The account's last row, with the place of its last transfer, stays readable on the disk until
//! the payment itself is removed.

use std::sync::Arc;

use ilp_connector::account::{Account, AccountId, Balance};
use uuid::Uuid;

use crate::{
    error::StoreError,
    journal::posted::Posted,
    ledger::{
        DurableLedger, TransferError,
        books::{rows, state::Row},
    },
};

impl DurableLedger {
    /// Closes the account of an ended payment, whose asset is `asset`, and returns once that is
    /// durable. Returns false, and leaves the account as it was, where money is on it or on its way
    /// to or from it. Returns true also where the account was never in the books.
    ///
    /// # Errors
    /// [`TransferError::Full`] or [`TransferError::Stopped`].
    pub async fn close_account(
        &self,
        account: AccountId,
        asset: Uuid,
        now_ms: u64,
    ) -> Result<bool, TransferError> {
        let Some(kind) = account.kind.closes_into() else { return Ok(false) };
        let Some(live) = self.accounts.get(account) else { return Ok(true) };
        let permit = self.shared.queue.permit().ok_or(TransferError::Full)?;
        // All that has moved in memory was queued before, and nothing moves from here on, so this
        // is the account's last entry.
        let Some(closed) = live.close() else { return Ok(live.is_closed()) };
        if closed == Balance::default() {
            self.accounts.forget(std::iter::once(account));
            return Ok(true);
        }
        let into = AccountId { kind, owner: asset };
        // Before the entry is queued: memory is ahead of the books and never behind.
        self.account(into).take_over(closed);
        let sequence = self.shared.queue.append(permit, Posted::close(account, into, now_ms))?;
        self.shared.durable.wait(sequence).await?;
        Ok(true)
    }

    /// Returns the open accounts of payments with nothing left and nothing on hold. They may be
    /// closed if their payments have ended.
    #[must_use]
    pub fn empty_payment_accounts(&self) -> Vec<AccountId> {
        let totals = self.accounts.totals().into_iter();
        let empty = totals.filter(|(id, total)| {
            id.kind.closes_into().is_some()
                && total.credits == total.debits
                && total.debits_pending == 0
        });
        empty.map(|(id, _)| id).collect()
    }

    /// Returns whether the account is closed, as of a checkpoint, or was never in the books.
    /// Nothing of it is lost then when the record of its owner is removed.
    #[must_use]
    pub fn is_account_over(&self, account: AccountId) -> bool {
        self.accounts.get(account).is_none()
    }

    /// Returns a closed account that a checkpoint has and memory doesn't.
    pub(in crate::ledger) fn closed_account(&self, id: AccountId) -> Option<Arc<Account>> {
        id.kind.closes_into()?;
        match rows::closed(&self.store, id) {
            Ok(row) => Some(Arc::new(Account::closed(id, row?.balance()))),
            Err(error) => {
                // An account that takes nothing is safe; an empty one, which would take money on
                // top of what this one has seen, is not.
                tracing::error!(%error, account = ?id, "whether the account is closed can't be read");
                Some(Arc::new(Account::closed(id, Balance::default())))
            }
        }
    }

    /// Returns the position of the last transfer of an account, open or closed; zero for none.
    pub(in crate::ledger) fn head(&self, account: AccountId) -> Result<u64, StoreError> {
        let head = |row: &Row| row.head;
        {
            let kept = self.books.lock();
            let row = kept.state.row(account).or_else(|| kept.state.closed().get(&account));
            if let Some(head) = row.map(head) {
                return Ok(head);
            }
        }
        if account.kind.closes_into().is_none() {
            return Ok(0);
        }
        Ok(rows::closed(&self.store, account)?.as_ref().map_or(0, head))
    }
}
