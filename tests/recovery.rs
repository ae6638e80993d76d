//! `kill -9` under load, again and again: the books have every answered packet, and no other.
//!
//! The test counts what senders and receivers saw, and compares the books with it. A few rounds run
//! with the other tests; `cargo xtask recovery 200` runs many.

mod backups;
mod idempotency;

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread,
    time::Duration,
};

use bytes::Bytes;
use interledger_packet::{Address, FulfillBuilder, PrepareBuilder, Reply};
use parking_lot::Mutex;
use ring::digest::{SHA256, digest};
use serde_json::{Value, json};

use crate::support::{
    DataDir, Node, jirani,
    packets::{Sender, in_ms, parse_prepare},
    stub::{Answer, Stub},
};

const SENDERS: usize = 16;
const LIQUIDITY: u64 = 1 << 60;
/// Settings under which one peer may send as fast as it can.
const UNLIMITED: [(&str, &str); 2] =
    [("JIRANI_ILP_ADDRESS", "test.node"), ("JIRANI_PEER_PACKETS_PER_MINUTE_MAX", "unlimited")];

/// Amounts by transfer id, which is the first half of a packet's condition.
type AmountsById = Arc<Mutex<HashMap<[u8; 16], u64>>>;

/// A packet whose data gives its receiver the fulfillment, so that each packet is different.
struct Payment {
    id: [u8; 16],
    amount: u64,
    packet: Bytes,
}

fn payment(number: u64) -> Payment {
    let fulfillment = sha256(&number.to_be_bytes());
    let execution_condition = sha256(&fulfillment);
    let amount = 1 + number % 97;
    let destination = Address::try_from("test.bob").unwrap();
    let packet = PrepareBuilder {
        amount,
        expires_at: in_ms(20_000),
        execution_condition: &execution_condition,
        destination: destination.as_addr(),
        data: &fulfillment,
    };
    let packet = packet.build().unwrap().into_bytes();
    Payment { id: id_of(&execution_condition), amount, packet }
}

fn sha256(bytes: &[u8]) -> [u8; 32] {
    digest(&SHA256, bytes).as_ref().try_into().unwrap()
}

fn id_of(execution_condition: &[u8; 32]) -> [u8; 16] {
    execution_condition[..16].try_into().unwrap()
}

/// Makes Bob, who records each packet before he fulfills it.
fn receiver(received: &AmountsById) -> Stub {
    let received = Arc::clone(received);
    Stub::start(move |request| {
        let packet = parse_prepare(&request.body);
        received.lock().insert(id_of(packet.execution_condition()), packet.amount());
        let fulfillment = packet.data().try_into().unwrap();
        let fulfill = FulfillBuilder { fulfillment, data: &[] }.build().unwrap();
        Answer::Reply(fulfill.into_bytes().into())
    })
}

/// Sends packets until the node is gone, and records each Fulfill.
fn send_until_killed(
    node: &Node,
    numbers: &AtomicU64,
    ending: &AtomicBool,
    fulfilled: &AmountsById,
) {
    let Ok(mut sender) = Sender::open(node, "test.alice") else { return };
    while !ending.load(Ordering::SeqCst) {
        let payment = payment(numbers.fetch_add(1, Ordering::SeqCst));
        let Ok(response) = sender.post(&payment.packet) else { return };
        if let Ok(Reply::Fulfill(_)) = Reply::parse(response.body.into()) {
            fulfilled.lock().insert(payment.id, payment.amount);
        }
    }
}

fn total(seen: &AmountsById) -> u64 {
    seen.lock().values().sum()
}

fn ledger(dir: &DataDir, arguments: &[&str]) -> Vec<u8> {
    let mut command = jirani();
    command.arg("ledger").args(arguments).arg("--data-dir").arg(dir.data());
    let output = command.output().unwrap();
    assert!(
        output.status.success(),
        "ledger {arguments:?}: {}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    output.stdout
}

/// Returns the packets in the books, by id.
fn booked(dir: &DataDir) -> HashMap<[u8; 16], u64> {
    let rows: Value =
        serde_json::from_slice(&ledger(dir, &["export", "--format", "json"])).unwrap();
    let packets = rows.as_array().unwrap().iter().filter(|row| row["kind"] == "packet");
    packets
        .map(|row| {
            let id = uuid::Uuid::parse_str(row["id"].as_str().unwrap()).unwrap().into_bytes();
            (id, row["amount"].as_str().unwrap().parse().unwrap())
        })
        .collect()
}

/// Returns the number of rounds that the environment asks for, or `few`.
fn rounds(few: u64) -> u64 {
    std::env::var("JIRANI_RECOVERY_ROUNDS").map_or(few, |rounds| rounds.parse().unwrap())
}

#[test]
fn what_was_answered_is_in_the_books_whenever_the_node_is_killed() {
    let (fulfilled, received) = (AmountsById::default(), AmountsById::default());
    let bob_stub = receiver(&received);
    let mut node = Node::start_with(&UNLIMITED);
    let asset = node.create_asset("USD", 2);
    let liquidity = json!({ "initialLiquidity": LIQUIDITY.to_string() });
    let alice = node.create_peer(&asset, "test.alice", "http://127.0.0.1:1", liquidity.clone());
    let bob = node.create_peer(&asset, "test.bob", &bob_stub.endpoint(), liquidity);
    let numbers = AtomicU64::new(0);
    let rounds = rounds(8);
    for round in 0..rounds {
        let ending = AtomicBool::new(false);
        // The moment is 20 to 419 ms after the start, from a fixed sequence.
        let moment_ms = 20 + u64::from(sha256(&round.to_be_bytes())[0]) * 400 / 256;
        thread::scope(|scope| {
            for _ in 0..SENDERS {
                scope.spawn(|| send_until_killed(&node, &numbers, &ending, &fulfilled));
            }
            thread::sleep(Duration::from_millis(moment_ms));
            node.signal("KILL");
            ending.store(true, Ordering::SeqCst);
        });
        let dir = node.kill();
        ledger(&dir, &["verify"]);
        node = dir.start();
        let (paid, got) = (LIQUIDITY - node.liquidity(&alice), node.liquidity(&bob) - LIQUIDITY);
        assert_eq!(paid, got, "round {round}");
        assert!(total(&fulfilled) <= got, "round {round}: a Fulfill that is not in the books");
        assert!(got <= total(&received), "round {round}: a transfer that nobody fulfilled");
    }
    let dir = node.stop();
    let booked = booked(&dir);
    let (fulfilled, received) = (fulfilled.lock(), received.lock());
    let lost = fulfilled.iter().filter(|(id, amount)| booked.get(*id) != Some(*amount)).count();
    let invented = booked.iter().filter(|(id, amount)| received.get(*id) != Some(*amount)).count();
    println!(
        "{rounds} rounds: {} packets sent, {} received, {} booked, {} fulfilled to the sender; \
         {lost} lost, {invented} invented",
        numbers.load(Ordering::SeqCst),
        received.len(),
        booked.len(),
        fulfilled.len(),
    );
    assert_eq!((lost, invented), (0, 0));
    assert!(!fulfilled.is_empty(), "the load was none");
}
