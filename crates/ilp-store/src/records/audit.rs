//! The audit log's records: who did what, when, what it changed and how it ended. The store itself
//! adds the changes of records, see `recorder`; secrets are hidden by their type, see `shown`.
//! `shown_records` decides for each kind of record how the log shows it.

pub(crate) mod recorder;
pub(crate) mod shown;
mod shown_records;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::forms::{
    keys::Kind,
    page::{Page, Rows},
    stored_form::Stored,
    text_filter::TextFilter,
};
use crate::{
    error::{StoreError, TransactionError},
    store::{Store, reading::Reader},
};

/// Something that was done, tried or refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditRecord {
    /// A UUID v7, so that the order of ids is the order in which it began.
    pub id: Uuid,
    /// When it began, in milliseconds since 1970.
    pub at_ms: u64,
    /// The way in which the caller was known, such as `signature`.
    pub caller: String,
    /// Where from, as an address; empty when that isn't known.
    pub origin: String,
    /// The operation, such as `createPeer`.
    pub operation: String,
    /// The operation's input, as a JSON object without secrets.
    pub detail: String,
    /// The changed records, with what differs before and after: a JSON list of objects with `kind`,
    /// `id`, `before` and `after`. Empty text while nothing was changed.
    pub changes: String,
    /// The outcome; `None` while the operation runs, and for ever when a crash cut it short.
    pub outcome: Option<AuditOutcome>,
}

/// The outcome of an operation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditOutcome {
    /// Such as `200`, or the code of a refusal.
    pub code: String,
    /// The message to the client.
    pub message: String,
    /// The id of what was made or changed, where it has one.
    pub subject: Option<String>,
    /// How long it took, in microseconds.
    pub took_us: u64,
}

/// Which records to list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AuditFilter {
    /// By operation.
    pub operation: TextFilter,
    /// Only those of which this came; `None` for any.
    pub code: Option<String>,
}

impl AuditFilter {
    fn lets_through(&self, record: &AuditRecord) -> bool {
        self.operation.lets_through(&record.operation)
            && self.code.as_ref().is_none_or(|code| {
                record.outcome.as_ref().is_some_and(|outcome| outcome.code == *code)
            })
    }
}

impl Reader {
    /// Returns one page of the records that the filter lets through.
    ///
    /// # Errors
    /// When the store or a record can't be read.
    pub fn audit_page(
        &self,
        page: Page,
        filter: &AuditFilter,
    ) -> Result<Rows<AuditRecord>, StoreError> {
        // Notes aren't waited for when they are made, and an operator looks for the last of them.
        self.wait_for_log()?;
        if *filter == AuditFilter::default() {
            return self.page(Kind::Audit, page);
        }
        self.page_where(Kind::Audit, page, |record| filter.lets_through(record))
    }
}

impl Store {
    /// Notes that an operation begins, or that it was refused before it began. The log takes the note
    /// at once and the call doesn't wait for the disk.
    ///
    /// # Errors
    /// When it is too large or the store can't be written.
    pub fn note_audit(&self, record: &AuditRecord) -> Result<(), TransactionError> {
        self.note(|tx| tx.put(Kind::Audit, record)).map(drop)
    }

    /// Notes what came of it, in place of what was noted at its begin. The call doesn't wait for the disk:
    /// what the operation has changed is there, with this record, in the unit of the change.
    ///
    /// # Errors
    /// When it is too large or the store can't be written.
    pub fn finish_audit(&self, record: &AuditRecord) -> Result<(), TransactionError> {
        self.note(|tx| tx.put(Kind::Audit, record)).map(drop)
    }

    /// Removes up to `limit` of the oldest records that began before a time (milliseconds since
    /// 1970), and says how many.
    ///
    /// # Errors
    /// When the store can't be read or written.
    pub fn purge_audit(
        &self,
        begun_before_ms: u64,
        limit: usize,
    ) -> Result<usize, TransactionError> {
        let mut outlived = Vec::new();
        for record in self.scan::<AuditRecord>(Kind::Audit).take(limit) {
            let record = record?;
            if record.at_ms >= begun_before_ms {
                break;
            }
            outlived.push(Kind::Audit.key(record.id.as_bytes()));
        }
        let count = outlived.len();
        if count > 0 {
            self.change(|tx| {
                outlived.into_iter().for_each(|key| tx.remove(key));
                Ok(())
            })?;
        }
        Ok(count)
    }
}

#[derive(Serialize, Deserialize)]
pub(crate) struct AuditForm {
    id: Uuid,
    at_ms: u64,
    caller: String,
    origin: String,
    operation: String,
    detail: String,
    #[serde(default)]
    changes: String,
    outcome: Option<AuditOutcome>,
}

impl Stored for AuditRecord {
    type Form = AuditForm;

    fn id(&self) -> Uuid {
        self.id
    }

    fn to_form(&self) -> AuditForm {
        AuditForm {
            id: self.id,
            at_ms: self.at_ms,
            caller: self.caller.clone(),
            origin: self.origin.clone(),
            operation: self.operation.clone(),
            detail: self.detail.clone(),
            changes: self.changes.clone(),
            outcome: self.outcome.clone(),
        }
    }

    fn from_form(form: AuditForm) -> Result<Self, &'static str> {
        Ok(Self {
            id: form.id,
            at_ms: form.at_ms,
            caller: form.caller,
            origin: form.origin,
            operation: form.operation,
            detail: form.detail,
            changes: form.changes,
            outcome: form.outcome,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{fresh, open};

    fn record(operation: &str, at_ms: u64) -> AuditRecord {
        AuditRecord {
            id: Uuid::now_v7(),
            at_ms,
            caller: "bearer".to_owned(),
            origin: String::new(),
            operation: operation.to_owned(),
            detail: "{}".to_owned(),
            changes: String::new(),
            outcome: None,
        }
    }

    #[test]
    fn what_was_done_is_listed_with_its_outcome_and_let_go_after_its_time() {
        let (dir, store) = fresh();
        let mut made = record("createPeer", 10);
        let refused = record("signIn", 20);
        store.note_audit(&made).unwrap();
        store.note_audit(&refused).unwrap();
        made.outcome = Some(AuditOutcome {
            code: "200".to_owned(),
            message: "Created ILP Peer".to_owned(),
            subject: Some("id".to_owned()),
            took_us: 5,
        });
        store.finish_audit(&made).unwrap();
        drop(store);
        let store = open(dir.path());
        let listed = |filter| store.audit_page(Page::newest(10), &filter).unwrap().rows;
        assert_eq!(listed(AuditFilter::default()), [refused.clone(), made.clone()]);
        let only = Some(vec!["createPeer".to_owned()]);
        let operation = TextFilter { only, except: Vec::new() };
        assert_eq!(listed(AuditFilter { operation, ..AuditFilter::default() }), [made.clone()]);
        let code = Some("200".to_owned());
        assert_eq!(listed(AuditFilter { code, ..AuditFilter::default() }), [made]);
        assert_eq!(store.purge_audit(20, 100).unwrap(), 1);
        assert_eq!(store.purge_audit(20, 100).unwrap(), 0);
        let left = store.audit_page(Page::newest(10), &AuditFilter::default()).unwrap();
        assert_eq!(left.rows, [refused]);
    }
}
