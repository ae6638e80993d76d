//! What hostile neighbours cost a good peer: its latency alone and beside each attack, what was refused of
//! its packets, and the most memory that the node took.

use std::time::Duration;

use crate::{
    attacks::{Attack, Target},
    clients::{self, Counted, Inbound, Load},
    measure, packets,
    processes::Process,
};

pub(crate) const NAME: &str = "hostile";

const CONNECTIONS: usize = 16;
const RATE: u64 = 1_000;
const WARM_UP: Duration = Duration::from_secs(2);
const LENGTH: Duration = Duration::from_secs(6);

/// Which port is attacked.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Side {
    Packets,
    Operator,
}

struct Row {
    name: &'static str,
    attack: Attack,
    side: Side,
    /// The token of the hostile peer, or one that no peer has.
    token: &'static str,
    destination: &'static str,
}

const PEER: &str = "test.mallory";
const STRANGER: &str = "a-guess";
const ACCOMPLICE: &str = "test.accomplice";
const SINK: &str = "test.sink.somebody";
const NOWHERE: &str = "test.nobody";

const fn row(name: &'static str, attack: Attack, token: &'static str, to: &'static str) -> Row {
    Row { name, attack, side: Side::Packets, token, destination: to }
}

const ROWS: [Row; 12] = [
    row("401s not taken", Attack::Untaken { connections: 200, streams: 2_000 }, STRANGER, SINK),
    row("replies not taken", Attack::Untaken { connections: 20, streams: 4_000 }, PEER, ACCOMPLICE),
    row("rejects not taken", Attack::Untaken { connections: 200, streams: 8_000 }, PEER, NOWHERE),
    row(
        "bursts of 401s, 9 MB/s",
        Attack::Bursts { connections: 12, streams: 8_000, bytes_per_second: 9_000_000 },
        STRANGER,
        SINK,
    ),
    row("slow bodies", Attack::SlowBodies { connections: 16, streams: 1_024 }, PEER, SINK),
    row("packets taken back", Attack::Resets { connections: 8, streams: 4_000 }, PEER, NOWHERE),
    row("guesses taken back", Attack::Resets { connections: 8, streams: 4_000 }, STRANGER, SINK),
    row("rejects not read", Attack::Pipelined { connections: 100 }, PEER, NOWHERE),
    row("401s not read", Attack::Pipelined { connections: 100 }, STRANGER, SINK),
    row("silence", Attack::Silent { connections: 900 }, STRANGER, SINK),
    row("a connection for each 401", Attack::Churn { connections: 32 }, STRANGER, SINK),
    Row {
        side: Side::Operator,
        ..row("silence at the admin port", Attack::Silent { connections: 400 }, STRANGER, SINK)
    },
];

/// Attacks `port` with the row of that name until this process is killed.
pub(crate) fn attack(name: &str, port: &str) -> ! {
    let row = ROWS.iter().find(|row| row.name == name).expect("a known attack");
    let target = Target {
        port: port.parse().expect("an address"),
        token: row.token.to_owned(),
        packet: packets::prepare(row.destination, 0),
    };
    // The starter waits for a line from each process that it starts.
    println!("{port}");
    let _siege = row.attack.start(&target);
    loop {
        std::thread::park();
    }
}

/// Prints a row for each attack, the good peer's latency without it measured right before.
pub(crate) fn measure(runtime: &tokio::runtime::Runtime, filter: &str) {
    println!(
        "{:<28}{:>9}{:>9}   {:>9}{:>9}{:>8}{:>8}{:>9}{:>10}{:>10}",
        "hostile, beside",
        "p50 us",
        "p99 us",
        "p50 us",
        "p99 us",
        "p50 x",
        "p99 x",
        "carried",
        "not",
        "most MB",
    );
    for row in ROWS.iter().filter(|row| filter == NAME || row.name.contains(filter)) {
        measure_row(runtime, row);
    }
}

fn measure_row(runtime: &tokio::runtime::Runtime, row: &Row) {
    let (sink, accomplice) = (Process::role(&["sink", "both"]), Process::role(&["sink", "long"]));
    let node = Process::node(sink.address, &[]);
    let admin = node.admin.as_ref().expect("a node has an operator");
    admin.create_peer(PEER, "127.0.0.1:1");
    admin.create_peer(ACCOMPLICE, &accomplice.address.to_string());
    let load = || Load {
        to: node.address,
        token: "test.sender",
        packet: packets::prepare(SINK, 100),
        inbound: Inbound::Http1 { connections: CONNECTIONS },
        rate: Some(RATE),
        warm_up: WARM_UP,
        length: LENGTH,
    };
    let run = |load: Load| -> Counted { runtime.block_on(clients::run(&load, || {}, || {})) };
    let mut alone = run(load());
    let port = match row.side {
        Side::Packets => node.address,
        Side::Operator => admin.address(),
    };
    let attackers = Process::role(&["attack", row.name, &port.to_string()]);
    let mut beside = run(load());
    let most_kb = measure::status_kb(node.pid(), "VmHWM");
    drop(attackers);
    let both = |counted: &mut Counted| {
        (counted.latencies.percentile_us(50.0), counted.latencies.percentile_us(99.0))
    };
    let ((p50_alone, p99_alone), (p50, p99)) = (both(&mut alone), both(&mut beside));
    println!(
        "{:<28}{p50_alone:>9.0}{p99_alone:>9.0}   {p50:>9.0}{p99:>9.0}{:>8.2}{:>8.2}{:>9}{:>10}{:>10.1}",
        row.name,
        p50 / p50_alone,
        p99 / p99_alone,
        beside.fulfilled,
        beside.failed + beside.rejected + alone.failed + alone.rejected,
        most_kb as f64 / 1_000.0,
    );
}
