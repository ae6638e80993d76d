//! Payments from wallet to wallet, over real nodes and real sockets.

mod rounding;

use serde_json::{Value, json};

use crate::support::{
    DataDir, Node, jirani, wait_for,
    wallets::Amount::{self, Deliver, Send},
};

/// Alice's node, a connector and Bob's node in a row. Alice and the connector peer in USD of scale
/// 2, the connector and Bob in EUR of scale 4.
struct Chain {
    alice: Node,
    connector: Node,
    bob: Node,
    /// The wallet addresses of Alice and Bob: id and URL.
    from: (String, String),
    to: (String, String),
    /// The ids of the peers: Alice's connector, the connector's Alice and Bob, and Bob's connector.
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

    /// Returns the change of each peer's liquidity since the beginning.
    fn moved(&self) -> [i128; 4] {
        let nodes = [&self.alice, &self.connector, &self.connector, &self.bob];
        let mut moved = [0; 4];
        for (moved, (node, peer)) in moved.iter_mut().zip(nodes.iter().zip(&self.peers)) {
            *moved = i128::from(node.liquidity(peer)) - i128::from(LIQUIDITY);
        }
        moved
    }

    /// Checks that both sides of each link report the same amounts, and that each amount lost was
    /// received.
    fn books_agree(&self, sent: u64, received: u64) {
        let [from_alice, by_alice, to_bob, by_connector] = self.moved();
        assert_eq!((from_alice, by_alice), (i128::from(sent), -i128::from(sent)));
        assert_eq!((to_bob, by_connector), (i128::from(received), -i128::from(received)));
        assert_eq!(self.bob.wallet_liquidity(&self.to.0), received);
    }
}

impl Chain {
    /// Checks each node's metrics of the packets that were paid for, on either side.
    fn metrics_agree(&self, sent: u64, received: u64) {
        let [connector_of_alice, alice, bob, connector_of_bob] = &self.peers;
        let (dollars, euros) = (("USD", "2"), ("EUR", "4"));
        for (node, peer, asset, direction, amount) in [
            (&self.alice, "own", dollars, "in", sent),
            (&self.alice, connector_of_alice, dollars, "out", sent),
            (&self.connector, alice, dollars, "in", sent),
            (&self.connector, bob, euros, "out", received),
            (&self.bob, connector_of_bob, euros, "in", received),
            (&self.bob, "own", euros, "out", received),
        ] {
            let labels = [
                ("peer", peer),
                ("asset", asset.0),
                ("scale", asset.1),
                ("direction", direction),
                ("outcome", "fulfilled"),
            ];
            let told = node.metrics().number("jirani_peer_amount_total", &labels);
            assert_eq!(told, amount, "{peer} {direction}");
        }
        let packets = |node: &Node, direction| {
            let labels = [("direction", direction), ("outcome", "fulfilled")];
            node.metrics().number("jirani_packets_total", &labels)
        };
        let by_alice = packets(&self.alice, "out");
        for node in [&self.alice, &self.connector, &self.bob] {
            assert_eq!((packets(node, "in"), packets(node, "out")), (by_alice, by_alice));
        }
    }
}

fn peer(node: &Node, asset: &str, address: &str, other: &Node, max_packet_amount: u64) -> String {
    // The token that the other side shows: the same text at both nodes, one for each direction.
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
    // 45.0000 EUR cost 50.00 USD; the rest of the quoted amount, allowed for slippage, stays in the
    // payment.
    let sent: u64 = delivered["sentAmount"]["value"].as_str().unwrap().parse().unwrap();
    assert_eq!(sent, 5_000);
    chain.books_agree(105_000, 9_450_000);
    chain.metrics_agree(105_000, 9_450_000);
}

/// Kills a node and starts it again on the ports at which its peers and payers reach it.
fn kill_and_restart(node: Node) -> Node {
    let (ilp, wallet) = (node.ilp.to_string(), node.wallet.to_string());
    let dir = node.kill();
    ledger_verify(&dir);
    dir.with("JIRANI_ILP_LISTEN", &ilp).with("JIRANI_WALLET_LISTEN", &wallet).start()
}

fn ledger_verify(dir: &DataDir) {
    let mut command = jirani();
    let output = command.args(["ledger", "verify", "--data-dir"]).arg(dir.data()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// Starts a payment of 20,000 packets and waits until many of them are in flight.
fn begin_payment(chain: &Chain) -> String {
    let quote = chain.alice.quote(&chain.from.0, &chain.to.1, Send(BIG)).unwrap();
    let id = chain.alice.pay_quote(&chain.from.0, &quote);
    wait_for("packets under way", || (sent_so_far(&chain.alice, &id) > BIG / 10).then_some(()));
    id
}

const BIG: u64 = 20_000 * MAX_PACKET_AMOUNT;
/// The bound on packets in flight together, and so on those in doubt at a kill.
const IN_DOUBT_MAX: i128 = 1_000 * MAX_PACKET_AMOUNT as i128;

fn sent_so_far(alice: &Node, id: &str) -> u64 {
    alice.outgoing_payment(id)["sentAmount"]["value"].as_str().unwrap().parse().unwrap()
}

/// Checks and returns the difference that a kill may leave at a link. A packet that one side has booked, whose
/// Fulfill the other has not, is in one side's books only when either is killed. So the side that
/// is paid may have booked more than the side that pays, by the packets in flight, and never less.
/// Amounts of `units` each count as much as one of Alice's.
fn in_doubt(payer: i128, payee: i128, units: i128) -> i128 {
    let in_doubt = (payee + payer) / units;
    assert!((0..=IN_DOUBT_MAX).contains(&in_doubt), "{in_doubt} of {payer} and {payee}");
    in_doubt
}

#[test]
fn a_payment_survives_the_kill_of_any_node_on_its_way() {
    for victim in ["alice", "connector", "bob"] {
        let mut chain = Chain::start();
        let id = begin_payment(&chain);
        match victim {
            "alice" => chain.alice = kill_and_restart(chain.alice),
            "connector" => chain.connector = kill_and_restart(chain.connector),
            _ => chain.bob = kill_and_restart(chain.bob),
        }
        let payment = chain.alice.ended_payment(&id);
        assert_eq!(payment["state"], "COMPLETED", "{victim}: {payment}");
        assert_eq!(payment["sentAmount"]["value"], BIG.to_string(), "{victim}");
        let [from_alice, by_alice, to_bob, by_connector] = chain.moved();
        let received = i128::from(chain.bob.wallet_liquidity(&chain.to.0));
        // The amount that left Alice's payment is what her peer's account has got, and so on at
        // each node.
        assert_eq!(from_alice, i128::from(BIG), "{victim}");
        assert_eq!(to_bob, -by_alice * 90, "{victim}: 0.9, and two more decimal places");
        assert_eq!(received, -by_connector, "{victim}");
        let first = in_doubt(-from_alice, -by_alice, 1);
        let second = in_doubt(-to_bob, -by_connector, 90);
        println!(
            "{victim} killed: {BIG} sent, {} arrived; in doubt when it was killed: {first} between \
             alice and the connector, {second} between the connector and bob",
            received / 90,
        );
        // Where neither side was killed, nothing is in doubt.
        match victim {
            "alice" => assert_eq!(second, 0),
            "bob" => assert_eq!(first, 0),
            _ => {}
        }
        for node in [chain.alice, chain.connector, chain.bob] {
            ledger_verify(&node.stop());
        }
    }
}

/// Amounts that packets in flight at a kill have delivered aren't in Alice's books, so the
/// delivered amount follows from the amount that Bob still asks for.
#[test]
fn a_delivery_that_a_kill_interrupts_delivers_what_is_still_asked_for() {
    const ASKED: u64 = 5_000 * MAX_PACKET_AMOUNT * 90;
    let mut chain = Chain::start();
    let (invoice, url) = invoice(&chain, ASKED);
    let quote = chain.alice.quote(&chain.from.0, &url, Deliver(ASKED)).unwrap();
    let id = chain.alice.pay_quote(&chain.from.0, &quote);
    let half = 2_500 * MAX_PACKET_AMOUNT;
    wait_for("half of it", || (sent_so_far(&chain.alice, &id) > half).then_some(()));
    chain.alice = kill_and_restart(chain.alice);
    let payment = chain.alice.ended_payment(&id);
    assert_eq!(payment["state"], "COMPLETED", "{payment}");
    let query =
        "query($id: String!) { incomingPayment(id: $id) { state receivedAmount { value } } }";
    let paid = || {
        let found = chain.bob.query(query, json!({ "id": invoice }))["incomingPayment"].clone();
        (found["state"] == "COMPLETED").then_some(found)
    };
    let received = wait_for("the incoming payment's end", paid)["receivedAmount"].clone();
    let received: u64 = received["value"].as_str().unwrap().parse().unwrap();
    assert!((ASKED..ASKED + 90).contains(&received), "{received} of {ASKED}");
}

#[test]
fn a_receiver_on_the_same_node_is_paid_in_the_books() {
    let node = Node::start_with(&[("JIRANI_RATES_FIXED", "USD/EUR=0.9")]);
    let (usd, eur) = (node.create_asset("USD", 2), node.create_asset("EUR", 4));
    deposit_asset(&node, &eur, LIQUIDITY);
    let (from, _) = node.create_wallet(&usd, "alice");
    let (to, url) = node.create_wallet(&eur, "bob");
    let quote = node.quote(&from, &url, Send(1_234)).unwrap();
    assert_eq!(quote["receiveAmount"]["value"], "111060");
    let payment = node.ended_payment(&node.pay_quote(&from, &quote));
    assert_eq!((&payment["state"], &payment["liquidity"]), (&json!("COMPLETED"), &json!("0")));
    assert_eq!(node.wallet_liquidity(&to), 111_060);
    let restarted = node.kill().start();
    assert_eq!(restarted.wallet_liquidity(&to), 111_060);
}

#[test]
fn an_incoming_payment_takes_what_it_asks_for_and_is_over() {
    let chain = Chain::start();
    let made = chain.bob.query(
        "mutation($input: CreateIncomingPaymentInput!) {
           createIncomingPayment(input: $input) { payment { id url state } } }",
        json!({ "input": {
            "walletAddressId": chain.to.0,
            "incomingAmount": { "value": "450000", "assetCode": "EUR", "assetScale": 4 },
        }}),
    );
    let invoice = made["createIncomingPayment"]["payment"].clone();
    let url = invoice["url"].as_str().unwrap();
    let quote = chain.alice.quote(&chain.from.0, url, Deliver(450_000)).unwrap();
    let payment = chain.alice.pay_quote(&chain.from.0, &quote);
    let payment = chain.alice.ended_payment(&payment);
    assert_eq!(payment["state"], "COMPLETED", "{payment}");
    let paid = || {
        let found = chain.bob.query(
            "query($id: String!) { incomingPayment(id: $id) {
               state receivedAmount { value } liquidity } }",
            json!({ "id": invoice["id"] }),
        );
        let found = found["incomingPayment"].clone();
        (found["state"] == "COMPLETED").then_some(found)
    };
    let paid = wait_for("the incoming payment's end", paid);
    assert_eq!(
        (&paid["receivedAmount"]["value"], &paid["liquidity"]),
        (&json!("450000"), &json!("450000"))
    );
    // The incoming payment is complete, so payers no longer get its details.
    let refused = chain.alice.quote(&chain.from.0, url, Deliver(1)).unwrap_err();
    assert!(refused["errors"][0]["message"].is_string(), "{refused}");
}

/// Creates an incoming payment at Bob's node, in hundredths of cents. Returns its id and URL.
fn invoice(chain: &Chain, value: u64) -> (String, String) {
    let made = chain.bob.query(
        "mutation($input: CreateIncomingPaymentInput!) {
           createIncomingPayment(input: $input) { payment { id url } } }",
        json!({ "input": {
            "walletAddressId": chain.to.0,
            "incomingAmount": { "value": value.to_string(), "assetCode": "EUR", "assetScale": 4 },
        }}),
    );
    let made = &made["createIncomingPayment"]["payment"];
    (made["id"].as_str().unwrap().to_owned(), made["url"].as_str().unwrap().to_owned())
}

#[test]
fn a_quote_says_why_there_is_none() {
    let chain = Chain::start();
    let bob = chain.to.1.clone();
    let nobody = bob.replace("/bob", "/nobody");
    let refused = |receiver: &str, amount| {
        let refused = chain.alice.quote(&chain.from.0, receiver, amount).unwrap_err();
        refused["errors"][0]["message"].as_str().unwrap().to_owned()
    };
    println!("{}", refused(&nobody, Send(100)));
    println!("{}", refused("http://127.0.0.1:1/bob", Send(100)));
    println!("{}", refused("not a receiver", Send(100)));
    assert!(refused(&nobody, Send(100)).contains("nobody"));
    // The connector has no rate any more, and the payment was quoted before.
    let quote = chain.alice.quote(&chain.from.0, &bob, Send(100_000)).unwrap();
    set_rate(&chain.connector, "0.8");
    let payment = chain.alice.ended_payment(&chain.alice.pay_quote(&chain.from.0, &quote));
    assert_eq!(payment["state"], "FAILED", "{payment}");
    assert_eq!(payment["sentAmount"]["value"], "0");
    assert_eq!(payment["liquidity"], "100000", "what was not sent can be withdrawn");
    assert!(payment["error"].as_str().unwrap().contains("rate"), "{payment}");
    chain.books_agree(0, 0);
}
