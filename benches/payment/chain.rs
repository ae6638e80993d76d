//! The three nodes of the benchmark, and the payments over them.

use std::{
    net::SocketAddr,
    thread,
    time::{Duration, Instant},
};

use data_encoding::BASE64;
use serde_json::{Value, json};

use crate::{
    processes::Process,
    tests::support::{Node, jirani, script::Script, wallets::Amount},
};

pub(crate) const MAX_PACKET_AMOUNT: u64 = 1_000;
/// The peer of the first node that sends packets of other payers. Its address is its token.
pub(crate) const SENDER: &str = "test.sender";
pub(crate) const SINK_ACCOUNT: &str = "test.sink.somebody";
/// Enough liquidity for all payments of a run.
const LIQUIDITY: u64 = 1_000_000_000_000;
/// The interval of polls: short enough to notice the end, and long enough to be no load.
const POLL: Duration = Duration::from_millis(20);
const PATIENCE: Duration = Duration::from_secs(300);

/// Alice's node, a connector and Bob's node, which has a sink as its peer.
pub(crate) struct Chain {
    alice: Node,
    connector: Node,
    bob: Node,
    /// The ids and URLs of the wallet addresses of Alice and Bob.
    from: String,
    to: (String, String),
    _sink: Process,
}

impl Chain {
    pub(crate) fn start() -> Self {
        let node = |address| {
            Node::start_with(&[
                ("JIRANI_ILP_ADDRESS", address),
                ("JIRANI_LOG", "warn"),
                // A payment has 100,000 packets, all from one peer.
                ("JIRANI_PEER_PACKETS_PER_MINUTE_MAX", "unlimited"),
            ])
        };
        let [alice, connector, bob] = ["test.alice", "test.connector", "test.bob"].map(node);
        let sink = Process::role(&["sink", "both"]);
        let [dollars, usd, bobs] =
            [&alice, &connector, &bob].map(|node| node.create_asset("USD", 2));
        // Each node shows the other its own address as the token, so that a link is two lines.
        let link =
            |node: &Node, asset: &str, own: &str, address: &str, to: SocketAddr, route: &str| {
                let routes = if route.is_empty() { json!([]) } else { json!([route]) };
                let more = json!({
                    "maxPacketAmount": MAX_PACKET_AMOUNT.to_string(),
                    "initialLiquidity": LIQUIDITY.to_string(),
                    "routes": routes,
                    "http": {
                        "incoming": { "authTokens": [address] },
                        "outgoing": { "endpoint": to.to_string(), "authToken": own },
                    },
                });
                node.create_peer(asset, address, "", more);
            };
        link(&alice, &dollars, "test.alice", "test.connector", connector.ilp, "test");
        link(&alice, &dollars, "test.alice", SENDER, sink.address, "");
        link(&connector, &usd, "test.connector", "test.alice", alice.ilp, "");
        link(&connector, &usd, "test.connector", "test.bob", bob.ilp, "test.sink");
        link(&bob, &bobs, "test.bob", "test.connector", connector.ilp, "");
        link(&bob, &bobs, "test.bob", "test.sink", sink.address, "");
        let (from, _) = alice.create_wallet(&dollars, "alice");
        let to = bob.create_wallet(&bobs, "bob");
        Self { alice, connector, bob, from, to, _sink: sink }
    }

    /// Returns the address at which packets of [`SENDER`] enter.
    pub(crate) fn entrance(&self) -> SocketAddr {
        self.alice.ilp
    }

    /// Pays an amount from Alice's wallet address to Bob's.
    pub(crate) fn pay(&self, amount: u64) {
        let quote = self.alice.quote(&self.from, &self.to.1, Amount::Send(amount));
        let id = self.alice.pay_quote(&self.from, &quote.expect("a quote"));
        let deadline = Instant::now() + PATIENCE;
        let payment = loop {
            let payment = self.alice.outgoing_payment(&id);
            if payment["state"] != "SENDING" {
                break payment;
            }
            assert!(Instant::now() < deadline, "the payment doesn't end: {payment}");
            thread::sleep(POLL);
        };
        assert_eq!(payment["state"], "COMPLETED", "{payment}");
        assert_eq!(payment["sentAmount"]["value"], amount.to_string(), "{payment}");
    }

    /// Pays Bob by `@interledger/pay`, and returns the time that its packets of money took; its
    /// probes, and the start of Node.js, are not counted.
    pub(crate) fn is_paid_by_others(&self, amount: u64) -> Duration {
        let told = self.bob.spsp(&self.to.1);
        let secret = BASE64.decode(told["shared_secret"].as_str().expect("a secret").as_bytes());
        let hex = secret.expect("base64").into_iter().map(|byte| format!("{byte:02x}"));
        let outcome = Script::start("pay.js").ask(&json!({
            "url": format!("http://{}", self.alice.ilp),
            "token": SENDER,
            "asset": { "code": "USD", "scale": 2 },
            "destinationAddress": told["destination_account"],
            "sharedSecret": hex.collect::<String>(),
            "amountToSend": amount.to_string(),
        }));
        assert_eq!(outcome["error"], Value::Null, "{outcome}");
        assert_eq!(outcome["amountDelivered"], amount.to_string(), "{outcome}");
        Duration::from_millis(outcome["paidInMs"].as_u64().expect("milliseconds"))
    }

    /// Stops the nodes and reads Bob's books, transfer by transfer: they must have the payments one
    /// after the other, each in packets of exactly the maximum.
    pub(crate) fn check_books(self, payments: &[u64]) {
        let packets: u64 = payments.iter().sum();
        assert_eq!(self.bob.wallet_liquidity(&self.to.0), packets * MAX_PACKET_AMOUNT);
        let dir = self.bob.stop();
        for stopped in [&dir, &self.alice.stop(), &self.connector.stop()] {
            let verified =
                jirani().args(["ledger", "verify", "--data-dir"]).arg(stopped.data()).output();
            let verified = verified.expect("the command runs");
            assert!(verified.status.success(), "{}", String::from_utf8_lossy(&verified.stderr));
        }
        let mut command = jirani();
        command.args(["ledger", "export", "--format", "csv", "--account", &self.to.0]);
        let exported =
            command.arg("--data-dir").arg(dir.data()).output().expect("the command runs");
        assert!(exported.status.success(), "{}", String::from_utf8_lossy(&exported.stderr));
        let text = String::from_utf8(exported.stdout).expect("CSV");
        let mut lines = text.lines();
        let names = lines.next().expect("names of the columns").split(',');
        let column = names.into_iter().position(|name| name == "amount").expect("amounts");
        let amounts: Vec<u64> = lines
            .map(|line| line.split(',').nth(column).expect("an amount").parse().expect("a number"))
            .collect();
        let largest = amounts.iter().max().expect("packets");
        assert!(*largest <= MAX_PACKET_AMOUNT, "a packet of {largest}");
        assert_eq!(amounts.len() as u64, packets, "no more packets than it takes");
        let total: u64 = amounts.iter().sum();
        assert_eq!(total, packets * MAX_PACKET_AMOUNT);
        println!("the receiver's books: {packets} packets, the largest {largest}, in all {total}");
    }
}
