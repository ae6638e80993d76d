//! Changes made through a form. They are audited like those of the API, and run to their end even
//! if the browser disconnects.

use ilp_operator::{OperatorError, Recorded, Subject, audit::Deed};

use crate::{Pages, visit::Visit};

impl Pages {
    /// Makes a change. `operation` is the API's name for it.
    pub(crate) async fn change<T, Work>(
        &self,
        visit: &Visit,
        operation: &'static str,
        work: impl FnOnce(Recorded) -> Work + Send + 'static,
    ) -> Result<T, OperatorError>
    where
        T: Subject + Send + 'static,
        Work: Future<Output = Result<T, OperatorError>> + Send + 'static,
    {
        let message = "done from the operator's pages";
        let deed = Deed { caller: visit.caller(), operation, message };
        self.operator.recorded(deed, work).await
    }
}
