//! Two nodes that become peers by asking, and packets between them.

use std::net::SocketAddr;

use serde_json::{Value, json};

use crate::support::{Node, http::Connection, packets::prepare, stub::Stub};

/// A node that others may ask, with an asset, a peer `alice` that sends and a peer `bob` that is
/// paid, both below the node's own address.
struct Side {
    node: Node,
    asset: String,
    address: &'static str,
    _bob: Stub,
}

impl Side {
    fn start(address: &'static str, approval: &str) -> Self {
        let node = Node::start_with(&[
            ("JIRANI_ILP_ADDRESS", address),
            ("JIRANI_NAME", address),
            ("JIRANI_AUTO_PEERING", "true"),
            ("JIRANI_AUTO_PEERING_LISTEN", "127.0.0.1:0"),
            ("JIRANI_AUTO_PEERING_APPROVAL", approval),
            ("JIRANI_AUTO_PEERING_LIQUIDITY", "1000000"),
            ("JIRANI_AUTO_PEERING_PRIVATE_ENDPOINTS", "true"),
        ]);
        let asset = node.create_asset("USD", 2);
        let bob = Stub::fulfilling();
        node.create_peer(&asset, &format!("{address}.alice"), "http://127.0.0.1:1", json!({}));
        node.create_peer(&asset, &format!("{address}.bob"), &bob.endpoint(), json!({}));
        Self { node, asset, address, _bob: bob }
    }

    fn auto_peering(&self) -> SocketAddr {
        let file = std::fs::read_to_string(self.node.dir.data().join("node.json")).unwrap();
        let file: Value = serde_json::from_str(&file).unwrap();
        file["auto_peering"]["listen"].as_str().unwrap().parse().unwrap()
    }

    /// Asks the other side to become a peer, as an operator does.
    fn ask(&self, other: &Side) -> Value {
        self.ask_at(&format!("http://{}", other.auto_peering()))
    }

    fn ask_at(&self, url: &str) -> Value {
        let input = json!({
            "assetId": self.asset, "peerUrl": url,
            "liquidityToDeposit": "1000000",
        });
        let mutation = "mutation($input: CreateOrUpdatePeerByUrlInput!) {
            createOrUpdatePeerByUrl(input: $input) {
                code message peer { id name staticIlpAddress } } }";
        let answer = self.node.query(mutation, json!({ "input": input }));
        answer["createOrUpdatePeerByUrl"].clone()
    }

    fn peer_towards(&self, address: &str) -> String {
        let query = "query($address: String!, $asset: String!) {
            peerByAddressAndAsset(staticIlpAddress: $address, assetId: $asset) { id } }";
        let found = self.node.query(query, json!({ "address": address, "asset": self.asset }));
        found["peerByAddressAndAsset"]["id"].as_str().unwrap().to_owned()
    }

    /// A packet of `amount` from this side's alice to the other side's bob.
    fn pay(&self, other: &Side, amount: u64) {
        let mut alice = self.node.sender(&format!("{}.alice", self.address));
        alice.fulfilled(&prepare(&format!("{}.bob", other.address), amount));
    }
}

#[test]
fn two_nodes_peer_by_url_and_pay_each_way() {
    let (one, two) = (Side::start("test.one", "auto"), Side::start("test.two", "auto"));
    let made = two.ask(&one);
    assert_eq!(made["code"], "200", "{made}");
    assert_eq!(made["peer"]["name"], "test.one");
    one.pay(&two, 5_000);
    two.pay(&one, 3_000);
    let (of_one, of_two) = (one.peer_towards("test.two"), two.peer_towards("test.one"));
    assert_eq!(one.node.liquidity(&of_one), 1_000_000 + 5_000 - 3_000);
    assert_eq!(two.node.liquidity(&of_two), 1_000_000 - 5_000 + 3_000);

    // Asked again, both change their tokens and stay one peer each, with what they had.
    let again = two.ask(&one);
    assert_eq!((&again["code"], &again["peer"]["id"]), (&json!("200"), &json!(of_two)), "{again}");
    one.pay(&two, 10);
    two.pay(&one, 10);
    assert_eq!(one.node.liquidity(&of_one), 1_002_000);
    // A slash at the end, or a scheme in capitals, makes no other URL.
    let at = one.auto_peering();
    for url in [format!("http://{at}/"), format!("HTTP://{at}")] {
        let again = two.ask_at(&url);
        assert_eq!(
            (&again["code"], &again["peer"]["id"]),
            (&json!("200"), &json!(of_two)),
            "{again}"
        );
        two.pay(&one, 10);
    }

    // The other way round one is asked at a URL where it found no peer before.
    let refused = one.ask(&two);
    assert_eq!(refused["code"], "400", "{refused}");
    one.pay(&two, 10);
}

#[test]
fn a_node_whose_operator_approves_forwards_nothing_before() {
    let (one, two) = (Side::start("test.one", "require"), Side::start("test.two", "auto"));
    assert_eq!(two.ask(&one)["code"], "200");
    let mut alice = two.node.sender("test.two.alice");
    let refused = alice.rejected(&prepare("test.one.bob", 100));
    assert_eq!(refused.code().to_string(), "T01", "{}", refused.message_lossy());

    let waiting = one.node.query(
        "{ peeringRequests { edges { node { id name staticIlpAddress endpoint origin } } } }",
        json!({}),
    );
    let request = &waiting["peeringRequests"]["edges"][0]["node"];
    assert_eq!(request["staticIlpAddress"], "test.two");
    let approve = "mutation($input: ApprovePeeringRequestInput!) {
        approvePeeringRequest(input: $input) { code message peer { id liquidity } } }";
    let input = json!({ "id": request["id"], "initialLiquidity": 500 });
    let approved = one.node.query(approve, json!({ "input": input }));
    assert_eq!(approved["approvePeeringRequest"]["peer"]["liquidity"], "500", "{approved}");
    alice.fulfilled(&prepare("test.one.bob", 500));
    let refused = alice.rejected(&prepare("test.one.bob", 1));
    assert_eq!(refused.code().to_string(), "T04", "what was granted is finite");
}

#[test]
fn the_port_is_closed_unless_it_is_opened() {
    let node = Node::start();
    let file = std::fs::read_to_string(node.dir.data().join("node.json")).unwrap();
    assert!(!file.contains("auto_peering"), "{file}");
    assert!(Connection::open("127.0.0.1:3005".parse().unwrap()).is_err());
}
