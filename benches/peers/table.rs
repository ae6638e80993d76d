//! The cost of peers to two release binaries, in turns: creating them, the bytes and calls for it,
//! their memory, starting with them, and the packets that pass while they are created.
//!
//! Each round gives one value for each binary, and one ratio. A line has the median with the least and
//! the greatest. `JIRANI_BENCH_ROUNDS` sets another number of rounds than five, `--peers N` another
//! number of peers for the starts than 100,000.

mod rows;

use std::{
    fs,
    io::{BufRead, BufReader},
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use tempfile::TempDir;
use tokio::runtime::Runtime;

use self::rows::{Row, Rows};
use crate::{
    Written,
    clients::{self, Inbound, Load},
    creation::create,
    measure,
    node::Node,
    packets,
    servers::{self, Speaks},
};

/// The argument that asks for the table.
pub(crate) const WORD: &str = "table";
/// The argument by which this binary becomes the next hop of the packets.
pub(crate) const SINK: &str = "sink";

const ROUNDS: usize = 5;
/// The log level of the nodes. A line for each peer would be counted with what is written for it.
const LOG: &str = "warn";
/// Peers that are created before anything is measured.
const WARM_UP: usize = 200;
/// Peers that are created by 1, 8 and 64 clients at once. With those before, 20,000.
const AT_ONCE: [(usize, usize); 3] = [(1, 1_000), (8, 4_000), (64, 14_800)];
/// Connections that send packets.
const CONNECTIONS: usize = 64;
/// How long packets are sent, and within how long `BESIDE` peers are created beside them.
const LENGTH: Duration = Duration::from_secs(5);
const BESIDE: u32 = 1_000;

/// A binary, with the directories that it has used. They are deleted at the end, since a disk that is
/// told of freed space may be busy with it while something else is measured.
struct Subject {
    binary: PathBuf,
    used: Vec<TempDir>,
    /// The directory with the peers of the starts.
    filled: TempDir,
    /// The peers in it.
    peers: usize,
    /// The resident memory of its node before there were any peers, in kilobytes.
    idle_kb: f64,
    asset: String,
}

fn rss_kb(node: &Node) -> f64 {
    measure::status_kb(node.pid(), "VmRSS") as f64
}

/// Measures one binary or two.
pub(crate) fn measure(binaries: &[&Path], peers: usize) {
    assert!(
        (1..=2).contains(&binaries.len()),
        "`{WORD}` takes the path of one or two binaries, not {}",
        binaries.len()
    );
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.expect("a runtime");
    let rounds = std::env::var("JIRANI_BENCH_ROUNDS").ok();
    let rounds: usize = rounds.and_then(|text| text.parse().ok()).unwrap_or(ROUNDS);
    println!("{}", measure::machine());
    let mut rows = Rows::of(binaries.len());
    let mut subjects: Vec<_> = binaries.iter().map(|path| Subject::new(path)).collect();
    for round in 0..rounds {
        for index in in_turn(round, subjects.len()) {
            subjects[index].create_and_remember(&runtime, &mut rows, index);
            progress("created peers", round, index);
        }
    }
    for (index, subject) in subjects.iter_mut().enumerate() {
        subject.fill(&runtime, &mut rows, index, peers);
        eprintln!("created {peers} peers for the starts");
    }
    for round in 0..rounds {
        for index in in_turn(round, subjects.len()) {
            subjects[index].start(&runtime, &mut rows, index);
            progress("started", round, index);
        }
    }
    packets_beside(&runtime, &mut subjects, &mut rows, rounds);
    rows.show(binaries, rounds, peers);
}

fn progress(what: &str, round: usize, index: usize) {
    eprintln!("{what}: round {}, {}", round + 1, ["before", "after"][index]);
}

/// The order of the subjects in a round: each comes first in every other one.
fn in_turn(round: usize, subjects: usize) -> impl Iterator<Item = usize> {
    (0..subjects).map(move |index| (index + round) % subjects)
}

fn folder() -> TempDir {
    tempfile::tempdir().expect("a folder")
}

impl Subject {
    fn new(binary: &Path) -> Self {
        assert!(binary.is_absolute(), "{} is not an absolute path", binary.display());
        let binary = binary.to_owned();
        let (used, filled, asset) = (Vec::new(), folder(), String::new());
        Self { binary, used, filled, peers: 0, idle_kb: f64::NAN, asset }
    }

    /// Starts a node in a directory of its own.
    fn node(&mut self) -> Node {
        let dir = folder();
        let node = Node::start_binary(&self.binary, dir.path(), LOG);
        self.used.push(dir);
        node
    }

    /// The rows of peers that are created, and of their memory.
    fn create_and_remember(&mut self, runtime: &Runtime, rows: &mut Rows, of: usize) {
        let node = self.node();
        let idle_kb = rss_kb(&node);
        let asset = node.client().create_asset();
        create(runtime, node.admin, &asset, 0, WARM_UP, 1);
        let mut peers = WARM_UP;
        for (at_once, count) in AT_ONCE {
            let before = Written::by(&node);
            let mut created = create(runtime, node.admin, &asset, peers, count, at_once);
            let after = Written::by(&node);
            peers += count;
            rows.add(Row::per_second(at_once), of, created.per_second);
            if at_once == 1 {
                // The calls include the replies over HTTP and the wake-ups between threads.
                let each = |now: u64, before: u64| (now - before) as f64 / count as f64;
                rows.add(Row::CreatedP50, of, created.latencies.percentile_us(50.0) / 1e3);
                rows.add(Row::CreatedP99, of, created.latencies.percentile_us(99.0) / 1e3);
                rows.add(Row::Given, of, each(after.given, before.given) / 1e3);
                rows.add(Row::Dirtied, of, each(after.dirtied, before.dirtied) / 1e3);
                rows.add(Row::Calls, of, each(after.calls, before.calls));
            }
        }
        rows.add(Row::Memory, of, (rss_kb(&node) - idle_kb) / peers as f64);
        node.stop();
        let dir = self.used.last().expect("the node's directory");
        let node = Node::start_binary(&self.binary, dir.path(), LOG);
        rows.add(Row::MemoryAtStart, of, (rss_kb(&node) - idle_kb) / peers as f64);
        node.stop();
    }

    /// Creates the peers of the starts.
    fn fill(&mut self, runtime: &Runtime, rows: &mut Rows, of: usize, peers: usize) {
        let node = Node::start_binary(&self.binary, self.filled.path(), LOG);
        self.idle_kb = rss_kb(&node);
        self.asset = node.client().create_asset();
        create(runtime, node.admin, &self.asset, 0, peers, 64);
        self.peers = peers;
        rows.add(Row::MemoryOfAll, of, (rss_kb(&node) - self.idle_kb) / peers as f64);
        node.stop();
    }

    /// The rows of starts: after a stop, after SIGKILL under requests, and without the index.
    fn start(&mut self, runtime: &Runtime, rows: &mut Rows, of: usize) {
        let start = |subject: &Self| {
            let began = Instant::now();
            let node = Node::start_binary(&subject.binary, subject.filled.path(), LOG);
            (node, began.elapsed().as_secs_f64() * 1e3)
        };
        let (node, took_ms) = start(self);
        rows.add(Row::StartStopped, of, took_ms);
        let each_kb = (rss_kb(&node) - self.idle_kb) / self.peers as f64;
        rows.add(Row::MemoryOfAllAtStart, of, each_kb);
        // The change after the stop is only in the newest part of the log.
        create(runtime, node.admin, &self.asset, self.peers, WARM_UP, 8);
        self.peers += WARM_UP;
        node.kill();
        let (node, took_ms) = start(self);
        rows.add(Row::StartKilled, of, took_ms);
        node.stop();
        let index = self.filled.path().join("data/index");
        if index.is_dir() {
            fs::remove_dir_all(index).expect("the index can be deleted");
            let (node, took_ms) = start(self);
            rows.add(Row::StartNoIndex, of, took_ms);
            node.stop();
        }
    }
}

/// The rows of packets, at half of the greatest rate that each of the binaries can carry.
fn packets_beside(runtime: &Runtime, subjects: &mut [Subject], rows: &mut Rows, rounds: usize) {
    let sink = Sink::start();
    let mut nodes: Vec<_> = subjects
        .iter_mut()
        .map(|subject| {
            let node = subject.node();
            let asset = node.client().create_asset();
            node.client().create_named_peer(&asset, "sender", "http://127.0.0.1:1");
            node.client().create_named_peer(&asset, "sink", &format!("http://{}", sink.address));
            (node, asset, 0)
        })
        .collect();
    let best = nodes.iter().map(|(node, ..)| packets_of(runtime, node, None).per_second);
    let rate = (best.fold(f64::INFINITY, f64::min) / 2.0) as u64;
    rows.note(format!("packets: {rate} a second over {CONNECTIONS} connections"));
    for round in 0..rounds {
        for index in in_turn(round, subjects.len()) {
            let (node, asset, created) = &mut nodes[index];
            let alone = packets_of(runtime, node, Some(rate));
            rows.add(Row::PacketP50Alone, index, alone.p50_us);
            rows.add(Row::PacketP99Alone, index, alone.p99_us);
            rows.add(Row::RatioAlone, index, alone.p99_us / alone.p50_us);
            let (mut client, asset, from) = (node.client(), asset.clone(), *created);
            *created += BESIDE;
            let creating = thread::spawn(move || {
                let began = Instant::now();
                for number in 0..BESIDE {
                    thread::sleep((LENGTH * number / BESIDE).saturating_sub(began.elapsed()));
                    client.create_peer(&asset, (from + number) as usize);
                }
            });
            let beside = packets_of(runtime, node, Some(rate));
            creating.join().expect("the peers are created");
            rows.add(Row::PacketP50Beside, index, beside.p50_us);
            rows.add(Row::PacketP99Beside, index, beside.p99_us);
            rows.add(Row::RatioBeside, index, beside.p99_us / beside.p50_us);
            progress("sent packets", round, index);
        }
    }
}

/// Packets of one turn.
struct Packets {
    per_second: f64,
    p50_us: f64,
    p99_us: f64,
}

fn packets_of(runtime: &Runtime, node: &Node, rate: Option<u64>) -> Packets {
    let load = Load {
        to: node.ilp,
        token: "sender",
        packet: packets::prepare("test.sink.account", 100),
        inbound: Inbound::Http1 { connections: CONNECTIONS },
        rate,
        warm_up: Duration::from_millis(500),
        length: LENGTH,
    };
    let mut counted = runtime.block_on(clients::run(&load, || {}, || {}));
    assert_eq!(counted.failed + counted.rejected, 0, "every packet is fulfilled");
    Packets {
        per_second: counted.fulfilled as f64 / LENGTH.as_secs_f64(),
        p50_us: counted.latencies.percentile_us(50.0),
        p99_us: counted.latencies.percentile_us(99.0),
    }
}

/// The next hop, as a process of its own. Killed when dropped.
struct Sink {
    process: Child,
    address: SocketAddr,
}

impl Sink {
    fn start() -> Self {
        let mut process = Command::new(std::env::current_exe().expect("this binary"))
            .arg(SINK)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .expect("this binary starts");
        let output = process.stdout.take().expect("a pipe");
        let mut line = String::new();
        BufReader::new(output).read_line(&mut line).expect("the port");
        Self { process, address: line.trim().parse().expect("an address") }
    }
}

impl Drop for Sink {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Serves as the next hop, until the process is killed.
pub(crate) fn sink() -> ! {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.expect("a runtime").block_on(servers::sink(Speaks::Both));
    std::process::exit(0)
}
