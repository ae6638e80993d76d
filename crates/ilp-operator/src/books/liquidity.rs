//! Money that comes in from outside, and what is left when a peer goes: transfers between an account
//! and the settlement account of its asset.

use std::{sync::Arc, time::Duration};

use ilp_connector::{
    account::{Account, AccountId},
    ledger::{Leg, Transfer, TransferKind},
    peer::Asset,
};
use ilp_store::OperatorStep;
use uuid::Uuid;

use crate::{
    assets::error::AssetError,
    books::{error::LiquidityError, inputs::Deposit},
    changes::{changing::Changing, given, recorded::Recorded},
    node::operator::{Inner, Operator},
    peers::error::PeerError,
    vocabulary::{check, error::OperatorError},
};

/// How much later than its packets' latest end a deleted peer's account is looked at once more.
const LATE_PACKETS_SLACK: Duration = Duration::from_secs(2);

/// How often an account that packets still move on is tried to be emptied.
const WITHDRAWAL_TRIES: usize = 8;

/// A handle that reads the liquidity of peers and assets.
#[derive(Clone, Copy, Debug)]
pub struct Liquidity<'a> {
    pub(crate) on: &'a Operator,
}

/// A handle that changes the liquidity of peers and assets by deposits and withdrawals.
#[derive(Clone, Copy, Debug)]
pub struct LiquidityChanges<'a> {
    pub(crate) on: &'a Recorded,
}

impl Operator {
    /// Returns the handle that reads liquidity.
    #[must_use]
    pub fn liquidity(&self) -> Liquidity<'_> {
        Liquidity { on: self }
    }
}

impl Recorded {
    /// Returns the handle that changes liquidity.
    #[must_use]
    pub fn liquidity(&self) -> LiquidityChanges<'_> {
        LiquidityChanges { on: self }
    }
}

impl LiquidityChanges<'_> {
    /// Adds to what a peer may send.
    ///
    /// # Errors
    /// An amount of zero or above what an account takes, an unknown peer, an invalid or used id.
    pub async fn deposit_to_peer(self, deposit: Deposit) -> Result<(), OperatorError> {
        self.on.given(&given::deposit("peerId", &deposit));
        not_zero(deposit.amount)?;
        let peer = check::id(&deposit.owner_id).ok_or(PeerError::Unknown)?;
        self.on
            .change(move |changing| async move {
                let record = changing.store(move |store| store.peer(peer)).await?;
                let asset_id = record.ok_or(PeerError::Unknown)?.asset_id;
                let asset = changing.inner.asset(asset_id).ok_or(AssetError::Unknown)?;
                let account = changing.inner.ledger().account(AccountId::peer(peer));
                let id = check::transfer_id(&deposit.transfer_id)?;
                let step = changing.deposit_step(id, &asset, account, deposit.amount);
                changing.take_step(&(), step).await
            })
            .await
    }

    /// Adds to the node's own stock of an asset.
    ///
    /// # Errors
    /// An amount of zero or above what an account takes, an unknown asset, an invalid or used id.
    pub async fn deposit_to_asset(self, deposit: Deposit) -> Result<(), OperatorError> {
        self.on.given(&given::deposit("assetId", &deposit));
        not_zero(deposit.amount)?;
        let asset = check::id(&deposit.owner_id).ok_or(AssetError::Unknown)?;
        self.on
            .change(move |changing| async move {
                let asset = changing.inner.asset(asset).ok_or(AssetError::Unknown)?;
                let id = check::transfer_id(&deposit.transfer_id)?;
                let to = Arc::clone(&asset.liquidity);
                changing.take_step(&(), changing.deposit_step(id, &asset, to, deposit.amount)).await
            })
            .await
    }
}

impl Changing {
    /// Returns the step that books a deposit.
    pub(crate) fn deposit_step(
        &self,
        id: Uuid,
        asset: &Asset,
        to: Arc<Account>,
        amount: u64,
    ) -> OperatorStep {
        let first = Leg { debit: Arc::clone(&asset.settlement), credit: to, amount };
        let transfer = Transfer { id, kind: TransferKind::Deposit, first, second: None };
        let created_at_ms = self.now().unix_ms();
        OperatorStep::Book { transfer, created_at_ms, expires_at_ms: None }
    }

    /// Withdraws all that an account has and doesn't hold, under fresh ids.
    ///
    /// Packets that were under way when the account was shut may still take from it and give back,
    /// so it is tried a few times; what remains then is left to [`Operator::settle_late_packets`].
    ///
    /// The asset is named by its id, since an asset may be deleted before the last of what its
    /// deleted peers had comes back.
    pub(crate) async fn withdraw_all(
        &self,
        account: &Arc<Account>,
        asset: Uuid,
    ) -> Result<(), OperatorError> {
        let settlement = self.inner.ledger().account(AccountId::settlement(asset));
        for _ in 0..WITHDRAWAL_TRIES {
            let available = account.own_part().available();
            if available == 0 {
                break;
            }
            let amount = u64::try_from(available).unwrap_or(u64::MAX);
            let (from, to) = (Arc::clone(account), Arc::clone(&settlement));
            let kind = TransferKind::Withdrawal;
            match self.inner.book(self.new_id(), kind, from, to, amount).await {
                // A packet took some of it since we looked.
                Err(OperatorError::Liquidity(LiquidityError::Insufficient)) => {}
                booked => booked?,
            }
        }
        Ok(())
    }
}

impl Operator {
    /// Withdraws, once the last packet is over, what such packets left on a deleted peer's
    /// account. If the node ends before that, the next start does it.
    pub(crate) fn settle_late_packets(&self, account: Arc<Account>, asset: Uuid) {
        // A task that waits mustn't keep a node that is ending from letting go of its store.
        let node = Arc::downgrade(&self.inner);
        let wait =
            Duration::from_millis(self.inner.parts.hold_ms_max).saturating_add(LATE_PACKETS_SLACK);
        tokio::spawn(async move {
            tokio::time::sleep(wait).await;
            // Other changes or a full ledger may be in the way; a ledger that has stopped ends the
            // node, and with it this task.
            loop {
                let Some(inner) = node.upgrade() else { return };
                let (operator, account) = (Operator { inner }, Arc::clone(&account));
                let node = operator.as_node();
                let settled = node.change(move |changing| async move {
                    changing.withdraw_all(&account, asset).await
                });
                let Err(error) = settled.await else { return };
                tracing::warn!(%error, "what a deleted peer has left could not be settled yet");
                drop(operator);
                tokio::time::sleep(wait).await;
            }
        });
    }
}

impl Inner {
    async fn book(
        &self,
        id: Uuid,
        kind: TransferKind,
        debit: Arc<Account>,
        credit: Arc<Account>,
        amount: u64,
    ) -> Result<(), OperatorError> {
        let transfer = Transfer { id, kind, first: Leg { debit, credit, amount }, second: None };
        Ok(self.ledger().transfer(transfer, (self.parts.clock)().unix_ms()).await?)
    }
}

pub(crate) fn not_zero(amount: u64) -> Result<(), LiquidityError> {
    if amount == 0 { Err(LiquidityError::AmountZero) } else { Ok(()) }
}
