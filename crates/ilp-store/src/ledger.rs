//! The durable ledger: it places holds in memory, and posts through one writer thread to the disk.
//!
//! - `books`: the state that the entries of the [journal](crate::journal) lead to, and its rows in the
//!   index. The steps of transfers themselves, `posted`, are in the journal's folder.
//! - `writing`: the way of a transfer to the disk. `queue` holds what waits for the writer and the
//!   permits that bound it, `durable` is how posting tasks wait, `writer` is the thread,
//!   `durable_books` appends its batches to the journal, and `log_run` is the log while it is written.
//!   `plain` is the form without a journal, kept for benchmarks.
//! - `transfers`: deposits and withdrawals, steps that belong to a change of records, and the closing
//!   of accounts.
//! - `keeping`: the background thread that writes checkpoints, creates the events of thresholds, makes
//!   snapshots and removes old segments.
//! - `inspection`: listings, verification, export and backup.
//!
//! `open` puts a ledger together from the books that a start has read, `options` says how.

// Money: what overflows or is out of bounds is an error of a type.
#![cfg_attr(not(test), deny(clippy::as_conversions, clippy::indexing_slicing))]

mod books;
mod inspection;
mod keeping;
mod open;
mod options;
mod stats;
#[cfg(test)]
mod tests;
mod transfers;
mod writing;

use std::{
    fmt,
    future::Future,
    pin::Pin,
    sync::{Arc, atomic::Ordering},
    task::{Context, Poll},
    thread::JoinHandle,
};

use ilp_connector::{
    account::{Account, AccountId, Total},
    ledger::{Hold, HoldError, Ledger, Transfer, TransferKind},
};
use parking_lot::Mutex;

use self::{
    books::accounts::Accounts,
    transfers::operator::Operators,
    writing::{
        durable::{Durable, UntilDurable},
        queue::{Permit, Queue},
    },
};
pub use self::{
    books::operator_transfer::{OperatorTransfer, TransferState},
    inspection::{
        backup::BackupReport,
        export::{ExportAccount, ExportFormat, export},
        listing::{Older, TransferList, TransferRow},
        verify::{Report, verify},
    },
    keeping::keeper::OnEvent,
    options::LedgerOptions,
    stats::LedgerStats,
    transfers::{booking::OperatorStep, operator::TransferError},
    writing::{
        durable_books::ClockMs,
        lane::LedgerLane,
        writer::{BatchWriter, OnFailure},
    },
};
pub(crate) use self::{
    books::{
        rows::{CLOSED, COUNT, TRANSFER, add_to, load as load_books},
        state::State,
        threshold::{load as load_threshold, replay as replay_record},
    },
    inspection::verify::check_sums,
    keeping::keeper::Keeper,
    transfers::booking::{Booking, Reserved},
    writing::{
        durable_books::Books,
        log_run::{DurableSequence, LogRun},
        queue::Urgency,
        signal::Signal,
        writer::Failure,
    },
};
pub(crate) use crate::journal::posted::Unit;
pub use crate::journal::posted::{Entry, Posted, Queued, Step};
use crate::{error::StoreError, store::Store};
pub use ilp_connector::ledger::Stopped;

/// The books of the node. Closes itself when dropped.
pub struct DurableLedger {
    shared: Arc<Shared>,
    store: Store,
    books: Arc<Books>,
    keeper: Arc<Keeper>,
    clock_ms: ClockMs,
    log: Arc<LogRun>,
    accounts: Arc<Accounts>,
    /// Taken by the call that closes, after the log has ended.
    keeping: Mutex<Option<JoinHandle<()>>>,
}

/// The state that all who post share.
pub(crate) struct Shared {
    queue: Arc<Queue>,
    durable: Arc<Durable>,
    operators: Arc<Operators>,
}

/// Money on hold in a [`DurableLedger`]. Dropping it voids the hold.
#[must_use = "a hold that is dropped is void"]
pub struct DurableHold {
    // In this order: the money is back before another transfer may be under way.
    hold: Hold,
    permit: Permit,
}

/// A transfer on its way to the disk. May be dropped at any time, which changes nothing about it.
#[must_use = "nothing that follows from a transfer may leave the node before it is durable"]
pub struct Posting(Result<UntilDurable, Stopped>);

impl Future for Posting {
    type Output = Result<(), Stopped>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        match &mut self.0 {
            Ok(waiting) => Pin::new(waiting).poll(context),
            Err(stopped) => Poll::Ready(Err(*stopped)),
        }
    }
}

impl fmt::Debug for Posting {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Posting").finish_non_exhaustive()
    }
}

impl fmt::Debug for DurableHold {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("DurableHold").field(self.hold.transfer()).finish()
    }
}

impl DurableLedger {
    /// Returns the live account of this id. The first call for an id that the books don't have
    /// makes an empty account; a closed account takes nothing. The legs of a transfer must name
    /// accounts returned from here. May read the disk for the account of a payment.
    #[must_use]
    pub fn account(&self, id: AccountId) -> Arc<Account> {
        // The order matters: a closed account is on the disk before it leaves memory.
        let known = self.accounts.get(id).or_else(|| self.closed_account(id));
        known.unwrap_or_else(|| self.accounts.get_or_empty(id))
    }

    /// Returns the total of the account of this id, without making an account where the books have
    /// none. May read the disk for the account of a payment.
    #[must_use]
    pub fn total(&self, id: AccountId) -> Total {
        let known = self.accounts.get(id).or_else(|| self.closed_account(id));
        known.map(|account| Total::of_only_part(account.own_part())).unwrap_or_default()
    }

    /// Returns the totals of all open accounts in the order of their ids, each read at a moment of
    /// its own. The totals run ahead of the disk.
    #[must_use]
    pub fn totals(&self) -> Vec<(AccountId, Total)> {
        let mut totals = self.accounts.totals();
        totals.sort_unstable_by_key(|(id, _)| *id);
        totals
    }

    /// Returns the place of the last durable transfer; the first one ever has place 1.
    #[must_use]
    pub fn durable_sequence(&self) -> u64 {
        self.shared.durable.sequence()
    }

    /// Returns how many more transfers may be under way just now.
    #[must_use]
    pub fn permits_left(&self) -> usize {
        self.shared.queue.permits_left()
    }

    /// Why the ledger takes nothing more, if so: a failed write, its own or the store's, or a
    /// close.
    #[must_use]
    pub fn stopped(&self) -> Option<String> {
        let failure = self.store.inner.fail_stop.failure();
        failure.or_else(|| self.shared.durable.stopped()).map(str::to_owned)
    }

    /// Returns the condition that will stop the ledger unless the operator acts, such as a disk
    /// without room for the journal's next segment.
    #[must_use]
    pub fn warning(&self) -> Option<String> {
        self.log.warning()
    }

    /// Returns the task for a runtime that stays on one thread, if packets are carried there: it
    /// saves each of them a system call.
    pub fn lane(&self) -> LedgerLane {
        LedgerLane::new(Arc::clone(&self.shared.durable))
    }

    /// Writes the balances as they are now, so that a start replays only what comes after.
    ///
    /// # Errors
    /// When the store can't be written, or the ledger has failed.
    pub fn checkpoint(&self) -> Result<(), StoreError> {
        self.keeper.keep(true)
    }

    /// Refuses what comes, makes durable what was posted, ends the writer and writes a checkpoint.
    /// Blocks until then.
    ///
    /// # Errors
    /// [`Stopped`] when not all that was posted is durable; [`DurableLedger::stopped`] says why.
    pub fn close(&self) -> Result<(), Stopped> {
        let inner = &self.store.inner;
        // While the log still takes the events that are due.
        if let Some(keeping) = self.keeping.lock().take() {
            self.keeper.end(keeping);
            if let Err(error) = self.keeper.keep(true) {
                tracing::debug!(%error, "no checkpoint before the end of the log");
            }
        }
        if self.log.end() {
            inner.fail_stop.set_hook(None);
            // A failure of the last checkpoint needs no more than a line in the log.
            if let Err(error) = self.keeper.keep_last() {
                tracing::warn!(%error, "no last checkpoint; the next start replays the log");
            }
            inner.keyspace.index.flush_at_close();
            inner.forget_log(&self.log);
            inner.ledger_open.store(false, Ordering::Release);
        }
        if self.shared.durable.sequence() == self.shared.queue.last_sequence() {
            Ok(())
        } else {
            Err(Stopped)
        }
    }

    fn reserve(&self, transfer: Transfer) -> Result<DurableHold, HoldError> {
        self.shared.reserve(transfer, &self.store)
    }
}

impl Ledger for DurableLedger {
    type Hold = DurableHold;
    type Posting = Posting;

    fn hold(
        &self,
        transfer: Transfer,
    ) -> impl Future<Output = Result<DurableHold, HoldError>> + Send {
        debug_assert!(
            transfer.kind == TransferKind::Packet,
            "an operator's transfer goes through DurableLedger::transfer, which minds its id"
        );
        std::future::ready(self.reserve(transfer))
    }

    fn post(&self, hold: DurableHold) -> Posting {
        Posting(self.shared.append(hold).map(|sequence| self.shared.durable.wait(sequence)))
    }
}

impl Shared {
    fn reserve(&self, transfer: Transfer, store: &Store) -> Result<DurableHold, HoldError> {
        // With a store that has failed there are no more checkpoints, so nothing new begins. What
        // is on hold may still be posted.
        if self.queue.is_closed() || store.inner.fail_stop.failure().is_some() {
            return Err(HoldError::Stopped);
        }
        let permit = self.queue.permit().ok_or(HoldError::Full)?;
        Ok(DurableHold { hold: Hold::reserve(transfer)?, permit })
    }

    /// Queues what is on hold, then moves it in memory.
    ///
    /// In this order, what is durable at any point adds up and overdraws no account, though memory
    /// moves outside the queue's lock. Take any beginning of the queue, an account, and of the
    /// debits on it in that beginning the one that was reserved last. When it was reserved, the
    /// credits already moved in memory covered it, and all the others, which were on hold or moved
    /// by then. Each of those credits had been queued before it was moved, so before this debit was
    /// reserved, so before this debit was queued: it lies in the same beginning.
    ///
    /// With withdrawals it is the same: one that begins is a debit that is reserved, and one that
    /// ends without money moving is a credit, queued before what it held is free.
    fn append(&self, hold: DurableHold) -> Result<u64, Stopped> {
        let DurableHold { hold, permit } = hold;
        let posted = Posted::new(hold.transfer(), Step::Move, None);
        let sequence = self.queue.append(permit, posted)?;
        hold.post();
        Ok(sequence)
    }
}

impl Drop for DurableLedger {
    fn drop(&mut self) {
        // A failure was logged when it happened and told to whom it concerns.
        let _ = self.close();
    }
}

impl fmt::Debug for DurableLedger {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("DurableLedger")
            .field("durable_sequence", &self.durable_sequence())
            .field("stopped", &self.stopped())
            .finish_non_exhaustive()
    }
}
