//! The speed of a payment over a chain of nodes, beside the packets that the chain only forwards.
//!
//! Three nodes in a row, real processes and sockets, peers made through the API with a maximum packet
//! amount of 1,000. In one run, over the same nodes:
//!
//! - `forward`: a load client pushes packets of 1,000 through the three nodes to a sink that
//!   fulfills whatever comes, with as many under way as the payment's window may hold;
//! - `payment`: a wallet at the first node pays one at the third, by quote and outgoing payment;
//! - `pay`: `@interledger/pay` pays the same wallet as a peer of the first node. It never has more
//!   than 20 packets under way and sends 200 a second at the most, so it gets fewer packets.
//!
//! Then the third node is stopped and its books are read, which must have the payments packet by
//! packet: none above the maximum, as many as it takes, and their exact sum.
//!
//! `cargo bench -p jirani --bench payment` takes a minute or two; `-- --packets N` makes the payment N
//! packets long, and `JIRANI_TEST_BINARY` names other nodes to be measured.

#![allow(clippy::float_arithmetic, reason = "measured times and ratios, no amounts")]

mod chain;
mod push;

#[expect(dead_code, reason = "of what the load benchmark can do, this one needs a part")]
#[path = "../load/clients.rs"]
mod clients;
#[expect(dead_code, reason = "of what the load benchmark can do, this one needs a part")]
#[path = "../load/measure.rs"]
mod measure;
#[path = "../load/packets.rs"]
mod packets;
#[expect(dead_code, reason = "of what the load benchmark can do, this one needs a part")]
#[path = "../load/processes.rs"]
mod processes;
#[expect(dead_code, reason = "of what the load benchmark can do, this one needs a part")]
#[path = "../load/servers.rs"]
mod servers;

#[expect(dead_code, reason = "what is there for all tests is more than this needs")]
#[expect(clippy::unwrap_used, clippy::panic, reason = "as in tests, a panic is how it fails")]
#[path = "../../tests"]
mod tests {
    pub(crate) mod support;
}

use std::time::Instant;

use chain::{Chain, MAX_PACKET_AMOUNT};
use clients::{Inbound, Load};

const PACKETS: u64 = 100_000;
/// The number of packets that `@interledger/pay` sends in about twenty seconds.
const PACKETS_OF_PAY: u64 = 4_000;
const WARM_UP_PACKETS: u64 = 5_000;
/// A payment's window is at most a thousand packets.
const AT_ONCE: usize = 1_000;

fn main() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.expect("a runtime");
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    if let ["sink", "both"] = words[..] {
        return runtime.block_on(servers::sink(servers::Speaks::Both));
    }
    let given = words.iter().position(|word| *word == "--packets");
    let given = given.and_then(|at| words.get(at + 1)?.parse().ok());
    // `cargo test --benches` only checks that the benchmark runs.
    let usual = if words.contains(&"--test") { 2_000 } else { PACKETS };
    let packets = given.unwrap_or(usual);
    compare(&runtime, packets, PACKETS_OF_PAY.min(packets / 2));
}

fn compare(runtime: &tokio::runtime::Runtime, packets: u64, packets_of_pay: u64) {
    println!("{}", measure::machine());
    let chain = Chain::start();
    let forward = forward(runtime, &chain, packets);
    let began = Instant::now();
    chain.pay(packets * MAX_PACKET_AMOUNT);
    let payment = packets as f64 / began.elapsed().as_secs_f64();
    show("payment", packets, payment, &format!("{:.2} of forward", payment / forward));
    let took = chain.is_paid_by_others(packets_of_pay * MAX_PACKET_AMOUNT);
    let pay = packets_of_pay as f64 / took.as_secs_f64();
    show(
        "@interledger/pay",
        packets_of_pay,
        pay,
        &format!("payment is {:.1} times it", payment / pay),
    );
    chain.check_books(&[packets, packets_of_pay]);
}

/// Sends equally many packets without STREAM and without the books of wallet addresses.
fn forward(runtime: &tokio::runtime::Runtime, chain: &Chain, packets: u64) -> f64 {
    let load = Load {
        to: chain.entrance(),
        token: chain::SENDER,
        packet: packets::prepare(chain::SINK_ACCOUNT, MAX_PACKET_AMOUNT),
        inbound: Inbound::Http2 { connections: 0, streams: 0 },
        rate: None,
        warm_up: Default::default(),
        length: Default::default(),
    };
    // The first packets open the connections, and find out which of them speak HTTP/2.
    runtime.block_on(push::push(&load, WARM_UP_PACKETS, AT_ONCE));
    let began = Instant::now();
    let counted = runtime.block_on(push::push(&load, packets, AT_ONCE));
    let took = began.elapsed();
    let replies = (counted.fulfilled, counted.rejected, counted.failed);
    assert_eq!(replies, (packets, 0, 0), "fulfilled, rejected, failed");
    let per_second = packets as f64 / took.as_secs_f64();
    show("forward", packets, per_second, "the baseline");
    per_second
}

fn show(name: &str, packets: u64, per_second: f64, ratio: &str) {
    println!("{name:<18}{packets:>8} packets{per_second:>10.0} a second   {ratio}");
}
