//! Repeated requests: done once, answered each time.

use uuid::Uuid;

use crate::schema::tests::*;

const OTHER_INPUT: &str = "Incoming arguments are different than the original request for \
                           idempotencyKey: ";

fn keyed(mut input: Value, key: &str) -> Value {
    input["idempotencyKey"] = json!(key);
    input
}

#[tokio::test]
async fn the_first_outcome_is_told_again_in_the_fields_of_the_second_request() {
    let node = Node::start().await;
    let asset = node.create_asset("USD").await;
    let input = keyed(peer_input(&asset, "test.bob"), "create");
    let first = node.mutate("createPeer", input.clone(), "peer { id }").await;
    let id = &first["data"]["createPeer"]["peer"]["id"];
    let selection = "code success message peer { id staticIlpAddress asset { code } }";
    let again = node.mutate("createPeer", input.clone(), selection).await;
    let expected = json!({
        "code": "200", "success": true, "message": "Created ILP Peer",
        "peer": {"id": id, "staticIlpAddress": "test.bob", "asset": {"code": "USD"}}
    });
    assert_eq!(again["data"]["createPeer"], expected);
    assert_eq!(node.connector.peer_count(), 1);

    let delete = keyed(json!({"id": id}), "delete");
    for _ in 0..2 {
        let deleted = node.mutate("deletePeer", delete.clone(), "code message").await;
        let expected = json!({"code": "200", "message": "Deleted ILP Peer"});
        assert_eq!(deleted["data"]["deletePeer"], expected);
    }
    let gone = node.mutate("createPeer", input, selection).await;
    assert_eq!(gone, again, "it was done, isn't done again, and is told of as it was");
    assert_eq!(node.connector.peer_count(), 0);
}

#[tokio::test]
async fn other_input_under_a_key_is_refused_and_the_same_input_may_be_written_otherwise() {
    let node = Node::start().await;
    let asset = node.create_asset("USD").await;
    let peer = node.create_peer(&asset, "test.bob").await;
    let id = Uuid::new_v4();
    let deposit = |amount: Value| keyed(json!({"peerId": peer, "id": id, "amount": amount}), "k");
    node.mutate("depositPeerLiquidity", deposit(json!(5)), "code").await;
    let inline = format!(
        "mutation {{ x: depositPeerLiquidity(input: {{amount: \"5\", idempotencyKey: \"k\",
            id: \"{id}\", peerId: \"{peer}\"}}) {{ code }} }}"
    );
    assert_eq!(node.data(&inline, json!({})).await["x"]["code"], "200");
    let other = node.mutate("depositPeerLiquidity", deposit(json!(6)), "code message").await;
    let expected = json!({"code": "400", "message": format!("{OTHER_INPUT}k")});
    assert_eq!(other["data"]["depositPeerLiquidity"], expected);
    let other = node.mutate("depositPeerLiquidity", deposit(json!(6)), "success").await;
    assert_eq!(other["errors"][0]["extensions"]["code"], "BAD_USER_INPUT");
    assert_eq!(other["errors"][0]["message"], format!("{OTHER_INPUT}k"));
    // Another mutation is other input too, and so is null where nothing was.
    let withdrawal = json!({"withdrawalId": id});
    let other = node.mutate("postLiquidityWithdrawal", keyed(withdrawal, "k"), "code").await;
    assert_eq!(other["data"]["postLiquidityWithdrawal"]["code"], "400");
    node.mutate("updatePeer", keyed(json!({"id": peer}), "u"), "code").await;
    let other = keyed(json!({"id": peer, "name": null}), "u");
    let other = node.mutate("updatePeer", other, "code").await;
    assert_eq!(other["data"]["updatePeer"]["code"], "400");
    assert_eq!(node.liquidity(&peer).await, "5");
}

#[tokio::test]
async fn a_refused_call_does_not_use_up_its_key_and_an_empty_key_is_none() {
    let node = Node::start().await;
    let asset = node.create_asset("USD").await;
    let wrong = keyed(peer_input(&asset, "not an address"), "k");
    for _ in 0..2 {
        let refused = node.mutate("createPeer", wrong.clone(), "code").await;
        assert_eq!(refused["data"]["createPeer"]["code"], "400");
    }
    let right = keyed(peer_input(&asset, "test.bob"), "k");
    let made = node.mutate("createPeer", right, "code").await;
    assert_eq!(made["data"]["createPeer"]["code"], "200");
    for code in ["200", "409"] {
        let input = keyed(json!({"code": "EUR", "scale": 2}), "");
        let made = node.mutate("createAsset", input, "code").await;
        assert_eq!(made["data"]["createAsset"]["code"], code);
    }
    let long = keyed(json!({"code": "SEK", "scale": 2}), &"k".repeat(256));
    let refused = node.mutate("createAsset", long, "code message").await;
    let message = text(&refused["data"]["createAsset"]["message"]);
    assert!(message.starts_with("invalid idempotencyKey: "), "{message}");
}

#[tokio::test]
async fn a_key_is_kept_over_a_restart() {
    let node = Node::start().await;
    let asset = node.create_asset("USD").await;
    let input = keyed(peer_input(&asset, "test.bob"), "k");
    let first = node.mutate("createPeer", input.clone(), "code peer { id }").await;
    let node = node.restart().await;
    assert_eq!(node.mutate("createPeer", input.clone(), "code peer { id }").await, first);
    let other = keyed(peer_input(&asset, "test.carol"), "k");
    let other = node.mutate("createPeer", other, "code").await;
    assert_eq!(other["data"]["createPeer"]["code"], "400");
}

#[tokio::test(flavor = "multi_thread")]
async fn of_concurrent_requests_under_one_key_one_is_done() {
    let node = Arc::new(Node::start().await);
    let asset = node.create_asset("USD").await;
    let peer = node.create_peer(&asset, "test.bob").await;
    let mut tasks = tokio::task::JoinSet::new();
    let id = Uuid::new_v4();
    for _ in 0..20 {
        let node = Arc::clone(&node);
        let input = keyed(json!({"peerId": peer, "amount": 7, "id": id}), "k");
        tasks.spawn(async move {
            node.mutate("depositPeerLiquidity", input, "code message").await["data"]
                ["depositPeerLiquidity"]
                .clone()
        });
    }
    for answer in tasks.join_all().await {
        // Done or done before, or refused since it was just being done.
        let refused = json!({
            "code": "409", "message": "Concurrent request for idempotencyKey: k"
        });
        assert!(answer["code"] == "200" || answer == refused, "{answer}");
    }
    assert_eq!(node.liquidity(&peer).await, "7");
}

/// Dropped after any number of steps, the work goes on and its outcome is kept.
#[tokio::test]
async fn a_client_that_hangs_up_finds_the_outcome_under_its_key() {
    let node = Node::start().await;
    let asset = node.create_asset("USD").await;
    for steps in 1..6 {
        let input = keyed(peer_input(&asset, &format!("test.p{steps}")), &format!("k{steps}"));
        let mut request = Box::pin(node.mutate("createPeer", input.clone(), "peer { id }"));
        for _ in 0..steps {
            let step = std::future::poll_fn(|context| {
                std::task::Poll::Ready(request.as_mut().poll(context).is_ready())
            });
            if step.await {
                break;
            }
            tokio::task::yield_now().await;
        }
        drop(request);
        loop {
            let again = node.mutate("createPeer", input.clone(), "code message").await;
            let again = &again["data"]["createPeer"];
            if again["code"] == "200" {
                break;
            }
            assert!(text(&again["message"]).starts_with("Concurrent request"), "{again}");
            tokio::time::sleep(std::time::Duration::from_millis(1)).await;
        }
    }
    assert_eq!(node.connector.peer_count(), 5);
}
