//! Changes made through a form: in the audit log like those of the API, and made to their end even
//! if the browser goes away in the middle.

use ilp_admin::operator::{ErrorKind, OperatorError, audit::Ended};
use serde_json::Value;

use crate::{Pages, visit::Visit};

impl Pages {
    /// Makes a change. `operation` is what the API calls it, and `detail` has no secrets;
    /// `subject` names what it was about once it is made.
    pub(crate) async fn change<T: Send + 'static>(
        &self,
        visit: &Visit,
        operation: &'static str,
        detail: &Value,
        work: impl Future<Output = Result<T, OperatorError>> + Send + 'static,
        subject: fn(&T) -> Option<String>,
    ) -> Result<T, OperatorError> {
        let audited = self.operator.begin_audit(visit.caller(), operation, detail).await?;
        let made = tokio::spawn(async move {
            let made = work.await;
            audited.end(ended(operation, &made, subject)).await;
            made
        });
        made.await.unwrap_or_else(|panic| {
            tracing::error!(%panic, operation, "a change from a page failed");
            Err(OperatorError::new(
                ErrorKind::Internal,
                "Internal server error: the node could not do this and its log says why",
            ))
        })
    }
}

fn ended<T>(
    operation: &str,
    made: &Result<T, OperatorError>,
    subject: fn(&T) -> Option<String>,
) -> Ended {
    match made {
        Ok(made) => Ended {
            code: "200",
            message: format!("{operation} from the operator's pages"),
            subject: subject(made),
        },
        Err(refusal) => Ended {
            code: code(refusal.kind()),
            message: refusal.message().to_owned(),
            subject: None,
        },
    }
}

/// The same numbers as the API gives.
fn code(kind: ErrorKind) -> &'static str {
    match kind {
        ErrorKind::BadInput | ErrorKind::Inactive => "400",
        ErrorKind::Forbidden => "403",
        ErrorKind::NotFound => "404",
        ErrorKind::Duplicate | ErrorKind::Conflict => "409",
        ErrorKind::Internal => "500",
        ErrorKind::Unavailable => "503",
    }
}
