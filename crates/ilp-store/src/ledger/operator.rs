//! Deposits and withdrawals: transfers whose id is the operator's and counts once, ever.

use ilp_connector::{
    account::Insufficient,
    ledger::{HoldError, Stopped, Transfer, TransferKind},
};
use uuid::Uuid;

use super::{DurableLedger, books, books::OperatorTransfer};
use crate::error::StoreError;

/// Why an operator's transfer was not made. Nothing has moved, except after
/// [`TransferError::Stopped`], when whether it is in the books after a restart is open.
#[derive(Debug, thiserror::Error)]
pub enum TransferError {
    /// A transfer of this id is in the books.
    #[error("a transfer of this id is in the books")]
    Exists,
    /// The debited account is short.
    #[error(transparent)]
    Insufficient(#[from] Insufficient),
    /// The amount is zero.
    #[error("the amount is zero")]
    AmountZero,
    /// The credited account would own more than 2^64 - 1.
    #[error("the account would own more than {}", u64::MAX)]
    Overflow,
    /// As many transfers are under way as the ledger takes; a later try may succeed.
    #[error("the ledger has as many transfers under way as it takes")]
    Full,
    /// The ledger has stopped, before the transfer or while it was being written.
    #[error("the ledger has stopped")]
    Stopped,
    /// Whether the id is in the books could not be read.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<HoldError> for TransferError {
    fn from(error: HoldError) -> Self {
        match error {
            HoldError::Insufficient(short) => Self::Insufficient(short),
            HoldError::Full => Self::Full,
            HoldError::Stopped => Self::Stopped,
        }
    }
}

impl From<Stopped> for TransferError {
    fn from(Stopped: Stopped) -> Self {
        Self::Stopped
    }
}

/// Where a transfer got to.
enum Booking {
    Made(u64),
    /// It is in the queue, or was, at this place, from another call.
    MadeByAnother(u64),
}

impl DurableLedger {
    /// Books an operator's deposit or withdrawal of one leg, made at `created_at_ms` (milliseconds
    /// since 1970), and returns once it is durable. Of several calls with one id, also at once,
    /// exactly one books; the others learn [`TransferError::Exists`] once that one is durable.
    ///
    /// Dropping the future after its first poll doesn't undo the transfer. That poll may read the
    /// disk.
    ///
    /// # Errors
    /// [`TransferError`] says what stood in the way.
    ///
    /// # Panics
    /// When the transfer is a packet's or has a second leg, which no operator's has.
    pub async fn transfer(
        &self,
        transfer: Transfer,
        created_at_ms: u64,
    ) -> Result<(), TransferError> {
        assert!(
            transfer.kind != TransferKind::Packet && transfer.second.is_none(),
            "an operator's transfer is a deposit or a withdrawal, of one leg"
        );
        match self.book(transfer, created_at_ms)? {
            Booking::Made(sequence) => Ok(self.shared.durable.wait(sequence).await?),
            Booking::MadeByAnother(sequence) => {
                self.shared.durable.wait(sequence).await?;
                Err(TransferError::Exists)
            }
        }
    }

    /// The operator's transfer of this id, if it is in the books.
    ///
    /// # Errors
    /// When the store or the record can't be read.
    pub fn operator_transfer(&self, id: Uuid) -> Result<Option<OperatorTransfer>, StoreError> {
        books::transfer(&self.store, id)
    }

    /// One step as far as other operators' transfers go: the lock is held from the look at the id
    /// until the transfer is queued, and all of it happens in memory but for that look.
    fn book(&self, transfer: Transfer, created_at_ms: u64) -> Result<Booking, TransferError> {
        let id = transfer.id;
        let mut booking = self.shared.booking.lock();
        // The writer takes an id out only after it has made it durable and so readable, and not
        // while we hold the lock. So an id that was booked is found here or there.
        if let Some(sequence) = booking.get(&id) {
            return Ok(Booking::MadeByAnother(*sequence));
        }
        if books::has_transfer(&self.store, id)? {
            return Err(TransferError::Exists);
        }
        let amount = transfer.first.amount;
        if amount == 0 {
            return Err(TransferError::AmountZero);
        }
        let credited = transfer.first.credit.balance().total();
        if transfer.kind == TransferKind::Deposit
            && credited + u128::from(amount) > u128::from(u64::MAX)
        {
            return Err(TransferError::Overflow);
        }
        let hold = self.reserve(transfer)?;
        let sequence = self.shared.append(hold, Some(created_at_ms))?;
        booking.insert(id, sequence);
        Ok(Booking::Made(sequence))
    }
}
