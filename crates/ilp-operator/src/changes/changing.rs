//! Runs changes one at a time, or beside others of their kind, each to its end.

use std::sync::Arc;

use ilp_store::{Claim, Companions, Reader, Recorder, StoreError};
use interledger_packet::Timestamp;
use tokio::sync::{OwnedRwLockReadGuard, OwnedRwLockWriteGuard};
use uuid::Uuid;

use crate::{
    changes::{error::ChangeError, outcome::Outcome, recorded::Recorded},
    node::operator::{Inner, blocking},
    vocabulary::error::OperatorError,
};

impl Recorded {
    /// Runs one change: alone, and to its end. It runs in a task of its own, so that a client
    /// which hangs up in the middle can't leave store, books and connector at odds.
    pub(crate) async fn change<T, F>(
        &self,
        work: impl FnOnce(Changing) -> F + Send + 'static,
    ) -> Result<T, OperatorError>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, OperatorError>> + Send + 'static,
    {
        let changing = Arc::clone(&self.inner.changing);
        self.change_in(async move { Turn::Alone(changing.write_owned().await) }, work).await
    }

    /// Runs one change beside others of its kind, so that they share syncs; all others wait.
    pub(crate) async fn change_beside<T, F>(
        &self,
        work: impl FnOnce(Changing) -> F + Send + 'static,
    ) -> Result<T, OperatorError>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, OperatorError>> + Send + 'static,
    {
        let changing = Arc::clone(&self.inner.changing);
        self.change_in(async move { Turn::Beside(changing.read_owned().await) }, work).await
    }

    async fn change_in<T, F>(
        &self,
        turn: impl Future<Output = Turn> + Send + 'static,
        work: impl FnOnce(Changing) -> F + Send + 'static,
    ) -> Result<T, OperatorError>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, OperatorError>> + Send + 'static,
    {
        let inner = Arc::clone(&self.inner);
        let (recorder, claim) = (self.recorder.clone(), self.claim.clone());
        let place = Arc::clone(&inner.waiting)
            .try_acquire_owned()
            .map_err(|_| ChangeError::TooManyWaiting)?;
        let task = tokio::spawn(async move {
            if let Some(recorder) = &recorder {
                let (inner, begun) = (Arc::clone(&inner), recorder.record());
                blocking(move || Ok(inner.writes.store().note_audit(&begun)?)).await?;
            }
            let turn = Arc::new(turn.await);
            let changing = Changing { inner, recorder, claim, _turn: Arc::clone(&turn) };
            // The work runs in a task of its own, since a panic must end the turn like a refusal.
            let answer = tokio::spawn(work(changing)).await;
            let answer = answer.unwrap_or_else(|panic| Err(OperatorError::internal(panic)));
            drop((turn, place));
            answer
        });
        task.await.unwrap_or_else(|panic| Err(OperatorError::internal(panic)))
    }
}

/// A turn at changing the node. It is only held, never read.
enum Turn {
    Alone(#[expect(dead_code, reason = "held until it is dropped")] OwnedRwLockWriteGuard<()>),
    Beside(#[expect(dead_code, reason = "held until it is dropped")] OwnedRwLockReadGuard<()>),
}

/// A change under way. As long as it exists, no other change runs except those beside it.
pub(crate) struct Changing {
    pub(crate) inner: Arc<Inner>,
    /// The audit record; `None` for a change that the node makes by itself.
    pub(crate) recorder: Option<Recorder>,
    /// The request that the change is for, if the request may be repeated.
    pub(crate) claim: Option<Arc<Claim>>,
    _turn: Arc<Turn>,
}

impl Changing {
    pub(crate) fn now(&self) -> Timestamp {
        (self.inner.parts.clock)()
    }

    /// Returns a UUID v7 greater than all that were made before.
    pub(crate) fn new_id(&self) -> Uuid {
        self.inner.new_id()
    }

    /// Reads what a change needs on a thread that may wait for the disk.
    pub(crate) async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Inner) -> Result<T, OperatorError> + Send + 'static,
    ) -> Result<T, OperatorError> {
        let inner = Arc::clone(&self.inner);
        blocking(move || work(&inner)).await
    }

    /// Reads records on a thread that may wait for the disk.
    pub(crate) async fn store<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Reader) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, OperatorError> {
        let inner = Arc::clone(&self.inner);
        blocking(move || Ok(work(&inner.store)?)).await
    }

    /// Returns what goes into the unit of this change beside its records: the audit record, and the
    /// outcome of the request, if the request may be repeated.
    pub(super) fn companions(&self, outcome: &impl Outcome) -> Companions {
        companions(self.recorder.as_ref(), self.claim.as_ref(), outcome, self.now())
    }
}

/// Returns what goes into the unit of a change by a request.
pub(super) fn companions(
    recorder: Option<&Recorder>,
    claim: Option<&Arc<Claim>>,
    outcome: &impl Outcome,
    now: Timestamp,
) -> Companions {
    let mut companions = Companions::none();
    if let Some(recorder) = recorder {
        companions = companions.audited(recorder);
    }
    if let Some(claim) = claim {
        companions = companions.answering(claim, &outcome.keep(), now.unix_ms());
    }
    companions
}
