//! Conversion between assets: the amounts, the refusals, and the sources of rates.

use interledger_packet::{Address, AmountTooLarge, Reply, ildcp};
use serde_json::{Value, json};

use crate::support::{
    DataDir, Node, jirani,
    packets::{in_ms, parse_prepare, prepare},
    rates::{Mood, RatesService},
    stub::{Answer, Stub},
    wait_for,
};

const NOWHERE: &str = "http://127.0.0.1:1";

/// A node between Alice, who sends dollars, and Bob, who gets euros and fulfills everything.
struct Exchange {
    node: Node,
    dollars: String,
    euros: String,
    alice: String,
    bob: String,
    bobs: Stub,
}

impl Exchange {
    fn start(environment: &[(&str, &str)], alice: Value, bob: Value) -> Self {
        let environment = [&[("JIRANI_ILP_ADDRESS", "test.node")], environment].concat();
        let (node, bobs) = (Node::start_with(&environment), Stub::fulfilling());
        let (dollars, euros) = (node.create_asset("USD", 2), node.create_asset("EUR", 3));
        let alice = node.create_peer(&dollars, "test.alice", NOWHERE, alice);
        let bob = node.create_peer(&euros, "test.bob", &bobs.endpoint(), bob);
        node.stock(&euros, 50_000_000);
        Self { node, dollars, euros, alice, bob, bobs }
    }

    fn with_service(service: &RatesService, lifetime_ms: &str) -> Self {
        let environment =
            [("JIRANI_RATES_URL", service.url()), ("JIRANI_RATES_LIFETIME_MS", lifetime_ms.into())];
        let environment = environment.each_ref().map(|(name, value)| (*name, value.as_str()));
        Self::start(&environment, json!({}), json!({}))
    }

    /// Sends a packet, and returns the amount that Bob gets, or the code of the Reject.
    fn send(&self, amount: u64) -> Result<u64, String> {
        match self.node.sender("test.alice").send(&prepare("test.bob", amount)) {
            Reply::Fulfill(_) => {
                let requests = self.bobs.requests();
                Ok(parse_prepare(&requests.last().unwrap().body).amount())
            }
            Reply::Reject(reject) => {
                assert_eq!(reject.triggered_by().unwrap().as_str(), "test.node");
                Err(format!("{} {}", reject.code(), reject.message_lossy()))
            }
        }
    }

    fn code(&self, amount: u64) -> String {
        self.send(amount).unwrap_err()[..3].to_owned()
    }

    fn f08_maximum(&self, amount: u64) -> u64 {
        let reject = self.node.sender("test.alice").rejected(&prepare("test.bob", amount));
        assert_eq!(reject.code().to_string(), "F08");
        let details = AmountTooLarge::from_data(reject.data()).unwrap();
        assert_eq!(details.received, amount);
        details.maximum
    }

    /// Returns the balances of all four accounts.
    fn balances(&self) -> [u64; 4] {
        let Self { node, dollars, euros, alice, bob, .. } = self;
        [node.liquidity(alice), node.stock_of(dollars), node.stock_of(euros), node.liquidity(bob)]
    }

    fn wait_until_degraded(&self, words: &str) {
        wait_for(&format!("a health check with {words:?}"), || {
            let health = self.node.health();
            let is_it = health["status"] == "degraded"
                && health["reason"].as_str().unwrap().contains(words);
            is_it.then_some(())
        });
    }

    fn wait_until_well(&self) {
        wait_for("a health check without complaint", || {
            (self.node.health()["status"] == "ok").then_some(())
        });
    }
}

#[test]
fn a_converted_packet_is_booked_through_both_assets_and_the_books_add_up() {
    let exchange = Exchange::start(&[], json!({ "spreadBasisPoints": 50 }), json!({}));
    exchange.node.set_rate("EUR", "USD", "1.1");
    assert_eq!(exchange.send(1_000), Ok(9_045), "floor of 10 x 0.995 / 1.1 = 9.0454... euros");
    assert_eq!(exchange.balances(), [999_000, 1_000, 49_990_955, 1_009_045]);

    // The restart has kept the rate and the spread.
    let Exchange { node, dollars, euros, alice, bob, bobs } = exchange;
    let exchange = Exchange { node: node.stop().start(), dollars, euros, alice, bob, bobs };
    assert_eq!(exchange.send(1_000), Ok(9_045));
    assert_eq!(exchange.balances(), [998_000, 2_000, 49_981_910, 1_018_090]);
    let data = exchange.node.stop();
    let verify = ["ledger", "verify", "--data-dir"];
    let verified = jirani().args(verify).arg(data.data()).output().unwrap();
    let said = String::from_utf8_lossy(&verified.stdout);
    assert!(verified.status.success() && said.contains("the books add up"), "{said}");
}

#[test]
fn each_reason_not_to_convert_has_its_code() {
    let exchange = Exchange::start(&[], json!({}), json!({ "maxPacketAmount": "9999" }));
    assert_eq!(exchange.code(1_000), "F07", "no rate");
    exchange.node.set_rate("USD", "EUR", "0.001");
    assert_eq!(exchange.code(99), "R01", "0.99 cents of a cent");
    assert_eq!(exchange.send(100), Ok(1));
    assert_eq!(exchange.send(0), Ok(0));
    for (rate, expected) in [("0.92", 1_086), ("17.3", 57), ("0.333333333333", 3_000)] {
        exchange.node.set_rate("USD", "EUR", rate);
        let maximum = exchange.f08_maximum(500_000);
        assert_eq!(maximum, expected, "what is at most 9,999 for Bob, in Alice's cents");
        assert!(exchange.send(maximum).unwrap() <= 9_999);
        assert_eq!(exchange.f08_maximum(maximum + 1), maximum);
    }
    exchange.node.set_rate("USD", "EUR", "100000");
    let balances = exchange.balances();
    assert_eq!(exchange.f08_maximum(1), 0, "not even one cent");
    exchange.node.query(
        "mutation($input: UpdatePeerInput!) { updatePeer(input: $input) { success } }",
        json!({ "input": { "id": exchange.bob, "maxPacketAmount": null } }),
    );
    let share = 50_000_000 / 2 / 1_000_000;
    assert_eq!(exchange.f08_maximum(1_000), share - 1, "half of the stock less what was paid out");
    assert_eq!(exchange.f08_maximum(u64::MAX), u64::MAX / 1_000_000, "more than 64 bits say");
    assert_eq!(exchange.balances(), balances);
}

#[test]
fn rates_in_the_configuration_serve_until_an_operator_sets_others() {
    let fixed = [("JIRANI_RATES_FIXED", "MXN/USD=0.06, EUR/USD = 1.25")];
    let exchange = Exchange::start(&fixed, json!({}), json!({}));
    assert_eq!(exchange.send(1_000), Ok(8_000));
    exchange.node.set_rate("USD", "EUR", "0.9");
    assert_eq!(exchange.send(1_000), Ok(9_000));

    let wrong = DataDir::new(&[("JIRANI_RATES_FIXED", "EUR/USD=1.25, EUR/USD=1.3")]);
    let ended = wrong.command().output().unwrap();
    assert_eq!(ended.status.code(), Some(64));
    assert!(wrong.log().contains("rates.fixed") && wrong.log().contains("USD/EUR=0.92"));
}

const RATES: &str = r#"{"EUR": 9.2e-1, "USD": 1.0869565217391304, "XAU": 0.0003}"#;

#[test]
fn a_service_in_any_bad_mood_leaves_the_last_good_rate_in_use() {
    let service = RatesService::start(Mood::Rates(RATES));
    let exchange = Exchange::with_service(&service, "9000");
    wait_for("the first rates", || exchange.send(1_000).is_ok().then_some(()));
    exchange.wait_until_well();
    let json = "application/json";
    for (mood, words) in [
        (Mood::Status(500), "HTTP status 500"),
        (Mood::Status(302), "redirects without saying where to"),
        (Mood::Elsewhere, "points to another host"),
        (Mood::Close, "the rates service fails for"),
        (Mood::Body(json, "<html>"), "not of the form"),
        (Mood::Body("text/html", "<p>soon</p>"), "not of the form"),
        (Mood::OtherBase, "answers for"),
        (Mood::Rates(r#"{"EUR": -0.92, "USD": 1}"#), "EUR is -0.92: a rate is greater than zero"),
        (Mood::Rates(r#"{"EUR": 0, "USD": 1}"#), "greater than zero"),
        (Mood::Rates(r#"{"EUR": 1e300, "USD": 1}"#), "EUR is 1e300: a rate lies between"),
        (Mood::Rates(r#"{"EUR": "0,5", "USD": 1}"#), "EUR is \"0,5\": a rate is a decimal number"),
        (Mood::Rates(r#"{"EUR": NaN, "USD": 1}"#), "EUR is null: a rate is a decimal number"),
        (Mood::Silence, "did not answer in time"),
        (Mood::Drip, "did not answer in time"),
    ] {
        service.turn(mood.clone());
        exchange.wait_until_degraded(words);
        assert_eq!(exchange.send(1_000), Ok(9_200), "{mood:?}");
        service.turn(Mood::Rates(RATES));
        exchange.wait_until_well();
    }
    let log = exchange.node.dir.log();
    assert!(!log.contains("hush"), "the service's URL may hold a key: {log}");
    let fails = log.matches("the rates service fails").count();
    let works = log.matches("the rates service tells rates again").count();
    // The service works again once in each turn, and a warning comes at most once a minute, with a
    // count.
    assert!(fails >= 1 && (15..=30).contains(&works), "{fails} {works}");
}

#[test]
fn a_service_may_answer_in_any_type_from_another_path_with_strings_and_digits_without_end() {
    for rates in [
        r#"{"EUR": 0.92, "USD": 1.0869565217391304}"#,
        r#"{"eur": "0.92", "usd": "1.0869565217391304"}"#,
        r#"{"EUR": 0.9200000000000000000000000000004, "XAU": NaN, "XAG": -Infinity}"#,
        r#"{"EUR": "9.2E-1", "XAU": {"of": "no use"}, "XAG": null}"#,
    ] {
        let service = RatesService::start(Mood::InPlainText(rates));
        let exchange = Exchange::with_service(&service, "9000");
        wait_for("the first rates", || exchange.send(1_000).is_ok().then_some(()));
        assert_eq!(exchange.send(1_000), Ok(9_200), "{rates}");
        exchange.wait_until_well();
        let log = exchange.node.dir.log();
        assert!(!log.contains("fails") && !log.contains("hush"), "{log}");
    }
}

#[test]
fn one_bad_rate_is_refused_alone_and_the_others_of_its_base_stay_fresh() {
    const BAD: &str = r#"{"EUR": 0.92, "USD": 1.08, "MXN": -17.3}"#;
    let service = RatesService::start(Mood::Rates(r#"{"EUR": 0.92, "USD": 1.08, "MXN": 17.3}"#));
    let exchange = Exchange::with_service(&service, "2000");
    let pesos = exchange.node.create_asset("MXN", 2);
    exchange.node.create_peer(&pesos, "test.carla", "http://127.0.0.1:2", json!({}));
    exchange.node.stock(&pesos, 50_000_000);
    // Carla's node takes no connection, so T01 says that the packet was converted.
    let to_carla = || {
        let reject = exchange.node.sender("test.alice").rejected(&prepare("test.carla", 100));
        reject.code().to_string()
    };
    wait_for("all rates", || (to_carla() == "T01" && exchange.send(100).is_ok()).then_some(()));
    service.turn(Mood::Rates(BAD));
    exchange.wait_until_degraded("its rate to MXN is -17.3");
    wait_for("the end of the last good rate to MXN", || (to_carla() == "T00").then_some(()));
    assert_eq!(exchange.send(1_000), Ok(9_200), "the rate to EUR is as fresh as ever");
    let log = exchange.node.dir.log();
    let refused = log.matches("a rate of the service can't be used").count();
    // The rates of the bases USD and EUR are refused within one minute, which makes one line.
    assert_eq!(refused, 1, "{log}");
    assert!(!log.contains("the rates service fails"), "{log}");
    service.turn(Mood::Rates(r#"{"EUR": 0.92, "USD": 1.08, "MXN": 17.3}"#));
    exchange.wait_until_well();
    wait_for("the rate to MXN", || (to_carla() == "T01").then_some(()));
}

#[test]
fn a_rate_whose_lifetime_is_over_is_not_used_until_the_service_is_back() {
    let service = RatesService::start(Mood::Rates(RATES));
    let exchange = Exchange::with_service(&service, "2000");
    wait_for("the first rates", || exchange.send(1_000).is_ok().then_some(()));
    service.turn(Mood::Close);
    let (mut fulfilled, mut refused) = (0, String::new());
    wait_for("the lifetime's end", || match exchange.send(1_000) {
        Ok(amount) => {
            assert_eq!(amount, 9_200);
            fulfilled += 1;
            None
        }
        Err(reject) => {
            refused = reject;
            Some(())
        }
    });
    assert!(fulfilled > 0);
    assert!(
        refused.starts_with("T00 ") && refused.contains("older than its lifetime"),
        "{refused}"
    );
    exchange.wait_until_degraded("the rate USD/EUR is older than its lifetime");
    let asked = service.asked.load(std::sync::atomic::Ordering::SeqCst);
    exchange.node.set_rate("USD", "EUR", "0.9");
    assert_eq!(exchange.send(1_000), Ok(9_000), "what an operator sets never grows old");
    wait_for("further questions", || {
        let now = service.asked.load(std::sync::atomic::Ordering::SeqCst);
        (now > asked + 2).then_some(())
    });
    let pair = json!({ "input": { "base": "USD", "quote": "EUR" } });
    let delete = "mutation($input: DeleteRateInput!) { deleteRate(input: $input) { success } }";
    exchange.node.query(delete, pair);
    assert_eq!(exchange.code(1_000), "T00");
    service.turn(Mood::Rates(RATES));
    exchange.wait_until_well();
    assert_eq!(exchange.send(1_000), Ok(9_200), "without anybody's help");
}

#[test]
fn a_node_that_has_not_heard_of_a_rate_yet_asks_for_patience() {
    let service = RatesService::start(Mood::Close);
    let exchange = Exchange::with_service(&service, "2000");
    let refused = exchange.send(1_000).unwrap_err();
    assert!(refused.starts_with("T00 ") && refused.contains("not known yet"), "{refused}");
    service.turn(Mood::Rates(RATES));
    wait_for("the first rates", || exchange.send(1_000).is_ok().then_some(()));
    // The node has learnt that the service has no rate.
    let pesos = exchange.node.create_asset("MXN", 2);
    exchange.node.create_peer(&pesos, "test.carla", "http://127.0.0.1:2", json!({}));
    wait_for("word of the new asset", || {
        let reject = exchange.node.sender("test.alice").rejected(&prepare("test.carla", 1));
        let code = reject.code().to_string();
        assert!(code == "T00" || code == "F07", "{code}");
        (code == "F07").then_some(())
    });
}

#[test]
fn a_child_learns_its_address_from_its_parent_and_keeps_it() {
    let parent = Node::start_with(&[("JIRANI_ILP_ADDRESS", "test.parent")]);
    let asset = parent.create_asset("USD", 2);
    parent.create_peer(
        &asset,
        "test.parent.child",
        NOWHERE,
        json!({ "http": {
        "incoming": { "authTokens": ["for-test.parent"] },
        "outgoing": { "endpoint": NOWHERE, "authToken": "x" } } }),
    );

    let child = Node::start_with(&[("JIRANI_ILDCP_PARENT_PEER", "test.parent")]);
    let address = |node: &Node| {
        let node = node.query("{ node { address } }", json!({}));
        node["node"]["address"].as_str().unwrap().to_owned()
    };
    assert_eq!(address(&child), "test.jirani");
    let dollars = child.create_asset("USD", 2);
    let endpoint = format!("http://{}", parent.ilp);
    child.create_peer(&dollars, "test.parent", &endpoint, json!({}));
    let child = child.stop().start();
    assert_eq!(address(&child), "test.parent.child", "{}", child.dir.log());
    drop(parent);
    let child = child.stop().start();
    assert_eq!(address(&child), "test.parent.child", "also while the parent is away");
    assert!(child.dir.log().contains("it stays what it was"), "{}", child.dir.log());
}

#[test]
fn a_parent_that_counts_otherwise_is_not_believed() {
    let child = Address::try_from("test.parent.child").unwrap();
    let told =
        ildcp::Response { client_address: child.as_addr(), asset_scale: 9, asset_code: "USD" };
    let told = told.to_fulfill().unwrap().into_bytes();
    let parent = Stub::start(move |_| Answer::Reply(told.to_vec()));
    let child = Node::start_with(&[("JIRANI_ILDCP_PARENT_PEER", "test.parent")]);
    let dollars = child.create_asset("USD", 2);
    child.create_peer(&dollars, "test.parent", &parent.endpoint(), json!({}));
    let child = child.stop().start();
    let log = child.dir.log();
    assert!(log.contains("of scale 9 and this node in USD of scale 2"), "{log}");
    assert!(log.contains("running as test.jirani"), "{log}");
}

#[test]
fn a_peer_asks_for_its_address_and_asset() {
    let exchange = Exchange::start(&[], json!({}), json!({}));
    let reply = exchange.node.sender("test.alice").send(ildcp::request(in_ms(20_000)).as_bytes());
    let Reply::Fulfill(fulfill) = reply else { panic!("{reply:?}") };
    let told = ildcp::Response::from_data(fulfill.data()).unwrap();
    assert_eq!(told.client_address.as_str(), "test.alice");
    assert_eq!((told.asset_code, told.asset_scale), ("USD", 2));
    assert_eq!(exchange.node.liquidity(&exchange.alice), 1_000_000);
}
