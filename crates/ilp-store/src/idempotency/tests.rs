use std::{sync::Barrier, thread};

use super::*;
use crate::testing::{fresh, open};

const A: [u8; 32] = [1; 32];
const B: [u8; 32] = [2; 32];

#[test]
fn the_first_answer_is_given_again_for_a_day_and_after_a_restart() {
    let (dir, store) = fresh();
    assert_eq!(store.idempotency_begin("k", A, 10).unwrap(), Idempotency::New);
    assert_eq!(store.idempotency_begin("k", A, 11).unwrap(), Idempotency::Running);
    assert_eq!(store.idempotency_begin("k", B, 11).unwrap(), Idempotency::Different);
    store.idempotency_finish("k", b"done", 12).unwrap();
    drop(store);
    let store = open(dir.path());
    let last = 12 + IDEMPOTENCY_KEPT_MS - 1;
    assert_eq!(store.idempotency_begin("k", A, last).unwrap(), Idempotency::Replay(b"done".into()));
    assert_eq!(store.idempotency_begin("k", B, last).unwrap(), Idempotency::Different);
    // Expired, though nobody has purged it; the new answer takes its place in both indexes.
    assert_eq!(store.idempotency_begin("k", B, last + 1).unwrap(), Idempotency::New);
    store.idempotency_finish("k", b"new", last + 2).unwrap();
    assert_eq!(store.idempotency_purge(last + 3, 10).unwrap(), 0);
    let replay = Idempotency::Replay(b"new".into());
    assert_eq!(store.idempotency_begin("k", B, last + 3).unwrap(), replay);
}

#[test]
fn a_refused_or_cut_short_request_does_not_use_up_its_key() {
    let (dir, store) = fresh();
    assert_eq!(store.idempotency_begin("k", A, 1).unwrap(), Idempotency::New);
    store.idempotency_forget("k");
    assert_eq!(store.idempotency_begin("k", B, 1).unwrap(), Idempotency::New);
    drop(store);
    let store = open(dir.path());
    assert_eq!(store.idempotency_begin("k", A, 1).unwrap(), Idempotency::New);
    // Nor does one whose answer is too long to keep.
    let long = vec![0; crate::RECORD_BYTES_MAX + 1];
    assert!(matches!(store.idempotency_finish("k", &long, 1), Err(Refusal::TooLarge { .. })));
    assert_eq!(store.idempotency_begin("k", A, 1).unwrap(), Idempotency::New);
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
                    let known = store.idempotency_begin("k", A, 1).unwrap();
                    if known == Idempotency::New {
                        store.idempotency_finish("k", b"once", 1).unwrap();
                    }
                    known
                })
            })
            .collect();
        handles
            .into_iter()
            .filter(|_| true)
            .map(|handle| handle.join().unwrap())
            .collect::<Vec<_>>()
    });
    assert_eq!(new.iter().filter(|known| **known == Idempotency::New).count(), 1);
    assert!(!new.contains(&Idempotency::Different));
}

#[test]
fn a_purge_removes_the_oldest_up_to_its_limit_and_nothing_younger() {
    let (_dir, store) = fresh();
    for number in 0..10_u64 {
        let key = format!("k{number}");
        store.idempotency_begin(&key, A, number).unwrap();
        store.idempotency_finish(&key, b"", number).unwrap();
    }
    let now = IDEMPOTENCY_KEPT_MS + 5;
    assert_eq!(store.idempotency_purge(now, 4).unwrap(), 4);
    assert_eq!(store.idempotency_purge(now, 4).unwrap(), 2);
    assert_eq!(store.idempotency_purge(now, 4).unwrap(), 0);
    for number in 0..10_u64 {
        let known = store.idempotency_begin(&format!("k{number}"), A, 9).unwrap();
        assert_eq!(known == Idempotency::New, number < 6, "{number}");
    }
}
