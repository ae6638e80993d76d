//! Several nodes with one set of books in PostgreSQL, driven as an operator would.

use std::{
    net::TcpListener,
    process::Output,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use interledger_packet::{ErrorCode, Reply};
use serde_json::{Value, json};

use crate::{
    postgres::{Postgres, Server},
    support::{DataDir, Node, http, jirani, packets::prepare, stub::Stub, wait_for},
};

/// The lease of a test's nodes, in milliseconds.
const LEASE_MS: u64 = 1_000;

fn command(arguments: &[&str]) -> Output {
    jirani().args(arguments).output().unwrap()
}

fn succeeds(arguments: &[&str]) -> String {
    let output = command(arguments);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{arguments:?}: {said}");
    String::from_utf8(output.stdout).unwrap()
}

/// A data folder whose node takes part in the cluster.
fn folder(postgres: &Postgres, name: &str) -> DataDir {
    DataDir::new(&[("JIRANI_ILP_ADDRESS", "test.node")]).in_cluster(postgres, name)
}

impl DataDir {
    fn in_cluster(self, postgres: &Postgres, name: &str) -> Self {
        self.with("JIRANI_CLUSTER_URL", &postgres.url())
            .with("JIRANI_CLUSTER_NAME", name)
            .with("JIRANI_CLUSTER_BEAT_MS", "200")
            .with("JIRANI_CLUSTER_STALL_MS", "300")
            .with("JIRANI_CLUSTER_LEASE_MS", &LEASE_MS.to_string())
    }
}

fn init(postgres: &Postgres) {
    let said = succeeds(&["cluster", "init", &postgres.url()]);
    assert!(said.contains("made cluster"), "{said}");
}

/// A node with two peers, of which the second fulfills all.
fn with_peers(node: &Node, bob: &Stub) -> (String, String) {
    let asset = node.create_asset("USD", 2);
    let alice = node.create_peer(&asset, "test.alice", "http://127.0.0.1:1", json!({}));
    let bob = node.create_peer(&asset, "test.bob", &bob.endpoint(), json!({}));
    (alice, bob)
}

/// A peer that sends packets of one unit all the time, and counts those that were fulfilled.
struct Alice {
    stop: Arc<AtomicBool>,
    fulfilled: Arc<AtomicU64>,
    thread: thread::JoinHandle<Vec<ErrorCode>>,
}

impl Alice {
    fn start(node: &Node) -> Self {
        let (stop, fulfilled) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
        let mut sender = node.sender("test.alice");
        let (told, counted) = (Arc::clone(&stop), Arc::clone(&fulfilled));
        let thread = thread::spawn(move || {
            let mut codes = Vec::new();
            while !told.load(Ordering::Relaxed) {
                let Ok(response) = sender.post(&prepare("test.bob", 1)) else { break };
                match Reply::parse(response.body.into()) {
                    Ok(Reply::Fulfill(_)) => drop(counted.fetch_add(1, Ordering::Relaxed)),
                    Ok(Reply::Reject(reject)) => {
                        codes.push(reject.code());
                        thread::sleep(Duration::from_millis(2));
                    }
                    Err(_) => break,
                }
            }
            codes
        });
        Self { stop, fulfilled, thread }
    }

    fn wait_for_more(&self, count: u64) {
        let from = self.fulfilled.load(Ordering::Relaxed);
        wait_for("fulfilled packets", || {
            (self.fulfilled.load(Ordering::Relaxed) >= from + count).then_some(())
        });
    }

    /// Ends it, and returns how many packets were fulfilled, and the codes of those that were not.
    fn end(self) -> (u64, Vec<ErrorCode>) {
        self.stop.store(true, Ordering::Relaxed);
        let codes = self.thread.join().unwrap();
        (self.fulfilled.load(Ordering::Relaxed), codes)
    }
}

#[test]
fn a_killed_node_is_followed_by_its_standby_with_peers_and_money() {
    let Some(postgres) = Postgres::pair() else { return };
    let bob = Stub::fulfilling();
    init(&postgres);
    let first = folder(&postgres, "first").start();
    let (alice_id, bob_id) = with_peers(&first, &bob);

    // The port of the second one is chosen here, since it announces none while it waits.
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let waiting = folder(&postgres, "second").with("JIRANI_ADMIN_LISTEN", &port.to_string());
    let waiting = thread::spawn(move || waiting.start());
    let ready = wait_for("the standby's health", || http::get(port, "/readyz").ok());
    assert_eq!(ready.status, 503);
    assert!(ready.text().contains(r#""status":"standby""#), "{}", ready.text());
    assert_eq!(http::get(port, "/healthz").unwrap().text(), "OK");

    let alice = Alice::start(&first);
    alice.wait_for_more(200);
    let status: Value =
        serde_json::from_str(&succeeds(&["cluster", "status", "--json", "--url", &postgres.url()]))
            .unwrap();
    assert_eq!(status["name"], "first");
    assert_eq!(status["synchronous"], true);
    let killed = first.kill();
    let since = Instant::now();
    let (fulfilled, _) = alice.end();
    let second = waiting.join().unwrap();
    let pause = since.elapsed();
    println!("the standby was ready {pause:?} after the kill; {fulfilled} packets were fulfilled");
    assert_eq!(http::get(port, "/readyz").unwrap().status, 200);

    // One packet may have been booked whose answer the kill has cut.
    let sent = 1_000_000 - second.liquidity(&alice_id);
    assert!(sent >= fulfilled && sent <= fulfilled + 1, "{sent} booked, {fulfilled} fulfilled");
    assert_eq!(second.liquidity(&bob_id), 1_000_000 + sent);
    let alice = Alice::start(&second);
    alice.wait_for_more(50);
    alice.end();

    // The first one is the standby now, and takes over when the second one stops in order.
    let waiting = thread::spawn(move || killed.start());
    let before = second.liquidity(&alice_id);
    second.stop();
    let first = waiting.join().unwrap();
    assert_eq!(first.liquidity(&alice_id), before);
    first.stop();
    let said = succeeds(&["cluster", "verify", "--url", &postgres.url()]);
    assert!(said.contains("the books add up"), "{said}");
}

/// How many rounds there are of nodes that are killed or hang; `JIRANI_CLUSTER_ROUNDS` sets another
/// number.
fn rounds() -> u64 {
    let rounds = std::env::var("JIRANI_CLUSTER_ROUNDS").ok();
    rounds.and_then(|text| text.parse().ok()).unwrap_or(20)
}

#[test]
fn nodes_that_are_killed_or_hang_at_any_moment_lose_nothing() {
    let Some(postgres) = Postgres::pair() else { return };
    let bob = Stub::fulfilling();
    init(&postgres);
    let mut active = folder(&postgres, "first").start();
    let (alice_id, bob_id) = with_peers(&active, &bob);
    let mut other = folder(&postgres, "second");
    let (mut fulfilled, mut booked) = (0, 0);
    for round in 0..rounds() {
        let waiting = thread::spawn(move || other.start());
        let alice = Alice::start(&active);
        // Another moment in each round: after so many packets, and before or after the next one.
        alice.wait_for_more(1 + round * 37 % 60);
        thread::sleep(Duration::from_micros(round * 331 % 2_000));
        let hangs = round % 2 == 0;
        active.signal(if hangs { "STOP" } else { "KILL" });
        let next = waiting.join().unwrap();
        if hangs {
            active.signal("CONT");
        }
        let status = active.ended();
        assert_eq!(status.code(), hangs.then_some(75), "{}", active.dir.log());
        fulfilled += alice.end().0;
        let sent = 1_000_000 - next.liquidity(&alice_id);
        assert_eq!(next.liquidity(&bob_id), 1_000_000 + sent);
        // One packet of each round may have been booked whose answer was cut.
        assert!(sent >= fulfilled && sent <= fulfilled + round + 1, "round {round}: {sent}");
        booked = sent;
        other = std::mem::replace(&mut active, next).kill();
    }
    println!("{} rounds: {fulfilled} fulfilled, {booked} booked, 0 lost", rounds());
    active.stop();
    let said = succeeds(&["cluster", "verify", "--url", &postgres.url()]);
    assert!(said.contains("the books add up"), "{said}");
}

#[test]
fn packets_flow_again_after_the_database_has_failed_over() {
    let Some(mut postgres) = Postgres::pair() else { return };
    let bob = Stub::fulfilling();
    init(&postgres);
    let node = folder(&postgres, "only").start();
    let (alice_id, bob_id) = with_peers(&node, &bob);
    let alice = Alice::start(&node);
    alice.wait_for_more(100);
    postgres.kill(Server::Primary);
    // Nothing can be acknowledged: the packet under way waits, and new ones get T03.
    wait_for("a node that isn't ready", || {
        let ready = http::get(node.admin, "/readyz").ok()?;
        (ready.status == 503 && ready.text().contains("stalled")).then_some(())
    });
    let mut other = node.sender("test.alice");
    let refused = other.rejected(&prepare("test.bob", 1));
    assert_eq!(refused.code(), ErrorCode::T03_CONNECTOR_BUSY);
    postgres.promote();
    postgres.make_standby();
    postgres.set_synchronous(true);
    let since = Instant::now();
    alice.wait_for_more(1);
    println!("packets flow {:?} after the standby has a standby", since.elapsed());
    alice.wait_for_more(100);
    let (fulfilled, codes) = alice.end();
    assert!(codes.iter().all(|code| *code == ErrorCode::T03_CONNECTOR_BUSY), "{codes:?}");
    assert_eq!(http::get(node.admin, "/readyz").unwrap().status, 200);
    assert_eq!(node.liquidity(&alice_id), 1_000_000 - fulfilled);
    assert_eq!(node.liquidity(&bob_id), 1_000_000 + fulfilled);
}

#[test]
fn a_node_s_books_become_a_cluster_s_and_a_node_s_again() {
    let Some(postgres) = Postgres::pair() else { return };
    let bob = Stub::fulfilling();
    let alone = DataDir::new(&[("JIRANI_ILP_ADDRESS", "test.node")]).start();
    let (alice_id, bob_id) = with_peers(&alone, &bob);
    let mut alice = alone.sender("test.alice");
    for _ in 0..20 {
        alice.fulfilled(&prepare("test.bob", 3));
    }
    let peers = "{ peers(first: 10) { edges { node { id name staticIlpAddress liquidity } } } }";
    let before = alone.query(peers, json!({}));
    let stopped = alone.stop();
    let own = stopped.data().to_str().unwrap().to_owned();
    let whole = succeeds(&["ledger", "export", "--data-dir", &own]);

    succeeds(&["cluster", "init", "--from", &own, &postgres.url()]);
    let refused = stopped.command().output().unwrap();
    assert_eq!(refused.status.code(), Some(74));
    assert!(stopped.log().contains("belongs to cluster"), "{}", stopped.log());

    // A node with an empty folder has it all.
    let other = folder(&postgres, "other").start();
    assert_eq!(other.query(peers, json!({})), before);
    other.sender("test.alice").fulfilled(&prepare("test.bob", 5));
    let running = command(&["cluster", "export", &own, "--url", &postgres.url()]);
    assert_eq!(running.status.code(), Some(1));
    let temp = tempfile::tempdir().unwrap();
    let copy = temp.path().join("copy").to_str().unwrap().to_owned();
    let held = command(&["cluster", "export", &copy, "--url", &postgres.url()]);
    let said = String::from_utf8_lossy(&held.stderr).into_owned();
    assert!(said.contains("other has the books"), "{said}");
    succeeds(&["cluster", "export", "--keep", &copy, "--url", &postgres.url()]);
    let other = other.stop();

    let home = temp.path().join("home").to_str().unwrap().to_owned();
    let said = succeeds(&["cluster", "export", &home, "--url", &postgres.url()]);
    assert!(said.contains("the books add up"), "{said}");
    let exported = succeeds(&["ledger", "export", "--data-dir", &home]);
    assert!(exported.starts_with(&whole), "the same transfers, and one more");
    let closed = other.command().output().unwrap();
    assert_eq!(closed.status.code(), Some(1), "{}", other.log());
    assert!(other.log().contains("the cluster is closed"), "{}", other.log());

    let home = DataDir::at(home.into(), &[("JIRANI_ILP_ADDRESS", "test.node")]).start();
    assert_eq!(home.liquidity(&alice_id), 1_000_000 - 65);
    assert_eq!(home.liquidity(&bob_id), 1_000_000 + 65);
    home.sender("test.alice").fulfilled(&prepare("test.bob", 1));
}

#[test]
fn a_waiting_node_stops_when_it_is_told_to() {
    let Some(postgres) = Postgres::pair() else { return };
    init(&postgres);
    let _first = folder(&postgres, "first").start();
    let waiting = folder(&postgres, "second");
    let mut process = waiting.command().spawn().unwrap();
    wait_for("a node that waits", || waiting.log().contains("waits").then_some(()));
    let status = std::process::Command::new("kill").arg(process.id().to_string()).status().unwrap();
    assert!(status.success());
    assert!(process.wait().unwrap().success(), "{}", waiting.log());
    assert!(!waiting.data().join("node.json").exists());
}

#[test]
fn wrong_clusters_are_refused_in_words_that_help() {
    let output = command(&["cluster", "status"]);
    assert_eq!(output.status.code(), Some(2));
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains("JIRANI_CLUSTER_URL"), "{said}");
    let output =
        command(&["cluster", "status", "--url", "postgres://jirani:pass-word@127.0.0.1:1/x"]);
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains("can't be used") && !said.contains("pass-word"), "{said}");
    for (name, value, part) in [
        ("JIRANI_CLUSTER_URL", "mysql://jirani:pass-word@db/x", "PostgreSQL"),
        ("JIRANI_CLUSTER_LEASE_MS", "1500", "twice the beat"),
        ("JIRANI_CLUSTER_SYNC", "off", "required or accepted"),
    ] {
        let folder = DataDir::new(&[(name, value)]);
        let status = folder.command().status().unwrap();
        assert_eq!(status.code(), Some(64), "{name}");
        let log = folder.log();
        assert!(log.contains(part) && !log.contains("pass-word"), "{log}");
    }
}
