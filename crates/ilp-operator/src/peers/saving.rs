//! Saving edited peers.

use ilp_store::{OperatorStep, PeerRecord, Transaction};

use crate::{
    changes::{changing::Changing, outcome::Outcome},
    peers::view::PeerView,
    vocabulary::error::OperatorError,
};

impl Changing {
    /// Stores an edited peer.
    pub(crate) async fn save_peer(&self, edited: PeerRecord) -> Result<PeerView, OperatorError> {
        self.save_peer_as(edited, |peer| peer).await
    }

    /// Stores an edited peer. The same unit keeps the outcome that `outcome`
    /// makes of it.
    pub(crate) async fn save_peer_as<T: Outcome>(
        &self,
        mut edited: PeerRecord,
        outcome: impl FnOnce(PeerView) -> T,
    ) -> Result<T, OperatorError> {
        // The record has the version that the store gives to the edit, so that the answer names it.
        edited.version += 1;
        let id = edited.id;
        let updated = outcome(self.view(edited.clone()).await?);
        let update = move |tx: &mut Transaction<'_>| tx.update_peer(id, |record| *record = edited);
        self.commit(&updated, update).await?;
        Ok(updated)
    }

    /// Stores an edited peer and takes a step of a transfer, both in one unit of the log.
    pub(crate) async fn save_peer_with_step(
        &self,
        edited: PeerRecord,
        updated: &impl Outcome,
        step: OperatorStep,
    ) -> Result<(), OperatorError> {
        let id = edited.id;
        let update = move |tx: &mut Transaction<'_>| tx.update_peer(id, |record| *record = edited);
        self.commit_step(updated, step, update).await?;
        Ok(())
    }
}
