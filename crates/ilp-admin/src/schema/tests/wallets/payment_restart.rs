//! Payments across a restart: none is sent twice, none is lost.

use ilp_connector::{
    account::AccountId,
    ledger::{Ledger, Leg, Transfer, TransferKind},
};
use ilp_operator::paying::{Ended, PaymentReports, Progress, SendOrder};
use uuid::Uuid;

use super::outgoing_payments::usd;
use crate::schema::tests::*;

/// A node that sends a payment of 1,000 to another one, the payment's id, and what is to be done.
async fn sending() -> (Node, String, SendOrder) {
    let node = Node::start().await;
    let payer = node.pay_through_notes().await;
    let asset = node.create_asset("USD").await;
    let wallet = node.wallet(&asset, "alice").await;
    let amount = json!({"debitAmount": usd(1_000)});
    let quote = node.quote(&wallet, "https://far.example/bob", amount).await;
    let id = node.payment(&quote).await;
    node.fund(&id).await;
    let order = payer.orders.lock()[0].clone();
    payer.orders.lock().clear();
    (node, id, order)
}

#[tokio::test]
async fn a_payment_that_is_being_sent_goes_on_from_what_the_books_say() {
    let (node, id, order) = sending().await;
    node.send_packet(&order, 100).await;
    let noted = Progress { sent: 100, delivered: 250, packets: 10 };
    node.operator.progress(order.payment_id, noted);
    for _ in 0..500 {
        // What clients are told is ahead of it.
        let stored = node.operator.store().outgoing_payment(order.payment_id).unwrap().unwrap();
        if (stored.delivered, stored.packets) == (250, Some(10)) {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    // And then some that nobody wrote down.
    node.send_packet(&order, 33).await;
    drop(order);

    let node = node.restart().await;
    let payer = node.pay_through_notes().await;
    let order = payer.orders.lock()[0].clone();
    assert_eq!(payer.orders.lock().len(), 1);
    assert_eq!((order.sent, order.delivered, order.debit_max), (133, 250 + 66, 1_000));
    assert_eq!(order.payer.account.own_part().available(), 867);
    let row = node.row("outgoingPayment", &id, "state stateAttempts sentAmount { value }").await;
    let expected = json!({"state": "SENDING", "stateAttempts": 1, "sentAmount": {"value": "133"}});
    assert_eq!(row, expected);
    node.send_packet(&order, 867).await;
    let all = Progress { sent: 1_000, delivered: 2_001, packets: 87 };
    node.operator.ended(order.payment_id, Ended::Completed, all).await.unwrap();
    drop((order, payer));

    let node = node.restart().await;
    let payer = node.pay_through_notes().await;
    assert!(payer.orders.lock().is_empty());
    let row = node
        .row(
            "outgoingPayment",
            &id,
            "state sentAmount { value } deliveredAmount { value } packetCount",
        )
        .await;
    // Two transfers were in the books when the node was cut short, whatever was noted.
    let expected = json!({"state": "COMPLETED", "sentAmount": {"value": "1000"},
        "deliveredAmount": {"value": "2001"}, "packetCount": "89"});
    assert_eq!(row, expected);
    assert_eq!(node.told(&["outgoing_payment.completed"]).await.len(), 1);
}

#[tokio::test]
async fn a_payment_that_is_let_go_in_order_loses_no_unit_and_no_packet() {
    let (node, id, order) = sending().await;
    let selected = "state sentAmount { value } deliveredAmount { value } packetCount";
    let told = |state: &str, sent: &str, delivered: &str, packets: &str| {
        json!({"state": state, "sentAmount": {"value": sent},
            "deliveredAmount": {"value": delivered}, "packetCount": packets})
    };
    assert_eq!(node.row("outgoingPayment", &id, selected).await, told("SENDING", "0", "0", "0"));
    node.send_packet(&order, 100).await;
    let first = Progress { sent: 100, delivered: 250, packets: 10 };
    node.operator.progress(order.payment_id, first);
    node.send_packet(&order, 33).await;
    let last = Progress { sent: 133, delivered: 333, packets: 13 };
    // Too soon after the first one to be written down, and yet told.
    node.operator.progress(order.payment_id, last);
    let row = node.row("outgoingPayment", &id, selected).await;
    assert_eq!(row, told("SENDING", "133", "333", "13"));
    node.operator.paused(order.payment_id, last).await.unwrap();
    drop(order);

    let node = node.restart().await;
    let payer = node.pay_through_notes().await;
    let order = payer.orders.lock()[0].clone();
    assert_eq!((order.sent, order.delivered), (133, 333));
    let row = node.row("outgoingPayment", &id, selected).await;
    assert_eq!(row, told("SENDING", "133", "333", "13"));
    node.send_packet(&order, 867).await;
    let all = Progress { sent: 1_000, delivered: 2_001, packets: 87 };
    node.operator.ended(order.payment_id, Ended::Completed, all).await.unwrap();
    let row = node.row("outgoingPayment", &id, selected).await;
    assert_eq!(row, told("COMPLETED", "1000", "2001", "100"));
}

/// A wallet that is told of a failure gives the money back. What is in the books is sent, whatever the
/// receiver says after that.
#[tokio::test]
async fn a_payment_that_is_paid_in_full_is_done_by_the_books_alone() {
    let (node, id, order) = sending().await;
    node.operator.begins(order.payment_id, 1_000).await.unwrap();
    node.send_packet(&order, 1_000).await;
    drop(order);

    let node = node.restart().await;
    let payer = node.pay_through_notes().await;
    assert!(payer.orders.lock().is_empty(), "nothing is left to be sent");
    let selected = "state error sentAmount { value } deliveredAmount { value }
        amountInDoubt { value }";
    let expected = json!({"state": "COMPLETED", "error": null, "sentAmount": {"value": "1000"},
        "deliveredAmount": {"value": "2000"}, "amountInDoubt": null});
    assert_eq!(node.row("outgoingPayment", &id, selected).await, expected);
    let told = node.told(&["outgoing_payment.completed", "outgoing_payment.failed"]).await;
    assert_eq!(told.len(), 1);
    assert_eq!(told[0].0, "outgoing_payment.completed");
    assert_eq!(told[0].1.get("amountInDoubt"), None);
}

/// Packets that were under way when the node was killed may have been delivered or not.
#[tokio::test]
async fn what_was_under_way_at_a_kill_is_told_with_the_end() {
    let (node, id, order) = sending().await;
    node.operator.begins(order.payment_id, 500).await.unwrap();
    node.send_packet(&order, 100).await;
    drop(order);
    // Two kills: 500 can have been under way at the first one, 300 were still to be sent at the other.
    let node = node.restart().await;
    let payer = node.pay_through_notes().await;
    let order = payer.orders.lock()[0].clone();
    assert_eq!((order.sent, order.in_doubt, order.is_done()), (100, 500, false));
    node.operator.begins(order.payment_id, 500).await.unwrap();
    node.send_packet(&order, 600).await;
    drop((order, payer));
    let node = node.restart().await;
    let payer = node.pay_through_notes().await;
    let order = payer.orders.lock()[0].clone();
    assert_eq!((order.sent, order.in_doubt), (700, 800));
    // An end in order leaves nothing in doubt.
    node.operator.begins(order.payment_id, 300).await.unwrap();
    let so_far = Progress { sent: 700, delivered: 1_400, packets: 0 };
    node.operator.paused(order.payment_id, so_far).await.unwrap();
    drop((order, payer));
    let node = node.restart().await;
    let payer = node.pay_through_notes().await;
    let order = payer.orders.lock()[0].clone();
    assert_eq!((order.sent, order.in_doubt), (700, 800));

    let ended = Ended::Failed { reason: "the receiver is gone".to_owned() };
    node.operator.ended(order.payment_id, ended, so_far).await.unwrap();
    let row = node.row("outgoingPayment", &id, "state error amountInDoubt { value }").await;
    let error = "the receiver is gone; what has arrived is uncertain: packets with up to 0.000000800 \
        USD beside the amount sent were under way when this node was killed, and may have been \
        delivered";
    let expected = json!({"state": "FAILED", "error": error, "amountInDoubt": {"value": "800"}});
    assert_eq!(row, expected);
    let told = node.told(&["outgoing_payment.failed"]).await;
    let in_doubt = json!({"value": "800", "assetCode": "USD", "assetScale": 9});
    assert_eq!((&told[0].1["error"], &told[0].1["amountInDoubt"]), (&json!(error), &in_doubt));
    drop((order, payer));
}

/// The deposit is in the books, and the node ends before the record says so.
#[tokio::test]
async fn a_payment_whose_money_came_at_the_last_moment_is_sent() {
    let node = Node::start().await;
    node.pay_through_notes().await;
    let asset = node.create_asset("USD").await;
    let (alice, bob) = (node.wallet(&asset, "alice").await, node.wallet(&asset, "bob").await);
    let mut ids = Vec::new();
    for receiver in ["https://far.example/bob", "https://wallet.example/bob"] {
        let quote = node.quote(&alice, receiver, json!({"debitAmount": usd(10)})).await;
        let id = node.payment(&quote).await;
        let account = AccountId::outgoing_payment(id.parse().unwrap());
        let ledger = node.connector.ledger();
        let first = Leg {
            debit: ledger.account(AccountId::settlement(asset.parse().unwrap())),
            credit: ledger.account(account),
            amount: 10,
        };
        let kind = TransferKind::Deposit;
        let transfer = Transfer { id: Uuid::new_v4(), kind, first, second: None };
        ledger.transfer(transfer, 5).await.unwrap();
        ids.push(id);
    }
    let node = node.restart().await;
    node.until_state("outgoingPayment", &ids[1], "COMPLETED").await;
    assert_eq!(node.row("walletAddress", &bob, "liquidity").await["liquidity"], "10");
    let payer = node.pay_through_notes().await;
    assert_eq!(payer.orders.lock().len(), 1);
    assert_eq!(node.row("outgoingPayment", &ids[0], "state").await["state"], "SENDING");
    assert_eq!(node.told(&["outgoing_payment.sending"]).await.len(), 2);
}

/// The transfer is in the books, and the node ends before the record says so.
#[tokio::test]
async fn a_payment_within_the_node_is_made_once() {
    let node = Node::start().await;
    let asset = node.create_asset("USD").await;
    let (alice, bob) = (node.wallet(&asset, "alice").await, node.wallet(&asset, "bob").await);
    let quote = node.quote(&alice, "$wallet.example/bob", json!({"debitAmount": usd(10)})).await;
    let id = node.payment(&quote).await;
    let account = |kind: fn(Uuid) -> AccountId, id: &str| {
        node.connector.ledger().account(kind(id.parse().unwrap()))
    };
    let payment = account(AccountId::outgoing_payment, &id);
    let leg = |debit: &Arc<_>, credit: &Arc<_>| Leg {
        debit: Arc::clone(debit),
        credit: Arc::clone(credit),
        amount: 10,
    };
    let first = leg(&account(AccountId::settlement, &asset), &payment);
    let kind = TransferKind::Deposit;
    let deposit = Transfer { id: Uuid::new_v4(), kind, first, second: None };
    node.connector.ledger().transfer(deposit, 5).await.unwrap();
    let first = leg(&payment, &account(AccountId::wallet_address, &bob));
    let kind = TransferKind::Packet;
    let paid = Transfer { id: id.parse().unwrap(), kind, first, second: None };
    let hold = node.connector.ledger().hold(paid).await.unwrap();
    node.connector.ledger().post(hold).await.unwrap();
    drop(payment);

    let node = node.restart().await;
    node.until_state("outgoingPayment", &id, "COMPLETED").await;
    let row = node.row("outgoingPayment", &id, "sentAmount { value } liquidity").await;
    assert_eq!(row, json!({"sentAmount": {"value": "10"}, "liquidity": "0"}));
    assert_eq!(node.row("walletAddress", &bob, "liquidity").await["liquidity"], "10");
}
