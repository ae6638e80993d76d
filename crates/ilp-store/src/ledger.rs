//! The durable ledger: holds in memory, posts through one writer thread to the disk.
//!
//! The parts: `queue` is what waits for the writer and the permits that bound it, `durable` is how
//! those who posted wait, `writer` is the thread, `books` is what it does with a batch, `operator`
//! is deposits and withdrawals, `verify` is the check at the start. A journal may take the place of
//! `books` behind [`BatchWriter`] without the rest noticing.

mod books;
mod durable;
mod operator;
mod queue;
#[cfg(test)]
mod tests;
mod verify;
mod writer;

use std::{
    collections::HashMap,
    fmt,
    future::Future,
    sync::{Arc, atomic::Ordering},
    thread::JoinHandle,
};

use ilp_connector::{
    account::{Account, AccountId, Balance},
    ledger::{Hold, HoldError, Ledger, Stopped, Transfer, TransferKind},
};
use parking_lot::{Mutex, RwLock};
use uuid::Uuid;

use self::{
    books::Books,
    durable::Durable,
    queue::{Permit, Queue},
};
pub use self::{
    books::OperatorTransfer,
    operator::TransferError,
    queue::{Entry, Posted},
    writer::{BatchWriter, OnFailure},
};
use crate::{error::StoreError, store::Store};

/// How a ledger is opened.
pub struct LedgerOptions {
    /// How many transfers may be under way at once, from hold until void or durable. Each takes
    /// some 200 bytes; a hold beyond them is refused with [`HoldError::Full`].
    pub transfers_in_flight_max: usize,
    /// Told once, on the writer's thread, when a write has failed. Not called by a close.
    pub on_failure: Option<OnFailure>,
}

impl Default for LedgerOptions {
    /// Room for two seconds at 30,000 packets a second, and nobody told.
    fn default() -> Self {
        Self { transfers_in_flight_max: 65_536, on_failure: None }
    }
}

impl fmt::Debug for LedgerOptions {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("LedgerOptions")
            .field("transfers_in_flight_max", &self.transfers_in_flight_max)
            .finish_non_exhaustive()
    }
}

/// The books of the node. Closes itself when dropped.
pub struct DurableLedger {
    shared: Arc<Shared>,
    store: Store,
    /// Every account that was asked for, and all that are on the disk. Looked up when peers and
    /// assets are loaded or made, never for a packet.
    accounts: RwLock<HashMap<AccountId, Arc<Account>>>,
    /// Taken by the one who closes.
    writer: Mutex<Option<JoinHandle<()>>>,
}

/// What the writer shares with those who post.
pub(crate) struct Shared {
    queue: Arc<Queue>,
    durable: Arc<Durable>,
    /// Operators' transfers from when they are queued until they are durable, with their places.
    booking: Mutex<HashMap<Uuid, u64>>,
}

/// Money on hold in a [`DurableLedger`]. Dropping it voids the hold.
#[must_use = "a hold that is dropped is void"]
pub struct DurableHold {
    // In this order: the money is back before another transfer may be under way.
    hold: Hold,
    permit: Permit,
}

impl fmt::Debug for DurableHold {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("DurableHold").field(self.hold.transfer()).finish()
    }
}

impl DurableLedger {
    /// Opens the ledger of a store and starts its writer.
    ///
    /// # Errors
    /// [`StoreError::Books`] when they don't add up, [`StoreError::LedgerOpen`] when there is one
    /// already, or when the store can't be read.
    pub fn open(store: &Store, options: LedgerOptions) -> Result<Self, StoreError> {
        Self::open_with(store, options, |books| books)
    }

    /// The same with another writer in place of, or around, the one that writes to the store.
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
            store.inner.ledger_open.store(false, Ordering::Release);
        }
        opened
    }

    fn open_alone(
        store: &Store,
        options: LedgerOptions,
        wrap: impl FnOnce(Box<dyn BatchWriter>) -> Box<dyn BatchWriter>,
    ) -> Result<Self, StoreError> {
        let books = Books::load(store)?;
        verify::verify(store, books.balances())?;
        let live = |(id, stored): (&AccountId, &books::StoredBalance)| {
            let books::StoredBalance { credits, debits, .. } = *stored;
            (*id, Arc::new(Account::new(*id, Balance { credits, debits, debits_pending: 0 })))
        };
        let accounts = books.balances().iter().map(live).collect();
        let last = books.last_sequence();
        let answered = store.inner.durability.answered().sequence;
        if last < answered {
            return Err(store.fallen_back("transfers", last, answered));
        }
        let shared = Arc::new(Shared {
            queue: Arc::new(Queue::new(options.transfers_in_flight_max, last)),
            durable: Arc::new(Durable::new(last)),
            booking: Mutex::new(HashMap::new()),
        });
        let batch_writer = wrap(Box::new(books));
        let writer = writer::start(Arc::clone(&shared), batch_writer, options.on_failure)
            .map_err(StoreError::write)?;
        Ok(Self {
            shared,
            store: store.clone(),
            accounts: RwLock::new(accounts),
            writer: Mutex::new(Some(writer)),
        })
    }

    /// The live account of this id; an empty one is made at the first call for one that the books
    /// don't have. The legs of a transfer must name accounts from here.
    #[must_use]
    pub fn account(&self, id: AccountId) -> Arc<Account> {
        if let Some(account) = self.accounts.read().get(&id) {
            return Arc::clone(account);
        }
        let mut accounts = self.accounts.write();
        Arc::clone(accounts.entry(id).or_insert_with(|| Arc::new(Account::empty(id))))
    }

    /// All live accounts as each is at its own moment, in the order of their ids. They run ahead
    /// of the disk.
    #[must_use]
    pub fn balances(&self) -> Vec<(AccountId, Balance)> {
        let accounts = self.accounts.read();
        let mut balances: Vec<_> =
            accounts.iter().map(|(id, account)| (*id, account.balance())).collect();
        balances.sort_unstable_by_key(|(id, _)| *id);
        balances
    }

    /// The place of the last durable transfer; the first one ever has place 1.
    #[must_use]
    pub fn durable_sequence(&self) -> u64 {
        self.shared.durable.sequence()
    }

    /// How many more transfers may be under way just now.
    #[must_use]
    pub fn permits_left(&self) -> usize {
        self.shared.queue.permits_left()
    }

    /// Why the ledger has stopped, if it has: a failed write, or a close.
    #[must_use]
    pub fn stopped(&self) -> Option<String> {
        self.shared.durable.stopped().map(str::to_owned)
    }

    /// Refuses what comes, makes durable what was posted, and ends the writer. Blocks until then.
    ///
    /// # Errors
    /// [`Stopped`] when a write has failed, now or before; [`DurableLedger::stopped`] says why.
    pub fn close(&self) -> Result<(), Stopped> {
        self.shared.queue.close();
        let mut writer = self.writer.lock();
        // A failure may be told to one who drops the ledger, on the writer's own thread.
        let on_writer =
            |handle: &JoinHandle<()>| handle.thread().id() == std::thread::current().id();
        if let Some(handle) = writer.take_if(|handle| !on_writer(handle)) {
            // It catches the panics of what it calls, and its guard has told those who wait.
            let _ = handle.join();
            self.store.inner.ledger_open.store(false, Ordering::Release);
        }
        drop(writer);
        if self.shared.durable.sequence() == self.shared.queue.last_sequence() {
            Ok(())
        } else {
            Err(Stopped)
        }
    }

    fn reserve(&self, transfer: Transfer) -> Result<DurableHold, HoldError> {
        if self.shared.queue.is_closed() {
            return Err(HoldError::Stopped);
        }
        let permit = self.shared.queue.permit().ok_or(HoldError::Full)?;
        Ok(DurableHold { hold: Hold::reserve(transfer)?, permit })
    }
}

impl Ledger for DurableLedger {
    type Hold = DurableHold;

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

    async fn post(&self, hold: DurableHold) -> Result<(), Stopped> {
        let sequence = self.shared.append(hold, None)?;
        self.shared.durable.wait(sequence).await
    }
}

impl Shared {
    /// Queues what is on hold, then moves it in memory.
    ///
    /// In this order, what is durable at any point adds up and overdraws no account, though memory
    /// moves outside the queue's lock. Take any beginning of the queue, an account, and of the
    /// debits on it in that beginning the one that was reserved last. When it was reserved, the
    /// credits already moved in memory covered it, and all the others, which were on hold or moved
    /// by then. Each of those credits had been queued before it was moved, so before this debit was
    /// reserved, so before this debit was queued: it lies in the same beginning.
    fn append(&self, hold: DurableHold, created_at_ms: Option<u64>) -> Result<u64, Stopped> {
        let DurableHold { hold, permit } = hold;
        let posted = Posted::new(hold.transfer(), created_at_ms);
        let sequence = self.queue.append(permit, posted)?;
        hold.settle();
        Ok(sequence)
    }

    /// The batch is durable.
    fn booked(&self, batch: &[Posted]) {
        if batch.iter().any(|posted| posted.created_at_ms.is_some()) {
            let mut booking = self.booking.lock();
            for posted in batch.iter().filter(|posted| posted.created_at_ms.is_some()) {
                booking.remove(&posted.id);
            }
        }
        // Permits first: who is woken may hold again at once.
        self.queue.release(batch.len());
        if let Some(last) = batch.last() {
            self.durable.advance(last.sequence);
        }
    }

    /// Nothing more is written. Those who wait learn it, and nothing more is let in.
    fn fail(&self, reason: &str) {
        self.queue.close();
        self.queue.discard();
        self.durable.stop(reason.to_owned());
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
