//! Tests of closed accounts: their sums count once, whatever happens, and they receive nothing
//! later.

use proptest::prelude::*;

use super::withdrawal;
use crate::{
    TransferState,
    ledger::tests::{faults::damage::copy_of, *},
    records::forms::keys::Kind,
};

fn payment(number: u128) -> AccountId {
    AccountId::outgoing_payment(Uuid::from_u128(number))
}

fn totals() -> AccountId {
    AccountId { kind: AccountKind::ClosedOutgoingPayments, owner: ASSET.owner }
}

fn give(ledger: &DurableLedger, to: AccountId, amount: u64) -> Result<(), TransferError> {
    block_on(ledger.transfer(deposit(ledger, Uuid::now_v7(), to, amount), 1))
}

fn send(ledger: &DurableLedger, from: AccountId, to: AccountId, amount: u64) {
    let first = Leg { debit: ledger.account(from), credit: ledger.account(to), amount };
    let id = Uuid::now_v7();
    let packet = Transfer { id, kind: TransferKind::Packet, first, second: None };
    block_on(ledger.post(block_on(ledger.hold(packet)).unwrap())).unwrap();
}

fn close(ledger: &DurableLedger, account: AccountId) -> bool {
    block_on(ledger.close_account(account, ASSET.owner, 1)).unwrap()
}

fn sums(ledger: &DurableLedger, account: AccountId) -> (u128, u128) {
    let balance = ledger.total(account);
    (balance.credits, balance.debits)
}

fn is_sound(ledger: &DurableLedger) {
    let report = ledger.verify().unwrap();
    assert_eq!(report.faults, Vec::<String>::new());
}

#[test]
fn a_closed_account_leaves_its_sums_and_what_it_moved_and_no_place_in_memory() {
    let (dir, store) = fresh();
    let ledger = DurableLedger::open(&store, options(100)).unwrap();
    give(&ledger, payment(1), 100).unwrap();
    assert!(!close(&ledger, payment(1)), "there is money on it");
    send(&ledger, payment(1), peer_id(2), 60);
    let held = ledger.account(payment(1));
    let first = Leg { debit: Arc::clone(&held), credit: ledger.account(peer_id(2)), amount: 40 };
    let packet = Transfer { id: Uuid::now_v7(), kind: TransferKind::Packet, first, second: None };
    let last = block_on(ledger.hold(packet)).unwrap();
    assert!(!close(&ledger, payment(1)), "something is under way");
    block_on(ledger.post(last)).unwrap();
    let before = ledger.transfers(payment(1), None, 10).unwrap();
    assert_eq!(before.rows.len(), 3);

    let checks = |ledger: &DurableLedger| {
        assert_eq!(sums(ledger, payment(1)), (100, 100));
        assert_eq!(sums(ledger, totals()), (100, 100));
        assert_eq!(ledger.transfers(payment(1), None, 10).unwrap(), before);
        // The account receives nothing any more, even through a handle from before the close.
        assert!(matches!(give(ledger, payment(1), 1), Err(TransferError::Overfull(_))));
        is_sound(ledger);
    };
    assert!(close(&ledger, payment(1)) && close(&ledger, payment(1)));
    checks(&ledger);
    assert!(!ledger.is_account_over(payment(1)));
    ledger.checkpoint().unwrap();
    checks(&ledger);
    assert!(held.is_closed() && ledger.is_account_over(payment(1)));
    assert!(ledger.totals().iter().all(|(id, _)| *id != payment(1)));
    assert!(ledger.books.lock().state.row(payment(1)).is_none());
    assert!(ledger.books.lock().state.closed().is_empty());
    // The slot of the closed account is reused.
    let slots = ledger.books.lock().state.rows().count();
    give(&ledger, payment(2), 7).unwrap();
    assert_eq!(ledger.books.lock().state.rows().count(), slots + 1);
    drop((ledger, store));

    let store = open(dir.path());
    let ledger = DurableLedger::open(&store, options(100)).unwrap();
    checks(&ledger);
    assert_eq!(sums(&ledger, payment(2)), (7, 0));
    // The row of a closed account goes with the record of its payment.
    let record = Kind::OutgoingPayment.key(payment(1).owner.as_bytes());
    store
        .change(|tx| {
            tx.remove(record);
            Ok(())
        })
        .unwrap();
    ledger.checkpoint().unwrap();
    assert_eq!(sums(&ledger, payment(1)), (0, 0));
    assert_eq!(sums(&ledger, totals()), (100, 100));
    is_sound(&ledger);
}

#[test]
fn an_account_that_a_withdrawal_may_come_back_to_stays_open() {
    let (_dir, store) = fresh();
    let ledger = DurableLedger::open(&store, options(100)).unwrap();
    give(&ledger, payment(1), 30).unwrap();
    withdrawal::begin(&ledger, 5, payment(1), 30, 1_000).unwrap();
    assert!(!close(&ledger, payment(1)));
    assert!(ledger.empty_payment_accounts().is_empty());
    block_on(ledger.post_withdrawal(Uuid::from_u128(5), 2)).unwrap();
    assert_eq!(ledger.empty_payment_accounts(), [payment(1)]);
    assert!(close(&ledger, payment(1)));
    let row = ledger.operator_transfer(Uuid::from_u128(5)).unwrap().unwrap();
    assert_eq!(row.state, TransferState::Posted);
    // Accounts of peers, assets and wallet addresses live as long as their owners.
    for account in [peer_id(1), ASSET, AccountId::wallet_address(Uuid::from_u128(9))] {
        assert!(!close(&ledger, account));
    }
    // An account without transfers is in no sum.
    let _ = ledger.account(payment(3));
    assert!(close(&ledger, payment(3)) && ledger.is_account_over(payment(3)));
    is_sound(&ledger);
}

#[test]
fn sums_count_once_whenever_the_process_dies() {
    const THREADS: u128 = 3;
    let (dir, store) = fresh();
    let small = || LedgerOptions {
        segment_bytes: 8_192,
        checkpoint_entries: 60,
        retain_segments_min: Some(2),
        snapshot_log_bytes_min: 16 * 1024,
        ..options(1_000)
    };
    let ledger = DurableLedger::open(&store, small()).unwrap();
    let stop = AtomicBool::new(false);
    thread::scope(|scope| {
        for thread in 0..THREADS {
            let (ledger, stop) = (&ledger, &stop);
            scope.spawn(move || {
                for number in 0_u128.. {
                    let account = payment(thread * 1_000_000 + number);
                    give(ledger, account, 10).unwrap();
                    send(ledger, account, peer_id(9), 10);
                    assert!(close(ledger, account));
                    if stop.load(Ordering::SeqCst) {
                        break;
                    }
                }
            });
        }
        for moment in 0..10_u64 {
            thread::sleep(Duration::from_millis(5 + moment * 7 % 11));
            let turn = ledger.store.inner.turn.lock();
            let pause = ledger.books.lock();
            let copy = copy_of(dir.path());
            drop((pause, turn));
            let store = open(copy.path());
            let copied = DurableLedger::open(&store, small()).unwrap();
            is_sound(&copied);
            let open_payments = |balances: Vec<(AccountId, Total)>| -> u128 {
                let payments = balances.into_iter();
                let open = payments.filter(|(id, _)| id.kind == AccountKind::OutgoingPayment);
                open.map(|(_, balance)| balance.credits).sum()
            };
            // All money from outside is, or was, on the account of a payment.
            let settled = sums(&copied, AccountId::settlement(ASSET.owner)).1;
            let counted = open_payments(copied.totals()) + sums(&copied, totals()).0;
            assert_eq!(counted, settled, "moment {moment}");
            assert_eq!(sums(&copied, peer_id(9)).0 % 10, 0);
            copied.checkpoint().unwrap();
            is_sound(&copied);
            drop((copied, store));
            assert_eq!(verify(copy.path()).unwrap().faults, Vec::<String>::new());
        }
        stop.store(true, Ordering::SeqCst);
    });
    assert!(ledger.durable_sequence() > 200, "little was tried");
}

#[derive(Clone, Copy, Debug)]
enum Act {
    Give(u128, u64),
    Send(u128, u64),
    Close(u128),
    Checkpoint,
    Reopen,
}

fn act() -> impl Strategy<Value = Act> {
    let account = || 1..5_u128;
    prop_oneof![
        4 => (account(), 1..50_u64).prop_map(|(account, amount)| Act::Give(account, amount)),
        4 => (account(), 1..60_u64).prop_map(|(account, amount)| Act::Send(account, amount)),
        4 => account().prop_map(Act::Close),
        1 => Just(Act::Checkpoint),
        1 => Just(Act::Reopen),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, failure_persistence: None, ..Default::default() })]

    /// Compares the ledger with plain numbers: each account's sums, and which accounts are closed.
    #[test]
    fn closing_agrees_with_a_naive_model(acts in prop::collection::vec(act(), 0..60)) {
        let (_dir, store) = fresh();
        let small = || LedgerOptions {
            segment_bytes: 4_096,
            retain_segments_min: Some(1),
            snapshot_log_bytes_min: 8_192,
            ..options(100)
        };
        let mut ledger = DurableLedger::open(&store, small()).unwrap();
        let (mut seen, mut closed) = ([(0_u128, 0_u128); 5], [false; 5]);
        for act in acts {
            match act {
                Act::Give(account, amount) => {
                    let at = usize::try_from(account).unwrap();
                    let given = give(&ledger, payment(account), amount);
                    prop_assert_eq!(given.is_ok(), !closed[at]);
                    seen[at].0 += if closed[at] { 0 } else { u128::from(amount) };
                }
                Act::Send(account, amount) => {
                    let at = usize::try_from(account).unwrap();
                    if seen[at].0 - seen[at].1 >= u128::from(amount) {
                        send(&ledger, payment(account), peer_id(9), amount);
                        seen[at].1 += u128::from(amount);
                    }
                }
                Act::Close(account) => {
                    let at = usize::try_from(account).unwrap();
                    let is_empty = seen[at].0 == seen[at].1;
                    prop_assert_eq!(close(&ledger, payment(account)), is_empty);
                    // An account that was never in the books may come later.
                    closed[at] |= is_empty && seen[at].0 > 0;
                }
                Act::Checkpoint => ledger.checkpoint().unwrap(),
                Act::Reopen => {
                    drop(ledger);
                    ledger = DurableLedger::open(&store, small()).unwrap();
                }
            }
            for (at, seen) in seen.iter().enumerate().skip(1) {
                prop_assert_eq!(sums(&ledger, payment(at as u128)), *seen);
            }
            let over = closed.iter().zip(seen).filter(|(is_closed, _)| **is_closed);
            let over = over.fold((0, 0), |sum, (_, seen)| (sum.0 + seen.0, sum.1 + seen.1));
            prop_assert_eq!(sums(&ledger, totals()), over);
        }
        is_sound(&ledger);
    }
}
