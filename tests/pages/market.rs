//! Rates, fees and routes.

use serde_json::json;

use super::{Browser, between};
use crate::support::{
    Node,
    rates::{Mood, RatesService},
    wait_for,
};

#[test]
fn rates_are_set_shown_with_their_source_and_deleted() {
    let node = Node::start_with(&[("JIRANI_RATES_FIXED", "USD/MXN=17.3")]);
    let browser = Browser::of(&node);
    let page = browser.get("/rates").text();
    for shown in ["USD/MXN", "17.3", "Configuration", "inverse of USD/MXN", "None is asked"] {
        assert!(page.contains(shown), "{shown} in {page}");
    }
    let typed = [("base", "USD"), ("quote", "EUR"), ("rate", "0.92")];
    assert_eq!(browser.post("/rates", &typed, &[]).status, 403, "without a token");
    assert!(!browser.get("/rates").text().contains("USD/EUR"));
    let set = browser.send("/rates", "/rates", &typed);
    assert_eq!(set.header("location"), Some("/rates?done=set"), "{}", set.text());
    let page = browser.get("/rates?done=set").text();
    assert!(page.contains("You set it") && page.contains("title=\"1 USD = 0.92 EUR\""), "{page}");
    assert!(page.contains("inverse of USD/EUR"), "{page}");

    for (field, wrong, why) in [
        ("rate", "nine", "invalid rate"),
        ("rate", "-1", "invalid rate"),
        ("base", "U S", "invalid asset code"),
        ("quote", "USD", "base and quote are the same"),
    ] {
        let fields = typed.map(|(name, value)| (name, if name == field { wrong } else { value }));
        let refused = browser.send("/rates", "/rates", &fields);
        let text = refused.text();
        assert_eq!(refused.status, 400, "{wrong}");
        let error = between(&text, &format!("id=\"{field}-error\""), "</span>");
        assert!(error.contains(why), "{field}: {error}");
        assert!(text.contains(&format!("value=\"{wrong}\"")), "{text}");
    }
    let asked = [("base", "USD"), ("quote", "EUR")];
    let asked = browser.send("/rates", "/rates/delete", &asked).text();
    assert!(asked.contains("Delete the rate USD/EUR?"), "{asked}");
    let delete = |quote| {
        browser.send("/rates", "/rates/delete", &[("base", "USD"), quote, ("confirmed", "yes")])
    };
    assert_eq!(delete(("quote", "EUR")).header("location"), Some("/rates?done=deleted"));
    assert_eq!(delete(("quote", "EUR")).status, 404, "it is gone");
    assert!(!browser.get("/rates").text().contains("You set it"));
}

#[test]
fn a_rate_of_the_service_grows_too_old_and_the_page_says_so() {
    let service = RatesService::start(Mood::Rates(r#"{"EUR": 0.92, "USD": 1.08}"#));
    let url = service.url();
    let node = Node::start_with(&[("JIRANI_RATES_URL", &url), ("JIRANI_RATES_LIFETIME_MS", "600")]);
    let browser = Browser::of(&node);
    for code in ["USD", "EUR"] {
        node.create_asset(code, 2);
    }
    let shown = |text: &str| {
        wait_for(text, || browser.get("/rates").text().contains(text).then_some(()));
    };
    shown("Rates service</");
    shown("EUR/USD");
    shown("Answers");
    service.turn(Mood::Status(500));
    shown("Too old");
    shown("Fails");
    assert!(!browser.get("/rates").text().contains(&url), "its URL may carry a token");
}

#[test]
fn many_rates_come_a_page_at_a_time() {
    let pairs: Vec<_> = (10..30).map(|code| format!("AAA/B{code}=2")).collect();
    let node = Node::start_with(&[("JIRANI_RATES_FIXED", &pairs.join(","))]);
    let browser = Browser::of(&node);
    let first = browser.get("/rates").text();
    let next = between(&first, "rel=\"next\"", ">").to_owned() + &first;
    let href = between(&next, "href=\"/rates?after=", "\"").to_owned();
    let second = browser.get(&format!("/rates?after={href}")).text();
    // Twenty pairs, and their inverses.
    let rows = |page: &str| page.matches("<th scope=\"row\">").count();
    assert_eq!((rows(&first), rows(&second)), (25, 15));
    assert!(!second.contains("rel=\"next\"") && second.contains("href=\"/rates\""));
}

#[test]
fn a_fee_is_set_in_percent_and_in_full() {
    let node = Node::start();
    let browser = Browser::of(&node);
    assert!(browser.get("/fees").text().contains("jirani asset add"), "says how to begin");
    let path = format!("/fees/{}", browser.asset("USD"));
    for (field, wrong) in [("percent", "101"), ("percent", "1.555"), ("fixed", "a dime")] {
        let refused = browser.send(&path, &path, &[(field, wrong)]);
        let text = refused.text();
        assert_eq!(refused.status, 400, "{wrong}");
        assert!(text.contains(&format!("value=\"{wrong}\"")), "{text}");
    }
    let set = browser.send(&path, &path, &[("percent", "1.5"), ("fixed", "0.10")]);
    assert_eq!(set.header("location"), Some(format!("{path}?done=set").as_str()));
    let list = browser.get("/fees").text();
    assert!(list.contains("1.50 %") && list.contains("title=\"10 in the smallest unit"), "{list}");
    let page = browser.get(&path).text();
    assert!(page.contains("value=\"1.50\"") && page.contains("Counts"), "{page}");
    assert_eq!(browser.post(&path, &[("percent", "0")], &[]).status, 403);
}

#[test]
fn routes_are_found_and_an_address_is_looked_up_in_plain_words() {
    let node = Node::start();
    let browser = Browser::of(&node);
    assert!(browser.get("/routes").text().contains("No route yet"));
    let asset = browser.asset("USD");
    let hostile = "<script>alert(1)</script>\u{200b}";
    browser.peer(&asset, &[("routes", "test.far"), ("name", hostile)]);
    let page = browser.get("/routes").text();
    assert!(page.contains("test.othergreatwallet") && page.contains("test.far"), "{page}");
    assert!(page.contains("&lt;script&gt;alert(1)") && page.contains("\\u{200b}"), "{page}");
    assert!(!page.contains("<script>alert") && !page.contains('\u{200b}'));

    let answer = |to: &str| {
        let page = browser.get(&format!("/routes?to={to}"));
        (page.status, between(&page.text(), "role=\"status\"", "</div>").to_owned())
    };
    for (to, words) in [
        ("test.othergreatwallet.alice", "<code>test.othergreatwallet</code>"),
        ("test.far.away", "<code>test.far</code>"),
        ("test.nobody", "no default route"),
        ("test.farther", "no default route"),
        ("g.nobody", "other network"),
        ("peer.config", "under peer."),
        ("test.node", "own address"),
        ("test.node.alice", "stays here"),
    ] {
        let (status, said) = answer(to);
        assert!(status == 200 && said.contains(words), "{to}: {said}");
    }
    let wrong = browser.get("/routes?to=g..x");
    let text = wrong.text();
    assert_eq!(wrong.status, 400);
    assert!(between(&text, "id=\"to-error\"", "</span>").contains("invalid ILP address"));
    assert!(text.contains("value=\"g..x\""), "{text}");

    let found = browser.get("/routes?q=test.f").text();
    assert!(found.contains("<code>test.far</code>"), "{found}");
    assert!(!found.contains("<code>test.othergreatwallet</code>"), "{found}");
    assert!(browser.get("/routes?q=g.").text().contains("No route begins with"));

    let input = json!({ "id": between(&page, "href=\"/peers/", "\""), "isDefaultRoute": true });
    node.query(
        "mutation($input: UpdatePeerInput!) { updatePeer(input: $input) { peer { id } } }",
        json!({ "input": input }),
    );
    let (_, said) = answer("test.nobody");
    assert!(said.contains("takes what nobody is nearer to"), "{said}");
    assert!(browser.get("/routes").text().contains("default route"));
}
