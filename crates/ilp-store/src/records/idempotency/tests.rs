use std::{
    sync::{Arc, Barrier},
    thread,
};

use super::*;
use crate::{
    Companions, RECORD_BYTES_MAX,
    testing::{asset, fresh, open},
};

const A: [u8; 32] = [1; 32];
const B: [u8; 32] = [2; 32];

fn outcome(number: u64) -> Snapshot {
    Snapshot::new().with_number("n", number)
}

fn begin(store: &Store, key: &str, digest: [u8; 32], now_ms: u64) -> Idempotency {
    store.idempotency_begin(key, digest, now_ms).unwrap()
}

fn claim(store: &Store, key: &str, digest: [u8; 32], now_ms: u64) -> Arc<Claim> {
    match begin(store, key, digest, now_ms) {
        Idempotency::New(claim) => Arc::new(claim),
        known => panic!("the key should be free: {known:?}"),
    }
}

/// Returns the companions that keep an outcome of this number.
fn answering(claim: &Arc<Claim>, number: u64, now_ms: u64) -> Companions {
    Companions::none().answering(claim, &outcome(number), now_ms)
}

fn replayed(known: Idempotency) -> u64 {
    match known {
        Idempotency::Replay(outcome) => outcome.number("n").unwrap(),
        known => panic!("an outcome is expected: {known:?}"),
    }
}

#[test]
fn the_first_answer_is_given_again_for_a_day_and_after_a_restart() {
    let (dir, store) = fresh();
    let first = claim(&store, "k", A, 10);
    assert!(matches!(begin(&store, "k", A, 11), Idempotency::Running));
    assert!(matches!(begin(&store, "k", B, 11), Idempotency::Different));
    first.keep(&outcome(1), 12).unwrap();
    assert!(matches!(begin(&store, "k", A, 13), Idempotency::Running), "until it is released");
    drop(first);
    drop(store);
    let store = open(dir.path());
    let last = 12 + IDEMPOTENCY_KEPT_MS - 1;
    assert_eq!(replayed(begin(&store, "k", A, last)), 1);
    assert!(matches!(begin(&store, "k", B, last), Idempotency::Different));
    // Expired, though nobody has purged it; the new answer takes its place in both indexes.
    claim(&store, "k", B, last + 1).keep(&outcome(2), last + 2).unwrap();
    assert_eq!(store.idempotency_purge(last + 3, 10).unwrap(), 0);
    assert_eq!(replayed(begin(&store, "k", B, last + 3)), 2);
}

#[test]
fn a_change_and_its_answer_are_there_together_or_not_at_all() {
    let (dir, store) = fresh();
    let (usd, first) = (asset("USD"), claim(&store, "k", A, 1));
    store.transact(answering(&first, 1, 2), |tx| tx.insert_asset(&usd)).unwrap();
    assert!(first.is_kept());
    drop(first);
    // One that is refused changes nothing, and keeps nothing.
    let refused = claim(&store, "r", A, 3);
    store.transact(answering(&refused, 2, 4), |tx| tx.insert_asset(&usd)).unwrap_err();
    assert!(!refused.is_kept());
    drop(refused);
    drop(store);
    let store = open(dir.path());
    assert_eq!(replayed(begin(&store, "k", A, 7)), 1);
    assert_eq!(store.asset(usd.id).unwrap(), Some(usd));
    drop(claim(&store, "r", B, 7));
    assert_eq!(store.idempotency_purge(2 * IDEMPOTENCY_KEPT_MS, 10).unwrap(), 1);
}

#[test]
fn what_works_on_behind_a_request_has_no_key_any_more() {
    let (_dir, store) = fresh();
    let first = claim(&store, "k", A, 1);
    first.keep(&outcome(1), 1).unwrap();
    first.release();
    let eur = asset("EUR");
    store.transact(answering(&first, 3, 3), |tx| tx.insert_asset(&eur)).unwrap();
    assert_eq!(replayed(begin(&store, "k", A, 4)), 1);
    drop(first);
    assert_eq!(replayed(begin(&store, "k", A, 4)), 1);
}

#[test]
fn a_refused_or_cut_short_request_does_not_use_up_its_key() {
    let (dir, store) = fresh();
    drop(claim(&store, "k", A, 1));
    let running = claim(&store, "k", B, 1);
    drop((running, store));
    let store = open(dir.path());
    // Nor does one whose answer is too long to keep; and a record of any size fits.
    let keep = |key: &str, code_bytes: usize| {
        let code = "x".repeat(code_bytes);
        let long = crate::AssetRecord { code, ..asset("USD") };
        claim(&store, key, A, 1).keep(&Snapshot::new().with_record("asset", &long), 1)
    };
    keep("k", RECORD_BYTES_MAX).unwrap();
    let refused = keep("l", RECORD_BYTES_MAX + 8 * 1024);
    assert!(matches!(refused, Err(TransactionError::TooLarge { .. })));
    drop(claim(&store, "l", B, 1));
    assert!(store.idempotency_begin(&"k".repeat(2_000), A, 1).is_err());
}

#[test]
fn one_of_many_at_once_runs() {
    let (_dir, store) = fresh();
    let start = Barrier::new(8);
    let new = thread::scope(|scope| {
        let handles: Vec<_> = (0..8)
            .map(|_| {
                scope.spawn(|| {
                    start.wait();
                    match begin(&store, "k", A, 1) {
                        Idempotency::New(claim) => {
                            Arc::new(claim).keep(&outcome(1), 1).unwrap();
                            1
                        }
                        Idempotency::Running | Idempotency::Replay(_) => 0,
                        known => panic!("{known:?}"),
                    }
                })
            })
            .collect();
        handles.into_iter().map(|handle| handle.join().unwrap()).sum::<u32>()
    });
    assert_eq!(new, 1);
}

#[test]
fn a_purge_removes_the_oldest_up_to_its_limit_and_nothing_younger() {
    let (_dir, store) = fresh();
    for number in 0..10_u64 {
        claim(&store, &format!("k{number}"), A, number).keep(&outcome(number), number).unwrap();
    }
    let now = IDEMPOTENCY_KEPT_MS + 5;
    assert_eq!(store.idempotency_purge(now, 4).unwrap(), 4);
    assert_eq!(store.idempotency_purge(now, 4).unwrap(), 2);
    assert_eq!(store.idempotency_purge(now, 4).unwrap(), 0);
    for number in 0..10_u64 {
        let known = begin(&store, &format!("k{number}"), A, 9);
        assert_eq!(matches!(known, Idempotency::New(_)), number < 6, "{number}");
    }
}

/// An entry of an older form is no outcome to be told again, and refuses its key for its day alone.
#[test]
fn an_entry_that_cannot_be_read_is_refused_for_its_day_and_purged() {
    let (_dir, store) = fresh();
    let bytes = [&5_u64.to_be_bytes()[..], &A, b"null"].concat();
    let write = |tx: &mut Transaction<'_>| {
        tx.put_bytes(by_time(5, "k"), &[])?;
        tx.put_bytes(entry_key("k"), &bytes)
    };
    store.change(write).unwrap();
    assert!(store.idempotency_begin("k", A, 6).is_err());
    store.drop_unproved(|_| Ok(false)).unwrap();
    assert_eq!(store.idempotency_purge(6 + IDEMPOTENCY_KEPT_MS, 10).unwrap(), 1);
    drop(claim(&store, "k", A, 6));
}
