//! The second phase of a withdrawal: it is posted, voided, or expires.
//!
//! An expiry is an entry of the journal like a void, though it follows from the deadline: what it
//! gives back can be spent at once, and replay must see it come back before it is spent, whatever
//! the clock says by then. From its deadline on a withdrawal is expired even if nobody has written
//! that down yet: whoever asks for it then writes it down first.

use std::ops::Bound;

use ilp_connector::{
    account::AccountId,
    ledger::{Hold, Leg, Stopped, Transfer},
};
use uuid::Uuid;

use super::operator::{OperatorsState, Pending, Recent, TransferError};
use crate::{
    error::StoreError,
    journal::posted::{Posted, Step},
    ledger::{
        DurableLedger, Shared,
        books::{
            operator_transfer::{OperatorTransfer, TransferState},
            rows,
        },
    },
};

/// The outcome of a step on a withdrawal, and the place in the books that makes it durable.
struct Ending {
    outcome: Result<(), TransferError>,
    sequence: u64,
}

impl DurableLedger {
    /// Moves the money of a withdrawal that has begun, at `now_ms` (milliseconds since 1970), and
    /// returns once that is durable. Refusals that rest on an earlier step wait for that one.
    ///
    /// # Errors
    /// [`TransferError::Unknown`], [`TransferError::AlreadyPosted`],
    /// [`TransferError::AlreadyVoided`], [`TransferError::Expired`], or that the ledger can't.
    pub async fn post_withdrawal(&self, id: Uuid, now_ms: u64) -> Result<(), TransferError> {
        self.end_and_wait(id, Step::Post, now_ms).await
    }

    /// Calls a withdrawal off that has begun, as [`DurableLedger::post_withdrawal`].
    ///
    /// # Errors
    /// As [`DurableLedger::post_withdrawal`].
    pub async fn void_withdrawal(&self, id: Uuid, now_ms: u64) -> Result<(), TransferError> {
        self.end_and_wait(id, Step::Void, now_ms).await
    }

    /// Gives back what withdrawals hold whose time is over at `now_ms`, and says how many those
    /// were. Doesn't wait for the disk. Those for which the ledger has no room just now are left
    /// for the next call.
    pub fn expire_due(&self, now_ms: u64) -> usize {
        let mut operators = self.shared.operators.lock();
        let mut expired = 0;
        while let Some((expires_at_ms, id)) = operators.due.first().copied() {
            if expires_at_ms > now_ms
                || self.shared.end_pending(&mut operators, id, Step::Expire, now_ms).is_err()
            {
                break;
            }
            expired += 1;
        }
        expired
    }

    /// When the next withdrawal expires, in milliseconds since 1970.
    #[must_use]
    pub fn next_expiry(&self) -> Option<u64> {
        self.shared.operators.lock().due.first().map(|(expires_at_ms, _)| *expires_at_ms)
    }

    /// At most `limit` withdrawals that have begun and not ended, in the order in which they expire,
    /// after the one that expires then (milliseconds since 1970) and has that id. Costs what its rows
    /// cost.
    #[must_use]
    pub fn pending_withdrawals(
        &self,
        after: Option<(u64, Uuid)>,
        limit: usize,
    ) -> Vec<OperatorTransfer> {
        let operators = self.shared.operators.lock();
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        let due = operators.due.range((from, Bound::Unbounded)).take(limit);
        due.filter_map(|(_, id)| Some(operators.pending.get(id)?.transfer)).collect()
    }

    async fn end_and_wait(&self, id: Uuid, step: Step, now_ms: u64) -> Result<(), TransferError> {
        let Ending { outcome, sequence } = self.end(id, step, now_ms)?;
        self.shared.durable.wait(sequence).await?;
        outcome
    }

    fn end(&self, id: Uuid, step: Step, now_ms: u64) -> Result<Ending, TransferError> {
        let mut operators = self.shared.operators.lock();
        if let Some(pending) = operators.pending.get(&id) {
            let late = pending.transfer.expires_at_ms.is_some_and(|deadline| now_ms >= deadline);
            let step = if late { Step::Expire } else { step };
            let sequence = self.shared.end_pending(&mut operators, id, step, now_ms)?;
            let outcome = if late { Err(TransferError::Expired) } else { Ok(()) };
            return Ok(Ending { outcome, sequence });
        }
        let (transfer, sequence) = match operators.recent.get(&id) {
            Some(recent) => (recent.transfer, recent.sequence),
            None => match rows::transfer(&self.store, id)? {
                Some(transfer) => (transfer, 0),
                None => return Err(TransferError::Unknown),
            },
        };
        Ok(Ending { outcome: Err(transfer.why_ended()), sequence })
    }

    /// Sets aside again, after a restart, what withdrawals hold.
    pub(in crate::ledger) fn restore_pending(
        &self,
        pending: impl Iterator<Item = OperatorTransfer>,
    ) -> Result<(), StoreError> {
        let mut operators = self.shared.operators.lock();
        for transfer in pending {
            let OperatorTransfer { id, kind, amount, .. } = transfer;
            let account = |id: AccountId| self.account(id);
            let (debit, credit) = (account(transfer.debit), account(transfer.credit));
            let first = Leg { debit, credit, amount };
            let held = Hold::reserve(Transfer { id, kind, first, second: None });
            let hold = held.map_err(|short| StoreError::Books {
                detail: format!("withdrawal {id} is pending and its account is short: {short}"),
            })?;
            operators.due.insert((transfer.expires_at_ms.unwrap_or(0), id));
            operators.pending.insert(id, Pending { hold, transfer });
        }
        Ok(())
    }
}

impl Shared {
    /// Queues the last step of a withdrawal, then moves memory, as with every transfer.
    pub(in crate::ledger) fn end_pending(
        &self,
        operators: &mut OperatorsState,
        id: Uuid,
        step: Step,
        now_ms: u64,
    ) -> Result<u64, TransferError> {
        if self.queue.is_closed() {
            return Err(TransferError::Stopped);
        }
        let Some(pending) = operators.pending.get(&id) else { return Err(TransferError::Unknown) };
        let permit = self.queue.permit().ok_or(TransferError::Full)?;
        let posted = Posted::new(pending.hold.transfer(), step, Some(now_ms));
        let sequence = self.queue.append(permit, posted).map_err(|Stopped| Stopped)?;
        operators.ended(id, step, sequence);
        Ok(sequence)
    }
}

impl OperatorsState {
    /// Notes that the last step of a pending withdrawal was queued, and moves or frees its money.
    pub(in crate::ledger) fn ended(&mut self, id: Uuid, step: Step, sequence: u64) {
        let first_sequence = self.recent.get(&id).map_or(0, |recent| recent.first_sequence);
        if let Some(Pending { hold, transfer }) = self.pending.remove(&id) {
            self.due.remove(&(transfer.expires_at_ms.unwrap_or(0), id));
            let transfer = OperatorTransfer { state: TransferState::after(step), ..transfer };
            self.recent.insert(id, Recent { transfer, first_sequence, sequence });
            if step == Step::Post { hold.post() } else { drop(hold) }
        }
    }
}
