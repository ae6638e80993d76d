//! The audit log: each mutation once, with who, what and how it ended, and no secret.

use std::net::SocketAddr;

use ilp_operator::{Caller, CallerKind};

use crate::schema::tests::*;

use crate::schema::Answer;

const LIST: &str = "query($filter: AuditEventFilter) { auditEvents(first: 100, filter: $filter) {
    edges { node { id createdAt caller origin operation detail changes { kind id before after } code message subjectId tookUs } } } }";

impl Node {
    async fn audit(&self, filter: Value) -> Vec<Value> {
        let data = self.data(LIST, json!({ "filter": filter })).await;
        let edges = data["auditEvents"]["edges"].as_array().unwrap();
        edges.iter().map(|edge| edge["node"].clone()).collect()
    }
}

#[tokio::test]
async fn each_mutation_is_kept_with_its_end_and_without_secrets() {
    let node = Node::start().await;
    let asset = node.create_asset("USD").await;
    let peer = node.create_peer(&asset, "test.a").await;
    node.mutate("createPeer", peer_input(&asset, "test.a"), "code message").await;
    node.mutate("createPeer", peer_input(&asset, "test.a"), "peer { id }").await;
    node.add_and_forget(&peer).await;
    let node = node.restart().await;
    let kept = node.audit(Value::Null).await;
    let summary: Vec<_> = kept
        .iter()
        .map(|event| json!([event["operation"], event["code"], event["subjectId"]]))
        .collect();
    assert_eq!(
        summary,
        [
            json!(["addPeerToken", "200", peer]),
            json!(["createPeer", "409", null]),
            json!(["createPeer", "409", null]),
            json!(["createPeer", "200", peer]),
            json!(["createAsset", "200", asset]),
        ]
    );
    let made = &kept[3];
    assert_eq!(made["detail"]["staticIlpAddress"], "test.a");
    assert_eq!(made["detail"]["http"]["outgoing"]["authToken"], "(hidden)");
    let change = &made["changes"][0];
    assert_eq!((&change["kind"], &change["id"]), (&json!("peers"), &json!(peer)));
    assert_eq!(change["before"], Value::Null);
    assert_eq!(change["after"]["staticIlpAddress"], "test.a");
    assert_eq!(change["after"]["outgoingToken"], "(hidden)");
    let (before, after) = (&kept[0]["changes"][0]["before"], &kept[0]["changes"][0]["after"]);
    assert_eq!(before.as_object().unwrap().len(), 1, "{before}");
    let tokens = |side: &Value| side["incomingTokens"].as_array().unwrap().len();
    assert_eq!((tokens(before), tokens(after)), (1, 2));
    assert_eq!(made["message"], "Created ILP Peer");
    assert!(text(&made["tookUs"]).parse::<u64>().unwrap() > 0);
    let all = json!(kept).to_string();
    for secret in ["theirs", "token-test.a", "hush"] {
        assert!(!all.contains(secret), "{secret}: {all}");
    }

    let only = json!({"operation": {"in": ["createPeer"]}, "code": "200"});
    assert_eq!(node.audit(only).await.len(), 1);
    assert_eq!(node.audit(json!({"operation": {"notIn": ["createPeer"]}})).await.len(), 2);
    assert_eq!(node.audit(json!({"code": "500"})).await.len(), 0);
}

impl Node {
    async fn add_and_forget(&self, peer: &str) {
        let input = json!({"peerId": peer, "authToken": "hush"});
        self.mutate("addPeerToken", input, "success").await;
    }
}

#[tokio::test]
async fn it_says_who_and_where_from() {
    let node = Node::start().await;
    let address: SocketAddr = "192.0.2.7:1234".parse().unwrap();
    let caller = Caller { kind: CallerKind::Signature, address: Some(address) };
    let mutation = "mutation { createAsset(input: {code: \"USD\", scale: 2}) { success } }";
    let request = Request::new(mutation).data(caller);
    let answer = node.schema.execute(request).await;
    assert!(matches!(answer, Answer::Executed(response) if response.is_ok()));
    let kept = node.audit(Value::Null).await;
    assert_eq!(
        (&kept[0]["caller"], &kept[0]["origin"]),
        (&json!("signature"), &json!("192.0.2.7"))
    );
}
