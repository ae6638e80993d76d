//! Puts a ledger together: what the disk has, the threads, and what joins them.

use std::{
    fs,
    path::Path,
    sync::{Arc, atomic::Ordering},
};

use parking_lot::Mutex;

use super::{
    BatchWriter, DurableLedger, LedgerOptions, Shared,
    accounts::Accounts,
    books::{Books, JournalWriter},
    durable::Durable,
    keeper::{Keeper, Signal},
    operator::Operators,
    queue::Queue,
    start::{self, Started},
    writer::{self, Failure},
};
use crate::{
    error::StoreError,
    journal::{Gauges, Writer, path_of, segments_in},
    store::Store,
};

impl DurableLedger {
    /// Opens the ledger of a store and starts its writer.
    ///
    /// # Errors
    /// [`StoreError::Journal`] and [`StoreError::Books`] say what is wrong with the books,
    /// [`StoreError::LedgerOpen`] when there is one already, or when the store can't be read.
    pub fn open(store: &Store, options: LedgerOptions) -> Result<Self, StoreError> {
        Self::open_with(store, options, |books| books)
    }

    /// Opens the ledger with another writer in place of, or around, the one that writes to the store.
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
            store.inner.durability.set_hook(None);
            store.inner.ledger_open.store(false, Ordering::Release);
        }
        opened
    }

    fn open_alone(
        store: &Store,
        options: LedgerOptions,
        wrap: impl FnOnce(Box<dyn BatchWriter>) -> Box<dyn BatchWriter>,
    ) -> Result<Self, StoreError> {
        let durability = &store.inner.durability;
        durability.usable()?;
        let started = start::start(store, &options)?;
        let Started { state, tail, journal, directory } = started;
        let gauges = Arc::new(gauges_of(&directory, tail.place.segment)?);
        let writer = Writer::open(
            &options.files,
            &directory,
            journal,
            &tail,
            options.segment_bytes,
            Arc::clone(&gauges),
        )
        .map_err(|cause| durability.fail(&cause))?;
        let warning = Box::new(writer.warning());
        let accounts = Arc::new(Accounts::new(&state));
        let last = state.sequence;
        let pending: Vec<_> = state.pending.values().copied().collect();
        let operators = Arc::new(Operators::default());
        operators.load_recent(&state);
        // What was replayed counts towards the next checkpoint.
        let checkpoint = last - state.replayed();
        let books = Arc::new(Books::new(state, tail.place, checkpoint));
        let shared = Arc::new(Shared {
            queue: Arc::new(Queue::new(options.transfers_in_flight_max, last)),
            durable: Arc::new(Durable::new(last)),
            operators: Arc::clone(&operators),
        });
        let signal = Arc::new(Signal::default());
        let keeper = Arc::new(Keeper {
            store: store.clone(),
            books: Arc::clone(&books),
            operators,
            accounts: Arc::clone(&accounts),
            journal,
            directory,
            retain_segments_min: options.retain_segments_min,
            on_event: options.on_event,
            turn: Mutex::new(()),
            signal: Arc::clone(&signal),
            gauges,
        });
        let batch_writer = wrap(Box::new(JournalWriter {
            books: Arc::clone(&books),
            journal: writer,
            store: store.clone(),
            clock_ms: Arc::clone(&options.clock_ms),
            keeper: signal,
            checkpoint_transfers: options.checkpoint_transfers,
        }));
        let ledger = Self {
            shared,
            store: store.clone(),
            books,
            keeper,
            clock_ms: options.clock_ms,
            warning,
            accounts,
            writer: Mutex::new(None),
            keeping: Mutex::new(None),
        };
        ledger.restore_pending(pending.into_iter())?;
        ledger.drop_broken_promises()?;
        let failure = Failure::new(options.on_failure);
        durability.set_hook(Some(failure.hook()));
        let thread = writer::start(Arc::clone(&ledger.shared), batch_writer, failure);
        *ledger.writer.lock() = Some(thread.map_err(StoreError::write)?);
        let thread = ledger.keeper.start(options.checkpoint_interval);
        *ledger.keeping.lock() = Some(thread.map_err(StoreError::write)?);
        Ok(ledger)
    }
}

/// What of the journal there is at the start, up to the segment that is written on.
fn gauges_of(directory: &Path, last: u32) -> Result<Gauges, StoreError> {
    let gauges = Gauges::default();
    for number in segments_in(directory)?.into_iter().filter(|number| *number <= last) {
        let segment = fs::metadata(path_of(directory, number)).map_err(StoreError::read)?;
        gauges.segment_came(segment.len());
    }
    Ok(gauges)
}
