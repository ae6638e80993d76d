//! The handle through which a node is changed, and the audit record that each change is made under.
//!
//! [`Operator`] has only operations that read. Those that change something are operations of
//! [`Recorded`], which exists within [`Operator::recorded`] alone, so a change that leaves no
//! record doesn't compile. A change that the node makes by itself, such as giving back an expired
//! withdrawal, is not an operator's change and has no record; [`Operator::as_node`] is private to
//! the operations.

use std::{ops::Deref, sync::Arc, time::Instant};

use ilp_store::{Claim, Recorder, Show};

use crate::{
    changes::{
        audit::{self, Deed},
        subject::Subject,
    },
    node::operator::Operator,
    vocabulary::error::OperatorError,
};

/// An operator in the course of one change. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Recorded {
    operator: Operator,
    /// The audit record; `None` for a change that the node makes by itself.
    pub(crate) recorder: Option<Recorder>,
    /// The request that the change is for, if the request may be repeated.
    pub(crate) claim: Option<Arc<Claim>>,
}

impl Deref for Recorded {
    type Target = Operator;

    fn deref(&self) -> &Operator {
        &self.operator
    }
}

impl Operator {
    /// Makes one change under an audit record of its own: the caller, the input, each stored record
    /// before and after, and the outcome.
    ///
    /// `work` runs in a task of its own. So it runs to its end, and its record is completed, even
    /// when the client hangs up or a step of it panics.
    ///
    /// # Errors
    /// Those of `work`, and an internal error after a panic.
    pub async fn recorded<T, F>(
        &self,
        deed: Deed<'_>,
        work: impl FnOnce(Recorded) -> F + Send + 'static,
    ) -> Result<T, OperatorError>
    where
        T: Subject + Send + 'static,
        F: Future<Output = Result<T, OperatorError>> + Send + 'static,
    {
        let recorder = Recorder::new(self.audit_record(deed.caller, deed.operation));
        let (operator, message, began) = (self.clone(), deed.message, Instant::now());
        let task = tokio::spawn(async move {
            let recorded = Recorded {
                operator: operator.clone(),
                recorder: Some(recorder.clone()),
                claim: None,
            };
            let done = tokio::spawn(async move { work(recorded).await }).await;
            let done = done.unwrap_or_else(|panic| Err(OperatorError::internal(panic)));
            let outcome = audit::ended(&done, message, began);
            operator.end_audit(recorder, outcome).await;
            done
        });
        task.await.unwrap_or_else(|panic| Err(OperatorError::internal(panic)))
    }

    /// Returns the handle for changes that the node makes by itself.
    pub(crate) fn as_node(&self) -> Recorded {
        Recorded { operator: self.clone(), recorder: None, claim: None }
    }

    /// Returns the handle for tests of operations, which need no record.
    #[cfg(any(test, feature = "testing"))]
    #[must_use]
    pub fn unrecorded(&self) -> Recorded {
        self.as_node()
    }
}

impl Recorded {
    /// Notes the operation's input in the record.
    pub(crate) fn given(&self, given: &impl Show) {
        if let Some(recorder) = &self.recorder {
            recorder.given(&given.show());
        }
    }

    /// Returns the handle for the same change on behalf of a request that may be repeated.
    pub(crate) fn claimed(&self, claim: Arc<Claim>) -> Self {
        Self { claim: Some(claim), ..self.clone() }
    }
}

#[cfg(test)]
mod tests {
    use ilp_store::AuditFilter;

    use super::*;
    use crate::{
        access::caller::{Caller, CallerKind},
        assets::inputs::AssetEdit,
        vocabulary::{edit::Edit, page::PageArguments},
    };

    fn deed(operation: &str) -> Deed<'_> {
        let caller = Caller { kind: CallerKind::Bearer, address: None };
        Deed { caller, operation, message: "done" }
    }

    async fn kept(operator: &Operator) -> Vec<ilp_store::AuditRecord> {
        let page = PageArguments::default();
        operator.audit().list(&page, AuditFilter::default()).await.unwrap().rows
    }

    #[tokio::test]
    async fn a_change_that_panics_ends_its_record() {
        let dir = tempfile::tempdir().unwrap();
        let (operator, _) = crate::node::testing::operator(dir.path()).await;
        let done = operator.recorded(deed("setFee"), |recorded| async move {
            recorded.change(|_| async move { panic!("in the middle") }).await?;
            Ok(())
        });
        done.await.unwrap_err();
        let done = operator.recorded(deed("setRate"), |_| async move {
            if true {
                panic!("before the change");
            }
            Ok(())
        });
        done.await.unwrap_err();
        let kept = kept(&operator).await;
        let codes: Vec<_> = kept
            .iter()
            .map(|record| (&*record.operation, record.outcome.as_ref().map(|end| &*end.code)))
            .collect();
        assert_eq!(codes, [("setRate", Some("500")), ("setFee", Some("500"))]);
    }

    #[tokio::test]
    async fn what_a_crash_cuts_short_stays_as_begun_with_what_was_given() {
        let dir = tempfile::tempdir().unwrap();
        let (operator, _) = crate::node::testing::operator(dir.path()).await;
        let (begun, has_begun) = tokio::sync::oneshot::channel();
        let changing = operator.clone();
        let change = tokio::spawn(async move {
            let never = changing.recorded::<(), _>(deed("updateAsset"), |recorded| async move {
                let id = "x".to_owned();
                recorded.given(&AssetEdit {
                    id,
                    liquidity_threshold: Edit::Clear,
                    ..AssetEdit::default()
                });
                let stuck = recorded.change::<(), _>(|_| async move {
                    begun.send(()).unwrap();
                    std::future::pending().await
                });
                stuck.await
            });
            never.await
        });
        has_begun.await.unwrap();
        change.abort();
        let kept = kept(&operator).await;
        assert_eq!(kept[0].outcome, None);
        assert_eq!(kept[0].detail, r#"{"id":"x","liquidityThreshold":null}"#);
        assert_eq!(operator.store().purge_audit(u64::MAX, 100).unwrap(), 1);
    }
}
