//! Every way in which a log can be broken has its name, and no harm to the index loses anything.

use std::{fs, os::unix::fs::FileExt, path::Path};

use crate::{index::Index, journal::JournalError, ledger::tests::*};

/// Room for 25 pages of one packet, so that the newest segment has several.
const SEGMENT_BYTES: u32 = 4_352;

fn segment(dir: &Path, number: u32) -> std::path::PathBuf {
    dir.join("journal").join(format!("{number:010}.segment"))
}

pub(in crate::ledger::tests) fn copy_of(dir: &Path) -> tempfile::TempDir {
    let copy = tempfile::tempdir().unwrap();
    // The mark first: it must not be ahead of what is copied after it.
    for name in ["answered", "snapshots", "journal", "index"] {
        copy_all(&dir.join(name), &copy.path().join(name));
    }
    copy
}

pub(in crate::ledger::tests) fn copy_all(from: &Path, to: &Path) {
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
    LedgerOptions { segment_bytes: SEGMENT_BYTES, ..options(1_000) }
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

/// Returns a directory that a crash left, with a checkpoint in the second segment.
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
    let error = Store::open(dir).unwrap_err();
    let text = error.to_string();
    assert!(text.contains("backup") || text.contains("newer jirani"), "{text}");
    // A look from outside finds it too, and is no error of the tool's.
    let report = verify(dir).unwrap();
    assert!(!report.faults.is_empty() && report.is_cut_short, "{text}: {report:?}");
    error
}

/// Opens a store whose index is of no use, and checks that nothing is lost.
fn made_anew(dir: &Path) {
    let store = open(dir);
    assert!(dir.join("index.broken-1").exists(), "the broken index is kept for study");
    let ledger = DurableLedger::open(&store, small()).unwrap();
    assert_eq!((available(&ledger, 1), available(&ledger, 2)), (880, 120));
    assert_eq!(ledger.verify().unwrap().faults, Vec::<String>::new());
    drop((ledger, store));
    assert_eq!(verify(dir).unwrap().faults, Vec::<String>::new());
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

/// The scan took such a segment for one that was never written, and the log for one that ends before
/// it; the fuzz target `journal` found it.
#[test]
fn a_segment_that_lost_all_of_its_pages_is_damage() {
    let dir = crashed();
    let bytes = fs::metadata(segment(dir.path(), 3)).unwrap().len();
    for left in [0, 40, bytes] {
        let copy = copy_of(dir.path());
        // Without the mark of what was answered, the log alone gives the damage away.
        fs::remove_file(copy.path().join("answered")).unwrap();
        fs::write(segment(copy.path(), 3), vec![0; usize::try_from(left).unwrap()]).unwrap();
        match refusal(copy.path()) {
            StoreError::Journal(JournalError::Damaged { path, offset: 0, .. }) => {
                assert_eq!(path, segment(copy.path(), 3));
            }
            other => panic!("{left} bytes left: {other}"),
        }
    }
}

#[test]
fn a_flipped_bit_in_the_middle_is_damage_wherever_it_is() {
    let dir = crashed();
    // Every byte of a page in the third segment, and of that segment's head. A page of one packet
    // is 64 + 90 bytes, and six of filling that no checksum covers.
    for offset in (0..64).chain(64..64 + 154) {
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
    // Behind the index it does the balances no harm, and is found by a look at everything.
    let copy = closed();
    flip(&segment(copy.path(), 1), 100);
    DurableLedger::open(&open(copy.path()), small()).unwrap();
    let report = verify(copy.path()).unwrap();
    assert!(report.is_cut_short && report.faults[0].contains("damaged"), "{report:?}");
}

#[test]
fn missing_and_foreign_segments_are_named() {
    let dir = crashed();
    let copy = copy_of(dir.path());
    fs::remove_file(segment(copy.path(), 3)).unwrap();
    let error = refusal(copy.path());
    assert!(matches!(error, StoreError::Journal(JournalError::SegmentMissing { .. })), "{error}");
    // A segment that the index has passed is missed by those who add up, and when the index is gone.
    let copy = closed();
    fs::remove_file(segment(copy.path(), 1)).unwrap();
    let report = verify(copy.path()).unwrap();
    assert!(report.is_cut_short && report.faults[0].contains("is missing"), "{report:?}");
    drop(open(copy.path()));
    fs::remove_dir_all(copy.path().join("index")).unwrap();
    let error = refusal(copy.path());
    assert!(matches!(error, StoreError::Journal(JournalError::SegmentMissing { .. })), "{error}");
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
    file.set_len(SEGMENT_BYTES.into()).unwrap();
    let error = refusal(copy.path());
    let named = matches!(
        error,
        StoreError::Journal(JournalError::OutOfChain { .. } | JournalError::Damaged { .. })
    );
    assert!(named, "{error}");
}

#[test]
fn a_log_that_has_lost_what_was_answered_for_is_refused_whatever_the_index_says() {
    let dir = closed();
    // The newest segments are gone.
    let copy = copy_of(dir.path());
    (3..9).for_each(|number| drop(fs::remove_file(segment(copy.path(), number))));
    let error = refusal(copy.path());
    assert!(matches!(error, StoreError::Journal(JournalError::Fallback { .. })), "{error}");
    // Within a segment, the last page is gone.
    let copy = copy_of(dir.path());
    let path = newest(copy.path());
    let bytes = fs::read(&path).unwrap();
    let end = bytes.iter().rposition(|byte| *byte != 0).unwrap();
    fs::write(&path, [&bytes[..end - 20], &vec![0; bytes.len() - end + 20][..]].concat()).unwrap();
    let error = refusal(copy.path());
    assert!(matches!(error, StoreError::Journal(JournalError::Fallback { .. })), "{error}");
    // All of them are gone, and only the index is left.
    let copy = copy_of(dir.path());
    fs::remove_dir_all(copy.path().join("journal")).unwrap();
    let error = Store::open(copy.path()).unwrap_err();
    assert!(matches!(error, StoreError::Journal(JournalError::SegmentMissing { .. })), "{error}");
}

#[test]
fn an_index_that_is_absent_older_or_of_another_log_costs_nothing() {
    let dir = crashed();
    let copy = copy_of(dir.path());
    fs::remove_dir_all(copy.path().join("index")).unwrap();
    let ledger = DurableLedger::open(&open(copy.path()), small()).unwrap();
    assert_eq!((available(&ledger, 1), available(&ledger, 2)), (880, 120));
    // Another node's, whose log has as many entries.
    let copy = copy_of(dir.path());
    fs::remove_dir_all(copy.path().join("index")).unwrap();
    copy_all(&closed().path().join("index"), &copy.path().join("index"));
    made_anew(copy.path());
    // One of a later time.
    let copy = copy_of(dir.path());
    let later = copy_of(dir.path());
    let ledger = DurableLedger::open(&open(later.path()), small()).unwrap();
    (0..20).for_each(|_| block_on(ledger.post(hold(&ledger, 1, 2, 1).unwrap())).unwrap());
    drop(ledger);
    fs::remove_dir_all(copy.path().join("index")).unwrap();
    copy_all(&later.path().join("index"), &copy.path().join("index"));
    made_anew(copy.path());
}

#[test]
fn an_index_that_contradicts_the_log_is_made_anew() {
    let dir = closed();
    let key = [&[0x81, 1][..], Uuid::from_u128(1).as_bytes()].concat();
    for harm in 0..4 {
        let copy = copy_of(dir.path());
        let index = Index::open(&copy.path().join("index")).unwrap();
        let value = index.get(&key).unwrap().unwrap();
        let changed = match harm {
            // So little that what follows would overdraw the account.
            0 => [&40_u128.to_be_bytes()[..], &40_u128.to_be_bytes(), &value[32..]].concat(),
            // The same sums, but another last transfer.
            1 => [&value[..48], &7_u64.to_be_bytes()].concat(),
            // Sums that disagree with each other.
            2 => [&2_000_u128.to_be_bytes()[..], &value[16..]].concat(),
            _ => value[..55].to_vec(),
        };
        index.damage(&key, Some(&changed));
        drop(index);
        let report = verify(copy.path()).unwrap();
        assert!(
            report.faults.iter().any(|fault| fault.contains("the index")),
            "{harm}: {report:?}"
        );
        made_anew(copy.path());
    }
}

#[test]
fn a_newer_format_is_left_alone() {
    let copy = copy_of(crashed().path());
    let path = segment(copy.path(), 3);
    let mut bytes = fs::read(&path).unwrap();
    bytes[8..12].copy_from_slice(&3_u32.to_be_bytes());
    let checksum = xxhash_rust::xxh3::xxh3_64(&bytes[..56]);
    bytes[56..64].copy_from_slice(&checksum.to_be_bytes());
    fs::write(&path, &bytes).unwrap();
    let error = refusal(copy.path());
    let named = matches!(
        error,
        StoreError::Journal(JournalError::UnknownFormat { found: 3, known: 2, .. })
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
