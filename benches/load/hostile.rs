//! The cost of hostile neighbours to a good peer: its latency alone and beside each attack, its
//! refused packets, and the most memory that the node took.

use std::time::Duration;

use crate::{
    attacks::{Attack, Target},
    clients::{self, Counted, Inbound, Load},
    measure::{self, Spread},
    packets,
    processes::Process,
};

pub(crate) const NAME: &str = "hostile";

const CONNECTIONS: usize = 16;
const RATE: u64 = 1_000;
/// The niceness at which a process runs only when no other wants to.
const NICENESS_MAX: i32 = 19;
const WARM_UP: Duration = Duration::from_millis(1_500);
const LENGTH: Duration = Duration::from_secs(4);

/// The origin of an attack.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Side {
    /// Clients of the packets' port.
    Packets,
    /// Clients of the admin port.
    Operator,
    /// A next hop in this role, to which a peer sends packets.
    NextHop(&'static str),
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

/// An attack that only sends packets.
const ASKING: Attack = Attack::Asking { connections: 64 };

const fn row(name: &'static str, attack: Attack, token: &'static str, to: &'static str) -> Row {
    Row { name, attack, side: Side::Packets, token, destination: to }
}

const ROWS: [Row; 14] = [
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
    Row {
        side: Side::NextHop("interim"),
        ..row("a next hop of endless 1xx", ASKING, PEER, ACCOMPLICE)
    },
    Row {
        side: Side::NextHop("trickle"),
        ..row("a next hop of endless heads", ASKING, PEER, ACCOMPLICE)
    },
];

/// Attacks `port` with the row of that name until this process is killed. Only with CPU time that nothing
/// else wants: hostile neighbours have machines of their own.
pub(crate) fn attack(name: &str, port: &str) -> ! {
    rustix::process::nice(NICENESS_MAX).expect("a process may always be nicer");
    let row = ROWS.iter().find(|row| row.name == name).expect("a known attack");
    let target = Target {
        port: port.parse().expect("an address"),
        token: row.token.to_owned(),
        packet: packets::prepare(row.destination, 0),
    };
    // The parent waits for a line from each process that it starts.
    println!("{port}");
    let _siege = row.attack.start(&target);
    loop {
        std::thread::park();
    }
}

/// Prints a row for each attack whose name contains `filter`. Turns without the attack and turns
/// beside it alternate, and each pair of them gives one ratio. The attackers share the machine's
/// cores with all other processes, so some of their own use is in these numbers too.
pub(crate) fn measure(runtime: &tokio::runtime::Runtime, filter: &str, rounds: usize) {
    println!(
        "{:<28}{:>8}{:>8}{:>6}   {:>8}{:>8}{:>6}{:>7}{:>18}{:>9}{:>5}{:>8}",
        "hostile: alone, beside",
        "p50 us",
        "p99 us",
        "cores",
        "p50 us",
        "p99 us",
        "cores",
        "p50 x",
        "p99 x",
        "carried",
        "not",
        "most MB",
    );
    for row in ROWS.iter().filter(|row| row.name.contains(filter)) {
        measure_row(runtime, row, rounds);
    }
}

/// The good peer's counts in one turn, and the cores that the node used meanwhile.
struct Turn {
    counted: Counted,
    cores: f64,
}

impl Turn {
    fn percentile_us(&mut self, percent: f64) -> f64 {
        self.counted.latencies.percentile_us(percent)
    }
}

fn turn(runtime: &tokio::runtime::Runtime, node: &Process) -> Turn {
    let load = Load {
        to: node.address,
        token: "test.sender",
        packet: packets::prepare(SINK, 100),
        inbound: Inbound::Http1 { connections: CONNECTIONS },
        rate: Some(RATE),
        warm_up: WARM_UP,
        length: LENGTH,
    };
    let (mut before, mut used) = (0, 0);
    let at_start = || before = measure::cpu_ns(node.pid());
    let at_end = || used = measure::cpu_ns(node.pid());
    let counted = runtime.block_on(clients::run(&load, at_start, at_end));
    Turn { counted, cores: (used - before) as f64 / LENGTH.as_nanos() as f64 }
}

fn measure_row(runtime: &tokio::runtime::Runtime, row: &Row, rounds: usize) {
    let next_hop = if let Side::NextHop(role) = row.side { role } else { "long" };
    let (sink, accomplice) = (Process::role(&["sink", "both"]), Process::role(&["sink", next_hop]));
    let node = Process::node(sink.address, &[]);
    let admin = node.admin.as_ref().expect("a node has an operator");
    admin.create_peer(PEER, "127.0.0.1:1");
    admin.create_peer(ACCOMPLICE, &accomplice.address.to_string());
    let port = match row.side {
        Side::Packets | Side::NextHop(_) => node.address,
        Side::Operator => admin.address(),
    };
    let (mut alone, mut beside) = (Vec::new(), Vec::new());
    for _ in 0..rounds {
        alone.push(turn(runtime, &node));
        let attackers = Process::role(&["attack", row.name, &port.to_string()]);
        beside.push(turn(runtime, &node));
        drop(attackers);
    }
    show(row, &mut alone, &mut beside, measure::status_kb(node.pid(), "VmHWM"));
}

fn show(row: &Row, alone: &mut [Turn], beside: &mut [Turn], most_kb: u64) {
    let median = |values: Vec<f64>| Spread::of(values).median;
    let mut percentiles = |percent: f64| {
        let of = |turns: &mut [Turn]| -> Vec<f64> {
            turns.iter_mut().map(|turn| turn.percentile_us(percent)).collect()
        };
        let (alone, beside) = (of(alone), of(beside));
        let ratio = Spread::of(beside.iter().zip(&alone).map(|(beside, alone)| beside / alone));
        (median(alone), median(beside), ratio)
    };
    let (p50_alone, p50, p50_ratio) = percentiles(50.0);
    let (p99_alone, p99, p99_ratio) = percentiles(99.0);
    let Spread { median: p99_x, least, greatest } = p99_ratio;
    let p99_x = format!("{p99_x:.2} [{least:.2}-{greatest:.2}]");
    let cores = |turns: &[Turn]| median(turns.iter().map(|turn| turn.cores).collect());
    let (cores_alone, cores) = (cores(alone), cores(beside));
    let fulfilled: u64 = beside.iter().map(|turn| turn.counted.fulfilled).sum();
    let turns = alone.iter().chain(beside.iter());
    let not: u64 = turns.map(|turn| turn.counted.failed + turn.counted.rejected).sum();
    println!(
        "{:<28}{p50_alone:>8.0}{p99_alone:>8.0}{cores_alone:>6.2}   {p50:>8.0}{p99:>8.0}{cores:>6.2}\
         {:>7.2}{p99_x:>18}{fulfilled:>9}{not:>5}{:>8.1}",
        row.name,
        p50_ratio.median,
        most_kb as f64 / 1_000.0,
    );
}
