use std::net::SocketAddr;

use axum::{
    Extension,
    http::{Method, header::CONTENT_TYPE},
};
use ilp_connector::Connector;
use ilp_store::{AuditFilter, DurableLedger};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::*;
use crate::{
    operator::{NewAsset, PageArguments, PeeringApproval, PeeringRules},
    schema::tests::operator_with_rules,
};

/// A node with an asset and the port, without a socket.
struct Node {
    _dir: TempDir,
    operator: Operator,
    connector: Arc<Connector<DurableLedger>>,
    router: Router,
}

impl Node {
    async fn start(is_automatic: bool) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let rules = PeeringRules {
            is_automatic,
            liquidity: 500,
            peers_max: 2,
            private_endpoints: false,
            connector_url: "https://ilp.jirani.example".to_owned(),
        };
        let (operator, connector) = operator_with_rules(dir.path(), rules).await;
        for code in ["USD", "EUR"] {
            let new = NewAsset { code: code.to_owned(), scale: 2, ..NewAsset::default() };
            operator.create_asset(new).await.unwrap();
        }
        let router = auto_peering_router(operator.clone());
        Self { _dir: dir, operator, connector, router }
    }

    /// Asks from an address that depends on the body, so that no test meets the limiter unasked.
    async fn ask(&self, body: &Value, proof: Option<&str>) -> (u16, Value) {
        let last = u8::try_from(body.to_string().len() % 200).unwrap();
        self.ask_from([198, 51, 100, last], body.to_string(), proof).await
    }

    async fn ask_from(&self, from: [u8; 4], body: String, proof: Option<&str>) -> (u16, Value) {
        let address: SocketAddr = (from, 4000).into();
        let mut request = Request::builder()
            .method(Method::POST)
            .uri("/")
            .header(CONTENT_TYPE, "application/json")
            .extension(ClientAddress(address));
        if let Some(proof) = proof {
            request = request.header(AUTHORIZATION, format!("Bearer {proof}"));
        }
        let request = request.body(body.into()).unwrap();
        let mut router = self.router.clone().layer(Extension(ClientAddress(address)));
        let service = <Router as tower_service::Service<Request>>::call(&mut router, request);
        let response = service.await.unwrap();
        let status = response.status().as_u16();
        let body = to_bytes(response.into_body(), 100_000).await.unwrap();
        (status, serde_json::from_slice(&body).unwrap())
    }

    fn knows(&self, token: &str) -> bool {
        self.connector.peer_by_token(token.as_bytes()).is_some()
    }
}

fn offer(address: &str, token: &str) -> Value {
    json!({
        "staticIlpAddress": address,
        "ilpConnectorUrl": "https://ilp.bob.example",
        "asset": {"code": "USD", "scale": 2},
        "httpToken": token,
        "maxPacketAmount": 100,
        "name": "Bob",
    })
}

#[tokio::test]
async fn a_node_that_asks_is_a_peer_with_finite_liquidity() {
    let node = Node::start(true).await;
    let (status, answer) = node.ask(&offer("test.bob", "bobs"), None).await;
    assert_eq!(status, 200, "{answer}");
    assert_eq!(answer["staticIlpAddress"], "test.jirani");
    assert_eq!(answer["ilpConnectorUrl"], "https://ilp.jirani.example");
    assert_eq!(answer["name"], "jirani");
    let live = node.connector.peer_by_token(b"bobs").unwrap();
    assert_eq!(live.liquidity.balance().available(), 500);
    assert_eq!(live.terms().next_hop.token.reveal(), answer["httpToken"].as_str().unwrap());
    assert_eq!(live.terms().max_packet_amount, Some(100));
}

#[tokio::test]
async fn nobody_changes_a_peer_without_its_token() {
    let node = Node::start(true).await;
    assert_eq!(node.ask(&offer("test.bob", "bobs"), None).await.0, 200);
    let mut theft = offer("test.bob", "mallorys");
    theft["ilpConnectorUrl"] = json!("https://mallory.example");
    for proof in [None, Some("wrong"), Some("mallorys"), Some("")] {
        let (status, answer) = node.ask(&theft, proof).await;
        assert_eq!((status, &answer["error"]["code"]), (409, &json!(409)), "{answer}");
    }
    // Nor takes what is addressed to it: below its address, or at it for another asset.
    assert_eq!(node.ask(&offer("test.bob.alice", "mallorys"), None).await.0, 409);
    let mut other_asset = offer("test.bob", "mallorys");
    other_asset["asset"]["code"] = json!("EUR");
    assert_eq!(node.ask(&other_asset, None).await.0, 409);
    assert!(node.knows("bobs") && !node.knows("mallorys"));

    let mut renewal = offer("test.bob", "bobs-next");
    renewal["ilpConnectorUrl"] = json!("https://new.bob.example");
    let (status, _) = node.ask(&renewal, Some("bobs")).await;
    assert_eq!(status, 200);
    assert!(node.knows("bobs-next") && !node.knows("bobs"));
    let live = node.connector.peer_by_token(b"bobs-next").unwrap();
    assert_eq!(live.terms().next_hop.endpoint, "https://new.bob.example");
    assert_eq!(live.liquidity.balance().available(), 500, "no liquidity for asking twice");
    assert_eq!(node.connector.peer_count(), 1);
}

#[tokio::test]
async fn nobody_takes_the_room_of_all_who_wait() {
    let node = Node::start(false).await;
    let ask = async |from: [u8; 4], number: u8| {
        let offer = offer(&format!("test.n{}-{number}", from[0]), &format!("{from:?}{number}"));
        node.ask_from(from, offer.to_string().replace(' ', ""), None).await.0
    };
    for number in 0..8 {
        assert_eq!(ask([198, 51, 100, 1], number).await, 202);
    }
    assert_eq!(ask([198, 51, 100, 1], 8).await, 503);
    // What comes through a proxy nearby comes from anywhere.
    for number in 0..9 {
        assert_eq!(ask([10, 0, 0, 1], number).await, 202);
    }
    assert_eq!(ask([203, 0, 113, 1], 0).await, 202);
}

#[tokio::test]
async fn where_the_operator_approves_nobody_is_a_peer_before() {
    let node = Node::start(false).await;
    let (status, first) = node.ask(&offer("test.bob", "bobs"), None).await;
    assert_eq!(status, 202);
    assert!(!node.knows("bobs"));
    let (_, again) = node.ask(&offer("test.bob", "bobs"), None).await;
    assert_eq!(again, first, "the same node is told the same");
    assert_eq!(node.ask(&offer("test.bob", "mallorys"), None).await.0, 409);
    assert_eq!(node.ask(&offer("test.carol", "carols"), None).await.0, 202);

    let page = PageArguments::default();
    let waiting = node.operator.peering_requests(&page).await.unwrap().rows;
    assert_eq!(waiting.len(), 2);
    node.operator.reject_peering(&waiting[0].id.to_string()).await.unwrap();
    let id = waiting[1].id.to_string();
    let approval = PeeringApproval { id, initial_liquidity: Some(7), ..Default::default() };
    let peer = node.operator.approve_peering(approval.clone()).await.unwrap();
    assert_eq!((peer.liquidity, peer.record.name.as_deref()), (7, Some("Bob")));
    assert!(node.knows("bobs") && !node.knows("carols"));
    let live = node.connector.peer_by_token(b"bobs").unwrap();
    assert_eq!(live.terms().next_hop.token.reveal(), first["httpToken"].as_str().unwrap());
    assert!(node.operator.approve_peering(approval).await.is_err());
    assert_eq!(node.operator.peering_requests(&page).await.unwrap().rows, []);
}

#[tokio::test]
async fn what_makes_no_peer_is_refused_in_rafikis_words() {
    let node = Node::start(true).await;
    let changed = |name: &str, value: Value| {
        let mut offer = offer("test.bob", "bobs");
        offer[name] = value;
        offer
    };
    for (offer, status, kind) in [
        (changed("asset", json!({"code": "XXX", "scale": 2})), 404, "UnknownAsset"),
        (changed("asset", json!({"code": "USD", "scale": 3})), 404, "UnknownAsset"),
        (changed("staticIlpAddress", json!("nope")), 400, "InvalidPeerIlpConfiguration"),
        (changed("staticIlpAddress", json!("test.jirani")), 400, "InvalidPeerIlpConfiguration"),
        (changed("staticIlpAddress", json!("test.jirani.a")), 400, "InvalidPeerIlpConfiguration"),
        (changed("staticIlpAddress", json!("peer.a")), 400, "InvalidPeerIlpConfiguration"),
        (changed("ilpConnectorUrl", json!("a b")), 400, "InvalidPeerIlpConfiguration"),
        (changed("ilpConnectorUrl", json!("http://localhost")), 400, "InvalidPeerIlpConfiguration"),
        (changed("httpToken", json!("")), 400, "InvalidPeeringRequest"),
        (changed("httpToken", json!("a b")), 400, "InvalidPeeringRequest"),
        (changed("name", json!("x".repeat(257))), 400, "InvalidPeeringRequest"),
        (json!([]), 400, "InvalidPeeringRequest"),
        (changed("name", json!("x".repeat(20_000))), 413, "InvalidPeeringRequest"),
    ] {
        let (got, answer) = node.ask(&offer, None).await;
        assert_eq!((got, &answer["error"]["type"]), (status, &json!(kind)), "{answer}");
        assert_eq!(answer["error"]["code"], status);
    }
    assert_eq!(node.connector.peer_count(), 0);
    // Two may be made without the operator, and no more until one of them is deleted.
    assert_eq!(node.ask(&offer("test.a", "as"), None).await.0, 200);
    let (status, _) = node.ask(&offer("test.b", "as"), None).await;
    assert_eq!(status, 409, "a token that another peer has");
    assert_eq!(node.ask(&offer("test.b", "bs"), None).await.0, 200);
    assert_eq!(node.ask(&offer("test.c", "cs"), None).await.0, 503);
    let a = node.connector.peer_by_token(b"as").unwrap().id.to_string();
    node.operator.delete_peer(&a).await.unwrap();
    assert_eq!(node.ask(&offer("test.c", "cs"), None).await.0, 200);
}

#[tokio::test]
async fn whoever_asks_too_often_is_told_so_and_noted() {
    let node = Node::start(false).await;
    let ask = || node.ask_from([203, 0, 113, 9], "{".to_owned(), None);
    let mut statuses = Vec::new();
    for _ in 0..12 {
        statuses.push(ask().await.0);
    }
    assert_eq!(statuses.iter().filter(|status| **status == 400).count(), 10, "{statuses:?}");
    assert_eq!(statuses[11], 429);
    assert_eq!(node.ask(&offer("test.bob", "bobs"), None).await.0, 202, "others are heard");
    let page = PageArguments::default();
    let kept = node.operator.audit_events(&page, AuditFilter::default()).await.unwrap().rows;
    let codes: Vec<_> = kept
        .iter()
        .map(|record| record.outcome.as_ref().map(|outcome| outcome.code.as_str()).unwrap())
        .collect();
    assert_eq!(codes, ["202", "429", "429"]);
    assert!(kept.iter().all(|record| !record.detail.contains("bobs")));
}
