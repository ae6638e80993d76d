//! The cost of ended payments for a node: memory and the time of a start, with few of them and with
//! many, side by side.
//!
//! Each store is filled once: a record for each payment, and its account in the books, which
//! receives money, sends it and is closed. Each measurement is a process of its own that opens
//! store and books and prints the cost. The two stores take turns, so that caches of the allocator
//! or the machine favour neither. `-- ended 10000 1000000` sets the numbers; `books` behind them
//! leaves the records out.

use std::{
    fs,
    path::Path,
    process::Command,
    sync::atomic::{AtomicUsize, Ordering},
    thread,
    time::Instant,
};

use ilp_connector::{
    account::AccountId,
    ledger::{Ledger, Leg, Transfer, TransferKind},
    token::Secret,
};
use ilp_store::{
    AssetRecord, Companions, DurableLedger, EventRecord, LedgerOptions, OutgoingPaymentRecord,
    OutgoingPaymentState, QuoteRecord, Store, WalletAddressRecord,
};
use uuid::Uuid;

use super::measure::Scratch;

/// The number of payments made at once, so that they share the disk's syncs.
const FILLERS: usize = 128;
const ROUNDS: usize = 5;
const AMOUNT: u64 = 10;

/// Returns the ledger's options. A start reads the newest segment, however full that is: small
/// segments keep this out of the numbers.
fn options() -> LedgerOptions {
    LedgerOptions { segment_bytes: 1024 * 1024, ..LedgerOptions::default() }
}

/// A measured quantity of a start.
type Figure = fn(&Start) -> f64;

/// The measurements of one start.
struct Start {
    store_ms: f64,
    books_ms: f64,
    resident_mb: f64,
}

pub(crate) fn measure(arguments: &[String]) {
    let counts: Vec<usize> = arguments.iter().filter_map(|text| text.parse().ok()).collect();
    let (few, many) = match counts[..] {
        [few, many, ..] => (few, many),
        _ => (10_000, 1_000_000),
    };
    let has_records = !arguments.iter().any(|word| word == "books");
    let stores = [few, many].map(|count| {
        let dir = Scratch::new();
        let begun = Instant::now();
        fill(&dir.0, count, has_records);
        println!("{count} payments made in {:.1} s", begun.elapsed().as_secs_f64());
        dir
    });
    let mut starts: [Vec<Start>; 2] = [Vec::new(), Vec::new()];
    for _ in 0..ROUNDS {
        for (dir, starts) in stores.iter().zip(&mut starts) {
            starts.push(start_apart(&dir.0));
        }
    }
    println!("{:<24}{:>14}{:>14}{:>10}", "ended payments", few, many, "ratio");
    let figures: [(&str, Figure); 4] = [
        ("store opened, ms", |start| start.store_ms),
        ("books opened, ms", |start| start.books_ms),
        ("both, ms", |start| start.store_ms + start.books_ms),
        ("resident, MB", |start| start.resident_mb),
    ];
    for (name, figure) in figures {
        let [few, many] = [0, 1].map(|at| {
            let mut values: Vec<f64> = starts[at].iter().map(figure).collect();
            values.sort_by(f64::total_cmp);
            values[values.len() / 2]
        });
        println!("{name:<24}{few:>14.1}{many:>14.1}{:>10.2}", many / few.max(f64::EPSILON));
    }
}

/// Opens the store in `dir` and prints the time and memory that this took. Each measurement runs
/// this in a process.
pub(crate) fn start(dir: &str) {
    let begun = Instant::now();
    let store = Store::open(Path::new(dir)).expect("a store that was filled");
    let store_ms = begun.elapsed().as_secs_f64() * 1e3;
    let begun = Instant::now();
    let ledger = DurableLedger::open(&store, options()).expect("whole books");
    let books_ms = begun.elapsed().as_secs_f64() * 1e3;
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kilobytes = resident.and_then(|text| text.split_whitespace().next()?.parse::<f64>().ok());
    println!("{store_ms} {books_ms} {}", kilobytes.unwrap_or(0.0) / 1e3);
    drop((ledger, store));
}

fn start_apart(dir: &Path) -> Start {
    let program = std::env::current_exe().expect("this is a program");
    let output = Command::new(program).arg("ended-start").arg(dir).output().expect("it can be run");
    let text = String::from_utf8_lossy(&output.stdout);
    let numbers: Vec<f64> = text.split_whitespace().filter_map(|word| word.parse().ok()).collect();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(numbers.len() == 3, "{text}{said}");
    Start { store_ms: numbers[0], books_ms: numbers[1], resident_mb: numbers[2] }
}

fn fill(dir: &Path, count: usize, has_records: bool) {
    let store = Store::open(dir).expect("the directory is new");
    let ledger = DurableLedger::open(&store, options()).expect("new books");
    let asset = AssetRecord {
        id: Uuid::now_v7(),
        code: "USD".to_owned(),
        scale: 2,
        withdrawal_threshold: None,
        liquidity_threshold: None,
        created_at_ms: 1,
        version: 0,
    };
    store
        .transact(Companions::none(), |tx| tx.insert_asset(&asset))
        .expect("the store can be written");
    let wallet = WalletAddressRecord {
        id: Uuid::now_v7(),
        asset_id: asset.id,
        url: "https://wallet.example/alice".to_owned(),
        public_name: None,
        deactivated_at_ms: None,
        additional_properties: Vec::new(),
        created_at_ms: 1,
        version: 0,
    };
    store
        .transact(Companions::none(), |tx| tx.insert_wallet_address(&wallet))
        .expect("the store can be written");
    let runtime =
        tokio::runtime::Builder::new_current_thread().build().expect("a runtime without drivers");
    let next = AtomicUsize::new(0);
    thread::scope(|scope| {
        for _ in 0..FILLERS {
            scope.spawn(|| {
                while next.fetch_add(1, Ordering::Relaxed) < count {
                    let id = Uuid::now_v7();
                    if has_records {
                        let event = EventRecord::new(Uuid::now_v7(), "ended", b"{}".to_vec(), 1);
                        let payment = payment(id, &wallet);
                        store
                            .transact(Companions::none(), |tx| {
                                tx.insert_outgoing_payment(&payment, &event)
                            })
                            .expect("a new payment");
                    }
                    runtime.handle().block_on(pay_and_close(&ledger, asset.id, wallet.id, id));
                }
            });
        }
    });
    // Events have a retention of their own, and a start looks at them.
    while store.purge_events(u64::MAX, 1_000).expect("the store can be written") > 0 {}
    ledger.checkpoint().expect("the store can be written");
}

async fn pay_and_close(ledger: &DurableLedger, asset: Uuid, wallet: Uuid, payment: Uuid) {
    let own = AccountId::outgoing_payment(payment);
    let leg = |debit, credit| Leg {
        debit: ledger.account(debit),
        credit: ledger.account(credit),
        amount: AMOUNT,
    };
    // As the node makes the ids of payments' own transfers.
    let transfer = |kind, first| Transfer { id: Uuid::now_v7(), kind, first, second: None };
    let funding = transfer(TransferKind::Deposit, leg(AccountId::settlement(asset), own));
    ledger.transfer(funding, 1).await.expect("the ledger runs");
    let packet = transfer(TransferKind::Packet, leg(own, AccountId::wallet_address(wallet)));
    let hold = ledger.hold(packet).await.expect("the payment has its money");
    ledger.post(hold).await.expect("the ledger runs");
    assert!(ledger.close_account(own, asset, 1).await.expect("the ledger runs"));
}

fn payment(id: Uuid, wallet: &WalletAddressRecord) -> OutgoingPaymentRecord {
    let quote = QuoteRecord {
        id: Uuid::now_v7(),
        wallet_address_id: wallet.id,
        asset_id: wallet.asset_id,
        receiver: "https://other.example/bob".to_owned(),
        local_recipient: None,
        is_fixed_send: true,
        debit_amount: AMOUNT,
        debit_minus_fees: AMOUNT,
        receive_amount: AMOUNT,
        deliver_amount: None,
        receive_asset_code: "USD".to_owned(),
        receive_asset_scale: 2,
        fee_id: None,
        max_packet_amount: None,
        packet_count: 1,
        rate_delivered: 1,
        rate_sent: 1,
        details: Secret::new("a shared secret of 32 bytes or so".to_owned()),
        created_at_ms: 1,
        expires_at_ms: 2,
    };
    OutgoingPaymentRecord {
        id,
        quote,
        state: OutgoingPaymentState::Completed,
        error: None,
        state_attempts: 0,
        metadata: None,
        funding_id: Uuid::now_v7(),
        withdrawal_id: Some(Uuid::now_v7()),
        sent: AMOUNT,
        delivered: AMOUNT,
        packets: Some(1),
        under_way_max: 0,
        in_doubt: 0,
        created_at_ms: 1,
    }
}
