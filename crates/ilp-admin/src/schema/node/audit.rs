//! The audit log in the schema.

use async_graphql::{ID, InputObject, SimpleObject};
use ilp_store::{AuditFilter, AuditRecord, Rows};
use interledger_packet::Timestamp;
use serde_json::Value;

use crate::schema::forms::{
    filter::FilterString,
    page::{self, PageInfo, Row},
    scalars::{JsonObject, UInt64},
};

/// An operation that was done, tried or refused.
#[derive(SimpleObject)]
pub(crate) struct AuditEvent {
    /// The record's id, a UUID.
    pub(crate) id: ID,
    /// The time of its begin, such as `2026-11-23T12:00:00.000Z`.
    pub(crate) created_at: String,
    /// The caller's proof of identity: `bearer`, `signature`, `loopback` where there is no secret,
    /// `peer` for another node that asked for a peering, `nobody` for a client that was turned
    /// away.
    caller: String,
    /// The address of the caller; null where it isn't known.
    origin: Option<String>,
    /// The operation, such as `createPeer`.
    operation: String,
    /// The operation's input, with `(hidden)` in place of secrets. Empty for input that can't be
    /// read.
    detail: JsonObject,
    /// Each record that it changed, whichever surface it came by. Only the fields that differ are
    /// there, and in place of secrets `(hidden)`.
    changes: Vec<AuditChange>,
    /// `"200"` when it was done, otherwise what `code` of a refusal says. Null while it runs, and
    /// for one that a crash cut short.
    code: Option<String>,
    /// The message that the client got; null like `code`.
    message: Option<String>,
    /// The id of what was made or changed, where it has one.
    subject_id: Option<String>,
    /// The duration in microseconds; null like `code`.
    took_us: Option<UInt64>,
}

/// A record that a change has made, changed or removed.
#[derive(SimpleObject)]
pub(crate) struct AuditChange {
    /// The kind of record, such as `peers` or `assets`.
    kind: String,
    /// The record's id; null for one that has none, such as a rate.
    id: Option<String>,
    /// The fields that differ, before the change; null when the record was created.
    before: Option<JsonObject>,
    /// The fields that differ, after the change; null when the record was removed.
    after: Option<JsonObject>,
}

impl AuditChange {
    /// Reads the list of an audit record. What is left out of a list that is too long is told by a
    /// last element of the kind `more`.
    fn read(text: &str) -> Vec<Self> {
        let Ok(Value::Array(changes)) = serde_json::from_str(text) else { return Vec::new() };
        let change = |change: Value| Self {
            kind: change["kind"].as_str().unwrap_or("more").to_owned(),
            id: change["id"].as_str().map(str::to_owned),
            before: JsonObject::of(&change["before"]),
            after: JsonObject::of(&change["after"]),
        };
        changes.into_iter().map(change).collect()
    }
}

impl From<AuditRecord> for AuditEvent {
    fn from(record: AuditRecord) -> Self {
        let outcome = record.outcome;
        Self {
            id: record.id.into(),
            created_at: Timestamp::from_unix_ms(record.at_ms).to_string(),
            caller: record.caller,
            origin: (!record.origin.is_empty()).then_some(record.origin),
            operation: record.operation,
            detail: JsonObject::read(record.detail.as_bytes()),
            changes: AuditChange::read(&record.changes),
            took_us: outcome.as_ref().map(|outcome| outcome.took_us.into()),
            code: outcome.as_ref().map(|outcome| outcome.code.clone()),
            subject_id: outcome.as_ref().and_then(|outcome| outcome.subject.clone()),
            message: outcome.map(|outcome| outcome.message),
        }
    }
}

impl Row for AuditEvent {
    fn id(&self) -> &ID {
        &self.id
    }
}

/// A page of the audit log.
#[derive(SimpleObject)]
pub(crate) struct AuditEventsConnection {
    /// The position of the page in the list.
    page_info: PageInfo,
    /// The records of the page.
    edges: Vec<AuditEventEdge>,
}

/// A record in a list.
#[derive(SimpleObject)]
pub(crate) struct AuditEventEdge {
    /// The record.
    node: AuditEvent,
    /// The cursor of this place in the list, also after the record is gone.
    cursor: String,
}

impl From<Rows<AuditRecord>> for AuditEventsConnection {
    fn from(rows: Rows<AuditRecord>) -> Self {
        let (page_info, rows) = page::page(rows);
        let edges = rows.map(|(cursor, node)| AuditEventEdge { node, cursor }).collect();
        Self { page_info, edges }
    }
}

/// The criteria by which a list is filtered.
#[derive(Default, InputObject)]
pub(crate) struct AuditEventFilter {
    /// By operation, such as `createPeer`.
    operation: Option<FilterString>,
    /// The outcome, such as `200` or `401`.
    code: Option<String>,
}

impl AuditEventFilter {
    pub(crate) fn read(self) -> AuditFilter {
        AuditFilter { operation: FilterString::read(self.operation), code: self.code }
    }
}
