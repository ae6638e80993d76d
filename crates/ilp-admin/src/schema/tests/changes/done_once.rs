//! Every mutation that takes an idempotency key, sent twice: done once, answered twice, and kept in
//! the batch of what was done, so that a crash leaves both or neither.
//!
//! Which mutations these are is asked of the schema. One without a step here fails the test.

use std::collections::BTreeSet;

use ilp_connector::token::Secret;
use ilp_operator::PeeringOffer;
use uuid::Uuid;

use crate::schema::tests::*;

const ASSET: &str = "asset { id code scale liquidity liquidityThreshold createdAt }";
const PEER: &str = "peer { id name liquidity }";
const PAYMENT: &str = "payment { id state }";

/// A node on which every mutation is sent twice.
struct Walk {
    node: Node,
    seen: BTreeSet<&'static str>,
    /// Mutations that wrote more or fewer batches than they may.
    torn: Vec<String>,
}

impl Walk {
    /// Sends a mutation twice under one key and returns what was answered. What it does and the
    /// answer that is kept take `batches` batches of records, and one more notes at first that it begins,
    /// but for a quote, which changes nothing that was there.
    async fn twice_in(
        &mut self,
        batches: u64,
        mutation: &'static str,
        mut input: Value,
        selection: &str,
    ) -> Value {
        input["idempotencyKey"] = json!(Uuid::new_v4());
        let selection = format!("code message {selection}");
        let store = self.node.operator.store().clone();
        let before = store.batches();
        let first = self.node.mutate(mutation, input.clone(), &selection).await;
        assert_eq!(first["data"][mutation]["code"], "200", "{mutation}: {first}");
        let between = store.batches();
        let second = self.node.mutate(mutation, input, &selection).await;
        assert_eq!(first, second, "{mutation}");
        // The second time only the end is noted, as it is the first time too.
        let begin = u64::from(mutation != "createQuote");
        let written = (between - before) - (store.batches() - between) - begin;
        if written != batches {
            self.torn.push(format!("{mutation}: {written} batches, and {batches} are expected"));
        }
        self.seen.insert(mutation);
        first["data"][mutation].clone()
    }

    async fn twice(&mut self, mutation: &'static str, input: Value, selection: &str) -> Value {
        self.twice_in(1, mutation, input, selection).await
    }

    async fn asset(&mut self, code: &str) -> String {
        let input = json!({"code": code, "scale": 9});
        text(&self.twice("createAsset", input, ASSET).await["asset"]["id"])
    }

    async fn peers_and_money(&mut self) {
        let asset = self.asset("EUR").await;
        let threshold = json!({"id": asset, "withdrawalThreshold": 5});
        self.twice("updateAsset", threshold, ASSET).await;
        let made = self.twice("createPeer", peer_input(&asset, "test.bob"), PEER).await;
        let peer = text(&made["peer"]["id"]);
        self.twice("updatePeer", json!({"id": peer, "name": "Bob"}), PEER).await;
        let tokens = "peer { incomingTokenCount } incomingToken { id }";
        let added = json!({"peerId": peer, "authToken": "one-more"});
        self.twice("addPeerToken", added.clone(), tokens).await;
        self.twice("revokePeerToken", added, PEER).await;
        let moved = |owner: &str, id: &str, amount: u64| json!({owner: id, "id": Uuid::new_v4(), "amount": amount});
        self.twice("depositPeerLiquidity", moved("peerId", &peer, 100), "").await;
        self.twice("depositAssetLiquidity", moved("assetId", &asset, 50), "").await;
        let pending = |mut input: Value| {
            input["timeoutSeconds"] = json!(3600);
            input
        };
        let out = pending(moved("peerId", &peer, 30));
        self.twice("createPeerLiquidityWithdrawal", out.clone(), "").await;
        self.twice("postLiquidityWithdrawal", json!({"withdrawalId": out["id"]}), "").await;
        let out = pending(moved("assetId", &asset, 50));
        self.twice("createAssetLiquidityWithdrawal", out.clone(), "").await;
        self.twice("voidLiquidityWithdrawal", json!({"withdrawalId": out["id"]}), "").await;
        assert_eq!(self.node.liquidity(&peer).await, "70");
        self.twice("deletePeer", json!({"id": peer}), "").await;
        let node = &self.node;
        node.move_liquidity("createAssetLiquidityWithdrawal", "assetId", &asset, 50).await;
        self.twice("deleteAsset", json!({"id": asset}), ASSET).await;
    }

    async fn peers_who_are_asked_or_ask(&mut self, asset: &str) {
        let by_url = |path: &str| json!({"assetId": asset, "peerUrl": format!("https://peer.example/{path}")});
        self.twice("createOrUpdatePeerByUrl", by_url("good"), PEER).await;
        // Once more it is renewed; with a deposit, what is kept counts once the books have that.
        self.twice("createOrUpdatePeerByUrl", by_url("good"), PEER).await;
        let mut more = by_url("good");
        more["liquidityToDeposit"] = json!(7);
        self.twice("createOrUpdatePeerByUrl", more, PEER).await;
        for (name, mutation, selection) in
            [("carol", "approvePeeringRequest", PEER), ("dan", "rejectPeeringRequest", "")]
        {
            let asked = self.node.operator.peering().accept(offer(name)).await.unwrap();
            assert!(asked.is_pending);
            let waiting = "{ peeringRequests { edges { node { id } } } }";
            let waiting = self.node.data(waiting, json!({})).await;
            let id = &waiting["peeringRequests"]["edges"][0]["node"]["id"];
            self.twice(mutation, json!({ "id": id }), selection).await;
        }
    }

    async fn payments(&mut self, asset: &str) {
        let payer = self.node.pay_through_notes().await;
        let new = |name: &str| json!({"assetId": asset, "address": format!("https://wallet.example/{name}")});
        let wallet = "walletAddress { id publicName }";
        let alice = self.twice("createWalletAddress", new("alice"), wallet).await;
        let alice = text(&alice["walletAddress"]["id"]);
        let named = json!({"id": alice, "publicName": "Alice"});
        self.twice("updateWalletAddress", named, wallet).await;
        let invoice = json!({"walletAddressId": alice,
            "incomingAmount": {"value": 40, "assetCode": "USD", "assetScale": 9}});
        let invoice = self.twice("createIncomingPayment", invoice, PAYMENT).await;
        let invoice = text(&invoice["payment"]["id"]);
        for (paid, amount) in [(&invoice, 40), (&alice, 9)] {
            let to = self
                .node
                .operator
                .payments()
                .recipient(paid.parse().unwrap())
                .await
                .unwrap()
                .unwrap();
            self.node.pay_in(&to.local, amount).await;
            self.node.operator.payments().incoming_credited(&to);
        }
        self.node.until_state("incomingPayment", &invoice, "COMPLETED").await;
        let out = |owner: &str, id: &str| json!({owner: id, "timeoutSeconds": 0});
        let received = out("incomingPaymentId", &invoice);
        self.twice("createIncomingPaymentWithdrawal", received, "").await;
        let mut left = out("walletAddressId", &alice);
        left["id"] = json!(Uuid::new_v4());
        self.twice("createWalletAddressWithdrawal", left, "withdrawal { id amount }").await;

        let fee = json!({"assetId": asset, "type": "SENDING",
            "fee": {"fixed": 1, "basisPoints": 0}});
        self.twice("setFee", fee, "fee { id }").await;
        let quote = json!({"walletAddressId": alice, "receiver": "$far.example/bob",
            "debitAmount": {"value": 100, "assetCode": "USD", "assetScale": 9}});
        let quote = self.twice("createQuote", quote, "quote { id }").await;
        let new = json!({"walletAddressId": alice, "quoteId": quote["quote"]["id"]});
        let payment = self.twice("createOutgoingPayment", new, PAYMENT).await;
        let payment = text(&payment["payment"]["id"]);
        // The second batch follows from the books: the next start makes it, too.
        let funded = json!({ "outgoingPaymentId": payment });
        self.twice_in(2, "depositOutgoingPaymentLiquidity", funded, "").await;
        assert_eq!(payer.orders.lock().len(), 1);
        let order = payer.orders.lock()[0].clone();
        let ended = ilp_operator::paying::Ended::Failed { reason: "no way".to_owned() };
        let progress = ilp_operator::paying::Progress::default();
        self.node.operator.ended(order.payment_id, ended, progress).await.unwrap();
        let left = out("outgoingPaymentId", &payment);
        self.twice("createOutgoingPaymentWithdrawal", left, "").await;
    }
}

fn offer(name: &str) -> PeeringOffer {
    PeeringOffer {
        static_ilp_address: format!("test.{name}"),
        connector_url: format!("https://ilp.{name}.example"),
        asset_code: "USD".to_owned(),
        asset_scale: 9,
        token: Secret::new(format!("token-of-{name}")),
        max_packet_amount: None,
        name: None,
        proof: None,
        caller: None,
    }
}

/// The mutations whose input has an idempotency key, as the schema has them.
async fn mutations_with_a_key(node: &Node) -> BTreeSet<String> {
    let query =
        "{ __schema { mutationType { fields { name args { type { name ofType { name } } } } }
        types { name inputFields { name } } } }";
    let schema = node.data(query, json!({})).await["__schema"].clone();
    let types = schema["types"].as_array().unwrap();
    let has_key = |name: &Value| {
        let fields = types.iter().find(|kind| kind["name"] == *name);
        let fields = fields.and_then(|kind| kind["inputFields"].as_array()).into_iter().flatten();
        fields.into_iter().any(|field| field["name"] == "idempotencyKey")
    };
    let fields = schema["mutationType"]["fields"].as_array().unwrap();
    let takes_key = |field: &&Value| {
        let mut arguments = field["args"].as_array().into_iter().flatten();
        arguments.any(|it| has_key(&it["type"]["name"]) || has_key(&it["type"]["ofType"]["name"]))
    };
    fields.iter().filter(takes_key).map(|field| text(&field["name"])).collect()
}

#[tokio::test]
async fn every_mutation_with_a_key_is_done_once() {
    let node = Node::start().await;
    let mut walk = Walk { node, seen: BTreeSet::new(), torn: Vec::new() };
    walk.peers_and_money().await;
    let asset = walk.asset("USD").await;
    walk.peers_who_are_asked_or_ask(&asset).await;
    walk.payments(&asset).await;
    let rate = json!({"base": "USD", "quote": "EUR", "rate": "0.92"});
    walk.twice("setRate", rate, "").await;
    walk.twice("deleteRate", json!({"base": "USD", "quote": "EUR"}), "").await;
    let known = mutations_with_a_key(&walk.node).await;
    let without: Vec<_> = known.iter().filter(|name| !walk.seen.contains(name.as_str())).collect();
    assert_eq!((without, walk.torn), (Vec::new(), Vec::new()));
    assert!(known.len() > 20, "the schema has {}", known.len());
}

/// A node that asked and its note are one batch too, or strangers could be more than the operator
/// lets in.
#[tokio::test]
async fn a_peer_that_made_itself_one_is_counted_in_the_batch_that_adds_it() {
    let dir = tempfile::tempdir().unwrap();
    let peering = PeeringRules { is_automatic: true, peers_max: 5, ..rules() };
    let (operator, _connector) = operator_with_rules(dir.path(), peering).await;
    let new = ilp_operator::NewAsset {
        code: "USD".to_owned(),
        scale: 9,
        ..ilp_operator::NewAsset::default()
    };
    operator.unrecorded().assets().create(new).await.unwrap();
    let before = operator.store().batches();
    assert!(!operator.peering().accept(offer("carol")).await.unwrap().is_pending);
    // One of them is the peer, and two are of the audit log.
    assert_eq!(operator.store().batches() - before, 3);
    assert_eq!(operator.store().auto_peered().unwrap().len(), 1);
}
