//! Listings by pointers against listings by looking through everything.

use super::{transfers::withdrawal, *};
use crate::{Older, TransferState, journal::Position};

#[test]
fn a_listing_is_what_a_look_through_everything_gives() {
    const PEERS: u128 = 40;
    let (_dir, store) = fresh();
    let small = || LedgerOptions { segment_bytes: 4_096, ..options(1_000) };
    let mut ledger = DurableLedger::open(&store, small()).unwrap();
    let mut model: Vec<(AccountId, AccountId, u64)> = Vec::new();
    let settlement = AccountId::settlement(ASSET.owner);
    for peer in 0..PEERS {
        fund(&ledger, peer, 10_000);
        model.push((settlement, peer_id(peer), 10_000));
    }
    for round in 0..600_u64 {
        let spread = u128::from(round.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32);
        let (from, to) = (spread % PEERS, (spread / PEERS) % PEERS);
        block_on(ledger.post(hold(&ledger, from, to, round + 1).unwrap())).unwrap();
        model.push((peer_id(from), peer_id(to), round + 1));
        if round == 300 {
            drop(ledger);
            ledger = DurableLedger::open(&store, small()).unwrap();
        }
    }
    for account in (0..PEERS).map(peer_id).chain([settlement, ASSET]) {
        let expected: Vec<_> = model
            .iter()
            .rev()
            .filter(|(debit, credit, _)| *debit == account || *credit == account)
            .copied()
            .collect();
        let (mut found, mut before) = (Vec::new(), None);
        for limit in (1..).map(|page: usize| page % 7 + 1) {
            let list = ledger.transfers(account, before, limit).unwrap();
            assert!(list.rows.len() <= limit);
            found.extend(list.rows.iter().map(|row| (row.debit, row.credit, row.amount)));
            before = list.rows.last().map(|row| row.position).or(before);
            match list.older {
                Older::More => assert!(found.len() < expected.len()),
                Older::Nothing => break,
                Older::Gone => panic!("nothing was removed"),
            }
        }
        assert_eq!(found, expected, "{account:?}");
    }
    // A cursor that leads nowhere is refused, and never a panic.
    for number in [1_u64 << 32, (1 << 32) + 70, (2 << 32) + 4_095, (1 << 32) | 0xffff_ffff] {
        assert!(ledger.transfers(ASSET, Some(Position::from_u64(number)), 5).is_err());
    }
}

#[test]
fn the_end_of_a_withdrawal_shows_on_its_row() {
    let (_dir, store) = fresh();
    let mut ledger = DurableLedger::open(&store, options(100)).unwrap();
    fund(&ledger, 1, 100);
    for id in 1..=4 {
        withdrawal::begin(&ledger, id, peer_id(1), 10, 500).unwrap();
    }
    block_on(ledger.post_withdrawal(Uuid::from_u128(1), 1_001)).unwrap();
    block_on(ledger.void_withdrawal(Uuid::from_u128(2), 1_001)).unwrap();
    ledger.checkpoint().unwrap();
    block_on(ledger.void_withdrawal(Uuid::from_u128(3), 9_999)).unwrap_err();
    for _ in 0..2 {
        let rows = ledger.transfers(peer_id(1), None, 10).unwrap().rows;
        let shown: Vec<_> =
            rows.iter().map(|row| (row.id.as_u128(), row.state, row.expires_at_ms)).collect();
        let expected = [
            (4, TransferState::Pending, Some(1_500)),
            (3, TransferState::Expired, Some(1_500)),
            (2, TransferState::Voided, Some(1_500)),
            (1, TransferState::Posted, Some(1_500)),
        ];
        assert_eq!(shown[..4], expected);
        assert_eq!((shown.len(), rows[4].kind), (5, TransferKind::Deposit));
        drop(ledger);
        ledger = DurableLedger::open(&store, options(100)).unwrap();
    }
}

#[test]
fn packets_have_the_time_of_their_page_and_it_never_runs_back() {
    let (_dir, store) = fresh();
    let times = Arc::new(Mutex::new(vec![7, 30, 20, 10]));
    let clock = Arc::clone(&times);
    let clock_ms: ClockMs = Arc::new(move || clock.lock().pop().unwrap_or(25));
    let ledger = DurableLedger::open(&store, LedgerOptions { clock_ms, ..options(9) }).unwrap();
    fund(&ledger, 1, 100);
    for _ in 0..4 {
        block_on(ledger.post(hold(&ledger, 1, 2, 1).unwrap())).unwrap();
    }
    let rows = ledger.transfers(peer_id(2), None, 9).unwrap().rows;
    let shown: Vec<_> = rows.iter().map(|row| row.created_at_ms).collect();
    assert_eq!(shown, [30, 30, 30, 20]);
}

#[test]
fn an_export_has_every_movement_once() {
    let (dir, store) = fresh();
    let ledger = DurableLedger::open(&store, options(100)).unwrap();
    fund(&ledger, 1, 100);
    fund(&ledger, 2, 100);
    withdrawal::begin(&ledger, 5, peer_id(1), 10, 500).unwrap();
    block_on(ledger.post(hold(&ledger, 1, 2, 7).unwrap())).unwrap();
    let text = |format, account| {
        let mut bytes = Vec::new();
        let lines = ledger.export(&mut bytes, format, account).unwrap();
        (String::from_utf8(bytes).unwrap(), lines)
    };
    let (csv, lines) = text(ExportFormat::Csv, None);
    assert_eq!((lines, csv.lines().count()), (4, 5));
    let packet = csv.lines().last().unwrap();
    assert!(packet.starts_with("4,") && packet.contains(",packet,move,peer,"), "{packet}");
    let (json, lines) = text(ExportFormat::Json, Some(ExportAccount::Of(Uuid::from_u128(2))));
    let parsed: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!((lines, parsed.as_array().unwrap().len()), (2, 2));
    assert_eq!(parsed[1]["amount"], "7");
    assert_eq!(parsed[1]["step"], "move");
    for (account, expected) in [
        (ExportAccount::SettlementOf(ASSET.owner), 3),
        (ExportAccount::SettlementOf(Uuid::from_u128(1)), 0),
        (ExportAccount::Of(ASSET.owner), 0),
    ] {
        assert_eq!(text(ExportFormat::Csv, Some(account)).1, expected, "{account:?}");
    }
    drop(ledger);
    drop(store);
    let mut stopped = Vec::new();
    assert_eq!(export(dir.path(), &mut stopped, ExportFormat::Csv, None).unwrap(), 4);
    assert_eq!(String::from_utf8(stopped).unwrap(), csv);
    let empty = tempfile::tempdir().unwrap();
    let none = export(empty.path(), &mut Vec::new(), ExportFormat::Csv, None);
    assert!(matches!(none, Err(StoreError::WrongDirectory { .. })));
    assert_eq!(std::fs::read_dir(empty.path()).unwrap().count(), 0);
}
