use std::{sync::Barrier, thread};

use uuid::Uuid;

use crate::{
    Conflict, Store, TransactionError,
    records::forms::peer_records::{InitialDeposit, PeerRecord},
    testing::{address, asset, fresh, open, peer, token},
};

fn with_asset() -> (tempfile::TempDir, Store, Uuid) {
    let (dir, store) = fresh();
    let usd = asset("USD");
    store.change(|tx| tx.insert_asset(&usd)).unwrap();
    (dir, store, usd.id)
}

fn conflict(result: Result<(), TransactionError>) -> Conflict {
    match result {
        Err(TransactionError::Conflict(conflict)) => conflict,
        other => panic!("no conflict but {other:?}"),
    }
}

#[test]
fn what_must_be_unique_is() {
    let (_dir, store, usd) = with_asset();
    assert_eq!(conflict(store.change(|tx| tx.insert_asset(&asset("USD")))), Conflict::Asset);
    let first = peer(usd, "g.a", &["one", "two"]);
    store.change(|tx| tx.insert_peer(&first)).unwrap();

    assert_eq!(conflict(store.change(|tx| tx.insert_peer(&first))), Conflict::Id);
    assert_eq!(
        conflict(store.change(|tx| tx.insert_peer(&peer(usd, "g.a", &["three"])))),
        Conflict::Peer
    );
    let taken = peer(usd, "g.b", &["three", "two"]);
    assert_eq!(conflict(store.change(|tx| tx.insert_peer(&taken))), Conflict::IncomingToken);
    let twice = peer(usd, "g.b", &["three", "three"]);
    assert_eq!(conflict(store.change(|tx| tx.insert_peer(&twice))), Conflict::IncomingToken);
    let unknown = store.change(|tx| tx.insert_peer(&peer(Uuid::now_v7(), "g.b", &[])));
    assert!(matches!(unknown, Err(TransactionError::UnknownAsset)));

    // The refused ones left nothing behind: all that they asked for is still free.
    store.change(|tx| tx.insert_peer(&peer(usd, "g.b", &["three"]))).unwrap();
    assert_eq!(store.all_peers().count(), 2);
    assert!(matches!(store.change(|tx| tx.delete_asset(usd)), Err(TransactionError::AssetInUse)));
}

#[test]
fn an_update_moves_the_indexes_and_minds_those_of_others() {
    let (dir, store, usd) = with_asset();
    let mut first = peer(usd, "g.a", &["one", "two"]);
    first.initial_deposit = Some(InitialDeposit { transfer_id: Uuid::now_v7(), amount: u64::MAX });
    let second = peer(usd, "g.b", &["three"]);
    store.change(|tx| tx.insert_peer(&first)).unwrap();
    store.change(|tx| tx.insert_peer(&second)).unwrap();

    let rename = |peer: &mut PeerRecord| peer.terms.address = address("g.b");
    assert_eq!(
        conflict(store.change(|tx| tx.update_peer(first.id, rename)).map(drop)),
        Conflict::Peer
    );
    let take = |peer: &mut PeerRecord| peer.terms.incoming_tokens.push(token("three"));
    assert_eq!(
        conflict(store.change(|tx| tx.update_peer(first.id, take)).map(drop)),
        Conflict::IncomingToken
    );
    assert_eq!(store.peer(first.id).unwrap().as_ref(), Some(&first));

    let updated = store.change(|tx| {
        tx.update_peer(first.id, |peer| {
            peer.terms.address = address("g.c");
            peer.terms.incoming_tokens = vec![token("two"), token("four")];
            peer.initial_deposit = None;
            peer.id = Uuid::nil();
        })
    });
    let updated = updated.unwrap();
    assert_eq!(updated.id, first.id);
    assert_eq!(store.peer_by_address_and_asset("g.a", usd).unwrap(), None);
    assert_eq!(store.peer_by_address_and_asset("g.c", usd).unwrap().as_ref(), Some(&updated));
    // Its old address and token are free, the token that it kept is not.
    store.change(|tx| tx.insert_peer(&peer(usd, "g.a", &["one"]))).unwrap();
    let kept = store.change(|tx| tx.insert_peer(&peer(usd, "g.d", &["two"])));
    assert_eq!(conflict(kept), Conflict::IncomingToken);

    let long = vec![format!("g.{}", "x".repeat(1_000)).parse().unwrap(); 100];
    let large = store.change(|tx| tx.update_peer(first.id, |peer| peer.terms.routes = long));
    assert!(matches!(large, Err(TransactionError::TooLarge { .. })));
    drop(store);
    assert_eq!(open(dir.path()).peer(first.id).unwrap(), Some(updated));
}

#[test]
fn a_deleted_peer_is_remembered_without_its_tokens() {
    let (dir, store, usd) = with_asset();
    let gone = peer(usd, "g.a", &["one"]);
    store.change(|tx| tx.insert_peer(&gone)).unwrap();
    assert_eq!(store.change(|tx| tx.delete_peer(gone.id, 77)).unwrap(), gone);
    assert!(matches!(
        store.change(|tx| tx.delete_peer(gone.id, 78)),
        Err(TransactionError::UnknownPeer)
    ));
    assert!(matches!(
        store.change(|tx| tx.update_peer(gone.id, |_| {})),
        Err(TransactionError::UnknownPeer)
    ));
    assert_eq!(store.peer(gone.id).unwrap(), None);
    let kept = store.deleted_peer(gone.id).unwrap().unwrap();
    assert_eq!((kept.static_ilp_address.as_str(), kept.deleted_at_ms), ("g.a", 77));
    // Another peer may have its address and token, but not its id, which its books are under.
    assert_eq!(conflict(store.change(|tx| tx.insert_peer(&gone))), Conflict::Id);
    store.change(|tx| tx.insert_peer(&peer(usd, "g.a", &["one"]))).unwrap();
    let again = store.all_peers().next().unwrap().unwrap();
    store.change(|tx| tx.delete_peer(again.id, 79)).unwrap();
    store.change(|tx| tx.delete_asset(usd)).unwrap();
    drop(store);
    let store = open(dir.path());
    assert_eq!(store.deleted_peer(gone.id).unwrap(), Some(kept));
    assert_eq!(store.deleted_asset(usd).unwrap().unwrap().code, "USD");
    assert_eq!(store.asset_by_code("USD", 9).unwrap(), None);
}

#[test]
fn of_many_inserts_at_once_each_name_and_token_goes_to_one() {
    let (_dir, store, usd) = with_asset();
    const THREADS: usize = 8;
    const ROUNDS: usize = 10;
    let start = Barrier::new(THREADS);
    let made: usize = thread::scope(|scope| {
        let handles: Vec<_> = (0..THREADS)
            .map(|thread| {
                let (store, start) = (&store, &start);
                scope.spawn(move || {
                    (0..ROUNDS)
                        .filter(|round| {
                            // Even threads fight over the address, odd ones over the token.
                            let (address, token) = if thread % 2 == 0 {
                                (format!("g.r{round}"), format!("t{round}.{thread}"))
                            } else {
                                (format!("g.r{round}.t{thread}"), format!("t{round}"))
                            };
                            start.wait();
                            store
                                .change(|tx| tx.insert_peer(&peer(usd, &address, &[&token])))
                                .is_ok()
                        })
                        .count()
                })
            })
            .collect();
        handles.into_iter().map(|handle| handle.join().unwrap()).sum()
    });
    assert_eq!(made, 2 * ROUNDS);
    assert_eq!(store.all_peers().count(), 2 * ROUNDS);
}
