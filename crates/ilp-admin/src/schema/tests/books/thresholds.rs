//! An event for each time that liquidity falls to its threshold.

use uuid::Uuid;

use crate::schema::tests::*;

impl Node {
    pub(crate) async fn events(&self) -> Vec<Value> {
        let query = "{ webhookEvents { edges { node { id type data createdAt state attempts
            nextAttemptAt } } } }";
        let data = self.data(query, json!({})).await;
        let edges = data["webhookEvents"]["edges"].as_array().unwrap();
        edges.iter().map(|edge| edge["node"].clone()).collect()
    }

    /// The events, once there are so many.
    pub(crate) async fn wait_for_events(&self, count: usize) -> Vec<Value> {
        for _ in 0..500 {
            let events = self.events().await;
            if events.len() >= count {
                return events;
            }
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
        panic!("no {count} events came: {:?}", self.events().await);
    }

    pub(crate) async fn move_liquidity(&self, mutation: &str, owner: &str, id: &str, amount: u64) {
        let transfer = Uuid::new_v4();
        let mut input = json!({"id": transfer, "idempotencyKey": transfer, "amount": amount});
        input[owner] = json!(id);
        if mutation.starts_with("create") {
            input["timeoutSeconds"] = json!(0);
        }
        let response = self.mutate(mutation, input, "code message").await;
        assert_eq!(response["data"][mutation]["code"], "200", "{response}");
    }
}

#[tokio::test]
async fn each_crossing_is_one_event_also_after_a_restart() {
    let node = Node::start().await;
    let asset = node.create_asset("USD").await;
    let mut input = peer_input(&asset, "test.bob");
    input["initialLiquidity"] = json!(100);
    input["liquidityThreshold"] = json!("50");
    let created = node.mutate("createPeer", input, "peer { id }").await;
    let peer = text(&created["data"]["createPeer"]["peer"]["id"]);
    let withdraw = async |node: &Node, amount| {
        node.move_liquidity("createPeerLiquidityWithdrawal", "peerId", &peer, amount).await;
    };
    withdraw(&node, 49).await;
    withdraw(&node, 1).await;
    let events = node.wait_for_events(1).await;
    assert_eq!(events[0]["type"], "peer.liquidity_low");
    assert_eq!(events[0]["state"], "PENDING");
    assert_eq!(events[0]["attempts"], 0);
    let data = json!({
        "id": peer, "asset": {"id": asset, "code": "USD", "scale": 9},
        "liquidityThreshold": "50", "balance": "50",
    });
    assert_eq!(events[0]["data"], data);
    withdraw(&node, 10).await;
    node.move_liquidity("depositPeerLiquidity", "peerId", &peer, 60).await;
    withdraw(&node, 60).await;
    assert_eq!(node.wait_for_events(2).await.len(), 2);

    let node = node.restart().await;
    withdraw(&node, 5).await;
    node.move_liquidity("depositPeerLiquidity", "peerId", &peer, 60).await;
    withdraw(&node, 90).await;
    let events = node.wait_for_events(3).await;
    assert_eq!(events.len(), 3, "{events:?}");
    assert_eq!(events[0]["data"]["balance"], "5");
    // A threshold that is taken away, or goes with its peer, makes no event.
    node.mutate("updatePeer", json!({"id": peer, "liquidityThreshold": null}), "code").await;
    node.move_liquidity("depositPeerLiquidity", "peerId", &peer, 100).await;
    withdraw(&node, 100).await;
    node.move_liquidity("depositPeerLiquidity", "peerId", &peer, 100).await;
    node.mutate("updatePeer", json!({"id": peer, "liquidityThreshold": 2}), "code").await;
    node.mutate("deletePeer", json!({"id": peer}), "code").await;
    node.connector.ledger().checkpoint().unwrap();
    assert_eq!(node.events().await.len(), 3);
}

#[tokio::test]
async fn an_assets_threshold_works_from_its_making_and_its_change() {
    let node = Node::start().await;
    let input = json!({"code": "USD", "scale": 2, "liquidityThreshold": 10});
    let created = node.mutate("createAsset", input, "asset { id }").await;
    let asset = text(&created["data"]["createAsset"]["asset"]["id"]);
    // There is nothing yet, which is below the threshold.
    assert_eq!(node.events().await[0]["data"]["balance"], "0");
    node.move_liquidity("depositAssetLiquidity", "assetId", &asset, 100).await;
    node.move_liquidity("createAssetLiquidityWithdrawal", "assetId", &asset, 95).await;
    let events = node.wait_for_events(2).await;
    assert_eq!(events[0]["type"], "asset.liquidity_low");
    assert_eq!(events[0]["data"]["id"], *asset);
    assert_eq!(events[0]["data"]["balance"], "5");
    node.mutate("updateAsset", json!({"id": asset, "liquidityThreshold": "1"}), "code").await;
    node.move_liquidity("createAssetLiquidityWithdrawal", "assetId", &asset, 4).await;
    assert_eq!(node.wait_for_events(3).await[0]["data"]["liquidityThreshold"], "1");
    // Above what there is: told in the answer's own change, and once.
    node.mutate("updateAsset", json!({"id": asset, "liquidityThreshold": "7"}), "code").await;
    node.mutate("updateAsset", json!({"id": asset, "liquidityThreshold": "7"}), "code").await;
    let events = node.events().await;
    assert_eq!(events.len(), 4, "{events:?}");
    assert_eq!(events[0]["data"]["balance"], "1");
    assert_eq!(events[0]["data"]["liquidityThreshold"], "7");
}
