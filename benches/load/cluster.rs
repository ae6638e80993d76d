//! A node whose log is in PostgreSQL as well, beside a node without, in turns and in one run.
//!
//! Load, next hop, both nodes, the primary and its synchronous standby share the machine's cores, so
//! the CPU of each per packet carries over to other machines, and the rate doesn't.

use std::{path::PathBuf, process::Command, time::Duration};

use crate::{
    clients::{self, Inbound, Load},
    measure::{self, Spread},
    packets,
    postgres::{Postgres, Server},
    processes::Process,
};

pub(crate) const NAME: &str = "cluster";
const WARM_UP: Duration = Duration::from_millis(500);
const LENGTH: Duration = Duration::from_millis(2_500);

/// The measurements of one turn.
struct Turn {
    per_second: f64,
    p50_us: f64,
    p99_us: f64,
    /// The CPU time per packet of the node, of the primary and of the standby.
    cpu_us: [f64; 3],
}

/// Measures each number of connections.
pub(crate) fn measure(runtime: &tokio::runtime::Runtime, rounds: usize) {
    let Some(postgres) = Postgres::pair() else { return };
    let binary = std::env::var_os("JIRANI_BENCH_BINARY")
        .map_or_else(|| PathBuf::from(env!("CARGO_BIN_EXE_jirani")), PathBuf::from);
    // The variables of the benchmark are none of the node.
    let mut init = Command::new(binary);
    let made = init.args(["cluster", "init", &postgres.url()]).env_clear().output();
    assert!(made.is_ok_and(|output| output.status.success()), "the cluster can be made");
    let sink = Process::role(&["sink", "both"]);
    let alone = Process::node(sink.address, &[]);
    let url = postgres.url();
    let shared = Process::node(sink.address, &[("JIRANI_CLUSTER_URL", &url)]);
    println!("{}", measure::machine());
    println!(
        "{:<24}{:>9}{:>9}{:>9}{:>8}{:>12}{:>12}{:>18}",
        "connections",
        "per s",
        "p50 us",
        "p99 us",
        "CPU us",
        "primary us",
        "standby us",
        "CPU ratio"
    );
    for (connections, rate) in [(1, None), (16, None), (64, None), (256, None), (64, Some(5_000))] {
        let mut turns = (Vec::new(), Vec::new());
        for _ in 0..rounds {
            turns.0.push(runtime.block_on(turn(&alone, &postgres, connections, rate)));
            turns.1.push(runtime.block_on(turn(&shared, &postgres, connections, rate)));
        }
        let row = rate.map_or_else(String::new, |rate| format!(" at {rate}/s"));
        show(&format!("{connections}{row}, alone"), &turns.0, None);
        show(&format!("{connections}{row}, cluster"), &turns.1, Some(&turns.0));
    }
}

async fn turn(
    subject: &Process,
    postgres: &Postgres,
    connections: usize,
    rate: Option<u64>,
) -> Turn {
    let load = Load {
        to: subject.address,
        token: "test.sender",
        packet: packets::prepare("test.sink.somebody", 100),
        inbound: Inbound::Http1 { connections },
        rate,
        warm_up: WARM_UP,
        length: LENGTH,
    };
    // A database's process for each connection lives as long as the connection.
    let pids = [
        vec![subject.pid()],
        postgres.processes(Server::Primary),
        postgres.processes(Server::Standby),
    ];
    let used = || pids.each_ref().map(|pids| pids.iter().map(|pid| measure::cpu_ns(*pid)).sum());
    let (mut before, mut after) = ([0_u64; 3], [0_u64; 3]);
    let mut counted = clients::run(&load, || before = used(), || after = used()).await;
    let packets = counted.latencies.len() as f64;
    assert_eq!(counted.rejected + counted.failed, 0, "all packets are fulfilled");
    let cpu_us = [0, 1, 2].map(|at| (after[at] - before[at]) as f64 / 1_000.0 / packets);
    Turn {
        per_second: packets / LENGTH.as_secs_f64(),
        p50_us: counted.latencies.percentile_us(50.0),
        p99_us: counted.latencies.percentile_us(99.0),
        cpu_us,
    }
}

fn show(name: &str, turns: &[Turn], baseline: Option<&[Turn]>) {
    let median = |value: &dyn Fn(&Turn) -> f64| Spread::of(turns.iter().map(value)).median;
    let ratio = baseline.map_or_else(String::new, |baseline| {
        let ratios = turns.iter().zip(baseline).map(|(turn, base)| turn.cpu_us[0] / base.cpu_us[0]);
        let Spread { median, least, greatest } = Spread::of(ratios);
        format!("{median:.2} [{least:.2}-{greatest:.2}]")
    });
    println!(
        "{name:<24}{:>9.0}{:>9.0}{:>9.0}{:>8.1}{:>12.1}{:>12.1}{ratio:>18}",
        median(&|turn| turn.per_second),
        median(&|turn| turn.p50_us),
        median(&|turn| turn.p99_us),
        median(&|turn| turn.cpu_us[0]),
        median(&|turn| turn.cpu_us[1]),
        median(&|turn| turn.cpu_us[2]),
    );
}
