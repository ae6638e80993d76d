//! Wallet addresses and payments within a node, over the real binary.

use std::thread;

use serde_json::{Value, json};

use crate::support::{Node, jirani, socket::Socket, wait_for};

const PAYMENTS: usize = 40;
const AMOUNT: u64 = 7;

impl Node {
    /// Runs a mutation that must succeed.
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

    /// Creates a payment from one wallet address to another, which waits for its funds.
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

/// The node is killed in the middle of payments, each of which must be made once.
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
            // Some of these requests get no answer, since the node is killed.
            scope.spawn(move || some.iter().for_each(|id| drop(fund(node, id))));
        }
        let some_are_made = || (node.of_wallet(&bob) >= 5 * AMOUNT).then_some(());
        wait_for("some payments", some_are_made);
        node.signal("KILL");
    });
    let node = node.kill().start();
    // A client without an answer repeats its request.
    payments.iter().for_each(|id| drop(fund(&node, id)));
    for id in &payments {
        wait_for("a completed payment", || (node.state(id) == "COMPLETED").then_some(()));
    }
    let total = PAYMENTS as u64 * AMOUNT;
    assert_eq!(node.of_wallet(&bob), total);
    assert_eq!(node.of_asset(&eur), 1_000 - total);
    assert_eq!(node.of_asset(&usd), PAYMENTS as u64 * 10, "7 EUR cents are worth 10 US cents");
    // The sums by asset count the accounts of wallet addresses and payments.
    let dir = node.stop();
    let mut verify = jirani();
    let verified =
        verify.args(["ledger", "verify", "--data-dir"]).arg(dir.data()).output().unwrap();
    let said = String::from_utf8_lossy(&verified.stdout);
    assert!(verified.status.success() && said.contains("the books add up"), "{verified:?}");
    assert!(!said.contains("not checked"), "{said}");
    let log = dir.log();
    assert!(!log.contains("whose account") && !log.contains("could not be checked"), "{log}");
}

#[test]
fn a_payment_is_followed_over_a_websocket() {
    let node = Node::start();
    let mut socket = Socket::open(&node);
    let query = "subscription { outgoingPaymentProgress(id: 1) { state } }";
    socket.subscribe(query, json!({}));
    let told = socket.next().unwrap();
    assert_eq!(told["errors"][0]["message"], "payment does not exist", "{told}");
    assert_eq!(socket.next(), None);
}
