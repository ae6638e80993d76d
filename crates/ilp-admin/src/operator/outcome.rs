//! What is kept of an operation's outcome, so that it can be told again to a client that asks twice.
//!
//! Not the answer as it was written: the second client may select other fields. What was made or
//! changed is kept by its id and read anew, so that no record, and no token in it, lies in the store
//! a second time; what was deleted can't be read anew and is kept whole.

use ilp_store::{AssetRecord, BackupReport, EventRecord};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{AssetView, Operator, OperatorError, PeerView, error::ErrorKind};

/// The outcome of an operation.
pub(crate) trait Outcome: Sized + Send + 'static {
    /// What is to be kept of it; never a secret.
    fn keep(&self) -> Value;

    /// The outcome again; `None` when what it was about is gone.
    fn recall(
        kept: Value,
        operator: &Operator,
    ) -> impl Future<Output = Result<Option<Self>, OperatorError>> + Send;
}

impl Outcome for () {
    fn keep(&self) -> Value {
        Value::Null
    }

    async fn recall(_kept: Value, _operator: &Operator) -> Result<Option<Self>, OperatorError> {
        Ok(Some(()))
    }
}

impl Outcome for PeerView {
    fn keep(&self) -> Value {
        json!({ "id": self.record.id })
    }

    async fn recall(kept: Value, operator: &Operator) -> Result<Option<Self>, OperatorError> {
        if_there(operator.peer(id_in(&kept)?).await)
    }
}

impl Outcome for AssetView {
    fn keep(&self) -> Value {
        json!({ "id": self.record.id })
    }

    async fn recall(kept: Value, operator: &Operator) -> Result<Option<Self>, OperatorError> {
        if_there(operator.asset(id_in(&kept)?).await)
    }
}

/// An asset that is no more, as it was when it was deleted.
pub(crate) struct DeletedAsset(pub(crate) AssetView);

impl Outcome for DeletedAsset {
    fn keep(&self) -> Value {
        let AssetRecord {
            id,
            code,
            scale,
            withdrawal_threshold,
            liquidity_threshold,
            created_at_ms,
        } = &self.0.record;
        json!({
            "id": id,
            "code": code,
            "scale": scale,
            "withdrawalThreshold": withdrawal_threshold,
            "liquidityThreshold": liquidity_threshold,
            "createdAtMs": created_at_ms,
        })
    }

    async fn recall(kept: Value, _operator: &Operator) -> Result<Option<Self>, OperatorError> {
        let id: Option<Uuid> = id_in(&kept)?.parse().ok();
        let scale = kept["scale"].as_u64().and_then(|scale| u8::try_from(scale).ok());
        let (Some(id), Some(scale), Some(code)) = (id, scale, kept["code"].as_str()) else {
            return Err(unreadable());
        };
        let record = AssetRecord {
            id,
            code: code.to_owned(),
            scale,
            withdrawal_threshold: kept["withdrawalThreshold"].as_u64(),
            liquidity_threshold: kept["liquidityThreshold"].as_u64(),
            created_at_ms: kept["createdAtMs"].as_u64().unwrap_or_default(),
        };
        // Only an asset without any liquidity can be deleted.
        Ok(Some(Self(AssetView { record, liquidity: 0 })))
    }
}

impl Outcome for EventRecord {
    fn keep(&self) -> Value {
        json!({ "id": self.id })
    }

    async fn recall(kept: Value, operator: &Operator) -> Result<Option<Self>, OperatorError> {
        operator.event(id_in(&kept)?).await
    }
}

impl Outcome for BackupReport {
    fn keep(&self) -> Value {
        json!({
            "lastSequence": self.last_sequence,
            "segments": self.segments,
            "journalBytes": self.journal_bytes,
        })
    }

    async fn recall(kept: Value, _operator: &Operator) -> Result<Option<Self>, OperatorError> {
        let number = |name: &str| kept[name].as_u64().unwrap_or_default();
        Ok(Some(Self {
            last_sequence: number("lastSequence"),
            segments: number("segments"),
            journal_bytes: number("journalBytes"),
        }))
    }
}

pub(super) fn id_in(kept: &Value) -> Result<&str, OperatorError> {
    kept["id"].as_str().ok_or_else(unreadable)
}

pub(super) fn unreadable() -> OperatorError {
    OperatorError::internal(&"what was kept under an idempotency key can't be read")
}

pub(super) fn if_there<T>(found: Result<T, OperatorError>) -> Result<Option<T>, OperatorError> {
    match found {
        Ok(found) => Ok(Some(found)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}
