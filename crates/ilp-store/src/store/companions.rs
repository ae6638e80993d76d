//! The content of a unit of the log beside the records of its transaction: the audit record, the
//! answer that is kept under an idempotency key, and a step of a transfer.

use std::{fmt, sync::Arc};

use super::{Store, transaction::Transaction};
use crate::{
    error::TransactionError,
    ledger::{Booking, DurableLedger, OperatorStep, Reserved},
    records::{
        audit::recorder::Recorder,
        idempotency::{Answer, Claim, snapshot::Snapshot},
    },
};

/// The content of a transaction's unit beside its records. The unit is in the log with all of them,
/// or not at all.
#[derive(Default)]
#[must_use = "companions do nothing without a transaction"]
pub struct Companions {
    recorder: Option<Recorder>,
    answer: Option<Answer>,
    booking: Option<Booking>,
}

impl Companions {
    /// Returns the companions of a transaction that the node makes by itself: none.
    pub fn none() -> Self {
        Self::default()
    }

    /// Adds each record that the transaction writes, before and after, to the audit record.
    pub fn audited(self, recorder: &Recorder) -> Self {
        Self { recorder: Some(recorder.clone()), ..self }
    }

    /// Keeps the outcome of the request that has claimed an idempotency key, from `now_ms`
    /// (milliseconds since 1970) on. A request that is over keeps nothing any more.
    pub fn answering(self, claim: &Arc<Claim>, outcome: &Snapshot, now_ms: u64) -> Self {
        Self { answer: claim.answer(outcome, now_ms), ..self }
    }

    /// Takes a step of an operator's transfer. The transaction is refused with
    /// [`TransactionError::Transfer`] where the step is.
    ///
    /// # Panics
    /// The transaction panics when the transfer is a packet's or has a second leg.
    pub fn moving(self, ledger: &DurableLedger, step: OperatorStep) -> Self {
        Self { booking: Some(ledger.booking(step)), ..self }
    }

    /// Returns whether a unit is to be written even if the transaction writes nothing.
    pub(crate) fn are_due(&self) -> bool {
        self.answer.is_some() || self.booking.is_some()
    }

    /// Puts the companions into the unit, under the write lock, and returns the reserved step.
    pub(crate) fn join(
        &self,
        tx: &mut Transaction<'_>,
        store: &Store,
    ) -> Result<Option<Reserved<'_>>, TransactionError> {
        let step = self.booking.as_ref().map(|booking| booking.reserve(store)).transpose()?;
        if let Some(answer) = &self.answer {
            answer.join(tx)?;
        }
        if let Some(recorder) = &self.recorder {
            recorder.join(tx)?;
        }
        Ok(step)
    }

    /// Notes that the unit is about to be written.
    pub(crate) fn are_being_written(&self) {
        if let Some(answer) = &self.answer {
            answer.is_being_written();
        }
    }

    /// Notes that the unit is durable.
    pub(crate) fn are_durable(&self) {
        if let Some(answer) = &self.answer {
            answer.is_durable();
        }
    }
}

impl Claim {
    /// Keeps the outcome of a request that has kept none with its changes. A crash before this
    /// frees the key, whatever was done.
    ///
    /// # Errors
    /// [`TransactionError::TooLarge`], or when the store can't be written.
    pub fn keep(self: &Arc<Self>, outcome: &Snapshot, now_ms: u64) -> Result<(), TransactionError> {
        let answer = Companions::none().answering(self, outcome, now_ms);
        self.store().transact(answer, |_| Ok(()))
    }
}

impl fmt::Debug for Companions {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Companions")
            .field("is_audited", &self.recorder.is_some())
            .field("has_answer", &self.answer.is_some())
            .field("has_transfer", &self.booking.is_some())
            .finish()
    }
}
