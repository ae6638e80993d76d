mod backup;
mod faults;
mod lane;
mod listing;
mod model;
mod owners;
mod retention;
mod threshold;
mod transfers;

use std::{
    collections::HashMap,
    future::Future,
    io,
    sync::{Barrier, atomic::AtomicBool, mpsc},
    task::{Context, Poll, Waker},
    thread,
    time::Duration,
};

use ilp_connector::{account::AccountKind, ledger::Leg};
use uuid::Uuid;

use super::*;
use crate::testing::{block_on, fresh, open, poll_once};

const ASSET: AccountId = AccountId { kind: AccountKind::AssetLiquidity, owner: Uuid::nil() };

fn peer_id(number: u128) -> AccountId {
    AccountId::peer(Uuid::from_u128(number))
}

fn packet(ledger: &DurableLedger, from: u128, to: u128, amount: u64) -> Transfer {
    let (debit, credit) = (ledger.account(peer_id(from)), ledger.account(peer_id(to)));
    let first = Leg { debit, credit, amount };
    Transfer { id: Uuid::now_v7(), kind: TransferKind::Packet, first, second: None }
}

fn deposit(ledger: &DurableLedger, id: Uuid, to: AccountId, amount: u64) -> Transfer {
    let debit = ledger.account(AccountId::settlement(ASSET.owner));
    let first = Leg { debit, credit: ledger.account(to), amount };
    Transfer { id, kind: TransferKind::Deposit, first, second: None }
}

fn fund(ledger: &DurableLedger, peer: u128, amount: u64) {
    let transfer = deposit(ledger, Uuid::now_v7(), peer_id(peer), amount);
    block_on(ledger.transfer(transfer, 1)).unwrap();
}

fn hold(
    ledger: &DurableLedger,
    from: u128,
    to: u128,
    amount: u64,
) -> Result<DurableHold, HoldError> {
    block_on(ledger.hold(packet(ledger, from, to, amount)))
}

fn available(ledger: &DurableLedger, peer: u128) -> u128 {
    ledger.account(peer_id(peer)).own_part().available()
}

fn options(transfers_in_flight_max: usize) -> LedgerOptions {
    LedgerOptions { transfers_in_flight_max, segment_bytes: 64 * 1024, ..Default::default() }
}

type Record = Arc<Mutex<Vec<Posted>>>;

/// Keeps what was written, waits a little each time, and fails once it is told to.
struct Watched {
    inner: Box<dyn BatchWriter>,
    record: Record,
    pause: Duration,
    fails: Arc<AtomicBool>,
    panics: bool,
}

impl BatchWriter for Watched {
    fn write(&mut self, batch: &[Queued]) -> io::Result<()> {
        thread::sleep(self.pause);
        if self.fails.load(Ordering::SeqCst) {
            assert!(!self.panics, "the disk is on fire");
            return Err(io::Error::other("the disk is gone"));
        }
        self.inner.write(batch)?;
        self.record.lock().extend(batch.iter().flat_map(Queued::transfers));
        Ok(())
    }
}

fn watched(
    store: &Store,
    options: LedgerOptions,
    pause: Duration,
) -> (DurableLedger, Record, Arc<AtomicBool>) {
    let (record, fails) = (Record::default(), Arc::new(AtomicBool::new(false)));
    let parts = (Arc::clone(&record), Arc::clone(&fails));
    let ledger = DurableLedger::open_with(store, options, |inner| {
        Box::new(Watched { inner, record: parts.0, pause, fails: parts.1, panics: false })
    });
    (ledger.unwrap(), record, fails)
}

#[test]
fn balances_and_operator_transfers_are_there_after_a_restart() {
    let (dir, store) = fresh();
    let ledger = DurableLedger::open(&store, LedgerOptions::default()).unwrap();
    let again = DurableLedger::open(&store, LedgerOptions::default());
    assert!(matches!(again, Err(StoreError::LedgerOpen)));
    let id = Uuid::now_v7();
    let transfer = deposit(&ledger, id, peer_id(1), 100);
    block_on(ledger.transfer(transfer, 77)).unwrap();
    block_on(ledger.post(hold(&ledger, 1, 2, 30).unwrap())).unwrap();
    let open_hold = hold(&ledger, 1, 2, 50).unwrap();
    assert_eq!(available(&ledger, 1), 20);
    let row = ledger.operator_transfer(id).unwrap().unwrap();
    assert_eq!((row.kind, row.amount, row.created_at_ms), (TransferKind::Deposit, 100, 77));
    assert_eq!(row.debit, AccountId::settlement(ASSET.owner));
    assert_eq!(row.credit, peer_id(1));
    ledger.close().unwrap();
    drop((open_hold, ledger, store));

    let store = open(dir.path());
    let ledger = DurableLedger::open(&store, LedgerOptions::default()).unwrap();
    // What was on hold has simply not happened.
    assert_eq!((available(&ledger, 1), available(&ledger, 2)), (70, 30));
    assert_eq!(ledger.operator_transfer(id).unwrap(), Some(row));
    let repeated = deposit(&ledger, id, peer_id(1), 100);
    assert!(matches!(block_on(ledger.transfer(repeated, 78)), Err(TransferError::Exists)));
    assert_eq!(ledger.durable_sequence(), 2);
}

#[test]
fn of_forty_holds_of_ten_against_a_hundred_ten_succeed() {
    let (_dir, store) = fresh();
    let ledger = DurableLedger::open(&store, LedgerOptions::default()).unwrap();
    fund(&ledger, 1, 100);
    let start = Barrier::new(40);
    let posted = thread::scope(|scope| {
        let handles: Vec<_> = (0..40)
            .map(|_| {
                scope.spawn(|| {
                    start.wait();
                    hold(&ledger, 1, 2, 10).is_ok_and(|hold| block_on(ledger.post(hold)).is_ok())
                })
            })
            .collect();
        handles.into_iter().filter_map(|handle| handle.join().unwrap().then_some(())).count()
    });
    assert_eq!(posted, 10);
    assert_eq!((available(&ledger, 1), available(&ledger, 2)), (0, 100));
}

#[test]
fn one_of_many_transfers_with_one_id_is_booked() {
    let (_dir, store) = fresh();
    let (ledger, record, _) = watched(&store, options(100), Duration::from_millis(5));
    let id = Uuid::now_v7();
    let start = Barrier::new(12);
    let results: Vec<_> = thread::scope(|scope| {
        let book = || {
            start.wait();
            let result = block_on(ledger.transfer(deposit(&ledger, id, ASSET, 5), 1));
            // A transfer that is reported as booked must be durable.
            (result, ledger.durable_sequence())
        };
        let handles: Vec<_> = (0..12).map(|_| scope.spawn(book)).collect();
        handles.into_iter().map(|handle| handle.join().unwrap()).collect()
    });
    assert_eq!(results.iter().filter(|(result, _)| result.is_ok()).count(), 1);
    for (result, durable) in results {
        assert!(matches!(result, Ok(()) | Err(TransferError::Exists)), "{result:?}");
        assert_eq!(durable, 1);
    }
    assert_eq!(ledger.account(ASSET).own_part().available(), 5);
    assert_eq!(record.lock().len(), 1);
    ledger.checkpoint().unwrap();
    assert!(ledger.shared.operators.lock().recent.is_empty());
    assert_eq!(ledger.permits_left(), 100);
}

#[test]
fn operator_transfers_are_refused_for_what_is_wrong_with_them() {
    let (_dir, store) = fresh();
    let ledger = DurableLedger::open(&store, LedgerOptions::default()).unwrap();
    let id = Uuid::now_v7();
    let book = |amount| block_on(ledger.transfer(deposit(&ledger, id, ASSET, amount), 1));
    assert!(matches!(book(0), Err(TransferError::AmountZero)));
    let withdrawal = |amount| {
        let Leg { debit, credit, .. } = deposit(&ledger, id, ASSET, 1).first;
        let first = Leg { debit: credit, credit: debit, amount };
        let transfer =
            Transfer { id: Uuid::now_v7(), kind: TransferKind::Withdrawal, first, second: None };
        block_on(ledger.transfer(transfer, 1))
    };
    assert!(matches!(withdrawal(1), Err(TransferError::Insufficient(_))));
    // A refused call doesn't use up the id.
    book(u64::MAX).unwrap();
    let one_more = deposit(&ledger, Uuid::now_v7(), ASSET, 1);
    assert!(matches!(block_on(ledger.transfer(one_more, 1)), Err(TransferError::Overfull(_))));
    withdrawal(u64::MAX).unwrap();
    assert!(matches!(book(1), Err(TransferError::Exists)));
    assert_eq!(ledger.account(ASSET).own_part().total(), 0);
}

#[test]
fn a_refusal_is_told_once_what_it_rests_on_is_durable() {
    let (_dir, store) = fresh();
    let (ledger, ..) = watched(&store, options(100), Duration::from_millis(50));
    let usd = crate::testing::asset("USD");
    thread::scope(|scope| {
        scope.spawn(|| store.change(|tx| tx.insert_asset(&usd)).unwrap());
        while ledger.shared.queue.last_sequence() == 0 {
            thread::yield_now();
        }
        let refused = store.change(|tx| tx.insert_asset(&crate::testing::asset("USD")));
        assert!(matches!(refused, Err(crate::TransactionError::Conflict(_))), "{refused:?}");
        assert_eq!(ledger.durable_sequence(), ledger.shared.queue.last_sequence());
    });
}

#[test]
fn permits_bound_what_is_under_way_and_come_back() {
    let (_dir, store) = fresh();
    let ledger = DurableLedger::open(&store, options(3)).unwrap();
    fund(&ledger, 1, 100);
    let held: Vec<_> = (0..3).map(|_| hold(&ledger, 1, 2, 1).unwrap()).collect();
    assert_eq!(hold(&ledger, 1, 2, 1).unwrap_err(), HoldError::Full);
    let full = deposit(&ledger, Uuid::now_v7(), ASSET, 1);
    assert!(matches!(block_on(ledger.transfer(full, 1)), Err(TransferError::Full)));
    drop(held);
    assert_eq!((ledger.permits_left(), available(&ledger, 1)), (3, 100));
    // A hold that fails for want of money keeps no permit either.
    assert!(matches!(hold(&ledger, 1, 2, 101), Err(HoldError::Insufficient(_))));
    block_on(ledger.post(hold(&ledger, 1, 2, 1).unwrap())).unwrap();
    assert_eq!((ledger.permits_left(), available(&ledger, 1)), (3, 99));
}

#[test]
fn a_post_whose_future_is_dropped_is_durable_all_the_same() {
    let (dir, store) = fresh();
    let (ledger, record, _) = watched(&store, options(10), Duration::from_millis(5));
    fund(&ledger, 1, 100);
    let held = hold(&ledger, 1, 2, 40).unwrap();
    let mut post = Box::pin(ledger.post(held));
    assert!(poll_once(&mut post).is_pending());
    assert_eq!(available(&ledger, 2), 40);
    drop(post);
    ledger.close().unwrap();
    assert_eq!(record.lock().len(), 2);
    assert_eq!(ledger.permits_left(), 10);
    drop((ledger, store));
    let ledger = DurableLedger::open(&open(dir.path()), LedgerOptions::default()).unwrap();
    assert_eq!(available(&ledger, 2), 40);
}

#[test]
fn a_future_may_go_from_task_to_task() {
    let (_dir, store) = fresh();
    let (ledger, ..) = watched(&store, options(10), Duration::from_millis(20));
    fund(&ledger, 1, 100);
    let mut post = Box::pin(ledger.post(hold(&ledger, 1, 2, 40).unwrap()));
    assert_eq!(post.as_mut().poll(&mut Context::from_waker(Waker::noop())), Poll::Pending);
    // It sleeps on another waker now, and would sleep for ever if the first one were kept.
    assert_eq!(block_on(post), Ok(()));
}

#[test]
fn a_failed_write_stops_the_ledger_for_good() {
    for panics in [false, true] {
        let (dir, store) = fresh();
        let (told, hears) = mpsc::channel();
        let on_failure: OnFailure = Box::new(move |reason| told.send(reason.to_owned()).unwrap());
        let options = LedgerOptions { on_failure: Some(on_failure), ..options(100) };
        let (record, fails) = (Record::default(), Arc::new(AtomicBool::new(false)));
        let parts = (Arc::clone(&record), Arc::clone(&fails));
        let ledger = DurableLedger::open_with(&store, options, |inner| {
            let pause = Duration::from_millis(5);
            Box::new(Watched { inner, record: parts.0, pause, fails: parts.1, panics })
        });
        let ledger = ledger.unwrap();
        fund(&ledger, 1, 100);
        let late = hold(&ledger, 1, 2, 1).unwrap();
        let held: Vec<_> = (0..8).map(|_| hold(&ledger, 1, 2, 1).unwrap()).collect();
        fails.store(true, Ordering::SeqCst);
        thread::scope(|scope| {
            for held in held {
                scope.spawn(|| assert_eq!(block_on(ledger.post(held)), Err(Stopped)));
            }
        });
        let reason = if panics { "the disk is on fire" } else { "the disk is gone" };
        assert_eq!(hears.recv().unwrap(), reason);
        assert_eq!(ledger.stopped().as_deref(), Some(reason));
        // That the disk is back changes nothing.
        fails.store(false, Ordering::SeqCst);
        assert_eq!(block_on(ledger.post(late)), Err(Stopped));
        assert_eq!(hold(&ledger, 1, 2, 1).unwrap_err(), HoldError::Stopped);
        let transfer = deposit(&ledger, Uuid::now_v7(), ASSET, 1);
        assert!(matches!(block_on(ledger.transfer(transfer, 1)), Err(TransferError::Stopped)));
        assert_eq!(ledger.close(), Err(Stopped));
        assert_eq!(record.lock().len(), 1);
        drop((ledger, store));
        let ledger = DurableLedger::open(&open(dir.path()), LedgerOptions::default()).unwrap();
        assert_eq!((available(&ledger, 1), available(&ledger, 2)), (100, 0));
    }
}

#[test]
fn a_close_drains_and_then_refuses() {
    let (_dir, store) = fresh();
    let (ledger, record, _) = watched(&store, options(100), Duration::from_millis(5));
    fund(&ledger, 1, 100);
    let mut posts: Vec<_> =
        (0..20).map(|_| Box::pin(ledger.post(hold(&ledger, 1, 2, 1).unwrap()))).collect();
    // Some may be durable at once, and are done with then.
    posts.retain_mut(|post| poll_once(post).is_pending());
    ledger.close().unwrap();
    for post in posts {
        assert_eq!(block_on(post), Ok(()));
    }
    assert_eq!(record.lock().len(), 21);
    assert_eq!(ledger.stopped().as_deref(), Some("the ledger was closed"));
    assert_eq!(hold(&ledger, 1, 2, 1).unwrap_err(), HoldError::Stopped);
    ledger.close().unwrap();
    DurableLedger::open(&store, LedgerOptions::default()).unwrap();
}

#[test]
fn what_is_durable_at_any_point_overdraws_nobody() {
    const PEERS: u128 = 6;
    let (_dir, store) = fresh();
    let (ledger, record, _) = watched(&store, options(1_000), Duration::from_micros(300));
    fund(&ledger, 0, 20);
    // So little money that nearly every debit spends a credit that isn't durable yet.
    thread::scope(|scope| {
        for thread in 0..8_u128 {
            let ledger = &ledger;
            scope.spawn(move || {
                let mut posts = Vec::new();
                for round in 0..6_000_u128 {
                    let from = (thread + round) % PEERS;
                    let amount = u64::try_from(available(ledger, from).min(20)).unwrap();
                    if amount == 0 {
                        thread::yield_now();
                        continue;
                    }
                    if let Ok(held) = hold(ledger, from, (from + 1) % PEERS, amount) {
                        let mut post = Box::pin(ledger.post(held));
                        match poll_once(&mut post) {
                            Poll::Pending => posts.push(post),
                            Poll::Ready(done) => assert_eq!(done, Ok(())),
                        }
                    }
                }
                for post in posts {
                    block_on(post).unwrap();
                }
            });
        }
    });
    ledger.close().unwrap();
    let record = record.lock();
    assert!(record.len() > 50, "{} transfers prove little", record.len());
    let mut balances: HashMap<AccountId, i128> = HashMap::new();
    for (place, posted) in (1_u64..).zip(record.iter()) {
        assert_eq!(posted.sequence, place);
        for entry in posted.entries() {
            *balances.entry(entry.credit).or_default() += i128::from(entry.amount);
            *balances.entry(entry.debit).or_default() -= i128::from(entry.amount);
            let debit = balances[&entry.debit];
            assert!(debit >= 0 || entry.debit.kind == AccountKind::Settlement, "{posted:?}");
        }
    }
}
