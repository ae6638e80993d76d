//! Operations that are done once, however often a client sends them.
//!
//! A client that hears no answer can't know whether its request was done, so it names the request
//! by a key and sends it again. The first outcome is kept under the key for a day, on the disk. It
//! gets there with what is done, in one unit of the log ([`Changing::commit`],
//! [`Changing::commit_step`]). A refused operation has done nothing and keeps nothing.

use std::{sync::Arc, time::Duration};

use ilp_store::{Claim, Idempotency, OperatorStep, Transaction, TransactionError};

use crate::{
    changes::{
        changing::{Changing, companions},
        error::{ChangeError, KEY_BYTES_MAX},
        outcome::Outcome,
        recorded::Recorded,
    },
    node::operator::{Inner, Operator, blocking},
    vocabulary::error::{Inconsistency, OperatorError},
};

/// How often keys and events that have served their time are removed.
const HOUSEKEEPING_INTERVAL: Duration = Duration::from_secs(10 * 60);
/// How many are removed in one step, so that no step holds the store's lock for long.
const ROWS_PER_STEP: usize = 500;
/// How many steps there are at a time; what then is left waits for the next time.
const STEPS_MAX: usize = 200;

/// A request that may come again.
#[derive(Clone, Debug)]
pub struct Request {
    /// The client's name for it.
    pub key: String,
    /// SHA-256 of the operation's name and its input, by which the same key on another request is
    /// found out. Input holds tokens, so nothing but the digest is kept.
    pub digest: [u8; 32],
}

impl Recorded {
    /// Does `work` unless it was done before under this key, and gives the outcome of the first
    /// time. `work` makes its changes through the operator that it is given, which knows the
    /// request.
    ///
    /// Runs to its end even if the client hangs up. When the node ends in the middle, the next
    /// start has the work and its outcome, or neither.
    pub async fn once<T, F>(
        &self,
        Request { key, digest }: Request,
        work: impl FnOnce(Self) -> F,
    ) -> Result<T, OperatorError>
    where
        T: Outcome,
        F: Future<Output = Result<T, OperatorError>> + Send + 'static,
    {
        check_key(&key)?;
        let (asked, now_ms) = (key.clone(), (self.inner.parts.clock)().unix_ms());
        let known = self
            .read(move |inner| {
                Ok(inner.writes.store().idempotency_begin(&asked, digest, now_ms)?)
            })
            .await?;
        match known {
            Idempotency::New(claim) => {
                let claim = Arc::new(claim);
                let recorded = self.claimed(Arc::clone(&claim));
                let finish = finish(Arc::clone(&self.inner), claim, work(recorded));
                let task = tokio::spawn(finish);
                task.await.unwrap_or_else(|panic| Err(OperatorError::internal(panic)))
            }
            Idempotency::Replay(kept) => {
                T::recall(&kept, self).ok_or_else(|| Inconsistency::KeptOutcome.into())
            }
            Idempotency::Different => Err(ChangeError::DifferentInput { key }.into()),
            Idempotency::Running => Err(ChangeError::Concurrent { key }.into()),
            Idempotency::Open => Err(ChangeError::OutcomeUnknown { key }.into()),
        }
    }
}

impl Recorded {
    /// Runs a transaction outside of a turn, for a change that may be made at any time beside others.
    /// Its unit has the request's outcome and the audit record.
    pub(crate) async fn commit_at_any_time<T: Send + 'static>(
        &self,
        outcome: &impl Outcome,
        work: impl FnOnce(&mut Transaction<'_>) -> Result<T, TransactionError> + Send + 'static,
    ) -> Result<T, OperatorError> {
        let (recorder, claim) = (self.recorder.as_ref(), self.claim.as_ref());
        let companions = companions(recorder, claim, outcome, self.now());
        let inner = Arc::clone(&self.inner);
        blocking(move || inner.writes.transact(companions, work)).await
    }
}

impl Operator {
    /// Removes expired records: keys after their day, events `events_kept` after they were made,
    /// and payments `payments_kept` after they ended, if that is given. Never ends; it wakes every
    /// ten minutes and works in small steps.
    pub async fn keep_house(&self, events_kept: Duration, payments_kept: Option<Duration>) {
        loop {
            tokio::time::sleep(HOUSEKEEPING_INTERVAL).await;
            if let Err(error) = self.remove_outlived(events_kept).await {
                tracing::warn!(%error, "what has served its time could not be removed");
            }
            if let Err(error) = self.payments().remove_old(payments_kept).await {
                tracing::warn!(%error, "payments that ended long ago could not be removed");
            }
        }
    }

    async fn remove_outlived(&self, events_kept: Duration) -> Result<(), OperatorError> {
        let now_ms = (self.inner.parts.clock)().unix_ms();
        let kept_ms = u64::try_from(events_kept.as_millis()).unwrap_or(u64::MAX);
        let before_ms = now_ms.saturating_sub(kept_ms);
        for _ in 0..STEPS_MAX {
            let removed = self.read(move |inner| {
                let keys =
                    inner.writes.purge(|store| store.idempotency_purge(now_ms, ROWS_PER_STEP))?;
                let events =
                    inner.writes.purge(|store| store.purge_events(before_ms, ROWS_PER_STEP))?;
                Ok(keys.max(events))
            });
            if removed.await? < ROWS_PER_STEP {
                break;
            }
        }
        Ok(())
    }
}

/// Does the work to its end and lets go of the key.
async fn finish<T: Outcome>(
    inner: Arc<Inner>,
    claim: Arc<Claim>,
    work: impl Future<Output = Result<T, OperatorError>> + Send + 'static,
) -> Result<T, OperatorError> {
    // A task of its own, since a panic must let go of the key like a refusal.
    let done = tokio::spawn(work).await;
    let done = done.unwrap_or_else(|panic| Err(OperatorError::internal(panic)));
    let kept = done.as_ref().ok().filter(|_| !claim.is_kept()).map(Outcome::keep);
    let settled = blocking(move || {
        // Of an operation that changed nothing which could have taken it along.
        let now_ms = (inner.parts.clock)().unix_ms();
        let settled = kept.map_or(Ok(()), |kept| claim.keep(&kept, now_ms));
        claim.release();
        Ok(settled?)
    });
    if let Err(error) = settled.await {
        // It is done all the same, and that's what the client must hear.
        tracing::error!(%error, "what was done is not kept under its idempotency key");
    }
    done
}

impl Changing {
    /// Runs the transaction of this change on a thread that may wait for the disk. Its unit also has
    /// the audit record and the outcome of the request: a crash leaves all of them or none. What is
    /// done after this must be done by the next start, too.
    pub(crate) async fn commit<T: Send + 'static>(
        &self,
        outcome: &impl Outcome,
        work: impl FnOnce(&mut Transaction<'_>) -> Result<T, TransactionError> + Send + 'static,
    ) -> Result<T, OperatorError> {
        let (companions, inner) = (self.companions(outcome), Arc::clone(&self.inner));
        blocking(move || inner.writes.transact(companions, work)).await
    }

    /// Runs the transaction of this change as [`Changing::commit`], with a step of a transfer in its
    /// unit. The transaction is refused where the step is.
    pub(crate) async fn commit_step<T: Send + 'static>(
        &self,
        outcome: &impl Outcome,
        step: OperatorStep,
        work: impl FnOnce(&mut Transaction<'_>) -> Result<T, TransactionError> + Send + 'static,
    ) -> Result<T, OperatorError> {
        let (companions, inner) = (self.companions(outcome), Arc::clone(&self.inner));
        let work = move || inner.writes.transact(companions.moving(inner.ledger(), step), work);
        blocking(work).await
    }

    /// Takes a step of a transfer, and keeps what comes of the request in the same unit.
    pub(crate) async fn take_step(
        &self,
        outcome: &impl Outcome,
        step: OperatorStep,
    ) -> Result<(), OperatorError> {
        self.commit_step(outcome, step, |_| Ok(())).await
    }
}

fn check_key(key: &str) -> Result<(), ChangeError> {
    if key.len() > KEY_BYTES_MAX { Err(ChangeError::KeyTooLong(key.len())) } else { Ok(()) }
}
