//! Three nodes in a row, created through the API alone: a payment, each limit, and the metrics of
//! all.
//!
//! The sender and the first two nodes use USD of scale 2, and the second and third node EUR of
//! scale 4. The second node sets the limits, to the first one.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use interledger_packet::{AmountTooLarge, Reply};
use serde_json::{Value, json};

use crate::support::{
    Node,
    exposition::Exposition,
    packets::{Sender, fulfill, parse_prepare, prepare},
    stub::{Answer, Stub},
    wait_for,
    wallets::Amount::Send,
};

const NOWHERE: &str = "http://127.0.0.1:1";
const LIQUIDITY: u64 = 1_000_000_000_000;
const STOCK: u64 = 1_000_000_000;
/// EUR of scale 4 for one unit of USD of scale 2, at a rate of 0.5.
const UNITS: u64 = 50;
/// The amount of packets, in the last peer's units, that it answers only after [`Chain::release`].
const HELD: u64 = 77;

struct Chain {
    one: Node,
    two: Node,
    three: Node,
    /// The sender's id at the first node.
    sender: String,
    /// The next node's id at the one before it, and the reverse.
    two_at_one: String,
    one_at_two: String,
    three_at_two: String,
    two_at_three: String,
    /// The last peer's id at the third node.
    bob: String,
    stub: Stub,
    is_released: Arc<AtomicBool>,
    dollars_at_one: String,
    euros_at_three: String,
}

/// The replies that the sender has got.
#[derive(Default)]
struct Replies {
    fulfilled: Count,
    refused: Count,
}

#[derive(Clone, Copy, Default, Debug, PartialEq, Eq)]
struct Count {
    packets: u64,
    amount: u64,
}

impl Count {
    fn add(&mut self, amount: u64) {
        self.packets += 1;
        self.amount += amount;
    }

    fn times(self, units: u64) -> Self {
        Self { amount: self.amount * units, ..self }
    }
}

/// Returns a node's counts of packets from or to a peer: fulfilled, rejected, refused.
fn told(metrics: &Exposition, peer: &str, direction: &str) -> [Count; 3] {
    ["fulfilled", "rejected", "refused"].map(|outcome| {
        let labels = [("peer", peer), ("direction", direction), ("outcome", outcome)];
        Count {
            packets: metrics.sum("jirani_peer_packets_total", &labels),
            amount: metrics.sum("jirani_peer_amount_total", &labels),
        }
    })
}

fn link(own: &str, other: &str, to: &Node, more: &Value) -> Value {
    let mut input = json!({
        "initialLiquidity": LIQUIDITY.to_string(),
        "http": {
            "incoming": { "authTokens": [format!("{other}-to-{own}")] },
            "outgoing": {
                "endpoint": to.ilp.to_string(),
                "authToken": format!("{own}-to-{other}"),
            },
        },
    });
    for (key, value) in more.as_object().unwrap() {
        input[key] = value.clone();
    }
    input
}

impl Chain {
    fn start() -> Self {
        let node = |name: &str| Node::start_with(&[("JIRANI_ILP_ADDRESS", name)]);
        let [one, two, three] = ["test.one", "test.two", "test.three"].map(node);
        let (dollars_at_one, dollars) = (one.create_asset("USD", 2), two.create_asset("USD", 2));
        let (euros, euros_at_three) = (two.create_asset("EUR", 4), three.create_asset("EUR", 4));
        two.stock(&euros, STOCK);
        two.set_rate("USD", "EUR", "0.5");
        let is_released = Arc::<AtomicBool>::default();
        let released = Arc::clone(&is_released);
        let stub = Stub::start(move |request| {
            if parse_prepare(&request.body).amount() == HELD * UNITS {
                wait_for("the release", || released.load(Ordering::SeqCst).then_some(()));
            }
            Answer::Reply(fulfill().into())
        });
        let rich = json!({ "initialLiquidity": LIQUIDITY.to_string() });
        let limits = json!({
            "maxPacketAmount": "10000",
            "packetsPerMinuteMax": "1000000",
            "amountPerSecondMax": "1000000000",
            "packetsInFlightMax": 1_000,
            "amountInFlightMax": "1000000000",
            "assetShareInFlightPercentMax": 50,
        });
        let way = |routes: &[&str]| json!({ "routes": routes });
        let peer = |node: &Node, own, other, asset: &str, to: &Node, more: &Value| {
            node.create_peer(asset, other, NOWHERE, link(own, other, to, more))
        };
        let two_at_one = peer(&one, "test.one", "test.two", &dollars_at_one, &two, &way(&["test"]));
        let one_at_two = peer(&two, "test.two", "test.one", &dollars, &one, &limits);
        let three_at_two =
            peer(&two, "test.two", "test.three", &euros, &three, &way(&["test.bob"]));
        let two_at_three =
            peer(&three, "test.three", "test.two", &euros_at_three, &two, &way(&["test.one"]));
        Self {
            sender: one.create_peer(&dollars_at_one, "test.sender", NOWHERE, rich.clone()),
            bob: three.create_peer(&euros_at_three, "test.bob", &stub.endpoint(), rich),
            one,
            two,
            three,
            two_at_one,
            one_at_two,
            three_at_two,
            two_at_three,
            stub,
            is_released,
            dollars_at_one,
            euros_at_three,
        }
    }

    /// Returns each node's counts of each of its sides, from the sender to the receiver.
    fn told(&self) -> [[Count; 3]; 6] {
        let [one, two, three] = [&self.one, &self.two, &self.three].map(Node::metrics);
        [
            told(&one, &self.sender, "in"),
            told(&one, &self.two_at_one, "out"),
            told(&two, &self.one_at_two, "in"),
            told(&two, &self.three_at_two, "out"),
            told(&three, &self.two_at_three, "in"),
            told(&three, &self.bob, "out"),
        ]
    }

    /// Returns the counts of each node once the two ends of each link have counted the same number
    /// of packets. A payment is over before the reply to its last packet, which closes the
    /// connection, is back at its sender.
    fn counts_at_rest(&self) -> [[Count; 3]; 6] {
        let packets = |told: [Count; 3]| told.iter().map(|count| count.packets).sum::<u64>();
        wait_for("both ends of each link to count alike", || {
            let told = self.told();
            let [_, to_two, from_one, to_three, from_two, _] = told.map(packets);
            (to_two == from_one && to_three == from_two).then_some(told)
        })
    }

    /// Sends one packet to the end of the chain, and returns the code of a Reject.
    fn send(&self, amount: u64, replies: &mut Replies) -> Option<String> {
        match self.one.sender("test.sender").send(&prepare("test.bob", amount)) {
            Reply::Fulfill(_) => {
                replies.fulfilled.add(amount);
                None
            }
            Reply::Reject(reject) => {
                replies.refused.add(amount);
                Some(reject.code().to_string())
            }
        }
    }

    /// Sends packets until `refusals` of them were refused, which a limit over time does sooner or
    /// later.
    fn send_until_refused(&self, amount: u64, refusals: u64, replies: &mut Replies) {
        let before = replies.refused.packets;
        for _ in 0..1_000 {
            if self.send(amount, replies).is_some_and(|code| code == "T05")
                && replies.refused.packets - before == refusals
            {
                return;
            }
        }
        panic!("a thousand packets of {amount} and the limit was not reached");
    }

    /// Sends a packet that stays unanswered at the last peer until [`Chain::release`].
    fn hold(&self) -> Sender {
        self.is_released.store(false, Ordering::SeqCst);
        let before = self.stub.requests().len();
        let mut sender = self.one.sender("test.sender");
        sender.write_only(&prepare("test.bob", HELD));
        wait_for("the packet", || (self.stub.requests().len() > before).then_some(()));
        sender
    }

    fn release(&self, mut held: Sender, replies: &mut Replies) {
        self.is_released.store(true, Ordering::SeqCst);
        assert_eq!(held.read_response().unwrap().status, 200);
        replies.fulfilled.add(HELD);
    }

    /// Changes the second node's limits for the first one, and checks that `hit` increases one
    /// counter by the number of refusals that the sender got, and no other.
    fn limit(
        &self,
        terms: &Value,
        refusal: &str,
        replies: &mut Replies,
        hit: impl FnOnce(&Self, &mut Replies),
    ) {
        let mut input = terms.clone();
        input["id"] = json!(self.one_at_two);
        let update = "mutation($input: UpdatePeerInput!) { updatePeer(input: $input) { success } }";
        assert_eq!(
            self.two.query(update, json!({ "input": input }))["updatePeer"]["success"],
            true
        );
        let refusals = || -> Vec<(String, u64)> {
            self.two.metrics().nonzero("jirani_refusals_total").into_iter().collect()
        };
        let (before, refused_before) = (refusals(), replies.refused.packets);
        hit(self, replies);
        let saw = replies.refused.packets - refused_before;
        assert!(saw > 0, "{refusal}");
        let mut expected = before;
        match expected.iter_mut().find(|(name, _)| name == refusal) {
            Some((_, count)) => *count += saw,
            None => expected.push((refusal.to_owned(), saw)),
        }
        expected.sort();
        assert_eq!(refusals(), expected, "{refusal}");
        println!("{refusal}: the sender saw {saw}, the counter moved by {saw}");
    }
}

#[test]
fn a_payment_is_told_alike_by_every_node() {
    let chain = Chain::start();
    let (from, _) = chain.one.create_wallet(&chain.dollars_at_one, "alice");
    let (_, to) = chain.three.create_wallet(&chain.euros_at_three, "bob");
    let quote = chain.one.quote(&from, &to, Send(100_000)).unwrap();
    let payment = chain.one.ended_payment(&chain.one.pay_quote(&from, &quote));
    assert_eq!(payment["state"], "COMPLETED", "{payment}");
    assert_eq!(payment["sentAmount"]["value"], "100000");

    let [_, to_two, from_one, to_three, from_two, _] = chain.counts_at_rest();
    let [one, three] = [&chain.one, &chain.three].map(Node::metrics);
    let ([sent, ..], [arrived, ..]) = (told(&one, "own", "in"), told(&three, "own", "out"));
    assert_eq!(sent.amount, 100_000);
    assert!(sent.packets >= 10, "none carries more than 10,000: {sent:?}");
    assert_eq!([to_two[0], from_one[0]], [sent; 2]);
    assert_eq!([to_three[0], from_two[0], arrived], [sent.times(UNITS); 3]);
    // The packets that weren't fulfilled were counted alike on each side of a link, whichever node
    // rejected them.
    let unpaid = |told: [Count; 3]| told[1].packets + told[2].packets;
    assert_eq!(unpaid(to_two), unpaid(from_one));
    assert_eq!(unpaid(to_three), unpaid(from_two));
    let moved = |node: &Node, peer: &str| i128::from(node.liquidity(peer)) - i128::from(LIQUIDITY);
    assert_eq!(moved(&chain.one, &chain.two_at_one), 100_000);
    assert_eq!(moved(&chain.two, &chain.one_at_two), -100_000);
    assert_eq!(moved(&chain.two, &chain.three_at_two), 100_000 * i128::from(UNITS));
    assert_eq!(moved(&chain.three, &chain.two_at_three), -100_000 * i128::from(UNITS));
}

#[test]
fn each_limit_refuses_what_is_beyond_it_and_counts_what_the_sender_saw() {
    let chain = Chain::start();
    let mut replies = Replies::default();
    assert_eq!(chain.send(10_000, &mut replies), None);
    chain.limit(&json!({}), "amount_too_large F08", &mut replies, |chain, replies| {
        assert_eq!(chain.send(10_001, replies).as_deref(), Some("F08"));
    });
    let terms = json!({ "maxPacketAmount": null, "packetsPerMinuteMax": "5" });
    chain.limit(&terms, "packet_rate T05", &mut replies, |chain, replies| {
        chain.send_until_refused(1, 3, replies);
    });
    let terms = json!({ "packetsPerMinuteMax": null, "amountPerSecondMax": "100" });
    chain.limit(&terms, "amount_rate T05", &mut replies, |chain, replies| {
        chain.send_until_refused(60, 2, replies);
    });
    let terms = json!({ "amountPerSecondMax": null, "packetsInFlightMax": 1 });
    chain.limit(&terms, "packets_in_flight T05", &mut replies, |chain, replies| {
        let held = chain.hold();
        assert_eq!(chain.send(1, replies).as_deref(), Some("T05"));
        chain.release(held, replies);
        assert_eq!(chain.send(1, replies), None);
    });
    let terms = json!({ "packetsInFlightMax": 1_000, "amountInFlightMax": "100" });
    chain.limit(&terms, "amount_in_flight T05", &mut replies, |chain, replies| {
        let held = chain.hold();
        assert_eq!(chain.send(101 - HELD, replies).as_deref(), Some("T05"));
        assert_eq!(chain.send(100 - HELD, replies), None);
        chain.release(held, replies);
    });
    let terms = json!({ "amountInFlightMax": null, "assetShareInFlightPercentMax": 1 });
    let mut share = 0;
    chain.limit(&terms, "beyond_liquidity F08", &mut replies, |chain, replies| {
        let packet = prepare("test.bob", STOCK / 100 / UNITS);
        let reject = chain.one.sender("test.sender").rejected(&packet);
        replies.refused.add(STOCK / 100 / UNITS);
        share = AmountTooLarge::from_data(reject.data()).unwrap().maximum;
        assert_eq!(chain.send(share / 2, replies), None);
    });
    // The share is a hundredth of the remaining stock, rounding aside: less than is held beside it.
    let share = share - share / 200 - 5;
    chain.limit(&json!({}), "asset_share T04", &mut replies, |chain, replies| {
        let held = chain.hold();
        assert_eq!(chain.send(share, replies).as_deref(), Some("T04"));
        chain.release(held, replies);
    });

    let (fulfilled, refused, none) = (replies.fulfilled, replies.refused, Count::default());
    let (in_euros, passed_back) = (fulfilled.times(UNITS), [fulfilled, refused, none]);
    assert_eq!(
        chain.told(),
        [
            passed_back,
            passed_back,
            // The second node refuses, and the nodes after it have seen nothing of the packet.
            [fulfilled, none, refused],
            [in_euros, none, none],
            [in_euros, none, none],
            [in_euros, none, none],
        ]
    );
    for node in [&chain.one, &chain.three] {
        assert_eq!(node.metrics().nonzero("jirani_refusals_total"), []);
    }
    let rejects: u64 =
        chain.one.metrics().nonzero("jirani_rejects_total").iter().map(|(_, count)| count).sum();
    assert_eq!(rejects, refused.packets);
}
