//! The requests of Rafiki's front end and its mock account service: their fields, arguments and
//! selections. Each is run here, so each is valid and answered.

use super::*;

/// The operation and what it gives back, by the clients' own names for them.
struct Shape {
    name: &'static str,
    document: &'static str,
}

const PAGE_INFO: &str = "pageInfo { startCursor endCursor hasNextPage hasPreviousPage }";

/// Operations that are answered.
const SHAPES: &[Shape] = &[
    Shape { name: "whoami", document: "{ whoami { id isOperator } }" },
    Shape {
        name: "one peer",
        document: "query($id: String!) { peer(id: $id) {
            id name staticIlpAddress maxPacketAmount liquidity createdAt
            asset { id code scale withdrawalThreshold } http { outgoing { endpoint authToken } } } }",
    },
    Shape {
        name: "list of peers",
        document: "query($after: String, $before: String, $first: Int, $last: Int) {
            peers(after: $after, before: $before, first: $first, last: $last) { edges { node {
                id name staticIlpAddress http { outgoing { endpoint } } asset { code scale }
                tenant { id publicName } } } PAGE_INFO } }",
    },
    Shape {
        name: "list of assets",
        document: "query($after: String, $before: String, $first: Int, $last: Int) {
            assets(after: $after, before: $before, first: $first, last: $last) { edges { node {
                code id scale withdrawalThreshold createdAt tenant { id publicName } } }
                PAGE_INFO } }",
    },
    Shape {
        name: "asset by code",
        document: "query($code: String!, $scale: UInt8!) {
            assetByCodeAndScale(code: $code, scale: $scale) { id code scale liquidityThreshold } }",
    },
    Shape {
        name: "peer by address",
        document: "query($staticIlpAddress: String!, $assetId: String!) {
            peerByAddressAndAsset(staticIlpAddress: $staticIlpAddress, assetId: $assetId) {
                id name staticIlpAddress asset { id scale code withdrawalThreshold } } }",
    },
    Shape {
        name: "list of tenants",
        document: "query($after: String, $before: String, $first: Int, $last: Int) {
            tenants(after: $after, before: $before, first: $first, last: $last) { edges { node {
                id email apiSecret idpConsentUrl idpSecret publicName createdAt deletedAt
                settings { key value } } } PAGE_INFO } }",
    },
    Shape {
        name: "one tenant",
        document: "query($tenant: String!) { tenant(id: $tenant) {
            id email apiSecret idpConsentUrl idpSecret publicName createdAt deletedAt
            settings { key value } } }",
    },
    Shape {
        name: "list of events",
        document: "query($after: String, $before: String, $first: Int, $last: Int,
            $filter: WebhookEventFilter) {
            webhookEvents(after: $after, before: $before, first: $first, last: $last,
                filter: $filter) { edges { cursor node { id data type createdAt
                    tenant { id publicName } } } PAGE_INFO } }",
    },
    Shape {
        name: "update of a peer",
        document: "mutation($updatePeer: UpdatePeerInput!) {
            updatePeer(input: $updatePeer) { peer { id } } }",
    },
    Shape {
        name: "deposit for a peer",
        document: "mutation($depositPeer: DepositPeerLiquidityInput!) {
            depositPeerLiquidity(input: $depositPeer) { success } }",
    },
    Shape {
        name: "withdrawal of a peer",
        document: "mutation($withdrawPeer: CreatePeerLiquidityWithdrawalInput!) {
            createPeerLiquidityWithdrawal(input: $withdrawPeer) { success } }",
    },
    Shape {
        name: "deposit for an asset",
        document: "mutation($depositAsset: DepositAssetLiquidityInput!) {
            depositAssetLiquidity(input: $depositAsset) { success } }",
    },
    Shape {
        name: "withdrawal of an asset",
        document: "mutation($withdrawAsset: CreateAssetLiquidityWithdrawalInput!) {
            createAssetLiquidityWithdrawal(input: $withdrawAsset) { success } }",
    },
    Shape {
        name: "peer by URL",
        document: "mutation($byUrl: CreateOrUpdatePeerByUrlInput!) {
            createOrUpdatePeerByUrl(input: $byUrl) { peer {
                id name asset { id scale code withdrawalThreshold } } } }",
    },
    Shape {
        name: "end of a peer",
        document: "mutation($deletePeer: DeletePeerInput!) {
            deletePeer(input: $deletePeer) { success } }",
    },
    Shape {
        name: "a new asset",
        document: "mutation($createAsset: CreateAssetInput!) { createAsset(input: $createAsset) {
            asset { id code scale liquidityThreshold withdrawalThreshold liquidity createdAt } } }",
    },
    Shape {
        name: "a new peer",
        document: "mutation($createPeer: CreatePeerInput!) {
            createPeer(input: $createPeer) { peer { id } } }",
    },
    Shape {
        name: "a change of an asset",
        document: "mutation($updateAsset: UpdateAssetInput!) { updateAsset(input: $updateAsset) {
            asset { id code scale withdrawalThreshold liquidity createdAt } } }",
    },
];

/// Variables that every operation finds its own among.
fn variables(asset: &str, peer: &str) -> Value {
    let transfer = |amount: Value| {
        json!({
            "amount": amount, "id": uuid::Uuid::new_v4(), "idempotencyKey": uuid::Uuid::new_v4(),
        })
    };
    let with = |mut input: Value, more: Value| {
        for (name, value) in more.as_object().unwrap() {
            input[name] = value.clone();
        }
        input
    };
    json!({
        "id": peer, "after": null, "before": null, "first": 10, "last": null,
        "code": "USD", "scale": 9, "staticIlpAddress": "test.a", "assetId": asset,
        "tenant": "438fa74a-fa7d-4317-9ced-dde32ece1787",
        "filter": {"type": {"in": []}},
        "updatePeer": {"id": peer, "staticIlpAddress": "test.a", "routes": ["test.far"]},
        "depositPeer": with(transfer(json!("1000000")), json!({"peerId": peer})),
        "withdrawPeer": with(transfer(json!(5)), json!({"peerId": peer, "timeoutSeconds": 0})),
        "depositAsset": with(transfer(json!(1_000_000)), json!({"assetId": asset})),
        "withdrawAsset": with(transfer(json!("5")), json!({"assetId": asset, "timeoutSeconds": 0})),
        "byUrl": {
            "peerUrl": "https://peer.example/good", "assetId": asset, "liquidityToDeposit": "10000",
        },
        "deletePeer": {"id": peer},
        "createAsset": {"code": "EUR", "scale": 2, "liquidityThreshold": 100_000_000},
        "createPeer": with(peer_input(asset, "test.b"), json!({
            "name": "B", "liquidityThreshold": 1_000, "maxPacketAmount": null, "routes": [],
        })),
        "updateAsset": {"id": asset, "withdrawalThreshold": null, "liquidityThreshold": "7"},
    })
}

#[tokio::test]
async fn every_operation_of_rafikis_own_clients_is_answered() {
    let node = Node::start().await;
    let asset = node.create_asset("USD").await;
    let peer = node.create_peer(&asset, "test.a").await;
    let variables = variables(&asset, &peer);
    for Shape { name, document } in SHAPES {
        let document = document.replace("PAGE_INFO", PAGE_INFO);
        let response = node.run(&document, variables.clone()).await;
        assert_eq!(response.get("errors"), None, "{name}: {response}");
        let data = response["data"].as_object().unwrap();
        assert!(data.values().all(|field| !field.is_null()), "{name}: {response}");
    }
}
