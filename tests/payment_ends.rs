//! Payments whose receiver, path or node breaks, and the reports of their ends.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use serde_json::{Value, json};

use crate::support::{
    Node,
    receiver::{ADDRESS, Reaction, ScriptedReceiver},
    wait_for,
    wallets::Amount::{self, Deliver, Send},
};

const MAX_PACKET_AMOUNT: u64 = 1_000;

/// Starts a node with a wallet, and the receiver as its peer. Returns the wallet's id.
fn payer(receiver: &ScriptedReceiver, asset: (&str, u8)) -> (Node, String) {
    let node = Node::start();
    let asset = node.create_asset(asset.0, asset.1);
    let more = json!({ "maxPacketAmount": MAX_PACKET_AMOUNT.to_string() });
    node.create_peer(&asset, ADDRESS, &receiver.endpoint(), more);
    let (wallet, _) = node.create_wallet(&asset, "alice");
    (node, wallet)
}

/// Quotes a payment and starts it; returns its id.
fn begin(node: &Node, wallet: &str, receiver: &ScriptedReceiver, amount: Amount) -> String {
    let quote = node.quote(wallet, &receiver.url(), amount).unwrap();
    node.pay_quote(wallet, &quote)
}

fn sent_so_far(node: &Node, id: &str) -> u64 {
    node.outgoing_payment(id)["sentAmount"]["value"].as_str().unwrap().parse().unwrap()
}

/// Returns the events of the payment's end, as their type and data.
fn ends(node: &Node) -> Vec<(String, Value)> {
    let query = "{ webhookEvents { edges { node { type data } } } }";
    let found = node.query(query, json!({}));
    let edges = found["webhookEvents"]["edges"].as_array().unwrap();
    let events = edges.iter().map(|edge| &edge["node"]);
    let ends = ["outgoing_payment.completed", "outgoing_payment.failed"];
    events
        .map(|event| (event["type"].as_str().unwrap().to_owned(), event["data"].clone()))
        .filter(|(kind, _)| ends.contains(&kind.as_str()))
        .collect()
}

/// interledger-rs answers a packet whose greeting it can't parse with F02, as if it were another
/// account's.
#[test]
fn a_receiver_that_parses_the_greeting_is_paid() {
    let receiver = ScriptedReceiver::start(("EUR", 4), |packet| match &packet.greeting {
        Some(address) if !address.starts_with(b"private.") => {
            Reaction::Refuse(interledger_packet::ErrorCode::F02_UNREACHABLE)
        }
        _ => Reaction::Accept,
    });
    let (node, wallet) = payer(&receiver, ("EUR", 4));
    for amount in [Send(2_500), Deliver(1_700)] {
        let id = begin(&node, &wallet, &receiver, amount);
        let payment = node.ended_payment(&id);
        assert_eq!(payment["state"], "COMPLETED", "{payment}");
    }
    assert_eq!(receiver.taken().iter().sum::<u64>(), 2_500 + 1_700);
}

/// A next hop that takes one unit at once makes 28,213 packets of a payment that was quoted as 29.
#[test]
fn a_next_hop_that_takes_next_to_nothing_is_not_sent_a_packet_for_each_unit() {
    let receiver = ScriptedReceiver::start(("EUR", 4), |packet| {
        if packet.is_money && packet.amount > 1 {
            Reaction::TakeAtMost(1)
        } else {
            Reaction::Accept
        }
    });
    let (node, wallet) = payer(&receiver, ("EUR", 4));
    let id = begin(&node, &wallet, &receiver, Send(28_213));
    let payment = wait_for("the payment's end, or ten times its packets", || {
        let payment = node.outgoing_payment(&id);
        (payment["state"] != "SENDING" || receiver.packets() > 1_000).then_some(payment)
    });
    assert_eq!(payment["state"], "FAILED", "{} packets: {payment}", receiver.packets());
    assert!(receiver.packets() < 10 * 29 + 100, "{} packets", receiver.packets());
    let error = payment["error"].as_str().unwrap();
    assert!(error.contains("takes so little at once that 28"), "{error}");
}

/// The closing packet is the last one, and nothing depends on its answer, which never comes here.
fn a_payment_is_no_failure_after_a_kill(amount: Amount) {
    let is_over = Arc::new(AtomicBool::new(false));
    let over = Arc::clone(&is_over);
    let receiver = ScriptedReceiver::start(("EUR", 4), move |packet| {
        if packet.is_farewell {
            over.store(true, Ordering::SeqCst);
            return Reaction::NoAnswer;
        }
        Reaction::Accept
    });
    let (node, wallet) = payer(&receiver, ("EUR", 4));
    let id = begin(&node, &wallet, &receiver, amount);
    wait_for("the farewell", || is_over.load(Ordering::SeqCst).then_some(()));
    assert_eq!(sent_so_far(&node, &id), 2_500);
    assert_eq!(receiver.taken().iter().sum::<u64>(), 2_500);
    // The receiver's URL answers 410, as that of an incoming payment that is complete.
    receiver.answer_spsp_with(410);
    let node = node.kill().start();
    let payment = node.ended_payment(&id);
    assert_eq!((&payment["state"], &payment["error"]), (&json!("COMPLETED"), &Value::Null));
    assert_eq!(payment["sentAmount"]["value"], "2500");
    let ends = ends(&node);
    assert_eq!(ends.len(), 1);
    assert_eq!(ends[0].0, "outgoing_payment.completed");
}

#[test]
fn a_payment_that_sent_all_is_no_failure_after_a_kill() {
    a_payment_is_no_failure_after_a_kill(Send(2_500));
}

#[test]
fn a_payment_that_delivered_all_is_no_failure_after_a_kill() {
    a_payment_is_no_failure_after_a_kill(Deliver(2_500));
}

/// Three of ten packets are answered, and the others in flight, when the node is killed. The
/// receiver, which may have all ten, takes no more.
#[test]
fn what_was_under_way_at_a_kill_is_told_as_uncertain() {
    let is_slow = Arc::new(AtomicBool::new(false));
    let slow = Arc::clone(&is_slow);
    let taken = std::sync::atomic::AtomicU64::new(0);
    let receiver = ScriptedReceiver::start(("EUR", 4), move |packet| {
        if packet.is_money && taken.fetch_add(1, Ordering::SeqCst) >= 3 {
            slow.store(true, Ordering::SeqCst);
            return Reaction::NoAnswer;
        }
        Reaction::Accept
    });
    let (node, wallet) = payer(&receiver, ("EUR", 4));
    let id = begin(&node, &wallet, &receiver, Send(10_000));
    wait_for("three packets in the books, and more under way", || {
        (sent_so_far(&node, &id) == 3_000 && is_slow.load(Ordering::SeqCst)).then_some(())
    });
    receiver.answer_spsp_with(410);
    let node = node.kill().start();
    let payment = node.ended_payment(&id);
    assert_eq!(
        (&payment["state"], &payment["sentAmount"]["value"]),
        (&json!("FAILED"), &json!("3000"))
    );
    let error = payment["error"].as_str().unwrap();
    assert!(error.contains("uncertain") && error.contains("0.7000 EUR"), "{error}");
    let (kind, data) = ends(&node).remove(0);
    assert_eq!(kind, "outgoing_payment.failed");
    let in_doubt = json!({ "value": "7000", "assetCode": "EUR", "assetScale": 4 });
    assert_eq!((&data["amountInDoubt"], &data["error"]), (&in_doubt, &payment["error"]));
}

/// A node that is stopped in order waits for the packets in flight, so no outcome is in doubt.
#[test]
fn a_payment_that_an_orderly_stop_interrupts_leaves_nothing_in_doubt() {
    let may_answer = Arc::new(AtomicBool::new(false));
    let answers = Arc::clone(&may_answer);
    let receiver = ScriptedReceiver::start(("EUR", 4), move |packet| {
        if packet.is_money && packet.amount < 1_000 && !answers.load(Ordering::SeqCst) {
            // The next hop is busy until the node has been stopped and started.
            return Reaction::Refuse(interledger_packet::ErrorCode::T02_PEER_BUSY);
        }
        Reaction::Accept
    });
    let (node, wallet) = payer(&receiver, ("EUR", 4));
    let id = begin(&node, &wallet, &receiver, Send(3_500));
    wait_for("the large packets", || (sent_so_far(&node, &id) == 2_000).then_some(()));
    let dir = node.stop();
    may_answer.store(true, Ordering::SeqCst);
    let node = dir.start();
    let payment = node.ended_payment(&id);
    assert_eq!(payment["state"], "COMPLETED", "{payment}");
    assert_eq!(receiver.taken().iter().sum::<u64>(), 3_500);
    assert_eq!(ends(&node).remove(0).1.get("amountInDoubt"), None);
}
