//! Operations that are done once, however often a client sends them.
//!
//! A client that hears no answer can't know whether its request was done, so it names the request
//! by a key and sends it again. The first outcome is kept under the key for a day, on the disk. A
//! refused operation has done nothing and keeps nothing.

use std::time::Duration;

use ilp_store::Idempotency;
use serde_json::Value;

use super::{
    Operator, Outcome,
    error::{ErrorKind, OperatorError},
};

/// Longest key, in bytes. Clients send a UUID.
const KEY_BYTES_MAX: usize = 255;

/// How often keys and events that have served their time are removed.
const HOUSEKEEPING_INTERVAL: Duration = Duration::from_secs(10 * 60);
/// How many are removed in one step, so that no step holds the store's lock for long.
const ROWS_PER_STEP: usize = 500;
/// How many steps there are at a time; what then is left waits for the next time.
const STEPS_MAX: usize = 200;

/// A request that may come again.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    /// The client's name for it.
    pub(crate) key: String,
    /// SHA-256 of the operation's name and its input, by which the same key on another request is
    /// found out. Input holds tokens, so nothing but the digest is kept.
    pub(crate) digest: [u8; 32],
}

impl Operator {
    /// Does `work` unless it was done before under this key, and gives the outcome of the first
    /// time; `None` when what that was about is gone by now.
    ///
    /// Runs to its end even if the client hangs up, so that a key never stays taken without an
    /// outcome. When the node ends between the work and the keeping of its outcome, the key is free
    /// again after the restart; the work itself then minds what is there: a transfer's id, a peer's
    /// address, an asset's code are taken once.
    pub(crate) async fn once<T: Outcome>(
        &self,
        request: Request,
        work: impl Future<Output = Result<T, OperatorError>> + Send + 'static,
    ) -> Result<Option<T>, OperatorError> {
        check_key(&request.key)?;
        let operator = self.clone();
        let task = tokio::spawn(async move { operator.begin(request, work).await });
        task.await.unwrap_or_else(|panic| Err(OperatorError::internal(&panic)))
    }

    async fn begin<T: Outcome>(
        self,
        Request { key, digest }: Request,
        work: impl Future<Output = Result<T, OperatorError>> + Send + 'static,
    ) -> Result<Option<T>, OperatorError> {
        let (asked, now_ms) = (key.clone(), (self.inner.parts.clock)().unix_ms());
        let found = self
            .read(move |inner| Ok(inner.parts.store.idempotency_begin(&asked, digest, now_ms)?))
            .await?;
        match found {
            Idempotency::New => self.finish(key, work).await.map(Some),
            Idempotency::Replay(kept) => {
                let kept: Value = serde_json::from_slice(&kept)
                    .map_err(|error| OperatorError::internal(&error))?;
                T::recall(kept, &self).await
            }
            Idempotency::Different => Err(OperatorError::new(
                ErrorKind::BadInput,
                format!(
                    "Incoming arguments are different than the original request for \
                     idempotencyKey: {key}"
                ),
            )),
            Idempotency::Running => Err(OperatorError::new(
                ErrorKind::Conflict,
                format!("Concurrent request for idempotencyKey: {key}"),
            )),
        }
    }

    /// Does the work and keeps its outcome, or frees the key.
    async fn finish<T: Outcome>(
        &self,
        key: String,
        work: impl Future<Output = Result<T, OperatorError>> + Send + 'static,
    ) -> Result<T, OperatorError> {
        // A task of its own, since a panic must free the key like a refusal.
        let done = tokio::spawn(work).await;
        let done = done.unwrap_or_else(|panic| Err(OperatorError::internal(&panic)));
        let kept = done.as_ref().ok().map(|outcome| outcome.keep().to_string());
        let now_ms = (self.inner.parts.clock)().unix_ms();
        let settled = self.read(move |inner| {
            let store = &inner.parts.store;
            match kept {
                None => store.idempotency_forget(&key),
                // What can't be kept frees its key.
                Some(kept) => store.idempotency_finish(&key, kept.as_bytes(), now_ms)?,
            }
            Ok(())
        });
        if let Err(error) = settled.await {
            // It is done all the same, and that's what the client must hear.
            tracing::error!(%error, "what was done is not kept under its idempotency key");
        }
        done
    }

    /// Removes what has served its time: keys after their day, and events `events_kept` after they
    /// were made. Never ends; it wakes every ten minutes and works in small steps.
    pub async fn keep_house(&self, events_kept: Duration) {
        loop {
            tokio::time::sleep(HOUSEKEEPING_INTERVAL).await;
            if let Err(error) = self.remove_outlived(events_kept).await {
                tracing::warn!(%error, "what has served its time could not be removed");
            }
        }
    }

    async fn remove_outlived(&self, events_kept: Duration) -> Result<(), OperatorError> {
        let now_ms = (self.inner.parts.clock)().unix_ms();
        let kept_ms = u64::try_from(events_kept.as_millis()).unwrap_or(u64::MAX);
        let before_ms = now_ms.saturating_sub(kept_ms);
        for _ in 0..STEPS_MAX {
            let removed = self.read(move |inner| {
                let store = &inner.parts.store;
                let keys = store.idempotency_purge(now_ms, ROWS_PER_STEP)?;
                let events = store.purge_events(before_ms, ROWS_PER_STEP)?;
                Ok(keys.max(events))
            });
            if removed.await? < ROWS_PER_STEP {
                break;
            }
        }
        Ok(())
    }
}

fn check_key(key: &str) -> Result<(), OperatorError> {
    if key.len() > KEY_BYTES_MAX {
        return Err(OperatorError::bad_input(
            "invalid idempotencyKey",
            format!("it has {} bytes, at most {KEY_BYTES_MAX} are taken", key.len()),
        ));
    }
    Ok(())
}
