//! A hundred thousand peers through the API of a real node: the time of creating them at the begin
//! and at the end, the time of pages of the list at every position, the operator's pages and the
//! cost of following one, the time of a restart and of its phases, the node's memory, and the bytes
//! that are written for a peer.
//!
//! The last row is the worst start: after a crash, with a million transfers that no checkpoint has
//! passed, and without sled's own snapshot, so that the node reads the whole of its file.
//!
//! `cargo bench --bench peers` takes some minutes; `-- --peers N` sets another number of peers.
//!
//! `cargo bench --bench peers -- table BEFORE [AFTER]` is apart from that: it measures release
//! binaries, given by absolute paths, in turns (`table`).

#![allow(clippy::float_arithmetic, reason = "measured times and ratios, no amounts")]

#[expect(dead_code, reason = "the load benchmark has HTTP/2 clients and counts refused packets")]
#[path = "../load/clients.rs"]
mod clients;
mod creation;
mod fill;
#[expect(dead_code, reason = "the load benchmark measures CPU time and the hypervisor's share too")]
#[path = "../load/measure.rs"]
mod measure;
mod node;
#[path = "../load/packets.rs"]
mod packets;
mod pages;
#[expect(dead_code, reason = "the load benchmark has baselines and odd next hops too")]
#[path = "../load/servers.rs"]
mod servers;
mod table;

use std::{
    fs,
    path::Path,
    process::Command,
    thread,
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use node::{Client, Node};

const PEERS: usize = 100_000;
/// The number of peers at either end that are shown apart.
const END: usize = 1_000;
const PAGE: usize = 100;
/// The number of requests in progress at once in the second way of creating peers.
const CLIENTS: usize = 8;
const TRANSFERS: u64 = 1_000_000;

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    if let [_, word, transfers, dir] = &arguments[..]
        && word == fill::WORD
    {
        fill::fill(Path::new(dir), transfers.parse().expect("a number"));
    }
    if let [_, word] = &arguments[..]
        && word == table::SINK
    {
        table::sink();
    }
    let is_check = arguments.iter().any(|argument| argument == "--test");
    let given = arguments.iter().position(|argument| argument == "--peers");
    let given = given.and_then(|at| arguments.get(at + 1)?.parse().ok());
    if let Some(at) = arguments.iter().position(|argument| argument == table::WORD) {
        let binaries = arguments.iter().skip(at + 1).take_while(|word| !word.starts_with("--"));
        return table::measure(
            &binaries.map(Path::new).collect::<Vec<_>>(),
            given.unwrap_or(PEERS),
        );
    }
    let peers = given.unwrap_or(if is_check { 2 * END } else { PEERS });
    let dir = tempfile::tempdir().expect("a folder for the node");
    let node = Node::start(dir.path());
    println!("idle: {} MB resident", node.memory_mb());
    let asset = node.client().create_asset();
    let before = Written::by(&node);
    let took = make(&node, &asset, peers);
    println!("{peers} peers made in {:.1} s; {} MB resident", took.as_secs_f64(), node.memory_mb());
    Written::by(&node).show_since(&before, peers, dir.path());
    list(&node, peers);
    pages::look(&node);
    pages::follow(&node);
    node.stop();
    let node = restart("after a stop", dir.path());
    list(&node, peers);
    node.stop();
    let transfers = if is_check { 1_000 } else { TRANSFERS };
    let filled = Command::new(std::env::current_exe().expect("this binary"))
        .args([fill::WORD, &transfers.to_string()])
        .arg(dir.path().join("data"))
        .status();
    assert!(filled.expect("this binary starts").success(), "the books are filled");
    fill::forget_snapshots(&dir.path().join("data"));
    restart(&format!("after a crash, {transfers} transfers to replay"), dir.path()).stop();
}

fn restart(name: &str, dir: &Path) -> Node {
    let began = Instant::now();
    let node = Node::start(dir);
    let took = began.elapsed().as_secs_f64();
    let log = fs::read_to_string(dir.join("log")).expect("the node's log");
    let loaded = log.lines().find_map(|line| line.split_once(" loaded ")).unwrap_or_default();
    println!(
        "start {name}: ready in {took:.2} s ({}); {} MB resident",
        loaded.1.trim(),
        node.memory_mb()
    );
    node
}

/// The bytes that a node has handed to the system to be written.
struct Written {
    calls: u64,
    given: u64,
    /// The bytes that became dirty, as the kernel counts them: in whole pages, and on some kernels
    /// in whole groups of pages, however few bytes of them were written.
    dirtied: u64,
}

impl Written {
    fn by(node: &Node) -> Self {
        let text = fs::read_to_string(format!("/proc/{}/io", node.pid()));
        let text = text.expect("the node runs");
        let of = |name: &str| {
            let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
            line.and_then(|number| number.parse().ok()).expect("a number")
        };
        Self { calls: of("syscw"), given: of("wchar"), dirtied: of("write_bytes") }
    }

    fn show_since(&self, before: &Self, peers: usize, dir: &Path) {
        let each = |now: u64, before: u64| (now - before) as f64 / peers as f64;
        let file = fs::metadata(dir.join("data/db")).map_or(0, |file| file.len());
        println!(
            "written for each: {:.1} kB in {:.1} calls, which dirtied {:.0} kB of pages; sled's file has {:.1} \
             kB for each",
            each(self.given, before.given) / 1e3,
            each(self.calls, before.calls),
            each(self.dirtied, before.dirtied) / 1e3,
            each(file, 0) / 1e3,
        );
    }
}

/// Creates peers one after the other at both ends, to show their own time, and several at once in
/// between.
fn make(node: &Node, asset: &str, peers: usize) -> Duration {
    let began = Instant::now();
    show_end("first", &mut node.client(), asset, 0);
    let (from, to) = (END, peers.saturating_sub(END).max(END));
    let middle = Instant::now();
    thread::scope(|scope| {
        for number in 0..CLIENTS {
            let mut client = node.client();
            scope.spawn(move || {
                for index in (from + number..to).step_by(CLIENTS) {
                    client.create_peer(asset, index);
                }
            });
        }
    });
    let rate = (to - from) as f64 / middle.elapsed().as_secs_f64();
    println!("between, {CLIENTS} at once: {rate:.0} a second");
    // The node ends connections without a request for half a minute, so this is a new one.
    show_end("last", &mut node.client(), asset, to);
    began.elapsed()
}

fn show_end(name: &str, client: &mut Client, asset: &str, from: usize) {
    let began = Instant::now();
    let mut times: Vec<Duration> =
        (from..from + END).map(|index| client.create_peer(asset, index)).collect();
    let rate = END as f64 / began.elapsed().as_secs_f64();
    times.sort_unstable();
    println!(
        "{name} {END}, one at a time: {rate:.0} a second, p50 {:.2} ms, p99 {:.2} ms",
        ms(times[END / 2]),
        ms(times[END * 99 / 100])
    );
}

/// Requests pages at the start, in the middle and at the end of the list, each several times.
fn list(node: &Node, peers: usize) {
    let mut client = node.client();
    let mut after = Value::Null;
    // Only a cursor leads to the middle, so all pages before it are read first.
    let mut middle = Value::Null;
    let mut seen = 0;
    let walk = Instant::now();
    loop {
        let page = client.page(json!({ "first": PAGE, "after": after }));
        seen += page["edges"].as_array().map_or(0, Vec::len);
        after = page["pageInfo"]["endCursor"].clone();
        if seen <= peers / 2 {
            middle = after.clone();
        }
        if page["pageInfo"]["hasNextPage"] != true {
            break;
        }
    }
    let walked = walk.elapsed();
    assert_eq!(seen, peers, "every peer is listed once");
    for (name, variables) in [
        ("start", json!({ "first": PAGE })),
        ("middle", json!({ "first": PAGE, "after": middle })),
        ("end", json!({ "last": PAGE })),
        ("start, oldest first", json!({ "first": PAGE, "order": "ASC" })),
    ] {
        let mut times: Vec<Duration> = (0..50)
            .map(|_| {
                let began = Instant::now();
                client.page(variables.clone());
                began.elapsed()
            })
            .collect();
        times.sort_unstable();
        println!(
            "page of {PAGE} at the {name}: p50 {:.2} ms, most {:.2} ms",
            ms(times[25]),
            ms(times[49])
        );
    }
    println!("all {} pages: {:.2} s", seen.div_ceil(PAGE), walked.as_secs_f64());
}

fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1_000.0
}
