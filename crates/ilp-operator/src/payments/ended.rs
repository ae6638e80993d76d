//! The end of payments: their accounts are closed once their money is gone, and the payments
//! themselves are removed after the time that the operator sets.
//!
//! No operation waits for either. A payment whose account could not be closed, since the node ended
//! or a withdrawal was pending, is found by the next scan of all empty accounts.

pub(crate) mod accounts;

use std::{collections::BTreeSet, time::Duration};

use ilp_connector::account::{AccountId, AccountKind};
use ilp_store::{OutgoingPaymentState, PaymentRecord, TransferError};
use uuid::Uuid;

use crate::{
    changes::writes::Duty,
    node::operator::{Inner, Operator},
    payments::{Payments, quotes},
    vocabulary::error::OperatorError,
};

/// The interval between scans of all empty accounts.
const LOOK_INTERVAL: Duration = Duration::from_secs(10 * 60);

/// The pause before the next try when the books can't take the close of an account just now.
const PAUSE: Duration = Duration::from_millis(100);

/// The number of payments removed in one step, so that no step holds the store's lock for long.
const ROWS_PER_STEP: usize = 500;
/// The most steps in one removal; the rest waits for the next one.
const STEPS_MAX: usize = 200;

impl Payments<'_> {
    /// Closes the accounts of payments that have ended and have nothing left. Never ends; it sleeps
    /// until there is one.
    pub async fn close_ended(self) {
        loop {
            let empty = self.on.inner.ledger().empty_payment_accounts();
            self.on.close_accounts(empty.into_iter().collect()).await;
            let next_look = tokio::time::sleep(LOOK_INTERVAL);
            tokio::pin!(next_look);
            loop {
                tokio::select! {
                    () = &mut next_look => break,
                    () = self.on.inner.wallets.ended.came.notified() => {
                        let waiting = self.on.inner.wallets.ended.take();
                        self.on.close_accounts(waiting).await;
                    }
                }
            }
        }
    }

    /// Closes those of the accounts whose payments have ended; for tests, which wait for it.
    #[cfg(any(test, feature = "testing"))]
    pub async fn close_accounts_of(self, accounts: &[AccountId]) {
        self.on.close_accounts(accounts.iter().copied().collect()).await;
    }

    /// Removes payments that ended longer than `kept` ago and have nothing left, and quotes that
    /// can't be used any more. `None` keeps the payments.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn remove_old(self, kept: Option<Duration>) -> Result<(), OperatorError> {
        let now_ms = self.on.now().unix_ms();
        let quotes_before_ms = now_ms.saturating_sub(quotes::KEPT_MS);
        for _ in 0..STEPS_MAX {
            let removed = self.on.read(move |inner| {
                inner.writes.purge(|store| store.purge_quotes(quotes_before_ms, ROWS_PER_STEP))
            });
            if removed.await? < ROWS_PER_STEP {
                break;
            }
        }
        let Some(kept) = kept else { return Ok(()) };
        let kept_ms = u64::try_from(kept.as_millis()).unwrap_or(u64::MAX);
        let before_ms = now_ms.saturating_sub(kept_ms);
        for _ in 0..STEPS_MAX {
            if self.on.read(move |inner| inner.remove_some_payments(before_ms)).await? {
                break;
            }
        }
        Ok(())
    }
}

impl Operator {
    /// Closes those of the accounts whose payments have ended.
    async fn close_accounts(&self, accounts: BTreeSet<AccountId>) {
        for account in accounts {
            if let Err(error) = self.close_account(account).await {
                // The ledger has stopped, or the store can't be read: the scan after the next start
                // tries again.
                tracing::warn!(%error, ?account, "the account of an ended payment stays open");
                return;
            }
        }
    }

    async fn close_account(&self, account: AccountId) -> Result<(), OperatorError> {
        let Some(asset) = self.read(move |inner| inner.ended_in(account)).await? else {
            return Ok(());
        };
        loop {
            let now_ms = self.now().unix_ms();
            match self.inner.ledger().close_account(account, asset, now_ms).await {
                Ok(is_closed) => {
                    if is_closed {
                        self.inner.wallets.recipients.forget(account.owner);
                    }
                    return Ok(());
                }
                Err(TransferError::Full) => tokio::time::sleep(PAUSE).await,
                Err(error) => return Err(error.into()),
            }
        }
    }
}

impl Inner {
    /// Returns the asset of an ended payment, by its account; `None` for an open or unknown
    /// payment.
    fn ended_in(&self, account: AccountId) -> Result<Option<Uuid>, OperatorError> {
        let (store, id) = (&self.store, account.owner);
        Ok(match account.kind {
            AccountKind::IncomingPayment => store
                .incoming_payment(id)?
                .filter(|payment| !payment.is_open())
                .map(|payment| payment.asset_id),
            AccountKind::OutgoingPayment => store
                .outgoing_payment(id)?
                .filter(|payment| has_ended(payment.state))
                .map(|payment| payment.quote.asset_id),
            _ => None,
        })
    }

    /// Looks at the next payments and removes those whose retention is over. Returns true once
    /// there are no more.
    fn remove_some_payments(&self, before_ms: u64) -> Result<bool, OperatorError> {
        let store = &self.store;
        let mut looked_up_to = self.wallets.ended.looked_up_to.lock();
        let looked_at = store.payments_after(*looked_up_to, before_ms, ROWS_PER_STEP)?;
        let is_all = looked_at.len() < ROWS_PER_STEP;
        *looked_up_to = looked_at.last().filter(|_| !is_all).map(PaymentRecord::id);
        drop(looked_up_to);
        let is_over = |payment: &PaymentRecord| {
            ended_at_ms(payment).is_some_and(|at_ms| at_ms < before_ms)
                && self.ledger().is_account_over(account_of(payment))
        };
        let over: Vec<_> = looked_at.iter().filter(|payment| is_over(payment)).collect();
        if over.is_empty() {
            return Ok(is_all);
        }
        let ids: Vec<_> = over.iter().map(|payment| payment.id()).collect();
        let removed = self.writes.as_node(Duty::Retention, |tx| tx.remove_payments(&ids))?;
        tracing::info!(removed, "payments that ended long ago were removed");
        Ok(is_all)
    }
}

fn has_ended(state: OutgoingPaymentState) -> bool {
    !matches!(state, OutgoingPaymentState::Funding | OutgoingPaymentState::Sending)
}

fn account_of(payment: &PaymentRecord) -> AccountId {
    match payment {
        PaymentRecord::Incoming(payment) => AccountId::incoming_payment(payment.id),
        PaymentRecord::Outgoing(payment) => AccountId::outgoing_payment(payment.id),
    }
}

/// Returns a time in milliseconds since 1970 that is no earlier than the payment's end; `None`
/// while it is open.
fn ended_at_ms(payment: &PaymentRecord) -> Option<u64> {
    match payment {
        // The payment ended no later than its expiry.
        PaymentRecord::Incoming(payment) => (!payment.is_open()).then_some(payment.expires_at_ms),
        PaymentRecord::Outgoing(payment) => {
            // The withdrawal's id is made when the payment ends; a cancelled payment has none.
            let ended = payment.withdrawal_id.and_then(|id| id.get_timestamp());
            let ended_s = ended.map(|timestamp| timestamp.to_unix().0);
            let ended_ms = ended_s.map(|seconds| seconds.saturating_add(1).saturating_mul(1_000));
            has_ended(payment.state).then(|| ended_ms.unwrap_or(payment.created_at_ms))
        }
    }
}
