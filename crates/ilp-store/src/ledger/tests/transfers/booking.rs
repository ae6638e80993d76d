//! Steps of transfers in the units of changes, over crashes and refusals.

use crate::{
    Claim, Companions, Idempotency, OperatorStep, Snapshot, TransactionError,
    ledger::tests::{faults::damage::copy_of, *},
    testing,
};

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

fn booked(transfer: Transfer) -> OperatorStep {
    OperatorStep::Book { transfer, created_at_ms: 1, expires_at_ms: None }
}

/// Takes a step in the unit of a change that also keeps an outcome and sets a setting.
fn take(
    (store, ledger): (&Store, &DurableLedger),
    key: &str,
    step: OperatorStep,
) -> Result<(), TransactionError> {
    let request = claim(store, key);
    let unit = Companions::none().answering(&request, &Snapshot::new(), 1).moving(ledger, step);
    store.transact(unit, |tx| tx.set_setting(key, b"done"))
}

/// A crash before and after each step: the step, its records and its outcome are there, or none is.
#[test]
fn after_a_crash_a_step_is_there_with_its_records_and_its_outcome_or_not_at_all() {
    let (dir, store) = fresh();
    let ledger = DurableLedger::open(&store, options(100)).unwrap();
    fund(&ledger, 1, 1_000);
    let [deposited, posted, voided] = [(); 3].map(|()| Uuid::now_v7());
    begin(&ledger, posted, 1, 10).unwrap();
    begin(&ledger, voided, 1, 20).unwrap();
    let deposit = deposit(&ledger, deposited, peer_id(1), 5);
    let steps = [
        ("deposit", booked(deposit), 975_u128),
        ("post", OperatorStep::Post { id: posted, now_ms: 2 }, 975),
        ("void", OperatorStep::Void { id: voided, now_ms: 2 }, 995),
    ];
    let mut left = 970;
    for (key, step, after) in steps {
        let before = (copy_of(dir.path()), left);
        let units = ledger.stats().commits.count();
        take((&store, &ledger), key, step).unwrap();
        assert_eq!(ledger.stats().commits.count(), units + 1, "{key}: one page");
        for ((copy, left), done) in [(before, false), ((copy_of(dir.path()), after), true)] {
            let store = open(copy.path());
            let ledger = DurableLedger::open(&store, options(100)).unwrap();
            assert_eq!(is_done(&store, key), done, "{key}");
            assert_eq!(store.setting(key).unwrap().is_some(), done, "{key}");
            assert_eq!(available(&ledger, 1), left, "{key}");
            assert_eq!(ledger.verify().unwrap().faults, Vec::<String>::new());
        }
        left = after;
    }
}

#[test]
fn a_refused_step_takes_its_records_and_its_outcome_with_it() {
    let (_dir, store) = fresh();
    let ledger = DurableLedger::open(&store, options(100)).unwrap();
    fund(&ledger, 1, 10);
    let id = Uuid::now_v7();
    let withdrawal = |amount| {
        let (debit, credit) = (peer_id(1), AccountId::settlement(ASSET.owner));
        let first = Leg { debit: ledger.account(debit), credit: ledger.account(credit), amount };
        booked(Transfer { id, kind: TransferKind::Withdrawal, first, second: None })
    };
    let parts = (&store, &ledger);
    let refused = |key: &str, step: OperatorStep| match take(parts, key, step) {
        Err(TransactionError::Transfer(refusal)) => {
            assert!(!is_done(&store, key) && store.setting(key).unwrap().is_none(), "{key}");
            refusal
        }
        other => panic!("{key}: {other:?}"),
    };
    assert!(matches!(refused("a", withdrawal(11)), TransferError::Insufficient(_)));
    assert!(matches!(refused("b", withdrawal(0)), TransferError::AmountZero));
    let unknown = OperatorStep::Post { id, now_ms: 1 };
    assert!(matches!(refused("c", unknown), TransferError::Unknown));
    // The same id may still be used, and once.
    take(parts, "done", withdrawal(10)).unwrap();
    assert!(matches!(refused("late", withdrawal(10)), TransferError::Exists));
    // A change that is refused takes the step with it.
    let usd = testing::asset("USD");
    store.change(|tx| tx.insert_asset(&usd)).unwrap();
    let other = deposit(&ledger, Uuid::now_v7(), peer_id(1), 5);
    let step = booked(other.clone());
    let unit = Companions::none().moving(&ledger, step);
    assert!(store.transact(unit, |tx| tx.insert_asset(&usd)).is_err());
    assert_eq!((available(&ledger, 1), ledger.operator_transfer(other.id).unwrap()), (0, None));
    // A withdrawal whose time is over comes back, whatever came along with the step.
    fund(&ledger, 1, 7);
    let late = Uuid::now_v7();
    begin(&ledger, late, 1, 7).unwrap();
    let step = OperatorStep::Post { id: late, now_ms: 60_002 };
    assert!(matches!(refused("expired", step), TransferError::Expired));
    assert_eq!(available(&ledger, 1), 7);
    assert_eq!(ledger.verify().unwrap().faults, Vec::<String>::new());
}

#[test]
fn of_many_steps_with_one_id_one_is_taken() {
    let (_dir, store) = fresh();
    let ledger = DurableLedger::open(&store, options(100)).unwrap();
    let id = Uuid::now_v7();
    let start = Barrier::new(8);
    let done: usize = thread::scope(|scope| {
        let handles: Vec<_> = (0..8)
            .map(|thread| {
                let (store, ledger, start) = (&store, &ledger, &start);
                scope.spawn(move || {
                    let step = booked(deposit(ledger, id, peer_id(1), 5));
                    start.wait();
                    let taken = take((store, ledger), &format!("k{thread}"), step);
                    // Who is refused is told so once the other one is durable.
                    assert!(ledger.operator_transfer(id).unwrap().is_some());
                    usize::from(taken.is_ok())
                })
            })
            .collect();
        handles.into_iter().map(|handle| handle.join().unwrap()).sum()
    });
    assert_eq!((done, available(&ledger, 1)), (1, 5));
}

#[test]
fn when_the_log_stops_in_the_middle_the_key_stays_taken_until_the_next_start() {
    let (dir, store) = fresh();
    let (ledger, _, fails) = watched(&store, options(100), Duration::ZERO);
    fails.store(true, Ordering::SeqCst);
    let step = booked(deposit(&ledger, Uuid::now_v7(), peer_id(1), 5));
    assert!(matches!(take((&store, &ledger), "k", step), Err(TransactionError::Store(_))));
    assert!(matches!(store.idempotency_begin("k", REQUEST, 2).unwrap(), Idempotency::Open));
    let other = store.idempotency_begin("k", [8; 32], 2).unwrap();
    assert!(matches!(other, Idempotency::Different));
    drop((ledger, store));
    let store = open(dir.path());
    let ledger = DurableLedger::open(&store, options(100)).unwrap();
    assert!(!is_done(&store, "k"));
    assert_eq!(available(&ledger, 1), 0);
}
