//! One event for each crossing, also over crashes.

use std::sync::atomic::AtomicUsize;

use super::{faults::damage::copy_of, *};
use crate::{
    EventFilter, Page,
    ledger::books::{state::Crossing, threshold},
    records::forms::keys::Kind,
    testing,
};

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
    store.change(|tx| tx.insert_asset(&usd)).unwrap();
    let neighbour = testing::peer(usd.id, "g.a", &["t"]);
    store.change(|tx| tx.insert_peer(&neighbour)).unwrap();
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
    grant(100);
    ledger.set_threshold(account, Some(50)).unwrap();
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
    ledger.set_threshold(account, Some(49)).unwrap();
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
    let threshold = store.inner.books.lock().state.threshold(account);
    assert_eq!(threshold.unwrap().amount, 49);
}

#[test]
fn a_threshold_above_what_there_is_is_told_at_once() {
    let (dir, store) = fresh();
    let told = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&told);
    let on_event: Option<OnEvent> = Some(Arc::new(move || {
        counter.fetch_add(1, Ordering::SeqCst);
    }));
    let ledger = DurableLedger::open(&store, LedgerOptions { on_event, ..ticking() }).unwrap();
    fund(&ledger, 1, 100);
    let balances = |store: &Store| -> Vec<String> {
        events(store).into_iter().map(|(_, balance)| balance).collect()
    };
    ledger.set_threshold(peer_id(1), Some(99)).unwrap();
    assert!(events(&store).is_empty());
    ledger.set_threshold(peer_id(1), Some(100)).unwrap();
    ledger.set_threshold(peer_id(1), Some(100)).unwrap();
    assert_eq!(balances(&store), ["100"]);
    // Each higher threshold that the account is below makes an event; a lower one makes none.
    ledger.set_threshold(peer_id(1), Some(500)).unwrap();
    ledger.set_threshold(peer_id(1), Some(200)).unwrap();
    assert_eq!(balances(&store), ["100", "100"]);
    pay(&ledger, 1, 2, 1);
    ledger.set_threshold(peer_id(1), None).unwrap();
    ledger.set_threshold(peer_id(1), Some(300)).unwrap();
    assert_eq!(balances(&store), ["100", "100", "99"]);
    assert_eq!(told.load(Ordering::SeqCst), 3);
    ledger.set_threshold(peer_id(3), Some(0)).unwrap();
    assert_eq!(balances(&store), ["100", "100", "99", "0"]);
    drop((ledger, store));
    let store = open(dir.path());
    let ledger = DurableLedger::open(&store, ticking()).unwrap();
    pay(&ledger, 1, 2, 1);
    ledger.checkpoint().unwrap();
    assert_eq!(events(&store).len(), 4, "a restart is no news, nor is what comes below");
}

#[test]
fn a_crash_loses_no_event_and_doubles_none() {
    let (dir, store) = fresh();
    let ledger = DurableLedger::open(&store, ticking()).unwrap();
    fund(&ledger, 1, 100);
    ledger.set_threshold(peer_id(1), Some(10)).unwrap();
    pay(&ledger, 1, 2, 95);
    wait_for(&store, 1);
    // The keeper is held back, so these crossings are in the journal alone.
    let turn = ledger.store.inner.turn.lock();
    pay(&ledger, 2, 1, 50);
    pay(&ledger, 1, 2, 50);
    pay(&ledger, 2, 1, 50);
    pay(&ledger, 1, 2, 49);
    pay(&ledger, 2, 1, 70);
    let copy = copy_of(dir.path());
    drop(turn);
    // Of those that waited, the latest is told, after a pause.
    wait_for(&store, 2);
    let expected = events(&store);
    assert_eq!(expected.iter().map(|(_, left)| left.as_str()).collect::<Vec<_>>(), ["5", "6"]);
    let copied = open(copy.path());
    assert_eq!(events(&copied).len(), 1);
    for _ in 0..2 {
        let again = DurableLedger::open(&copied, ticking()).unwrap();
        wait_for(&copied, 2);
        assert_eq!(events(&copied), expected);
        again.close().unwrap();
    }
    // With the checkpoint behind them, nothing tells of them again.
    pay(&ledger, 1, 2, 1);
    ledger.checkpoint().unwrap();
    assert_eq!(events(&store), expected);
}

/// Checks that the paying accounts of both legs may fall to a threshold by the same transfer. The ids
/// of these two accounts end in the same bytes.
#[test]
fn accounts_that_cross_in_the_same_transfer_are_both_told_of() {
    let (_dir, store) = fresh();
    let ledger = DurableLedger::open(&store, ticking()).unwrap();
    let payers = [0x1_0001, 0x2_0001];
    for payer in payers {
        fund(&ledger, payer, 100);
        ledger.set_threshold(peer_id(payer), Some(50)).unwrap();
    }
    let [first, second] = payers.map(|payer| packet(&ledger, payer, 3, 60).first);
    let (id, kind) = (Uuid::now_v7(), TransferKind::Packet);
    let both = Transfer { id, kind, first, second: Some(second) };
    block_on(ledger.post(block_on(ledger.hold(both)).unwrap())).unwrap();
    ledger.checkpoint().unwrap();
    let page = Page::newest(10);
    let rows = store.events_page(page, &EventFilter::default()).unwrap().rows;
    let mut owners: Vec<_> = rows
        .iter()
        .map(|event| {
            let data: serde_json::Value = serde_json::from_slice(&event.data).unwrap();
            data["id"].as_str().unwrap().parse::<Uuid>().unwrap().as_u128()
        })
        .collect();
    owners.sort_unstable();
    assert_eq!(owners, payers);
    assert_ne!(rows[0].id, rows[1].id);
}

#[test]
fn a_balance_that_swings_floods_nothing_and_puts_off_no_checkpoint() {
    let (_dir, store) = fresh();
    let checkpoint_interval = Duration::from_millis(200);
    let options = LedgerOptions { checkpoint_interval, segment_bytes: 16 << 20, ..options(10_000) };
    let ledger = DurableLedger::open(&store, options).unwrap();
    fund(&ledger, 1, 100);
    ledger.set_threshold(peer_id(1), Some(99)).unwrap();
    let start = std::time::Instant::now();
    let mut crossings = 0;
    while start.elapsed() < Duration::from_millis(700) {
        let mut posts = Vec::new();
        for (from, to) in (0..200).flat_map(|_| [(1, 2), (2, 1)]) {
            let mut post = Box::pin(ledger.post(hold(&ledger, from, to, 1).unwrap()));
            if poll_once(&mut post).is_pending() {
                posts.push(post);
            }
        }
        crossings += 200;
        posts.into_iter().for_each(|post| block_on(post).unwrap());
    }
    // One at once, one after each pause, and one with each checkpoint.
    let told = events(&store).len() as u128;
    let most = 2 + start.elapsed().as_millis() / 1_000 + start.elapsed().as_millis() / 200;
    assert!(crossings > 1_000 && told <= most, "{told} of {crossings}, at the most {most}");
    assert!(ledger.books.lock().checkpoint > 2, "the timed checkpoint is never put off for long");
    pay(&ledger, 1, 2, 37);
    ledger.close().unwrap();
    let last = events(&store).pop().unwrap();
    assert_eq!(last, ("peer.liquidity_low".to_owned(), "63".to_owned()), "the latest is told");
    assert_eq!(store.next_due_event().unwrap(), Some(0), "no clock puts it off");
}

#[test]
fn a_record_that_cannot_be_read_costs_the_event_its_asset_alone() {
    let (_dir, store) = fresh();
    let usd = testing::asset("USD");
    store.change(|tx| tx.insert_asset(&usd)).unwrap();
    let neighbour = testing::peer(usd.id, "g.a", &["t"]);
    store.change(|tx| tx.insert_peer(&neighbour)).unwrap();
    let crossing = Crossing {
        account: AccountId::peer(neighbour.id),
        place: 0,
        threshold: 5,
        available: 4,
        sequence: 3,
        time_ms: 2,
    };
    let asset = || {
        let event = threshold::event(&store, &crossing);
        serde_json::from_slice::<serde_json::Value>(&event.data).unwrap()["asset"].take()
    };
    assert_eq!(asset()["code"], "USD");
    let key = Kind::Peer.key(neighbour.id.as_bytes());
    store.change(|tx| tx.put_bytes(key.clone(), b"{")).unwrap();
    assert!(asset().is_null());
    store
        .change(|tx| {
            tx.remove(key);
            Ok(())
        })
        .unwrap();
    assert!(asset().is_null());
}

#[test]
fn what_a_failed_turn_took_is_in_no_later_checkpoint_and_comes_with_the_replay() {
    let (dir, store) = fresh();
    let (told, hears) = mpsc::channel();
    let on_event: Option<OnEvent> = Some(Arc::new(|| panic!("the listener is gone")));
    let on_failure: Option<OnFailure> =
        Some(Box::new(move |reason| told.send(reason.to_owned()).unwrap()));
    let options = LedgerOptions { on_event, on_failure, ..ticking() };
    let ledger = DurableLedger::open(&store, options).unwrap();
    fund(&ledger, 1, 100);
    fund(&ledger, 5, 100);
    ledger.checkpoint().unwrap();
    let before = ledger.books.lock().checkpoint;
    ledger.set_threshold(peer_id(1), Some(50)).unwrap();
    let turn = ledger.store.inner.turn.lock();
    let keeper = Arc::clone(&ledger.keeper);
    let failing = thread::spawn(move || keeper.keep(true).is_err());
    let twice = Uuid::now_v7();
    block_on(ledger.transfer(deposit(&ledger, twice, peer_id(9), 7), 1)).unwrap();
    // On hold when the store fails, and posted all the same.
    let late = hold(&ledger, 5, 6, 1).unwrap();
    pay(&ledger, 1, 9, 60);
    drop(turn);
    assert!(failing.join().unwrap());
    assert_eq!(hears.recv().unwrap(), "the listener is gone");
    assert_eq!(ledger.stopped().as_deref(), Some("the listener is gone"));
    assert_eq!(hold(&ledger, 5, 6, 1).unwrap_err(), HoldError::Stopped);
    assert_eq!(block_on(ledger.post(late)), Ok(()));
    assert!(ledger.checkpoint().is_err());
    ledger.close().unwrap();
    drop((ledger, store));

    let store = open(dir.path());
    let position = store.inner.keyspace.index.position().unwrap();
    assert_eq!(position.place.next_sequence - 1, before);
    let ledger = DurableLedger::open(&store, ticking()).unwrap();
    assert_eq!([1, 5, 6, 9].map(|peer| available(&ledger, peer)), [40, 99, 1, 67]);
    let again = block_on(ledger.transfer(deposit(&ledger, twice, peer_id(9), 7), 1));
    assert!(matches!(again, Err(TransferError::Exists)));
    wait_for(&store, 1);
}

#[test]
fn of_each_account_the_latest_crossing_waits_for_the_pause() {
    let crossing = |peer, sequence| Crossing {
        account: peer_id(peer),
        place: 0,
        threshold: 5,
        available: 4,
        sequence,
        time_ms: 2,
    };
    let mut crossings = threshold::Crossings::default();
    let start = std::time::Instant::now();
    let after = |ms| start + Duration::from_millis(ms);
    (1..=9).for_each(|sequence| crossings.add(crossing(1, sequence)));
    assert_eq!((crossings.take_more(), crossings.take_more()), (true, false));
    assert_eq!(crossings.take(start, false), [crossing(1, 9)]);
    assert_eq!(crossings.next(), None);
    crossings.add(crossing(1, 10));
    crossings.add(crossing(2, 11));
    assert_eq!(crossings.take(after(400), false), [crossing(2, 11)]);
    assert_eq!(crossings.next(), Some(after(1_000)));
    assert!(crossings.take_more());
    crossings.add(crossing(1, 12));
    assert!(!crossings.take_more(), "the keeper knows of it");
    assert_eq!(crossings.take(after(999), false), []);
    assert_eq!(crossings.take(after(1_000), false), [crossing(1, 12)]);
    // A checkpoint doesn't wait.
    crossings.add(crossing(1, 13));
    assert_eq!(crossings.take(after(1_001), true), [crossing(1, 13)]);
    assert_eq!((crossings.take(after(9_000), true).len(), crossings.next()), (0, None));
}
