//! Packets at half of the rate that the node can carry, while an operator makes a thousand peers, and
//! while operators look at its pages.

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use bytes::Bytes;

use crate::{
    clients::{self, Inbound, Load},
    measure::{self, Spread},
    packets,
    processes::{Admin, Process},
};

pub(crate) const NAME: &str = "background";
const CONNECTIONS: usize = 64;
const PEERS: u32 = 1_000;
const LENGTH: Duration = Duration::from_secs(5);
/// The number of followers of the overview, which is sent to them every second.
const FOLLOWERS: usize = 4;

/// The times of packets and mutations in one turn.
struct Turn {
    per_second: f64,
    p50_us: f64,
    p99_us: f64,
    /// The CPU time of the node per packet.
    cpu_us: f64,
    /// The median time of a mutation, where there were any.
    mutation_ms: f64,
}

/// Measures the greatest rate first; then, at half of it, turns without and with peers being
/// created.
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
    let turn = |load: &Load| turn(runtime, load, node.pid());
    let best = turn(&load).per_second;
    let half = Load { rate: Some((best / 2.0) as u64), ..load };
    let (mut alone, mut beside, mut looked_at) = (Vec::new(), Vec::new(), Vec::new());
    for round in 0..rounds {
        alone.push(turn(&half));
        let making = make_peers(Arc::clone(admin), round);
        let made_beside = turn(&half);
        let mutation_ms = making.join().expect("the peers are made");
        beside.push(Turn { mutation_ms, ..made_beside });
        let looking = look_at_pages(admin.address());
        looked_at.push(turn(&half));
        looking.into_iter().for_each(|looking| looking.join().expect("the pages answer"));
    }
    println!(
        "{NAME}: at most {best:.0}/s; at half of that, {CONNECTIONS} connections, HTTP/2 hop:"
    );
    show("alone", &alone);
    show("while 1,000 peers are made", &beside);
    show("while pages are looked at", &looked_at);
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
        "    {name:<28}{:>8.0}/s, {:.1} us of CPU, p50 {:.0} us, p99 {:.0} us, p99 / p50 {:.1} \
         [{:.1}-{:.1}]",
        median(|turn| turn.per_second),
        median(|turn| turn.cpu_us),
        median(|turn| turn.p50_us),
        median(|turn| turn.p99_us),
        ratio.median,
        ratio.least,
        ratio.greatest,
    );
}

fn turn(runtime: &tokio::runtime::Runtime, load: &Load, node: u32) -> Turn {
    // Each turn has a packet of its own, since a packet expires within the minute.
    let load = &Load { packet: packets::prepare("test.sink.somebody", 100), ..load.clone() };
    let (mut before, mut used) = (0, 0);
    let at_start = || before = measure::cpu_ns(node);
    let mut counted = {
        let at_end = || used = measure::cpu_ns(node);
        runtime.block_on(clients::run(load, at_start, at_end))
    };
    assert_eq!(counted.failed + counted.rejected, 0, "every packet is fulfilled");
    Turn {
        per_second: counted.fulfilled as f64 / load.length.as_secs_f64(),
        p50_us: counted.latencies.percentile_us(50.0),
        p99_us: counted.latencies.percentile_us(99.0),
        cpu_us: (used - before) as f64 / 1_000.0 / counted.fulfilled as f64,
        mutation_ms: f64::NAN,
    }
}

/// Creates peers one after the other, spread over the turn; returns the median time of one, in
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

/// Follows the overview for the length of a turn, and opens it and the list of peers twice a
/// second.
fn look_at_pages(admin: SocketAddr) -> Vec<thread::JoinHandle<()>> {
    let until = Instant::now() + LENGTH;
    let follow = move || {
        let mut stream = ask(admin, "/live/overview");
        let mut buffer = [0; 16 * 1_024];
        while Instant::now() < until {
            // Every second the stream has data.
            let read = stream.read(&mut buffer).expect("the overview goes on");
            assert_ne!(read, 0, "the overview goes on");
        }
    };
    let open = move || {
        while Instant::now() < until {
            for path in ["/", "/peers"] {
                let mut page = String::new();
                ask(admin, path).read_to_string(&mut page).expect("a page");
                assert!(page.starts_with("HTTP/1.1 200"), "{page}");
            }
            thread::sleep(Duration::from_millis(500));
        }
    };
    (0..FOLLOWERS).map(|_| thread::spawn(follow)).chain([thread::spawn(open)]).collect()
}

fn ask(admin: SocketAddr, path: &str) -> TcpStream {
    let mut stream = TcpStream::connect(admin).expect("a connection");
    stream.set_read_timeout(Some(LENGTH)).expect("a timeout");
    let request = format!("GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).expect("a request");
    stream
}
