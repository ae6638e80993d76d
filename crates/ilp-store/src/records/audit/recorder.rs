//! Audit records of changes: each change of the store is added to the record within the change's
//! unit.
//!
//! A [`Recorder`] holds the record. A transaction that has it among its companions adds every record
//! that it puts or removes, before and after. The audit record itself is in the transaction's unit, so
//! after a crash both the change and its record exist, or neither.

use std::sync::Arc;

use parking_lot::Mutex;
use serde_json::{Value, json};

use super::{AuditOutcome, AuditRecord, shown::Shown, shown_records};
use crate::{
    error::{StoreError, TransactionError},
    records::forms::keys::Kind,
    store::transaction::Transaction,
};

/// The longest list of changes in one record, in bytes of its JSON; the record may take 64 KiB.
const CHANGES_BYTES_MAX: usize = 32 * 1024;
/// The longest text of an operation's input, in bytes of its JSON.
const DETAIL_BYTES_MAX: usize = 16 * 1024;
/// The longest value that is kept in a list which is too long, in bytes of its JSON.
const VALUE_BYTES_MAX: usize = 256;

/// The audit record of a change under way.
#[derive(Clone, Debug)]
pub struct Recorder(Arc<Mutex<Open>>);

#[derive(Debug)]
struct Open {
    record: AuditRecord,
    changes: Vec<Value>,
}

impl Recorder {
    /// Opens a record.
    #[must_use]
    pub fn new(record: AuditRecord) -> Self {
        Self(Arc::new(Mutex::new(Open { record, changes: Vec::new() })))
    }

    /// Notes the operation's input, without its secrets.
    pub fn given(&self, given: &Shown) {
        let mut detail = given.to_json().to_string();
        if detail.len() > DETAIL_BYTES_MAX {
            let mut given = given.to_json();
            shorten(&mut given);
            detail = given.to_string();
        }
        if detail.len() > DETAIL_BYTES_MAX {
            detail = json!({ "bytes": detail.len() }).to_string();
        }
        self.0.lock().record.detail = detail;
    }

    /// Returns the record with its outcome.
    #[must_use]
    pub fn ended(&self, outcome: AuditOutcome) -> AuditRecord {
        AuditRecord { outcome: Some(outcome), ..self.record() }
    }

    /// Returns the record as it is now.
    #[must_use]
    pub fn record(&self) -> AuditRecord {
        self.0.lock().record.clone()
    }

    /// Adds a batch's changes to the record, and the record to the batch. Runs under the write
    /// lock.
    pub(crate) fn join(&self, tx: &mut Transaction<'_>) -> Result<(), TransactionError> {
        let mut open = self.0.lock();
        let mut changes = open.changes.clone();
        for (key, bytes) in tx.writes() {
            changes.extend(changed(tx, key, bytes)?);
        }
        open.record.changes = within_bounds(&changes);
        open.changes = changes;
        tx.put(Kind::Audit, &open.record)
    }
}

/// Returns the change of one entry, if it is of a kind that the audit log shows.
fn changed(
    tx: &Transaction<'_>,
    key: &[u8],
    after: Option<&[u8]>,
) -> Result<Option<Value>, StoreError> {
    let Some(kind) = key.first().and_then(|byte| Kind::from_byte(*byte)) else { return Ok(None) };
    let show = |bytes: &[u8]| shown_records::entry(kind, key, bytes);
    let before = tx.before(key)?;
    let before = before.map(|bytes| show(&bytes)).transpose()?.flatten();
    let after = after.map(show).transpose()?.flatten();
    let difference = Shown::difference(before.as_ref(), after.as_ref());
    Ok(difference.map(|(before, after)| {
        let id = uuid::Uuid::from_slice(&key[1..]).ok().map(|id| id.to_string());
        json!({ "kind": kind.name().trim_start_matches("records/"), "id": id, "before": before, "after": after })
    }))
}

/// Returns the list as JSON. In a list that is too long, long values are replaced by their lengths;
/// if that isn't enough, the rest of the list is replaced by a count.
fn within_bounds(changes: &[Value]) -> String {
    let whole = Value::from(changes.to_vec()).to_string();
    if whole.len() <= CHANGES_BYTES_MAX {
        return whole;
    }
    let (mut kept, mut length) = (Vec::new(), 0);
    for change in changes {
        let mut change = change.clone();
        for side in ["before", "after"] {
            shorten(&mut change[side]);
        }
        length += change.to_string().len() + 1;
        if length > CHANGES_BYTES_MAX {
            kept.push(json!({ "more": changes.len() - kept.len() }));
            break;
        }
        kept.push(change);
    }
    Value::from(kept).to_string()
}

/// Replaces each long member by its length.
fn shorten(members: &mut Value) {
    for value in members.as_object_mut().into_iter().flat_map(|members| members.values_mut()) {
        let bytes = value.to_string().len();
        if bytes > VALUE_BYTES_MAX {
            *value = format!("({bytes} bytes)").into();
        }
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::{
        AssetRecord, Companions,
        records::{audit::AuditFilter, forms::page::Page},
        testing::{asset, fresh, open},
    };

    fn recorder() -> Recorder {
        Recorder::new(AuditRecord {
            id: Uuid::now_v7(),
            at_ms: 1,
            caller: "bearer".to_owned(),
            origin: String::new(),
            operation: "updateAsset".to_owned(),
            detail: "{}".to_owned(),
            changes: String::new(),
            outcome: None,
        })
    }

    #[test]
    fn a_change_and_its_record_are_in_one_batch() {
        let (dir, store) = fresh();
        let usd = asset("USD");
        store.change(|tx| tx.insert_asset(&usd)).unwrap();
        let recorder = recorder();
        let audited = Companions::none().audited(&recorder);
        let threshold = |asset: &mut AssetRecord| asset.liquidity_threshold = Some(7);
        store.transact(audited, |tx| tx.update_asset(usd.id, threshold)).unwrap();
        // The outcome was never noted, as after a kill of the node at this point.
        drop(store);
        let store = open(dir.path());
        let page = store.audit_page(Page::newest(5), &AuditFilter::default()).unwrap();
        let changes: Value = serde_json::from_str(&page.rows[0].changes).unwrap();
        let before = json!({"liquidityThreshold": u64::MAX.to_string()});
        let after = json!({"liquidityThreshold": "7"});
        let id = usd.id.to_string();
        assert_eq!(
            changes,
            json!([{"kind": "assets", "id": id, "before": before, "after": after}])
        );
        assert_eq!(page.rows[0].outcome, None);
    }

    #[test]
    fn however_much_is_given_little_is_kept() {
        let recorder = recorder();
        let wide: Vec<String> = (0..10_000).map(|number| number.to_string()).collect();
        recorder.given(&crate::shown! { "id": "x", "routes": wide });
        assert_eq!(recorder.record().detail, r#"{"id":"x","routes":"(68891 bytes)"}"#);
    }

    #[test]
    fn however_much_changes_the_record_stays_within_bounds() {
        let long = json!({"kind": "peer", "id": "x", "before": {"routes": "r".repeat(60_000)}, "after": null});
        let kept: Value = serde_json::from_str(&within_bounds(&[long])).unwrap();
        assert_eq!(kept[0]["before"]["routes"], "(60002 bytes)");
        let many = vec![json!({"kind": "peer", "before": {"name": "n".repeat(100)}}); 5_000];
        let kept = within_bounds(&many);
        assert!(kept.len() < CHANGES_BYTES_MAX + 100 && kept.contains("more"), "{}", kept.len());
    }
}
