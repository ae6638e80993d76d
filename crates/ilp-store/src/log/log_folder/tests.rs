use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use ilp_connector::account::AccountId;
use parking_lot::Mutex;

use super::*;
use crate::{
    AssetRecord, DurableLedger, LedgerOptions, PageLog, Store, StoreError, TransferError,
    testing::{asset, block_on},
};

const CLUSTER: Uuid = Uuid::from_u128(1);

/// A database in memory, which refuses pages once it has taken `room`.
#[derive(Debug)]
struct Memory {
    pages: Mutex<Vec<(PageName, Vec<u8>)>>,
    room: AtomicUsize,
    refused: AtomicBool,
    stalled: AtomicBool,
}

impl Memory {
    fn new(room: usize) -> Arc<Self> {
        Arc::new(Self {
            pages: Mutex::default(),
            room: room.into(),
            refused: AtomicBool::new(false),
            stalled: AtomicBool::new(false),
        })
    }

    fn len(&self) -> usize {
        self.pages.lock().len()
    }
}

impl PageLog for Memory {
    fn begin(&self, page: LogPage<'_>) {
        let mut pages = self.pages.lock();
        let is_full = pages.len() == self.room.load(Ordering::Relaxed);
        self.refused.store(is_full, Ordering::Relaxed);
        if !is_full {
            pages.push((page.name, page.bytes.to_owned()));
        }
    }

    fn finish(&self) -> io::Result<()> {
        if self.refused.load(Ordering::Relaxed) {
            return Err(io::Error::other("another node has the books"));
        }
        Ok(())
    }

    fn is_stalled(&self) -> bool {
        self.stalled.load(Ordering::Relaxed)
    }
}

/// Brings a folder to the state of the database, as a node does before it opens its store.
fn bring_along(dir: &Path, memory: &Memory) -> LogFolder {
    let mut folder = LogFolder::open(dir).unwrap();
    folder.join(Membership { cluster: CLUSTER, node: Uuid::now_v7() }).unwrap();
    let pages = memory.pages.lock();
    let mut common = 0;
    for segment in folder.segments().unwrap() {
        folder
            .pages(segment, |page| {
                if pages.get(common).is_some_and(|(name, _)| *name == page.name) {
                    common += 1;
                }
                Ok::<_, StoreError>(())
            })
            .unwrap();
    }
    let last = pages[..common].last().map(|(name, bytes)| (*name, bytes.len()));
    folder.cut_behind(last).unwrap();
    for (name, bytes) in &pages[common..] {
        let page = LogPage::read(name.segment, name.offset, bytes).unwrap();
        assert_eq!(page.name, *name);
        folder.append(&page).unwrap();
    }
    folder.sync().unwrap();
    folder
}

fn open(dir: &Path, memory: &Arc<Memory>) -> (Store, DurableLedger) {
    let folder = bring_along(dir, memory);
    let store = Store::open_in_cluster(folder, Arc::clone(memory) as _).unwrap();
    let options = LedgerOptions { segment_bytes: 4 * 1024, ..LedgerOptions::default() };
    let ledger = DurableLedger::open(&store, options).unwrap();
    (store, ledger)
}

fn new_asset(store: &Store, code: &str) -> AssetRecord {
    let asset = asset(code);
    store.change(|tx| tx.insert_asset(&asset)).unwrap();
    asset
}

fn deposit(ledger: &DurableLedger, asset: &AssetRecord) -> Result<(), TransferError> {
    use ilp_connector::ledger::{Leg, Transfer, TransferKind};
    let leg = Leg {
        debit: ledger.account(AccountId::settlement(asset.id)),
        credit: ledger.account(AccountId::asset(asset.id)),
        amount: 7,
    };
    let id = Uuid::now_v7();
    let transfer = Transfer { id, kind: TransferKind::Deposit, first: leg, second: None };
    block_on(ledger.transfer(transfer, 1)).map(|_| ())
}

fn stock(ledger: &DurableLedger, asset: &AssetRecord) -> u128 {
    ledger.total(AccountId::asset(asset.id)).credits
}

#[test]
fn another_node_goes_on_where_the_database_ends() {
    let (first, second) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let memory = Memory::new(usize::MAX);
    let (store, ledger) = open(first.path(), &memory);
    let usd = new_asset(&store, "USD");
    // Enough for several segments.
    for _ in 0..60 {
        deposit(&ledger, &usd).unwrap();
    }
    drop((ledger, store));
    let (store, ledger) = open(second.path(), &memory);
    assert_eq!(store.asset(usd.id).unwrap().unwrap().code, "USD");
    assert_eq!(stock(&ledger, &usd), 7 * 60);
    deposit(&ledger, &usd).unwrap();
    let eur = new_asset(&store, "EUR");
    drop((ledger, store));
    // The first one comes back, with an index of its own.
    let (store, ledger) = open(first.path(), &memory);
    assert_eq!(stock(&ledger, &usd), 7 * 61);
    assert!(store.asset(eur.id).unwrap().is_some());
    drop((ledger, store));
    for dir in [&first, &second] {
        let folder = LogFolder::open(dir.path()).unwrap();
        assert!(folder.segments().unwrap().len() > 1, "the log takes several segments");
        folder.leave().unwrap();
        drop(folder);
        assert_eq!(crate::verify(dir.path()).unwrap().faults, Vec::<String>::new());
    }
}

#[test]
fn a_page_that_the_database_refused_is_told_to_nobody_and_cut_off() {
    let dir = tempfile::tempdir().unwrap();
    let memory = Memory::new(usize::MAX);
    let (store, ledger) = open(dir.path(), &memory);
    let usd = new_asset(&store, "USD");
    deposit(&ledger, &usd).unwrap();
    memory.room.store(memory.len(), Ordering::Relaxed);
    let refused = deposit(&ledger, &usd);
    assert!(matches!(refused, Err(TransferError::Stopped)), "{refused:?}");
    drop((ledger, store));
    memory.room.store(usize::MAX, Ordering::Relaxed);
    let (store, ledger) = open(dir.path(), &memory);
    assert_eq!(stock(&ledger, &usd), 7, "the page is gone, though this disk had it");
    deposit(&ledger, &usd).unwrap();
    drop((ledger, store));
    let (_store, ledger) = open(dir.path(), &memory);
    assert_eq!(stock(&ledger, &usd), 14);
}

#[test]
fn a_stalled_database_lets_no_further_transfer_in() {
    let dir = tempfile::tempdir().unwrap();
    let memory = Memory::new(usize::MAX);
    let (store, ledger) = open(dir.path(), &memory);
    let usd = new_asset(&store, "USD");
    memory.stalled.store(true, Ordering::Relaxed);
    assert!(matches!(deposit(&ledger, &usd), Err(TransferError::Full)));
    memory.stalled.store(false, Ordering::Relaxed);
    deposit(&ledger, &usd).unwrap();
}

#[test]
fn a_folder_of_a_cluster_opens_with_the_cluster_alone() {
    let dir = tempfile::tempdir().unwrap();
    drop(open(dir.path(), &Memory::new(usize::MAX)));
    let refused = Store::open(dir.path()).unwrap_err();
    assert!(matches!(&refused, StoreError::InCluster { cluster, .. } if *cluster == CLUSTER));
    assert!(refused.to_string().contains("cluster.url"), "{refused}");
    LogFolder::open(dir.path()).unwrap().leave().unwrap();
    drop(Store::open(dir.path()).unwrap());
}

#[test]
fn a_damaged_log_is_made_whole_from_the_database() {
    let dir = tempfile::tempdir().unwrap();
    let memory = Memory::new(usize::MAX);
    let (store, ledger) = open(dir.path(), &memory);
    let usd = new_asset(&store, "USD");
    for _ in 0..60 {
        deposit(&ledger, &usd).unwrap();
    }
    drop((ledger, store));
    // A byte in the middle of the first segment, as a disk may lose it that wasn't synced.
    let path = path_of(&dir.path().join(journal::DIRECTORY), 1);
    let mut bytes = fs::read(&path).unwrap();
    bytes[1_000] ^= 1;
    fs::write(&path, bytes).unwrap();
    let (_store, ledger) = open(dir.path(), &memory);
    assert_eq!(stock(&ledger, &usd), 7 * 60);
}
