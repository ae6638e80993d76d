//! A node for tests: its folder, its store and its ledger, with deposits as traffic.

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread::JoinHandle,
    time::{Duration, Instant},
};

use ilp_connector::{
    account::AccountId,
    ledger::{Leg, Transfer, TransferKind},
};
use ilp_store::{
    AssetRecord, Companions, DurableLedger, LedgerOptions, Store, TransferError, verify,
};
use ilp_store_postgres::{Cluster, ClusterOptions, Database, DatabaseUrl, Lost, Seat};
use rustls::{ClientConfig, RootCertStore};
use tokio::runtime::Runtime;
use uuid::Uuid;

use crate::postgres::Postgres;

/// The amount of each deposit, in the smallest unit.
const AMOUNT: u64 = 7;

/// The time after which a test gives up.
pub(crate) const LIMIT: Duration = Duration::from_secs(60);

/// Short times, so that takeovers don't make a test long.
pub(crate) fn options(name: &str) -> ClusterOptions {
    ClusterOptions {
        name: name.to_owned(),
        beat: Duration::from_millis(200),
        lease: Duration::from_millis(800),
        stall: Duration::from_millis(200),
        commit: Duration::from_millis(1_000),
        ..ClusterOptions::default()
    }
}

pub(crate) fn cluster(postgres: &Postgres, name: &str) -> Cluster {
    cluster_at(&postgres.url(), name)
}

pub(crate) fn cluster_at(url: &str, name: &str) -> Cluster {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let tls = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(RootCertStore::empty())
        .with_no_client_auth();
    let url = DatabaseUrl::parse(url).unwrap();
    Cluster::new(Database::new(url, Arc::new(tls)), options(name))
}

pub(crate) fn runtime() -> Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

/// A node that has the book.
pub(crate) struct Node {
    pub(crate) store: Store,
    pub(crate) ledger: Arc<DurableLedger>,
    pub(crate) seat: Seat,
}

impl Node {
    /// Waits for the book with this folder, and opens it.
    pub(crate) fn start(cluster: &Cluster, dir: &Path) -> Self {
        let (store, seat) = runtime().block_on(async {
            let joined = async {
                let candidate = cluster.join(dir).await.unwrap();
                cluster.take_seat(candidate).await.unwrap()
            };
            tokio::time::timeout(LIMIT, joined).await.expect("the book is to be had")
        });
        let options = LedgerOptions {
            segment_bytes: 64 * 1024,
            snapshot_log_bytes_min: 64 * 1024,
            ..LedgerOptions::default()
        };
        let ledger = Arc::new(DurableLedger::open(&store, options).unwrap());
        Self { store, ledger, seat }
    }

    /// Returns the node's one asset, which the first node makes.
    pub(crate) fn asset(&self) -> AssetRecord {
        if let Some(asset) = self.store.asset_by_code("USD", 2).unwrap() {
            return asset;
        }
        let asset = asset("USD");
        self.store.transact(Companions::none(), |tx| tx.insert_asset(&asset)).unwrap();
        asset
    }

    /// Closes store and books, and gives the book back.
    pub(crate) fn stop(self) {
        let Self { store, ledger, seat } = self;
        // A ledger that has lost the book can't be written to its end.
        let _ = ledger.close();
        drop((ledger, store));
        seat.leave();
    }

    /// Waits until the node knows that it has lost the book.
    pub(crate) fn wait_until_lost(&self) -> Lost {
        let lost = self.seat.lost();
        wait_for(|| lost.borrow().clone())
    }
}

/// Waits until there is a value.
pub(crate) fn wait_for<T>(look: impl Fn() -> Option<T>) -> T {
    let begun = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(begun.elapsed() < LIMIT, "it takes too long");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Returns a new asset.
pub(crate) fn asset(code: &str) -> AssetRecord {
    AssetRecord {
        id: Uuid::now_v7(),
        code: code.to_owned(),
        scale: 2,
        withdrawal_threshold: None,
        liquidity_threshold: None,
        created_at_ms: 1,
        version: 0,
    }
}

/// The number of deposits, and so the stock divided by [`AMOUNT`].
pub(crate) fn booked(ledger: &DurableLedger, asset: &AssetRecord) -> u64 {
    let credits = ledger.total(AccountId::asset(asset.id)).credits;
    u64::try_from(credits / u128::from(AMOUNT)).unwrap()
}

/// Makes one deposit.
pub(crate) fn deposit(
    runtime: &Runtime,
    ledger: &DurableLedger,
    asset: &AssetRecord,
) -> Result<(), TransferError> {
    let first = Leg {
        debit: ledger.account(AccountId::settlement(asset.id)),
        credit: ledger.account(AccountId::asset(asset.id)),
        amount: AMOUNT,
    };
    let id = Uuid::new_v4();
    let transfer = Transfer { id, kind: TransferKind::Deposit, first, second: None };
    runtime.block_on(ledger.transfer(transfer, 1)).map(|_| ())
}

/// Threads that deposit all the time, and count what was asked for and what was acknowledged.
pub(crate) struct Traffic {
    stop: Arc<AtomicBool>,
    pub(crate) asked: Arc<AtomicU64>,
    pub(crate) acknowledged: Arc<AtomicU64>,
    threads: Vec<JoinHandle<()>>,
}

impl Traffic {
    pub(crate) fn start(node: &Node, threads: usize) -> Self {
        let (stop, asset) = (Arc::new(AtomicBool::new(false)), node.asset());
        let (asked, acknowledged) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
        let threads = (0..threads)
            .map(|_| {
                let (stop, asset, ledger) =
                    (Arc::clone(&stop), asset.clone(), Arc::clone(&node.ledger));
                let (asked, acknowledged) = (Arc::clone(&asked), Arc::clone(&acknowledged));
                std::thread::spawn(move || {
                    let runtime = runtime();
                    while !stop.load(Ordering::Relaxed) {
                        asked.fetch_add(1, Ordering::Relaxed);
                        match deposit(&runtime, &ledger, &asset) {
                            Ok(()) => drop(acknowledged.fetch_add(1, Ordering::Relaxed)),
                            // Stalled: nothing was taken.
                            Err(TransferError::Full) => {
                                asked.fetch_sub(1, Ordering::Relaxed);
                                std::thread::sleep(Duration::from_millis(5));
                            }
                            Err(_) => return,
                        }
                    }
                })
            })
            .collect();
        Self { stop, asked, acknowledged, threads }
    }

    /// Waits until so many more were acknowledged.
    pub(crate) fn wait_for_more(&self, count: u64) {
        let from = self.acknowledged.load(Ordering::Relaxed);
        wait_for(|| (self.acknowledged.load(Ordering::Relaxed) >= from + count).then_some(()));
    }

    /// Ends the threads, and returns how many were asked for and how many were acknowledged.
    pub(crate) fn end(self) -> (u64, u64) {
        self.stop.store(true, Ordering::Relaxed);
        for thread in self.threads {
            thread.join().unwrap();
        }
        (self.asked.load(Ordering::Relaxed), self.acknowledged.load(Ordering::Relaxed))
    }
}

/// Checks that the log of a folder adds up, which belongs to no cluster afterwards.
pub(crate) fn assert_whole(dir: &Path) {
    ilp_store::LogFolder::open(dir).unwrap().leave().unwrap();
    let report = verify(dir).unwrap();
    assert_eq!(report.faults, Vec::<String>::new());
}
