//! The cost of a packet to a node, beside the cost of the same bytes to a bare reverse proxy in the
//! same run.
//!
//! Load, next hop, proxy and node are processes of their own on one machine. For each shape of load
//! the proxy and the node take turns, and each pair of turns gives one ratio; the table has the
//! median of the ratios with the least and the greatest. CPU is the time that the subject's threads
//! used while the load was warm. Steal is the time that the hypervisor took: a row with much of it
//! says little.
//!
//! `cargo bench --bench load` runs all rows; the last ones measure more load than the node can
//! carry, and the effect on packets of peers that are made meanwhile. `-- ROW` runs those whose
//! name contains it. `JIRANI_BENCH_BINARY` names another node to be measured, `JIRANI_BENCH_ROUNDS`
//! another number of turns. `-- hostile` is separate from these rows: it measures the effect of
//! each kind of hostile neighbour on a good peer; `-- hostile ROW` runs those whose name contains
//! it. `-- cluster` measures a node over PostgreSQL beside one without.

#![allow(clippy::float_arithmetic, reason = "measured times and ratios, no amounts")]

#[expect(dead_code, reason = "the tests alone have slow heads and end an attack early")]
#[path = "../../tests/hostile_ports/attacks.rs"]
mod attacks;
mod background;
mod clients;
mod cluster;
#[path = "../../tests/hostile_ports/frames.rs"]
mod frames;
mod hostile;
mod measure;
mod overload;
mod packets;
#[expect(dead_code, reason = "the tests alone have faults")]
#[path = "../../tests/support/postgres.rs"]
mod postgres;
mod processes;
mod servers;

use std::time::Duration;

use clients::{Inbound, Load};
use measure::{Machine, Spread};
use processes::Process;
use servers::Speaks;

const ROUNDS: usize = 5;
const WARM_UP: Duration = Duration::from_millis(500);
const LENGTH: Duration = Duration::from_millis(2_500);

fn main() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.expect("a runtime");
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words[..] {
        ["sink", "http1"] => runtime.block_on(servers::sink(Speaks::Http1)),
        ["sink", "both"] => runtime.block_on(servers::sink(Speaks::Both)),
        ["sink", "long"] => runtime.block_on(servers::long_sink()),
        ["attack", name, port] => hostile::attack(name, port),
        ["sink", "interim"] => runtime.block_on(servers::endless_sink(INTERIM, None)),
        ["sink", "trickle"] => {
            runtime.block_on(servers::endless_sink(b"a", Some(Duration::from_millis(5))));
        }
        ["sink", "slow"] => runtime.block_on(servers::slow_sink()),
        ["hello"] => runtime.block_on(servers::hello()),
        ["proxy", to] => {
            runtime.block_on(servers::proxy(to.parse().expect("an address"), Speaks::Both));
        }
        // `cargo test --benches` only checks that the benchmark runs.
        _ if words.contains(&"--test") => table(&runtime, "64", 1, LENGTH / 10),
        _ => {
            let rounds = std::env::var("JIRANI_BENCH_ROUNDS").ok();
            let rounds = rounds.and_then(|text| text.parse().ok()).unwrap_or(ROUNDS);
            let mut filters = words.iter().filter(|word| !word.starts_with("--"));
            let filter = filters.next().unwrap_or(&"");
            if hostile::NAME == *filter {
                hostile::measure(&runtime, filters.next().unwrap_or(&""), rounds);
                processes::delete_data();
                return;
            }
            if cluster::NAME == *filter {
                cluster::measure(&runtime, rounds);
                processes::delete_data();
                return;
            }
            table(&runtime, filter, rounds, LENGTH);
            if overload::NAME.contains(filter) {
                overload::measure(&runtime, rounds);
            }
            if background::NAME.contains(filter) {
                background::measure(&runtime, rounds);
            }
            processes::delete_data();
        }
    }
}

/// Interim responses, two in one read.
const INTERIM: &[u8] = b"HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 103 Early Hints\r\n\r\n";

/// A shape of load, and the baseline of the node.
struct Row {
    name: &'static str,
    inbound: Inbound,
    rate: Option<u64>,
    next_hop: Speaks,
    /// The destination of the packets: the next hop, or an address without a route.
    destination: &'static str,
    baseline: &'static str,
}

const SINK: &str = "test.sink.somebody";
const NOWHERE: &str = "test.nobody";

const fn row(name: &'static str, connections: usize, next_hop: Speaks) -> Row {
    let inbound = Inbound::Http1 { connections };
    Row { name, inbound, rate: None, next_hop, destination: SINK, baseline: "proxy" }
}

const ROWS: [Row; 11] = [
    row("1, HTTP/1.1 hop", 1, Speaks::Http1),
    row("16, HTTP/1.1 hop", 16, Speaks::Http1),
    row("64, HTTP/1.1 hop", 64, Speaks::Http1),
    row("64, HTTP/2 hop", 64, Speaks::Both),
    row("256, HTTP/1.1 hop", 256, Speaks::Http1),
    row("256, HTTP/2 hop", 256, Speaks::Both),
    Row { rate: Some(10_000), ..row("64 at 10,000/s, HTTP/1.1 hop", 64, Speaks::Http1) },
    Row { rate: Some(10_000), ..row("64 at 10,000/s, HTTP/2 hop", 64, Speaks::Both) },
    Row {
        inbound: Inbound::Http2 { connections: 4, streams: 16 },
        ..row("HTTP/2 4 x 16, HTTP/2 hop", 0, Speaks::Both)
    },
    Row {
        inbound: Inbound::Http2 { connections: 1, streams: 256 },
        ..row("HTTP/2 1 x 256, HTTP/2 hop", 0, Speaks::Both)
    },
    Row { destination: NOWHERE, baseline: "hello", ..row("reject, 1", 1, Speaks::Http1) },
];

/// One turn of one subject.
struct Turn {
    per_second: f64,
    cpu_us: f64,
    p50_us: f64,
    p99_us: f64,
    stolen_percent: f64,
    rejected: u64,
    failed: u64,
}

fn table(runtime: &tokio::runtime::Runtime, filter: &str, rounds: usize, length: Duration) {
    println!("{}", measure::machine());
    println!(
        "{:<30}{:>9}{:>8}{:>9}{:>9}   {:>9}{:>8}{:>9}{:>9}   {:>18}{:>18}{:>8}",
        "row (connections)",
        "base/s",
        "CPU us",
        "p50 us",
        "p99 us",
        "node/s",
        "CPU us",
        "p50 us",
        "p99 us",
        "CPU ratio",
        "rate ratio",
        "steal %",
    );
    for row in ROWS.iter().filter(|row| row.name.contains(filter)) {
        measure_row(runtime, row, rounds, length);
    }
}

fn measure_row(runtime: &tokio::runtime::Runtime, row: &Row, rounds: usize, length: Duration) {
    let speaks = if row.next_hop == Speaks::Http1 { "http1" } else { "both" };
    let sink = Process::role(&["sink", speaks]);
    let baseline = match row.baseline {
        "hello" => Process::role(&["hello"]),
        // The baseline speaks HTTP/1.1 to its next hop in every row.
        _ => Process::role(&["proxy", &sink.address.to_string()]),
    };
    let node = Process::node(sink.address, &[]);
    let turn = |subject: &Process| runtime.block_on(turn(subject, row, length));
    let mut turns = (Vec::new(), Vec::new());
    for _ in 0..rounds {
        turns.0.push(turn(&baseline));
        turns.1.push(turn(&node));
    }
    show(row, &turns.0, &turns.1, measure::status_kb(node.pid(), "VmRSS"));
}

async fn turn(subject: &Process, row: &Row, length: Duration) -> Turn {
    let load = Load {
        to: subject.address,
        token: "test.sender",
        packet: packets::prepare(row.destination, 100),
        inbound: row.inbound,
        rate: row.rate,
        warm_up: WARM_UP,
        length,
    };
    let (mut before, mut used, machine) = (0, 0, Machine::now());
    let at_start = || before = measure::cpu_ns(subject.pid());
    let mut counted = {
        let at_end = || used = measure::cpu_ns(subject.pid());
        clients::run(&load, at_start, at_end).await
    };
    let packets = counted.latencies.len() as f64;
    Turn {
        per_second: packets / length.as_secs_f64(),
        cpu_us: (used - before) as f64 / 1_000.0 / packets,
        p50_us: counted.latencies.percentile_us(50.0),
        p99_us: counted.latencies.percentile_us(99.0),
        stolen_percent: machine.stolen_since(),
        rejected: counted.rejected,
        failed: counted.failed,
    }
}

fn show(row: &Row, baseline: &[Turn], node: &[Turn], node_kb: u64) {
    let median =
        |turns: &[Turn], value: fn(&Turn) -> f64| Spread::of(turns.iter().map(value)).median;
    let ratio = |value: fn(&Turn) -> f64| {
        Spread::of(node.iter().zip(baseline).map(|(node, base)| value(node) / value(base)))
    };
    let spread = |Spread { median, least, greatest }: Spread| {
        format!("{median:.2} [{least:.2}-{greatest:.2}]")
    };
    let four = |turns: &[Turn]| {
        format!(
            "{:>9.0}{:>8.1}{:>9.0}{:>9.0}",
            median(turns, |turn| turn.per_second),
            median(turns, |turn| turn.cpu_us),
            median(turns, |turn| turn.p50_us),
            median(turns, |turn| turn.p99_us),
        )
    };
    println!(
        "{:<30}{}   {}   {:>18}{:>18}{:>8.1}",
        row.name,
        four(baseline),
        four(node),
        spread(ratio(|turn| turn.cpu_us)),
        spread(ratio(|turn| turn.per_second)),
        median(node, |turn| turn.stolen_percent).max(median(baseline, |turn| turn.stolen_percent)),
    );
    let expect_rejects = row.destination == NOWHERE;
    let odd: u64 = baseline
        .iter()
        .chain(node)
        .map(|turn| turn.failed + if expect_rejects { 0 } else { turn.rejected })
        .sum();
    if odd > 0 {
        println!("    {odd} packets were not answered as expected: this row measures nothing");
    }
    if row.rate.is_none() && row.destination == SINK {
        println!("    node resident: {:.1} MB", node_kb as f64 / 1_000.0);
    }
}
