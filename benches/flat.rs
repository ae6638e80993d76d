//! The CPU time of a packet in the core without IO (token, parse, decide, hold, rewrite, complete,
//! post), in a small node and in one with 100,000 peers and 1,000,000 routes, in turns in one run:
//! once with traffic between all of its peers and over all of its routes, once between a few. The
//! time of counting is measured beside it.
//!
//! Each packet is timed by itself, since a large node costs more by waits for memory; the clock's
//! own time is measured too and subtracted. The mean is over all but the slowest hundredth, which
//! are interrupts.

#![allow(clippy::float_arithmetic, reason = "measured times and ratios, no amounts")]

use std::{
    fmt::Write,
    hint::black_box,
    pin::pin,
    sync::Arc,
    task::{Context, Poll, Waker},
    time::Instant,
};

use bytes::{Bytes, BytesMut};
use ilp_connector::{
    Connector, Decision, InFlightDefaults, PeerLimits, Policy, Source,
    account::{Account, AccountId, Balance},
    conversion::Spread,
    histogram::Histogram,
    ledger::MemoryLedger,
    peer::{Asset, NextHop, Peer, Terms},
    token::{Secret, TokenDigest},
    traffic::{Counted, Ending, OwnTraffic, Passage},
};
use interledger_packet::{Addr, FulfillBuilder, Prepare, PrepareBuilder, Timestamp};
use ring::digest::{SHA256, digest};
use uuid::Uuid;

/// The allocator of the daemon.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const FULFILLMENT: [u8; 32] = [7; 32];
const ROUTES_PER_PEER: usize = 10;
/// The number of peers and routes with concentrated traffic.
const FEW: usize = 10;
const ROUNDS: usize = 5;
/// The CPU time of a packet from wire to wire, with an HTTP/2 next hop and 64 connections, as
/// `load` measures it on the machine of the figures in `benches/README.md`. Differences are
/// compared with it.
const WHOLE_PACKET_NS: u64 = 13_000;

fn main() {
    // `cargo test --benches` and `cargo bench -- --test` only check that the benchmark runs.
    let quick = std::env::args().any(|argument| argument == "--test");
    let (peers, packets) = if quick { (1_000, 1_000) } else { (100_000, 100_000) };
    let asset = asset();
    let small = Net::new(&asset, FEW, 1);
    let large = Net::new(&asset, peers, ROUTES_PER_PEER);
    let clock_ns = clock_ns();
    println!("a look at the clock takes {clock_ns} ns, which is taken off below");

    let rows = [("all", &small, FEW), ("a few", &large, FEW), ("all", &large, peers)];
    let mut rounds: [Vec<Cost>; 3] = Default::default();
    let mut counting = Vec::new();
    for _ in 0..if quick { 1 } else { ROUNDS } {
        for ((_, net, among), costs) in rows.iter().zip(&mut rounds) {
            costs.push(net.forward(packets, *among, clock_ns));
        }
        counting.push(Counting::measure(packets));
    }
    let means: Vec<u64> =
        rounds.iter().map(|costs| median(costs.iter().map(|c| c.mean_ns))).collect();
    for (((among, net, _), costs), mean) in rows.iter().zip(&rounds).zip(&means) {
        println!(
            "{:>6} peers, {:>7} routes, traffic among {among:<5}: mean {mean} ns, p50 {} ns, p99 {} ns, {:.2} \
             times the small node's, {:+.1} % of a whole packet",
            net.peers.len(),
            net.peers.len() * net.routes_per_peer,
            median(costs.iter().map(|cost| cost.p50_ns)),
            median(costs.iter().map(|cost| cost.p99_ns)),
            *mean as f64 / means[0] as f64,
            (*mean as f64 - means[0] as f64) / WHOLE_PACKET_NS as f64 * 100.0,
        );
    }
    report_counting(&counting, means[0]);
}

fn report_counting(counting: &[Counting], core_ns: u64) {
    let of = |part: fn(&Counting) -> u64| median(counting.iter().map(part)) as f64 / 1_000.0;
    let (counters, histograms, clock) =
        (of(|c| c.counters_ps), of(|c| c.histograms_ps), of(|c| c.clock_ps));
    println!(
        "counting a packet: counters {counters:.1} ns, which is {:.1} % of the core; around it, \
         histograms {histograms:.1} ns and five looks at the clock {clock:.1} ns; all of it {:.2} % of \
         a whole packet",
        counters / core_ns as f64 * 100.0,
        (counters + histograms + clock) / WHOLE_PACKET_NS as f64 * 100.0,
    );
}

/// The time of counting, in picoseconds: less than the clock can resolve for one packet.
struct Counting {
    counters_ps: u64,
    histograms_ps: u64,
    clock_ps: u64,
}

impl Counting {
    fn measure(packets: usize) -> Self {
        let (source, destination) = (Arc::<OwnTraffic>::default(), Arc::<OwnTraffic>::default());
        let [total, own, next_hop, durability] = [(); 4].map(|()| Histogram::default());
        Self {
            counters_ps: each_ps(packets, |_| {
                let passage = {
                    let [from, to] = [&source, &destination]
                        .map(|traffic| Counted::Own(Arc::clone(black_box(traffic))));
                    Passage::begin(from, to, 100, 90)
                };
                black_box(passage).end(Ending::Fulfilled);
            }),
            histograms_ps: each_ps(packets, |index| {
                for histogram in [&total, &own, &next_hop, &durability] {
                    black_box(histogram).record(black_box(index as u64 * 16));
                }
            }),
            clock_ps: each_ps(packets, |_| {
                for _ in 0..5 {
                    black_box(Instant::now());
                }
            }),
        }
    }
}

fn each_ps(packets: usize, mut one: impl FnMut(usize)) -> u64 {
    let started = Instant::now();
    (0..packets).for_each(&mut one);
    nanoseconds(started) * 1_000 / packets as u64
}

struct Cost {
    mean_ns: u64,
    p50_ns: u64,
    p99_ns: u64,
}

/// A connector whose peers have equally many routes, all of them below their address.
struct Net {
    connector: Connector<MemoryLedger>,
    peers: Vec<Arc<Peer>>,
    routes_per_peer: usize,
}

impl Net {
    fn new(asset: &Arc<Asset>, peers: usize, routes_per_peer: usize) -> Self {
        let policy = Policy {
            amount_max_default: Some(u64::MAX),
            packets_per_minute_max_default: Some(u64::MAX),
            in_flight_default: InFlightDefaults {
                packets_max: u64::MAX,
                packets_ceiling: u64::MAX,
                amount_max: None,
                asset_share_percent_max: 50,
            },
            expiry_margin_ms: 1_000,
            hold_ms_max: 30_000,
        };
        let node = "g.node".try_into().expect("an address");
        let connector = Connector::new(node, policy, MemoryLedger);
        let peers = (0..peers).map(|index| peer(asset, index, routes_per_peer));
        let peers: Vec<_> = peers.inspect(|peer| connector.add_peer(Arc::clone(peer))).collect();
        Self { connector, peers, routes_per_peer }
    }

    /// Forwards packets between the first `among` peers.
    fn forward(&self, packets: usize, among: usize, clock_ns: u64) -> Cost {
        let now = Timestamp::from_unix_ms(1_800_000_000_000);
        let condition = digest(&SHA256, &FULFILLMENT);
        let condition: &[u8; 32] = condition.as_ref().try_into().expect("32 bytes");
        let fulfill = FulfillBuilder { fulfillment: &FULFILLMENT, data: &[0; 100] };
        let fulfill = fulfill.build().expect("a packet").into_bytes();
        let mut random = Random(0x9e37_79b9_7f4a_7c15);
        let (mut token, mut destination) = (String::new(), String::new());
        let mut took: Vec<u64> = (0..packets)
            .map(|_| {
                let from = random.below(among);
                let to = (from + 1 + random.below(among - 1)) % among;
                // The factor spreads the few peers over memory.
                let [from, to] = [from, to].map(|index| index * 7_919 % self.peers.len());
                token.clear();
                write!(token, "{from}").expect("into memory");
                destination.clear();
                let route = random.below(self.routes_per_peer);
                write!(destination, "g.peer{to}.{route}.alice.n5FDDmRPgAkDnJAPr5ak-OwXuDLTV0b7")
                    .expect("into memory");
                let packet = PrepareBuilder {
                    amount: 1,
                    expires_at: now.saturating_add_ms(20_000),
                    execution_condition: condition,
                    destination: Addr::try_from(destination.as_str()).expect("an address"),
                    data: &[0; 100],
                };
                let packet = BytesMut::from(&packet.build().expect("a packet").into_bytes()[..]);
                let answer = fulfill.clone();
                let started = Instant::now();
                let reply = black_box(self.pass(token.as_bytes(), black_box(packet), answer, now));
                let took = nanoseconds(started).saturating_sub(clock_ns);
                assert_eq!(reply.len(), fulfill.len(), "fulfilled");
                took
            })
            .collect();
        took.sort_unstable();
        let quiet = &took[..packets / 100 * 99];
        let mean_ns = quiet.iter().sum::<u64>() / quiet.len() as u64;
        Cost { mean_ns, p50_ns: took[packets / 2], p99_ns: took[quiet.len() - 1] }
    }

    fn pass(&self, token: &[u8], packet: BytesMut, answer: Bytes, now: Timestamp) -> Bytes {
        let peer = self.connector.peer_by_token(token).expect("a peer");
        let prepare = Prepare::parse(packet).expect("a packet");
        match ready(self.connector.prepare(Source::Peer(&peer), prepare, now)) {
            Decision::Send { packet, in_flight } => {
                black_box(packet);
                ready(self.connector.complete(in_flight, Ok(answer), now))
            }
            Decision::Deliver(_) | Decision::Reply(_) => unreachable!("the packet is in order"),
        }
    }
}

fn peer(asset: &Arc<Asset>, index: usize, routes: usize) -> Arc<Peer> {
    let id = Uuid::now_v7();
    let balance = Balance { credits: u128::from(u64::MAX / 2), ..Balance::default() };
    let next_hop = NextHop::new(format!("http://peer{index}:1"), Secret::new(String::new()));
    let route = |route| format!("g.peer{index}.{route}").parse().expect("a prefix");
    let terms = Terms {
        address: format!("g.peer{index}").as_str().try_into().expect("an address"),
        routes: (1..routes).map(route).collect(),
        is_default_route: false,
        tokens: vec![TokenDigest::of(index.to_string().as_bytes())],
        max_packet_amount: None,
        limits: PeerLimits::default(),
        spread: Spread::NONE,
        next_hop,
    };
    let liquidity = Arc::new(Account::new(AccountId::peer(id), balance));
    Arc::new(Peer::new(id, Arc::clone(asset), liquidity, terms))
}

fn asset() -> Arc<Asset> {
    let id = Uuid::now_v7();
    Arc::new(Asset {
        id,
        code: "USD".to_owned(),
        scale: 9,
        liquidity: Arc::new(Account::empty(AccountId::asset(id))),
        settlement: Arc::new(Account::empty(AccountId::settlement(id))),
    })
}

fn ready<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => value,
        Poll::Pending => unreachable!("a ledger in memory never waits"),
    }
}

/// Marsaglia's xorshift: the same sequence in every run.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % bound as u64).expect("less than a usize")
    }
}

fn nanoseconds(since: Instant) -> u64 {
    u64::try_from(since.elapsed().as_nanos()).unwrap_or(u64::MAX)
}

/// Returns the median time between two readings of the clock with nothing in between.
fn clock_ns() -> u64 {
    median((0..100_001).map(|_| nanoseconds(Instant::now())))
}

fn median(all: impl Iterator<Item = u64>) -> u64 {
    let mut all: Vec<u64> = all.collect();
    all.sort_unstable();
    all[all.len() / 2]
}
