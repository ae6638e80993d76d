//! Asking other nodes to become peers, and what waits for approval.

use ilp_operator::{PeeringPost, PeeringReply};
use serde_json::Value;

use crate::schema::tests::*;

/// Returns the answer of a node in these tests, by the last part of its URL.
pub(crate) fn reply(post: &PeeringPost) -> Result<PeeringReply, String> {
    let offer: Value = serde_json::from_str(&post.body).unwrap();
    assert_eq!(offer["staticIlpAddress"], "test.jirani");
    assert_eq!(offer["asset"]["scale"], 9);
    let refusal = |kind: &str| json!({"error": {"type": kind, "message": "so\nit is", "code": 4}});
    let good = |address: &str, token: String| {
        json!({
            "staticIlpAddress": address, "ilpConnectorUrl": "https://ilp.bob.example",
            "httpToken": token, "name": "Bob",
        })
    };
    let proof = post.proof.as_ref().map_or("none", |proof| proof.reveal());
    let (status, body) = match post.url.path().rsplit('/').next().unwrap_or_default() {
        "good" => (200, good("test.bob", format!("bobs-{}", proof.len()))),
        "alices" => (200, good("test.alice", "evil".to_owned())),
        "branch" => (200, good("test.alice.branch", "evil".to_owned())),
        "carols" => (200, good("test.carol", "evil".to_owned())),
        "routed" => (200, good("test.dans.alice", "evil".to_owned())),
        // Where the node has its peers by hand.
        "same" => {
            let mut answer = good("test.alice", format!("alices-{}", proof.len()));
            answer["ilpConnectorUrl"] = json!("https://ilp.example/");
            (200, answer)
        }
        "child" => (200, good("test.jirani.child", "evil".to_owned())),
        "turned" => {
            let mut answer = good("test.turned", "t".to_owned());
            answer["name"] = json!("\u{202e}knab");
            (200, answer)
        }
        "near" => {
            let mut answer = good("test.near", "t".to_owned());
            answer["ilpConnectorUrl"] = json!("http://localhost:1");
            (200, answer)
        }
        "asset" => (404, refusal("UnknownAsset")),
        "config" => (400, refusal("InvalidPeerIlpConfiguration")),
        "other" => (409, refusal("InvalidPeeringRequest")),
        "page" => (404, json!("no node")),
        "ours" => (200, good("test.jirani", "t".to_owned())),
        "half" => (200, json!({"staticIlpAddress": "test.half"})),
        _ => return Err("nobody is there".to_owned()),
    };
    Ok(PeeringReply { status, body: body.to_string() })
}

impl Node {
    async fn by_url(&self, asset: &str, path: &str, more: Value) -> Value {
        let mut input =
            json!({"assetId": asset, "peerUrl": format!("https://peer.example/{path}")});
        for (name, value) in more.as_object().unwrap() {
            input[name] = value.clone();
        }
        let parts = "code message peer { id name staticIlpAddress liquidity maxPacketAmount
            http { outgoing { endpoint authToken } } incomingTokens { id } }";
        let response = self.mutate("createOrUpdatePeerByUrl", input, parts).await;
        response["data"]["createOrUpdatePeerByUrl"].clone()
    }
}

#[tokio::test]
async fn a_node_is_asked_and_becomes_a_peer_and_is_asked_again() {
    let node = Node::start().await;
    let asset = node.create_asset("USD").await;
    let terms = json!({"liquidityToDeposit": 10, "maxPacketAmount": "5"});
    let made = node.by_url(&asset, "good", terms).await;
    assert_eq!(made["code"], "200", "{made}");
    let peer = &made["peer"];
    assert_eq!((&peer["name"], &peer["liquidity"]), (&json!("Bob"), &json!("10")));
    assert_eq!(peer["http"]["outgoing"]["endpoint"], "https://ilp.bob.example");
    assert!(node.connector.peer_by_token(b"bobs-4").is_some(), "the first time without proof");

    let again = node.by_url(&asset, "good", json!({"liquidityToDeposit": 7, "name": "B"})).await;
    assert_eq!(again["code"], "200", "{again}");
    assert_eq!(again["peer"]["id"], peer["id"]);
    assert_eq!((&again["peer"]["name"], &again["peer"]["liquidity"]), (&json!("B"), &json!("17")));
    assert_eq!(again["peer"]["maxPacketAmount"], "5");
    assert_ne!(again["peer"]["http"]["outgoing"], peer["http"]["outgoing"], "a new token");
    assert!(node.connector.peer_by_token(b"bobs-64").is_some(), "the second time with proof");
    assert!(node.connector.peer_by_token(b"bobs-4").is_none());
}

#[tokio::test]
async fn a_node_becomes_a_peer_in_a_second_asset_too() {
    let node = Node::start().await;
    let [dollars, euros, pounds] = [
        node.create_asset("USD").await,
        node.create_asset("EUR").await,
        node.create_asset("GBP").await,
    ];
    let first = node.by_url(&dollars, "good", json!({})).await;
    assert_eq!(first["code"], "200", "{first}");
    let second = node.by_url(&euros, "good", json!({})).await;
    assert_eq!(second["code"], "200", "{second}");
    assert_ne!(second["peer"]["id"], first["peer"]["id"]);
    // The token that the peer in dollars knows this node by shows which node it is.
    let peer = node.connector.peer_by_token(b"bobs-64").unwrap();
    assert_eq!(text(&second["peer"]["id"]), peer.id.to_string());
    let again = node.by_url(&euros, "good", json!({ "name": "B" })).await;
    assert_eq!(
        (&again["peer"]["id"], &again["peer"]["name"]),
        (&second["peer"]["id"], &json!("B"))
    );
    // A peer that was made by hand has the address and the endpoint that are answered.
    node.create_peer(&dollars, "test.alice").await;
    let made = node.by_url(&euros, "same", json!({})).await;
    assert_eq!(made["code"], "200", "{made}");
    assert!(node.connector.peer_by_token(b"token-test.alice").is_some(), "it keeps its token");
    let refused = node.by_url(&dollars, "same", json!({})).await;
    assert_eq!(refused["code"], "400", "{refused}");
    // Here the answer is known beforehand: the address in pounds is taken.
    node.create_peer(&pounds, "test.bob").await;
    let refused = node.by_url(&pounds, "good", json!({})).await;
    assert!(text(&refused["message"]).ends_with("The node was not asked"), "{refused}");
}

#[tokio::test]
async fn what_a_url_answers_never_changes_a_peer_that_was_not_made_there() {
    let node = Node::start().await;
    let asset = node.create_asset("USD").await;
    node.create_peer(&asset, "test.alice").await;
    let euro = node.create_asset("EUR").await;
    node.create_peer(&euro, "test.carol").await;
    let mut dan = peer_input(&euro, "test.dan");
    dan["routes"] = json!(["test.dans"]);
    node.mutate("createPeer", dan, "peer { id }").await;
    let unknown = "019926a0-3b5c-7def-8123-456789abcdef";
    for (path, code, words) in [
        ("alices", "400", "Invalid peering request: a peer of this asset has the address"),
        ("branch", "400", "Invalid peering request: it answers with the address test.alice.branch"),
        ("routed", "400", "Invalid peering request: it answers with the address test.dans.alice"),
        ("carols", "400", "Invalid peering request: it answers with the address test.carol"),
        ("child", "400", "Invalid peering request: it answers with an address that lies below"),
        ("turned", "400", "Invalid peering request: the answer makes no peer: invalid name"),
        ("near", "400", "Invalid peering request: it is near"),
        ("asset", "400", "Peer does not support asset"),
        ("config", "400", "The ILP configuration is misconfigured: the peer says: soit is"),
        ("other", "400", "Invalid peering request: the peer says: soit is"),
        ("half", "400", "Invalid peering request"),
        ("ours", "400", "Invalid peering request: the answer makes no peer"),
        ("page", "404", "Peer URL is invalid or peer does not support auto-peering"),
        ("nobody", "404", "Peer URL is invalid or peer does not support auto-peering: nobody"),
        ("a b", "404", "Peer URL is invalid or peer does not support auto-peering"),
    ] {
        let refused = node.by_url(&asset, path, json!({})).await;
        assert_eq!(refused["code"], code, "{path}: {refused}");
        assert!(text(&refused["message"]).starts_with(words), "{path}: {refused}");
        assert_eq!(refused["peer"], Value::Null);
    }
    assert_eq!(node.by_url(unknown, "good", json!({})).await["message"], "unknown asset");
    let schemeless = node.by_url(&asset, "good", json!({"peerUrl": "peer.example/good"})).await;
    assert_eq!(schemeless["code"], "404");
    assert!(node.connector.peer_by_token(b"token-test.alice").is_some());
    assert_eq!(node.connector.peer_count(), 3);
}
