//! Payments between two programs by others, over two nodes that both convert.
//!
//! Dollars in cents become euros and then pesos in hundredths of cents, at 1/1.2 and 1/0.07,
//! neither of which ends: 250/21 pesos for a dollar, 25,000/21 of a peso's units for a cent.
//!
//! Slippage 0 is exact in the library: each packet must deliver its share of the agreed rate or
//! more, rounded up, and only the last one has one source unit of slack. So the agreed rate is one
//! that was measured: the library takes the best that its probes delivered for their cost. Packets
//! of the largest size deliver just that, since a node rounds down once for each packet and hop,
//! and the last one uses its slack.

use serde_json::{Value, json};

use crate::support::{
    Node, jirani,
    script::{OLD_STREAM_RECEIVER, Script},
};

/// The two nodes with the receiver, from the sender's side.
struct Chain {
    nodes: [Node; 2],
    /// The ids of the sender at the first node, of each node at the other, and of the receiver at
    /// the second.
    peers: [String; 4],
    /// The asset that each node pays out from its stock.
    stocks: [String; 2],
    receiver: Script,
    credentials: Value,
}

const LIQUIDITY: u64 = 1_000_000_000_000_000;

/// Creates a peer that shows the first token and is shown the second.
fn peer(
    node: &Node,
    asset: &str,
    address: &str,
    tokens: [&str; 2],
    endpoint: &str,
    more: Value,
) -> String {
    let mut input = json!({
        "http": {
            "incoming": { "authTokens": [tokens[0]] },
            "outgoing": { "endpoint": endpoint, "authToken": tokens[1] },
        },
        "initialLiquidity": LIQUIDITY.to_string(),
    });
    for (key, value) in more.as_object().unwrap() {
        input[key] = value.clone();
    }
    node.create_peer(asset, address, "", input)
}

fn asset(code: &str, scale: u8) -> Value {
    json!({ "code": code, "scale": scale })
}

impl Chain {
    fn start(max_packet_amount: u64) -> Self {
        let [one, two] =
            ["test.one", "test.two"].map(|own| Node::start_with(&[("JIRANI_ILP_ADDRESS", own)]));
        let (dollars, euros_one) = (one.create_asset("USD", 2), one.create_asset("EUR", 4));
        let (euros_two, pesos) = (two.create_asset("EUR", 4), two.create_asset("MXN", 4));
        one.set_rate("EUR", "USD", "1.2");
        two.set_rate("MXN", "EUR", "0.07");
        one.stock(&euros_one, LIQUIDITY);
        two.stock(&pesos, LIQUIDITY);

        let mut receiver = Script::start("receiver.js");
        let credentials = receiver.ask(&json!({ "ilpAddress": "test.receiver",
            "token": "for-test.receiver", "asset": asset("MXN", 4),
            "package": OLD_STREAM_RECEIVER }));
        let limit = json!({ "maxPacketAmount": max_packet_amount.to_string() });
        let ports = [format!("http://{}", one.ilp), format!("http://{}", two.ilp)];
        let beyond = json!({ "routes": ["test.receiver"] });
        let at = format!("http://127.0.0.1:{}", credentials["port"]);
        let peers = [
            peer(&one, &dollars, "test.sender", ["sender", "x"], "http://127.0.0.1:1", limit),
            peer(&one, &euros_one, "test.two", ["two", "one"], &ports[1], beyond),
            peer(&two, &euros_two, "test.one", ["one", "two"], &ports[0], json!({})),
            peer(&two, &pesos, "test.receiver", ["r", "for-test.receiver"], &at, json!({})),
        ];
        Self { nodes: [one, two], peers, stocks: [euros_one, pesos], receiver, credentials }
    }

    /// Runs the library and returns its report.
    fn pay(&self, what: Value) -> Value {
        let mut question = json!({
            "url": format!("http://{}", self.nodes[0].ilp),
            "token": "sender",
            "asset": asset("USD", 2),
            "destinationAsset": asset("MXN", 4),
            "destinationAddress": self.credentials["destinationAddress"],
            "sharedSecret": self.credentials["sharedSecret"],
        });
        for (key, value) in what.as_object().unwrap() {
            question[key] = value.clone();
        }
        let outcome = Script::start("pay.js").ask(&question);
        println!("{what}: {outcome}");
        outcome
    }

    /// Checks that both nodes, the sender and the receiver report the same amounts, to the last
    /// unit, and returns the totals sent and received.
    fn agrees(&mut self) -> (u64, u64) {
        let [one, two] = &self.nodes;
        let [sender, two_at_one, one_at_two, receiver] = &self.peers;
        let sent = LIQUIDITY - one.liquidity(sender);
        let passed = one.liquidity(two_at_one) - LIQUIDITY;
        assert_eq!(passed, LIQUIDITY - two.liquidity(one_at_two), "both nodes' books");
        assert_eq!(passed, LIQUIDITY - one.stock_of(&self.stocks[0]));
        let delivered = two.liquidity(receiver) - LIQUIDITY;
        assert_eq!(delivered, LIQUIDITY - two.stock_of(&self.stocks[1]));
        let received = self.receiver.ask(&json!({}))["received"].clone();
        assert_eq!(received, delivered.to_string());
        assert!(u128::from(delivered) * 21 <= u128::from(sent) * 25_000, "never more than exact");
        (sent, delivered)
    }

    fn the_books_add_up(self) {
        for node in self.nodes {
            let data = node.stop();
            let verify = ["ledger", "verify", "--data-dir"];
            let verified = jirani().args(verify).arg(data.data()).output().unwrap();
            assert!(verified.status.success(), "{}", String::from_utf8_lossy(&verified.stdout));
        }
    }
}

fn number(value: &Value) -> u64 {
    value.as_str().unwrap_or_else(|| panic!("{value}")).parse().unwrap()
}

#[test]
fn fixed_send_and_fixed_delivery_at_the_probed_rate_without_slippage() {
    let mut chain = Chain::start(100_000);
    let sent = chain.pay(json!({ "amountToSend": "1234567" }));
    assert_eq!((&sent["error"], number(&sent["amountSent"])), (&Value::Null, 1_234_567));
    assert!(number(&sent["amountDelivered"]) >= number(&sent["minDeliveryAmount"]), "{sent}");
    let (in_all, delivered) = chain.agrees();
    assert_eq!((in_all, delivered), (1_234_567, number(&sent["amountDelivered"])));

    let paid = chain.pay(json!({ "amountToDeliver": "1000000007" }));
    assert_eq!(paid["error"], Value::Null);
    assert!(number(&paid["amountDelivered"]) >= 1_000_000_007, "{paid}");
    assert!(number(&paid["amountSent"]) <= number(&paid["maxSourceAmount"]), "{paid}");
    let (in_all, in_all_delivered) = chain.agrees();
    assert_eq!(in_all, 1_234_567 + number(&paid["amountSent"]));
    assert_eq!(in_all_delivered, delivered + number(&paid["amountDelivered"]));
    chain.the_books_add_up();
}

/// With packets of a size that is never rounded, nothing at all is lost, and even the market's own
/// rate is met.
#[test]
fn the_exact_rate_is_met_where_packets_come_out_even() {
    let mut chain = Chain::start(84_000);
    let prices = json!({ "USD": 1, "MXN": 0.084 });
    let sent = chain.pay(json!({ "amountToSend": "1234567", "prices": prices }));
    assert_eq!((&sent["error"], number(&sent["amountSent"])), (&Value::Null, 1_234_567));
    assert!(number(&sent["amountDelivered"]) >= number(&sent["minDeliveryAmount"]), "{sent}");
    let paid = chain.pay(json!({ "amountToDeliver": "1000000007", "prices": prices }));
    assert_eq!(paid["error"], Value::Null);
    assert!(number(&paid["amountDelivered"]) >= 1_000_000_007, "{paid}");
    chain.agrees();
    chain.the_books_add_up();
}

/// With other packets, no node that rounds down can meet the rate, and the library says so before
/// it pays.
#[test]
fn the_exact_rate_can_not_be_met_where_packets_are_rounded() {
    let mut chain = Chain::start(100_000);
    let prices = json!({ "USD": 1, "MXN": 0.084 });
    let refused = chain.pay(json!({ "amountToSend": "1234567", "prices": prices }));
    assert_eq!(refused["error"], "InsufficientExchangeRate");
    assert_eq!(chain.agrees(), (0, 0));
    // 100,000 cents are 8,333,333 and 1/3 at the first node, and those 119,047,614 and 2/7 at the
    // second, where 119,047,619 and 1/21 would be exact: 4.24 parts in a hundred million are lost.
    let pay = |slippage: f64| {
        chain.pay(json!({ "amountToSend": "1234567", "prices": prices, "slippage": slippage }))
    };
    assert_eq!(pay(4.2e-8)["error"], "InsufficientExchangeRate");
    let sent = pay(4.3e-8);
    assert_eq!((&sent["error"], number(&sent["amountSent"])), (&Value::Null, 1_234_567));
    chain.agrees();
}
