//! Copies of a running store.

use super::{transfers::withdrawal, *};
use crate::testing;

#[test]
fn a_copy_made_under_load_is_a_store_of_its_own() {
    let (_dir, store) = fresh();
    let usd = testing::asset("USD");
    store.change(|tx| tx.insert_asset(&usd)).unwrap();
    let small = LedgerOptions { segment_bytes: 8_192, ..options(1_000) };
    let ledger = DurableLedger::open(&store, small).unwrap();
    fund(&ledger, 1, 1_000_000);
    withdrawal::begin(&ledger, 1, peer_id(1), 500, 1_000).unwrap();
    let stop = AtomicBool::new(false);
    let target = tempfile::tempdir().unwrap();
    thread::scope(|scope| {
        scope.spawn(|| {
            while !stop.load(Ordering::SeqCst) {
                block_on(ledger.post(hold(&ledger, 1, 2, 1).unwrap())).unwrap();
            }
        });
        for round in 0..3 {
            thread::sleep(Duration::from_millis(10));
            let answered = available(&ledger, 2);
            let durable = ledger.durable_sequence();
            let dir = target.path().join(format!("copy {round}"));
            let report = ledger.backup(&dir).unwrap();
            assert!(report.last_sequence >= durable);
            assert_eq!(verify(&dir).unwrap().faults, Vec::<String>::new());
            let copy = open(&dir);
            assert_eq!(copy.asset(usd.id).unwrap().unwrap(), usd);
            let copied = DurableLedger::open(&copy, options(10)).unwrap();
            assert_eq!(copied.durable_sequence(), report.last_sequence);
            // One may be posted and not yet durable.
            assert!(available(&copied, 2) + 1 >= answered);
            assert_eq!(copied.account(peer_id(1)).own_part().debits_pending, 500);
            // And it goes on by itself.
            block_on(copied.post(hold(&copied, 1, 2, 1).unwrap())).unwrap();
            copied.close().unwrap();
            assert!(matches!(ledger.backup(&dir), Err(StoreError::WrongDirectory { .. })));
        }
        stop.store(true, Ordering::SeqCst);
    });
    assert_eq!(ledger.verify().unwrap().faults, Vec::<String>::new());
}
