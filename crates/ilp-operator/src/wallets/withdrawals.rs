//! Money that goes out of wallets: what a wallet address has, what an incoming payment received,
//! what an outgoing payment has left.
//!
//! Clients give no id for a payment's withdrawal. It goes under the id of the event that told of the
//! payment's end, as with Rafiki, and is posted or voided under it; one that was voided, or a further
//! one, goes under an id of its own, which the payment shows.

use ilp_connector::account::AccountId;
use ilp_store::{Transaction, TransactionError, TransferState, shown};
use uuid::Uuid;

use crate::{
    books::{error::LiquidityError, inputs::Withdrawal, liquidity::not_zero},
    changes::changing::Changing,
    payments::PaymentChanges,
    vocabulary::{check, error::OperatorError},
    wallets::{
        WalletAddressChanges, inputs::WalletAddressWithdrawal, views::WithdrawnFromWalletAddress,
    },
};

impl WalletAddressChanges<'_> {
    /// Takes all that a wallet address has.
    ///
    /// # Errors
    /// An unknown wallet address, one that has nothing, an invalid or used id, a timeout beyond a
    /// century.
    pub async fn withdraw(
        self,
        withdrawal: WalletAddressWithdrawal,
    ) -> Result<WithdrawnFromWalletAddress, OperatorError> {
        self.on.given(&withdrawal);
        let id =
            check::id(&withdrawal.wallet_address_id).ok_or(LiquidityError::UnknownWalletAddress)?;
        let transfer_id = check::transfer_id(&withdrawal.transfer_id)?;
        self.on
            .change(move |changing| async move {
                let record = changing.store(move |store| store.wallet_address(id)).await?;
                let record = record.ok_or(LiquidityError::UnknownWalletAddress)?;
                let account = AccountId::wallet_address(id);
                let amount = changing.available(account);
                not_zero(amount)?;
                let out = taken_out(id, amount, transfer_id, withdrawal.timeout_s);
                let asset_id = record.asset_id;
                let mut wallet_address =
                    changing.read(move |inner| inner.wallet_address_view(record)).await?;
                wallet_address.liquidity -= u128::from(amount).min(wallet_address.liquidity);
                let withdrawn = WithdrawnFromWalletAddress { transfer_id, amount, wallet_address };
                changing.withdraw_as(&withdrawn, (account, asset_id), &out).await?;
                Ok(withdrawn)
            })
            .await
    }
}

impl PaymentChanges<'_> {
    /// Takes all that an incoming payment has received, once it has ended.
    ///
    /// # Errors
    /// An unknown payment or one that has not ended with money; one whose money is taken already or
    /// is being; a timeout beyond a century.
    pub async fn withdraw_from_incoming(
        self,
        id: &str,
        timeout_s: u64,
    ) -> Result<(), OperatorError> {
        self.on.given(&shown! { "id": id, "timeoutSeconds": timeout_s });
        let unknown = LiquidityError::UnknownIncomingPayment;
        let id = check::id(id).ok_or(unknown)?;
        self.on
            .change(move |changing| async move {
                let record = changing.store(move |store| store.incoming_payment(id)).await?;
                let record = record.ok_or(unknown)?;
                let last = record.withdrawal_id.ok_or(unknown)?;
                let from = (AccountId::incoming_payment(id), record.asset_id);
                let note = move |tx: &mut Transaction<'_>, transfer_id| {
                    let noted = tx.update_incoming_payment(id, |record| {
                        record.withdrawal_id = Some(transfer_id);
                        None
                    });
                    noted.map(drop)
                };
                changing.take_all(from, last, timeout_s, note).await
            })
            .await
    }

    /// Takes all that an outgoing payment has left, once it has ended: the fee, and what was not
    /// sent.
    ///
    /// # Errors
    /// An unknown payment or one that has not ended; one that has nothing left or from which it is
    /// being taken; a timeout beyond a century.
    pub async fn withdraw_from_outgoing(
        self,
        id: &str,
        timeout_s: u64,
    ) -> Result<(), OperatorError> {
        self.on.given(&shown! { "id": id, "timeoutSeconds": timeout_s });
        let unknown = LiquidityError::UnknownOutgoingPayment;
        let id = check::id(id).ok_or(unknown)?;
        self.on
            .change(move |changing| async move {
                let record = changing.store(move |store| store.outgoing_payment(id)).await?;
                let record = record.ok_or(unknown)?;
                let last = record.withdrawal_id.ok_or(unknown)?;
                let from = (AccountId::outgoing_payment(id), record.quote.asset_id);
                let note = move |tx: &mut Transaction<'_>, transfer_id| {
                    let noted = tx.update_outgoing_payment(id, |record| {
                        record.withdrawal_id = Some(transfer_id);
                        None
                    });
                    noted.map(drop)
                };
                changing.take_all(from, last, timeout_s, note).await
            })
            .await
    }
}

impl Changing {
    /// Takes all that the account of an ended payment has, the last withdrawal from which went under
    /// `last`, if it was made. `note` writes down under which id this one goes, where that is another.
    async fn take_all(
        &self,
        (account, asset_id): (AccountId, Uuid),
        last: Uuid,
        timeout_s: u64,
        note: impl FnOnce(&mut Transaction<'_>, Uuid) -> Result<(), TransactionError> + Send + 'static,
    ) -> Result<(), OperatorError> {
        let transfer_id = self.withdrawal_id(account, last).await?;
        let out = taken_out(account.owner, self.available(account), transfer_id, timeout_s);
        let work = move |tx: &mut Transaction<'_>| {
            if transfer_id != last { note(tx, transfer_id) } else { Ok(()) }
        };
        self.withdraw_with(&(), (account, asset_id), &out, work).await?;
        self.inner.wallets.ended.may_close(account);
        Ok(())
    }

    /// Under which id the next withdrawal of all that an account has goes, the last one having gone
    /// under `last`, if it was made.
    async fn withdrawal_id(&self, account: AccountId, last: Uuid) -> Result<Uuid, OperatorError> {
        let made = self
            .read(move |inner| Ok(inner.ledger().operator_transfer(last)?.map(|made| made.state)))
            .await?;
        let has_some = self.available(account) > 0;
        match made {
            Some(TransferState::Pending) => Err(LiquidityError::Exists.into()),
            Some(TransferState::Posted) if !has_some => Err(LiquidityError::Exists.into()),
            _ if !has_some => Err(LiquidityError::Insufficient.into()),
            None => Ok(last),
            Some(_) => Ok(self.new_id()),
        }
    }

    /// Returns the amount of an account that is not set aside. Changes are made one at a time and
    /// packets take nothing from these accounts, so the amount stays there.
    fn available(&self, account: AccountId) -> u64 {
        u64::try_from(self.inner.ledger().total(account).available()).unwrap_or(u64::MAX)
    }
}

fn taken_out(owner: Uuid, amount: u64, transfer_id: Uuid, timeout_s: u64) -> Withdrawal {
    let (owner_id, transfer_id) = (owner.to_string(), transfer_id.to_string());
    Withdrawal { owner_id, amount, transfer_id, timeout_s }
}
