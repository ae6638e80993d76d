//! The store's transactions, as operations reach them.
//!
//! An operation reads through [`Inner::store`](crate::node::operator::Inner), which can't write. It
//! writes through a [`Changing`](crate::changes::changing::Changing), whose transactions carry the
//! audit record and the kept answer of the request. A change that the node makes by itself names the
//! duty that it belongs to and leaves no audit record.

use std::fmt;

use ilp_store::{Companions, OnChange, Store, Transaction, TransactionError};

use crate::vocabulary::error::OperatorError;

/// A task that changes records without a request.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Duty {
    /// Telling that a peer can't be reached, or can be again.
    Links,
    /// Moving payments on: what has arrived, what was sent, what has expired.
    Payments,
    /// Removing what has served its time.
    Retention,
    /// Making the stored state live at a start.
    Start,
}

/// The writing side of the store. Only the folder `changes` can use it without naming a duty.
pub(crate) struct Writes(Store);

impl Writes {
    pub(crate) fn new(store: Store) -> Self {
        Self(store)
    }

    /// Runs a transaction with what belongs to an operation. Waits for the disk.
    pub(super) fn transact<T>(
        &self,
        companions: Companions,
        work: impl FnOnce(&mut Transaction<'_>) -> Result<T, TransactionError>,
    ) -> Result<T, OperatorError> {
        Ok(self.0.transact(companions, work)?)
    }

    /// Returns the store for what only `changes` does: idempotency keys and audit notes.
    pub(super) fn store(&self) -> &Store {
        &self.0
    }

    /// Sets what follows the changes of the store.
    pub(crate) fn on_change(&self, on_change: OnChange) {
        self.0.on_change(on_change);
    }

    /// Runs a transaction of the node's own. Waits for the disk.
    pub(crate) fn as_node<T>(
        &self,
        duty: Duty,
        work: impl FnOnce(&mut Transaction<'_>) -> Result<T, TransactionError>,
    ) -> Result<T, OperatorError> {
        let done = self.0.transact(Companions::none(), work);
        Ok(done.inspect_err(|refusal| tracing::debug!(?duty, %refusal, "a change was refused"))?)
    }

    /// Removes old records with `purge`, which may take several transactions. Waits for the disk.
    pub(crate) fn purge(
        &self,
        purge: impl FnOnce(&Store) -> Result<usize, TransactionError>,
    ) -> Result<usize, OperatorError> {
        Ok(purge(&self.0)?)
    }

    /// Returns the store for tests that make what only time would.
    #[cfg(any(test, feature = "testing"))]
    pub(crate) fn of_tests(&self) -> &Store {
        &self.0
    }
}

impl fmt::Debug for Writes {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("Writes").finish()
    }
}
