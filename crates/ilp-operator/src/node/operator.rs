//! The operations on a running node, whichever surface calls them.
//!
//! This module has no GraphQL and no HTTP: the GraphQL schema and the web pages are two callers of
//! the same [`Operator`]. Every operation checks its whole input, then changes the store, then the
//! books, then the connector. So everything live is durable, and every change that was confirmed is
//! live. The operations that change something are [`Recorded`]'s, which keeps their audit record.

use std::{
    collections::{BTreeMap, HashMap},
    fmt,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Instant,
};

use ilp_connector::{account::AccountId, peer::Asset};
use ilp_store::{DurableLedger, Reader, Store};
use interledger_packet::Timestamp;
use parking_lot::RwLock;
use tokio::sync::{Notify, RwLock as AsyncRwLock, Semaphore};
use uuid::{ContextV7, Uuid};

use crate::{
    changes::{refusals::SharedRefusals, writes::Writes},
    node::{clock_step::ClockStep, parts::Parts},
    payments::state::Wallets,
    peers::watching::{changed_links::ChangedLinks, lookers::Lookers},
    vocabulary::error::OperatorError,
};

/// How many changes may wait for their turn at once. Each holds one request of 256 KiB at most.
const CHANGES_WAITING_MAX: usize = 256;

/// The operations that read, and the record under which the others run. Cheap to clone.
#[derive(Clone)]
pub struct Operator {
    pub(crate) inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub(crate) parts: Parts,
    /// The records. Changes go through `writes`.
    pub(crate) store: Reader,
    pub(crate) writes: Writes,
    pub(crate) started_at: Timestamp,
    /// The time of the start by the monotonic clock, by which ages are counted.
    pub(crate) began: Instant,
    pub(crate) clock_step: parking_lot::Mutex<Option<ClockStep>>,
    /// The assets, so that all peers of one share it. Changed only by [`Changing`].
    pub(crate) assets: RwLock<HashMap<Uuid, Arc<Asset>>>,
    /// The thresholds of liquidity below which an event is due, as the books have them.
    pub(crate) thresholds: parking_lot::Mutex<HashMap<AccountId, u64>>,
    /// Bounds what the audit log keeps of those who are turned away.
    pub(crate) refusals: SharedRefusals,
    /// Held while a changed record is made live.
    pub(crate) applying: parking_lot::Mutex<()>,
    /// Makes ids rise even within one millisecond: lists are sorted by them.
    pub(crate) ids: parking_lot::Mutex<ContextV7>,
    /// Held by the one change that is being made, or shared by those that may be made side by side.
    /// Fair, so that a stream of the latter keeps none of the former waiting. Packets never take it.
    pub(crate) changing: Arc<AsyncRwLock<()>>,
    pub(crate) waiting: Arc<Semaphore>,
    /// Wakes the task that waits for the end of pending withdrawals: there is a new one.
    pub(crate) withdrawal_made: Notify,
    /// Who may be paid, and which payments run.
    pub(crate) wallets: Wallets,
    /// The number of peering requests that wait for approval.
    pub(crate) peering_waiting: AtomicUsize,
    /// Wakes the task that asks for rates: there is a new asset.
    pub(crate) rates_wanted: Notify,
    /// Codes whose rates the rates service doesn't tell, and why.
    pub(crate) rates_failing: parking_lot::Mutex<BTreeMap<String, String>>,
    /// Who looks at packets.
    pub(crate) packets: Lookers,
    /// The peers that became unreachable, or reachable again.
    pub(crate) links: Arc<ChangedLinks>,
    /// Set once, by the load.
    pub(crate) is_loaded: AtomicBool,
}

impl Operator {
    /// Makes the operator of a node over its store. [`Operator::load`] comes before anything else.
    #[must_use]
    pub fn new(store: Store, parts: Parts) -> Self {
        let inner = Inner {
            store: Reader::clone(&store),
            writes: Writes::new(store),
            started_at: (parts.clock)(),
            began: Instant::now(),
            clock_step: parking_lot::Mutex::default(),
            parts,
            assets: RwLock::default(),
            thresholds: parking_lot::Mutex::default(),
            refusals: SharedRefusals::default(),
            applying: parking_lot::Mutex::default(),
            ids: parking_lot::Mutex::new(ContextV7::new()),
            changing: Arc::default(),
            waiting: Arc::new(Semaphore::new(CHANGES_WAITING_MAX)),
            withdrawal_made: Notify::new(),
            wallets: Wallets::default(),
            peering_waiting: AtomicUsize::new(0),
            rates_wanted: Notify::new(),
            rates_failing: parking_lot::Mutex::default(),
            packets: Lookers::default(),
            links: Arc::default(),
            is_loaded: AtomicBool::new(false),
        };
        let links = Arc::clone(&inner.links);
        inner.parts.connector.observe_links(move |peer| links.note(peer));
        let inner = Arc::new(inner);
        inner.follow();
        Self { inner }
    }

    /// Returns the id of the one tenant.
    #[must_use]
    pub fn tenant_id(&self) -> &str {
        &self.inner.parts.tenant_id
    }

    /// The records, for tests that make what only time would.
    #[cfg(any(test, feature = "testing"))]
    #[must_use]
    pub fn store(&self) -> &Store {
        self.inner.writes.of_tests()
    }

    /// Returns the time.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        (self.inner.parts.clock)()
    }

    /// Returns whether the stored peers are live.
    #[must_use]
    pub fn is_loaded(&self) -> bool {
        self.inner.is_loaded.load(Ordering::Acquire)
    }

    /// Ready once no change is under way. For a node that ends and lets no client begin another one:
    /// a task that is dropped with its runtime stops in the middle, as in a crash.
    pub async fn changes_done(&self) {
        drop(self.inner.changing.write().await);
    }

    /// Reads from the store on a thread that may wait for the disk.
    pub(crate) async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Inner) -> Result<T, OperatorError> + Send + 'static,
    ) -> Result<T, OperatorError> {
        let inner = Arc::clone(&self.inner);
        blocking(move || work(&inner)).await
    }
}

impl fmt::Debug for Operator {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Operator")
            .field("tenant_id", &self.inner.parts.tenant_id)
            .field("version", &self.inner.parts.version)
            .finish_non_exhaustive()
    }
}

impl Inner {
    pub(crate) fn ledger(&self) -> &DurableLedger {
        self.parts.connector.ledger()
    }

    /// Returns a UUID v7, greater than all those that were made before.
    pub(crate) fn new_id(&self) -> Uuid {
        self.new_id_at((self.parts.clock)())
    }

    /// Returns a UUID v7 greater than all before, for a time that was already read.
    pub(crate) fn new_id_at(&self, now: Timestamp) -> Uuid {
        let now_ms = now.unix_ms();
        let subsecond_ns = u32::try_from(now_ms % 1000).unwrap_or(0) * 1_000_000;
        let ids = self.ids.lock();
        let time = uuid::Timestamp::from_unix(&*ids, now_ms / 1000, subsecond_ns);
        Uuid::new_v7(time)
    }
}

/// Runs work that may wait for the disk on a thread where that blocks no other work.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, OperatorError> + Send + 'static,
) -> Result<T, OperatorError> {
    let done = tokio::task::spawn_blocking(work).await;
    done.unwrap_or_else(|panic| Err(OperatorError::internal(panic)))
}
