//! Reading `/metrics`: authorization, size, and reads while packets pass.

use std::thread;

use interledger_packet::Reply;
use serde_json::json;

use crate::support::{
    DataDir, Node, exposition::Exposition, http::Connection, packets::prepare, stub::Stub, wait_for,
};

const NOWHERE: &str = "http://127.0.0.1:1";

#[test]
fn at_most_as_many_peers_are_named_as_configured_and_the_sums_are_exact() {
    const PEERS: usize = 300;
    let node = Node::start_with(&[
        ("JIRANI_ILP_ADDRESS", "test.node"),
        ("JIRANI_METRICS_PEERS_MAX", "10"),
    ]);
    let bob = Stub::fulfilling();
    let asset = node.create_asset("USD", 2);
    let ids: Vec<String> = (0..PEERS)
        .map(|index| {
            let name = json!({ "name": format!("No. {index} \"of\" \\ many") });
            let endpoint = format!("{}/{index}", bob.endpoint());
            node.create_peer(&asset, &format!("test.peer{index}"), &endpoint, name)
        })
        .collect();
    // Every fortieth peer sends packets, the more the higher its number; the first peer is paid.
    let senders: Vec<usize> = (40..PEERS).step_by(40).collect();
    let mut sent = 0;
    for index in &senders {
        let mut sender = node.sender(&format!("test.peer{index}"));
        for _ in 0..index / 40 {
            sender.fulfilled(&prepare("test.peer0", 7));
            sent += 1;
        }
    }
    let metrics = node.metrics();
    let named: Vec<&str> = metrics.labels("jirani_peer_info").iter().map(|l| &*l["peer"]).collect();
    assert_eq!(named.len(), 10);
    for index in senders.iter().chain(&[0]) {
        assert!(named.contains(&ids[*index].as_str()), "{index} has packets and no name");
    }
    let expected = "No. 280 \"of\" \\ many";
    assert!(metrics.labels("jirani_peer_info").iter().any(|labels| labels["name"] == expected));
    let mut peers: Vec<_> = metrics.labels("jirani_peer_packets_total");
    peers.retain(|labels| labels["outcome"] == "refused" && labels["direction"] == "in");
    assert_eq!(peers.len(), 12, "ten peers, the others, and the node");

    for direction in ["in", "out"] {
        let fulfilled = [("direction", direction), ("outcome", "fulfilled")];
        assert_eq!(metrics.sum("jirani_peer_packets_total", &fulfilled), sent);
        assert_eq!(metrics.number("jirani_packets_total", &fulfilled), sent);
        assert_eq!(metrics.sum("jirani_peer_amount_total", &fulfilled), 7 * sent);
    }
    assert_eq!(metrics.sum("jirani_peer_liquidity", &[]), PEERS as u64 * 1_000_000);
    assert_eq!(metrics.number("jirani_peers", &[]), PEERS as u64);
    assert!(!metrics.text.contains("for-test.") && metrics.text.len() < 200_000);

    // A removed peer stays in the sums, and its counts go to the others.
    let delete = "mutation($input: DeletePeerInput!) { deletePeer(input: $input) { success } }";
    node.query(delete, json!({ "input": { "id": ids[280] } }));
    let metrics = node.metrics();
    let fulfilled = [("direction", "in"), ("outcome", "fulfilled")];
    assert_eq!(metrics.number("jirani_packets_total", &fulfilled), sent);
    assert_eq!(metrics.sum("jirani_peer_packets_total", &fulfilled), sent);
    assert_eq!(metrics.peer_packets("other", "in"), [7, 0, 0]);
    assert_eq!(metrics.peer_amounts("other", "in"), [49, 0, 0]);
}

#[test]
fn a_secret_shuts_the_page_and_a_secret_of_its_own_opens_nothing_else() {
    let (admin, scraper) = ("the operator's own secret", "the watching program's secret");
    let node = DataDir::new(&[("JIRANI_ADMIN_SECRET", admin), ("JIRANI_METRICS_SECRET", scraper)]);
    let node = node.start();
    for secret in [admin, scraper] {
        assert_eq!(node.metrics_as(Some(secret)).number("jirani_peers", &[]), 0);
    }
    let ask = |method: &str, path: &str, headers: &[(&str, &str)], body: &str| {
        let mut connection = Connection::open(node.admin).unwrap();
        connection.request(method, path, headers, body.as_bytes()).unwrap()
    };
    let wrong = [("authorization", "Bearer the wrong secret")];
    for headers in [&[][..], &wrong[..]] {
        let response = ask("GET", "/metrics", headers, "");
        assert_eq!((response.status, response.header("www-authenticate")), (401, Some("Bearer")));
        assert!(!response.text().contains("jirani_"));
    }
    let scraper = format!("Bearer {scraper}");
    let headers = [("authorization", scraper.as_str()), ("content-type", "application/json")];
    let query = json!({ "query": "{ whoami { isOperator } }" }).to_string();
    assert_eq!(ask("POST", "/graphql", &headers, &query).status, 401);

    let open = Node::start();
    let mut connection = Connection::open(open.admin).unwrap();
    connection.write(b"GET /metrics HTTP/1.1\r\nhost: evil.example\r\n\r\n").unwrap();
    assert_eq!(
        connection.read_response().unwrap().status,
        403,
        "a page in a browser reads nothing"
    );
}

#[test]
fn a_scrape_while_packets_pass_never_sees_a_counter_fall() {
    let (node, stub) = (Node::start(), Stub::fulfilling());
    let asset = node.create_asset("USD", 2);
    node.create_peer(&asset, "test.alice", NOWHERE, json!({}));
    node.create_peer(&asset, "test.bob", &stub.endpoint(), json!({}));
    let fulfilled = [("direction", "in"), ("outcome", "fulfilled")];
    thread::scope(|scope| {
        for _ in 0..4 {
            let mut sender = node.sender("test.alice");
            scope.spawn(move || {
                for _ in 0..200 {
                    let reply = sender.send(&prepare("test.bob", 1));
                    assert!(matches!(reply, Reply::Fulfill(_)));
                }
            });
        }
        let mut last = 0;
        wait_for("all packets", || {
            let now = node.metrics().number("jirani_packets_total", &fulfilled);
            assert!(now >= last, "{last} fell to {now}");
            last = now;
            (now == 800).then_some(())
        });
    });
}

/// Both formats have the same samples; `promtool check metrics` reads only the classic one.
#[test]
fn plain_text_is_the_classic_format() {
    let node = Node::start();
    let asset = node.create_asset("USD", 2);
    let name = json!({ "name": "\"quoted\" \\ # HELP" });
    let id = node.create_peer(&asset, "test.alice", NOWHERE, name);
    let names = |metrics: &Exposition| {
        let lines = metrics.text.lines().filter(|line| !line.starts_with('#'));
        let names = lines.map(|line| line.rsplit_once(' ').unwrap().0.to_owned());
        names.collect::<Vec<_>>()
    };
    let open = node.metrics();
    for accept in ["text/plain", "text/plain;version=0.0.4;q=0.5,*/*;q=0.1"] {
        let classic = node.classic_metrics(accept);
        assert_eq!(classic.number("jirani_peer_liquidity", &liquidity_of(&id)), 1_000_000);
        assert_eq!(names(&classic), names(&open), "the same samples in the same order");
        assert!(classic.text.contains("\n# TYPE jirani_packets_total counter\n"));
        assert!(classic.text.contains("\n# TYPE jirani_peer_info gauge\n"));
    }
}

fn liquidity_of(peer: &str) -> [(&'static str, &str); 3] {
    [("peer", peer), ("asset", "USD"), ("scale", "2")]
}
