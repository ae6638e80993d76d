//! Every way in which a journal or a checkpoint can be broken has its name.

use std::{fs, os::unix::fs::FileExt, path::Path};

use super::*;
use crate::journal::JournalError;

fn segment(dir: &Path, number: u32) -> std::path::PathBuf {
    dir.join("journal").join(format!("{number:010}.segment"))
}

pub(super) fn copy_of(dir: &Path) -> tempfile::TempDir {
    let copy = tempfile::tempdir().unwrap();
    // The mark first: it must not be ahead of what is copied after it.
    for name in ["answered", "journal", "conf", "db", "blobs"] {
        copy_all(&dir.join(name), &copy.path().join(name));
    }
    copy
}

fn copy_all(from: &Path, to: &Path) {
    if from.is_dir() {
        fs::create_dir_all(to).unwrap();
        for entry in fs::read_dir(from).unwrap() {
            let name = entry.unwrap().file_name();
            copy_all(&from.join(&name), &to.join(&name));
        }
    } else if from.exists() {
        fs::copy(from, to).unwrap();
    }
}

fn small() -> LedgerOptions {
    LedgerOptions { segment_bytes: 4_096, ..options(1_000) }
}

fn flip(path: &Path, offset: u64) {
    let file = fs::File::options().read(true).write(true).open(path).unwrap();
    let mut byte = [0];
    file.read_exact_at(&mut byte, offset).unwrap();
    file.write_all_at(&[byte[0] ^ 0x10], offset).unwrap();
}

/// The newest segment that is in use.
fn newest(dir: &Path) -> std::path::PathBuf {
    let is_used =
        |path: &std::path::PathBuf| fs::read(path).is_ok_and(|bytes| bytes.first() == Some(&b'J'));
    let mut used = (1..9).rev().map(|number| segment(dir, number)).filter(is_used);
    used.next().expect("there is one")
}

/// Books over several segments, closed, with a checkpoint at the end.
fn closed() -> tempfile::TempDir {
    let (dir, store) = fresh();
    let ledger = DurableLedger::open(&store, small()).unwrap();
    fund(&ledger, 1, 1_000);
    for _ in 0..120 {
        block_on(ledger.post(hold(&ledger, 1, 2, 1).unwrap())).unwrap();
    }
    drop((ledger, store));
    assert!(segment(dir.path(), 4).exists());
    dir
}

/// The same as a crash leaves them, with a checkpoint in the second segment.
fn crashed() -> tempfile::TempDir {
    let (dir, store) = fresh();
    let ledger = DurableLedger::open(&store, small()).unwrap();
    fund(&ledger, 1, 1_000);
    for round in 0..120 {
        block_on(ledger.post(hold(&ledger, 1, 2, 1).unwrap())).unwrap();
        if round == 40 {
            ledger.checkpoint().unwrap();
        }
    }
    let copy = copy_of(dir.path());
    drop((ledger, store));
    copy
}

fn refusal(dir: &Path) -> StoreError {
    let error = DurableLedger::open(&open(dir), small()).unwrap_err();
    let text = error.to_string();
    assert!(text.contains("backup") || text.contains("newer jirani"), "{text}");
    // A look from outside finds it too, and is no error of the tool's.
    let report = verify(dir).unwrap();
    assert!(!report.faults.is_empty(), "{text}");
    let contradicts = matches!(
        error,
        StoreError::Books { .. } | StoreError::Journal(JournalError::CheckpointWrong { .. })
    );
    assert_eq!(report.is_cut_short, !contradicts, "{report:?}");
    error
}

#[test]
fn whole_books_open_and_add_up() {
    for dir in [closed(), crashed()] {
        assert_eq!(verify(dir.path()).unwrap().faults, Vec::<String>::new());
        let ledger = DurableLedger::open(&open(dir.path()), small()).unwrap();
        assert_eq!((available(&ledger, 1), available(&ledger, 2)), (880, 120));
        let report = ledger.verify().unwrap();
        assert_eq!((report.transfers, report.accounts, report.faults.len()), (121, 3, 0));
    }
}

#[test]
fn a_flipped_bit_in_the_middle_is_damage_wherever_it_is() {
    let dir = crashed();
    // Every byte of a page in the third segment, and of that segment's head. A page of one packet
    // is 40 + 90 bytes, and six of filling that no checksum covers.
    for offset in (0..64).chain(64..64 + 130) {
        let copy = copy_of(dir.path());
        flip(&segment(copy.path(), 3), offset);
        match refusal(copy.path()) {
            StoreError::Journal(JournalError::Damaged { offset: at, .. }) => {
                assert_eq!(at, if offset < 64 { 0 } else { 64 });
            }
            other => panic!("at {offset}: {other}"),
        }
    }
    // In the newest segment, whose end alone may be torn.
    let copy = copy_of(dir.path());
    flip(&newest(copy.path()), 64 + 50);
    let error = refusal(copy.path());
    let named = matches!(error, StoreError::Journal(JournalError::Damaged { offset: 64, .. }));
    assert!(named, "{error}");
    // Before the checkpoint it does the balances no harm, and is found by a look at everything.
    let copy = copy_of(dir.path());
    flip(&segment(copy.path(), 1), 100);
    DurableLedger::open(&open(copy.path()), small()).unwrap();
    let report = verify(copy.path()).unwrap();
    assert!(report.is_cut_short && report.faults[0].contains("damaged"), "{report:?}");
}

#[test]
fn missing_and_foreign_segments_are_named() {
    let dir = crashed();
    for number in [1, 3] {
        let copy = copy_of(dir.path());
        fs::remove_file(segment(copy.path(), number)).unwrap();
        let error = refusal(copy.path());
        assert!(
            matches!(error, StoreError::Journal(JournalError::SegmentMissing { .. })),
            "{error}"
        );
    }
    let copy = copy_of(dir.path());
    fs::copy(segment(crashed().path(), 3), segment(copy.path(), 3)).unwrap();
    let error = refusal(copy.path());
    assert!(matches!(error, StoreError::Journal(JournalError::OutOfChain { .. })), "{error}");
    // One of its own under another name.
    let copy = copy_of(dir.path());
    fs::copy(segment(dir.path(), 2), segment(copy.path(), 3)).unwrap();
    let error = refusal(copy.path());
    assert!(matches!(error, StoreError::Journal(JournalError::OutOfChain { .. })), "{error}");
    // Pages taken off the end of one in the middle.
    let copy = copy_of(dir.path());
    let path = segment(copy.path(), 3);
    let file = fs::File::options().write(true).open(&path).unwrap();
    file.set_len(2_000).unwrap();
    file.set_len(4_096).unwrap();
    let error = refusal(copy.path());
    let named = matches!(
        error,
        StoreError::Journal(JournalError::OutOfChain { .. } | JournalError::Damaged { .. })
    );
    assert!(named, "{error}");
}

#[test]
fn checkpoints_that_do_not_fit_the_journal_are_named() {
    let dir = closed();
    // Ahead: the journal's newest segments are gone.
    let copy = copy_of(dir.path());
    (3..9).for_each(|number| drop(fs::remove_file(segment(copy.path(), number))));
    let error = refusal(copy.path());
    assert!(matches!(error, StoreError::Journal(JournalError::CheckpointAhead { .. })), "{error}");
    // Ahead within a segment: its last page is gone.
    let copy = copy_of(dir.path());
    let path = newest(copy.path());
    let bytes = fs::read(&path).unwrap();
    let end = bytes.iter().rposition(|byte| *byte != 0).unwrap();
    fs::write(&path, [&bytes[..end - 20], &vec![0; bytes.len() - end + 20][..]].concat()).unwrap();
    let error = refusal(copy.path());
    assert!(matches!(error, StoreError::Journal(JournalError::CheckpointAhead { .. })), "{error}");
    // Stale: the segments that follow it are gone.
    let copy = copy_of(crashed().path());
    (1..3).for_each(|number| fs::remove_file(segment(copy.path(), number)).unwrap());
    let error = refusal(copy.path());
    assert!(matches!(error, StoreError::Journal(JournalError::CheckpointStale { .. })), "{error}");
}

#[test]
fn a_checkpoint_that_contradicts_the_journal_is_named() {
    let dir = crashed();
    let key = [&[1, 1][..], Uuid::from_u128(1).as_bytes()].concat();
    for harm in 0..3 {
        let copy = copy_of(dir.path());
        let store = open(copy.path());
        let tree = &store.inner.ledger;
        let value = tree.get(&key).unwrap().unwrap();
        let changed = match harm {
            // So little that what follows would overdraw the account.
            0 => [&40_u128.to_be_bytes()[..], &40_u128.to_be_bytes(), &value[32..]].concat(),
            // The same sums, but another last transfer.
            1 => [&value[..48], &7_u64.to_be_bytes()].concat(),
            _ => value[..55].to_vec(),
        };
        tree.insert(&key, changed).unwrap();
        let error = DurableLedger::open(&store, small()).unwrap_err();
        let named = match harm {
            0 | 1 => matches!(error, StoreError::Journal(JournalError::CheckpointWrong { .. })),
            _ => matches!(error, StoreError::Record { .. }),
        };
        assert!(named, "{harm}: {error}");
    }
    // Sums that disagree with each other, and with the journal when all is added up.
    let copy = copy_of(dir.path());
    let store = open(copy.path());
    let value = store.inner.ledger.get(&key).unwrap().unwrap();
    let more = [&2_000_u128.to_be_bytes()[..], &value[16..]].concat();
    store.inner.ledger.insert(&key, more).unwrap();
    let error = DurableLedger::open(&store, small()).unwrap_err();
    assert!(matches!(error, StoreError::Books { .. }), "{error}");
    drop(store);
    let report = verify(copy.path()).unwrap();
    assert!(report.faults.iter().any(|fault| fault.contains("checkpoint")));
    assert!(!report.is_cut_short, "all of it was read: {report:?}");
}

#[test]
fn a_newer_format_is_left_alone() {
    let copy = copy_of(crashed().path());
    let path = segment(copy.path(), 3);
    let mut bytes = fs::read(&path).unwrap();
    bytes[8..12].copy_from_slice(&2_u32.to_be_bytes());
    bytes[12..16].fill(0);
    let checksum = crc32fast::hash(&bytes[..64]);
    bytes[12..16].copy_from_slice(&checksum.to_be_bytes());
    fs::write(&path, &bytes).unwrap();
    let error = refusal(copy.path());
    let named = matches!(
        error,
        StoreError::Journal(JournalError::UnknownFormat { found: 2, known: 1, .. })
    );
    assert!(named, "{error}");
    assert_eq!(fs::read(&path).unwrap(), bytes);
}

#[test]
fn a_page_that_was_answered_for_and_is_gone_is_no_torn_end() {
    let dir = crashed();
    let path = newest(dir.path());
    let bytes = fs::read(&path).unwrap();
    let end = bytes.iter().rposition(|byte| *byte != 0).unwrap() as u64;
    flip(&path, end);
    let error = refusal(dir.path());
    let named = matches!(
        error,
        StoreError::Journal(JournalError::Fallback { found: 120, answered: 121, .. })
    );
    assert!(named, "{error}");
}

#[test]
fn a_start_that_is_refused_wipes_nothing() {
    let dir = crashed();
    let path = newest(dir.path());
    let whole = fs::read(&path).unwrap();
    let last = whole.iter().rposition(|byte| *byte != 0).unwrap() as u64;
    flip(&path, last - 3);
    let before = fs::read(&path).unwrap();
    let error = refusal(dir.path());
    let named = matches!(error, StoreError::Journal(JournalError::Fallback { .. }));
    assert!(named, "{error}");
    assert_eq!(fs::read(&path).unwrap(), before);
    // So what is left of the page can still be put right.
    flip(&path, last - 3);
    let ledger = DurableLedger::open(&open(dir.path()), small()).unwrap();
    assert_eq!((available(&ledger, 1), available(&ledger, 2)), (880, 120));
}
