//! Saving edited peers: each is stored, and its new terms become live.

use ilp_connector::peer::NextHop;
use ilp_store::{OperatorStep, PeerRecord, Transaction};

use crate::{
    changes::{changing::Changing, outcome::Outcome},
    peers::{terms::next_hop, view::PeerView},
    vocabulary::error::OperatorError,
};

impl Changing {
    /// Stores an edited peer and makes it live.
    pub(crate) async fn save_peer(&self, edited: PeerRecord) -> Result<PeerView, OperatorError> {
        self.save_peer_as(edited, |peer| peer).await
    }

    /// Stores an edited peer and makes it live. The same batch keeps the outcome that `outcome`
    /// makes of it.
    pub(crate) async fn save_peer_as<T: Outcome>(
        &self,
        mut edited: PeerRecord,
        outcome: impl FnOnce(PeerView) -> T,
    ) -> Result<T, OperatorError> {
        // The record has the version that the store gives to the edit, so that the answer names it.
        edited.version += 1;
        let id = edited.id;
        let terms = self.inner.terms(&edited, self.next_hop(&edited))?;
        let updated = outcome(self.view(edited.clone()).await?);
        let update = move |tx: &mut Transaction<'_>| tx.update_peer(id, |record| *record = edited);
        let record = self.commit(&updated, update).await?;
        self.inner.parts.connector.update_peer(id, terms);
        self.watch_peer(&record).await?;
        Ok(updated)
    }

    /// Stores an edited peer and takes a step of a transfer, both in one unit of the log, and makes the
    /// peer live.
    pub(crate) async fn save_peer_with_step(
        &self,
        edited: PeerRecord,
        updated: &impl Outcome,
        step: OperatorStep,
    ) -> Result<(), OperatorError> {
        let id = edited.id;
        let terms = self.inner.terms(&edited, self.next_hop(&edited))?;
        let update = move |tx: &mut Transaction<'_>| tx.update_peer(id, |record| *record = edited);
        let record = self.commit_step(updated, step, update).await?;
        self.inner.parts.connector.update_peer(id, terms);
        self.watch_peer(&record).await
    }

    /// Returns the next hop of the peer; the present one where its settings are unchanged, so that
    /// open connections stay in use.
    fn next_hop(&self, record: &PeerRecord) -> NextHop {
        let live = self.inner.parts.connector.peer(record.id);
        match live.map(|peer| peer.terms().next_hop.clone()) {
            Some(same)
                if same.endpoint == record.endpoint && same.token == record.outgoing_token =>
            {
                same
            }
            _ => next_hop(record),
        }
    }
}
