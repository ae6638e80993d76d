//! Steps of operators' transfers that belong to a change of records: both are in one unit of the log.

use std::sync::Arc;

use ilp_connector::ledger::{Stopped, Transfer, TransferKind};
use parking_lot::MutexGuard;
use sled::IVec;
use uuid::Uuid;

use super::operator::{OperatorsState, Pending, Recent};
use crate::{
    journal::posted::{Posted, Step, Unit},
    ledger::{
        DurableHold, DurableLedger, LogRun, Shared, TransferError,
        books::{
            operator_transfer::{OperatorTransfer, TransferState},
            rows,
        },
        writing::queue::{Permit, Urgency},
    },
    store::Store,
};

/// The step that an operator takes with a transfer.
#[derive(Clone, Debug)]
pub enum OperatorStep {
    /// Books a deposit or a withdrawal of one leg, made at `created_at_ms`. With `expires_at_ms`
    /// the amount of a withdrawal is set aside until then. Both in milliseconds since 1970.
    Book {
        /// The transfer, whose id counts once.
        transfer: Transfer,
        /// When it was made.
        created_at_ms: u64,
        /// Until when a withdrawal of two phases may be posted.
        expires_at_ms: Option<u64>,
    },
    /// Moves the money of a withdrawal that has begun.
    Post {
        /// The withdrawal.
        id: Uuid,
        /// The time, in milliseconds since 1970.
        now_ms: u64,
    },
    /// Calls a withdrawal off that has begun.
    Void {
        /// The withdrawal.
        id: Uuid,
        /// The time, in milliseconds since 1970.
        now_ms: u64,
    },
}

/// A step that belongs to the changes of a store.
pub(crate) struct Booking {
    shared: Arc<Shared>,
    step: OperatorStep,
}

impl DurableLedger {
    /// Returns the step as a part of a transaction's unit.
    pub(crate) fn booking(&self, step: OperatorStep) -> Booking {
        Booking { shared: Arc::clone(&self.shared), step }
    }
}

/// A step that is reserved: nothing stands in its way. Dropping it undoes the reservation.
pub(crate) struct Reserved<'a> {
    operators: MutexGuard<'a, OperatorsState>,
    posted: Posted,
    held: Held,
}

/// The places that a reserved step holds.
enum Held {
    /// The money of a new transfer.
    New(DurableHold),
    /// The place in the queue of a pending withdrawal's last step.
    Pending(Permit),
}

impl Booking {
    /// Reserves the step. Other operators' transfers wait until the reservation is appended or
    /// dropped.
    ///
    /// # Errors
    /// [`TransferError`] says what stands in the way.
    pub(crate) fn reserve(&self, store: &Store) -> Result<Reserved<'_>, TransferError> {
        let mut operators = self.shared.operators.lock();
        let (posted, held) = match &self.step {
            OperatorStep::Book { transfer, created_at_ms, expires_at_ms } => {
                assert!(
                    transfer.kind != TransferKind::Packet && transfer.second.is_none(),
                    "an operator's transfer is a deposit or a withdrawal, of one leg"
                );
                let id = transfer.id;
                if operators.recent.contains_key(&id) || rows::transfer(store, id)?.is_some() {
                    return Err(TransferError::Exists);
                }
                if transfer.first.amount == 0 {
                    return Err(TransferError::AmountZero);
                }
                let held = self.shared.reserve(transfer.clone(), store)?;
                let step = if expires_at_ms.is_some() { Step::Begin } else { Step::Move };
                let mut posted = Posted::new(held.hold.transfer(), step, Some(*created_at_ms));
                posted.expires_at_ms = *expires_at_ms;
                (posted, Held::New(held))
            }
            OperatorStep::Post { id, now_ms } => {
                self.end(&mut operators, store, *id, Step::Post, *now_ms)?
            }
            OperatorStep::Void { id, now_ms } => {
                self.end(&mut operators, store, *id, Step::Void, *now_ms)?
            }
        };
        Ok(Reserved { operators, posted, held })
    }

    fn end(
        &self,
        operators: &mut OperatorsState,
        store: &Store,
        id: Uuid,
        step: Step,
        now_ms: u64,
    ) -> Result<(Posted, Held), TransferError> {
        let Some(pending) = operators.pending.get(&id) else {
            let recent = operators.recent.get(&id).map(|recent| recent.transfer);
            let known =
                recent.map_or_else(|| rows::transfer(store, id), |known| Ok(Some(known)))?;
            return Err(known.map_or(TransferError::Unknown, |known| known.why_ended()));
        };
        if pending.transfer.expires_at_ms.is_some_and(|deadline| now_ms >= deadline) {
            // The withdrawal has expired, and its expiry is queued before the refusal is answered.
            self.shared.end_pending(operators, id, Step::Expire, now_ms)?;
            return Err(TransferError::Expired);
        }
        let permit = self.shared.queue.permit().ok_or(TransferError::Full)?;
        Ok((Posted::new(pending.hold.transfer(), step, Some(now_ms)), Held::Pending(permit)))
    }
}

impl Reserved<'_> {
    /// Appends the step behind the records of its change, and moves the money in memory. Returns the
    /// place of the step.
    ///
    /// # Errors
    /// [`Stopped`] once the log takes nothing more.
    pub(crate) fn append(
        self,
        records: Vec<(Vec<u8>, Option<IVec>)>,
        log: &LogRun,
    ) -> Result<u64, Stopped> {
        let Self { mut operators, posted, held } = self;
        let unit = |transfers| Unit { records, transfers, first_sequence: 0 };
        match held {
            Held::New(DurableHold { hold, permit }) => {
                let sequence =
                    log.queue.append_unit(vec![permit], unit(vec![posted]), Urgency::Now)?;
                let transfer = OperatorTransfer::first(&posted, 0);
                let (id, expires_at_ms) = (posted.id, posted.expires_at_ms);
                match expires_at_ms {
                    Some(expires_at_ms) => {
                        operators.pending.insert(id, Pending { hold, transfer });
                        operators.due.insert((expires_at_ms, id));
                    }
                    None => hold.post(),
                }
                let recent = Recent { transfer, first_sequence: sequence, sequence };
                operators.recent.insert(id, recent);
                Ok(sequence)
            }
            Held::Pending(permit) => {
                let sequence =
                    log.queue.append_unit(vec![permit], unit(vec![posted]), Urgency::Now)?;
                operators.ended(posted.id, posted.step, sequence);
                Ok(sequence)
            }
        }
    }
}

impl OperatorTransfer {
    /// Returns why a step on a withdrawal that isn't pending is refused.
    pub(in crate::ledger) fn why_ended(&self) -> TransferError {
        match (self.kind, self.state) {
            (TransferKind::Withdrawal, TransferState::Posted) => TransferError::AlreadyPosted,
            (TransferKind::Withdrawal, TransferState::Voided) => TransferError::AlreadyVoided,
            (TransferKind::Withdrawal, TransferState::Expired) => TransferError::Expired,
            _ => TransferError::Unknown,
        }
    }
}
