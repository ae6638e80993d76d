//! Making, changing and deleting peers, as the documentation and the contract say.

use ilp_connector::{Percent, account::AccountId};

use crate::schema::tests::*;

const CREATE_PEER: &str = "
    mutation CreatePeer($input: CreatePeerInput!) {
      createPeer(input: $input) {
        code success message
        peer { id asset { code scale } staticIlpAddress name }
      }
    }";

fn documented_input(asset_id: &str) -> Value {
    json!({"input": {
        "staticIlpAddress": "g.othergreatwallet",
        "name": "The Other Great Wallet",
        "http": {
            "incoming": {"authTokens": ["mytoken"]},
            "outgoing": {"endpoint": "ilp.othergreatwallet.com", "authToken": "theirtoken"},
        },
        "assetId": asset_id,
        "initialLiquidity": "1000000",
    }})
}

#[tokio::test]
async fn the_documented_mutation_works_as_it_stands() {
    let node = Node::start().await;
    let asset = node.create_asset("USD").await;
    let data = node.data(CREATE_PEER, documented_input(&asset)).await;
    let id = text(&data["createPeer"]["peer"]["id"]);
    assert_eq!(
        data["createPeer"],
        json!({
            "code": "200", "success": true, "message": "Created ILP Peer",
            "peer": {
                "id": id, "asset": {"code": "USD", "scale": 9},
                "staticIlpAddress": "g.othergreatwallet", "name": "The Other Great Wallet"
            }
        })
    );
    assert_eq!(node.liquidity(&id).await, "1000000");
    let live = node.connector.peer_by_token(b"mytoken").unwrap();
    assert_eq!(live.id.to_string(), id);
    assert_eq!(live.liquidity.own_part().available(), 1_000_000);
    assert_eq!(live.terms().next_hop.endpoint, "ilp.othergreatwallet.com");

    let again = node.data(CREATE_PEER, documented_input(&asset)).await;
    assert_eq!(
        again["createPeer"],
        json!({
            "code": "409", "success": false, "peer": null,
            "message": "duplicate peer found for same ILP address and asset"
        })
    );
}

#[tokio::test]
async fn all_that_was_given_is_read_back() {
    let node = Node::start().await;
    let asset = node.create_asset("USD").await;
    let query = "mutation($tokens: [String!]!, $asset: String!) { createPeer(input: {
        staticIlpAddress: \"test.bob\", assetId: $asset, name: null,
        http: { incoming: { authTokens: $tokens }
                outgoing: { endpoint: \"http://bob:3002/ilp\", authToken: \"theirs\" } }
        maxPacketAmount: 9007199254740993, liquidityThreshold: \"18446744073709551615\",
        initialLiquidity: 0, routes: [\"g\", \"test.bob\", \"test.far\"],
        packetsPerMinuteMax: 600 }) { peer {
            id name maxPacketAmount liquidityThreshold liquidity routes
            packetsPerMinuteMax amountPerSecondMax incomingTokenCount createdAt
            http { outgoing { endpoint authToken } } asset { id } ... on Model { id } } } }";
    let data = node.data(query, json!({"tokens": ["a", "b"], "asset": asset})).await;
    let mut peer = data["createPeer"]["peer"].clone();
    assert!(text(&peer["createdAt"]).ends_with('Z'));
    peer["createdAt"].take();
    assert_eq!(
        peer,
        json!({
            "id": peer["id"], "name": null, "maxPacketAmount": "9007199254740993",
            "liquidityThreshold": "18446744073709551615", "liquidity": "0",
            "routes": ["test.bob", "g", "test.far"], "packetsPerMinuteMax": "600",
            "amountPerSecondMax": null, "incomingTokenCount": 2, "createdAt": null,
            "http": {"outgoing": {"endpoint": "http://bob:3002/ilp", "authToken": "theirs"}},
            "asset": {"id": asset},
        })
    );
    let found = node
        .data(
            "query($asset: String!) { peerByAddressAndAsset(
                staticIlpAddress: \"test.bob.alice.~x\", assetId: $asset) { id } }",
            json!({ "asset": asset }),
        )
        .await;
    assert_eq!(found["peerByAddressAndAsset"]["id"], peer["id"]);
}

#[tokio::test]
async fn an_update_changes_what_is_given_and_nothing_else() {
    let node = Node::start().await;
    let asset = node.create_asset("USD").await;
    let mut input = peer_input(&asset, "test.bob");
    input["name"] = json!("Bob");
    input["maxPacketAmount"] = json!("100");
    input["amountPerSecondMax"] = json!("7");
    input["routes"] = json!(["test.far"]);
    let created = node.mutate("createPeer", input, "peer { id }").await;
    let id = text(&created["data"]["createPeer"]["peer"]["id"]);
    let read = "code message peer { name maxPacketAmount amountPerSecondMax routes
        incomingTokenCount http { outgoing { endpoint authToken } } }";
    let update = async |mut edit: Value| {
        edit["id"] = json!(id);
        let response = node.mutate("updatePeer", edit, read).await;
        assert_eq!(response["data"]["updatePeer"]["message"], "Updated ILP Peer", "{response}");
        response["data"]["updatePeer"]["peer"].clone()
    };
    let before = update(json!({})).await;
    let uuid = id.parse().unwrap();
    let next_hop = node.connector.peer(uuid).unwrap().terms().next_hop.id;

    let peer = update(json!({"staticIlpAddress": "test.carol", "name": null})).await;
    assert_eq!(peer["routes"], json!(["test.carol", "test.far"]), "routes follow the address");
    assert_eq!(peer["name"], Value::Null);
    assert_eq!(peer["maxPacketAmount"], before["maxPacketAmount"]);
    assert!(node.connector.peer_by_token(b"token-test.bob").is_some());
    let terms = node.connector.peer(uuid).unwrap().terms();
    assert_eq!(terms.address.as_str(), "test.carol");
    assert_eq!(terms.next_hop.id, next_hop, "connections to the peer stay in use");

    let outgoing = json!({"endpoint": "https://new.example", "authToken": "new"});
    let peer = update(json!({"http": {"outgoing": outgoing}, "maxPacketAmount": null})).await;
    assert_eq!(peer["http"]["outgoing"], outgoing);
    assert_eq!(peer["incomingTokenCount"], 1, "leaving incoming out keeps the tokens");
    assert_eq!(peer["maxPacketAmount"], Value::Null);
    assert_eq!(peer["amountPerSecondMax"], "7");
    let terms = node.connector.peer(uuid).unwrap().terms();
    assert_eq!((terms.max_packet_amount, terms.limits.amount_per_second_max), (None, Some(7)));
    assert_ne!(terms.next_hop.id, next_hop);

    let http = json!({"incoming": {"authTokens": ["x", "y"]}, "outgoing": outgoing});
    let peer = update(json!({"http": http, "routes": null})).await;
    assert_eq!(peer["incomingTokenCount"], 2);
    assert_eq!(peer["routes"], json!(["test.carol"]));
    assert!(node.connector.peer_by_token(b"token-test.bob").is_none());
    assert!(node.connector.peer_by_token(b"y").is_some());
}

#[tokio::test]
async fn a_deleted_peers_liquidity_goes_to_settlement() {
    let node = Node::start().await;
    let asset = node.create_asset("USD").await;
    let mut input = peer_input(&asset, "test.bob");
    input["initialLiquidity"] = json!(500);
    let created = node.mutate("createPeer", input.clone(), "peer { id }").await;
    let id = text(&created["data"]["createPeer"]["peer"]["id"]);
    let deleted = node.mutate("deletePeer", json!({ "id": id }), "code success message").await;
    assert_eq!(
        deleted["data"]["deletePeer"],
        json!({"code": "200", "success": true, "message": "Deleted ILP Peer"})
    );
    let ledger = node.connector.ledger();
    let peer = ledger.account(AccountId::peer(id.parse().unwrap())).own_part();
    assert_eq!((peer.credits, peer.debits), (500, 500));
    let settlement = ledger.account(AccountId::settlement(asset.parse().unwrap())).own_part();
    assert_eq!((settlement.credits, settlement.debits), (500, 500));
    assert!(node.connector.peer_by_token(b"token-test.bob").is_none());

    let again = node.mutate("createPeer", input, "peer { liquidity }").await;
    assert_eq!(again["data"]["createPeer"]["peer"]["liquidity"], "500", "{again}");
}

#[tokio::test]
async fn assets_are_made_changed_funded_and_deleted() {
    let node = Node::start().await;
    let input = json!({"code": "EUR", "scale": 2, "withdrawalThreshold": "5"});
    let read = "code success message asset { id code scale withdrawalThreshold liquidityThreshold liquidity }";
    let created = node.mutate("createAsset", input, read).await["data"]["createAsset"].clone();
    let id = created["asset"]["id"].clone();
    assert_eq!(created["message"], "Created Asset");
    let edit = json!({"id": id, "withdrawalThreshold": null, "liquidityThreshold": 7});
    let updated = node.mutate("updateAsset", edit, read).await["data"]["updateAsset"].clone();
    assert_eq!(updated["message"], "Updated Asset");
    assert_eq!(
        updated["asset"],
        json!({
            "id": id, "code": "EUR", "scale": 2, "withdrawalThreshold": null,
            "liquidityThreshold": "7", "liquidity": "0"
        })
    );
    let other = text(
        &node.mutate("createAsset", json!({"code": "EUR", "scale": 3}), read).await["data"]["createAsset"]
            ["asset"]["id"],
    );
    let deposit = json!({"assetId": id, "amount": "9", "idempotencyKey": "k",
        "id": "0f9926a0-3b5c-4def-8123-456789abcdef"});
    let funded = node.mutate("depositAssetLiquidity", deposit, "code message").await;
    let funded = &funded["data"]["depositAssetLiquidity"];
    assert_eq!(*funded, json!({"code": "200", "message": "Added asset liquidity"}));
    let refused = node.mutate("deleteAsset", json!({ "id": id }), read).await;
    let message = text(&refused["data"]["deleteAsset"]["message"]);
    assert!(message.starts_with("Cannot delete! Asset in use. Its liquidity is 9"), "{message}");
    let deleted = node.mutate("deleteAsset", json!({ "id": other }), read).await;
    assert_eq!(deleted["data"]["deleteAsset"]["message"], "Asset deleted");
    assert_eq!(deleted["data"]["deleteAsset"]["asset"]["scale"], 3);
    let found =
        node.data("{ assetByCodeAndScale(code: \"EUR\", scale: 2) { liquidity } }", json!({}));
    assert_eq!(found.await["assetByCodeAndScale"]["liquidity"], "9");
}

#[tokio::test]
async fn limits_on_what_is_under_way_and_a_default_route_are_set_kept_and_taken_back() {
    let node = Node::start().await;
    let asset = node.create_asset("USD").await;
    let read = "peer { id packetsInFlightMax amountInFlightMax assetShareInFlightPercentMax
        isDefaultRoute state lastSeenAt }";
    let created = node.mutate("createPeer", peer_input(&asset, "test.plain"), read).await;
    let mut plain = created["data"]["createPeer"]["peer"].clone();
    plain["id"].take();
    let none = json!({"id": null, "packetsInFlightMax": null, "amountInFlightMax": null,
        "assetShareInFlightPercentMax": null, "isDefaultRoute": false, "state": "UNKNOWN",
        "lastSeenAt": null});
    assert_eq!(plain, none);

    let mut input = peer_input(&asset, "test.bob");
    input["packetsInFlightMax"] = json!(7);
    input["amountInFlightMax"] = json!("18446744073709551615");
    input["assetShareInFlightPercentMax"] = json!(0);
    input["isDefaultRoute"] = json!(true);
    let created = node.mutate("createPeer", input, read).await;
    let peer = &created["data"]["createPeer"]["peer"];
    assert_eq!(peer["packetsInFlightMax"], "7");
    assert_eq!(peer["amountInFlightMax"], "18446744073709551615");
    assert_eq!(
        (&peer["assetShareInFlightPercentMax"], &peer["isDefaultRoute"]),
        (&json!(0), &json!(true))
    );

    let id = text(&peer["id"]);
    let node = node.restart().await;
    let terms = node.connector.peer(id.parse().unwrap()).unwrap().terms();
    let limits = terms.limits;
    assert_eq!(limits.packets_in_flight_max, Some(7));
    assert_eq!(limits.amount_in_flight_max, Some(u64::MAX));
    let share = limits.asset_share_in_flight_percent_max;
    assert_eq!((share, terms.is_default_route), (Percent::new(0), true));

    let edit = json!({"id": id, "packetsInFlightMax": null, "amountInFlightMax": null,
        "assetShareInFlightPercentMax": null, "isDefaultRoute": false});
    let edited = node.mutate("updatePeer", edit, read).await;
    let mut peer = edited["data"]["updatePeer"]["peer"].clone();
    peer["id"].take();
    assert_eq!(peer, none);
}
