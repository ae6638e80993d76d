//! The subscription that follows what a peer may send.

use async_graphql::futures_util::StreamExt;

use uuid::Uuid;

use crate::schema::tests::*;

#[tokio::test]
async fn a_peers_liquidity_is_told_as_it_changes_until_the_peer_is_gone() {
    let node = Node::start().await;
    let asset = node.create_asset("USD").await;
    let peer = node.create_peer(&asset, "test.a").await;
    let query = "subscription($id: ID!) { peerLiquidity(peerId: $id) { peerId liquidity onHold } }";
    let follow = |id: &str| {
        let variables = Variables::from_json(json!({ "id": id }));
        let responses = node.schema.execute_stream(Request::new(query).variables(variables));
        responses.map(|response| serde_json::to_value(response).unwrap())
    };
    let told = |liquidity: &str, on_hold: &str| {
        json!({"data": {"peerLiquidity": {
            "peerId": peer, "liquidity": liquidity, "onHold": on_hold
        }}})
    };
    let mut following = follow(&peer);
    assert_eq!(following.next().await.unwrap(), told("0", "0"));
    let transfer = |amount: u64| {
        let (id, key) = (Uuid::new_v4(), Uuid::new_v4());
        json!({"peerId": peer, "amount": amount, "id": id, "idempotencyKey": key})
    };
    node.mutate("depositPeerLiquidity", transfer(7), "success").await;
    assert_eq!(following.next().await.unwrap(), told("7", "0"));
    let mut withdrawal = transfer(2);
    withdrawal["timeoutSeconds"] = json!(60);
    node.mutate("createPeerLiquidityWithdrawal", withdrawal, "success").await;
    assert_eq!(following.next().await.unwrap(), told("5", "2"));
    node.mutate("deletePeer", json!({ "id": peer }), "success").await;
    let rest: Vec<_> = following.collect().await;
    assert!(rest.len() <= 1, "{rest:?}");
    let unknown: Vec<_> = follow(&peer).collect().await;
    assert_eq!(unknown[0]["errors"][0]["extensions"]["code"], "NOT_FOUND");
}
