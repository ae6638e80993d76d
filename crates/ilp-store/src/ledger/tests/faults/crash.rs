//! The files that a killed process or a loss of power leaves, at many moments.

use std::fs;

use proptest::prelude::*;

use super::damage::copy_of;
use crate::ledger::tests::*;

/// Returns the books as a copy of the files opens.
fn reopened(dir: &std::path::Path) -> (DurableLedger, Store) {
    let store = open(dir);
    let ledger = DurableLedger::open(&store, options(1_000)).unwrap();
    let report = ledger.verify().unwrap();
    assert_eq!(report.faults, Vec::<String>::new());
    assert_eq!(report.last_sequence, ledger.durable_sequence());
    (ledger, store)
}

#[test]
fn of_what_was_answered_nothing_is_lost_whenever_the_process_dies() {
    const THREADS: u128 = 4;
    let (dir, store) = fresh();
    let small = LedgerOptions {
        segment_bytes: 8_192,
        checkpoint_entries: 150,
        retain_segments_min: Some(3),
        snapshot_log_bytes_min: 16 * 1024,
        ..options(1_000)
    };
    let ledger = DurableLedger::open(&store, small).unwrap();
    (0..THREADS).for_each(|payer| fund(&ledger, payer, 1_000_000));
    let stop = AtomicBool::new(false);
    let answered: Vec<Mutex<u128>> = (0..THREADS).map(|_| Mutex::new(0)).collect();
    thread::scope(|scope| {
        for payer in 0..THREADS {
            let (ledger, answered, stop) = (&ledger, &answered, &stop);
            scope.spawn(move || {
                while !stop.load(Ordering::SeqCst) {
                    let held = hold(ledger, payer, 100 + payer, 1).unwrap();
                    block_on(ledger.post(held)).unwrap();
                    *answered[usize::try_from(payer).unwrap()].lock() += 1;
                }
            });
        }
        for moment in 0..12_u64 {
            thread::sleep(Duration::from_millis(3 + moment * 7 % 11));
            // First what was answered, then the files: all of it must be in them. Files copied one
            // after the other while they change are no moment that ever was, so writing pauses.
            let turn = ledger.store.inner.turn.lock();
            let pause = ledger.books.lock();
            let before: Vec<u128> = answered.iter().map(|count| *count.lock()).collect();
            let copy = copy_of(dir.path());
            drop((pause, turn));
            let (copied, _store) = reopened(copy.path());
            for (payer, before) in (0..THREADS).zip(before) {
                assert!(available(&copied, 100 + payer) >= before, "moment {moment}");
                let (left, gone) = (available(&copied, payer), available(&copied, 100 + payer));
                assert_eq!(left + gone, 1_000_000);
            }
        }
        stop.store(true, Ordering::SeqCst);
    });
    assert!(ledger.durable_sequence() > 500, "little was tried");
}

#[test]
fn a_last_page_torn_at_any_byte_is_repaired_and_written_over() {
    let (dir, store) = fresh();
    let ledger = DurableLedger::open(&store, options(10)).unwrap();
    fund(&ledger, 1, 100);
    block_on(ledger.post(hold(&ledger, 1, 2, 3).unwrap())).unwrap();
    let before = copy_of(dir.path());
    block_on(ledger.post(hold(&ledger, 1, 2, 5).unwrap())).unwrap();
    let segment = "journal/0000000001.segment";
    let [old, new] = [before.path(), dir.path()].map(|dir| fs::read(dir.join(segment)).unwrap());
    let start = old.iter().zip(&new).position(|(old, new)| old != new).unwrap();
    let end = new.iter().rposition(|byte| *byte != 0).unwrap() + 1;
    assert!(end - start > 100);
    for cut in start..=end {
        // The first bytes of the page, or the last, or all but one in the middle.
        for shape in 0..3 {
            let copy = copy_of(before.path());
            let mut torn = new.clone();
            match shape {
                0 => torn[cut..end].fill(0),
                1 => torn[start..cut].fill(0),
                _ => torn[cut.min(end - 1)] ^= 0x40,
            }
            fs::write(copy.path().join(segment), &torn).unwrap();
            // The last bytes of a page may be zero anyway.
            let is_whole = torn == new;
            let (ledger, _store) = reopened(copy.path());
            assert_eq!(available(&ledger, 2), if is_whole { 8 } else { 3 }, "{cut} {shape}");
            block_on(ledger.post(hold(&ledger, 1, 2, 1).unwrap())).unwrap();
            assert_eq!(ledger.verify().unwrap().faults, Vec::<String>::new());
            if cut % 40 == 0 {
                let total = available(&ledger, 2);
                drop((ledger, _store));
                assert_eq!(available(&reopened(copy.path()).0, 2), total);
            }
        }
    }
}

#[test]
fn a_crash_while_a_segment_is_taken_into_use_loses_nothing() {
    let (dir, store) = fresh();
    let small = || LedgerOptions { segment_bytes: 4_096, ..options(10) };
    let ledger = DurableLedger::open(&store, small()).unwrap();
    fund(&ledger, 1, 1_000);
    let second = "journal/0000000002.segment";
    let mut before = copy_of(dir.path());
    while !fs::read(dir.path().join(second)).is_ok_and(|bytes| bytes.first() == Some(&b'J')) {
        before = copy_of(dir.path());
        block_on(ledger.post(hold(&ledger, 1, 2, 1).unwrap())).unwrap();
    }
    let new = fs::read(dir.path().join(second)).unwrap();
    let end = new.iter().rposition(|byte| *byte != 0).unwrap() + 1;
    for cut in (0..end).step_by(3) {
        let copy = copy_of(before.path());
        let expected = available(&reopened(copy_of(before.path()).path()).0, 2);
        let torn = [&new[..cut], &vec![0; new.len() - cut][..]].concat();
        fs::write(copy.path().join(second), torn).unwrap();
        let store = open(copy.path());
        let ledger = DurableLedger::open(&store, small()).unwrap();
        assert_eq!(available(&ledger, 2), expected, "{cut}");
        for _ in 0..30 {
            block_on(ledger.post(hold(&ledger, 1, 2, 1).unwrap())).unwrap();
        }
        drop((ledger, store));
        assert_eq!(available(&reopened(copy.path()).0, 2), expected + 30);
    }
}

#[test]
fn a_segment_whose_only_page_was_torn_may_stay_empty() {
    let (dir, store) = fresh();
    let small = || LedgerOptions { segment_bytes: 4_096, ..options(10) };
    let ledger = DurableLedger::open(&store, small()).unwrap();
    fund(&ledger, 1, 1_000);
    let second = "journal/0000000002.segment";
    while !fs::read(dir.path().join(second)).is_ok_and(|bytes| bytes.first() == Some(&b'J')) {
        block_on(ledger.post(hold(&ledger, 1, 2, 1).unwrap())).unwrap();
    }
    let copy = copy_of(dir.path());
    // Only the sector of the head came to the disk, and nothing was answered.
    let mut torn = fs::read(copy.path().join(second)).unwrap();
    torn[64..].fill(0);
    fs::write(copy.path().join(second), torn).unwrap();
    fs::remove_file(copy.path().join("answered")).unwrap();
    let (ledger, store) = reopened(copy.path());
    drop(ledger);
    let ledger = DurableLedger::open(&store, small()).unwrap();
    // More than the second segment has room for.
    store.change(|tx| tx.set_setting("large", &[1; 6_000])).unwrap();
    assert_eq!(ledger.verify().unwrap().faults, Vec::<String>::new());
    drop((ledger, store));
    assert_eq!(verify(copy.path()).unwrap().faults, Vec::<String>::new());
    fs::remove_dir_all(copy.path().join("index")).unwrap();
    let (_ledger, store) = reopened(copy.path());
    assert_eq!(store.setting("large").unwrap().unwrap().len(), 6_000);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, failure_persistence: None, ..Default::default() })]

    /// Bytes of the journal's files changed at random: the books are refused by name, or are those
    /// of some moment at or after the checkpoint and what was answered for.
    #[test]
    fn random_damage_is_refused_or_does_no_harm(
        place in any::<u64>(), length in 1..200_usize, cuts in any::<bool>(), fill in any::<u8>()
    ) {
        let (dir, store) = fresh();
        let small = || LedgerOptions { segment_bytes: 4_096, ..options(100) };
        let ledger = DurableLedger::open(&store, small()).unwrap();
        fund(&ledger, 1, 1_000);
        for round in 0..60 {
            block_on(ledger.post(hold(&ledger, 1, 2, 1).unwrap())).unwrap();
            if round == 20 {
                ledger.checkpoint().unwrap();
            }
        }
        let copy = copy_of(dir.path());
        drop((ledger, store));
        let mut files: Vec<_> = fs::read_dir(copy.path().join("journal")).unwrap()
            .map(|entry| entry.unwrap().path()).collect();
        // The copy may have caught the next segment before it had any byte.
        files.retain(|path| fs::metadata(path).unwrap().len() > 0);
        files.sort();
        let path = &files[usize::try_from(place % files.len() as u64).unwrap()];
        let mut bytes = fs::read(path).unwrap();
        let at = usize::try_from((place >> 8) % bytes.len() as u64).unwrap();
        if cuts {
            bytes.truncate(at);
        } else {
            let end = (at + length).min(bytes.len());
            bytes[at..end].fill(fill);
        }
        fs::write(path, bytes).unwrap();
        match Store::open(copy.path()) {
            Ok(store) => {
                let ledger = DurableLedger::open(&store, small()).unwrap();
                prop_assert_eq!(available(&ledger, 2), 60);
                prop_assert_eq!(available(&ledger, 1), 940);
                block_on(ledger.post(hold(&ledger, 1, 2, 1).unwrap())).unwrap();
            }
            Err(error) => prop_assert!(matches!(error, StoreError::Journal(_)), "{}", error),
        }
    }
}
