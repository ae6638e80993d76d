//! One event for each crossing, also over crashes.

use std::sync::atomic::AtomicUsize;

use super::{damage::copy_of, *};
use crate::{EventFilter, Page, testing};

fn events(store: &Store) -> Vec<(String, String)> {
    let page = Page { order: crate::Order::OldestFirst, ..Page::newest(100) };
    let rows = store.events_page(page, &EventFilter::default()).unwrap().rows;
    rows.into_iter()
        .map(|event| {
            let data: serde_json::Value = serde_json::from_slice(&event.data).unwrap();
            (event.kind, data["balance"].as_str().unwrap().to_owned())
        })
        .collect()
}

fn wait_for(store: &Store, count: usize) {
    for _ in 0..500 {
        if events(store).len() >= count {
            return;
        }
        thread::sleep(Duration::from_millis(4));
    }
    panic!("{count} events were expected: {:?}", events(store));
}

fn pay(ledger: &DurableLedger, from: u128, to: u128, amount: u64) {
    block_on(ledger.post(hold(ledger, from, to, amount).unwrap())).unwrap();
}

fn ticking() -> LedgerOptions {
    let time = Arc::new(Mutex::new(0));
    let clock_ms: ClockMs = Arc::new(move || {
        *time.lock() += 1;
        *time.lock()
    });
    LedgerOptions { clock_ms, ..options(100) }
}

#[test]
fn each_crossing_makes_one_event_and_rising_arms_it_again() {
    let (dir, store) = fresh();
    let usd = testing::asset("USD");
    store.insert_asset(&usd).unwrap();
    let neighbour = testing::peer(usd.id, "g.a", &["t"]);
    store.insert_peer(&neighbour).unwrap();
    let told = Arc::new(AtomicUsize::new(0));
    let tells = Arc::clone(&told);
    let on_event: Option<OnEvent> = Some(Arc::new(move || {
        tells.fetch_add(1, Ordering::SeqCst);
    }));
    let ledger = DurableLedger::open(&store, LedgerOptions { on_event, ..ticking() }).unwrap();
    let account = AccountId::peer(neighbour.id);
    let debit = ledger.account(AccountId::settlement(usd.id));
    let grant = |amount| {
        let first = Leg { debit: Arc::clone(&debit), credit: ledger.account(account), amount };
        let transfer =
            Transfer { id: Uuid::now_v7(), kind: TransferKind::Deposit, first, second: None };
        block_on(ledger.transfer(transfer, 1)).unwrap();
    };
    let spend = |amount| {
        let (debit, credit) = (ledger.account(account), ledger.account(peer_id(9)));
        let first = Leg { debit, credit, amount };
        let transfer =
            Transfer { id: Uuid::now_v7(), kind: TransferKind::Packet, first, second: None };
        block_on(ledger.post(block_on(ledger.hold(transfer)).unwrap())).unwrap();
    };
    ledger.set_threshold(account, Some(50)).unwrap();
    grant(100);
    spend(49);
    assert!(events(&store).is_empty());
    spend(1);
    wait_for(&store, 1);
    spend(10);
    spend(10);
    grant(21);
    spend(2);
    wait_for(&store, 2);
    // Nothing of it is another crossing: the same threshold again, a lower one, a restart.
    ledger.set_threshold(account, Some(50)).unwrap();
    ledger.set_threshold(account, Some(60)).unwrap();
    spend(1);
    drop(debit);
    drop(ledger);
    let ledger = DurableLedger::open(&store, ticking()).unwrap();
    ledger.checkpoint().unwrap();
    let expected = [("peer.liquidity_low", "50"), ("peer.liquidity_low", "49")];
    let found = events(&store);
    let found: Vec<_> = found.iter().map(|(kind, left)| (kind.as_str(), left.as_str())).collect();
    assert_eq!(found, expected);
    assert_eq!(told.load(Ordering::SeqCst), 2);
    let first = &store.due_events(u64::MAX / 2, 1).unwrap()[0];
    let data: serde_json::Value = serde_json::from_slice(&first.data).unwrap();
    assert_eq!(data["asset"]["code"], "USD");
    assert_eq!(
        (&data["liquidityThreshold"], &data["id"]),
        (&"50".into(), &neighbour.id.to_string().into())
    );
    drop((ledger, store));
    let store = open(dir.path());
    assert_eq!(store.thresholds().unwrap()[&account].amount, 60);
}

#[test]
fn a_crash_loses_no_event_and_doubles_none() {
    let (dir, store) = fresh();
    let ledger = DurableLedger::open(&store, ticking()).unwrap();
    ledger.set_threshold(peer_id(1), Some(10)).unwrap();
    fund(&ledger, 1, 100);
    pay(&ledger, 1, 2, 95);
    wait_for(&store, 1);
    // The keeper is held back, so these crossings are in the journal alone.
    let turn = ledger.keeper.turn.lock();
    pay(&ledger, 2, 1, 50);
    pay(&ledger, 1, 2, 50);
    pay(&ledger, 2, 1, 50);
    pay(&ledger, 1, 2, 49);
    pay(&ledger, 2, 1, 70);
    let copy = copy_of(dir.path());
    drop(turn);
    wait_for(&store, 3);
    let expected = events(&store);
    assert_eq!(expected.iter().map(|(_, left)| left.as_str()).collect::<Vec<_>>(), ["5", "5", "6"]);
    let copied = open(copy.path());
    assert_eq!(events(&copied).len(), 1);
    for _ in 0..2 {
        let again = DurableLedger::open(&copied, ticking()).unwrap();
        wait_for(&copied, 3);
        assert_eq!(events(&copied), expected);
        again.close().unwrap();
    }
    // With the checkpoint behind them, nothing tells of them again.
    pay(&ledger, 1, 2, 1);
    ledger.checkpoint().unwrap();
    assert_eq!(events(&store), expected);
}
