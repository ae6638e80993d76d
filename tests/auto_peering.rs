//! Two nodes that become peers by a peering request, and packets between them.

use std::net::SocketAddr;

use serde_json::{Value, json};

use crate::support::{Node, http::Connection, packets::prepare, stub::Stub};

/// A node that takes peering requests, with an asset, a peer `alice` that sends and a peer `bob`
/// that is paid, both below the node's own address.
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
        self.ask_in(&self.asset, other)
    }

    fn ask_in(&self, asset: &str, other: &Side) -> Value {
        self.ask_for(asset, &format!("http://{}", other.auto_peering()))
    }

    fn ask_at(&self, url: &str) -> Value {
        self.ask_for(&self.asset, url)
    }

    fn ask_for(&self, asset: &str, url: &str) -> Value {
        let input = json!({
            "assetId": asset, "peerUrl": url,
            "liquidityToDeposit": "1000000",
        });
        let mutation = "mutation($input: CreateOrUpdatePeerByUrlInput!) {
            createOrUpdatePeerByUrl(input: $input) {
                code message peer { id name staticIlpAddress } } }";
        let answer = self.node.query(mutation, json!({ "input": input }));
        answer["createOrUpdatePeerByUrl"].clone()
    }

    /// Asks this side to become a peer, as an unknown node does.
    fn asked_by_a_stranger(&self, address: &str, code: &str) -> (u16, Value) {
        let offer = json!({
            "staticIlpAddress": address, "ilpConnectorUrl": "http://127.0.0.1:9",
            "asset": { "code": code, "scale": 2 }, "httpToken": format!("{address}-{code}"),
        });
        let mut port = Connection::open(self.auto_peering()).unwrap();
        let json = [("content-type", "application/json")];
        let answer = port.request("POST", "/", &json, offer.to_string().as_bytes()).unwrap();
        (answer.status, serde_json::from_slice(&answer.body).unwrap())
    }

    fn peer_towards(&self, address: &str) -> String {
        let query = "query($address: String!, $asset: String!) {
            peerByAddressAndAsset(staticIlpAddress: $address, assetId: $asset) { id } }";
        let found = self.node.query(query, json!({ "address": address, "asset": self.asset }));
        found["peerByAddressAndAsset"]["id"].as_str().unwrap().to_owned()
    }

    /// Sends a packet of `amount` from this side's alice to the other side's bob.
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

    // A repeated request renews the tokens of both nodes, which stay one peer each with their
    // balances.
    let again = two.ask(&one);
    assert_eq!((&again["code"], &again["peer"]["id"]), (&json!("200"), &json!(of_two)), "{again}");
    one.pay(&two, 10);
    two.pay(&one, 10);
    assert_eq!(one.node.liquidity(&of_one), 1_002_000);
    // A slash at the end, or a scheme in capitals, doesn't make another URL.
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

    // In the other direction, `one` is asked at a URL at which it found no peer before.
    let refused = one.ask(&two);
    assert_eq!(refused["code"], "400", "{refused}");
    one.pay(&two, 10);
}

#[test]
fn two_nodes_peer_by_url_in_a_second_asset_and_each_packet_stays_in_its_own() {
    let (one, two) = (Side::start("test.one", "auto"), Side::start("test.two", "auto"));
    let euros = [&one, &two].map(|side| {
        let euros = side.node.create_asset("EUR", 2);
        let more = json!({ "http": {
            "incoming": { "authTokens": ["alice-in-euros"] },
            "outgoing": { "endpoint": "http://127.0.0.1:1", "authToken": "x" },
        } });
        side.node.create_peer(&euros, &format!("{}.alice", side.address), "", more);
        let bob = Stub::fulfilling();
        side.node.create_peer(&euros, &format!("{}.eu", side.address), &bob.endpoint(), json!({}));
        (euros, bob)
    });
    let first = two.ask(&one);
    assert_eq!(first["code"], "200", "{first}");
    let second = two.ask_in(&euros[1].0, &one);
    assert_eq!(second["code"], "200", "{second}");
    assert_ne!(second["peer"]["id"], first["peer"]["id"]);
    // Packets pass both ways and in both assets without any rate.
    for number in 0..20 {
        one.pay(&two, 100 + number);
        two.pay(&one, 100 + number);
        for (from, to) in [(&one, &two), (&two, &one)] {
            let mut alice = from.node.sender("alice-in-euros");
            alice.fulfilled(&prepare(&format!("{}.eu.w{number}", to.address), 10));
        }
    }
    // Each request is repeated, and renews the peering in its asset.
    assert_eq!(two.ask(&one)["peer"]["id"], first["peer"]["id"]);
    assert_eq!(two.ask_in(&euros[1].0, &one)["peer"]["id"], second["peer"]["id"]);
    one.pay(&two, 10);
}

#[test]
fn a_neighbour_that_is_a_peer_by_hand_becomes_one_in_a_second_asset_with_the_operators_word() {
    let (one, two) = (Side::start("test.one", "auto"), Side::start("test.two", "auto"));
    for (side, other) in [(&one, &two), (&two, &one)] {
        let more = json!({ "http": {
            "incoming": { "authTokens": [other.address] },
            "outgoing": {
                "endpoint": format!("http://{}", other.node.ilp), "authToken": side.address,
            },
        } });
        side.node.create_peer(&side.asset, other.address, "", more);
    }
    one.pay(&two, 100);
    let [_, euros] = [&one, &two].map(|side| side.node.create_asset("EUR", 2));
    let made = two.ask_in(&euros, &one);
    assert_eq!(made["code"], "200", "{made}");
    // The node showed no token, so its request waits for approval. The peering in dollars is not
    // affected.
    let waiting = one.node.query(
        "{ peeringRequests { edges { node { id staticIlpAddress warnings } } } }",
        json!({}),
    );
    let request = &waiting["peeringRequests"]["edges"][0]["node"];
    assert_eq!(request["staticIlpAddress"], "test.two");
    let warning = request["warnings"][0].as_str().unwrap();
    assert!(warning.contains("the peer test.two in USD has this address"), "{warning}");
    one.pay(&two, 100);
    two.pay(&one, 100);
    // In the asset that both share, the answer would change a peer that was not made at this URL.
    assert_eq!(two.ask(&one)["code"], "400");
    one.pay(&two, 100);
}

#[test]
fn a_stranger_gets_no_packets_that_another_peer_routes() {
    let one = Side::start("test.one", "auto");
    let bob = Stub::fulfilling();
    let big = json!({ "routes": ["test.big", "test.far.away"] });
    one.node.create_peer(&one.asset, "test.hub", &bob.endpoint(), big);
    one.node.create_asset("EUR", 2);
    for (address, code) in [
        ("test.big.alice", "USD"),
        ("test.big.alice", "EUR"),
        ("test.big", "USD"),
        ("test.hub.x", "USD"),
        ("test.hub", "EUR"),
        ("test.far", "USD"),
    ] {
        let (status, answer) = one.asked_by_a_stranger(address, code);
        assert_eq!(status, 409, "{address} in {code}: {answer}");
    }
    one.node.sender("test.one.alice").fulfilled(&prepare("test.big.alice.wallet", 10));
    assert_eq!(bob.requests().len(), 1);
    assert_eq!(one.asked_by_a_stranger("test.bigger", "USD").0, 200);
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
