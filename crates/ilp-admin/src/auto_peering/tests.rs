use std::net::SocketAddr;

use axum::{
    Extension,
    http::{Method, header::CONTENT_TYPE},
};
use ilp_connector::Connector;
use ilp_operator::{
    Edit, NewAsset, NewPeer, PageArguments, PeerEdit, PeerTermsEdit, PeeringApproval, PeeringRules,
};
use ilp_store::{AuditFilter, DurableLedger};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::*;
use crate::schema::tests::operator_with_rules;

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
            connector_advice: None,
        };
        let (operator, connector) = operator_with_rules(dir.path(), rules).await;
        for code in ["USD", "EUR"] {
            let new = NewAsset { code: code.to_owned(), scale: 2, ..NewAsset::default() };
            operator.unrecorded().assets().create(new).await.unwrap();
        }
        let router = auto_peering_router(operator.clone());
        Self { _dir: dir, operator, connector, router }
    }

    /// Asks from an address that depends on the body, so that no test meets the limiter unasked.
    async fn ask(&self, body: &Value, proof: Option<&str>) -> (u16, Value) {
        let first = 40 + u8::try_from(body.to_string().len() % 80).unwrap();
        self.ask_from([first, 51, 100, 1], body.to_string(), proof).await
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

fn in_euros(mut offer: Value) -> Value {
    offer["asset"]["code"] = json!("EUR");
    offer
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
    assert_eq!(live.liquidity.own_part().available(), 500);
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
    let mut other_asset = in_euros(offer("test.bob", "mallorys"));
    other_asset["ilpConnectorUrl"] = json!("https://mallory.example");
    assert_eq!(node.ask(&other_asset, None).await.0, 409);
    assert!(node.knows("bobs") && !node.knows("mallorys"));

    let mut renewal = offer("test.bob", "bobs-next");
    renewal["ilpConnectorUrl"] = json!("https://new.bob.example");
    let (status, _) = node.ask(&renewal, Some("bobs")).await;
    assert_eq!(status, 200);
    assert!(node.knows("bobs-next") && !node.knows("bobs"));
    let live = node.connector.peer_by_token(b"bobs-next").unwrap();
    assert_eq!(live.terms().next_hop.endpoint, "https://new.bob.example");
    assert_eq!(live.liquidity.own_part().available(), 500, "no liquidity for asking twice");
    assert_eq!(node.connector.peer_count(), 1);
    // Each request is in the audit log with its outcome.
    let page = PageArguments::default();
    let kept = node.operator.audit().list(&page, AuditFilter::default()).await.unwrap().rows;
    let code = |record: &ilp_store::AuditRecord| record.outcome.clone().unwrap().code;
    assert_eq!(kept.iter().map(code).filter(|code| code == "409").count(), 6);
    let renewed: Value = serde_json::from_str(&kept[0].changes).unwrap();
    let (before, after) = (&renewed[0]["before"], &renewed[0]["after"]);
    assert_eq!(
        (code(&kept[0]), &before["endpoint"]),
        ("200".into(), &json!("https://ilp.bob.example"))
    );
    assert_eq!(after["endpoint"], "https://new.bob.example");
    assert_eq!(after["outgoingToken"], "(hidden, another one)");
    assert_ne!(before["incomingTokens"], after["incomingTokens"]);
    let all: String = kept.iter().map(|record| format!("{record:?}")).collect();
    assert!(!all.contains("mallorys") && !all.contains("bobs-next"), "{all}");
}

#[tokio::test]
async fn a_peer_asks_for_another_asset_with_the_token_of_one_that_it_has() {
    let node = Node::start(true).await;
    assert_eq!(node.ask(&offer("test.bob", "bobs"), None).await.0, 200);
    // A Rafiki shows no token. The peer would keep its packets, but any node can claim its address.
    let bare = in_euros(offer("test.bob", "bobs-in-euros"));
    let (status, told) = node.ask(&bare, None).await;
    assert_eq!(status, 202, "{told}");
    assert!(!node.knows("bobs-in-euros"));
    let waiting = node.operator.peering().requests(&PageArguments::default()).await.unwrap().rows;
    let warning = &waiting[0].warnings[0];
    assert!(
        warning.contains("the peer test.bob in USD has this address, at the same"),
        "{warning}"
    );
    node.operator.unrecorded().peering().reject(&waiting[0].record.id.to_string()).await.unwrap();

    for proof in ["wrong", "bobs-in-euros"] {
        assert_eq!(node.ask(&bare, Some(proof)).await.0, 202, "{proof}");
        assert!(!node.knows("bobs-in-euros"), "{proof}");
    }
    let (status, answer) = node.ask(&bare, Some("bobs")).await;
    assert_eq!(status, 200, "{answer}");
    let [dollars, euros] = ["bobs", "bobs-in-euros"]
        .map(|token| node.connector.peer_by_token(token.as_bytes()).unwrap());
    assert!(dollars.id != euros.id && dollars.is_same_neighbour(&euros));
    assert_eq!((&*dollars.asset.code, &*euros.asset.code), ("USD", "EUR"));
    // The token of either peering proves who asks.
    let renewal = offer("test.bob", "bobs-next");
    assert_eq!(node.ask(&renewal, Some("bobs-in-euros")).await.0, 200);
    assert!(node.knows("bobs-next") && node.knows("bobs-in-euros") && !node.knows("bobs"));
}

#[tokio::test]
async fn nobody_gets_packets_that_another_peer_routes() {
    let node = Node::start(true).await;
    let dollars =
        node.operator.assets().by_code_and_scale("USD".to_owned(), 2).await.unwrap().unwrap();
    let big = |routes: &[&str]| NewPeer {
        asset_id: dollars.record.id.to_string(),
        terms: PeerTermsEdit {
            static_ilp_address: Some("test.hub".to_owned()),
            routes: Edit::Set(routes.iter().map(|route| (*route).to_owned()).collect()),
            outgoing: Some(("https://hub.example".to_owned(), Secret::new("t".to_owned()))),
            incoming_tokens: Some(vec![Secret::new("hubs".to_owned())]),
            ..PeerTermsEdit::default()
        },
        initial_liquidity: 0,
    };
    let hub = node
        .operator
        .unrecorded()
        .peers()
        .create(big(&["test.big", "test.far.away"]))
        .await
        .unwrap();
    for (address, words) in [
        ("test.big.alice", "which has the route test.big, and would go to this node instead"),
        ("test.big", "which has the route test.big, and would go to this node too"),
        ("test.hub.x", "which has the route test.hub"),
        ("test.far", "has the route test.far.away, which lies below this address"),
    ] {
        let (status, answer) = node.ask(&offer(address, "mallorys"), None).await;
        assert_eq!(status, 409, "{address}: {answer}");
        let message = answer["error"]["message"].as_str().unwrap();
        assert!(message.contains(words), "{address}: {message}");
    }
    assert!(!node.knows("mallorys"));
    assert_eq!(node.ask(&offer("test.bigger", "mallorys"), None).await.0, 200);
    // Packets that a default route takes can't be claimed by another node either.
    let id = hub.record.id.to_string();
    let terms = PeerTermsEdit { is_default_route: Some(true), ..PeerTermsEdit::default() };
    let edit = PeerEdit { id, terms, version: None };
    node.operator.unrecorded().peers().update(edit).await.unwrap();
    let (status, answer) = node.ask(&offer("test.elsewhere", "others"), None).await;
    assert_eq!(status, 409, "{answer}");

    let node = Node::start(false).await;
    let dollars =
        node.operator.assets().by_code_and_scale("USD".to_owned(), 2).await.unwrap().unwrap();
    let asset_id = dollars.record.id.to_string();
    node.operator
        .unrecorded()
        .peers()
        .create(NewPeer { asset_id, ..big(&["test.big"]) })
        .await
        .unwrap();
    for (address, token) in [("test.big.alice", "mallorys"), ("test.other", "others")] {
        assert_eq!(node.ask(&offer(address, token), None).await.0, 202);
    }
    let waiting = node.operator.peering().requests(&PageArguments::default()).await.unwrap().rows;
    let warnings: Vec<_> = waiting.iter().map(|request| request.warnings.len()).collect();
    assert_eq!(warnings, [0, 1], "newest first");
    assert!(
        waiting[1].warnings[0].starts_with("packets to test.big.alice go to the peer test.hub")
    );
}

#[tokio::test]
async fn one_source_does_not_use_up_the_peers_that_are_made_at_once() {
    let node = Node::start(true).await;
    let ask = async |from: [u8; 4], name: &str| {
        let offer = offer(&format!("test.{name}"), name);
        node.ask_from(from, offer.to_string(), None).await.0
    };
    assert_eq!(ask([198, 51, 100, 1], "one").await, 200);
    assert_eq!(ask([198, 51, 100, 1], "two").await, 503);
    assert_eq!(ask([198, 51, 100, 2], "two").await, 503, "the same network");
    assert_eq!(ask([203, 0, 113, 1], "two").await, 200);
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
    let waiting = node.operator.peering().requests(&page).await.unwrap().rows;
    assert_eq!(waiting.len(), 2);
    node.operator.unrecorded().peering().reject(&waiting[0].record.id.to_string()).await.unwrap();
    let id = waiting[1].record.id.to_string();
    let approval = PeeringApproval { id, initial_liquidity: Some(7), ..Default::default() };
    let peer = node.operator.unrecorded().peering().approve(approval.clone()).await.unwrap();
    assert_eq!((peer.liquidity, peer.record.terms.name.as_deref()), (7, Some("Bob")));
    assert!(node.knows("bobs") && !node.knows("carols"));
    let live = node.connector.peer_by_token(b"bobs").unwrap();
    assert_eq!(live.terms().next_hop.token.reveal(), first["httpToken"].as_str().unwrap());
    assert!(node.operator.unrecorded().peering().approve(approval).await.is_err());
    assert!(node.operator.peering().requests(&page).await.unwrap().rows.is_empty());
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
    let ask = async |first: u8, address: &str, token: &str| {
        node.ask_from([first, 0, 113, 1], offer(address, token).to_string(), None).await.0
    };
    assert_eq!(ask(203, "test.a", "as").await, 200);
    assert_eq!(ask(204, "test.b", "as").await, 409, "a token that another peer has");
    assert_eq!(ask(204, "test.b", "bs").await, 200);
    assert_eq!(ask(205, "test.c", "cs").await, 503);
    let a = node.connector.peer_by_token(b"as").unwrap().id.to_string();
    node.operator.unrecorded().peers().delete(&a).await.unwrap();
    assert_eq!(ask(205, "test.c", "cs").await, 200);
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
    let kept = node.operator.audit().list(&page, AuditFilter::default()).await.unwrap().rows;
    let codes: Vec<_> = kept
        .iter()
        .map(|record| record.outcome.as_ref().map(|outcome| outcome.code.as_str()).unwrap())
        .collect();
    assert_eq!(codes, ["202", "429", "429"]);
    assert!(kept.iter().all(|record| !record.detail.contains("bobs")));
}
