//! `kill -9` between requests and their answers: a request that is repeated with its key gets the
//! answer of the first one, and is done once.
//!
//! In each round every client has a target: one of the schema's mutations that take an idempotency
//! key, in turn. A client sends the chain of requests that leads up to its target and waits there
//! for the others; then all send their targets and the requests after them until the node is gone.
//! The test records requests and answers, sends all requests again, and compares books, audit log
//! and events with the record.

mod chains;
mod traces;

use std::{
    collections::{BTreeMap, BTreeSet, HashSet},
    net::SocketAddr,
    sync::atomic::{AtomicBool, AtomicUsize, Ordering},
    thread,
    time::Duration,
};

use serde_json::{Value, json};

use self::{
    chains::{Client, Kind},
    traces::Traces,
};
use super::{ledger, rounds, sha256};
use crate::support::{
    Node,
    http::Connection,
    stub::{Answer, Stub},
    wait_for,
};

const CLIENTS: usize = 6;

/// A mutation with its key, its first answer, and the changes that it makes to the liquidity of its
/// peer and its asset.
struct Request {
    mutation: &'static str,
    input: Value,
    object: &'static str,
    answer: Option<Value>,
    moved: (i64, i64),
}

impl Request {
    /// Sends the mutation; `None` when the node is gone before the whole answer has come.
    fn send(&self, admin: SocketAddr) -> Option<Value> {
        let Self { mutation, input, object, .. } = self;
        let kind = match *mutation {
            "createAssetLiquidityWithdrawal" => "CreateAssetLiquidityWithdrawal".to_owned(),
            name => format!("{}{}", name[..1].to_uppercase(), &name[1..]),
        };
        let query = format!(
            "mutation($input: {kind}Input!) {{
                {mutation}(input: $input) {{ code success message {object} }} }}"
        );
        Some(post(admin, &query, &json!({ "input": input }))?[*mutation].take())
    }

    /// Returns the id of the object in the answer.
    fn made(&self, object: &str) -> Option<&str> {
        self.answer.as_ref()?[object]["id"].as_str()
    }
}

/// Returns the data of an answer; `None` when the node is gone before the whole answer has come.
pub(super) fn post(admin: SocketAddr, query: &str, variables: &Value) -> Option<Value> {
    let body = json!({ "query": query, "variables": variables }).to_string();
    let mut connection = Connection::open(admin).ok()?;
    let json = [("content-type", "application/json")];
    let response = connection.request("POST", "/graphql", &json, body.as_bytes()).ok()?;
    let mut answer: Value = serde_json::from_slice(&response.body).unwrap();
    assert!(answer["errors"].is_null(), "{query}: {answer}");
    Some(answer["data"].take())
}

/// The requests of a client, one after the other.
#[derive(Default)]
struct Chain {
    requests: Vec<Request>,
}

/// A gate at which clients wait for each other before they send their targets.
#[derive(Default)]
struct Gate {
    waiting: AtomicUsize,
    is_open: AtomicBool,
    is_over: AtomicBool,
}

impl Gate {
    /// Waits until the gate is open.
    fn pass(&self) {
        self.waiting.fetch_add(1, Ordering::SeqCst);
        wait_for("the other clients", || self.is_open.load(Ordering::SeqCst).then_some(()));
    }

    /// Waits for all clients and opens the gate.
    fn open(&self) {
        let all = || (self.waiting.load(Ordering::SeqCst) == CLIENTS).then_some(());
        wait_for("clients at their targets", all);
        self.is_open.store(true, Ordering::SeqCst);
    }

    fn is_over(&self) -> bool {
        self.is_over.load(Ordering::SeqCst)
    }
}

/// Stubs for the servers that the node sends requests to; they outlive its kill.
struct Neighbours {
    /// A node that accepts peering requests, under an address of its own for each asset.
    asked: Stub,
    /// The receiver of events.
    receiver: Stub,
}

impl Neighbours {
    fn start() -> Self {
        let asked = Stub::start(|request| {
            let offer: Value = serde_json::from_slice(&request.body).unwrap();
            let name = offer["asset"]["code"].as_str().unwrap();
            let terms = json!({
                "staticIlpAddress": format!("test.asked{name}"),
                "ilpConnectorUrl": format!("http://127.0.0.1:1/asked{name}"),
                "httpToken": format!("asked-{name}"), "name": "asked",
            });
            Answer::Reply(terms.to_string().into())
        });
        Self { asked, receiver: Stub::start(|_| Answer::Status(204)) }
    }

    fn node(&self) -> Node {
        Node::start_with(&[
            ("JIRANI_ILP_ADDRESS", "test.node"),
            ("JIRANI_WEBHOOK_URL", &self.receiver.endpoint()),
            ("JIRANI_WEBHOOK_TYPES", "all"),
            ("JIRANI_AUTO_PEERING", "true"),
            ("JIRANI_AUTO_PEERING_LISTEN", "127.0.0.1:0"),
            ("JIRANI_AUTO_PEERING_APPROVAL", "require"),
            ("JIRANI_AUTO_PEERING_PRIVATE_ENDPOINTS", "true"),
        ])
    }
}

/// Returns the mutations of the schema whose input has an idempotency key.
fn mutations_with_a_key(node: &Node) -> Vec<String> {
    let query =
        "{ __schema { mutationType { fields { name args { type { name ofType { name } } } } }
        types { name inputFields { name } } } }";
    let schema = node.query(query, json!({}))["__schema"].take();
    let types = schema["types"].as_array().unwrap();
    let has_key = |name: &Value| {
        let fields = types.iter().find(|kind| kind["name"] == *name);
        let fields = fields.and_then(|kind| kind["inputFields"].as_array()).into_iter().flatten();
        fields.into_iter().any(|field| field["name"] == "idempotencyKey")
    };
    let takes_key = |field: &&Value| {
        let mut arguments = field["args"].as_array().into_iter().flatten();
        arguments.any(|it| has_key(&it["type"]["name"]) || has_key(&it["type"]["ofType"]["name"]))
    };
    let fields = schema["mutationType"]["fields"].as_array().unwrap();
    let names = fields.iter().filter(takes_key).map(|field| field["name"].as_str().unwrap());
    names.map(str::to_owned).collect()
}

/// Sends chain after chain, until the node is killed at a random moment. Each client's first chain
/// leads to its target.
fn load_until_killed(
    node: &Node,
    neighbours: &Neighbours,
    targets: &[&str],
    round: u64,
) -> Vec<Chain> {
    let gate = Gate::default();
    // The kill comes every other time while the targets are being done, and else up to 200 ms
    // later.
    let random = sha256(&round.to_be_bytes());
    let moment_us = u64::from(u16::from_be_bytes([random[0], random[1]]));
    let moment_us = if round.is_multiple_of(2) { moment_us / 8 } else { moment_us * 3 };
    let send = |client: usize, target: &str| {
        let mut kind = Kind::with(target).expect("a chain has the mutation");
        let (mut chains, mut has_waited) = (Vec::new(), false);
        for number in 0.. {
            let name = format!("R{round}C{client}N{number}");
            let chain = Chain::default();
            let mut client = Client { node, neighbours, gate: &gate, target, has_waited, chain };
            let ended = client.run(kind, &name).is_none();
            has_waited = client.has_waited;
            assert!(has_waited, "the chain with {target} doesn't have it");
            chains.push(client.chain);
            if ended {
                break;
            }
            kind = Kind::Money;
        }
        chains
    };
    thread::scope(|scope| {
        let send = &send;
        let clients: Vec<_> = targets
            .iter()
            .enumerate()
            .map(|(client, target)| scope.spawn(move || send(client, target)))
            .collect();
        gate.open();
        thread::sleep(Duration::from_micros(moment_us));
        node.signal("KILL");
        gate.is_over.store(true, Ordering::SeqCst);
        clients.into_iter().flat_map(|client| client.join().unwrap()).collect()
    })
}

/// Sends everything again and compares the answers with the first ones.
fn send_again(node: &Node, chains: &mut [Chain]) {
    for request in chains.iter_mut().flat_map(|chain| &mut chain.requests) {
        let answer = request.send(node.admin).unwrap();
        assert_eq!(answer["code"], "200", "{}: {answer}", request.mutation);
        let first = request.answer.get_or_insert_with(|| answer.clone());
        assert_eq!(answer, *first, "{}", request.mutation);
    }
}

/// Checks that a key of an interrupted request can't be used for another one.
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

/// Checks that peers and assets have the amounts that were moved.
fn check_money(node: &Node, chains: &[Chain]) {
    for Chain { requests } in chains {
        let moved = requests.iter().map(|request| request.moved);
        let (of_peer, of_asset) = moved.fold((0, 0), |sum, by| (sum.0 + by.0, sum.1 + by.1));
        if let Some(id) = requests.first().and_then(|request| request.made("asset")) {
            let asset = "query($id: String!) { asset(id: $id) { liquidity } }";
            let asset = node.query(asset, json!({ "id": id }));
            assert_eq!(asset["asset"]["liquidity"], of_asset.to_string());
        }
        if let Some(id) = requests.iter().find_map(|request| request.made("peer")) {
            assert_eq!(node.liquidity(id).to_string(), of_peer.to_string());
        }
    }
}

/// Checks that each requested asset and peer exists once.
fn check_counts(node: &Node, chains: &[Chain]) {
    let with = |mutations: &[&str], object: &str| -> usize {
        let requests = chains.iter().flat_map(|chain| &chain.requests);
        let made = requests.filter(|request| mutations.contains(&request.mutation));
        let ids: HashSet<_> = made.map(|request| request.made(object)).collect();
        assert!(!ids.contains(&None), "{mutations:?} are answered with an id");
        ids.len()
    };
    let deleted = |mutation: &str| {
        let requests = chains.iter().flat_map(|chain| &chain.requests);
        requests.filter(|request| request.mutation == mutation).count()
    };
    let peers = ["createPeer", "createOrUpdatePeerByUrl", "approvePeeringRequest"];
    let made = json!({
        "assetCount": with(&["createAsset"], "asset") - deleted("deleteAsset"),
        "peerCount": with(&peers, "peer") - deleted("deletePeer"),
    });
    let there = node.query("{ node { assetCount peerCount } }", json!({}));
    assert_eq!(there["node"], made, "none twice, none missing");
}

/// Checks that the operators' transfers are in the books once each.
fn check_transfers(rows: &[u8], chains: &[Chain]) {
    let rows: Value = serde_json::from_slice(rows).unwrap();
    let mut booked = BTreeMap::new();
    // The end of a two-phase withdrawal is a row of its own.
    let is_first = |row: &&Value| ["move", "begin"].contains(&row["step"].as_str().unwrap());
    for row in rows.as_array().unwrap().iter().filter(is_first) {
        *booked.entry(row["kind"].as_str().unwrap()).or_insert(0) += 1;
    }
    let mut asked = BTreeMap::new();
    for request in chains.iter().flat_map(|chain| &chain.requests) {
        let kind = match request.mutation {
            "depositPeerLiquidity"
            | "depositAssetLiquidity"
            | "depositOutgoingPaymentLiquidity"
            | "createOrUpdatePeerByUrl" => "deposit",
            "createPeer" if request.moved.0 != 0 => "deposit",
            name if name.starts_with("create") && name.ends_with("Withdrawal") => "withdrawal",
            _ => continue,
        };
        *asked.entry(kind).or_insert(0) += 1;
    }
    booked.remove("packet");
    assert_eq!(booked, asked, "in the books, and asked for");
}

#[test]
fn a_request_sent_again_is_answered_as_at_first_whenever_the_node_is_killed() {
    let neighbours = Neighbours::start();
    let mut node = neighbours.node();
    let mutations = mutations_with_a_key(&node);
    let without: Vec<_> = mutations.iter().filter(|name| Kind::with(name).is_none()).collect();
    assert!(without.is_empty() && mutations.len() > 20, "{without:?} are in no chain");
    let (mut all, mut cut) = (Vec::new(), BTreeMap::new());
    let mut traces = Traces::default();
    let mut targets = mutations.iter().map(String::as_str).cycle();
    let rounds = rounds(12);
    for round in 0..rounds {
        let targets: Vec<_> = targets.by_ref().take(CLIENTS).collect();
        let mut chains = load_until_killed(&node, &neighbours, &targets, round);
        let dir = node.kill();
        ledger(&dir, &["verify"]);
        node = dir.start();
        let requests = chains.iter().flat_map(|chain| &chain.requests);
        for request in requests.filter(|request| request.answer.is_none()) {
            *cut.entry(request.mutation).or_insert(0) += 1;
        }
        traces.check_after_kill(&node, &neighbours, &chains);
        send_again(&node, &mut chains);
        send_again(&node, &mut chains);
        refuses_other_input(&node, &chains);
        check_money(&node, &chains);
        traces.check_when_done(&node, &chains);
        all.extend(chains);
        check_counts(&node, &all);
    }
    send_again(&node, &mut all);
    check_money(&node, &all);
    let requests: usize = all.iter().map(|chain| chain.requests.len()).sum();
    let sent: BTreeSet<_> =
        all.iter().flat_map(|chain| &chain.requests).map(|request| request.mutation).collect();
    println!(
        "{rounds} rounds: {requests} requests of {} mutations in {} chains, unanswered at a kill: \
         {cut:?}; all answered as at first, all done once",
        sent.len(),
        all.len()
    );
    assert!(!cut.is_empty() && requests > cut.values().sum(), "the load was none");
    let dir = node.stop();
    ledger(&dir, &["verify"]);
    check_transfers(&ledger(&dir, &["export", "--format", "json"]), &all);
}
