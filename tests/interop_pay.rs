//! `jirani pay`, paying receivers by others that it finds by SPSP.

use serde_json::{Value, json};

use crate::support::{
    DataDir, Node, jirani,
    script::{OLD_STREAM_RECEIVER, STREAM_RECEIVER, Script},
};

const MAX_PACKET_AMOUNT: u64 = 1_000;
const LIQUIDITY: u64 = 1_000_000_000;

/// Starts a receiver as a peer of `node` and returns it with the URL at which it is paid and the
/// peer's id. `package` is the version of stream-receiver that `receiver.js` uses.
fn receiver(script: &str, package: &str, node: &Node, asset: &str) -> (Script, String, String) {
    let mut receiver = Script::start(script);
    let started = receiver.ask(&json!({
        "ilpAddress": "test.receiver",
        "token": "for-test.receiver",
        "asset": { "code": "USD", "scale": 2 },
        "package": package,
    }));
    let endpoint = format!("http://127.0.0.1:{}", started["port"]);
    let peer = node.create_peer(asset, "test.receiver", &endpoint, limits(json!({})));
    (receiver, format!("{endpoint}/bob"), peer)
}

fn limits(more: Value) -> Value {
    let mut limits = json!({
        "maxPacketAmount": MAX_PACKET_AMOUNT.to_string(),
        "initialLiquidity": LIQUIDITY.to_string(),
    });
    for (key, value) in more.as_object().unwrap() {
        limits[key] = value.clone();
    }
    limits
}

/// Runs the command to its end and returns its output with `--json`.
fn pay(node: &Node, receiver: &str, from: &str, amount: &[&str]) -> Value {
    let mut command = jirani();
    command.env("JIRANI_ADMIN_URL", format!("http://{}", node.admin));
    command.args(["pay", receiver, "--from", from, "--yes", "--json"]).args(amount);
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
    println!("{amount:?}: {said}");
    serde_json::from_str(&said).unwrap()
}

/// Checks the command's report of a completed payment: the whole amount was sent and has arrived.
fn says(payment: &Value, amount: u64, packets: u64) {
    assert_eq!((&payment["state"], &payment["error"]), (&json!("COMPLETED"), &Value::Null));
    for name in ["sentAmount", "deliveredAmount"] {
        let said = json!({ "value": amount.to_string(), "assetCode": "USD", "assetScale": 2 });
        assert_eq!(payment[name], said, "{name}");
    }
    assert_eq!(payment["packets"], packets);
}

/// Pays two receivers of one package twice each, and compares the reports of all sides.
fn the_command_pays(script: &str, package: &str, packets_of: &str) {
    let node = Node::start();
    let asset = node.create_asset("USD", 2);
    let (_, wallet) = node.create_wallet(&asset, "alice");
    let (mut receiver, url, peer) = receiver(script, package, &node, &asset);
    // 505.00 are 50 packets and a half; 120.10 are 12 packets and one of a tenth.
    let sent = pay(&node, &url, &wallet, &["--send", "505.00"]);
    says(&sent, 50_500, 51);
    let received = receiver.ask(&json!({}));
    println!("{script}: {received}");
    assert_eq!(received["received"], "50500");
    assert_eq!(node.liquidity(&peer), LIQUIDITY + 50_500);

    let deliver = ["--deliver", "120.10", "--receiver-asset", "USD:2"];
    says(&pay(&node, &url, &wallet, &deliver), 12_010, 13);
    let received = receiver.ask(&json!({}));
    assert_eq!(received["received"], "62510");
    assert_eq!(received["largest"], MAX_PACKET_AMOUNT.to_string());
    assert_eq!(received[packets_of], 51 + 13, "{received}");
    assert_eq!(received["unauthorized"], 0);
    assert_eq!(node.liquidity(&peer), LIQUIDITY + 62_510);
    add_up(node.stop());
}

fn add_up(dir: DataDir) {
    let verified = jirani().args(["ledger", "verify", "--data-dir"]).arg(dir.data()).output();
    let verified = verified.unwrap();
    assert!(verified.status.success(), "{}", String::from_utf8_lossy(&verified.stderr));
}

#[test]
fn the_command_pays_a_stream_receiver_exactly() {
    the_command_pays("receiver.js", OLD_STREAM_RECEIVER, "fulfilled");
}

#[test]
fn the_command_pays_a_stream_receiver_of_todays_rafiki_exactly() {
    the_command_pays("receiver.js", STREAM_RECEIVER, "fulfilled");
}

#[test]
fn the_command_pays_a_server_of_ilp_protocol_stream_exactly() {
    the_command_pays("stream_server.js", "", "packets");
}

/// Makes three nodes in a row, each of which has a route `test` to the next one and takes packets
/// of 1,000 at most.
fn row_of_three() -> ([Node; 3], [String; 3]) {
    let nodes = ["test.alice", "test.connector", "test.bob"]
        .map(|address| Node::start_with(&[("JIRANI_ILP_ADDRESS", address)]));
    let assets = nodes.each_ref().map(|node| node.create_asset("USD", 2));
    let peer = |at: usize, address: &str, other: usize, routes: Value| {
        let [node, other] = [&nodes[at], &nodes[other]];
        let own = ["test.alice", "test.connector", "test.bob"][at];
        let more = limits(json!({
            "routes": routes,
            "http": {
                "incoming": { "authTokens": [format!("{address}-to-{own}")] },
                "outgoing": {
                    "endpoint": other.ilp.to_string(),
                    "authToken": format!("{own}-to-{address}"),
                },
            },
        }));
        node.create_peer(&assets[at], address, "", more);
    };
    peer(0, "test.connector", 1, json!(["test"]));
    peer(1, "test.alice", 0, json!([]));
    peer(1, "test.bob", 2, json!(["test.receiver"]));
    peer(2, "test.connector", 1, json!([]));
    (nodes, assets)
}

#[test]
fn two_thousand_packets_over_three_nodes_are_each_at_most_the_maximum() {
    const AMOUNT: u64 = 2_000_000;
    let ([alice, connector, bob], [dollars, _, bobs]) = row_of_three();
    let (_, wallet) = alice.create_wallet(&dollars, "alice");
    // The receiver is by others too, and counts the amounts of its packets.
    let (mut receiver, url, peer) = receiver("receiver.js", STREAM_RECEIVER, &bob, &bobs);
    let payment = pay(&alice, &url, &wallet, &["--send", "20000.00"]);
    let received = receiver.ask(&json!({}));
    println!("{received}");
    assert_eq!(payment["state"], "COMPLETED");
    assert_eq!(payment["deliveredAmount"]["value"], AMOUNT.to_string());
    assert_eq!(received["received"], AMOUNT.to_string());
    assert_eq!(received["largest"], MAX_PACKET_AMOUNT.to_string());
    // The payment has the fewest packets possible, so each carries exactly the maximum.
    assert_eq!(received["fulfilled"], AMOUNT / MAX_PACKET_AMOUNT);
    assert_eq!(bob.liquidity(&peer), LIQUIDITY + AMOUNT);
    for node in [alice, connector, bob] {
        add_up(node.stop());
    }
}
