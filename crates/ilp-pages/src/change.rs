//! Changes made through a form: in the audit log like those of the API, and made to their end even
//! if the browser goes away in the middle.

use ilp_admin::operator::{
    AddedToken, AssetView, ErrorKind, IncomingPaymentView, Operator, OperatorError,
    OutgoingPaymentView, PeerView, QuoteView, WalletAddressView, WithdrawnFromWalletAddress,
    audit::Ended,
};
use ilp_connector::rates::RateInUse;
use ilp_store::{EventRecord, FeeRecord};
use serde_json::Value;

use crate::{Pages, visit::Visit};

/// What a change was about, for the audit log: the id of what was made or changed, if it has one.
pub(crate) trait Subject {
    fn subject(&self) -> Option<String>;
}

impl Subject for () {
    fn subject(&self) -> Option<String> {
        None
    }
}

/// The id of something that is no more.
impl Subject for String {
    fn subject(&self) -> Option<String> {
        Some(self.clone())
    }
}

/// A rate has no id of its own.
impl Subject for RateInUse {
    fn subject(&self) -> Option<String> {
        None
    }
}

/// Subjects that are known by an id of theirs.
macro_rules! known_by {
    ($($subject:ty => $($field:ident).+;)+) => {$(
        impl Subject for $subject {
            fn subject(&self) -> Option<String> {
                Some(self.$($field).+.to_string())
            }
        }
    )+};
}

known_by! {
    AssetView => record.id;
    PeerView => record.id;
    WalletAddressView => record.id;
    IncomingPaymentView => record.id;
    OutgoingPaymentView => record.id;
    QuoteView => record.id;
    WithdrawnFromWalletAddress => wallet_address.record.id;
    EventRecord => id;
    FeeRecord => id;
}

impl Subject for AddedToken {
    fn subject(&self) -> Option<String> {
        self.peer.subject()
    }
}

impl Pages {
    /// Makes a change. `operation` is what the API calls it, and `detail` has no secrets.
    pub(crate) async fn change<T, Work>(
        &self,
        visit: &Visit,
        operation: &'static str,
        detail: Value,
        work: impl FnOnce(Operator) -> Work,
    ) -> Result<T, OperatorError>
    where
        T: Subject + Send + 'static,
        Work: Future<Output = Result<T, OperatorError>> + Send + 'static,
    {
        let audited = self.operator.begin_audit(visit.caller(), operation, &detail).await?;
        let work = work(self.operator.clone());
        let made = tokio::spawn(async move {
            let made = work.await;
            audited.end(ended(operation, &made)).await;
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

fn ended<T: Subject>(operation: &str, made: &Result<T, OperatorError>) -> Ended {
    match made {
        Ok(made) => Ended {
            code: "200",
            message: format!("{operation} from the operator's pages"),
            subject: made.subject(),
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
