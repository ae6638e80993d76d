//! `kill -9` between requests and their answers: sent again with its key, each request is answered as
//! it was or would have been, and is done once.
//!
//! Clients make assets and peers and move their money, back to back, until the node is gone. The test
//! keeps what they sent and heard, sends all of it again, and holds the books against it.

use std::{
    collections::HashSet,
    net::SocketAddr,
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::Duration,
};

use serde_json::{Value, json};
use uuid::Uuid;

use super::{ledger, rounds, sha256};
use crate::support::{Node, graphql::peer_input, http::Connection};

const CLIENTS: usize = 6;

const ASSET: &str = "asset { id code scale liquidity liquidityThreshold createdAt }";
const PEER: &str = "peer { id name liquidity staticIlpAddress maxPacketAmount createdAt
    asset { id code liquidity } http { outgoing { endpoint authToken } } }";

/// A mutation with its key, what was heard of it first, and what it does to the liquidity of its
/// peer and its asset.
struct Request {
    mutation: &'static str,
    input: Value,
    object: &'static str,
    answer: Option<Value>,
    moved: (i64, i64),
}

impl Request {
    /// Sends it; `None` when the node is gone before the whole answer has come.
    fn send(&self, admin: SocketAddr) -> Option<Value> {
        let Self { mutation, input, object, .. } = self;
        let mut kind = (*mutation).to_owned();
        kind[..1].make_ascii_uppercase();
        let query = format!(
            "mutation($input: {kind}Input!) {{
                {mutation}(input: $input) {{ code success message {object} }} }}"
        );
        let body = json!({ "query": query, "variables": { "input": input } }).to_string();
        let mut connection = Connection::open(admin).ok()?;
        let json = [("content-type", "application/json")];
        let response = connection.request("POST", "/graphql", &json, body.as_bytes()).ok()?;
        let answer: Value = serde_json::from_slice(&response.body).unwrap();
        Some(answer["data"][*mutation].clone())
    }

    /// The id of the object that it was answered with.
    fn made(&self, object: &str) -> Option<&str> {
        self.answer.as_ref()?[object]["id"].as_str()
    }
}

/// An asset with a peer, and all that a client asked for them.
#[derive(Default)]
struct Chain {
    requests: Vec<Request>,
}

/// Sends one chain of requests, until its end or the node's.
struct Client<'a> {
    admin: SocketAddr,
    ending: &'a AtomicBool,
    chain: Chain,
}

impl Client<'_> {
    fn ask(
        &mut self,
        mutation: &'static str,
        mut input: Value,
        object: &'static str,
        moved: (i64, i64),
    ) -> Option<Value> {
        if self.ending.load(Ordering::SeqCst) {
            return None;
        }
        input["idempotencyKey"] = json!(Uuid::new_v4());
        let mut request = Request { mutation, input, object, answer: None, moved };
        request.answer = request.send(self.admin);
        if let Some(answer) = &request.answer {
            assert_eq!(answer["code"], "200", "{mutation}: {answer}");
        }
        self.chain.requests.push(request);
        self.chain.requests.last()?.answer.clone()
    }

    fn run(&mut self, name: &str) -> Option<()> {
        let asset = json!({ "code": name, "scale": 2, "liquidityThreshold": "5" });
        let asset = self.ask("createAsset", asset, ASSET, (0, 0))?["asset"]["id"].take();
        let address = format!("test.{name}");
        let more = json!({ "initialLiquidity": "1000" });
        let peer = peer_input(asset.as_str()?, &address, "http://127.0.0.1:1", more);
        let peer = self.ask("createPeer", peer, PEER, (1_000, 0))?["peer"]["id"].take();
        let of_peer =
            |amount: i64, timeout_s: Option<u64>| moved("peerId", &peer, amount, timeout_s);
        let of_asset =
            |amount: i64, timeout_s: Option<u64>| moved("assetId", &asset, amount, timeout_s);
        self.ask("depositPeerLiquidity", of_peer(50, None), "", (50, 0))?;
        self.ask("depositAssetLiquidity", of_asset(70, None), "", (0, 70))?;
        let withdraw = ["createPeerLiquidityWithdrawal", "createAssetLiquidityWithdrawal"];
        self.ask(withdraw[0], of_peer(30, Some(0)), "", (-30, 0))?;
        let pending = of_peer(20, Some(3_600));
        let posted = json!({ "withdrawalId": pending["id"] });
        self.ask(withdraw[0], pending, "", (-20, 0))?;
        self.ask("postLiquidityWithdrawal", posted, "", (0, 0))?;
        let pending = of_asset(10, Some(3_600));
        let voided = json!({ "withdrawalId": pending["id"] });
        self.ask(withdraw[1], pending, "", (0, -10))?;
        self.ask("voidLiquidityWithdrawal", voided, "", (0, 10))?;
        self.ask("updatePeer", json!({ "id": peer, "name": "another" }), PEER, (0, 0))?;
        let unwatched = json!({ "id": asset, "liquidityThreshold": null });
        self.ask("updateAsset", unwatched, ASSET, (0, 0))?;
        Some(())
    }
}

fn moved(owner: &str, id: &Value, amount: i64, timeout_s: Option<u64>) -> Value {
    let mut input = json!({ owner: id, "id": Uuid::new_v4(), "amount": amount.to_string() });
    if let Some(timeout_s) = timeout_s {
        input["timeoutSeconds"] = json!(timeout_s);
    }
    input
}

/// Chain after chain, until the node is killed at a moment that nobody chose.
fn load_until_killed(node: &Node, round: u64) -> Vec<Chain> {
    let ending = AtomicBool::new(false);
    let moment_ms = 20 + u64::from(sha256(&round.to_be_bytes())[0]) * 400 / 256;
    thread::scope(|scope| {
        let send = |client: usize| {
            let mut chains = Vec::new();
            for number in 0.. {
                let name = format!("R{round}C{client}N{number}");
                let chain = Chain::default();
                let mut client = Client { admin: node.admin, ending: &ending, chain };
                let ended = client.run(&name).is_none();
                chains.push(client.chain);
                if ended {
                    break;
                }
            }
            chains
        };
        let clients: Vec<_> =
            (0..CLIENTS).map(|client| scope.spawn(move || send(client))).collect();
        thread::sleep(Duration::from_millis(moment_ms));
        node.signal("KILL");
        ending.store(true, Ordering::SeqCst);
        clients.into_iter().flat_map(|client| client.join().unwrap()).collect()
    })
}

/// Sends everything again and checks it against what was heard first.
fn send_again(node: &Node, chains: &mut [Chain]) {
    for request in chains.iter_mut().flat_map(|chain| &mut chain.requests) {
        let answer = request.send(node.admin).unwrap();
        assert_eq!(answer["code"], "200", "{}: {answer}", request.mutation);
        let first = request.answer.get_or_insert_with(|| answer.clone());
        assert_eq!(answer, *first, "{}", request.mutation);
    }
}

/// The keys of what was cut short are as taken as all others.
fn refuses_other_input(node: &Node, chains: &[Chain]) {
    let last = chains.iter().filter_map(|chain| chain.requests.last());
    for Request { mutation, input, object, .. } in last {
        let input = match *mutation {
            "createAsset" | "createPeer" | "updatePeer" | "updateAsset" => {
                let mut input = input.clone();
                input["liquidityThreshold"] = json!("77");
                input
            }
            _ => continue,
        };
        let other = Request { mutation, input, object, answer: None, moved: (0, 0) };
        assert_eq!(other.send(node.admin).unwrap()["code"], "400", "{mutation}");
    }
}

/// What peers and assets have is what was moved, and no more.
fn check_money(node: &Node, chains: &[Chain]) {
    for Chain { requests } in chains {
        let moved = requests.iter().map(|request| request.moved);
        let (of_peer, of_asset) = moved.fold((0, 0), |sum, by| (sum.0 + by.0, sum.1 + by.1));
        if let Some(id) = requests.first().and_then(|request| request.made("asset")) {
            let asset = "query($id: String!) { asset(id: $id) { liquidity } }";
            let asset = node.query(asset, json!({ "id": id }));
            assert_eq!(asset["asset"]["liquidity"], of_asset.to_string());
        }
        if let Some(id) = requests.get(1).and_then(|request| request.made("peer")) {
            assert_eq!(node.liquidity(id).to_string(), of_peer.to_string());
        }
    }
}

/// Each asset and peer that was asked for is there once.
fn check_counts(node: &Node, chains: &[Chain]) {
    let made = |mutation: &str, object: &str| -> HashSet<&str> {
        let requests = chains.iter().flat_map(|chain| &chain.requests);
        let made = requests.filter(|request| request.mutation == mutation);
        made.map(|request| request.made(object).unwrap()).collect()
    };
    let made = json!({
        "assetCount": made("createAsset", "asset").len(),
        "peerCount": made("createPeer", "peer").len(),
    });
    let there = node.query("{ node { assetCount peerCount } }", json!({}));
    assert_eq!(there["node"], made, "none twice, none missing");
}

#[test]
fn a_request_sent_again_is_answered_as_at_first_whenever_the_node_is_killed() {
    let mut node = Node::start();
    let (mut all, mut unanswered) = (Vec::new(), 0);
    let rounds = rounds(12);
    for round in 0..rounds {
        let mut chains = load_until_killed(&node, round);
        let dir = node.kill();
        ledger(&dir, &["verify"]);
        node = dir.start();
        let requests = chains.iter().flat_map(|chain| &chain.requests);
        unanswered += requests.filter(|request| request.answer.is_none()).count();
        send_again(&node, &mut chains);
        send_again(&node, &mut chains);
        refuses_other_input(&node, &chains);
        check_money(&node, &chains);
        all.extend(chains);
        check_counts(&node, &all);
    }
    send_again(&node, &mut all);
    check_money(&node, &all);
    let requests: usize = all.iter().map(|chain| chain.requests.len()).sum();
    println!(
        "{rounds} rounds: {requests} requests in {} chains, {unanswered} of them unanswered at a kill; \
         all answered as at first, all done once",
        all.len()
    );
    assert!(unanswered > 0 && requests > unanswered, "the load was none");
    ledger(&node.stop(), &["verify"]);
}
