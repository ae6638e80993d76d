//! Next hops that speak only HTTP/2 and end each connection after a number of requests, as nginx
//! does with `keepalive_requests`: no packet is lost, and none is taken twice.

use std::{collections::HashMap, sync::Arc, thread};

use parking_lot::Mutex;
use serde_json::json;

use crate::{
    frames::{DATA, END_OR_ACK, Frames, H2c, HEADERS, NO_ERROR},
    support::{
        Node,
        packets::{fulfill, prepare},
    },
};

/// The number of packets in flight at once, and the number of packets that each of their senders
/// sends.
const UNDER_WAY: u64 = 24;
const PACKETS_EACH: u64 = 25;

/// The number of times that each packet was taken.
type Taken = Arc<Mutex<HashMap<Vec<u8>, usize>>>;

/// Takes `maximum` requests of a connection and fulfills them. With the last of them it sends a
/// GOAWAY, and it reads no later request.
async fn take(mut frames: Frames, maximum: usize, taken: Taken) -> Option<()> {
    let mut streams = Vec::new();
    loop {
        let frame = frames.read().await?;
        if frame.kind == HEADERS && streams.len() < maximum {
            streams.push(frame.stream);
            if streams.len() == maximum {
                frames.goodbye(frame.stream, NO_ERROR).await?;
            }
        }
        let Some(packet) = frames.part(&frame) else { continue };
        if streams.contains(&frame.stream) {
            *taken.lock().entry(packet).or_default() += 1;
            frames.head(frame.stream).await?;
            frames.write(DATA, END_OR_ACK, frame.stream, &fulfill()).await?;
        }
    }
}

#[test]
fn a_next_hop_that_ends_each_connection_after_seven_requests_costs_no_packet() {
    let mut runtime = tokio::runtime::Builder::new_multi_thread();
    let runtime = runtime.worker_threads(1).enable_all().build().unwrap();
    let taken = Taken::default();
    let taking = Arc::clone(&taken);
    let next_hop =
        runtime.block_on(H2c::start(move |_, frames| take(frames, 7, Arc::clone(&taking))));
    let node = Node::start();
    let asset = node.create_asset("USD", 2);
    let rich = json!({ "initialLiquidity": "1000000" });
    node.create_peer(&asset, "test.alice", "http://127.0.0.1:1", rich);
    let bob = node.create_peer(&asset, "test.bob", &next_hop.endpoint(), json!({}));
    let before = node.liquidity(&bob);
    thread::scope(|scope| {
        for sender in 0..UNDER_WAY {
            let node = &node;
            scope.spawn(move || {
                let mut alice = node.sender("test.alice");
                for number in 0..PACKETS_EACH {
                    alice.fulfilled(&prepare("test.bob", 1 + sender * PACKETS_EACH + number));
                }
            });
        }
    });
    let count = UNDER_WAY * PACKETS_EACH;
    assert_eq!(node.liquidity(&bob) - before, (1..=count).sum::<u64>());
    let taken = taken.lock();
    assert_eq!(taken.len() as u64, count);
    assert!(taken.values().all(|times| *times == 1), "a packet was taken twice");
    assert_eq!(next_hop.lost(), 0, "a packet went by HTTP/1.1");
    assert!(next_hop.accepted() as u64 >= count / 7);
}
