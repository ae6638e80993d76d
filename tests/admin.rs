//! The admin API over its socket. Each operation is tested in `ilp-admin`; these tests need a
//! running node.

use serde_json::{Value, json};

use crate::support::{
    Node,
    graphql::{CREATE_PEER, peer_input},
    http::{Connection, get},
    packets::prepare,
    stub::Stub,
};

#[test]
fn the_documented_mutation_works_word_for_word() {
    let node = Node::start_with(&[("JIRANI_ILP_ADDRESS", "g.mywallet")]);
    let asset = node.create_asset("USD", 2);
    let input = json!({
        "staticIlpAddress": "g.othergreatwallet",
        "name": "The Other Great Wallet",
        "http": {
            "incoming": { "authTokens": ["mytoken"] },
            "outgoing": { "endpoint": "ilp.othergreatwallet.com", "authToken": "theirtoken" },
        },
        "assetId": asset,
        "initialLiquidity": "1000000",
    });
    let created = node.query(CREATE_PEER, json!({ "input": input }));
    let peer = &created["createPeer"]["peer"];
    assert_eq!(created["createPeer"]["code"], "200");
    assert_eq!(created["createPeer"]["success"], true);
    assert_eq!(created["createPeer"]["message"], "Created ILP Peer");
    assert_eq!(peer["asset"], json!({ "code": "USD", "scale": 2 }));
    assert_eq!(peer["staticIlpAddress"], "g.othergreatwallet");
    assert_eq!(peer["name"], "The Other Great Wallet");
    assert_eq!(node.liquidity(peer["id"].as_str().unwrap()), 1_000_000);
}

#[test]
fn a_refusal_is_data_to_one_generation_of_clients_and_an_error_to_the_other() {
    let node = Node::start();
    let asset = node.create_asset("USD", 2);
    let input = peer_input(&asset, "test.alice", "http://127.0.0.1:1", json!({}));
    node.query(CREATE_PEER, json!({ "input": input }));

    let legacy = node.query(CREATE_PEER, json!({ "input": input }))["createPeer"].clone();
    assert_eq!(legacy["code"], "409");
    assert_eq!((&legacy["success"], &legacy["peer"]), (&json!(false), &Value::Null));
    let words = "duplicate peer found for same ILP address and asset";
    assert!(legacy["message"].as_str().unwrap().starts_with(words), "{legacy}");

    let today = "mutation($input: CreatePeerInput!) { createPeer(input: $input) { peer { id } } }";
    let answer = node.graphql(today, json!({ "input": input }));
    assert_eq!(answer["errors"][0]["extensions"]["code"], "DUPLICATE");
    assert!(answer["errors"][0]["message"].as_str().unwrap().starts_with(words), "{answer}");
}

#[test]
fn changes_of_a_peer_are_live_when_they_are_answered() {
    let (node, bob) = (Node::start(), Stub::fulfilling());
    let asset = node.create_asset("USD", 2);
    node.create_peer(&asset, "test.alice", "http://127.0.0.1:1", json!({}));
    let id = node.create_peer(&asset, "test.bob", "http://127.0.0.1:2", json!({}));
    let update = |input: Value| {
        let mutation = "mutation($input: UpdatePeerInput!) { updatePeer(input: $input) { peer {
            id staticIlpAddress routes maxPacketAmount } } }";
        node.query(mutation, json!({ "input": input }))["updatePeer"]["peer"].clone()
    };
    let mut sender = node.sender("test.alice");
    assert_eq!(sender.rejected(&prepare("test.bob", 9)).code().to_string(), "T01");
    update(json!({ "id": id, "http": {
        "outgoing": { "endpoint": bob.endpoint(), "authToken": "new" } } }));
    sender.fulfilled(&prepare("test.bob", 9));
    assert_eq!(bob.requests()[0].authorization, "Bearer new");
    // The update without `incoming` has kept the token.
    node.sender("test.bob").rejected(&prepare("test.nobody", 1));

    update(json!({ "id": id, "maxPacketAmount": "5" }));
    assert_eq!(sender.rejected(&prepare("test.bob", 9)).code().to_string(), "F08");
    let moved =
        update(json!({ "id": id, "maxPacketAmount": null, "staticIlpAddress": "test.rob" }));
    assert_eq!(moved["routes"], json!(["test.rob"]));
    assert_eq!(sender.rejected(&prepare("test.bob", 9)).code().to_string(), "F02");
    sender.fulfilled(&prepare("test.rob", 9));

    let delete = "mutation($input: DeletePeerInput!) { deletePeer(input: $input) { success } }";
    node.query(delete, json!({ "input": { "id": id } }));
    assert_eq!(sender.rejected(&prepare("test.rob", 9)).code().to_string(), "F02");
    let status = node.sender("test.bob").post(&prepare("test.alice", 1)).unwrap().status;
    assert_eq!(status, 401);
}

#[test]
fn deposits_add_to_liquidity_and_show_at_once() {
    let node = Node::start();
    let asset = node.create_asset("USD", 2);
    let peer = node.create_peer(&asset, "test.alice", "http://127.0.0.1:1", json!({}));
    let deposit = |id: &str, amount: &str| {
        let mutation = "mutation($input: DepositPeerLiquidityInput!) {
            depositPeerLiquidity(input: $input) { code success message } }";
        let input = json!({ "peerId": peer, "id": id, "amount": amount, "idempotencyKey": id });
        node.query(mutation, json!({ "input": input }))["depositPeerLiquidity"].clone()
    };
    let id = "0191c2a0-0000-4000-8000-000000000001";
    assert_eq!(deposit(id, "500")["code"], "200");
    assert_eq!(node.liquidity(&peer), 1_000_500);
    let mutation = "mutation($input: DepositAssetLiquidityInput!) {
        depositAssetLiquidity(input: $input) { success } }";
    let other = "0191c2a0-0000-4000-8000-000000000002";
    let input = json!({ "assetId": asset, "id": other, "amount": 77, "idempotencyKey": other });
    node.query(mutation, json!({ "input": input }));
    let found =
        node.query("query($id: String!) { asset(id: $id) { liquidity } }", json!({ "id": asset }));
    assert_eq!(found["asset"]["liquidity"], "77");
}

#[test]
fn with_a_secret_the_api_wants_to_see_it() {
    let secret = "correct horse battery staple";
    let node = Node::start_with(&[("JIRANI_ADMIN_SECRET", secret)]);
    let post = |authorization: &str| {
        let headers = [("content-type", "application/json"), ("authorization", authorization)];
        let body = br#"{"query": "{ __schema { queryType { name } } }"}"#;
        let mut connection = Connection::open(node.admin).unwrap();
        connection.request("POST", "/graphql", &headers, body).unwrap()
    };
    assert_eq!(post("").status, 401);
    assert_eq!(post("Bearer correct horse").status, 401);
    assert_eq!(post(&format!("Bearer {secret}")).status, 200);
    assert_eq!(get(node.admin, "/healthz").unwrap().status, 200);
    assert!(!node.dir.log().contains(secret));
}
