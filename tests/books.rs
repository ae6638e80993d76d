//! Faults by which operators of other connectors lose money, and which this connector doesn't have.

use std::{sync::mpsc, thread};

use interledger_packet::Reply;
use parking_lot::Mutex;
use serde_json::json;

use crate::support::{
    Node,
    packets::{Sender, fulfill, prepare},
    stub::{Answer, Stub},
    wait_for,
};

const NOWHERE: &str = "http://127.0.0.1:1";

/// The hold ends with the packet's answer and with nothing else. How long a client waits for an
/// answer is tested in ilp-http, on a clock that the test drives.
#[test]
fn a_late_fulfill_is_booked_on_both_sides() {
    let (release, released) = mpsc::channel::<()>();
    let released = Mutex::new(released);
    let slow = Stub::start(move |_| {
        // An error says that the test has ended.
        let _ = released.lock().recv();
        Answer::Reply(fulfill().into())
    });
    let node = Node::start();
    let asset = node.create_asset("USD", 2);
    let alice = node.create_peer(&asset, "test.alice", NOWHERE, json!({}));
    let bob = node.create_peer(&asset, "test.bob", &slow.endpoint(), json!({}));
    thread::scope(|scope| {
        scope.spawn(|| node.sender("test.alice").fulfilled(&prepare("test.bob", 300)));
        wait_for("the hold", || (node.liquidity(&alice) == 999_700).then_some(()));
        assert_eq!(node.liquidity(&bob), 1_000_000);
        release.send(()).unwrap();
    });
    assert_eq!((node.liquidity(&alice), node.liquidity(&bob)), (999_700, 1_000_300));
    let node = node.kill().start();
    assert_eq!((node.liquidity(&alice), node.liquidity(&bob)), (999_700, 1_000_300));
}

#[test]
fn a_hundred_rounds_of_forty_packets_at_once_never_overdraw() {
    let (node, bob_stub) = (Node::start(), Stub::fulfilling());
    let asset = node.create_asset("USD", 2);
    let bob = node.create_peer(&asset, "test.bob", &bob_stub.endpoint(), json!({}));
    for round in 0..100 {
        let address = format!("test.round{round}");
        let poor = json!({ "initialLiquidity": "100" });
        let payer = node.create_peer(&asset, &address, NOWHERE, poor);
        let fulfilled: u64 = thread::scope(|scope| {
            let (node, address) = (&node, &address);
            let send = || match node.sender(address).send(&prepare("test.bob", 10)) {
                Reply::Fulfill(_) => 1,
                Reply::Reject(reject) => {
                    assert_eq!(reject.code().to_string(), "T04");
                    0
                }
            };
            let senders: Vec<_> = (0..40).map(|_| scope.spawn(send)).collect();
            senders.into_iter().map(|sender| sender.join().unwrap()).sum()
        });
        assert_eq!(fulfilled, 10, "round {round}");
        assert_eq!(node.liquidity(&payer), 0);
        assert_eq!(node.liquidity(&bob), 1_000_000 + (round + 1) * 100);
    }
}

#[test]
fn amounts_at_the_edges_are_booked_exactly() {
    let (node, bob_stub) = (Node::start(), Stub::fulfilling());
    let asset = node.create_asset("USD", 2);
    let all = json!({ "initialLiquidity": u64::MAX.to_string() });
    let none = json!({ "initialLiquidity": "0" });
    let alice = node.create_peer(&asset, "test.alice", NOWHERE, all);
    let bob = node.create_peer(&asset, "test.bob", &bob_stub.endpoint(), none);
    let mut sender = node.sender("test.alice");
    for amount in [0, 1, 1 << 63] {
        sender.fulfilled(&prepare("test.bob", amount));
    }
    let moved = 1 + (1 << 63);
    assert_eq!((node.liquidity(&alice), node.liquidity(&bob)), (u64::MAX - moved, moved));
    let too_much = sender.rejected(&prepare("test.bob", u64::MAX));
    assert_eq!(too_much.code().to_string(), "F08");
    sender.fulfilled(&prepare("test.bob", u64::MAX - moved));
    assert_eq!((node.liquidity(&alice), node.liquidity(&bob)), (0, u64::MAX));
    let node = node.kill().start();
    assert_eq!((node.liquidity(&alice), node.liquidity(&bob)), (0, u64::MAX));
}

/// The amount 2^64 - 1, the largest balance that a deposit may lead to.
const MOST: u64 = u64::MAX;

#[test]
fn packets_bring_no_account_above_what_deposits_may() {
    let (node, bob) = (Node::start(), Stub::fulfilling());
    let asset = node.create_asset("USD", 2);
    let full = json!({ "initialLiquidity": MOST.to_string() });
    let alice = node.create_peer(&asset, "test.alice", "http://127.0.0.1:1", full.clone());
    let bobs = node.create_peer(&asset, "test.bob", &bob.endpoint(), full);
    let mut sender = node.sender("test.alice");
    let refused = |sender: &mut Sender, amount| {
        let reject = sender.rejected(&prepare("test.bob", amount));
        assert_eq!(reject.code().to_string(), "T04", "{reject:?}");
    };
    refused(&mut sender, 10);
    assert_eq!((node.liquidity(&alice), node.liquidity(&bobs)), (MOST, MOST));
    // A withdrawal pays bob outside of ILP and makes room for its amount, and for no more.
    let withdrawal = "mutation($input: CreatePeerLiquidityWithdrawalInput!) {
        createPeerLiquidityWithdrawal(input: $input) { success } }";
    let id = uuid::Uuid::new_v4();
    let input = json!({ "peerId": bobs, "id": id, "idempotencyKey": id, "amount": 10,
        "timeoutSeconds": 0 });
    node.query(withdrawal, json!({ "input": input }));
    sender.fulfilled(&prepare("test.bob", 7));
    refused(&mut sender, 4);
    sender.fulfilled(&prepare("test.bob", 3));
    refused(&mut sender, 1);
    assert_eq!((node.liquidity(&alice), node.liquidity(&bobs)), (MOST - 10, MOST));
    assert_eq!(bob.requests().len(), 2, "what is refused doesn't reach the next hop");
}
