//! The time of a route lookup, among ten routes and among a million, in turns in one run; of adding
//! routes to tables of three sizes while two threads resolve; and the memory that a route takes.
//!
//! Each lookup is timed by itself, with addresses at random over all routes, since its time is a
//! packet's wait for memory; the clock's own time is measured too and subtracted. Packets come in
//! buffers that are used again and again, so the addresses do too. A loop without clock, in which
//! the processor works on several lookups at once, is shown beside it: its addresses were all made
//! before, and take their share of the caches.
//!
//! The time of one read of random memory is measured in the same way, since no table of that size
//! can do without one. Another row has realistic traffic, in which a few destinations have most of
//! the packets.

use std::{
    fmt::{self, Write},
    fs,
    hint::black_box,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread,
    time::Instant,
};

use ilp_connector::{
    Connector, InFlightDefaults, PeerLimits, Policy,
    account::{Account, AccountId},
    conversion,
    ledger::MemoryLedger,
    peer::{Asset, NextHop, Peer, Terms},
    token::Secret,
};
use interledger_packet::{Addr, Address, Timestamp};
use uuid::Uuid;

/// The allocator of the daemon, so that a route takes the memory that it takes there.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const ROUTES_PER_PEER: usize = 1_000;
const ROUNDS: usize = 5;

fn main() {
    // `cargo test --benches` and `cargo bench -- --test` only check that the benchmark runs.
    let quick = std::env::args().any(|argument| argument == "--test");
    let (large, looked_up) = if quick { (10_000, 1_000) } else { (1_000_000, 200_000) };
    let asset = asset();
    let small = Net::new(&asset, 10);
    let before = resident_bytes();
    let started = Instant::now();
    let large = Net::new(&asset, large);
    let took = started.elapsed();
    println!(
        "{} routes through {} peers: {} bytes a route, {} ns to add one at the start",
        large.routes,
        large.routes.div_ceil(ROUTES_PER_PEER),
        resident_bytes().saturating_sub(before) / large.routes as u64,
        took.as_nanos() / large.routes as u128,
    );

    let clock_ns = clock_ns();
    println!("a look at the clock takes {clock_ns} ns, which is taken off below");
    println!("steal: {} ticks before", steal_ticks());
    let rows = [(&small, Spread::Even), (&large, Spread::Even), (&large, Spread::Skewed)];
    let mut rounds: [Vec<Cost>; 3] = Default::default();
    for _ in 0..if quick { 1 } else { ROUNDS } {
        for ((net, spread), costs) in rows.iter().zip(&mut rounds) {
            costs.push(net.resolve(looked_up, *spread, clock_ns));
        }
    }
    for ((net, spread), costs) in rows.iter().zip(&mut rounds) {
        let median = |of: fn(&Cost) -> u64| {
            let mut all: Vec<u64> = costs.iter().map(of).collect();
            all.sort_unstable();
            format!("{} ({} to {})", all[all.len() / 2], all[0], all[all.len() - 1])
        };
        println!(
            "resolve among {:>9} routes, {}: p50 {} ns, p99 {} ns, in a loop {} ns",
            net.routes,
            match spread {
                Spread::Even => "at random over all",
                Spread::Skewed => "half of it to a thousandth of them",
            },
            median(|cost| cost.p50_ns),
            median(|cost| cost.p99_ns),
            median(|cost| cost.loop_ns),
        );
    }
    for megabytes in [1, 16, 64] {
        let (p50_ns, p99_ns) = memory_ns(megabytes, clock_ns);
        println!(
            "one look into {megabytes} MB of memory at random: p50 {p50_ns} ns, p99 {p99_ns} ns"
        );
    }
    println!("steal: {} ticks after", steal_ticks());
    large.add_peer("g.new.so.deep.that.all.look.there", 0..0);
    let cost = large.resolve(looked_up, Spread::Even, clock_ns);
    println!(
        "with one more route, of eight segments where all others have three: p50 {} ns, p99 {} ns",
        cost.p50_ns, cost.p99_ns
    );

    drop((small, large));
    for routes in if quick { [10, 100, 1_000] } else { [10, 100_000, 1_000_000] } {
        Net::new(&asset, routes).add_while_resolving(if quick { 100 } else { 5_000 });
    }
}

/// The distribution of packets over routes.
#[derive(Clone, Copy)]
enum Spread {
    /// Every route gets equally many packets.
    Even,
    /// Half of them to a thousandth of the routes, a quarter to a hundredth, the rest to any.
    Skewed,
}

struct Cost {
    p50_ns: u64,
    p99_ns: u64,
    loop_ns: u64,
}

/// A connector, and the number of its routes.
struct Net {
    connector: Connector<MemoryLedger>,
    asset: Arc<Asset>,
    routes: usize,
}

impl Net {
    /// Makes a thousand routes to each peer, the most that one has.
    fn new(asset: &Arc<Asset>, routes: usize) -> Self {
        let in_flight_default = InFlightDefaults {
            packets_max: u64::MAX,
            packets_ceiling: u64::MAX,
            amount_max: None,
            asset_share_percent_max: 100,
        };
        let policy = Policy {
            amount_max_default: None,
            packets_per_minute_max_default: None,
            in_flight_default,
            expiry_margin_ms: 1_000,
            hold_ms_max: 30_000,
        };
        let node = Address::try_from("g.node").expect("an address");
        let net = Self {
            connector: Connector::new(node, policy, MemoryLedger),
            asset: Arc::clone(asset),
            routes,
        };
        for first in (0..routes).step_by(ROUTES_PER_PEER) {
            let last = routes.min(first + ROUTES_PER_PEER);
            net.add_peer(&prefix(first), first + 1..last);
        }
        net
    }

    fn add_peer(&self, address: &str, routes: std::ops::Range<usize>) {
        let id = Uuid::now_v7();
        let next_hop = NextHop::new(format!("http://{address}:1"), Secret::new(String::new()));
        let terms = Terms {
            address: address.try_into().expect("an address"),
            routes: routes.map(|index| prefix(index).parse().expect("a prefix")).collect(),
            is_default_route: false,
            tokens: Vec::new(),
            max_packet_amount: None,
            limits: PeerLimits::default(),
            spread: conversion::Spread::NONE,
            next_hop,
        };
        let account = Arc::new(Account::empty(AccountId::peer(id)));
        self.connector.add_peer(Arc::new(Peer::new(id, Arc::clone(&self.asset), account, terms)));
    }

    fn destinations(&self, count: usize, spread: Spread) -> Vec<Address> {
        let mut random = Random(0x9e37_79b9_7f4a_7c15);
        let mut one = || Destination(random.route(self.routes, spread)).to_string();
        (0..count).map(|_| one().as_str().try_into().expect("an address")).collect()
    }

    fn resolve(&self, count: usize, spread: Spread, clock_ns: u64) -> Cost {
        let destinations = self.destinations(count, spread);
        let now = Timestamp::from_unix_ms(1_800_000_000_000);
        let look_up = |destination: Addr<'_>| {
            let way = self.connector.way_to(black_box(destination), None, now);
            assert!(black_box(way).is_ok_and(|peer| peer.is_some()), "{destination} has a route");
        };
        let started = Instant::now();
        destinations.iter().map(Address::as_addr).for_each(look_up);
        let loop_ns = nanoseconds(started) / count as u64;
        let (mut random, mut buffer) = (Random(0x2545_f491_4f6c_dd1d), String::new());
        let mut took: Vec<u64> = (0..count)
            .map(|_| {
                buffer.clear();
                write!(buffer, "{}", Destination(random.route(self.routes, spread)))
                    .expect("into memory");
                let destination = Addr::try_from(buffer.as_str()).expect("an address");
                let started = Instant::now();
                look_up(destination);
                nanoseconds(started).saturating_sub(clock_ns)
            })
            .collect();
        took.sort_unstable();
        Cost { p50_ns: took[count / 2], p99_ns: took[count / 100 * 99], loop_ns }
    }

    /// Adds peers of one route each, as an operator does while packets flow.
    fn add_while_resolving(&self, count: usize) {
        let (ended, resolved) = (AtomicBool::new(false), AtomicU64::new(0));
        let mut took = thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| {
                    let destinations = self.destinations(10_000, Spread::Even);
                    let now = Timestamp::from_unix_ms(1_800_000_000_000);
                    while !ended.load(Ordering::Relaxed) {
                        for destination in &destinations {
                            let way = self.connector.way_to(destination.as_addr(), None, now);
                            assert!(
                                way.is_ok_and(|peer| peer.is_some()),
                                "{destination} has a route"
                            );
                        }
                        resolved.fetch_add(destinations.len() as u64, Ordering::Relaxed);
                    }
                });
            }
            let took: Vec<u64> = (0..count)
                .map(|index| {
                    let started = Instant::now();
                    self.add_peer(&format!("g.new{index}"), 0..0);
                    nanoseconds(started)
                })
                .collect();
            ended.store(true, Ordering::Relaxed);
            took
        });
        took.sort_unstable();
        println!(
            "adding a peer and its route to {:>9} routes while 2 threads resolve: p50 {} ns, p99 {} \
             ns, longest {} ns; {} look-ups meanwhile, none failed",
            self.routes,
            took[count / 2],
            took[count / 100 * 99],
            took[count - 1],
            resolved.load(Ordering::Relaxed),
        );
    }
}

/// An address as STREAM receivers have it, two segments below a route.
struct Destination(usize);

impl fmt::Display for Destination {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (bank, branch) = (self.0 / 1_000, self.0 % 1_000);
        let token = "n5FDDmRPgAkDnJAPr5ak-OwXuDLTV0b7mvNrXd9CSmI";
        write!(formatter, "g.bank{bank}.branch{branch}.alice.{token}")
    }
}

fn prefix(index: usize) -> String {
    format!("g.bank{}.branch{}", index / 1_000, index % 1_000)
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

/// Marsaglia's xorshift: the same sequence in every run.
struct Random(u64);

impl Random {
    fn route(&mut self, routes: usize, spread: Spread) -> usize {
        let rank = match spread {
            Spread::Even => self.below(routes),
            Spread::Skewed => {
                let part = [1_000, 1_000, 100, 1][self.below(4)];
                self.below((routes / part).max(1))
            }
        };
        // The factor spreads the busy routes over memory.
        rank * 7_919 % routes
    }

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
    let mut took: Vec<u64> = (0..100_001).map(|_| nanoseconds(Instant::now())).collect();
    took.sort_unstable();
    took[took.len() / 2]
}

/// Returns the time of waiting for one word that lies anywhere in so much memory.
fn memory_ns(megabytes: usize, clock_ns: u64) -> (u64, u64) {
    let words: Vec<u64> = (0..megabytes as u64 * (1 << 17)).collect();
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    let mut took: Vec<u64> = (0..200_000)
        .map(|_| {
            let index = black_box(random.below(words.len()));
            let started = Instant::now();
            black_box(words[index]);
            nanoseconds(started).saturating_sub(clock_ns)
        })
        .collect();
    took.sort_unstable();
    (took[took.len() / 2], took[took.len() / 100 * 99])
}

fn resident_bytes() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmRSS"));
    let kilobytes = line.and_then(|line| line.split_whitespace().nth(1)?.parse::<u64>().ok());
    kilobytes.unwrap_or(0) * 1_024
}

/// Returns the time that the hypervisor gave to others.
fn steal_ticks() -> u64 {
    let stat = fs::read_to_string("/proc/stat").unwrap_or_default();
    stat.split_whitespace().nth(8).and_then(|field| field.parse().ok()).unwrap_or(0)
}
