//! Killed, hanging and split databases: nothing acknowledged is lost, nothing is there twice.

use std::{
    io::{Read, Write},
    net::{Shutdown, TcpListener, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use ilp_store::{DurableLedger, LedgerOptions, Store};
use ilp_store_postgres::{Cluster, ClusterError, Lost};

use crate::{
    node::{Node, Traffic, assert_whole, booked, cluster, cluster_at, deposit, runtime, wait_for},
    postgres::{Postgres, Server},
};

/// How many rounds of random moments there are; `JIRANI_CLUSTER_ROUNDS` sets another number.
fn rounds() -> u64 {
    let rounds = std::env::var("JIRANI_CLUSTER_ROUNDS").ok();
    rounds.and_then(|text| text.parse().ok()).unwrap_or(20)
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
    for round in 0..rounds().min(20) {
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
    // The folder knows that more was answered, and keeps it.
    for _ in 0..2 {
        let refused = runtime.block_on(cluster.join(dir.path())).unwrap_err();
        assert!(matches!(refused, ClusterError::LacksAnswered { .. }), "{refused}");
    }
    assert_whole(dir.path());
    let store = Store::open(dir.path()).unwrap();
    let ledger = DurableLedger::open(&store, LedgerOptions::default()).unwrap();
    assert!(booked(&ledger, &asset) >= 20);
}

/// A network that may begin to swallow all bytes: it takes them, and passes none on.
struct Network {
    port: u16,
    swallows: Arc<AtomicBool>,
}

impl Network {
    fn to(server: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let swallows = Arc::new(AtomicBool::new(false));
        let told = Arc::clone(&swallows);
        std::thread::spawn(move || {
            for client in listener.incoming() {
                let (Ok(client), Ok(server)) = (client, TcpStream::connect(("127.0.0.1", server)))
                else {
                    continue;
                };
                let back = (server.try_clone().unwrap(), client.try_clone().unwrap());
                for (from, to) in [(client, server), back] {
                    let told = Arc::clone(&told);
                    std::thread::spawn(move || pass(from, to, &told));
                }
            }
        });
        Self { port, swallows }
    }
}

/// Passes bytes on until one end closes, those of a network that swallows excepted.
fn pass(mut from: TcpStream, mut to: TcpStream, swallows: &AtomicBool) {
    let mut bytes = [0; 16 * 1024];
    while let Ok(count @ 1..) = from.read(&mut bytes) {
        if !swallows.load(Ordering::Relaxed) && to.write_all(&bytes[..count]).is_err() {
            break;
        }
    }
    let _ = to.shutdown(Shutdown::Both);
}

#[test]
fn a_node_behind_a_network_that_swallows_bytes_is_taken_over_and_loses_nothing() {
    let Some(postgres) = Postgres::pair() else { return };
    let network = Network::to(postgres.port(Server::Primary));
    let url = format!("postgres://jirani@127.0.0.1:{}/books", network.port);
    let (near, far) = (cluster(&postgres, "near"), cluster_at(&url, "far"));
    runtime().block_on(near.init(None)).unwrap();
    let (first, second) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let cut_off = Node::start(&far, first.path());
    let traffic = Traffic::start(&cut_off, 8);
    traffic.wait_for_more(100);
    network.swallows.store(true, Ordering::Relaxed);
    let node = Node::start(&near, second.path());
    // It hears nothing, so it can't know that it was taken over, and takes nothing new.
    wait_for(|| cut_off.ledger.is_stalled().then_some(()));
    network.swallows.store(false, Ordering::Relaxed);
    assert_eq!(cut_off.wait_until_lost(), Lost::TakenOver { epoch: 2 });
    let counts = traffic.end();
    cut_off.stop();
    assert_nothing_lost(&near, node, counts);
}

#[test]
fn a_node_that_is_to_stop_waits_only_so_long_for_a_database_that_is_away() {
    let Some(postgres) = Postgres::pair() else { return };
    let (dir, cluster, node) = start(&postgres);
    let asset = node.asset();
    let traffic = Traffic::start(&node, 4);
    traffic.wait_for_more(50);
    postgres.signal_all(Server::Standby, "STOP");
    wait_for(|| node.ledger.is_stalled().then_some(()));
    node.seat.give_up_after(Duration::from_millis(300));
    assert_eq!(node.wait_until_lost(), Lost::GivenUp);
    let (asked, acknowledged) = traffic.end();
    let Node { store, ledger, seat } = node;
    assert!(ledger.close().is_err(), "its last page is in doubt");
    drop((store, ledger));
    postgres.signal_all(Server::Standby, "CONT");
    seat.leave();
    let node = Node::start(&cluster, dir.path());
    let found = booked(&node.ledger, &asset);
    assert!(acknowledged <= found && found <= asked, "{acknowledged}, {found}, {asked}");
    node.stop();
}
