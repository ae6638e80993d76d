//! Payments from wallet to wallet, over real nodes and real sockets.

use serde_json::{Value, json};

use crate::support::{
    Node,
    wallets::Amount::{self, Deliver, Send},
};

/// Alice's node, a connector and Bob's node in a row. Alice and the connector count in USD of scale
/// 2, the connector and Bob in EUR of scale 4.
struct Chain {
    alice: Node,
    connector: Node,
    bob: Node,
    /// Alice's wallet and Bob's: id, and URL.
    from: (String, String),
    to: (String, String),
    /// The peers as each side knows them: alice's connector, the connector's alice and bob, and
    /// bob's connector.
    peers: [String; 4],
}

const MAX_PACKET_AMOUNT: u64 = 1_000;
const LIQUIDITY: u64 = 1_000_000_000_000;

impl Chain {
    fn start() -> Self {
        Self::start_with(MAX_PACKET_AMOUNT)
    }

    fn start_with(max_packet_amount: u64) -> Self {
        let node = |address| Node::start_with(&[("JIRANI_ILP_ADDRESS", address)]);
        let [alice, connector, bob] = ["test.alice", "test.connector", "test.bob"].map(node);
        let (usd, eur) = (("USD", 2), ("EUR", 4));
        let asset = |node: &Node, (code, scale)| node.create_asset(code, scale);
        let (alices, bobs) = (asset(&alice, usd), asset(&bob, eur));
        let (dollars, euros) = (asset(&connector, usd), asset(&connector, eur));
        for asset in [&dollars, &euros] {
            deposit_asset(&connector, asset, LIQUIDITY);
        }
        set_rate(&connector, "0.9");
        let peers = [
            peer(&alice, &alices, "test.connector", &connector, max_packet_amount),
            peer(&connector, &dollars, "test.alice", &alice, max_packet_amount),
            // Bob's connector takes 100 times as many, smaller units.
            peer(&connector, &euros, "test.bob", &bob, max_packet_amount * 100),
            peer(&bob, &bobs, "test.connector", &connector, max_packet_amount * 100),
        ];
        let (from, to) = (alice.create_wallet(&alices, "alice"), bob.create_wallet(&bobs, "bob"));
        Self { alice, connector, bob, from, to, peers }
    }

    fn pay(&self, amount: Amount) -> Value {
        let quote = self.alice.quote(&self.from.0, &self.to.1, amount).unwrap();
        let id = self.alice.pay_quote(&self.from.0, &quote);
        self.alice.ended_payment(&id)
    }

    /// How much each peer's liquidity has changed since the beginning.
    fn moved(&self) -> [i128; 4] {
        let nodes = [&self.alice, &self.connector, &self.connector, &self.bob];
        let mut moved = [0; 4];
        for (moved, (node, peer)) in moved.iter_mut().zip(nodes.iter().zip(&self.peers)) {
            *moved = i128::from(node.liquidity(peer)) - i128::from(LIQUIDITY);
        }
        moved
    }

    /// Both sides of each link say the same, and nobody lost anything that nobody got.
    fn books_agree(&self, sent: u64, received: u64) {
        let [from_alice, by_alice, to_bob, by_connector] = self.moved();
        assert_eq!((from_alice, by_alice), (i128::from(sent), -i128::from(sent)));
        assert_eq!((to_bob, by_connector), (i128::from(received), -i128::from(received)));
        assert_eq!(self.bob.wallet_liquidity(&self.to.0), received);
    }
}

fn peer(node: &Node, asset: &str, address: &str, other: &Node, max_packet_amount: u64) -> String {
    // The token that the other side shows: the same text at both ends, one for each direction.
    let own = node.query("{ node { address } }", json!({}))["node"]["address"]
        .as_str()
        .unwrap()
        .to_owned();
    let input = json!({
        "assetId": asset,
        "staticIlpAddress": address,
        "maxPacketAmount": max_packet_amount.to_string(),
        "initialLiquidity": LIQUIDITY.to_string(),
        "routes": if own == "test.connector" { json!([]) } else { json!(["test"]) },
        "http": {
            "incoming": { "authTokens": [format!("{address}-to-{own}")] },
            "outgoing": {
                "endpoint": other.ilp.to_string(),
                "authToken": format!("{own}-to-{address}"),
            },
        },
    });
    let made = node.query(
        "mutation($input: CreatePeerInput!) { createPeer(input: $input) { peer { id } } }",
        json!({ "input": input }),
    );
    made["createPeer"]["peer"]["id"].as_str().unwrap().to_owned()
}

fn deposit_asset(node: &Node, asset: &str, amount: u64) {
    let id = uuid::Uuid::new_v4().to_string();
    let deposited = node.query(
        "mutation($input: DepositAssetLiquidityInput!) {
           depositAssetLiquidity(input: $input) { success } }",
        json!({ "input": {
            "assetId": asset, "amount": amount.to_string(), "id": id, "idempotencyKey": id } }),
    );
    assert_eq!(deposited["depositAssetLiquidity"]["success"], true);
}

fn set_rate(node: &Node, rate: &str) {
    let set = node.query(
        "mutation($input: SetRateInput!) { setRate(input: $input) { success message } }",
        json!({ "input": { "base": "USD", "quote": "EUR", "rate": rate } }),
    );
    assert_eq!(set["setRate"]["success"], true, "{set}");
}

#[test]
fn a_payment_across_assets_is_split_and_arrives_exactly() {
    let chain = Chain::start();
    let sent = chain.pay(Send(100_000));
    assert_eq!((&sent["state"], &sent["error"]), (&json!("COMPLETED"), &Value::Null), "{sent}");
    assert_eq!(sent["sentAmount"]["value"], "100000");
    // 1,000.00 USD at 0.9 in packets of 10.00 USD, none of which loses anything to rounding.
    chain.books_agree(100_000, 9_000_000);

    let delivered = chain.pay(Deliver(450_000));
    assert_eq!(delivered["state"], "COMPLETED", "{delivered}");
    // 45.0000 EUR cost 50.00 USD; what the quote allowed for slippage is left in the payment.
    let sent: u64 = delivered["sentAmount"]["value"].as_str().unwrap().parse().unwrap();
    assert_eq!(sent, 5_000);
    chain.books_agree(105_000, 9_450_000);
}
