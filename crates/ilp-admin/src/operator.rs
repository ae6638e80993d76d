//! The operations on a running node, whichever surface calls them.
//!
//! This module has no GraphQL and no HTTP: the GraphQL schema and the web pages are two callers of
//! the same [`Operator`]. Every operation checks its whole input, then changes the store, then the
//! books, then the connector. So everything live is durable, and every change that was confirmed is
//! live. The operations that change something are [`Recorded`]'s, which keeps their audit record.

mod assets;
pub mod audit;
mod auto_peering;
mod backup;
mod books;
mod changing;
mod check;
mod clock_steps;
mod ended_payments;
mod error;
mod event_kind;
mod events;
mod fees;
mod form_checks;
mod given;
mod idempotency;
mod incoming_payments;
mod inputs;
mod iso_time;
mod links;
mod liquidity;
mod load;
mod movements;
mod network;
mod outcome;
mod outgoing_payments;
mod packets;
mod page;
mod parts;
mod payees;
pub mod paying;
mod peer_by_url;
mod peer_liquidity;
mod peer_saving;
mod peer_search;
mod peer_terms;
mod peers;
mod quotes;
mod rates;
mod recipients;
mod recorded;
mod routes;
mod seek;
mod sending;
mod so_far;
mod subject;
pub(crate) mod tenants;
mod thresholds;
pub(crate) mod tokens;
pub(crate) mod transfers;
mod url_form;
mod views;
mod wallet_addresses;
mod wallet_checks;
mod wallet_events;
mod wallet_inputs;
mod wallet_outcomes;
mod wallet_url;
pub(crate) mod wallet_views;
mod wallet_withdrawals;
mod wallets;
mod withdrawals;

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
use ilp_store::DurableLedger;
use interledger_packet::Timestamp;
use parking_lot::RwLock;
use tokio::sync::{Notify, RwLock as AsyncRwLock, Semaphore};
use uuid::{ContextV7, Uuid};

use self::{changing::Changing, wallets::Wallets};

pub use self::{
    auto_peering::{
        PeeringAnswer, PeeringApproval, PeeringOffer, PeeringRequestView, PeeringRules,
    },
    backup::BACKUP_INVITATION,
    books::{AccountAsset, AccountOwner, AccountView, AssetBooks, Movements},
    check::{VERSION_CONFLICT, steers},
    clock_steps::ClockStep,
    error::{ErrorKind, OperatorError},
    event_kind::{EventKind, SentEvents},
    form_checks::PeerField,
    inputs::{AssetEdit, Deposit, Edit, NewAsset, NewPeer, PeerEdit, Withdrawal},
    load::Loaded,
    movements::{MovementDigest, PacketDay},
    network::{Network, PeeringPost, PeeringReply, PingOutcome, PingOver, PingReply, PingWay},
    packets::{PacketWatch, PacketsSeen},
    page::PageArguments,
    parts::{BoxFuture, Clock, Parts},
    payees::{Payee, SpspTarget},
    peer_by_url::{PeerByUrl, PeeringByUrl},
    peer_liquidity::LiquidityView,
    peer_search::Found,
    rates::{NewRate, without_asset},
    recipients::{Declined, Recipient, Reserved},
    recorded::Recorded,
    routes::{RouteView, Way},
    seek::Sought,
    subject::Subject,
    tenants::{TenantProfile, TenantSettingName, TenantView, without_secrets},
    thresholds::LowAccount,
    tokens::{AddedToken, TokenName, random_token, token_id},
    transfers::{AccountTransfers, TransferView, account_name},
    views::{AssetView, NodeView, Passed, PeerView},
    wallet_inputs::{
        AmountGiven, NewFee, NewIncomingPayment, NewOutgoingPayment, NewQuote, NewWalletAddress,
        OutgoingPaymentFilter, PaymentFilter, WalletAddressEdit, WalletAddressWithdrawal,
    },
    wallet_views::{
        IncomingPaymentView, OutgoingPaymentView, PaymentView, QuoteView, WalletAddressView,
        WithdrawnFromWalletAddress,
    },
};
pub(crate) use self::{idempotency::Request, outcome::Outcome, subject::WAITING_FOR_APPROVAL};

/// How many changes may wait for their turn at once. Each holds one request of 256 KiB at most.
const CHANGES_WAITING_MAX: usize = 256;

/// The operations that read, and the record under which the others run. Cheap to clone.
#[derive(Clone)]
pub struct Operator {
    inner: Arc<Inner>,
}

struct Inner {
    parts: Parts,
    started_at: Timestamp,
    /// The time of the start by the monotonic clock, by which ages are counted.
    began: Instant,
    clock_step: parking_lot::Mutex<Option<ClockStep>>,
    /// The assets, so that all peers of one share it. Changed only by [`Changing`].
    assets: RwLock<HashMap<Uuid, Arc<Asset>>>,
    /// The thresholds of liquidity below which an event is due, as the books have them.
    thresholds: parking_lot::Mutex<HashMap<AccountId, u64>>,
    /// Bounds what the audit log keeps of those who are turned away.
    refusals: audit::SharedRefusals,
    /// Makes ids rise even within one millisecond: lists are sorted by them.
    ids: parking_lot::Mutex<ContextV7>,
    /// Held by the one change that is being made, or shared by those that may be made side by side.
    /// Fair, so that a stream of the latter keeps none of the former waiting. Packets never take it.
    changing: Arc<AsyncRwLock<()>>,
    waiting: Arc<Semaphore>,
    /// Wakes the task that waits for the end of pending withdrawals: there is a new one.
    withdrawal_made: Notify,
    /// Who may be paid, and which payments run.
    wallets: Wallets,
    /// The number of peering requests that wait for approval.
    peering_waiting: AtomicUsize,
    /// Wakes the task that asks for rates: there is a new asset.
    rates_wanted: Notify,
    /// Codes whose rates the rates service doesn't tell, and why.
    rates_failing: parking_lot::Mutex<BTreeMap<String, String>>,
    /// Who looks at packets.
    packets: packets::Lookers,
    /// The peers that became unreachable, or reachable again.
    links: Arc<links::ChangedLinks>,
    /// Set once, by the load.
    is_loaded: AtomicBool,
}

impl Operator {
    /// An operator of a node. [`Operator::load`] comes before anything else.
    #[must_use]
    pub fn new(parts: Parts) -> Self {
        let inner = Inner {
            started_at: (parts.clock)(),
            began: Instant::now(),
            clock_step: parking_lot::Mutex::default(),
            parts,
            assets: RwLock::default(),
            thresholds: parking_lot::Mutex::default(),
            refusals: audit::SharedRefusals::default(),
            ids: parking_lot::Mutex::new(ContextV7::new()),
            changing: Arc::default(),
            waiting: Arc::new(Semaphore::new(CHANGES_WAITING_MAX)),
            withdrawal_made: Notify::new(),
            wallets: Wallets::default(),
            peering_waiting: AtomicUsize::new(0),
            rates_wanted: Notify::new(),
            rates_failing: parking_lot::Mutex::default(),
            packets: packets::Lookers::default(),
            links: Arc::default(),
            is_loaded: AtomicBool::new(false),
        };
        let links = Arc::clone(&inner.links);
        inner.parts.connector.observe_links(move |peer| links.note(peer));
        Self { inner: Arc::new(inner) }
    }

    /// Returns the id of the one tenant.
    #[must_use]
    pub fn tenant_id(&self) -> &str {
        &self.inner.parts.tenant_id
    }

    /// The records, for tests that make what only time would.
    #[cfg(test)]
    pub(crate) fn store(&self) -> &ilp_store::Store {
        &self.inner.parts.store
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
    async fn read<T: Send + 'static>(
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
    fn ledger(&self) -> &DurableLedger {
        self.parts.connector.ledger()
    }

    /// Returns a UUID v7, greater than all those that were made before.
    fn new_id(&self) -> Uuid {
        self.new_id_at((self.parts.clock)())
    }

    /// Returns a UUID v7 greater than all before, for a time that was already read.
    fn new_id_at(&self, now: Timestamp) -> Uuid {
        let now_ms = now.unix_ms();
        let subsecond_ns = u32::try_from(now_ms % 1000).unwrap_or(0) * 1_000_000;
        let ids = self.ids.lock();
        let time = uuid::Timestamp::from_unix(&*ids, now_ms / 1000, subsecond_ns);
        Uuid::new_v7(time)
    }
}

/// Runs work that may wait for the disk on a thread where that blocks no other work.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, OperatorError> + Send + 'static,
) -> Result<T, OperatorError> {
    let done = tokio::task::spawn_blocking(work).await;
    done.unwrap_or_else(|panic| Err(OperatorError::internal(&panic)))
}
