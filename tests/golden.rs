//! Stores that earlier versions wrote (`tests/golden`), opened by this version.

use std::{fs, path::Path};

use ring::digest::{SHA256, digest};
use serde_json::{Value, json};

use crate::support::{DataDir, Node, jirani, packets::prepare, root, stub::Stub};

/// A store of `tests/golden` in a directory of its own, and the answers of the node that wrote it.
struct Golden {
    dir: DataDir,
    expected: Value,
}

impl Golden {
    /// Copies the store, and restores the zeros that were cut from the ends of its files.
    fn unpack(name: &str) -> Self {
        let golden = root().join("tests/golden").join(name);
        let expected = fs::read(golden.join("expected.json")).unwrap();
        let expected: Value = serde_json::from_slice(&expected).unwrap();
        let dir = DataDir::new(&[("JIRANI_ILP_ADDRESS", "test.node")]);
        for file in expected["files"].as_array().unwrap() {
            let path = text(&file["path"]);
            let mut bytes = fs::read(golden.join("store").join(path)).unwrap();
            bytes.resize(file["bytes"].as_u64().unwrap().try_into().unwrap(), 0);
            let sha256: String =
                digest(&SHA256, &bytes).as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
            assert_eq!(sha256, text(&file["sha256"]), "{path} is not the file that was written");
            let to = dir.data().join(path);
            fs::create_dir_all(to.parent().unwrap()).unwrap();
            fs::write(to, bytes).unwrap();
        }
        Self { dir, expected }
    }
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

/// Returns the answers to the queries of `expected.json`, each with its name.
fn answers(node: &Node, expected: &Value) -> Vec<(String, Value)> {
    let queries = expected["queries"].as_array().unwrap();
    let answer = |query: &Value| node.query(text(&query["query"]), query["variables"].clone());
    queries.iter().map(|query| (text(&query["name"]).to_owned(), answer(query))).collect()
}

fn assert_same(found: &[(String, Value)], expected: &[(String, Value)], when: &str) {
    assert_eq!(found.len(), expected.len());
    for ((name, found), (_, expected)) in found.iter().zip(expected) {
        assert_eq!(found, expected, "{name}, {when}");
    }
}

/// Sends a mutation of `expected.json` and returns its answer's data.
fn send(node: &Node, request: &Value) -> Value {
    node.query(text(&request["query"]), request["variables"].clone())
}

/// Sends a mutation that must succeed.
fn done(node: &Node, name: &str, input: Value) -> Value {
    let answer = mutate(node, name, input);
    assert_eq!(answer["code"], "200", "{name}: {answer}");
    answer
}

fn mutate(node: &Node, name: &str, input: Value) -> Value {
    let kind = format!("{}{}Input", name[..1].to_uppercase(), &name[1..]);
    let query = format!("mutation($input: {kind}!) {{ {name}(input: $input) {{ code message }} }}");
    node.query(&query, json!({ "input": input }))[name].clone()
}

fn asset_liquidity(node: &Node, id: &str) -> u64 {
    let query = "query($id: String!) { asset(id: $id) { liquidity } }";
    text(&node.query(query, json!({ "id": id }))["asset"]["liquidity"]).parse().unwrap()
}

fn assert_books_add_up(data: &Path) {
    let verified = jirani().args(["ledger", "verify", "--data-dir"]).arg(data).output().unwrap();
    let said = String::from_utf8_lossy(&verified.stdout);
    assert!(verified.status.success() && said.contains("the books add up"), "{verified:?}");
    assert!(!said.contains("not checked"), "{said}");
}

/// Repeats the requests that were answered before: they must change nothing and get the earlier
/// answers.
fn repeat_answered(node: &Node, expected: &Value) {
    for request in expected["repeats"].as_array().unwrap() {
        assert_eq!(send(node, request), request["answer"], "{}", request["variables"]);
    }
    let [peer, deposit] = [0, 1].map(|at| &expected["repeats"][at]["variables"]["input"]);
    for (mutation, input, changed) in [
        ("createPeer", peer, json!({ "initialLiquidity": "123457" })),
        ("depositPeerLiquidity", deposit, json!({ "amount": "5001" })),
    ] {
        let mut input = input.clone();
        for (key, value) in changed.as_object().unwrap() {
            input[key] = value.clone();
        }
        let answer = mutate(node, mutation, input);
        assert_eq!(answer["code"], "400", "{answer}");
        assert!(text(&answer["message"]).starts_with("Incoming arguments are different"));
    }
}

/// Repeats the requests that were in progress when the node was killed: each must be done once.
fn repeat_interrupted(node: &Node, interrupted: &Value) {
    let requests = interrupted["requests"].as_array().unwrap();
    assert!(!requests.is_empty());
    let send_all = || requests.iter().map(|request| send(node, request)).collect::<Vec<_>>();
    let first = send_all();
    for answer in &first {
        let answer = answer.as_object().unwrap().values().next().unwrap();
        assert_eq!(answer["code"], "200", "{answer}");
    }
    assert_eq!(send_all(), first);
    let expected: u64 = text(&interrupted["liquidity"]).parse().unwrap();
    assert_eq!(node.liquidity(text(&interrupted["peer"])), expected);
    let query = "{ peers(first: 100) { edges { node { staticIlpAddress liquidity } } } }";
    let peers = node.query(query, json!({}));
    let mut made: Vec<_> = peers["peers"]["edges"]
        .as_array()
        .unwrap()
        .iter()
        .map(|edge| &edge["node"])
        .filter(|peer| text(&peer["staticIlpAddress"]).starts_with("test.burst."))
        .inspect(|peer| assert_eq!(peer["liquidity"], "10", "{peer}"))
        .map(|peer| peer["staticIlpAddress"].clone())
        .collect();
    made.sort_by_key(Value::to_string);
    assert_eq!(Value::Array(made), interrupted["addresses"]);
}

/// Ends the two pending withdrawals: one is posted, and the other voided.
fn end_withdrawals(node: &Node, withdrawals: &Value) {
    let (posted, voided) = (&withdrawals["posted"], &withdrawals["voided"]);
    let (peer, asset) = (text(&posted["peer"]), text(&voided["asset"]));
    let (of_peer, of_asset) = (node.liquidity(peer), asset_liquidity(node, asset));
    let end = |id: &Value, key: &str| json!({ "withdrawalId": id, "idempotencyKey": key });
    done(node, "postLiquidityWithdrawal", end(&posted["id"], "post"));
    done(node, "voidLiquidityWithdrawal", end(&voided["id"], "void"));
    let again = mutate(node, "voidLiquidityWithdrawal", end(&posted["id"], "void the posted one"));
    assert_eq!(again["message"], "Transfer already posted", "{again}");
    assert_eq!(node.liquidity(peer), of_peer, "a pending withdrawal has its money already");
    let back = voided["amount"].as_u64().unwrap();
    assert_eq!(asset_liquidity(node, asset), of_asset + back);
    for (account, id, state) in [(peer, posted, "POSTED"), (asset, voided, "VOIDED")] {
        let query = "query($id: String!) {
            accountingTransfers(id: $id, limit: 100) { debits { id amount state } } }";
        let transfers = node.query(query, json!({ "id": account }));
        let transfers = transfers["accountingTransfers"]["debits"].as_array().unwrap().clone();
        let transfer = transfers.into_iter().find(|transfer| transfer["id"] == id["id"]);
        assert_eq!(transfer.unwrap()["state"], state);
    }
}

/// Sends packets, funds the waiting payment, and creates a peer.
fn go_on(node: &Node, expected: &Value) {
    let [alice, bob] = ["alice", "bob"].map(|name| text(&expected["peers"][name]));
    let stub = Stub::fulfilling();
    let http = json!({ "outgoing": { "endpoint": stub.endpoint(), "authToken": "for-bob" } });
    done(node, "updatePeer", json!({ "id": bob, "http": http }));
    let (of_alice, of_bob) = (node.liquidity(alice), node.liquidity(bob));
    for token in ["token-of-alice", "second-token-of-alice"] {
        node.sender(token).fulfilled(&prepare("test.bob.account", 100));
    }
    node.sender("another-token-of-bob").rejected(&prepare("test.bob.account", 1));
    assert_eq!(
        node.sender("revoked-token-of-carol").post(&prepare("test.bob", 1)).unwrap().status,
        401
    );
    assert_eq!(node.liquidity(alice), of_alice - 200);
    assert_eq!(node.liquidity(bob), of_bob + 200);

    let query = "{ outgoingPayments(first: 100, filter: { state: { in: [\"FUNDING\"] } }) {
        edges { node { id receiver receiveAmount { value } } } } }";
    let waiting = node.query(query, json!({}));
    let waiting = &waiting["outgoingPayments"]["edges"][0]["node"];
    let query = "query($url: String!) { walletAddressByUrl(url: $url) { id } }";
    let wallet = node.query(query, json!({ "url": "https://wallet.example/ben" }));
    let wallet = text(&wallet["walletAddressByUrl"]["id"]);
    let of_wallet = node.wallet_liquidity(wallet);
    let fund = json!({ "outgoingPaymentId": waiting["id"], "idempotencyKey": "fund" });
    done(node, "depositOutgoingPaymentLiquidity", fund);
    assert_eq!(node.ended_payment(text(&waiting["id"]))["state"], "COMPLETED");
    let delivered: u64 = text(&waiting["receiveAmount"]["value"]).parse().unwrap();
    assert_eq!(node.wallet_liquidity(wallet), of_wallet + delivered);

    let asset = node.create_asset("CHF", 2);
    let peer = node.create_peer(&asset, "test.new", "http://127.0.0.1:1", json!({}));
    assert_eq!(node.liquidity(&peer), 1_000_000);
}

/// Opens the store, compares it with the answers of the node that wrote it, continues with it, and
/// compares two more starts with the answers before them.
fn goes_on(name: &str) {
    let Golden { dir, expected } = Golden::unpack(name);
    let node = dir.start();
    let told: Vec<_> = expected["queries"]
        .as_array()
        .unwrap()
        .iter()
        .map(|query| (text(&query["name"]).to_owned(), query["answer"].clone()))
        .collect();
    assert_same(&answers(&node, &expected), &told, "at the first start");
    repeat_answered(&node, &expected);
    // The repeated requests leave audit records and no other change.
    let but_audit = |mut answers: Vec<(String, Value)>| {
        answers.retain(|(name, _)| name != "the audit log");
        answers
    };
    let repeated = but_audit(answers(&node, &expected));
    assert_same(&repeated, &but_audit(told), "after requests were repeated");
    if !expected["interrupted"].is_null() {
        repeat_interrupted(&node, &expected["interrupted"]);
    }
    end_withdrawals(&node, &expected["withdrawals"]);
    go_on(&node, &expected);

    let before = answers(&node, &expected);
    let dir = node.stop();
    assert_books_add_up(&dir.data());
    let node = dir.start();
    assert_same(&answers(&node, &expected), &before, "after a stop");
    repeat_answered(&node, &expected);
    done(&node, "setRate", json!({ "base": "USD", "quote": "CHF", "rate": "0.8" }));
    let before = answers(&node, &expected);
    let node = node.kill().start();
    assert_same(&answers(&node, &expected), &before, "after a kill");
    let dir = node.stop();
    assert_books_add_up(&dir.data());
}

#[test]
fn a_stopped_store_of_format_1_goes_on() {
    goes_on("format-1/stopped");
}

#[test]
fn a_store_of_format_1_whose_node_was_killed_goes_on() {
    goes_on("format-1/killed");
}
