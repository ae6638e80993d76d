//! Old segments go, and what they did is carried on.

use std::fs;

use super::{faults::damage::copy_of, transfers::withdrawal, *};
use crate::Older;

fn segments(dir: &std::path::Path) -> usize {
    fs::read_dir(dir.join("journal")).unwrap().count()
}

fn keeping(segments: u64) -> LedgerOptions {
    LedgerOptions {
        segment_bytes: 4_096,
        retain_segments_min: Some(segments),
        snapshot_log_bytes_min: 4_096,
        ..options(1_000)
    }
}

#[test]
fn removed_segments_are_carried_exactly() {
    let (dir, store) = fresh();
    let mut ledger = DurableLedger::open(&store, keeping(2)).unwrap();
    fund(&ledger, 1, 10_000);
    // One that begins in a segment that goes and ends later, and one that stays pending.
    withdrawal::begin(&ledger, 1, peer_id(1), 100, 1_000).unwrap();
    withdrawal::begin(&ledger, 2, peer_id(1), 200, 1_000).unwrap();
    let mut crash = None;
    for round in 0..400 {
        block_on(ledger.post(hold(&ledger, 1, 2, 1).unwrap())).unwrap();
        if round % 50 == 0 {
            ledger.checkpoint().unwrap();
            assert!(segments(dir.path()) <= 4, "{}", segments(dir.path()));
            let report = ledger.verify().unwrap();
            assert_eq!(report.faults, Vec::<String>::new());
            assert_eq!(report.last_sequence, 3 + round + 1);
            assert_eq!(report.transfers, report.last_sequence + 1 - report.first_sequence);
        }
        match round {
            200 => block_on(ledger.post_withdrawal(Uuid::from_u128(1), 1_500)).unwrap(),
            301 => crash = Some(copy_of(dir.path())),
            250 => {
                drop(ledger);
                assert_eq!(
                    verify(dir.path()).err().map(|error| error.to_string().contains("in use")),
                    Some(true)
                );
                ledger = DurableLedger::open(&store, keeping(2)).unwrap();
            }
            _ => {}
        }
        if round == 200 {
            // The count above is of steps.
            block_on(ledger.void_withdrawal(Uuid::from_u128(7), 1)).unwrap_err();
            break;
        }
    }
    for _ in 0..150 {
        block_on(ledger.post(hold(&ledger, 1, 2, 1).unwrap())).unwrap();
    }
    crash.get_or_insert_with(|| copy_of(dir.path()));
    ledger.checkpoint().unwrap();
    let first = ledger.verify().unwrap();
    assert!(first.first_sequence > 200 && first.faults.is_empty(), "{first:?}");
    let left = ledger.account(peer_id(1)).own_part();
    assert_eq!((left.debits_pending, left.total()), (200, 10_000 - 100 - 351));
    // An id is used up for ever, though its segment is gone.
    let again = withdrawal::begin(&ledger, 1, peer_id(1), 1, 1);
    assert!(matches!(again, Err(TransferError::Exists)));
    let (mut before, mut listed) = (None, 0);
    loop {
        let list = ledger.transfers(peer_id(2), before, 50).unwrap();
        listed += list.rows.len();
        before = list.rows.last().map(|row| row.position).or(before);
        if list.older != Older::More {
            assert_eq!(list.older, Older::Gone);
            break;
        }
    }
    assert!(listed > 20 && listed < 351, "{listed}");
    drop((ledger, store));
    assert_eq!(verify(dir.path()).unwrap().faults, Vec::<String>::new());
    let crash = crash.unwrap();
    let ledger = DurableLedger::open(&open(crash.path()), keeping(2)).unwrap();
    assert_eq!(ledger.account(peer_id(1)).own_part(), left);
    ledger.checkpoint().unwrap();
    assert_eq!(ledger.verify().unwrap().faults, Vec::<String>::new());
}

#[test]
fn a_segment_that_comes_back_is_removed_again() {
    let (dir, store) = fresh();
    let ledger = DurableLedger::open(&store, keeping(1)).unwrap();
    fund(&ledger, 1, 1_000);
    let path = dir.path().join("journal/0000000001.segment");
    let mut first = Vec::new();
    for round in 0..3 {
        for _ in 0..50 {
            block_on(ledger.post(hold(&ledger, 1, 2, 1).unwrap())).unwrap();
        }
        if round == 0 {
            first = fs::read(&path).unwrap();
        }
        // The newest snapshot alone lets nothing go.
        assert!(round == 2 || path.exists(), "round {round}");
        ledger.checkpoint().unwrap();
    }
    assert!(!path.exists());
    drop((ledger, store));
    fs::write(&path, first).unwrap();
    let ledger = DurableLedger::open(&open(dir.path()), keeping(1)).unwrap();
    assert_eq!(available(&ledger, 2), 150);
    block_on(ledger.post(hold(&ledger, 1, 2, 1).unwrap())).unwrap();
    ledger.checkpoint().unwrap();
    assert!(!path.exists());
    assert_eq!(ledger.verify().unwrap().faults, Vec::<String>::new());
}

#[test]
fn the_numbers_about_the_journal_are_those_of_its_folder() {
    let (dir, store) = fresh();
    let files = || {
        let sizes = fs::read_dir(dir.path().join("journal")).unwrap();
        let sizes: Vec<_> = sizes.map(|file| file.unwrap().metadata().unwrap().len()).collect();
        (sizes.len() as u64, sizes.iter().sum::<u64>())
    };
    let mut commits = 0;
    for round in 0..3 {
        let ledger = DurableLedger::open(&store, keeping(2)).unwrap();
        let before = ledger.stats();
        assert_eq!((before.segments, before.disk_bytes), files(), "round {round}");
        assert_eq!((before.commits.count(), before.written_bytes), (0, 0));
        fund(&ledger, round + 1, 1_000);
        for payment in 0..100 {
            block_on(ledger.post(hold(&ledger, round + 1, 9, 1).unwrap())).unwrap();
            if payment == 50 {
                ledger.checkpoint().unwrap();
            }
        }
        ledger.checkpoint().unwrap();
        let after = ledger.stats();
        commits += 101;
        assert_eq!((after.posted_sequence, after.durable_sequence), (commits, commits));
        assert_eq!(after.commits.count(), 101, "each waited for the one before it");
        assert!(after.written_bytes > 101 * 64 && after.commits.sum_ns > 0);
        // One more may be there that is prepared ahead and isn't used yet.
        let (segments, bytes) = files();
        assert!(segments - after.segments <= 1 && bytes - after.disk_bytes <= 4_096, "{after:?}");
        assert!(after.segments <= 3, "old ones have gone: {after:?}");
        drop(ledger);
        // Which the start would count among those that are there.
        let last =
            fs::read_dir(dir.path().join("journal")).unwrap().map(|file| file.unwrap().path());
        if segments > after.segments {
            fs::remove_file(last.max().unwrap()).unwrap();
        }
    }
}
