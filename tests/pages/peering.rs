//! The operator's page about nodes that ask to become peers.

use serde_json::{Value, json};

use super::Browser;
use crate::support::{
    Node,
    http::{Connection, get},
    jirani,
};

/// Starts a node with an asset, on which requests wait for approval.
fn start() -> Node {
    let node = Node::start_with(&[
        ("JIRANI_ILP_ADDRESS", "test.node"),
        ("JIRANI_AUTO_PEERING", "true"),
        ("JIRANI_AUTO_PEERING_LISTEN", "127.0.0.1:0"),
        ("JIRANI_AUTO_PEERING_APPROVAL", "require"),
        ("JIRANI_AUTO_PEERING_PRIVATE_ENDPOINTS", "true"),
    ]);
    node.create_asset("USD", 2);
    node
}

fn auto_peering(node: &Node) -> String {
    let file = std::fs::read_to_string(node.dir.data().join("node.json")).unwrap();
    let file: Value = serde_json::from_str(&file).unwrap();
    file["auto_peering"]["listen"].as_str().unwrap().to_owned()
}

/// Sends a peering request, as another node does.
fn ask(node: &Node, address: &str) {
    let offer = json!({
        "staticIlpAddress": address, "ilpConnectorUrl": "http://127.0.0.1:9", "name": "Bob",
        "asset": { "code": "USD", "scale": 2 }, "httpToken": format!("{address}-token"),
    });
    let mut port = Connection::open(auto_peering(node).parse().unwrap()).unwrap();
    let json = [("content-type", "application/json")];
    let answer = port.request("POST", "/", &json, offer.to_string().as_bytes()).unwrap();
    assert_eq!(answer.status, 202, "{}", answer.text());
}

fn waiting(node: &Node) -> String {
    let metrics = get(node.admin, "/metrics").unwrap().text();
    let line = metrics.lines().find(|line| line.starts_with("jirani_peering_requests_waiting "));
    line.unwrap_or_default().to_owned()
}

#[test]
fn a_request_that_waits_is_on_the_overview_and_is_approved_or_rejected_there() {
    let node = start();
    let browser = Browser::of(&node);
    assert!(!browser.get("/").text().contains("Needs you"));
    assert!(browser.get("/peering").text().contains("No node waits for your approval"));
    ask(&node, "test.bob");
    ask(&node, "test.carol");
    let overview = browser.get("/").text();
    assert!(overview.contains("Needs you") && overview.contains("2 nodes"), "{overview}");
    assert!(overview.contains("href=\"/peering\""), "{overview}");
    assert_eq!(waiting(&node), "jirani_peering_requests_waiting 2");
    let events = "{ webhookEvents { edges { node { type data } } } }";
    let events = node.query(events, json!({}));
    let event = &events["webhookEvents"]["edges"][0]["node"];
    assert_eq!(event["type"], "peering.requested", "{events}");
    assert_eq!(event["data"]["staticIlpAddress"], "test.carol");
    assert_eq!(event["data"]["asset"]["code"], "USD");

    let page = browser.get("/peering").text();
    let requests = "{ peeringRequests { edges { node { id staticIlpAddress } } } }";
    let requests = node.query(requests, json!({}))["peeringRequests"]["edges"].take();
    let id = |address: &str| {
        let request = requests
            .as_array()
            .unwrap()
            .iter()
            .find(|edge| edge["node"]["staticIlpAddress"] == address);
        request.unwrap()["node"]["id"].as_str().unwrap().to_owned()
    };
    let approve = format!("/peering/{}/approve", id("test.bob"));
    let reject = format!("/peering/{}/reject", id("test.carol"));
    assert!(page.contains(&approve) && page.contains(&reject), "{page}");
    // Each button asks for confirmation first, which changes nothing.
    let asked = browser.send("/peering", &approve, &[]).text();
    assert!(asked.contains("Make test.bob a peer?"), "{asked}");
    let asked = browser.send("/peering", &reject, &[]).text();
    assert!(asked.contains("Reject test.carol?"), "{asked}");
    assert_eq!(waiting(&node), "jirani_peering_requests_waiting 2");

    let terms = [("confirmed", "yes"), ("initial_liquidity", "1,000.00"), ("name", "Bob")];
    let approved = browser.send("/peering", &approve, &terms);
    assert_eq!(approved.status, 303, "{}", approved.text());
    let peer = browser.get(approved.header("location").unwrap()).text();
    assert!(peer.contains("Approved: it is a peer now") && peer.contains("1,000.00 USD"), "{peer}");
    let rejected = browser.send("/peering", &reject, &[("confirmed", "yes")]);
    assert_eq!(rejected.header("location"), Some("/peering?done=rejected"));
    assert_eq!(waiting(&node), "jirani_peering_requests_waiting 0");
    assert!(!browser.get("/").text().contains("asked to become a peer"));
    let audit = browser.get("/audit").text();
    for operation in ["approvePeeringRequest", "rejectPeeringRequest", "peeringRequest"] {
        assert!(audit.contains(operation), "{operation}");
    }
    assert!(!audit.contains("test.bob-token"));
}

#[test]
fn requests_are_listed_and_decided_on_the_command_line() {
    let node = start();
    ask(&node, "test.bob");
    ask(&node, "test.carol");
    let run = |arguments: &[&str]| {
        let url = format!("http://{}", node.admin);
        let output = jirani().args(["peering"]).args(arguments).args(["--url", &url]).output();
        let output = output.unwrap();
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        (output.status.success(), text + &String::from_utf8_lossy(&output.stderr))
    };
    let (_, list) = run(&["list", "--json"]);
    let list: Value = serde_json::from_str(&list).unwrap();
    let id = |address: &str| {
        let found = list.as_array().unwrap().iter().find(|it| it["staticIlpAddress"] == address);
        found.unwrap()["id"].as_str().unwrap().to_owned()
    };
    let (is_done, said) = run(&["approve", &id("test.bob"), "--initial-liquidity", "12.50"]);
    assert!(is_done && said.contains("test.bob is a peer now"), "{said}");
    let (is_done, said) = run(&["reject", &id("test.carol")]);
    assert!(is_done && said.contains("rejected"), "{said}");
    let (is_done, said) = run(&["reject", &id("test.carol")]);
    assert!(!is_done && said.contains("unknown peering request"), "{said}");
    let (_, said) = run(&["list"]);
    assert!(said.contains("no node waits for approval"), "{said}");
}

#[test]
fn the_node_that_asks_is_told_that_it_waits() {
    let (asked, asks) = (start(), start_asking());
    let input = json!({
        "assetId": asks.create_asset("USD", 2),
        "peerUrl": format!("http://{}", auto_peering(&asked)),
        "idempotencyKey": "once",
    });
    let mutation = "mutation($input: CreateOrUpdatePeerByUrlInput!) {
        createOrUpdatePeerByUrl(input: $input) { code message isPending peer { id } } }";
    let told = || asks.query(mutation, json!({ "input": input }))["createOrUpdatePeerByUrl"].take();
    let first = told();
    assert_eq!((&first["code"], &first["isPending"]), (&json!("200"), &json!(true)), "{first}");
    let message = first["message"].as_str().unwrap();
    assert!(message.starts_with("Waiting for approval"), "{message}");
    assert_eq!(told(), first, "also when it is asked again under its key");
}

fn start_asking() -> Node {
    Node::start_with(&[("JIRANI_ILP_ADDRESS", "test.asking")])
}
