//! Five times as much load as the node can carry.
//!
//! On two cores no load can outrun a node that is bound by the processor and leave it any of it. So
//! the node is bound by its packets in flight, with a next hop that takes its time: its capacity is
//! then known, and the load has the cores to offer five times as much.

use std::time::{Duration, Instant};

use crate::{
    clients::{self, Counted, Inbound, Load},
    measure::{self, Spread},
    packets,
    processes::Process,
};

pub(crate) const NAME: &str = "overload";
const IN_FLIGHT_MAX: &str = "64";
const IN_FLIGHT: usize = 64;
const TIMES: f64 = 5.0;

/// The packets per second of one turn.
struct Turn {
    best: f64,
    fulfilled: f64,
    refused: f64,
    /// The rate in the second after the load has fallen.
    after: f64,
}

/// Loads the node at its capacity, then at five times that, then at its capacity again.
pub(crate) fn measure(runtime: &tokio::runtime::Runtime, rounds: usize) {
    let sink = Process::role(&["sink", "slow"]);
    let node = Process::node(sink.address, &[("JIRANI_PACKET_IN_FLIGHT_MAX", IN_FLIGHT_MAX)]);
    let load = Load {
        to: node.address,
        token: "test.sender",
        packet: packets::prepare("test.sink.somebody", 100),
        inbound: Inbound::Http2 { connections: 1, streams: IN_FLIGHT },
        rate: None,
        warm_up: Duration::ZERO,
        length: Duration::from_secs(2),
    };
    let resident_kb = || measure::status_kb(node.pid(), "VmRSS");
    let turn = || {
        let warm = Load { warm_up: Duration::from_millis(500), ..load.clone() };
        let best = per_second(run(runtime, &warm).fulfilled, &warm);
        let over = Load {
            inbound: Inbound::Http2 { connections: 4, streams: 256 },
            rate: Some((best * TIMES) as u64),
            ..load.clone()
        };
        let counted = run(runtime, &over);
        let after = Load { length: Duration::from_secs(1), ..load.clone() };
        Turn {
            best,
            fulfilled: per_second(counted.fulfilled, &over),
            refused: per_second(counted.rejected, &over),
            after: per_second(run(runtime, &after).fulfilled, &after),
        }
    };
    let turns: Vec<Turn> = (0..1).map(|_| turn()).collect();
    let resident_before_kb = resident_kb();
    let started = Instant::now();
    let turns: Vec<Turn> = turns.into_iter().chain((1..rounds).map(|_| turn())).collect();
    let median = |value: fn(&Turn) -> f64| Spread::of(turns.iter().map(value)).median;
    println!(
        "{NAME}: alone {:.0}/s; of {TIMES} times that, fulfilled {:.0}/s ({:.2} [{:.2}-{:.2}]) and refused \
         {:.0}/s; in the second after, {:.2} of what it was; resident {:.1} MB after the first turn, {:.1} MB \
         after {:.0} s more",
        median(|turn| turn.best),
        median(|turn| turn.fulfilled),
        Spread::of(turns.iter().map(|turn| turn.fulfilled / turn.best)).median,
        Spread::of(turns.iter().map(|turn| turn.fulfilled / turn.best)).least,
        Spread::of(turns.iter().map(|turn| turn.fulfilled / turn.best)).greatest,
        median(|turn| turn.refused),
        median(|turn| turn.after / turn.best),
        resident_before_kb as f64 / 1_000.0,
        resident_kb() as f64 / 1_000.0,
        started.elapsed().as_secs_f64(),
    );
}

fn run(runtime: &tokio::runtime::Runtime, load: &Load) -> Counted {
    runtime.block_on(clients::run(load, || {}, || {}))
}

fn per_second(count: u64, load: &Load) -> f64 {
    count as f64 / load.length.as_secs_f64()
}
