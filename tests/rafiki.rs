//! The requests of Rafiki's own tools when they set a node up, in their order.

use serde_json::{Value, json};

use crate::signature::Signed;

/// A peer of a seed file.
struct Seed {
    address: &'static str,
    tokens: (&'static str, &'static str),
    liquidity: &'static str,
    routes: &'static [&'static str],
}

const PEERS: [Seed; 2] = [
    Seed {
        address: "test.happy-life-bank",
        tokens: ("test-USA", "test-TYPE"),
        liquidity: "1000000000000",
        routes: &[],
    },
    Seed {
        address: "test.global-bank",
        tokens: ("test-global", "test-cloud"),
        liquidity: "100000000000000",
        routes: &["test.far", "test.farther"],
    },
];

/// Looks each object up, creates it where it is absent, and gives it liquidity then.
fn seed(signed: &mut Signed) -> (Vec<String>, Vec<String>) {
    let mut assets = Vec::new();
    for (code, scale) in [("USD", 2), ("EUR", 2), ("MXN", 2), ("JPY", 0)] {
        let found = signed.query(
            "query($code: String!, $scale: UInt8!) {
                assetByCodeAndScale(code: $code, scale: $scale) { id liquidityThreshold } }",
            json!({ "code": code, "scale": scale }),
        );
        let id = match found["assetByCodeAndScale"]["id"].as_str() {
            Some(id) => id.to_owned(),
            None => make_asset(signed, code, scale),
        };
        assets.push(id);
    }
    let peers = PEERS.iter().map(|peer| seed_peer(signed, peer, &assets[0])).collect();
    (assets, peers)
}

fn make_asset(signed: &mut Signed, code: &str, scale: u8) -> String {
    let made = signed.query(
        "mutation($input: CreateAssetInput!) { createAsset(input: $input) {
            asset { id code scale liquidityThreshold } } }",
        json!({ "input": { "code": code, "scale": scale, "liquidityThreshold": 100_000_000 } }),
    );
    let id = made["createAsset"]["asset"]["id"].as_str().unwrap().to_owned();
    let deposit = json!({ "assetId": id, "amount": 10_000_000_000_u64, "id": uuid::Uuid::new_v4(),
        "idempotencyKey": uuid::Uuid::new_v4() });
    let deposited = signed.query(
        "mutation($input: DepositAssetLiquidityInput!) {
            depositAssetLiquidity(input: $input) { success } }",
        json!({ "input": deposit }),
    );
    assert_eq!(deposited["depositAssetLiquidity"]["success"], true);
    id
}

fn seed_peer(signed: &mut Signed, peer: &Seed, asset: &str) -> String {
    let found = signed.query(
        "query($staticIlpAddress: String!, $assetId: String!) {
            peerByAddressAndAsset(staticIlpAddress: $staticIlpAddress, assetId: $assetId) {
                id name staticIlpAddress asset { id scale code withdrawalThreshold } } }",
        json!({ "staticIlpAddress": peer.address, "assetId": asset }),
    );
    if let Some(id) = found["peerByAddressAndAsset"]["id"].as_str() {
        let input = json!({ "id": id, "staticIlpAddress": peer.address, "routes": peer.routes });
        signed.query(
            "mutation($input: UpdatePeerInput!) { updatePeer(input: $input) { peer { id } } }",
            json!({ "input": input }),
        );
        return id.to_owned();
    }
    let input = json!({
        "staticIlpAddress": peer.address,
        "http": {
            "incoming": { "authTokens": [peer.tokens.0] },
            "outgoing": { "endpoint": "http://127.0.0.1:1", "authToken": peer.tokens.1 },
        },
        "assetId": asset,
        "name": peer.address,
        "liquidityThreshold": 1_000_000,
        "maxPacketAmount": null,
        "routes": peer.routes,
    });
    let made = signed.query(
        "mutation($input: CreatePeerInput!) { createPeer(input: $input) { peer { id } } }",
        json!({ "input": input }),
    );
    let id = made["createPeer"]["peer"]["id"].as_str().unwrap().to_owned();
    let deposit = json!({ "peerId": id, "amount": peer.liquidity, "id": uuid::Uuid::new_v4(),
        "idempotencyKey": uuid::Uuid::new_v4() });
    let deposited = signed.query(
        "mutation($input: DepositPeerLiquidityInput!) {
            depositPeerLiquidity(input: $input) { success } }",
        json!({ "input": deposit }),
    );
    assert_eq!(deposited["depositPeerLiquidity"]["success"], true);
    id
}

#[test]
fn a_node_is_seeded_as_a_rafiki_is_and_a_second_time_changes_nothing() {
    let mut signed = Signed::start();
    let first = seed(&mut signed);
    let again = seed(&mut signed);
    assert_eq!(first, again);
    let listed = signed.query(
        "query($first: Int) {
            assets(first: $first) { edges { node { code liquidity tenant { id publicName } } } }
            peers(first: $first) { edges { node { staticIlpAddress liquidity routes } } } }",
        json!({ "first": 100 }),
    );
    let assets = listed["assets"]["edges"].as_array().unwrap();
    assert_eq!(assets.len(), 4);
    assert!(assets.iter().all(|edge| edge["node"]["liquidity"] == "10000000000"), "{listed}");
    let mut peers: Vec<Value> = listed["peers"]["edges"].as_array().unwrap().clone();
    peers.reverse();
    for (listed, peer) in peers.iter().zip(&PEERS) {
        let node = &listed["node"];
        assert_eq!(node["staticIlpAddress"], peer.address);
        assert_eq!(node["liquidity"], peer.liquidity, "once, not twice");
        assert_eq!(node["routes"].as_array().unwrap().len(), 1 + peer.routes.len());
    }
}
