//! Puts a ledger together: what the disk has, the threads, and what joins them.

use std::sync::{Arc, atomic::Ordering};

use parking_lot::Mutex;

use super::{
    BatchWriter, DurableLedger, LedgerOptions, Shared,
    books::accounts::Accounts,
    keeping::keeper::Keeper,
    transfers::operator::Operators,
    writing::{log_run::LogRun, signal::Signal, writer::Failure},
};
use crate::{error::StoreError, store::Store};

impl DurableLedger {
    /// Opens the ledger of a store.
    ///
    /// # Errors
    /// [`StoreError::LedgerOpen`] when there is one already, or when the store can't be read or
    /// written.
    pub fn open(store: &Store, options: LedgerOptions) -> Result<Self, StoreError> {
        Self::open_with(store, options, |books| books)
    }

    /// Opens the ledger with another writer in place of, or around, the one that writes to the log.
    ///
    /// # Errors
    /// As [`DurableLedger::open`].
    pub fn open_with(
        store: &Store,
        options: LedgerOptions,
        wrap: impl FnOnce(Box<dyn BatchWriter>) -> Box<dyn BatchWriter>,
    ) -> Result<Self, StoreError> {
        if store.inner.ledger_open.swap(true, Ordering::AcqRel) {
            return Err(StoreError::LedgerOpen);
        }
        let opened = Self::open_alone(store, options, wrap);
        if opened.is_err() {
            store.inner.fail_stop.set_hook(None);
            store.inner.ledger_open.store(false, Ordering::Release);
        }
        opened
    }

    fn open_alone(
        store: &Store,
        mut options: LedgerOptions,
        wrap: impl FnOnce(Box<dyn BatchWriter>) -> Box<dyn BatchWriter>,
    ) -> Result<Self, StoreError> {
        let inner = &store.inner;
        inner.fail_stop.usable()?;
        // The log goes on with this ledger's options from here.
        let mut slot = inner.log_slot();
        if let Some(log) = slot.take() {
            log.end();
        }
        let directory = inner.journal_path();
        let operators = Arc::new(Operators::default());
        let (accounts, pending) = {
            let kept = inner.books.lock();
            operators.load_recent(&kept.state);
            let pending: Vec<_> = kept.state.pending.values().copied().collect();
            (Arc::new(Accounts::new(&kept.state)), pending)
        };
        let signal = Arc::new(Signal::default());
        let failure = Failure::new(options.on_failure.take());
        inner.fail_stop.set_hook(Some(failure.hook()));
        let parts = (Arc::clone(&signal), failure);
        let log = LogRun::start(inner, &options, parts, wrap)?;
        *slot = Some(Arc::clone(&log));
        drop(slot);
        let shared = Arc::new(Shared {
            queue: Arc::clone(&log.queue),
            durable: Arc::clone(&log.durable),
            operators: Arc::clone(&operators),
        });
        let keeper = Arc::new(Keeper {
            store: store.clone(),
            books: Arc::clone(&inner.books),
            operators,
            accounts: Arc::clone(&accounts),
            directory,
            files: Arc::clone(&options.files),
            retain_segments_min: options.retain_segments_min,
            snapshot_log_bytes_min: options.snapshot_log_bytes_min,
            on_event: options.on_event,
            signal,
            gauges: Arc::clone(&log.gauges),
            backup: Mutex::new(()),
        });
        *inner.keeper.lock() = Arc::downgrade(&keeper);
        let ledger = Self {
            shared,
            store: store.clone(),
            books: Arc::clone(&inner.books),
            keeper,
            clock_ms: options.clock_ms,
            log,
            accounts,
            keeping: Mutex::new(None),
        };
        ledger.restore_pending(pending.into_iter())?;
        ledger.drop_unproved()?;
        let thread = ledger.keeper.start(options.checkpoint_interval);
        *ledger.keeping.lock() = Some(thread.map_err(StoreError::write)?);
        Ok(ledger)
    }
}
