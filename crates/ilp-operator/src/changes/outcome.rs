//! The outcome of an operation as it is kept, so that a client that asks twice is told the first
//! one.
//!
//! Not the answer as it was written: the second client may select other fields. The whole of what
//! the first one could have selected is kept, as it was then; so the answer is the first one also
//! when the object has changed since, or is gone.

use ilp_store::{BackupReport, EventRecord, FeeRecord, Snapshot};

use crate::{changes::subject::Subject, node::operator::Operator};

/// The outcome of an operation.
pub trait Outcome: Subject + Sized + Send + 'static {
    /// All that a client may ask of it. The only secret in there is one that clients may read.
    fn keep(&self) -> Snapshot;

    /// The outcome again; `None` when what was kept is of another form. `operator` has what is live
    /// and never changes, such as an asset's code.
    fn recall(kept: &Snapshot, operator: &Operator) -> Option<Self>;
}

impl Outcome for () {
    fn keep(&self) -> Snapshot {
        Snapshot::new()
    }

    fn recall(_kept: &Snapshot, _operator: &Operator) -> Option<Self> {
        Some(())
    }
}

impl Outcome for EventRecord {
    fn keep(&self) -> Snapshot {
        Snapshot::new().with_record("event", self)
    }

    fn recall(kept: &Snapshot, _operator: &Operator) -> Option<Self> {
        kept.record("event")
    }
}

impl Outcome for BackupReport {
    fn keep(&self) -> Snapshot {
        Snapshot::new()
            .with_number("last_sequence", self.last_sequence)
            .with_number("segments", self.segments)
            .with_number("journal_bytes", self.journal_bytes)
    }

    fn recall(kept: &Snapshot, _operator: &Operator) -> Option<Self> {
        Some(Self {
            last_sequence: kept.number("last_sequence")?,
            segments: kept.number("segments")?,
            journal_bytes: kept.number("journal_bytes")?,
        })
    }
}

impl Outcome for FeeRecord {
    fn keep(&self) -> Snapshot {
        Snapshot::new().with_record("fee", self)
    }

    fn recall(kept: &Snapshot, _operator: &Operator) -> Option<Self> {
        kept.record("fee")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_backup_is_told_again_to_the_last_field() {
        let dir = tempfile::tempdir().unwrap();
        let (operator, _) = crate::node::testing::operator(dir.path()).await;
        let report = BackupReport { last_sequence: 1, segments: 2, journal_bytes: 3 };
        assert_eq!(BackupReport::recall(&report.keep(), &operator), Some(report));
    }
}
