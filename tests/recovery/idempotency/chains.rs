//! Requests of clients: chains in which each request uses the objects of the ones before. The three
//! kinds of chain together have every mutation that takes an idempotency key.

use std::time::Duration;

use serde_json::{Value, json};
use uuid::Uuid;

use super::{Chain, Gate, Neighbours, Request};
use crate::support::{Node, graphql::peer_input, http::Connection};

const ASSET: &str = "asset { id code scale liquidity liquidityThreshold createdAt }";
const PEER: &str = "peer { id name liquidity staticIlpAddress maxPacketAmount createdAt
    asset { id code liquidity } http { outgoing { endpoint authToken } } }";
const WALLET: &str = "walletAddress { id address publicName status createdAt }";
const INCOMING: &str = "payment { id url state createdAt }";
const OUTGOING: &str = "payment { id state createdAt }";
const QUOTE: &str = "quote { id createdAt }";
const WITHDRAWAL: &str = "withdrawal { id amount }";

/// The effect on liquidity of a request that moves no money.
const UNMOVED: (i64, i64) = (0, 0);

/// The kinds of chain.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Assets, peers, rates and liquidity.
    Money,
    /// Peering requests, sent and received.
    Peering,
    /// Wallet addresses and payments between them.
    Payments,
}

impl Kind {
    /// Returns the kind of chain that has a mutation. A mutation that is in no chain has none.
    pub(super) fn with(mutation: &str) -> Option<Self> {
        Some(match mutation {
            "createAsset"
            | "setRate"
            | "createPeer"
            | "depositPeerLiquidity"
            | "depositAssetLiquidity"
            | "createPeerLiquidityWithdrawal"
            | "postLiquidityWithdrawal"
            | "createAssetLiquidityWithdrawal"
            | "voidLiquidityWithdrawal"
            | "updatePeer"
            | "addPeerToken"
            | "revokePeerToken"
            | "updateAsset"
            | "deletePeer"
            | "deleteAsset"
            | "deleteRate" => Self::Money,
            "createOrUpdatePeerByUrl" | "approvePeeringRequest" | "rejectPeeringRequest" => {
                Self::Peering
            }
            "createWalletAddress"
            | "updateWalletAddress"
            | "setFee"
            | "createIncomingPayment"
            | "createQuote"
            | "createOutgoingPayment"
            | "depositOutgoingPaymentLiquidity"
            | "createIncomingPaymentWithdrawal"
            | "createWalletAddressWithdrawal"
            | "createOutgoingPaymentWithdrawal" => Self::Payments,
            _ => return None,
        })
    }
}

/// A client that sends one chain of requests, until its end or the node's.
pub(super) struct Client<'a> {
    pub(super) node: &'a Node,
    pub(super) neighbours: &'a Neighbours,
    pub(super) gate: &'a Gate,
    /// The mutation before which the client waits for the others.
    pub(super) target: &'a str,
    pub(super) has_waited: bool,
    pub(super) chain: Chain,
}

impl Client<'_> {
    /// Sends a request with a key of its own; `None` when the node is gone.
    fn ask(
        &mut self,
        mutation: &'static str,
        mut input: Value,
        object: &'static str,
        moved: (i64, i64),
    ) -> Option<Value> {
        if mutation == self.target && !self.has_waited {
            self.has_waited = true;
            self.gate.pass();
        }
        if self.gate.is_over() {
            return None;
        }
        input["idempotencyKey"] = json!(Uuid::new_v4());
        let mut request = Request { mutation, input, object, answer: None, moved };
        request.answer = request.send(self.node.admin);
        if let Some(answer) = &request.answer {
            assert_eq!(answer["code"], "200", "{mutation}: {answer}");
        }
        self.chain.requests.push(request);
        self.chain.requests.last()?.answer.clone()
    }

    pub(super) fn run(&mut self, kind: Kind, name: &str) -> Option<()> {
        match kind {
            Kind::Money => self.money(name),
            Kind::Peering => self.peering(name),
            Kind::Payments => self.payments(&name.to_lowercase()),
        }
    }

    fn asset(&mut self, name: &str) -> Option<Value> {
        let asset = json!({ "code": name, "scale": 2, "liquidityThreshold": "5" });
        Some(self.ask("createAsset", asset, ASSET, UNMOVED)?["asset"]["id"].take())
    }

    fn money(&mut self, name: &str) -> Option<()> {
        let asset = self.asset(name)?;
        let pair = json!({ "base": name, "quote": "EUR" });
        let rate = json!({ "base": name, "quote": "EUR", "rate": "0.92" });
        self.ask("setRate", rate, "", UNMOVED)?;
        let peer = |address: &str, more: Value| {
            peer_input(asset.as_str().unwrap_or_default(), address, "http://127.0.0.1:1", more)
        };
        let first = peer(&format!("test.{name}"), json!({ "initialLiquidity": "1000" }));
        let first = self.ask("createPeer", first, PEER, (1_000, 0))?["peer"]["id"].take();
        self.liquidity(&asset, &first)?;
        self.ask("updatePeer", json!({ "id": first, "name": "another" }), PEER, UNMOVED)?;
        let token = json!({ "peerId": first, "authToken": format!("next-of-{name}") });
        self.ask("addPeerToken", token.clone(), "incomingToken { id }", UNMOVED)?;
        self.ask("revokePeerToken", token, PEER, UNMOVED)?;
        let unwatched = json!({ "id": asset, "liquidityThreshold": null });
        self.ask("updateAsset", unwatched, ASSET, UNMOVED)?;
        let gone = peer(&format!("test.{name}.gone"), json!({ "initialLiquidity": null }));
        let gone = self.ask("createPeer", gone, PEER, UNMOVED)?["peer"]["id"].take();
        self.ask("deletePeer", json!({ "id": gone }), "", UNMOVED)?;
        let gone = self.asset(&format!("{name}G"))?;
        self.ask("deleteAsset", json!({ "id": gone }), ASSET, UNMOVED)?;
        self.ask("deleteRate", pair, "", UNMOVED)?;
        Some(())
    }

    fn liquidity(&mut self, asset: &Value, peer: &Value) -> Option<()> {
        let of_peer =
            |amount: i64, timeout_s: Option<u64>| movement("peerId", peer, amount, timeout_s);
        let of_asset =
            |amount: i64, timeout_s: Option<u64>| movement("assetId", asset, amount, timeout_s);
        self.ask("depositPeerLiquidity", of_peer(50, None), "", (50, 0))?;
        self.ask("depositAssetLiquidity", of_asset(70, None), "", (0, 70))?;
        let withdraw = ["createPeerLiquidityWithdrawal", "createAssetLiquidityWithdrawal"];
        self.ask(withdraw[0], of_peer(30, Some(0)), "", (-30, 0))?;
        let pending = of_peer(20, Some(3_600));
        let posted = json!({ "withdrawalId": pending["id"] });
        self.ask(withdraw[0], pending, "", (-20, 0))?;
        self.ask("postLiquidityWithdrawal", posted, "", UNMOVED)?;
        let pending = of_asset(10, Some(3_600));
        let voided = json!({ "withdrawalId": pending["id"] });
        self.ask(withdraw[1], pending, "", (0, -10))?;
        self.ask("voidLiquidityWithdrawal", voided, "", (0, 10))?;
        Some(())
    }

    fn peering(&mut self, name: &str) -> Option<()> {
        let asset = self.asset(name)?;
        let asked = json!({
            "assetId": asset, "liquidityToDeposit": 7,
            "peerUrl": format!("{}/{name}", self.neighbours.asked.endpoint()),
        });
        self.ask("createOrUpdatePeerByUrl", asked, PEER, (7, 0))?;
        let request = self.offer(name, "eve")?;
        self.ask("approvePeeringRequest", json!({ "id": request }), PEER, UNMOVED)?;
        let request = self.offer(name, "mia")?;
        self.ask("rejectPeeringRequest", json!({ "id": request }), "", UNMOVED)?;
        Some(())
    }

    /// Sends a peering request, as another node does, and returns the id of the waiting request.
    fn offer(&self, name: &str, from: &str) -> Option<Value> {
        let address = format!("test.{from}{name}");
        let offer = json!({
            "staticIlpAddress": address, "ilpConnectorUrl": format!("http://127.0.0.1:1/{address}"),
            "asset": { "code": name, "scale": 2 }, "httpToken": address,
        });
        let headers = [("content-type", "application/json"), ("accept", "application/json")];
        let mut connection = Connection::open(self.node.auto_peering()).ok()?;
        let answer =
            connection.request("POST", "/", &headers, offer.to_string().as_bytes()).ok()?;
        assert_eq!(answer.status, 202, "{}", answer.text());
        let list = "{ peeringRequests(first: 100) { edges { node { id staticIlpAddress } } } }";
        let waiting = self.query(list, &json!({}))?;
        let edges = waiting["peeringRequests"]["edges"].as_array()?;
        let found = edges.iter().find(|edge| edge["node"]["staticIlpAddress"] == address);
        Some(found.expect("a request that was accepted waits")["node"]["id"].clone())
    }

    fn payments(&mut self, name: &str) -> Option<()> {
        let asset = self.asset(name)?;
        let wallet = |of: &str| json!({ "assetId": asset, "address": format!("https://wallet.example/{name}-{of}") });
        let amount = |value: u64| json!({ "value": value, "assetCode": name, "assetScale": 2 });
        let alice = self.ask("createWalletAddress", wallet("alice"), WALLET, UNMOVED)?;
        let alice = &alice["walletAddress"]["id"];
        let carol = self.ask("createWalletAddress", wallet("carol"), WALLET, UNMOVED)?;
        let (carol, carols_url) =
            (&carol["walletAddress"]["id"], &carol["walletAddress"]["address"]);
        let fee = json!({ "assetId": asset, "type": "SENDING",
            "fee": { "fixed": 0, "basisPoints": 0 } });
        self.ask("setFee", fee, "fee { id }", UNMOVED)?;
        let invoice = json!({ "walletAddressId": carol, "incomingAmount": amount(40) });
        let invoice = self.ask("createIncomingPayment", invoice, INCOMING, UNMOVED)?;
        let to_invoice = json!({ "walletAddressId": alice, "receiver": invoice["payment"]["url"] });
        let to_carol = json!({ "walletAddressId": alice, "receiver": carols_url,
            "debitAmount": amount(100) });
        self.pay(to_invoice, None)?;
        let withdrawn = json!({ "incomingPaymentId": invoice["payment"]["id"],
            "timeoutSeconds": 0 });
        self.ask("createIncomingPaymentWithdrawal", withdrawn, "", UNMOVED)?;
        self.pay(to_carol.clone(), None)?;
        let withdrawn = json!({ "walletAddressId": carol, "id": Uuid::new_v4(),
            "timeoutSeconds": 0 });
        self.ask("createWalletAddressWithdrawal", withdrawn, WITHDRAWAL, UNMOVED)?;
        let closed = json!({ "id": carol, "status": "INACTIVE" });
        let failed = self.pay(to_carol, Some(closed))?;
        let left = json!({ "outgoingPaymentId": failed, "timeoutSeconds": 0 });
        self.ask("createOutgoingPaymentWithdrawal", left, "", UNMOVED)?;
        Some(())
    }

    /// Makes a payment, funds it and waits for its end. Where the receiver is closed before that, the
    /// payment fails and keeps its money.
    fn pay(&mut self, quote: Value, closed: Option<Value>) -> Option<Value> {
        let fails = closed.is_some();
        let new = json!({
            "walletAddressId": quote["walletAddressId"],
            "quoteId": self.ask("createQuote", quote, QUOTE, UNMOVED)?["quote"]["id"].take(),
        });
        let payment = self.ask("createOutgoingPayment", new, OUTGOING, UNMOVED)?;
        let id = payment["payment"]["id"].clone();
        if let Some(closed) = closed {
            self.ask("updateWalletAddress", closed, WALLET, UNMOVED)?;
        }
        let funded = json!({ "outgoingPaymentId": id });
        self.ask("depositOutgoingPaymentLiquidity", funded, "", UNMOVED)?;
        let query = "query($id: String!) { outgoingPayment(id: $id) { state error } }";
        loop {
            let payment = self.query(query, &json!({ "id": id }))?["outgoingPayment"].take();
            match payment["state"].as_str()? {
                "FUNDING" | "SENDING" => std::thread::sleep(Duration::from_millis(2)),
                state => {
                    assert_eq!(state, if fails { "FAILED" } else { "COMPLETED" }, "{payment}");
                    return Some(id);
                }
            }
        }
    }

    /// Returns the answer to a query; `None` when the node is gone.
    fn query(&self, query: &str, variables: &Value) -> Option<Value> {
        super::post(self.node.admin, query, variables)
    }
}

fn movement(owner: &str, id: &Value, amount: i64, timeout_s: Option<u64>) -> Value {
    let mut input = json!({ owner: id, "id": Uuid::new_v4(), "amount": amount.to_string() });
    if let Some(timeout_s) = timeout_s {
        input["timeoutSeconds"] = json!(timeout_s);
    }
    input
}
