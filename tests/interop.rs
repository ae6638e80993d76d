//! A payment between two programs that nobody here wrote, through a running node.

use std::{
    io::{BufRead, BufReader, Write},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
};

use serde_json::{Value, json};

use crate::support::{Node, root};

/// A Node.js script that is spoken to in lines of JSON. Killed when dropped.
pub(crate) struct Script {
    process: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Script {
    pub(crate) fn start(name: &str) -> Self {
        let folder = root().join("tests/interop");
        assert!(
            folder.join("node_modules").is_dir(),
            "the npm packages are missing: npm ci --prefix tests/interop"
        );
        let mut process = Command::new("node")
            .arg(folder.join(name))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("Node.js 18 or newer is needed for the interoperability tests");
        let input = process.stdin.take().unwrap();
        let output = BufReader::new(process.stdout.take().unwrap());
        Self { process, input, output }
    }

    pub(crate) fn ask(&mut self, question: &Value) -> Value {
        writeln!(self.input, "{question}").unwrap();
        let mut line = String::new();
        self.output.read_line(&mut line).unwrap();
        serde_json::from_str(&line).unwrap()
    }
}

impl Drop for Script {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[test]
fn interledger_pay_pays_a_stream_receiver_in_packets_of_at_most_the_maximum() {
    const AMOUNT: u64 = 1_000_000;
    const MAX_PACKET_AMOUNT: u64 = 10_000;
    let node = Node::start();
    let asset = node.create_asset("USD", 2);
    let asset_details = json!({ "code": "USD", "scale": 2 });

    let mut receiver = Script::start("receiver.js");
    let credentials = receiver.ask(&json!({
        "ilpAddress": "test.receiver",
        "token": "for-test.receiver",
        "asset": asset_details,
    }));
    let endpoint = format!("http://127.0.0.1:{}", credentials["port"]);
    let receiver_id = node.create_peer(&asset, "test.receiver", &endpoint, json!({}));
    let more = json!({
        "maxPacketAmount": MAX_PACKET_AMOUNT.to_string(),
        "initialLiquidity": "5000000",
    });
    let sender_id = node.create_peer(&asset, "test.sender", "http://127.0.0.1:1", more);

    let outcome = Script::start("pay.js").ask(&json!({
        "url": format!("http://{}", node.ilp),
        "token": "test.sender",
        "asset": asset_details,
        "destinationAddress": credentials["destinationAddress"],
        "sharedSecret": credentials["sharedSecret"],
        "amountToSend": AMOUNT.to_string(),
    }));
    let received = receiver.ask(&json!({}));
    println!("sender: {outcome}\nreceiver: {received}");

    assert_eq!(outcome["error"], Value::Null);
    assert_eq!(outcome["amountSent"], AMOUNT.to_string());
    assert_eq!(outcome["amountDelivered"], AMOUNT.to_string());
    assert_eq!(outcome["maxPacketAmount"], MAX_PACKET_AMOUNT.to_string());
    assert_eq!(received["received"], AMOUNT.to_string());
    assert_eq!(received["largest"], MAX_PACKET_AMOUNT.to_string());
    assert_eq!(received["unauthorized"], 0);
    let packets = outcome["packets"]["fulfilled"].as_u64().unwrap();
    assert!(packets >= AMOUNT / MAX_PACKET_AMOUNT, "{packets} packets");
    assert_eq!(received["fulfilled"], packets, "each Fulfill reached the sender");
    assert!(outcome["packets"]["rejected"]["F08"].as_u64().unwrap() >= 1, "how it learned of it");

    assert_eq!(node.liquidity(&sender_id), 5_000_000 - AMOUNT);
    assert_eq!(node.liquidity(&receiver_id), 1_000_000 + AMOUNT);
    let restarted = node.kill().start();
    assert_eq!(restarted.liquidity(&sender_id), 5_000_000 - AMOUNT);
    assert_eq!(restarted.liquidity(&receiver_id), 1_000_000 + AMOUNT);
}
