//! Fields of the admin API that the command line sets, read back through it.

use std::process::Output;

use serde_json::{Value, json};

use crate::support::{Node, jirani};

fn run_on(node: &Node, arguments: &[&str]) -> Output {
    let url = format!("http://{}", node.admin);
    jirani().args(arguments).env("JIRANI_ADMIN_URL", url).output().unwrap()
}

fn text(output: &Output) -> String {
    format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    )
}

fn ok(node: &Node, arguments: &[&str]) -> Value {
    let output = run_on(node, &[arguments, &["--json"]].concat());
    assert!(output.status.success(), "{arguments:?}: {}", text(&output));
    serde_json::from_slice(&output.stdout).unwrap()
}

fn with_asset() -> Node {
    let node = Node::start();
    ok(&node, &["asset", "add", "USD", "2", "--liquidity-threshold", "5"]);
    node
}

const LIMITS: &[(&str, &str, &str, Option<&str>)] = &[
    ("--liquidity-threshold", "liquidityThreshold", "5", Some("500")),
    ("--packets-per-minute-max", "packetsPerMinuteMax", "600", Some("600")),
    ("--amount-per-second-max", "amountPerSecondMax", "1.50", Some("150")),
    ("--packets-in-flight-max", "packetsInFlightMax", "7", Some("7")),
    ("--amount-in-flight-max", "amountInFlightMax", "20", Some("2000")),
];

#[test]
fn a_peer_is_added_with_every_limit_and_each_is_cleared() {
    let node = with_asset();
    let mut add = vec!["peer", "add", "--asset", "USD", "--address", "test.bob"];
    add.extend(["--endpoint", "127.0.0.1:1", "--outgoing-token", "t", "--default-route"]);
    add.extend(["--asset-share-in-flight-percent-max", "30"]);
    LIMITS.iter().for_each(|(option, _, value, _)| add.extend([*option, *value]));
    ok(&node, &add);
    let shown = ok(&node, &["peer", "show", "test.bob"]);
    for (_, field, _, expected) in LIMITS {
        assert_eq!(shown[field], json!(expected), "{field}");
    }
    assert_eq!(shown["assetShareInFlightPercentMax"], 30);
    assert_eq!(shown["isDefaultRoute"], true);

    let version = shown["version"].as_str().unwrap();
    let mut update = vec!["peer", "update", "test.bob", "--default-route=false"];
    update.extend(["--asset-share-in-flight-percent-max", "none", "--if-version", version]);
    LIMITS.iter().for_each(|(option, ..)| update.extend([*option, "none"]));
    let changed = ok(&node, &update);
    for (_, field, ..) in LIMITS {
        assert_eq!(changed[field], Value::Null, "{field}");
    }
    assert_eq!(changed["isDefaultRoute"], false);
    // That update has changed the version.
    let again = run_on(&node, &update);
    assert_eq!(again.status.code(), Some(1), "{}", text(&again));
    let wrong = run_on(&node, &["peer", "update", "test.bob", "--packets-in-flight-max", "many"]);
    assert!(text(&wrong).contains("`many` is not a whole number"), "{}", text(&wrong));
}

#[test]
fn tokens_are_added_beside_each_other_and_revoked() {
    let node = with_asset();
    let add = ["peer", "add", "--asset", "USD", "--address", "test.bob"];
    ok(&node, &[&add[..], &["--endpoint", "127.0.0.1:1", "--outgoing-token", "t"]].concat());
    let added = ok(&node, &["peer", "token", "add", "test.bob"]);
    assert!(added["authToken"].as_str().is_some_and(|token| token.len() >= 16), "{added}");
    assert_eq!(ok(&node, &["peer", "show", "test.bob"])["incomingTokenCount"], 2);
    let id = added["incomingToken"]["id"].as_str().unwrap();
    let left = ok(&node, &["peer", "token", "revoke", "test.bob", "--id", id]);
    assert_eq!(left["incomingTokenCount"], 1);
    let unnamed = run_on(&node, &["peer", "token", "revoke", "test.bob"]);
    assert_eq!(unnamed.status.code(), Some(2), "{}", text(&unnamed));
}

#[test]
fn a_wallet_address_and_an_asset_are_changed() {
    let node = with_asset();
    assert_eq!(ok(&node, &["asset", "list"])[0]["liquidityThreshold"], "500");
    let address = "http://127.0.0.1:3003/alice";
    let add = ["wallet", "add", address, "--asset", "USD", "--property", "customer=1207"];
    ok(&node, &[&add[..], &["--public-property", "country=MX"]].concat());
    let query = "query($url: String!) {
        walletAddressByUrl(url: $url) {
            additionalProperties { key value visibleInOpenPayments }
        }
    }";
    let noted = node.query(query, json!({ "url": address }));
    let properties = &noted["walletAddressByUrl"]["additionalProperties"];
    let property = |key, value, visible| json!({ "key": key, "value": value, "visibleInOpenPayments": visible });
    let expected = [property("customer", "1207", false), property("country", "MX", true)];
    assert_eq!(*properties, json!(expected));

    let changed =
        ok(&node, &["wallet", "update", address, "--name", "Alice", "--status", "inactive"]);
    assert_eq!((&changed["publicName"], &changed["status"]), (&json!("Alice"), &json!("INACTIVE")));
    let cleared = ok(&node, &["wallet", "update", address, "--name", "none"]);
    assert_eq!(cleared["publicName"], Value::Null);
    let nothing = run_on(&node, &["wallet", "update", address]);
    assert_eq!(nothing.status.code(), Some(2), "{}", text(&nothing));
}

#[test]
fn a_node_is_asked_to_become_a_peer() {
    let node = with_asset();
    let refused = run_on(
        &node,
        &["peering", "ask", "http://127.0.0.1:1", "--asset", "USD", "--liquidity", "5"],
    );
    assert_eq!(refused.status.code(), Some(1));
    assert!(text(&refused).contains("does not support auto-peering"), "{}", text(&refused));
}
