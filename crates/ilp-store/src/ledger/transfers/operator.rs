//! Deposits and withdrawals: transfers whose id is the operator's and counts once, ever.

use std::collections::{BTreeSet, HashMap};

use ilp_connector::{
    account::{Insufficient, Overfull},
    ledger::{Hold, HoldError, Stopped, Transfer, TransferKind},
};
use parking_lot::{Mutex, MutexGuard};
use uuid::Uuid;

use crate::{
    error::StoreError,
    journal::posted::{Posted, Step},
    ledger::{
        DurableLedger,
        books::{
            operator_transfer::{OperatorTransfer, TransferState},
            rows,
            state::State,
        },
    },
};

/// Why an operator's transfer was not made or not changed. Nothing has moved, except after
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
    #[error(transparent)]
    Overfull(Overfull),
    /// There is no withdrawal of this id.
    #[error("there is no withdrawal of this id")]
    Unknown,
    /// The withdrawal was posted before.
    #[error("the withdrawal was posted before")]
    AlreadyPosted,
    /// The withdrawal was voided before.
    #[error("the withdrawal was voided before")]
    AlreadyVoided,
    /// The withdrawal's time is over, and its amount is back.
    #[error("the withdrawal has expired")]
    Expired,
    /// Too many transfers are under way; a later try may
    /// succeed.
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
            HoldError::Overfull(overfull) => Self::Overfull(overfull),
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

/// Operators' transfers as they are in memory, which is ahead of the disk.
#[derive(Default)]
pub(crate) struct Operators {
    state: Mutex<OperatorsState>,
}

#[derive(Default)]
pub(crate) struct OperatorsState {
    /// The transfers that the last checkpoint lacks, so at most as many as operators make in
    /// between.
    pub(crate) recent: HashMap<Uuid, Recent>,
    /// The withdrawals that have begun and not ended.
    pub(crate) pending: HashMap<Uuid, Pending>,
    /// When those expire.
    pub(crate) due: BTreeSet<(u64, Uuid)>,
}

/// A transfer that the last checkpoint doesn't have, or not in this state.
#[derive(Clone, Copy)]
pub(crate) struct Recent {
    pub(crate) transfer: OperatorTransfer,
    /// The place of its first step, or zero when that is in the checkpoint.
    pub(crate) first_sequence: u64,
    /// The place of its last step.
    pub(crate) sequence: u64,
}

/// A withdrawal that has begun.
pub(crate) struct Pending {
    pub(crate) hold: Hold,
    pub(crate) transfer: OperatorTransfer,
}

impl Operators {
    pub(crate) fn lock(&self) -> MutexGuard<'_, OperatorsState> {
        self.state.lock()
    }

    /// A checkpoint has all up to this one. Those who look for an id look here first and then
    /// there, so it is always in one of the two.
    pub(crate) fn forget_up_to(&self, sequence: u64) {
        self.state.lock().recent.retain(|_, recent| recent.sequence > sequence);
    }

    /// Takes over what the replay found since the checkpoint.
    pub(crate) fn load_recent(&self, state: &State) {
        let (first_sequence, sequence) = (0, state.sequence);
        let mut operators = self.lock();
        for (id, transfer) in state.changed_transfers() {
            let transfer = *transfer;
            operators.recent.insert(*id, Recent { transfer, first_sequence, sequence });
        }
    }
}

/// Where a transfer got to.
enum Booking {
    Made(u64),
    /// The transfer is in the queue, or was, at this place, from another call.
    MadeByAnother(u64),
}

impl DurableLedger {
    /// Books an operator's deposit or single-phase withdrawal of one leg, made at `created_at_ms`
    /// (milliseconds since 1970), and returns once it is durable. Of several calls with one id,
    /// also at once, exactly one books; the others learn [`TransferError::Exists`] once that one
    /// is durable.
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
        self.book_and_wait(transfer, created_at_ms, None).await
    }

    /// Sets the amount of a withdrawal aside for `timeout_ms` from `created_at_ms` on (milliseconds
    /// since 1970), and returns once that is durable: it outlives a restart. With a timeout of zero
    /// the money moves at once. Otherwise as [`DurableLedger::transfer`].
    ///
    /// # Errors
    /// [`TransferError`] says what stood in the way.
    ///
    /// # Panics
    /// When the transfer is no withdrawal of one leg.
    pub async fn begin_withdrawal(
        &self,
        transfer: Transfer,
        created_at_ms: u64,
        timeout_ms: u64,
    ) -> Result<(), TransferError> {
        assert!(transfer.kind == TransferKind::Withdrawal, "only a withdrawal has two phases");
        let expires_at_ms = (timeout_ms > 0).then(|| created_at_ms.saturating_add(timeout_ms));
        self.book_and_wait(transfer, created_at_ms, expires_at_ms).await
    }

    /// Returns the operator's transfer of this id, if it is durably in the books.
    ///
    /// # Errors
    /// When the store or the record can't be read.
    pub fn operator_transfer(&self, id: Uuid) -> Result<Option<OperatorTransfer>, StoreError> {
        let durable = self.durable_sequence();
        let recent = self.shared.operators.lock().recent.get(&id).copied();
        let Some(Recent { transfer, first_sequence, sequence }) = recent else {
            return rows::transfer(&self.store, id);
        };
        if sequence <= durable {
            return Ok(Some(transfer));
        }
        // Its last step is on its way to the disk; before that step it was pending, if it was.
        let before = OperatorTransfer { state: TransferState::Pending, ..transfer };
        Ok((first_sequence <= durable && first_sequence < sequence).then_some(before))
    }

    async fn book_and_wait(
        &self,
        transfer: Transfer,
        created_at_ms: u64,
        expires_at_ms: Option<u64>,
    ) -> Result<(), TransferError> {
        assert!(
            transfer.kind != TransferKind::Packet && transfer.second.is_none(),
            "an operator's transfer is a deposit or a withdrawal, of one leg"
        );
        match self.book(transfer, created_at_ms, expires_at_ms)? {
            Booking::Made(sequence) => Ok(self.shared.durable.wait(sequence).await?),
            Booking::MadeByAnother(sequence) => {
                self.shared.durable.wait(sequence).await?;
                Err(TransferError::Exists)
            }
        }
    }

    /// One step as far as other operators' transfers go: the lock is held from the look at the id
    /// until the transfer is queued, and all of it happens in memory but for that look.
    fn book(
        &self,
        transfer: Transfer,
        created_at_ms: u64,
        expires_at_ms: Option<u64>,
    ) -> Result<Booking, TransferError> {
        let id = transfer.id;
        let mut operators = self.shared.operators.lock();
        // An id leaves the recent ones only after a checkpoint has made it readable, and not while
        // we hold the lock. So an id that was booked is found here or there.
        if let Some(recent) = operators.recent.get(&id) {
            return Ok(Booking::MadeByAnother(recent.first_sequence));
        }
        if rows::transfer(&self.store, id)?.is_some() {
            return Err(TransferError::Exists);
        }
        if transfer.first.amount == 0 {
            return Err(TransferError::AmountZero);
        }
        let held = self.reserve(transfer)?;
        let step = if expires_at_ms.is_some() { Step::Begin } else { Step::Move };
        let mut posted = Posted::new(held.hold.transfer(), step, Some(created_at_ms));
        posted.expires_at_ms = expires_at_ms;
        let sequence = self.shared.queue.append(held.permit, posted)?;
        let transfer = OperatorTransfer::first(&posted, created_at_ms);
        if let Some(expires_at_ms) = expires_at_ms {
            operators.pending.insert(id, Pending { hold: held.hold, transfer });
            operators.due.insert((expires_at_ms, id));
        } else {
            held.hold.post();
        }
        operators.recent.insert(id, Recent { transfer, first_sequence: sequence, sequence });
        Ok(Booking::Made(sequence))
    }
}
