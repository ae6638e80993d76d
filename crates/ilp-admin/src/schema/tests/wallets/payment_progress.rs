//! The subscription that follows a payment.

use async_graphql::futures_util::StreamExt;
use ilp_operator::paying::{Ended, Progress};

use super::outgoing_payments::usd;
use crate::schema::tests::*;

#[tokio::test]
async fn a_payment_is_followed_to_its_end() {
    let node = Node::start().await;
    let payer = node.pay_through_notes().await;
    let asset = node.create_asset("USD").await;
    let wallet = node.wallet(&asset, "alice").await;
    let amount = json!({"debitAmount": usd(100)});
    let quote = node.quote(&wallet, "https://far.example/bob", amount).await;
    let id = node.payment(&quote).await;
    let query = "subscription($id: ID!) { outgoingPaymentProgress(id: $id) { id state error
        sentAmount { value } deliveredAmount { value } packetCount } }";
    let follow = |id: &str| {
        let variables = Variables::from_json(json!({ "id": id }));
        let responses = node.schema.execute_stream(Request::new(query).variables(variables));
        responses.map(|response| serde_json::to_value(response).unwrap())
    };
    let told = |state: &str, sent: u64, delivered: u64, packets: u64| {
        json!({"data": {"outgoingPaymentProgress": {
            "id": id, "state": state, "error": null, "sentAmount": {"value": sent.to_string()},
            "deliveredAmount": {"value": delivered.to_string()},
            "packetCount": packets.to_string()
        }}})
    };
    let waiting: Vec<_> = follow(&id).collect().await;
    assert_eq!(waiting, [told("FUNDING", 0, 0, 0)]);
    node.fund(&id).await;
    let order = payer.orders.lock()[0].clone();
    let mut following = follow(&id);
    assert_eq!(following.next().await.unwrap(), told("SENDING", 0, 0, 0));
    node.send_packet(&order, 60).await;
    let some = Progress { sent: 60, delivered: 121, packets: 6 };
    node.operator.progress(order.payment_id, some);
    assert_eq!(following.next().await.unwrap(), told("SENDING", 60, 121, 6));
    node.send_packet(&order, 40).await;
    let all = Progress { sent: 100, delivered: 200, packets: 10 };
    node.operator.ended(order.payment_id, Ended::Completed, all).await.unwrap();
    let rest: Vec<_> = following.collect().await;
    assert_eq!(*rest.last().unwrap(), told("COMPLETED", 100, 200, 10));
    let ended: Vec<_> = follow(&id).collect().await;
    assert_eq!(ended, [told("COMPLETED", 100, 200, 10)]);
    let unknown: Vec<_> = follow("1").collect().await;
    assert_eq!(unknown[0]["errors"][0]["extensions"]["code"], "NOT_FOUND");
}
