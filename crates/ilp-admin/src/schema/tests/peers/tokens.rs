//! Tokens of peers, added and revoked one at a time.

use crate::schema::tests::*;

const PARTS: &str = "code message authToken incomingToken { id createdAt }
    peer { incomingTokenCount incomingTokens { id } }";

impl Node {
    async fn add_token(&self, input: Value) -> Value {
        self.mutate("addPeerToken", input, PARTS).await["data"]["addPeerToken"].clone()
    }

    async fn revoke_token(&self, input: Value) -> Value {
        let parts = "code message peer { incomingTokens { id } }";
        self.mutate("revokePeerToken", input, parts).await["data"]["revokePeerToken"].clone()
    }

    fn knows(&self, token: &str) -> bool {
        self.connector.peer_by_token(token.as_bytes()).is_some()
    }
}

#[tokio::test]
async fn a_peer_changes_from_one_token_to_the_next_without_an_outage() {
    let node = Node::start().await;
    let asset = node.create_asset("USD").await;
    let peer = node.create_peer(&asset, "test.a").await;
    let added = node.add_token(json!({ "peerId": peer })).await;
    assert_eq!(added["code"], "200", "{added}");
    let fresh = text(&added["authToken"]);
    assert_eq!(fresh.len(), 64);
    assert!(node.knows("token-test.a") && node.knows(&fresh), "both are good for the change");
    assert_eq!(added["peer"]["incomingTokenCount"], 2);
    assert_eq!(added["peer"]["incomingTokens"][1]["id"], added["incomingToken"]["id"]);

    let revoked = node.revoke_token(json!({"peerId": peer, "authToken": "token-test.a"})).await;
    assert_eq!(revoked["code"], "200", "{revoked}");
    assert!(!node.knows("token-test.a") && node.knows(&fresh));
    let node = node.restart().await;
    assert!(!node.knows("token-test.a") && node.knows(&fresh));
    let id = &added["incomingToken"]["id"];
    let revoked = node.revoke_token(json!({"peerId": peer, "tokenId": id})).await;
    assert_eq!(revoked["peer"]["incomingTokens"], json!([]), "also the last one may go");
    assert!(!node.knows(&fresh));
}

#[tokio::test]
async fn a_made_token_is_shown_once_and_made_once() {
    let node = Node::start().await;
    let asset = node.create_asset("USD").await;
    let peer = node.create_peer(&asset, "test.a").await;
    let input = json!({"peerId": peer, "idempotencyKey": "k"});
    let first = node.add_token(input.clone()).await;
    let again = node.add_token(input).await;
    assert!(first["authToken"].is_string());
    assert_eq!((&again["code"], &again["authToken"]), (&json!("200"), &Value::Null));
    assert_eq!(again["incomingToken"], first["incomingToken"]);
    assert_eq!(again["peer"]["incomingTokenCount"], 2);
}

#[tokio::test]
async fn a_token_that_stays_keeps_its_time_and_its_id() {
    let node = Node::start().await;
    let asset = node.create_asset("USD").await;
    let peer = node.create_peer(&asset, "test.a").await;
    let before = node.add_token(json!({"peerId": peer, "authToken": "second"})).await;
    assert_eq!(before["authToken"], Value::Null, "the client knows it");
    let input = json!({"id": peer, "http": {
        "incoming": {"authTokens": ["third", "second"]},
        "outgoing": {"endpoint": "https://ilp.example", "authToken": "theirs"},
    }});
    let parts = "peer { incomingTokens { id createdAt } }";
    let changed = node.mutate("updatePeer", input, parts).await;
    let tokens = &changed["data"]["updatePeer"]["peer"]["incomingTokens"];
    assert_eq!(tokens[1], before["incomingToken"]);
    assert_ne!(tokens[0]["createdAt"], tokens[1]["createdAt"]);
}

#[tokio::test]
async fn what_is_no_new_token_or_no_token_of_the_peer_is_refused() {
    let node = Node::start().await;
    let asset = node.create_asset("USD").await;
    let peer = node.create_peer(&asset, "test.a").await;
    node.create_peer(&asset, "test.b").await;
    let unknown = "019926a0-3b5c-7def-8123-456789abcdef";
    for (input, code, words) in [
        (json!({"peerId": unknown}), "404", "unknown peer"),
        (json!({"peerId": "no id"}), "404", "unknown peer"),
        (json!({"peerId": peer, "authToken": "token-test.a"}), "409", "duplicate incoming token"),
        (json!({"peerId": peer, "authToken": "token-test.b"}), "409", "duplicate incoming token"),
        (json!({"peerId": peer, "authToken": "a b"}), "400", "invalid incoming token"),
        (json!({"peerId": peer, "authToken": ""}), "400", "invalid incoming token"),
    ] {
        let refused = node.add_token(input.clone()).await;
        assert_eq!(refused["code"], code, "{input} {refused}");
        assert!(text(&refused["message"]).starts_with(words), "{refused}");
        assert!(!refused.to_string().contains("token-test"), "{refused}");
    }
    for (input, code, words) in [
        (json!({"peerId": unknown, "tokenId": "ab"}), "404", "unknown peer"),
        (json!({"peerId": peer, "tokenId": "ab"}), "404", "unknown incoming token"),
        // Another peer's token is none of this one's.
        (json!({"peerId": peer, "authToken": "token-test.b"}), "404", "unknown incoming token"),
        (json!({"peerId": peer}), "400", "invalid incoming token"),
        (json!({"peerId": peer, "tokenId": "ab", "authToken": "a"}), "400", "invalid incoming"),
    ] {
        let refused = node.revoke_token(input.clone()).await;
        assert_eq!(refused["code"], code, "{input} {refused}");
        assert!(text(&refused["message"]).starts_with(words), "{refused}");
    }
    for number in 1..64 {
        let added = node.add_token(json!({"peerId": peer, "authToken": format!("t{number}")}));
        assert_eq!(added.await["code"], "200");
    }
    let refused = node.add_token(json!({ "peerId": peer })).await;
    assert_eq!(refused["code"], "400", "{refused}");
}
