//! Outcomes that the books decide on, over crashes and refusals.

use super::{damage::copy_of, *};
use crate::{Claim, Idempotency, Proof, Snapshot};

const REQUEST: [u8; 32] = [7; 32];

fn claim(store: &Store, key: &str) -> Arc<Claim> {
    match store.idempotency_begin(key, REQUEST, 1).unwrap() {
        Idempotency::New(claim) => Arc::new(claim),
        known => panic!("the key should be free: {known:?}"),
    }
}

fn is_done(store: &Store, key: &str) -> bool {
    match store.idempotency_begin(key, REQUEST, 2).unwrap() {
        Idempotency::New(_) => false,
        Idempotency::Replay(_) => true,
        known => panic!("the key should be free or done: {known:?}"),
    }
}

fn begin(ledger: &DurableLedger, id: Uuid, from: u128, amount: u64) -> Result<(), TransferError> {
    let (debit, credit) = (peer_id(from), AccountId::settlement(ASSET.owner));
    let first = Leg { debit: ledger.account(debit), credit: ledger.account(credit), amount };
    let transfer = Transfer { id, kind: TransferKind::Withdrawal, first, second: None };
    block_on(ledger.begin_withdrawal(transfer, 1, 60_000))
}

/// A crash before and after each step: the step and its outcome are there, or neither is.
#[test]
fn after_a_crash_an_outcome_counts_where_its_step_is_in_the_books() {
    let (dir, store) = fresh();
    let ledger = DurableLedger::open(&store, options(100)).unwrap();
    fund(&ledger, 1, 1_000);
    let [deposited, posted, voided] = [(); 3].map(|()| Uuid::now_v7());
    begin(&ledger, posted, 1, 10).unwrap();
    begin(&ledger, voided, 1, 20).unwrap();
    let deposit = deposit(&ledger, deposited, peer_id(1), 5);
    let steps: [(&str, Proof, &dyn Fn()); 3] = [
        ("deposit", Proof::Booked(deposited), &|| {
            block_on(ledger.transfer(deposit.clone(), 1)).unwrap();
        }),
        ("post", Proof::Posted(posted), &|| block_on(ledger.post_withdrawal(posted, 2)).unwrap()),
        ("void", Proof::Voided(voided), &|| block_on(ledger.void_withdrawal(voided, 2)).unwrap()),
    ];
    for (key, proof, step) in steps {
        let request = claim(&store, key);
        ledger.promise(&request, &Snapshot::new(), proof, 1).unwrap();
        let before = copy_of(dir.path());
        step();
        let after = copy_of(dir.path());
        drop(request);
        for (copy, done) in [(before, false), (after, true)] {
            let store = open(copy.path());
            // Twice, since what was decided stays.
            for _ in 0..2 {
                let ledger = DurableLedger::open(&store, options(100)).unwrap();
                assert_eq!(is_done(&store, key), done, "{key}");
                ledger.close().unwrap();
            }
        }
    }
}

#[test]
fn what_is_refused_is_taken_back_before_another_does_it() {
    let (dir, store) = fresh();
    let ledger = DurableLedger::open(&store, options(100)).unwrap();
    fund(&ledger, 1, 10);
    let id = Uuid::now_v7();
    let refused = claim(&store, "refused");
    ledger.promise(&refused, &Snapshot::new(), Proof::Booked(id), 1).unwrap();
    assert!(matches!(begin(&ledger, id, 1, 11), Err(TransferError::Insufficient(_))));
    ledger.settle(&refused).unwrap();
    drop(refused);
    let done = claim(&store, "done");
    ledger.promise(&done, &Snapshot::new(), Proof::Booked(id), 1).unwrap();
    begin(&ledger, id, 1, 10).unwrap();
    done.fulfil();
    done.release();
    assert!(is_done(&store, "done"));
    // Nothing is promised to one that comes when it is done.
    let late = claim(&store, "late");
    ledger.promise(&late, &Snapshot::new(), Proof::Booked(id), 1).unwrap();
    assert!(!late.is_kept());
    assert!(matches!(begin(&ledger, id, 1, 10), Err(TransferError::Exists)));
    ledger.settle(&late).unwrap();
    drop((late, done, ledger, store));
    let store = open(dir.path());
    let ledger = DurableLedger::open(&store, options(100)).unwrap();
    let done = ["refused", "done", "late"].map(|key| is_done(&store, key));
    assert_eq!(done, [false, true, false]);
    assert_eq!(ledger.verify().unwrap().faults, Vec::<String>::new());
}

#[test]
fn when_the_ledger_stops_in_the_middle_the_key_stays_taken_until_the_next_start_decides() {
    let (dir, store) = fresh();
    let (ledger, _, fails) = watched(&store, options(100), Duration::ZERO);
    let id = Uuid::now_v7();
    let request = claim(&store, "k");
    ledger.promise(&request, &Snapshot::new(), Proof::Booked(id), 1).unwrap();
    fails.store(true, Ordering::SeqCst);
    let stopped = block_on(ledger.transfer(deposit(&ledger, id, peer_id(1), 5), 1));
    assert!(matches!(stopped, Err(TransferError::Stopped)));
    ledger.settle(&request).unwrap();
    drop(request);
    assert!(matches!(store.idempotency_begin("k", REQUEST, 2).unwrap(), Idempotency::Open));
    let other = store.idempotency_begin("k", [8; 32], 2).unwrap();
    assert!(matches!(other, Idempotency::Different));
    drop((ledger, store));
    let store = open(dir.path());
    let ledger = DurableLedger::open(&store, options(100)).unwrap();
    assert!(!is_done(&store, "k"));
    assert_eq!(available(&ledger, 1), 0);
}
