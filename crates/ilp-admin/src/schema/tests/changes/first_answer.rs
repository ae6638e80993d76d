//! A key leads to the first answer, whatever became of the object since, and wherever the node was cut
//! short.

use std::{io, sync::atomic::AtomicU8};

use ilp_connector::{
    account::AccountId,
    ledger::{Ledger as _, Leg, Transfer, TransferKind},
};
use ilp_store::ledger::Queued;
use uuid::Uuid;

use crate::schema::tests::*;

const PEER: &str = "code success message peer { id name liquidity staticIlpAddress routes createdAt
    maxPacketAmount liquidityThreshold incomingTokenCount asset { id code liquidity liquidityThreshold }
    http { outgoing { endpoint authToken } } }";
const ASSET: &str = "code message asset { id code scale liquidity liquidityThreshold createdAt }";

/// Mutations with their keys, in the order in which they are sent.
#[derive(Default)]
struct Requests(Vec<(&'static str, Value, &'static str, Value)>);

impl Requests {
    async fn send(
        &mut self,
        node: &Node,
        mutation: &'static str,
        mut input: Value,
        selection: &'static str,
    ) -> Value {
        input["idempotencyKey"] = json!(Uuid::new_v4());
        let answer = node.mutate(mutation, input.clone(), selection).await;
        assert_eq!(answer["data"][mutation]["code"], "200", "{answer}");
        self.0.push((mutation, input, selection, answer.clone()));
        answer["data"][mutation].clone()
    }

    async fn are_answered_again(&self, node: &Node) {
        for (mutation, input, selection, first) in &self.0 {
            assert_eq!(node.mutate(mutation, input.clone(), selection).await, *first);
        }
    }
}

#[tokio::test]
async fn the_first_answer_is_told_again_whatever_became_of_the_object() {
    let node = Node::start().await;
    let mut requests = Requests::default();
    let usd = json!({"code": "USD", "scale": 2, "liquidityThreshold": 7});
    let asset = text(&requests.send(&node, "createAsset", usd, ASSET).await["asset"]["id"]);
    let mut bob = peer_input(&asset, "test.bob");
    bob["initialLiquidity"] = json!(70);
    let made = requests.send(&node, "createPeer", bob, PEER).await;
    assert_eq!(made["peer"]["liquidity"], "70");
    let peer = text(&made["peer"]["id"]);
    let renamed = json!({"id": peer, "name": "Bob", "routes": ["g.bob"]});
    let renamed = requests.send(&node, "updatePeer", renamed, PEER).await;
    assert_eq!(renamed["peer"]["routes"], json!(["test.bob", "g.bob"]));
    for (mutation, owner, id) in
        [("depositPeerLiquidity", "peerId", &peer), ("depositAssetLiquidity", "assetId", &asset)]
    {
        let deposit = json!({owner: id, "amount": 5, "id": Uuid::new_v4()});
        requests.send(&node, mutation, deposit, "code message").await;
    }
    let unwatched = json!({"id": asset, "liquidityThreshold": null});
    let unwatched = requests.send(&node, "updateAsset", unwatched, ASSET).await;
    assert_eq!(unwatched["asset"]["liquidity"], "5");
    node.mutate("updatePeer", json!({"id": peer, "name": "Robert"}), "code").await;
    requests.are_answered_again(&node).await;
    let node = node.restart().await;
    requests.are_answered_again(&node).await;
    assert_eq!(node.liquidity(&peer).await, "75");

    requests.send(&node, "deletePeer", json!({"id": peer}), "code message").await;
    node.move_liquidity("createAssetLiquidityWithdrawal", "assetId", &asset, 5).await;
    let deleted = requests.send(&node, "deleteAsset", json!({"id": asset}), ASSET).await;
    assert_eq!(deleted["asset"]["code"], "USD");
    requests.are_answered_again(&node).await;
    let node = node.restart().await;
    requests.are_answered_again(&node).await;
    let left = node.data("{ assets { edges { node { id } } } }", json!({})).await;
    assert_eq!((left["assets"]["edges"].clone(), node.connector.peer_count()), (json!([]), 0));
}

const WORKS: u8 = 0;
const LOSES: u8 = 1;
const WRITES: u8 = 2;

/// A disk that fails at the first step of a transfer once it is told to: before it has the batch, or once
/// it has it. The audit note of the request may come in a batch before the step.
struct Failing {
    books: Box<dyn BatchWriter>,
    how: Arc<AtomicU8>,
}

impl BatchWriter for Failing {
    fn write(&mut self, batch: &[Queued]) -> io::Result<()> {
        let how = self.how.load(Ordering::SeqCst);
        if how == WORKS || batch.iter().all(|queued| queued.transfers().is_empty()) {
            return self.books.write(batch);
        }
        if how == WRITES {
            self.books.write(batch)?;
        }
        Err(io::Error::other("the disk is gone"))
    }
}

/// The node is cut short in the middle of a request, with its step in the books or without: it isn't
/// told of as done or refused while that is open, and ends done, once, when it is sent again.
async fn cut_short(
    mutation: &'static str,
    selection: &str,
    how: u8,
    input: impl AsyncFnOnce(&Node, &str, &str) -> Value,
) -> (Node, Value) {
    let switch = Arc::new(AtomicU8::new(WORKS));
    let dir = tempfile::tempdir().unwrap();
    let failing = Arc::clone(&switch);
    let node = Node::start_with(dir, LedgerOptions::default(), |books| {
        Box::new(Failing { books, how: failing })
    });
    let node = node.await;
    let asset = node.create_asset("USD").await;
    let peer = node.create_peer(&asset, "test.bob").await;
    node.move_liquidity("depositPeerLiquidity", "peerId", &peer, 100).await;
    let mut input = input(&node, &asset, &peer).await;
    input["idempotencyKey"] = json!("k");
    switch.store(how, Ordering::SeqCst);
    let cut = node.mutate(mutation, input.clone(), "code message").await;
    assert_eq!(cut["data"][mutation]["code"], "503", "{cut}");
    let open = node.mutate(mutation, input.clone(), "code message").await;
    let message = text(&open["data"][mutation]["message"]);
    assert!(message.contains("idempotencyKey k was done shows after a restart"), "{message}");
    let node = node.restart().await;
    let done = node.mutate(mutation, input.clone(), selection).await;
    assert_eq!(done["data"][mutation]["code"], "200", "{mutation} {how}: {done}");
    assert_eq!(node.mutate(mutation, input.clone(), selection).await, done);
    let node = node.restart().await;
    assert_eq!(node.mutate(mutation, input, selection).await, done);
    (node, done["data"][mutation].clone())
}

#[tokio::test]
async fn a_movement_cut_short_is_made_once_and_answered() {
    for how in [LOSES, WRITES] {
        let (peers, states) = ("{ peers { edges { node { liquidity } } } }", "code message");
        let withdrawal = async |node: &Node, peer: &str| -> Value {
            let id = Uuid::new_v4();
            let input = json!({"peerId": peer, "amount": 30, "id": id, "timeoutSeconds": 3600,
                "idempotencyKey": Uuid::new_v4()});
            node.mutate("createPeerLiquidityWithdrawal", input, "code").await;
            json!({"withdrawalId": id})
        };
        let moved = |peer: &str| json!({"peerId": peer, "amount": 7, "id": Uuid::new_v4()});
        let post = async |node: &Node, _: &str, peer: &str| withdrawal(node, peer).await;
        let void = async |node: &Node, _: &str, peer: &str| withdrawal(node, peer).await;
        let deposit = async |_: &Node, _: &str, peer: &str| moved(peer);
        let withdraw = async |_: &Node, _: &str, peer: &str| {
            let mut pending = moved(peer);
            pending["timeoutSeconds"] = json!(3600);
            pending
        };
        let nodes = [
            (cut_short("depositPeerLiquidity", states, how, deposit).await.0, "107"),
            (cut_short("createPeerLiquidityWithdrawal", states, how, withdraw).await.0, "93"),
            (cut_short("postLiquidityWithdrawal", states, how, post).await.0, "70"),
            (cut_short("voidLiquidityWithdrawal", states, how, void).await.0, "100"),
        ];
        for (node, expected) in nodes {
            let found = node.data(peers, json!({})).await;
            assert_eq!(found["peers"]["edges"][0]["node"]["liquidity"], expected, "{how}");
        }
    }
}

#[tokio::test]
async fn a_peer_cut_short_before_or_after_its_deposit_is_the_one_that_is_answered() {
    for how in [LOSES, WRITES] {
        let input = async |_: &Node, asset: &str, _: &str| {
            let mut carol = peer_input(asset, "test.carol");
            carol["initialLiquidity"] = json!(70);
            carol
        };
        let (node, done) = cut_short("createPeer", PEER, how, input).await;
        assert_eq!(
            (&done["message"], &done["peer"]["liquidity"]),
            (&json!("Created ILP Peer"), &json!("70"))
        );
        let id = text(&done["peer"]["id"]);
        assert_eq!((node.liquidity(&id).await.as_str(), node.connector.peer_count()), ("70", 2));
        assert!(node.connector.peer_by_token(b"token-test.carol").is_some());
    }
}

/// A key is free again when what was begun under it is undone, in the store as well as in the books.
#[tokio::test]
async fn what_the_ledger_has_no_room_for_leaves_no_key_taken() {
    let options = LedgerOptions { transfers_in_flight_max: 1, ..LedgerOptions::default() };
    let node = Node::start_with(tempfile::tempdir().unwrap(), options, |books| books).await;
    let asset = node.create_asset("USD").await;
    let peer = node.create_peer(&asset, "test.bob").await;
    node.move_liquidity("depositPeerLiquidity", "peerId", &peer, 100).await;
    let ledger = node.connector.ledger();
    let account = |id| ledger.account(id);
    let first = Leg {
        debit: account(AccountId::peer(peer.parse().unwrap())),
        credit: account(AccountId::asset(asset.parse().unwrap())),
        amount: 1,
    };
    let packet = Transfer { id: Uuid::new_v4(), kind: TransferKind::Packet, first, second: None };
    let only_place = ledger.hold(packet).await.unwrap();
    let mut carol = peer_input(&asset, "test.carol");
    carol["initialLiquidity"] = json!(70);
    carol["idempotencyKey"] = json!("peer");
    let deposit = |amount: u64| json!({"peerId": peer, "amount": amount, "id": Uuid::new_v4(), "idempotencyKey": "deposit"});
    for (mutation, input) in [("createPeer", carol.clone()), ("depositPeerLiquidity", deposit(5))] {
        let full = node.mutate(mutation, input, "code").await;
        assert_eq!(full["data"][mutation]["code"], "503", "{full}");
    }
    assert_eq!(node.connector.peer_count(), 1);
    drop(only_place);
    let node = node.restart().await;
    carol["name"] = json!("Carol");
    for (mutation, input) in [("createPeer", carol), ("depositPeerLiquidity", deposit(6))] {
        let done = node.mutate(mutation, input, "code message").await;
        assert_eq!(done["data"][mutation]["code"], "200", "{done}");
    }
    assert_eq!((node.liquidity(&peer).await.as_str(), node.connector.peer_count()), ("106", 2));
}
