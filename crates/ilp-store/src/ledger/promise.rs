//! Outcomes of requests that the books decide on: kept before the step that is booked, and counted
//! once the books have it.

use std::sync::Arc;

use uuid::Uuid;

use super::{DurableLedger, operator_transfer::TransferState};
use crate::{
    error::{Refusal, StoreError},
    idempotency::{Claim, Progress, Proof},
    snapshot::Snapshot,
};

impl DurableLedger {
    /// Keeps what will have come of a request once the books have `proof`, from `now_ms`
    /// (milliseconds since 1970) on; durable when it returns. Comes right before the step that the
    /// proof is of, and [`Claim::fulfil`] after that, or [`DurableLedger::settle`] after a refusal of
    /// the step. In between, nobody else may take a step that would pass for it.
    ///
    /// # Errors
    /// When the store can't be read or written.
    pub fn promise(
        &self,
        claim: &Arc<Claim>,
        outcome: &Snapshot,
        proof: Proof,
        now_ms: u64,
    ) -> Result<(), Refusal> {
        if self.has(proof)? {
            // Another request did it, so this one's step will be refused.
            return Ok(());
        }
        claim.promise(outcome, proof, now_ms)
    }

    /// Takes back what was promised to a request that was then refused. Where the store or the
    /// ledger has stopped meanwhile, the next start decides.
    ///
    /// # Errors
    /// When the store can't be read or written.
    pub fn settle(&self, claim: &Arc<Claim>) -> Result<(), Refusal> {
        let progress = claim.progress();
        if self.stopped().is_some() && progress != Progress::Begun {
            claim.set_progress(Progress::Open);
        } else if let Progress::Promised(proof) = progress {
            if self.has(proof)? {
                claim.set_progress(Progress::Kept);
            } else {
                claim.revoking().change(|_| Ok(()))?;
            }
        }
        Ok(())
    }

    /// Takes back what was promised to requests that a crash cut short before their step was in the
    /// books.
    pub(super) fn drop_broken_promises(&self) -> Result<(), StoreError> {
        let dropped = self.store.drop_unproved(|proof| self.has(proof));
        dropped.map_err(|refusal| match refusal {
            Refusal::Store(error) => error,
            refusal => StoreError::write(refusal),
        })
    }

    /// Whether the books have it, durably.
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
