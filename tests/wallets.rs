//! Wallet addresses and payments within a node, over the real binary.

use std::{
    io::{Read, Write},
    net::TcpStream,
    thread,
};

use serde_json::{Value, json};

use crate::support::{Node, PATIENCE, wait_for};

const PAYMENTS: usize = 40;
const AMOUNT: u64 = 7;

impl Node {
    /// A mutation that succeeds.
    fn done(&self, name: &str, input: Value, selection: &str) -> Value {
        let type_name = format!("{}{}Input", name[..1].to_uppercase(), &name[1..]);
        let query = format!(
            "mutation($input: {type_name}!) {{ {name}(input: $input) {{ code message {selection} }} }}"
        );
        let done = self.query(&query, json!({ "input": input }))[name].clone();
        assert_eq!(done["code"], "200", "{name}: {done}");
        done
    }

    fn wallet(&self, asset: &str, name: &str) -> String {
        let input = json!({"assetId": asset, "address": format!("https://wallet.example/{name}")});
        let done = self.done("createWalletAddress", input, "walletAddress { id }");
        done["walletAddress"]["id"].as_str().unwrap().to_owned()
    }

    /// A payment from one wallet address to another, waiting for its money.
    fn payment(&self, from: &str, to: &str) -> String {
        let receive = json!({"value": AMOUNT, "assetCode": "EUR", "assetScale": 2});
        let input = json!({"walletAddressId": from, "receiver": to, "receiveAmount": receive});
        let quote = self.done("createQuote", input, "quote { id }");
        let input = json!({"walletAddressId": from, "quoteId": quote["quote"]["id"]});
        let done = self.done("createOutgoingPayment", input, "payment { id }");
        done["payment"]["id"].as_str().unwrap().to_owned()
    }

    fn state(&self, id: &str) -> String {
        let query = "query($id: String!) { outgoingPayment(id: $id) { state error } }";
        let payment = self.query(query, json!({ "id": id }))["outgoingPayment"].clone();
        assert!(payment["error"].is_null(), "{payment}");
        payment["state"].as_str().unwrap().to_owned()
    }

    fn of_wallet(&self, id: &str) -> u64 {
        let query = "query($id: String!) { walletAddress(id: $id) { liquidity } }";
        let found = self.query(query, json!({ "id": id }));
        found["walletAddress"]["liquidity"].as_str().unwrap().parse().unwrap()
    }

    fn of_asset(&self, id: &str) -> u64 {
        let query = "query($id: String!) { asset(id: $id) { liquidity } }";
        let found = self.query(query, json!({ "id": id }));
        found["asset"]["liquidity"].as_str().unwrap().parse().unwrap()
    }
}

/// Wherever in the middle the node is killed, each payment is made once.
#[test]
fn payments_within_a_node_that_is_killed_are_made_once_each() {
    let node = Node::start();
    let (usd, eur) = (node.create_asset("USD", 2), node.create_asset("EUR", 2));
    node.done("setRate", json!({"base": "USD", "quote": "EUR", "rate": "0.7"}), "success");
    let stock = json!({"assetId": eur, "amount": 1_000, "id": "0f9926a0-3b5c-4def-8123-456789abcdef",
        "idempotencyKey": "stock"});
    node.done("depositAssetLiquidity", stock, "success");
    let (alice, bob) = (node.wallet(&usd, "alice"), node.wallet(&eur, "bob"));
    let payments: Vec<_> =
        (0..PAYMENTS).map(|_| node.payment(&alice, "$wallet.example/bob")).collect();
    let fund = |node: &Node, id: &str| {
        let input = json!({"outgoingPaymentId": id, "idempotencyKey": id});
        let query = "mutation($input: DepositOutgoingPaymentLiquidityInput!) {
            depositOutgoingPaymentLiquidity(input: $input) { code message } }";
        let body = json!({"query": query, "variables": {"input": input}}).to_string();
        let mut connection = crate::support::http::Connection::open(node.admin).ok()?;
        let headers = [("content-type", "application/json")];
        connection.request("POST", "/graphql", &headers, body.as_bytes()).ok()
    };
    thread::scope(|scope| {
        for some in payments.chunks(PAYMENTS / 4) {
            let node = &node;
            // Some of these get no answer, since the node is killed under them.
            scope.spawn(move || some.iter().for_each(|id| drop(fund(node, id))));
        }
        let some_are_made = || (node.of_wallet(&bob) >= 5 * AMOUNT).then_some(());
        wait_for("some payments", some_are_made);
        node.signal("KILL");
    });
    let node = node.kill().start();
    // What the client does that heard no answer: the same again.
    payments.iter().for_each(|id| drop(fund(&node, id)));
    for id in &payments {
        wait_for("a completed payment", || (node.state(id) == "COMPLETED").then_some(()));
    }
    let total = PAYMENTS as u64 * AMOUNT;
    assert_eq!(node.of_wallet(&bob), total);
    assert_eq!(node.of_asset(&eur), 1_000 - total);
    assert_eq!(node.of_asset(&usd), PAYMENTS as u64 * 10, "7 EUR cents are worth 10 US cents");
}

/// Frames of a WebSocket, as short as they may be: a text of less than 126 bytes in one frame.
fn frame(text: &str) -> Vec<u8> {
    let length = u8::try_from(text.len()).ok().filter(|length| *length < 126).unwrap();
    // The mask is zero, so the text is masked with nothing.
    [&[0x81, 0x80 | length, 0, 0, 0, 0], text.as_bytes()].concat()
}

#[test]
fn a_payment_is_followed_over_a_websocket() {
    let node = Node::start();
    let mut stream = TcpStream::connect(node.admin).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let head = format!(
        "GET /graphql HTTP/1.1\r\nHost: {}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
         Sec-WebSocket-Protocol: graphql-transport-ws\r\n\r\n",
        node.admin
    );
    stream.write_all(head.as_bytes()).unwrap();
    let mut until = |end: &str| {
        let mut read = Vec::new();
        while !String::from_utf8_lossy(&read).contains(end) {
            let mut some = [0; 1024];
            let length = stream.read(&mut some).unwrap();
            assert!(length > 0, "{}", String::from_utf8_lossy(&read));
            read.extend_from_slice(&some[..length]);
        }
        String::from_utf8_lossy(&read).into_owned()
    };
    let answer = until("\r\n\r\n");
    assert!(answer.starts_with("HTTP/1.1 101 "), "{answer}");
    drop(until);
    stream.write_all(&frame(r#"{"type":"connection_init"}"#)).unwrap();
    let query = "subscription{outgoingPaymentProgress(id:1){state}}";
    let ask = format!(r#"{{"type":"subscribe","id":"a","payload":{{"query":"{query}"}}}}"#);
    let mut read = String::new();
    let mut sent = false;
    while !read.contains("complete") {
        let mut some = [0; 1024];
        let length = stream.read(&mut some).unwrap();
        assert!(length > 0, "{read}");
        read.push_str(&String::from_utf8_lossy(&some[..length]));
        if read.contains("connection_ack") && !sent {
            sent = true;
            stream.write_all(&frame(&ask)).unwrap();
        }
    }
    assert!(read.contains("payment does not exist"), "{read}");
}
