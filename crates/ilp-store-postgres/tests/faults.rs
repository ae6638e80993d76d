//! Killed, hanging and split databases: nothing acknowledged is lost, nothing is there twice.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use ilp_store_postgres::Cluster;

use crate::{
    node::{Node, Traffic, assert_whole, booked, cluster, deposit, runtime, wait_for},
    postgres::{Postgres, Server},
};

/// How many rounds of random moments there are; `JIRANI_CLUSTER_ROUNDS` sets another number.
fn rounds() -> u64 {
    let rounds = std::env::var("JIRANI_CLUSTER_ROUNDS").ok();
    rounds.and_then(|text| text.parse().ok()).unwrap_or(4)
}

/// A number that differs from round to round and is the same in each run.
fn random(round: u64) -> u64 {
    let mut state = round.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    state ^= state >> 29;
    state.wrapping_mul(0xbf58_476d_1ce4_e5b9) >> 40
}

/// A cluster of one node in a folder of its own.
fn start(postgres: &Postgres) -> (tempfile::TempDir, Cluster, Node) {
    let dir = tempfile::tempdir().unwrap();
    let cluster = cluster(postgres, "a");
    runtime().block_on(cluster.init(None)).unwrap();
    let node = Node::start(&cluster, dir.path());
    (dir, cluster, node)
}

/// Compares what was acknowledged with what a node finds that begins with an empty folder.
fn assert_nothing_lost(cluster: &Cluster, node: Node, (asked, acknowledged): (u64, u64)) {
    let asset = node.asset();
    node.stop();
    let empty = tempfile::tempdir().unwrap();
    let other = Node::start(cluster, empty.path());
    let found = booked(&other.ledger, &asset);
    println!("{asked} asked, {acknowledged} acknowledged, {found} in the books");
    assert!(found >= acknowledged, "{} lost", acknowledged - found);
    assert!(found <= asked, "{} invented", found - asked);
    other.stop();
    assert_whole(empty.path());
}

#[test]
fn a_killed_primary_loses_nothing_and_its_standby_goes_on() {
    for round in 0..rounds() {
        let Some(mut postgres) = Postgres::pair() else { return };
        let (_dir, cluster, node) = start(&postgres);
        let traffic = Traffic::start(&node, 8);
        traffic.wait_for_more(50 + random(round) % 500);
        postgres.kill(Server::Primary);
        postgres.promote();
        // It waits for nobody yet, so pages stay in doubt until a standby is there.
        postgres.make_standby();
        postgres.set_synchronous(true);
        traffic.wait_for_more(100);
        let counts = traffic.end();
        assert_eq!(counts.0, counts.1, "what was in doubt was resolved");
        assert_nothing_lost(&cluster, node, counts);
    }
}

#[test]
fn a_primary_that_restarts_loses_nothing() {
    let Some(postgres) = Postgres::pair() else { return };
    let (_dir, cluster, node) = start(&postgres);
    let traffic = Traffic::start(&node, 8);
    for round in 0..rounds() {
        traffic.wait_for_more(50 + random(round) % 200);
        postgres.kill(Server::Primary);
        postgres.start(Server::Primary);
    }
    traffic.wait_for_more(100);
    let counts = traffic.end();
    assert_eq!(counts.0, counts.1, "what was in doubt was resolved");
    assert_nothing_lost(&cluster, node, counts);
}

#[test]
fn a_page_that_a_restarted_primary_shows_counts_once_its_standby_has_it() {
    let Some(mut postgres) = Postgres::pair() else { return };
    let (_dir, cluster, node) = start(&postgres);
    let traffic = Traffic::start(&node, 4);
    traffic.wait_for_more(100);
    postgres.signal_all(Server::Standby, "STOP");
    wait_for(|| node.ledger.is_stalled().then_some(()));
    let before = traffic.acknowledged.load(Ordering::Relaxed);
    let pages = || postgres.sql(Server::Primary, "SELECT max(number) FROM jirani.page");
    let acknowledged = pages();
    // After its restart everybody sees the page that waits, though no other machine has it.
    postgres.kill(Server::Primary);
    postgres.start(Server::Primary);
    wait_for(|| (pages() != acknowledged).then_some(()));
    std::thread::sleep(Duration::from_millis(1_500));
    assert_eq!(traffic.acknowledged.load(Ordering::Relaxed), before, "what was read is no proof");
    // The primary is lost for good, and with it the page.
    postgres.kill(Server::Primary);
    postgres.signal_all(Server::Standby, "CONT");
    postgres.promote();
    postgres.make_standby();
    postgres.set_synchronous(true);
    traffic.wait_for_more(100);
    let counts = traffic.end();
    assert_nothing_lost(&cluster, node, counts);
}

#[test]
fn while_the_standby_hangs_nothing_is_acknowledged_and_nothing_new_is_taken() {
    let Some(postgres) = Postgres::pair() else { return };
    let (_dir, cluster, node) = start(&postgres);
    let traffic = Traffic::start(&node, 4);
    traffic.wait_for_more(100);
    postgres.signal_all(Server::Standby, "STOP");
    wait_for(|| node.ledger.is_stalled().then_some(()));
    let before = traffic.acknowledged.load(Ordering::Relaxed);
    std::thread::sleep(Duration::from_millis(1_500));
    assert_eq!(traffic.acknowledged.load(Ordering::Relaxed), before, "nothing without the standby");
    postgres.signal_all(Server::Standby, "CONT");
    traffic.wait_for_more(100);
    let counts = traffic.end();
    assert_nothing_lost(&cluster, node, counts);
}

/// Ends another thread's loop, whether the test goes on or fails.
struct SetsOnDrop<'a>(&'a AtomicBool);

impl Drop for SetsOnDrop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

#[test]
fn a_cancelled_wait_is_no_acknowledgement() {
    let Some(postgres) = Postgres::pair() else { return };
    let (_dir, cluster, node) = start(&postgres);
    let traffic = Traffic::start(&node, 8);
    traffic.wait_for_more(100);
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let cancel = "SELECT count(pg_cancel_backend(pid)) FROM pg_stat_activity \
                          WHERE wait_event = 'SyncRep'";
            while !stop.load(Ordering::Relaxed) {
                postgres.sql(Server::Primary, cancel);
            }
        });
        let _stop = SetsOnDrop(&stop);
        traffic.wait_for_more(500);
        // The standby hangs, and all waits are cancelled: nothing may be acknowledged.
        postgres.signal_all(Server::Standby, "STOP");
        std::thread::sleep(Duration::from_millis(500));
        let before = traffic.acknowledged.load(Ordering::Relaxed);
        std::thread::sleep(Duration::from_millis(1_000));
        assert_eq!(traffic.acknowledged.load(Ordering::Relaxed), before);
        postgres.signal_all(Server::Standby, "CONT");
    });
    traffic.wait_for_more(100);
    let counts = traffic.end();
    assert_nothing_lost(&cluster, node, counts);
}

#[test]
fn of_two_primaries_only_the_one_with_a_standby_counts() {
    let Some(mut postgres) = Postgres::pair() else { return };
    let (_dir, cluster, node) = start(&postgres);
    let traffic = Traffic::start(&node, 8);
    traffic.wait_for_more(100);
    // The primary hangs, the standby takes its place, and the primary wakes up.
    postgres.signal_all(Server::Primary, "STOP");
    postgres.promote();
    postgres.signal_all(Server::Standby, "CONT");
    // Now the old primary takes writes, and has no standby that would acknowledge them.
    std::thread::sleep(Duration::from_millis(500));
    postgres.kill(Server::Standby);
    postgres.make_standby();
    postgres.set_synchronous(true);
    traffic.wait_for_more(100);
    let counts = traffic.end();
    assert_nothing_lost(&cluster, node, counts);
}

#[test]
fn a_database_that_loses_its_standby_by_order_acknowledges_nothing() {
    let Some(postgres) = Postgres::pair() else { return };
    let (_dir, cluster, node) = start(&postgres);
    let traffic = Traffic::start(&node, 4);
    traffic.wait_for_more(100);
    // As a failover manager without strict mode does: the primary goes on alone.
    postgres.set_synchronous(false);
    std::thread::sleep(Duration::from_millis(300));
    let before = traffic.acknowledged.load(Ordering::Relaxed);
    std::thread::sleep(Duration::from_millis(700));
    assert_eq!(traffic.acknowledged.load(Ordering::Relaxed), before);
    postgres.set_synchronous(true);
    traffic.wait_for_more(100);
    let counts = traffic.end();
    assert_nothing_lost(&cluster, node, counts);
}

#[test]
fn a_database_that_went_back_stops_the_node() {
    let Some(postgres) = Postgres::pair() else { return };
    let (dir, cluster, node) = start(&postgres);
    let asset = node.asset();
    let runtime = runtime();
    for _ in 0..20 {
        deposit(&runtime, &node.ledger, &asset).unwrap();
    }
    // As after a restore from a backup.
    postgres.sql(Server::Primary, "DELETE FROM jirani.page WHERE number > 10");
    assert!(deposit(&runtime, &node.ledger, &asset).is_err());
    let lost = node.wait_until_lost();
    assert!(lost.to_string().contains("had acknowledged"), "{lost}");
    node.stop();
    // The folder knows that more was answered.
    let opened = runtime.block_on(async {
        let candidate = cluster.join(dir.path()).await.unwrap();
        cluster.take_seat(candidate).await
    });
    let refused = opened.unwrap_err().to_string();
    assert!(refused.contains("answered"), "{refused}");
}
