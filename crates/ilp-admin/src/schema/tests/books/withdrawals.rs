//! Withdrawals in one phase and in two, their refusals, and how the books show them.

use uuid::Uuid;

use crate::schema::tests::*;

impl Node {
    /// A mutation of the liquidity of `owner`, a member and an id, as `code` and `message`.
    async fn move_money(
        &self,
        mutation: &str,
        owner: (&str, &str),
        id: Uuid,
        more: Value,
    ) -> Value {
        let mut input = json!({"id": id, "idempotencyKey": Uuid::new_v4(), "amount": 100});
        if mutation.contains("Withdrawal") {
            input["timeoutSeconds"] = json!(0);
        }
        input[owner.0] = json!(owner.1);
        for (name, value) in more.as_object().unwrap() {
            input[name] = value.clone();
        }
        let response = self.mutate(mutation, input, "code success message").await;
        response["data"][mutation].clone()
    }

    async fn withdraw(&self, peer: &str, id: Uuid, timeout_s: u64) -> Value {
        let more = json!({ "timeoutSeconds": timeout_s });
        self.move_money("createPeerLiquidityWithdrawal", ("peerId", peer), id, more).await
    }

    /// Posts or voids, and gives the legacy code and the message.
    async fn end(&self, mutation: &str, id: &str) -> (String, String) {
        let input = json!({"withdrawalId": id, "idempotencyKey": Uuid::new_v4()});
        let today = self.mutate(mutation, input, "success").await;
        let input = json!({"withdrawalId": id, "idempotencyKey": Uuid::new_v4()});
        if today.get("errors").is_some() {
            let older = self.mutate(mutation, input, "code message").await;
            let data = &older["data"][mutation];
            assert_eq!(today["errors"][0]["message"], data["message"], "{today} {older}");
            return (text(&data["code"]), text(&data["message"]));
        }
        assert_eq!(today["data"][mutation]["success"], true, "{today}");
        ("200".to_owned(), String::new())
    }

    /// A peer with 100.
    async fn funded_peer(&self, asset: &str, address: &str) -> String {
        let mut input = peer_input(asset, address);
        input["initialLiquidity"] = json!(100);
        let response = self.mutate("createPeer", input, "peer { id }").await;
        text(&response["data"]["createPeer"]["peer"]["id"])
    }

    async fn transfers(&self, id: &str, limit: i32) -> Value {
        let query =
            "query($id: String!, $limit: Int) { accountingTransfers(id: $id, limit: $limit) {
            debits { id debitAccountId creditAccountId amount transferType ledger state createdAt
                expiresAt }
            credits { id debitAccountId creditAccountId amount transferType state expiresAt } } }";
        self.data(query, json!({"id": id, "limit": limit})).await["accountingTransfers"].clone()
    }
}

const POST: &str = "postLiquidityWithdrawal";
const VOID: &str = "voidLiquidityWithdrawal";

#[tokio::test]
async fn one_phase_takes_at_once_and_two_wait_to_be_posted_or_voided() {
    let node = Node::start().await;
    let asset = node.create_asset("USD").await;
    let peer = node.funded_peer(&asset, "test.bob").await;
    let single = Uuid::new_v4();
    let more = json!({"amount": 10});
    let done = node.move_money("createPeerLiquidityWithdrawal", ("peerId", &peer), single, more);
    let expected = json!({
        "code": "200", "success": true, "message": "Created peer liquidity withdrawal"
    });
    assert_eq!(done.await, expected);
    assert_eq!(node.liquidity(&peer).await, "90");
    let already = ("409".to_owned(), "Transfer already posted".to_owned());
    assert_eq!(node.end(POST, &single.to_string()).await, already);
    assert_eq!(node.end(VOID, &single.to_string()).await, already);

    let (posted, voided) = (Uuid::new_v4(), Uuid::new_v4());
    for id in [posted, voided] {
        let more = json!({"amount": "40", "timeoutSeconds": "3600"});
        let done = node.move_money("createPeerLiquidityWithdrawal", ("peerId", &peer), id, more);
        assert_eq!(done.await["code"], "200");
    }
    assert_eq!(node.liquidity(&peer).await, "10", "it falls at once");
    assert_eq!(node.end(POST, &posted.to_string()).await.0, "200");
    assert_eq!(node.end(VOID, &voided.to_string()).await.0, "200");
    assert_eq!(node.liquidity(&peer).await, "50");
    assert_eq!(node.end(VOID, &posted.to_string()).await, already);
    let voided_already = ("409".to_owned(), "Transfer already voided".to_owned());
    assert_eq!(node.end(POST, &voided.to_string()).await, voided_already);

    let books = node.transfers(&peer, 10).await;
    let debits = books["debits"].as_array().unwrap();
    let states: Vec<_> = debits.iter().map(|row| text(&row["state"])).collect();
    assert_eq!(states, ["VOIDED", "POSTED", "POSTED"], "newest first");
    assert_eq!(debits[0]["debitAccountId"], *peer);
    assert_eq!(debits[0]["creditAccountId"], format!("{asset}:settlement"));
    assert_eq!(debits[0]["transferType"], "WITHDRAWAL");
    assert!(debits[0]["expiresAt"].is_string() && debits[2]["expiresAt"].is_null(), "{books}");
    assert_eq!(books["credits"][0]["transferType"], "DEPOSIT");
    assert_eq!(books["credits"][0]["amount"], "100");
    let newest = node.transfers(&peer, 1).await;
    assert_eq!(newest["debits"].as_array().unwrap().len(), 1);
    assert_eq!(newest["credits"], json!([]));
    let settlement = node.transfers(&format!("{asset}:settlement"), 10).await;
    assert_eq!(settlement["debits"].as_array().unwrap().len(), 1);
    // One of an id alone, also where its account has far more.
    let one = node.transfers(&posted.to_string(), 5).await;
    assert_eq!((&one["debits"][0]["amount"], &one["credits"]), (&json!("40"), &json!([])));
    assert_eq!(one["debits"][0]["state"], "POSTED");
    for nobody in [Uuid::new_v4().to_string(), "1".to_owned()] {
        assert_eq!(node.transfers(&nobody, 5).await, json!({"debits": [], "credits": []}));
    }
    let response =
        node.run("{ accountingTransfers(id: \"1\", limit: -1) { debits { id } } }", json!({}));
    assert_eq!(response.await["errors"][0]["extensions"]["code"], "BAD_USER_INPUT");
}

#[tokio::test]
async fn the_nodes_own_stock_is_withdrawn_in_the_same_way() {
    let node = Node::start().await;
    let asset = node.create_asset("USD").await;
    let owner = ("assetId", asset.as_str());
    node.move_money("depositAssetLiquidity", owner, Uuid::new_v4(), json!({})).await;
    let id = Uuid::new_v4();
    let more = json!({"amount": 60, "timeoutSeconds": 3600});
    let done = node.move_money("createAssetLiquidityWithdrawal", owner, id, more).await;
    assert_eq!(done["message"], "Created asset liquidity withdrawal");
    let read = "query($id: String!) { asset(id: $id) { liquidity } }";
    assert_eq!(node.data(read, json!({"id": asset})).await["asset"]["liquidity"], "40");
    let refused = node.mutate("deleteAsset", json!({"id": asset}), "code message").await;
    assert_eq!(refused["data"]["deleteAsset"]["code"], "403", "{refused}");
    let input = json!({"withdrawalId": id, "idempotencyKey": "k"});
    let posted = node.mutate(POST, input, "code success message").await;
    let expected = json!({"code": "200", "success": true, "message": "Posted Withdrawal"});
    assert_eq!(posted["data"][POST], expected);
    let pending = Uuid::new_v4();
    let more = json!({"amount": 40, "timeoutSeconds": 3600});
    node.move_money("createAssetLiquidityWithdrawal", owner, pending, more).await;
    let input = json!({"withdrawalId": pending, "idempotencyKey": "v"});
    let voided = node.mutate(VOID, input, "code message").await;
    assert_eq!(voided["data"][VOID], json!({"code": "200", "message": "Voided Withdrawal"}));
    assert_eq!(node.data(read, json!({"id": asset})).await["asset"]["liquidity"], "40");
}

#[tokio::test]
async fn of_concurrent_withdrawals_of_all_exactly_one_succeeds() {
    let node = Arc::new(Node::start().await);
    let asset = node.create_asset("USD").await;
    for timeout_s in [0, 3600] {
        let peer = node.funded_peer(&asset, &format!("test.t{timeout_s}")).await;
        let mut tasks = tokio::task::JoinSet::new();
        for _ in 0..12 {
            let (node, peer) = (Arc::clone(&node), peer.clone());
            tasks.spawn(async move {
                text(&node.withdraw(&peer, Uuid::new_v4(), timeout_s).await["code"])
            });
        }
        let codes = tasks.join_all().await;
        assert_eq!(codes.iter().filter(|code| *code == "200").count(), 1, "{codes:?}");
        assert_eq!(codes.iter().filter(|code| *code == "403").count(), 11, "{codes:?}");
        assert_eq!(node.liquidity(&peer).await, "0");
    }
}

#[tokio::test]
async fn what_nobody_posts_in_time_comes_back() {
    let node = Node::start().await;
    let asset = node.create_asset("USD").await;
    let peer = node.funded_peer(&asset, "test.bob").await;
    let operator = node.operator.clone();
    let timer = tokio::spawn(async move { operator.liquidity().expire_withdrawals().await });
    let id = Uuid::new_v4();
    assert_eq!(node.withdraw(&peer, id, 1).await["code"], "200");
    assert_eq!(node.liquidity(&peer).await, "0");
    put_forward(1_000);
    let expired = ("403".to_owned(), "Transfer already expired".to_owned());
    assert_eq!(node.end(POST, &id.to_string()).await, expired, "the clock decides, not the timer");
    assert_eq!(node.liquidity(&peer).await, "100");

    let id = Uuid::new_v4();
    assert_eq!(node.withdraw(&peer, id, 1).await["code"], "200");
    put_forward(1_000);
    for _ in 0..500 {
        if node.liquidity(&peer).await == "100" {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    assert_eq!(node.liquidity(&peer).await, "100", "by the timer");
    assert_eq!(node.end(VOID, &id.to_string()).await, expired);
    assert_eq!(node.transfers(&peer, 1).await["debits"][0]["state"], "VOIDED");
    timer.abort();
}

#[tokio::test]
async fn a_restart_keeps_what_is_pending() {
    let node = Node::start().await;
    let asset = node.create_asset("USD").await;
    let peer = node.funded_peer(&asset, "test.bob").await;
    let ids = [Uuid::new_v4(), Uuid::new_v4()];
    for id in ids {
        let more = json!({"amount": 30, "timeoutSeconds": 3600});
        node.move_money("createPeerLiquidityWithdrawal", ("peerId", &peer), id, more).await;
    }
    let before = node.transfers(&peer, 10).await;
    let node = node.restart().await;
    assert_eq!(node.liquidity(&peer).await, "40");
    assert_eq!(node.transfers(&peer, 10).await, before);
    assert_eq!(node.withdraw(&peer, ids[0], 0).await["message"], "Transfer already exists");
    assert_eq!(node.end(POST, &ids[0].to_string()).await.0, "200");
    assert_eq!(node.end(VOID, &ids[1].to_string()).await.0, "200");
    assert_eq!(node.restart().await.liquidity(&peer).await, "70");
}

/// Whichever way it ends, the peer's account ends empty and settlement has all.
#[tokio::test]
async fn a_deleted_peers_pending_withdrawal_ends_in_settlement() {
    for ending in ["post", "void", "expire"] {
        let node = Node::start().await;
        let asset = node.create_asset("USD").await;
        let peer = node.funded_peer(&asset, "test.bob").await;
        let id = Uuid::new_v4();
        let timeout_s = if ending == "expire" { 1 } else { 3600 };
        let more = json!({"amount": 60, "timeoutSeconds": timeout_s});
        node.move_money("createPeerLiquidityWithdrawal", ("peerId", &peer), id, more).await;
        let deleted = node.mutate("deletePeer", json!({"id": peer}), "code").await;
        assert_eq!(deleted["data"]["deletePeer"]["code"], "200", "{deleted}");
        let deleted = node.mutate("deleteAsset", json!({"id": asset}), "code").await;
        assert_eq!(deleted["data"]["deleteAsset"]["code"], "200", "{deleted}");
        let ledger = node.connector.ledger();
        let account =
            ledger.account(ilp_connector::account::AccountId::peer(peer.parse().unwrap()));
        assert_eq!(account.own_part().total(), 60);
        match ending {
            "post" => assert_eq!(node.end(POST, &id.to_string()).await.0, "200"),
            "void" => assert_eq!(node.end(VOID, &id.to_string()).await.0, "200"),
            _ => {
                put_forward(1_000);
                let operator = node.operator.clone();
                let timer =
                    tokio::spawn(async move { operator.liquidity().expire_withdrawals().await });
                while account.own_part().total() > 0 {
                    tokio::time::sleep(std::time::Duration::from_millis(2)).await;
                }
                timer.abort();
                // What has moved in memory is listed once it is durable.
                node.operator.changes_done().await;
            }
        }
        assert_eq!(account.own_part().total(), 0, "{ending}");
        let settlement = node.transfers(&format!("{asset}:settlement"), 10).await;
        let moved = |row: &&Value| row["state"] == "POSTED";
        let credits = settlement["credits"].as_array().unwrap().iter().filter(moved);
        let sum: u64 = credits.map(|row| text(&row["amount"]).parse::<u64>().unwrap()).sum();
        assert_eq!(sum, 100, "{ending}: {settlement}");
    }
}

/// By how much the clock of one test was set.
static SET_BY_MS: AtomicU64 = AtomicU64::new(0);

fn set_clock() -> Timestamp {
    clock().saturating_add_ms(SET_BY_MS.load(Ordering::Relaxed))
}

#[tokio::test]
async fn what_is_over_by_a_clock_that_was_put_forward_comes_back_at_once() {
    let dir = tempfile::tempdir().unwrap();
    let started =
        operator_with(dir.path(), LedgerOptions::default(), rules(), set_clock, |books| books);
    let (operator, connector) = started.await;
    let schema = AdminSchema::new(operator.clone());
    let node = Node { dir, schema, operator: operator.clone(), connector };
    let asset = node.create_asset("USD").await;
    let peer = node.create_peer(&asset, "test.bob").await;
    node.move_liquidity("depositPeerLiquidity", "peerId", &peer, 100).await;
    let input = json!({"peerId": peer, "amount": 30, "id": Uuid::new_v4(),
        "timeoutSeconds": 3_600, "idempotencyKey": Uuid::new_v4()});
    node.done("createPeerLiquidityWithdrawal", input, "code").await;
    assert_eq!(node.liquidity(&peer).await, "70");
    let mut expiring = Box::pin(operator.liquidity().expire_withdrawals());
    // It sleeps for a minute from here on, as the end is an hour away.
    let asleep = std::future::poll_fn(|context| {
        std::task::Poll::Ready(expiring.as_mut().poll(context).is_pending())
    });
    assert!(asleep.await);
    SET_BY_MS.store(3_601_000, Ordering::Relaxed);
    operator.clock_stepped(3_601_000);
    let is_back = async {
        while node.liquidity(&peer).await != "100" {
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
    };
    tokio::select! {
        () = expiring => {}
        () = is_back => {}
        () = tokio::time::sleep(std::time::Duration::from_secs(20)) => panic!("it still sleeps"),
    }
}
