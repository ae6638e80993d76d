//! Store, books and connector agree: after a restart, under a race, and when a client hangs up.

use ilp_connector::{
    account::AccountId,
    ledger::{Leg, Transfer, TransferKind},
};
use ilp_store::{Companions, InitialDeposit};
use uuid::Uuid;

use crate::schema::tests::*;

const ALL: &str = "{ peers(first: 100) { edges { node { id name staticIlpAddress routes liquidity
    maxPacketAmount packetsPerMinuteMax incomingTokenCount createdAt asset { id code liquidity }
    http { outgoing { endpoint authToken } } } } }
    assets { edges { node { id code scale liquidity createdAt } } } }";

#[tokio::test]
async fn a_restart_brings_back_peers_tokens_and_balances() {
    let node = Node::start().await;
    let asset = node.create_asset("USD").await;
    for name in ["a", "b", "c"] {
        let mut input = peer_input(&asset, &format!("test.{name}"));
        input["initialLiquidity"] = json!(1_000);
        input["routes"] = json!(["g"]);
        node.mutate("createPeer", input, "peer { id }").await;
    }
    let before = node.data(ALL, json!({})).await;
    let gone = text(&before["peers"]["edges"][0]["node"]["id"]);
    node.mutate("deletePeer", json!({ "id": gone }), "success").await;
    let before = node.data(ALL, json!({})).await;
    assert_eq!(before["peers"]["edges"].as_array().unwrap().len(), 2);

    let node = node.restart().await;
    assert!(node.operator.is_loaded());
    assert_eq!(node.data(ALL, json!({})).await, before);
    assert_eq!(node.connector.peer_count(), 2);
    assert!(node.connector.peer_by_token(b"token-test.a").is_some());
    assert!(node.connector.peer_by_token(b"token-test.c").is_none());
    let live = node.connector.peer_by_token(b"token-test.b").unwrap();
    assert_eq!(live.liquidity.own_part().available(), 1_000);
}

/// A packet that was on its way to a peer may be fulfilled after the peer was deleted.
#[tokio::test]
async fn what_a_deleted_peer_was_still_paid_is_settled_at_the_next_start() {
    let node = Node::start().await;
    let asset = node.create_asset("USD").await;
    let peer = node.create_peer(&asset, "test.bob").await;
    node.mutate("deletePeer", json!({ "id": peer }), "success").await;
    let account = AccountId::peer(peer.parse().unwrap());
    let settlement = AccountId::settlement(asset.parse().unwrap());
    let paid = Transfer {
        id: Uuid::new_v4(),
        kind: TransferKind::Deposit,
        first: Leg {
            debit: node.connector.ledger().account(settlement),
            credit: node.connector.ledger().account(account),
            amount: 11,
        },
        second: None,
    };
    node.connector.ledger().transfer(paid, 0).await.unwrap();

    let node = node.restart().await;
    let balance = node.connector.ledger().account(account).own_part();
    assert_eq!((balance.credits, balance.debits), (11, 11));
    assert_eq!(node.connector.ledger().account(settlement).own_part().credits, 11);
}

/// After a crash the peer is stored with a deposit that is owed, and the books may or may not have
/// the deposit.
#[tokio::test]
async fn a_deposit_cut_short_is_finished_at_the_next_start_and_made_once() {
    for was_booked in [false, true] {
        let node = Node::start().await;
        let asset = node.create_asset("USD").await;
        let id = node.create_peer(&asset, "test.bob").await;
        let transfer_id = Uuid::new_v4();
        if was_booked {
            let input =
                json!({"peerId": id, "amount": 70, "id": transfer_id, "idempotencyKey": "k"});
            node.mutate("depositPeerLiquidity", input, "success").await;
        }
        let (store, peer) = (node.dir.path().to_owned(), id.parse().unwrap());
        let Node { dir, schema, operator, connector } = node;
        drop((schema, operator));
        connector.ledger().close().unwrap();
        drop(connector);
        let store = Store::open(&store).unwrap();
        let owed = Some(InitialDeposit { transfer_id, amount: 70 });
        store
            .transact(Companions::none(), |tx| {
                tx.update_peer(peer, |record| record.initial_deposit = owed)
            })
            .unwrap();
        drop(store);

        let node = Node::start_in(dir).await.restart().await;
        assert_eq!(node.liquidity(&id).await, "70", "booked before: {was_booked}");
        assert!(node.connector.peer_by_token(b"token-test.bob").is_some());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_concurrent_duplicates_one_succeeds() {
    let node = Arc::new(Node::start().await);
    let asset = node.create_asset("USD").await;
    let mut tasks = tokio::task::JoinSet::new();
    for number in 0..20 {
        let (node, mut input) = (Arc::clone(&node), peer_input(&asset, "test.bob"));
        if number % 2 == 0 {
            // The same token at another address.
            input["staticIlpAddress"] = json!(format!("test.p{number}"));
        }
        tasks.spawn(async move {
            let response = node.mutate("createPeer", input, "code").await;
            text(&response["data"]["createPeer"]["code"])
        });
    }
    let mut codes = tasks.join_all().await;
    codes.sort();
    assert_eq!(codes.iter().filter(|code| *code == "200").count(), 1, "{codes:?}");
    assert_eq!(codes.iter().filter(|code| *code == "409").count(), 19, "{codes:?}");
    assert_eq!(node.connector.peer_count(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_concurrent_deposits_under_one_id_one_is_booked() {
    let node = Arc::new(Node::start().await);
    let asset = node.create_asset("USD").await;
    let peer = node.create_peer(&asset, "test.bob").await;
    let transfer_id = Uuid::new_v4();
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..20 {
        let node = Arc::clone(&node);
        let key = Uuid::new_v4();
        let input = json!({"peerId": peer, "amount": 7, "id": transfer_id, "idempotencyKey": key});
        tasks.spawn(async move {
            let response = node.mutate("depositPeerLiquidity", input, "code").await;
            text(&response["data"]["depositPeerLiquidity"]["code"])
        });
    }
    let codes = tasks.join_all().await;
    assert_eq!(codes.iter().filter(|code| *code == "200").count(), 1, "{codes:?}");
    assert_eq!(node.liquidity(&peer).await, "7");
}

/// The request is dropped after a different number of steps each time; whatever had begun is
/// carried to its end, so what is stored is what is live.
#[tokio::test]
async fn a_client_that_hangs_up_leaves_store_and_connector_equal() {
    let node = Node::start().await;
    let asset = node.create_asset("USD").await;
    for steps in 0..6 {
        let mut input = peer_input(&asset, &format!("test.p{steps}"));
        input["initialLiquidity"] = json!(5);
        let mut request = Box::pin(node.mutate("createPeer", input, "peer { id }"));
        let mut polls = 0;
        std::future::poll_fn(|context| {
            polls += 1;
            if polls > steps || request.as_mut().poll(context).is_ready() {
                return std::task::Poll::Ready(());
            }
            std::task::Poll::Pending
        })
        .await;
        drop(request);
    }
    // Changes are made one at a time and in turn, so this one comes after all that had begun.
    node.create_peer(&asset, "test.last").await;
    let stored = node.data(ALL, json!({})).await;
    let stored = stored["peers"]["edges"].as_array().unwrap();
    assert!(stored.len() >= 5, "all but the two that were never begun: {}", stored.len());
    assert_eq!(stored.len(), node.connector.peer_count());
    for edge in stored {
        let id: Uuid = text(&edge["node"]["id"]).parse().unwrap();
        let live = node.connector.peer(id).unwrap();
        let booked = node.connector.ledger().account(AccountId::peer(id)).own_part().available();
        assert_eq!(text(&edge["node"]["liquidity"]), booked.to_string());
        assert_eq!(live.terms().address.as_str(), text(&edge["node"]["staticIlpAddress"]));
    }
}
