//! Answers that a store of format 1 kept before the step that they answer for was in the books.

use uuid::Uuid;

use crate::{
    error::{StoreError, TransactionError},
    ledger::{DurableLedger, books::operator_transfer::TransferState},
    records::idempotency::Proof,
};

impl DurableLedger {
    /// Removes the answers of requests that a crash cut short before their step was in the books.
    pub(in crate::ledger) fn drop_unproved(&self) -> Result<(), StoreError> {
        let dropped = self.store.drop_unproved(|proof| self.has(proof));
        dropped.map_err(|refusal| match refusal {
            TransactionError::Store(error) => error,
            refusal => StoreError::write(refusal),
        })
    }

    /// Returns whether the books have a proof, durably.
    fn has(&self, proof: Proof) -> Result<bool, StoreError> {
        let state = |id: Uuid| -> Result<Option<TransferState>, StoreError> {
            Ok(self.operator_transfer(id)?.map(|transfer| transfer.state))
        };
        Ok(match proof {
            Proof::Booked(id) => state(id)?.is_some(),
            Proof::Posted(id) => state(id)? == Some(TransferState::Posted),
            Proof::Voided(id) => state(id)? == Some(TransferState::Voided),
        })
    }
}
