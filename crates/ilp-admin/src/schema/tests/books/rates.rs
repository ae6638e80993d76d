//! Exchange rates and what peers pay for conversion.

use ilp_connector::rates::{Quote, RateOrigin};

use crate::schema::tests::*;

const RATES: &str = "{ rates { base quote rate source expiresAt } }";

impl Node {
    async fn set_rate(&self, base: &str, quote: &str, rate: &str) -> Value {
        let input = json!({"base": base, "quote": quote, "rate": rate});
        self.mutate("setRate", input, "code success message rate { base quote rate source }").await
            ["data"]["setRate"]
            .clone()
    }

    async fn rates(&self) -> Vec<String> {
        let data = self.data(RATES, json!({})).await;
        let rates = data["rates"].as_array().unwrap().iter();
        let line = |rate: &Value| {
            let member = |name: &str| text(&rate[name]);
            format!(
                "{}/{} {} {}",
                member("base"),
                member("quote"),
                member("rate"),
                member("source")
            )
        };
        rates.map(line).collect()
    }
}

#[tokio::test]
async fn a_set_rate_is_exact_durable_and_its_opposite_is_the_inverse() {
    let node = Node::start().await;
    let set = node.set_rate("USD", "EUR", "0.920").await;
    let rate = json!({"base": "USD", "quote": "EUR", "rate": "0.92", "source": "SET"});
    let done = json!({"code": "200", "success": true, "message": "Set rate", "rate": rate});
    assert_eq!(set, done);
    node.set_rate("USD", "MXN", "17.3").await;
    node.set_rate("MXN", "USD", "0.06").await;
    let expected =
        ["EUR/USD 1/0.92 INVERSE", "MXN/USD 0.06 SET", "USD/EUR 0.92 SET", "USD/MXN 17.3 SET"];
    assert_eq!(node.rates().await, expected);

    let node = node.restart().await;
    assert_eq!(node.rates().await, expected);
    let pair = json!({"base": "MXN", "quote": "USD"});
    node.mutate("deleteRate", pair, "success").await;
    node.set_rate("USD", "EUR", "0.93").await;
    let node = node.restart().await;
    let expected = [
        "EUR/USD 1/0.93 INVERSE",
        "MXN/USD 1/17.3 INVERSE",
        "USD/EUR 0.93 SET",
        "USD/MXN 17.3 SET",
    ];
    assert_eq!(node.rates().await, expected);
    let one = node.data("{ rates(base: \"MXN\", quote: \"USD\") { rate } }", json!({})).await;
    assert_eq!(one, json!({"rates": [{"rate": "1/17.3"}]}));
}

#[tokio::test]
async fn what_is_no_rate_is_refused_with_what_would_be_one() {
    let node = Node::start().await;
    for (base, quote, rate, words) in [
        ("USD", "EUR", "0", "invalid rate: \"0\": a rate is greater than zero"),
        ("USD", "EUR", "-0.92", "greater than zero"),
        ("USD", "EUR", "NaN", "a decimal number in digits, such as 0.92"),
        ("USD", "EUR", "9.2e-1", "a decimal number in digits"),
        ("USD", "EUR", "99999999999999999999", "between"),
        ("USD", "EUR", "0.33333333333333333333333333333", "28 significant digits"),
        ("USD", "USD", "1", "invalid rate: base and quote are the same"),
        ("", "EUR", "1", "invalid asset code: it is empty"),
    ] {
        let refused = node.set_rate(base, quote, rate).await;
        assert_eq!((&refused["code"], &refused["rate"]), (&json!("400"), &Value::Null));
        assert!(text(&refused["message"]).contains(words), "{rate}: {refused}");
    }
    let pair = json!({"base": "USD", "quote": "EUR"});
    let missing = node.mutate("deleteRate", pair, "success").await;
    assert_eq!(missing["errors"][0]["extensions"]["code"], "NOT_FOUND");
    assert!(text(&missing["errors"][0]["message"]).starts_with("unknown rate"));
    assert_eq!(node.rates().await, Vec::<String>::new());
}

#[tokio::test]
async fn what_was_set_wins_over_the_service_until_it_is_deleted() {
    let node = Node::start().await;
    let told = Quote {
        rate: "0.9".parse().unwrap(),
        updated_at: clock(),
        good_until: Some(clock().saturating_add_ms(60_000)),
    };
    node.connector.rates().give(RateOrigin::Service, "USD", "EUR", told);
    assert_eq!(node.rates().await, ["EUR/USD 1/0.9 INVERSE", "USD/EUR 0.9 SERVICE"]);
    node.set_rate("EUR", "USD", "1.1").await;
    assert_eq!(node.rates().await, ["EUR/USD 1.1 SET", "USD/EUR 1/1.1 INVERSE"]);
    node.mutate("deleteRate", json!({"base": "EUR", "quote": "USD"}), "success").await;
    assert_eq!(node.rates().await, ["EUR/USD 1/0.9 INVERSE", "USD/EUR 0.9 SERVICE"]);
}

/// An old request that comes again must not undo a newer one.
#[tokio::test]
async fn a_rate_set_twice_under_one_key_is_set_once() {
    let node = Node::start().await;
    let old = json!({"base": "USD", "quote": "EUR", "rate": "0.92", "idempotencyKey": "k"});
    for _ in 0..2 {
        node.mutate("setRate", old.clone(), "success").await;
    }
    node.set_rate("USD", "EUR", "0.93").await;
    let again = node.mutate("setRate", old, "rate { rate }").await;
    assert_eq!(again["data"]["setRate"]["rate"]["rate"], "0.92", "the first answer again");
    assert_eq!(node.rates().await, ["EUR/USD 1/0.93 INVERSE", "USD/EUR 0.93 SET"]);
}

#[tokio::test]
async fn a_peers_spread_is_kept_and_bounded() {
    let node = Node::start().await;
    let asset = node.create_asset("USD").await;
    let mut input = peer_input(&asset, "test.bob");
    input["spreadBasisPoints"] = json!(25);
    let made = node.mutate("createPeer", input.clone(), "peer { id spreadBasisPoints }").await;
    let peer = made["data"]["createPeer"]["peer"].clone();
    assert_eq!(peer["spreadBasisPoints"], 25);
    let live = || {
        let peer = node.connector.peer_by_token(b"token-test.bob").unwrap();
        peer.terms().spread.basis_points()
    };
    assert_eq!(live(), 25);
    for (given, expected) in [(json!(10_000), 10_000), (json!(null), 0), (json!(7), 7)] {
        let edit = json!({"id": peer["id"], "spreadBasisPoints": given});
        let changed = node.mutate("updatePeer", edit, "peer { spreadBasisPoints }").await;
        assert_eq!(changed["data"]["updatePeer"]["peer"]["spreadBasisPoints"], expected);
        assert_eq!(live(), expected);
    }
    let kept = json!({"id": peer["id"], "name": "Bob"});
    node.mutate("updatePeer", kept, "success").await;
    assert_eq!(live(), 7);
    for wrong in [-1, 10_001] {
        let edit = json!({"id": peer["id"], "spreadBasisPoints": wrong});
        let refused = node.mutate("updatePeer", edit, "code message").await;
        let message = text(&refused["data"]["updatePeer"]["message"]);
        assert!(message.starts_with("invalid spreadBasisPoints: "), "{message}");
    }
    let node = node.restart().await;
    let peer = node.connector.peer_by_token(b"token-test.bob").unwrap();
    assert_eq!(peer.terms().spread.basis_points(), 7);
}

/// Only rates that somebody needs are trouble, and only while they are.
#[tokio::test]
async fn rates_that_are_needed_and_old_or_untold_degrade_the_node() {
    let node = Node::start().await;
    let degraded =
        async || node.data("{ node { degraded } }", json!({})).await["node"]["degraded"].clone();
    let (usd, eur) = (node.create_asset("USD").await, node.create_asset("EUR").await);
    let old =
        Quote { rate: "0.9".parse().unwrap(), updated_at: clock(), good_until: Some(clock()) };
    node.connector.rates().give(RateOrigin::Service, "USD", "EUR", old);
    node.operator.rates().service_fails("USD", Some("it answers 500".to_owned()));
    node.create_peer(&usd, "test.alice").await;
    assert_eq!(degraded().await, Value::Null, "one asset alone needs no rates");
    node.create_peer(&eur, "test.bob").await;
    let reason = text(&degraded().await);
    for words in ["fails for USD: it answers 500", "USD/EUR is older", "EUR/USD is older"] {
        assert!(reason.contains(words), "{reason}");
    }
    node.operator.rates().service_fails("USD", None);
    node.set_rate("EUR", "USD", "1.1").await;
    assert_eq!(degraded().await, Value::Null);
}
