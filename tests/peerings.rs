//! Several peerings with one neighbour, each in an asset of its own.

use std::collections::BTreeMap;

use interledger_packet::{ErrorCode, Reject};
use serde_json::{Value, json};

use crate::support::{
    Node,
    packets::prepare,
    stub::{Answer, Stub},
};

const NOWHERE: &str = "http://127.0.0.1:1";

/// Creates a peer that shows `token`, and is shown `for-TOKEN`.
fn peer(
    node: &Node,
    asset: &str,
    address: &str,
    token: &str,
    endpoint: &str,
    more: Value,
) -> String {
    let mut input = json!({ "http": {
        "incoming": { "authTokens": [token] },
        "outgoing": { "endpoint": endpoint, "authToken": format!("for-{token}") },
    } });
    for (name, value) in more.as_object().unwrap() {
        input[name] = value.clone();
    }
    node.create_peer(asset, address, "", input)
}

/// A node with two peerings with Bob's node, in dollars and in euros, and with Alice in dollars.
/// Bob's node fulfills everything.
struct Setup {
    node: Node,
    bob: Stub,
    dollars: String,
    euros: String,
    bob_in_dollars: String,
    bob_in_euros: String,
}

impl Setup {
    fn start(in_dollars: Value) -> Self {
        Self::with_bob(Stub::fulfilling(), in_dollars)
    }

    fn with_bob(bob: Stub, in_dollars: Value) -> Self {
        let node = Node::start();
        let (dollars, euros) = (node.create_asset("USD", 2), node.create_asset("EUR", 2));
        let at = bob.endpoint();
        peer(&node, &dollars, "test.alice", "alice", NOWHERE, json!({}));
        let bob_in_dollars = peer(&node, &dollars, "test.bob", "bob-usd", &at, in_dollars);
        let bob_in_euros = peer(&node, &euros, "test.bob", "bob-eur", &at, json!({}));
        Self { node, bob, dollars, euros, bob_in_dollars, bob_in_euros }
    }

    /// Returns the number of packets that came to Bob's node under each token.
    fn received(&self) -> BTreeMap<String, usize> {
        let mut received = BTreeMap::new();
        for request in self.bob.requests() {
            *received.entry(request.authorization).or_default() += 1;
        }
        received
    }

    fn code(&self, token: &str, destination: &str, amount: u64) -> String {
        self.node.sender(token).rejected(&prepare(destination, amount)).code().to_string()
    }
}

fn only(token: &str, count: usize) -> BTreeMap<String, usize> {
    BTreeMap::from([(format!("Bearer for-{token}"), count)])
}

#[test]
fn packets_take_the_peering_of_their_own_asset() {
    let setup = Setup::start(json!({}));
    let Setup { node, .. } = &setup;
    let mut alice = node.sender("alice");
    for number in 0..200 {
        alice.fulfilled(&prepare(&format!("test.bob.w{number}"), 10));
    }
    assert_eq!(setup.received(), only("bob-usd", 200));
    assert_eq!(node.liquidity(&setup.bob_in_dollars), 1_000_000 + 2_000);
    assert_eq!(node.liquidity(&setup.bob_in_euros), 1_000_000);
    // A rate between the two changes nothing.
    node.set_rate("USD", "EUR", "0.9");
    node.stock(&setup.euros, 1_000_000);
    for number in 0..50 {
        alice.fulfilled(&prepare(&format!("test.bob.w{number}"), 10));
    }
    assert_eq!(setup.received(), only("bob-usd", 250));
}

#[test]
fn a_peering_that_refuses_for_a_reason_of_its_own_leaves_the_packet_to_the_other_one() {
    let setup = Setup::start(json!({ "maxPacketAmount": "5" }));
    let Setup { node, euros, .. } = &setup;
    let pounds = node.create_asset("GBP", 2);
    peer(node, &pounds, "test.carol", "carol", NOWHERE, json!({}));
    node.set_rate("USD", "EUR", "0.9");
    node.set_rate("GBP", "EUR", "1.1");
    node.stock(euros, 1_000_000);
    let (mut alice, mut carol) = (node.sender("alice"), node.sender("carol"));
    // There is no rate from pounds to dollars.
    for number in 0..40 {
        carol.fulfilled(&prepare(&format!("test.bob.w{number}"), 5));
    }
    assert_eq!(setup.received(), only("bob-eur", 40));
    // There is a rate now, but no liquidity of the dollars that it would be paid in.
    node.set_rate("GBP", "USD", "1.2");
    for number in 0..40 {
        carol.fulfilled(&prepare(&format!("test.bob.w{number}"), 1));
    }
    assert_eq!(setup.received(), only("bob-eur", 80));
    // The peering in dollars takes 5 at most.
    for number in 0..40 {
        alice.fulfilled(&prepare(&format!("test.bob.w{number}"), 10));
    }
    assert_eq!(setup.received(), only("bob-eur", 120));
    assert_eq!(node.liquidity(&setup.bob_in_euros), 1_000_000 + 40 * 5 + 40 + 40 * 9);
    // If both next hops refuse, the sender gets the Reject that says how to continue.
    assert_eq!(setup.code("alice", "test.bob", 10_000_000), "F08");
}

#[test]
fn a_peering_that_is_down_leaves_its_packets_to_the_one_of_the_other_asset() {
    // Bob has two nodes here, and the one that is paid in dollars accepts no connection.
    let node = Node::start();
    let (dollars, euros) = (node.create_asset("USD", 2), node.create_asset("EUR", 2));
    let bob = Stub::fulfilling();
    node.create_peer(&dollars, "test.alice", "http://127.0.0.1:2", json!({}));
    peer(&node, &dollars, "test.bob", "bob-usd", NOWHERE, json!({}));
    peer(&node, &euros, "test.bob", "bob-eur", &bob.endpoint(), json!({}));
    node.set_rate("USD", "EUR", "0.9");
    node.stock(&euros, 1_000_000);
    let mut alice = node.sender("test.alice");
    for number in 0..20 {
        alice.fulfilled(&prepare(&format!("test.bob.w{number}"), 10));
    }
    assert_eq!(bob.requests().len(), 20);
}

#[test]
fn no_packet_goes_back_to_its_neighbour_over_another_peering() {
    let setup = Setup::start(json!({}));
    let Setup { node, bob, euros, dollars, .. } = &setup;
    node.set_rate("USD", "EUR", "0.9");
    node.stock(euros, 1_000_000);
    node.stock(dollars, 1_000_000);
    for token in ["bob-usd", "bob-eur"] {
        assert_eq!(setup.code(token, "test.bob.wallet", 10), "F02", "{token}");
        assert_eq!(setup.code(token, "test.bob", 0), "F02", "{token}");
    }
    // The same endpoint under another address is the same node, however the endpoint is written.
    let again = format!("{}/", bob.endpoint().replace("http://", ""));
    peer(node, dollars, "test.robert", "robert", &again, json!({ "routes": ["test.far"] }));
    for token in ["bob-usd", "bob-eur"] {
        for destination in ["test.robert.x", "test.far.x"] {
            assert_eq!(setup.code(token, destination, 10), "F02", "{token} {destination}");
        }
    }
    assert_eq!(setup.code("robert", "test.bob", 10), "F02");
    assert_eq!(setup.received(), BTreeMap::new());
    node.sender("alice").fulfilled(&prepare("test.far.x", 10));
    assert_eq!(setup.received(), only("robert", 1));
}

#[test]
fn the_test_of_a_connection_takes_the_peering_that_it_is_about() {
    let bob = Stub::start(|request| {
        let in_dollars = request.authorization.ends_with("usd");
        let code = if in_dollars {
            ErrorCode::F99_APPLICATION_ERROR
        } else {
            ErrorCode::T00_INTERNAL_ERROR
        };
        let reject = Reject::new(code, None, "for the test");
        Answer::Reply(reject.into_bytes().into())
    });
    let setup = Setup::with_bob(bob, json!({}));
    let ping = |more: Value| {
        let mut variables = json!({ "address": "test.bob" });
        for (name, value) in more.as_object().unwrap() {
            variables[name] = value.clone();
        }
        let query = "query($address: String!, $peer: String, $asset: String) {
            ping(address: $address, peerId: $peer, assetId: $asset) { code triggeredBy } }";
        setup.node.query(query, variables)["ping"]["code"].clone()
    };
    for _ in 0..5 {
        assert_eq!(ping(json!({ "peer": setup.bob_in_dollars })), "F99");
        assert_eq!(ping(json!({ "peer": setup.bob_in_euros })), "T00");
        assert_eq!(ping(json!({ "asset": setup.dollars })), "F99");
        assert_eq!(ping(json!({ "asset": setup.euros })), "T00");
    }
}
