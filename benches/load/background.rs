//! Packets at half of the rate that the node can carry, while an operator makes a thousand peers.

use std::{
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use bytes::Bytes;

use crate::{
    clients::{self, Inbound, Load},
    measure::Spread,
    packets,
    processes::{Admin, Process},
};

pub(crate) const NAME: &str = "background";
const CONNECTIONS: usize = 64;
const PEERS: u32 = 1_000;
const LENGTH: Duration = Duration::from_secs(5);

/// What packets and mutations took in one turn.
struct Turn {
    per_second: f64,
    p50_us: f64,
    p99_us: f64,
    /// The median of a mutation, where there were any.
    mutation_ms: f64,
}

/// The greatest rate first; then half of it, without and with peers being made, in turns.
pub(crate) fn measure(runtime: &tokio::runtime::Runtime, rounds: usize) {
    let sink = Process::role(&["sink", "both"]);
    let node = Process::node(sink.address, &[]);
    let admin = node.admin.as_ref().expect("a node has an operator");
    let load = Load {
        to: node.address,
        token: "test.sender",
        packet: Bytes::new(),
        inbound: Inbound::Http1 { connections: CONNECTIONS },
        rate: None,
        warm_up: Duration::from_millis(500),
        length: LENGTH,
    };
    let best = turn(runtime, &load).per_second;
    let half = Load { rate: Some((best / 2.0) as u64), ..load };
    let (mut alone, mut beside) = (Vec::new(), Vec::new());
    for round in 0..rounds {
        alone.push(turn(runtime, &half));
        let making = make_peers(Arc::clone(admin), round);
        let turn = turn(runtime, &half);
        beside.push(Turn { mutation_ms: making.join().expect("the peers are made"), ..turn });
    }
    println!(
        "{NAME}: at most {best:.0}/s; at half of that, {CONNECTIONS} connections, HTTP/2 hop:"
    );
    show("alone", &alone);
    show("while 1,000 peers are made", &beside);
    let mutations = Spread::of(beside.iter().map(|turn| turn.mutation_ms));
    println!(
        "    a mutation took {:.2} ms at the median, in {} s",
        mutations.median,
        LENGTH.as_secs()
    );
}

fn show(name: &str, turns: &[Turn]) {
    let median = |value: fn(&Turn) -> f64| Spread::of(turns.iter().map(value)).median;
    let ratio = Spread::of(turns.iter().map(|turn| turn.p99_us / turn.p50_us));
    println!(
        "    {name:<28}{:>8.0}/s, p50 {:.0} us, p99 {:.0} us, p99 / p50 {:.1} [{:.1}-{:.1}]",
        median(|turn| turn.per_second),
        median(|turn| turn.p50_us),
        median(|turn| turn.p99_us),
        ratio.median,
        ratio.least,
        ratio.greatest,
    );
}

fn turn(runtime: &tokio::runtime::Runtime, load: &Load) -> Turn {
    // A packet of its own, since one expires within the minute.
    let load = &Load { packet: packets::prepare("test.sink.somebody", 100), ..load.clone() };
    let mut counted = runtime.block_on(clients::run(load, || {}, || {}));
    assert_eq!(counted.failed + counted.rejected, 0, "every packet is fulfilled");
    Turn {
        per_second: counted.fulfilled as f64 / load.length.as_secs_f64(),
        p50_us: counted.latencies.percentile_us(50.0),
        p99_us: counted.latencies.percentile_us(99.0),
        mutation_ms: f64::NAN,
    }
}

/// Makes them one after the other, spread over the turn; gives the median time of one, in
/// milliseconds.
fn make_peers(admin: Arc<Admin>, round: usize) -> thread::JoinHandle<f64> {
    thread::spawn(move || {
        let began = Instant::now();
        let took = (0..PEERS).map(|number| {
            let due = LENGTH * number / PEERS;
            thread::sleep(due.saturating_sub(began.elapsed()));
            let asked = Instant::now();
            admin.create_peer(&format!("test.p{round}-{number}"), "127.0.0.1:1");
            asked.elapsed().as_secs_f64() * 1_000.0
        });
        Spread::of(took).median
    })
}
