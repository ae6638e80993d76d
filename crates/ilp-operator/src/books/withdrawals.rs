//! Money that goes out: withdrawals to settlement, in one phase or in two.
//!
//! In two phases the amount is set aside at once and waits: posted it goes to settlement, voided or
//! expired it comes back. That outlives a restart of the node, and the deletion of the peer.

use std::{sync::Arc, time::Duration};

use ilp_connector::{
    account::{Account, AccountId, AccountKind},
    ledger::{Leg, Transfer, TransferKind},
};
use ilp_store::{OperatorStep, Transaction, TransactionError, shown};
use uuid::Uuid;

use crate::{
    assets::error::AssetError,
    books::{
        error::{LiquidityError, TIMEOUT_S_MAX},
        inputs::Withdrawal,
        liquidity::{Liquidity, LiquidityChanges, not_zero},
    },
    changes::{changing::Changing, given, outcome::Outcome},
    node::operator::Operator,
    peers::error::PeerError,
    vocabulary::{check, error::OperatorError},
};

/// How long the end of a withdrawal is slept towards at most before the clock is looked at again:
/// while a machine is suspended, or its clock is set, a sleep and the clock drift apart.
const SLEEP_MAX: Duration = Duration::from_secs(60);

/// How long to wait when nothing could be given back though it was due.
const PAUSE: Duration = Duration::from_secs(1);

impl LiquidityChanges<'_> {
    /// Takes from what a peer may send.
    ///
    /// # Errors
    /// An amount of zero or above what the peer has, an unknown peer, an invalid or used id, a
    /// timeout beyond a century.
    pub async fn withdraw_from_peer(self, withdrawal: Withdrawal) -> Result<(), OperatorError> {
        self.on.given(&given::withdrawal("peerId", &withdrawal));
        not_zero(withdrawal.amount)?;
        let peer = check::id(&withdrawal.owner_id).ok_or(PeerError::Unknown)?;
        self.on
            .change(move |changing| async move {
                let record = changing.store(move |store| store.peer(peer)).await?;
                let asset_id = record.ok_or(PeerError::Unknown)?.asset_id;
                changing.withdraw_as(&(), (AccountId::peer(peer), asset_id), &withdrawal).await
            })
            .await
    }

    /// Takes from the node's own stock of an asset.
    ///
    /// # Errors
    /// An amount of zero or above what there is, an unknown asset, an invalid or used id, a timeout
    /// beyond a century.
    pub async fn withdraw_from_asset(self, withdrawal: Withdrawal) -> Result<(), OperatorError> {
        self.on.given(&given::withdrawal("assetId", &withdrawal));
        not_zero(withdrawal.amount)?;
        let asset = check::id(&withdrawal.owner_id).ok_or(AssetError::Unknown)?;
        self.on
            .change(move |changing| async move {
                changing.inner.asset(asset).ok_or(AssetError::Unknown)?;
                changing.withdraw_as(&(), (AccountId::asset(asset), asset), &withdrawal).await
            })
            .await
    }

    /// Takes the amount of a pending withdrawal for good.
    ///
    /// # Errors
    /// An unknown withdrawal, or one that was posted, voided or has expired.
    pub async fn post_withdrawal(self, id: &str) -> Result<(), OperatorError> {
        self.on.given(&shown! { "withdrawalId": id });
        let id = check::id(id).ok_or(LiquidityError::UnknownTransfer)?;
        self.on
            .change(move |changing| async move {
                let now_ms = changing.now().unix_ms();
                changing.take_step(&(), OperatorStep::Post { id, now_ms }).await?;
                let inner = Arc::clone(&changing.inner);
                let posted = crate::node::operator::blocking(move || {
                    Ok(inner.ledger().operator_transfer(id)?)
                })
                .await;
                if let Ok(Some(posted)) = posted {
                    changing.inner.wallets.ended.may_close(posted.debit);
                }
                Ok(())
            })
            .await
    }

    /// Gives the amount of a pending withdrawal back.
    ///
    /// # Errors
    /// An unknown withdrawal, or one that was posted, voided or has expired.
    pub async fn void_withdrawal(self, id: &str) -> Result<(), OperatorError> {
        self.on.given(&shown! { "withdrawalId": id });
        let id = check::id(id).ok_or(LiquidityError::UnknownTransfer)?;
        self.on
            .change(move |changing| async move {
                let now_ms = changing.now().unix_ms();
                changing.take_step(&(), OperatorStep::Void { id, now_ms }).await?;
                // It is void now, whatever comes after it.
                if let Err(error) = changing.settle_returned(id).await {
                    tracing::warn!(%error, "what came back to a deleted peer is settled later");
                }
                Ok(())
            })
            .await
    }
}

impl Liquidity<'_> {
    /// Gives back what pending withdrawals hold when their time is over. Never ends; it sleeps
    /// until the next one is due, and while none is pending it sleeps until one is made.
    pub async fn expire_withdrawals(self) {
        loop {
            let made = self.on.inner.withdrawal_made.notified();
            let now_ms = (self.on.inner.parts.clock)().unix_ms();
            match self.on.inner.ledger().next_expiry() {
                None => made.await,
                Some(at_ms) if at_ms > now_ms => {
                    let wait = Duration::from_millis(at_ms - now_ms).min(SLEEP_MAX);
                    // A new one may be due earlier than the one that is waited for.
                    tokio::select! {
                        () = tokio::time::sleep(wait) => {}
                        () = made => {}
                    }
                }
                Some(_) => self.on.expire_due(now_ms).await,
            }
        }
    }
}

impl Operator {
    async fn expire_due(&self, now_ms: u64) {
        let expired = self.inner.ledger().expire_due(now_ms);
        if expired == 0 {
            // Books that can't take it just now would be asked again at once.
            return tokio::time::sleep(PAUSE).await;
        }
        tracing::info!(expired, "withdrawals that nobody posted in time have come back");
        let node = self.as_node();
        let settled = node.change(|changing| async move { changing.settle_deleted_peers().await });
        if let Err(error) = settled.await {
            tracing::warn!(%error, "what came back to a deleted peer is settled at the next start");
        }
    }
}

impl Changing {
    /// Withdraws from an account of an asset, or sets the amount aside where there is a timeout.
    /// `outcome` is what comes of the request.
    pub(crate) async fn withdraw_as(
        &self,
        outcome: &impl Outcome,
        from: (AccountId, Uuid),
        withdrawal: &Withdrawal,
    ) -> Result<(), OperatorError> {
        self.withdraw_with(outcome, from, withdrawal, |_| Ok(())).await
    }

    /// Withdraws as [`Changing::withdraw_as`], and runs `work` in the same transaction.
    pub(crate) async fn withdraw_with(
        &self,
        outcome: &impl Outcome,
        (from, asset): (AccountId, Uuid),
        withdrawal: &Withdrawal,
        work: impl FnOnce(&mut Transaction<'_>) -> Result<(), TransactionError> + Send + 'static,
    ) -> Result<(), OperatorError> {
        let id = check::transfer_id(&withdrawal.transfer_id)?;
        let timeout_ms = timeout_ms(withdrawal.timeout_s)?;
        let ledger = self.inner.ledger();
        let transfer = Transfer {
            id,
            kind: TransferKind::Withdrawal,
            first: Leg {
                debit: ledger.account(from),
                credit: ledger.account(AccountId::settlement(asset)),
                amount: withdrawal.amount,
            },
            second: None,
        };
        let created_at_ms = self.now().unix_ms();
        let expires_at_ms = (timeout_ms > 0).then(|| created_at_ms.saturating_add(timeout_ms));
        let step = OperatorStep::Book { transfer, created_at_ms, expires_at_ms };
        self.commit_step(outcome, step, work).await?;
        if timeout_ms > 0 {
            self.inner.withdrawal_made.notify_one();
        }
        Ok(())
    }

    /// Moves to settlement the amount that a voided withdrawal gives back to a peer that was
    /// deleted meanwhile: all else that the peer had went there too.
    async fn settle_returned(&self, id: Uuid) -> Result<(), OperatorError> {
        let inner = Arc::clone(&self.inner);
        let left = crate::node::operator::blocking(move || {
            let Some(transfer) = inner.ledger().operator_transfer(id)? else { return Ok(None) };
            let owner = transfer.debit.owner;
            if transfer.debit.kind != AccountKind::PeerLiquidity
                || inner.parts.connector.peer(owner).is_some()
            {
                return Ok(None);
            }
            let record = inner.store.deleted_peer(owner)?;
            Ok(record.map(|record| (transfer.debit, record.asset_id)))
        });
        let Some((account, asset)) = left.await? else { return Ok(()) };
        let account: Arc<Account> = self.inner.ledger().account(account);
        self.withdraw_all(&account, asset).await
    }
}

fn timeout_ms(timeout_s: u64) -> Result<u64, LiquidityError> {
    if timeout_s > TIMEOUT_S_MAX { Err(LiquidityError::Timeout) } else { Ok(timeout_s * 1_000) }
}
