//! The audit log: who did what, when, what it changed and how it ended. Each change by an operator
//! is one record in the store and one line in the log; so is each client that was turned away.
//!
//! A change is noted before it begins and again when it has ended. A change that a crash cuts short
//! stays noted as begun, since it can't be known any more how far it came.

use std::time::{Duration, Instant};

use ilp_store::{AuditFilter, AuditOutcome, AuditRecord, Recorder, Rows};
use serde_json::json;

use crate::{
    access::caller::Caller,
    changes::subject::Subject,
    node::operator::Operator,
    vocabulary::{
        error::OperatorError,
        page::PageArguments,
        seek::{Sought, begin, seek},
    },
};

/// How often records that have served their time are removed, and how many in one step.
const PURGE_INTERVAL: Duration = Duration::from_secs(10 * 60);
const ROWS_PER_STEP: usize = 500;
const STEPS_MAX: usize = 200;

/// Longest message that is kept, in characters. What a refusal says may repeat what was given.
const MESSAGE_CHARACTERS_MAX: usize = 300;

/// A change that is to be made, in the terms of the audit log.
#[derive(Clone, Copy, Debug)]
pub struct Deed<'a> {
    /// Who makes it.
    pub caller: Caller,
    /// The API's name of the operation, such as `createPeer`.
    pub operation: &'a str,
    /// The record's message if the change succeeds.
    pub message: &'static str,
}

/// A handle that reads the audit log, and notes the clients that are turned away.
#[derive(Clone, Copy, Debug)]
pub struct AuditLog<'a> {
    on: &'a Operator,
}

impl Operator {
    /// Returns the handle that reads the audit log.
    #[must_use]
    pub fn audit(&self) -> AuditLog<'_> {
        AuditLog { on: self }
    }
}

impl AuditLog<'_> {
    /// Notes that `caller` was turned away, unless that happens too often, and then how often.
    pub async fn note_refusal(self, caller: Caller, operation: &str, code: &str, reason: &str) {
        // The time is that of the monotonic clock: a wall clock that is set back would keep
        // refusals out of the log.
        let Some(unnoted) = self.on.inner.refusals.lock().admit(self.on.uptime_ms()) else {
            return;
        };
        tracing::warn!(
            target: "jirani::audit",
            operation,
            origin = caller.address.map(tracing::field::display),
            code,
            reason,
            unnoted,
            "refused"
        );
        let mut record = self.on.audit_record(caller, operation);
        if unnoted > 0 {
            record.detail = json!({ "unnotedBefore": unnoted }).to_string();
        }
        record.outcome = Some(AuditOutcome {
            code: code.to_owned(),
            message: reason.to_owned(),
            subject: None,
            took_us: 0,
        });
        let noted = self.on.read(move |inner| Ok(inner.writes.store().note_audit(&record)?)).await;
        if let Err(error) = noted {
            tracing::error!(%error, "a refusal is in the log alone");
        }
    }

    /// A page of what was done: of the operations in `only`, where given, and not in `except`; and
    /// of this `code`, where given.
    ///
    /// # Errors
    /// Bad input.
    pub async fn list(
        self,
        page: &PageArguments,
        filter: AuditFilter,
    ) -> Result<Rows<AuditRecord>, OperatorError> {
        let page = page.check()?;
        self.on.read(move |inner| Ok(inner.store.audit_page(page, &filter)?)).await
    }

    /// Removes what was done longer ago than `kept`. Never ends; it wakes every ten minutes and
    /// works in small steps.
    pub async fn keep(self, kept: Duration) {
        let kept_ms = u64::try_from(kept.as_millis()).unwrap_or(u64::MAX);
        loop {
            tokio::time::sleep(PURGE_INTERVAL).await;
            let before_ms = (self.on.inner.parts.clock)().unix_ms().saturating_sub(kept_ms);
            for _ in 0..STEPS_MAX {
                let purged = self.on.read(move |inner| {
                    inner.writes.purge(|store| store.purge_audit(before_ms, ROWS_PER_STEP))
                });
                match purged.await {
                    Ok(ROWS_PER_STEP) => {}
                    Ok(_) => break,
                    Err(error) => {
                        tracing::warn!(%error, "old audit records could not be removed");
                        break;
                    }
                }
            }
        }
    }
}

impl Operator {
    /// Notes how a change ended, in the log and on the disk. If the note fails, the change is still
    /// done, or refused.
    pub(crate) async fn end_audit(&self, recorder: Recorder, outcome: AuditOutcome) {
        let AuditRecord { caller, origin, operation, detail, changes, .. } = recorder.record();
        let AuditOutcome { code, message, subject, took_us } = &outcome;
        let subject = subject.as_deref().unwrap_or_default();
        tracing::info!(
            target: "jirani::audit",
            caller, origin, operation, detail, changes, code, subject, took_us, "{message}"
        );
        let record = recorder.ended(outcome);
        let noted = self.read(move |inner| Ok(inner.writes.store().finish_audit(&record)?)).await;
        if let Err(error) = noted {
            tracing::error!(%error, "what came of a change is in the log alone");
        }
    }

    pub(crate) fn audit_record(&self, caller: Caller, operation: &str) -> AuditRecord {
        let now = (self.inner.parts.clock)();
        AuditRecord {
            id: self.inner.new_id_at(now),
            at_ms: now.unix_ms(),
            caller: caller.kind.name().to_owned(),
            origin: caller.address.map(|address| address.ip().to_string()).unwrap_or_default(),
            operation: operation.to_owned(),
            detail: "{}".to_owned(),
            changes: String::new(),
            outcome: None,
        }
    }
}

/// Returns the outcome of a change. `message` is the one for a change that succeeded.
pub(crate) fn ended<T: Subject>(
    done: &Result<T, OperatorError>,
    message: &str,
    began: Instant,
) -> AuditOutcome {
    let (code, message) = match done {
        Ok(done) => {
            let (code, message) = done.ended().unwrap_or(("200", message));
            (code, message.to_owned())
        }
        Err(refusal) => (refusal.kind().http_code(), refusal.to_string()),
    };
    AuditOutcome {
        code: code.to_owned(),
        message: message.chars().take(MESSAGE_CHARACTERS_MAX).collect(),
        subject: done.as_ref().ok().and_then(Subject::subject),
        took_us: u64::try_from(began.elapsed().as_micros()).unwrap_or(u64::MAX),
    }
}

impl AuditLog<'_> {
    /// Returns the first `first` wanted audit records, newest first, after where an earlier search
    /// stopped.
    ///
    /// # Errors
    /// Bad input.
    pub async fn search(
        self,
        first: usize,
        after: Option<String>,
        is_wanted: impl Fn(&AuditRecord) -> bool + Send + 'static,
    ) -> Result<Sought<AuditRecord>, OperatorError> {
        let page = begin(after)?;
        self.on
            .read(move |inner| {
                let store = &inner.store;
                let all = AuditFilter::default();
                seek(
                    first,
                    page,
                    |page| store.audit_page(page, &all),
                    |record| record.id,
                    is_wanted,
                )
            })
            .await
    }
}
