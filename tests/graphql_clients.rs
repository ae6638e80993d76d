//! The admin API with clients by others: npm's graphql-http, graphql-ws and Apollo Client.

use serde_json::{Value, json};

use crate::support::{Node, http::Connection, script::Script};

const NOWHERE: &str = "http://127.0.0.1:1";
const QUERY: &str = "{ whoami { isOperator } }";
const LIQUIDITY: &str = "subscription($id: ID!) { peerLiquidity(peerId: $id) { liquidity } }";

fn urls(node: &Node) -> (String, String) {
    (format!("http://{}/graphql", node.admin), format!("ws://{}/graphql", node.admin))
}

fn peer(node: &Node) -> String {
    let asset = node.create_asset("USD", 2);
    node.create_peer(&asset, "test.alice", NOWHERE, json!({}))
}

#[test]
fn each_audit_of_graphql_over_http_passes() {
    let node = Node::start();
    let results = Script::start("graphql_http.js").ask(&json!({ "url": urls(&node).0 }));
    let results = results.as_array().unwrap();
    assert_eq!(results.len(), 61);
    let failed: Vec<_> = results.iter().filter(|audit| audit["status"] != "ok").collect();
    assert!(failed.is_empty(), "{failed:#?}");
}

#[test]
fn graphql_ws_asks_follows_and_ends_its_connection_in_order() {
    let node = Node::start();
    let told = Script::start("graphql_ws.js").ask(&json!({
        "url": urls(&node).1,
        "query": QUERY,
        "subscription": LIQUIDITY,
        "variables": { "id": peer(&node) },
    }));
    assert_eq!(told["error"], Value::Null, "{told}");
    assert_eq!(told["answers"], json!([{ "data": { "whoami": { "isOperator": true } } }]));
    assert_eq!(told["followed"]["data"]["peerLiquidity"]["liquidity"], "1000000");
    assert_eq!(told["invalid"][0]["extensions"]["code"], "GRAPHQL_VALIDATION_FAILED", "{told}");
    assert_eq!(told["closed"]["code"], 1000, "{told}");
    assert_eq!(told["closed"]["wasClean"], true, "{told}");
}

#[test]
fn a_websockets_messages_are_taken_in_one_go_and_each_wrong_one_has_its_code() {
    let node = Node::start();
    let url = urls(&node).1;
    let mut script = Script::start("graphql_ws.js");
    let init = json!({ "type": "connection_init" });
    let subscribe = |id: &str, query: &str| json!({ "type": "subscribe", "id": id, "payload": { "query": query } });
    let together = [init.clone(), json!({ "type": "ping" }), subscribe("a", QUERY)];
    let asked = json!({ "url": url, "messages": together, "until": 4, "closeCode": 4321 });
    let told = script.ask(&asked);
    assert_eq!(
        told["told"],
        json!([
            { "type": "connection_ack" },
            { "type": "pong" },
            { "type": "next", "id": "a",
              "payload": { "data": { "whoami": { "isOperator": true } } } },
            { "type": "complete", "id": "a" },
        ])
    );
    assert_eq!(told["code"], 4321, "the client's own code comes back: {told}");

    let packets = "subscription { packets { passedOver } }";
    for (messages, code) in [
        (json!(["no JSON"]), 4400),
        (json!([{ "type": "nonsense" }]), 4400),
        (json!([init, { "type": "subscribe", "id": "a", "payload": {} }]), 4400),
        (json!([init, { "type": "subscribe", "payload": { "query": QUERY } }]), 4400),
        (json!([subscribe("a", QUERY)]), 4401),
        (json!([init, subscribe("a", packets), subscribe("a", packets)]), 4409),
        (json!([init, init]), 4429),
        (json!(["x".repeat(300 * 1024)]), 1009),
    ] {
        let told = script.ask(&json!({ "url": url, "messages": messages }));
        assert_eq!(told["code"], code, "{told}");
    }
}

#[test]
fn a_websocket_without_the_secret_is_forbidden() {
    let node = Node::start_with(&[("JIRANI_ADMIN_SECRET", "the operator's own secret")]);
    let mut script = Script::start("graphql_ws.js");
    let mut asked = json!({
        "url": urls(&node).1,
        "query": QUERY,
        "subscription": "subscription { packets { passedOver } }",
        "connectionParams": { "authorization": "Bearer a guess" },
    });
    assert_eq!(script.ask(&asked)["closed"]["code"], 4403);
    asked["messages"] = json!([{
        "type": "connection_init",
        "payload": { "authorization": "Bearer the operator's own secret" },
    }]);
    asked["until"] = json!(1);
    asked["closeCode"] = json!(1000);
    let told = script.ask(&asked);
    assert_eq!((&told["told"][0]["type"], &told["code"]), (&json!("connection_ack"), &json!(1000)));
}

#[test]
fn apollo_client_is_answered_over_each_of_its_links() {
    let node = Node::start();
    let (uri, url) = urls(&node);
    let told = Script::start("apollo.js").ask(&json!({
        "uri": uri,
        "url": url,
        "query": "query Who($id: String!) { peer(id: $id) { staticIlpAddress } }",
        "subscription": "subscription Follow($id: ID!) { peerLiquidity(peerId: $id) {
            liquidity } }",
        "variables": { "id": peer(&node) },
    }));
    let sent = |link: &str| {
        let requests = told[link]["sent"].as_array().unwrap().iter();
        let told = requests.map(|request| {
            assert!(request["type"].as_str().unwrap().starts_with("application/graphql-response+"));
            (request["method"].as_str().unwrap(), request["hasQuery"] == true)
        });
        told.collect::<Vec<_>>()
    };
    for (link, requests) in [
        ("post", vec![("POST", true)]),
        ("get", vec![("GET", true)]),
        ("persisted", vec![("POST", false), ("POST", true)]),
        ("persistedByGet", vec![("GET", false), ("POST", true)]),
    ] {
        let link_told = &told[link];
        assert_eq!(
            link_told["data"]["peer"]["staticIlpAddress"], "test.alice",
            "{link}: {link_told}"
        );
        assert_eq!(sent(link), requests, "{link}");
    }
    let invalid = &told["invalid"];
    assert!(invalid["error"].as_str().unwrap().contains("nothing"), "{invalid}");
    let socket = &told["socket"];
    assert_eq!(socket["data"]["peer"]["staticIlpAddress"], "test.alice");
    assert_eq!(socket["followed"]["peerLiquidity"]["liquidity"], "1000000");
    assert_eq!(socket["closed"], json!({ "code": 1000, "wasClean": true }));
}

/// The fields of a response have the order of the query, regardless of the time that each takes.
#[test]
fn fields_come_in_the_order_of_the_query() {
    let node = Node::start();
    let id = peer(&node);
    let fields = "createdAt liquidity name id asset { scale withdrawalThreshold code id } routes
        staticIlpAddress packetsIn";
    let query = format!(
        "{{ assets {{ edges {{ node {{ scale id code }} cursor }} }}
            ping(address: \"test.nobody\") {{ code answered }}
            z: peer(id: \"{id}\") {{ {fields} }} whoami {{ isOperator id }}
            a: peer(id: \"{id}\") {{ id ...Rest }} node {{ version }} }}
         fragment Rest on Peer {{ liquidity name }}"
    );
    let body = json!({ "query": query }).to_string();
    for _ in 0..20 {
        let mut connection = Connection::open(node.admin).unwrap();
        let json = [("content-type", "application/json")];
        let text = connection.request("POST", "/graphql", &json, body.as_bytes()).unwrap().text();
        let in_order = [
            "assets",
            "edges",
            "node",
            "scale",
            "id",
            "code",
            "cursor",
            "ping",
            "code",
            "answered",
            "z",
            "createdAt",
            "liquidity",
            "name",
            "id",
            "asset",
            "scale",
            "withdrawalThreshold",
            "code",
            "id",
            "routes",
            "staticIlpAddress",
            "packetsIn",
            "whoami",
            "isOperator",
            "id",
            "a",
            "id",
            "liquidity",
            "name",
            "node",
            "version",
        ];
        let mut rest = text.as_str();
        for name in in_order {
            let at = rest.find(&format!("\"{name}\":"));
            rest = &rest[at.unwrap_or_else(|| panic!("{name} is out of order in {text}"))..][1..];
        }
    }
}
