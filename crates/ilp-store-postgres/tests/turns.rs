//! Who has the book: one at a time, and the next one has everything.

use std::time::Duration;

use ilp_store::{Companions, LogFolder, Store, StoreError};
use ilp_store_postgres::{ClusterError, Lost};

use crate::{
    node::{
        Node, Traffic, assert_whole, asset, booked, cluster, cluster_at, deposit, runtime, wait_for,
    },
    postgres::{Postgres, Server},
};

#[test]
fn a_standby_takes_over_when_the_holder_leaves_and_has_everything() {
    let Some(postgres) = Postgres::pair() else { return };
    let runtime = runtime();
    let (first, second) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let cluster = cluster(&postgres, "a");
    runtime.block_on(cluster.init(None)).unwrap();
    let node = Node::start(&cluster, first.path());
    let asset = node.asset();
    let traffic = Traffic::start(&node, 4);
    traffic.wait_for_more(500);
    let state = runtime.block_on(cluster.state()).unwrap();
    assert_eq!((state.epoch, state.name.as_deref()), (1, Some("a")));

    // The other one waits, and copies meanwhile.
    let candidate = runtime.block_on(cluster.join(second.path())).unwrap();
    let (asked, acknowledged) = traffic.end();
    assert_eq!(asked, acknowledged);
    node.stop();
    drop(candidate);
    let node = Node::start(&cluster, second.path());
    assert_eq!(booked(&node.ledger, &asset), acknowledged);
    deposit(&runtime, &node.ledger, &asset).unwrap();
    node.stop();

    // And back to the first folder, which has an index of its own.
    let node = Node::start(&cluster, first.path());
    assert_eq!(booked(&node.ledger, &asset), acknowledged + 1);
    node.stop();
    assert_whole(first.path());
    assert_whole(second.path());
}

#[test]
fn a_holder_that_is_silent_is_taken_over_and_fenced() {
    let Some(postgres) = Postgres::pair() else { return };
    let runtime = runtime();
    let (first, second) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let cluster = cluster(&postgres, "a");
    runtime.block_on(cluster.init(None)).unwrap();
    let slow = Node::start(&cluster, first.path());
    let asset = slow.asset();
    deposit(&runtime, &slow.ledger, &asset).unwrap();
    // Its beats are held up, as those of a process that hangs, and its pages aren't.
    let beats = "BEGIN; LOCK TABLE jirani.beat IN ROW EXCLUSIVE MODE; \
                 SELECT 1 FROM jirani.beat WHERE book = 0 FOR UPDATE; SELECT pg_sleep(1.2)";
    let holding = std::thread::scope(|scope| {
        let held = scope.spawn(|| postgres.sql(Server::Primary, beats));
        let other = scope.spawn(|| Node::start(&cluster, second.path()));
        held.join().unwrap();
        other.join().unwrap()
    });
    assert_eq!(booked(&holding.ledger, &asset), 1);
    deposit(&runtime, &holding.ledger, &asset).unwrap();
    assert!(deposit(&runtime, &slow.ledger, &asset).is_err(), "its pages are refused");
    assert_eq!(slow.wait_until_lost(), Lost::TakenOver { epoch: 2 });
    slow.stop();
    assert_eq!(booked(&holding.ledger, &asset), 2);
    holding.stop();
    // The folder of the fenced node has a page that nobody else has; it is cut off.
    let again = Node::start(&cluster, first.path());
    assert_eq!(booked(&again.ledger, &asset), 2);
    again.stop();
    assert_whole(first.path());
}

#[test]
fn a_fenced_node_learns_it_without_traffic() {
    let Some(postgres) = Postgres::pair() else { return };
    let (first, second) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let cluster = cluster(&postgres, "a");
    runtime().block_on(cluster.init(None)).unwrap();
    let idle = Node::start(&cluster, first.path());
    postgres.sql(Server::Primary, "UPDATE jirani.book SET holder = NULL");
    let other = Node::start(&cluster, second.path());
    assert_eq!(idle.wait_until_lost(), Lost::TakenOver { epoch: 2 });
    idle.stop();
    other.stop();
}

#[test]
fn a_node_that_was_killed_takes_its_own_book_at_once() {
    let Some(postgres) = Postgres::pair() else { return };
    let dir = tempfile::tempdir().unwrap();
    let cluster = cluster(&postgres, "a");
    runtime().block_on(cluster.init(None)).unwrap();
    let node = Node::start(&cluster, dir.path());
    let Node { store, ledger, seat } = node;
    drop((store, ledger));
    // The seat is never left, as after kill -9; its beats go on and don't keep the folder's owner away.
    let begun = std::time::Instant::now();
    Node::start(&cluster, dir.path()).stop();
    assert!(begun.elapsed() < Duration::from_millis(800), "within the lease: {begun:?}");
    drop(seat);
}

#[test]
fn what_cannot_take_part_is_told_why() {
    let Some(postgres) = Postgres::pair() else { return };
    let runtime = runtime();
    let dir = tempfile::tempdir().unwrap();
    let cluster = cluster(&postgres, "a");
    let none = runtime.block_on(cluster.join(dir.path())).unwrap_err();
    assert!(matches!(none, ClusterError::NoCluster), "{none}");
    let id = runtime.block_on(cluster.init(None)).unwrap();
    let exists = runtime.block_on(cluster.init(None)).unwrap_err();
    assert!(matches!(exists, ClusterError::Exists { .. }), "{exists}");

    let own = tempfile::tempdir().unwrap();
    let store = Store::open(own.path()).unwrap();
    store.transact(Companions::none(), |tx| tx.insert_asset(&asset("USD"))).unwrap();
    drop(store);
    let refused = runtime.block_on(cluster.join(own.path())).unwrap_err();
    assert!(matches!(refused, ClusterError::OwnBooks), "{refused}");

    Node::start(&cluster, dir.path()).stop();
    let alone = Store::open(dir.path()).unwrap_err();
    assert!(matches!(alone, StoreError::InCluster { .. }), "{alone}");

    postgres.sql(Server::Primary, "UPDATE jirani.cluster SET id = gen_random_uuid()");
    let other = runtime.block_on(cluster.join(dir.path())).unwrap_err();
    assert!(matches!(other, ClusterError::OtherCluster { .. }), "{other}");
    postgres.sql(Server::Primary, "UPDATE jirani.cluster SET version = 2");
    let newer = runtime.block_on(cluster.state()).unwrap_err();
    assert!(matches!(newer, ClusterError::Schema { found: 2, known: 1 }), "{newer}");

    postgres.sql(Server::Primary, &format!("UPDATE jirani.cluster SET version = 1, id = '{id}'"));
    postgres.set_synchronous(false);
    let alone = runtime.block_on(cluster.join(dir.path())).unwrap_err();
    assert!(matches!(alone, ClusterError::NotSynchronous), "{alone}");
    let nobody = cluster_at("postgres://jirani@127.0.0.1:1/books", "a");
    assert!(matches!(runtime.block_on(nobody.state()), Err(ClusterError::Database(_))));
}

#[test]
fn a_cluster_begins_with_the_books_of_a_folder() {
    let Some(postgres) = Postgres::pair() else { return };
    let runtime = runtime();
    let (own, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let store = Store::open(own.path()).unwrap();
    let assets: Vec<_> = (0..100).map(|number| asset(&format!("A{number}"))).collect();
    for asset in &assets {
        store.transact(Companions::none(), |tx| tx.insert_asset(asset)).unwrap();
    }
    drop(store);
    let cluster = cluster(&postgres, "a");
    let folder = LogFolder::open(own.path()).unwrap();
    runtime.block_on(cluster.init(Some(&folder))).unwrap();
    drop(folder);
    let node = Node::start(&cluster, other.path());
    for asset in &assets {
        assert!(node.store.asset(asset.id).unwrap().is_some(), "{}", asset.code);
    }
    node.stop();
}

#[test]
fn a_snapshot_stands_for_pages_that_were_removed() {
    let Some(postgres) = Postgres::pair() else { return };
    let runtime = runtime();
    let (first, away) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let cluster = cluster(&postgres, "a");
    runtime.block_on(cluster.init(None)).unwrap();
    // A node that was here once, and is away while its pages are removed.
    Node::start(&cluster, away.path()).stop();
    let node = Node::start(&cluster, first.path());
    let asset = node.asset();
    let mut removed = 0;
    for _ in 0..4 {
        let traffic = Traffic::start(&node, 4);
        traffic.wait_for_more(50);
        traffic.end();
        // A record that is written again makes the log longer and the snapshot not.
        for number in 0..60_u8 {
            let value = [number; 4_096];
            let written = node.store.transact(Companions::none(), |tx| tx.set_setting("x", &value));
            written.unwrap();
        }
        node.ledger.checkpoint().unwrap();
        removed += runtime.block_on(node.seat.retention().apply(&node.store)).unwrap();
    }
    assert!(removed > 100, "{removed} pages went");
    let deposits = booked(&node.ledger, &asset);
    node.stop();
    let empty = tempfile::tempdir().unwrap();
    for dir in [&away, &empty, &first] {
        let node = Node::start(&cluster, dir.path());
        assert_eq!(booked(&node.ledger, &asset), deposits);
        node.stop();
        assert_whole(dir.path());
        let folder = LogFolder::open(dir.path()).unwrap();
        assert!(folder.snapshots().unwrap().len() <= 3);
    }
    // A cluster that is made from a folder without its beginning.
    postgres.sql(Server::Primary, "DROP SCHEMA jirani CASCADE");
    let folder = LogFolder::open(empty.path()).unwrap();
    runtime.block_on(cluster.init(Some(&folder))).unwrap();
    drop(folder);
    let other = tempfile::tempdir().unwrap();
    let node = Node::start(&cluster, other.path());
    assert_eq!(booked(&node.ledger, &asset), deposits);
    node.stop();
}

#[test]
fn a_waiting_node_copies_pages_and_survives_the_database_going_away() {
    let Some(postgres) = Postgres::pair() else { return };
    let (first, second) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let cluster = cluster(&postgres, "a");
    runtime().block_on(cluster.init(None)).unwrap();
    let node = Node::start(&cluster, first.path());
    let asset = node.asset();
    let (took, acknowledged) = std::thread::scope(|scope| {
        let waiting = scope.spawn(|| Node::start(&cluster, second.path()));
        let traffic = Traffic::start(&node, 2);
        traffic.wait_for_more(200);
        let copied = second.path().join("journal/0000000001.segment");
        wait_for(|| std::fs::metadata(&copied).is_ok_and(|file| file.len() > 8_192).then_some(()));
        // A waiting node moves its index on as well.
        for number in 0..80_u8 {
            let value = vec![number; 60_000];
            node.store.transact(Companions::none(), |tx| tx.set_setting("x", &value)).unwrap();
        }
        wait_for(|| second.path().join("index").exists().then_some(()));
        postgres.kill(Server::Primary);
        postgres.start(Server::Primary);
        traffic.wait_for_more(200);
        let (_, acknowledged) = traffic.end();
        node.stop();
        (waiting.join().unwrap(), acknowledged)
    });
    assert_eq!(booked(&took.ledger, &asset), acknowledged);
    took.stop();
}
