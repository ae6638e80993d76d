//! The reason why a peer can't be reached: the operator sees it on every surface, and gets one
//! report of each change.

use std::process::Output;

use serde_json::{Value, json};

use crate::support::{
    Node,
    http::Connection,
    jirani,
    packets::{fulfill, prepare},
    stub::{Answer, Stub},
    wait_for,
};

fn run(node: &Node, arguments: &[&str]) -> Output {
    let url = format!("http://{}", node.admin);
    jirani().args(arguments).env("JIRANI_ADMIN_URL", url).output().unwrap()
}

fn page(node: &Node, path: &str) -> String {
    Connection::open(node.admin).unwrap().request("GET", path, &[], b"").unwrap().text()
}

fn last_failure(node: &Node, peer: &str) -> Value {
    let query = "query($id: String!) { peer(id: $id) {
        state lastFailure { kind message httpStatus at count } } }";
    node.query(query, json!({ "id": peer }))["peer"]["lastFailure"].clone()
}

#[test]
fn each_cause_is_named_by_ping_by_the_command_by_the_query_and_on_the_page() {
    let node = Node::start();
    let asset = node.create_asset("USD", 2);
    let answers = |answer: fn() -> Answer| Stub::start(move |_| answer());
    let status = |status: &'static str| format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\n\r\n");
    let unauthorized = Stub::start({
        let head = status("401 X");
        move |_| Answer::Raw(head.clone().into())
    });
    let missing = answers(|| Answer::Status(404));
    let busy = answers(|| Answer::Status(503));
    let not_http = answers(|| Answer::Raw(b"SSH-2.0-OpenSSH_9.2\r\n".to_vec()));
    let not_ilp = answers(|| Answer::Reply(b"<!doctype html>".to_vec()));
    let closing = answers(|| Answer::Close);
    let no_tls = format!("https://{}", missing.address);
    let dead = {
        let gone = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        format!("http://{}", gone.local_addr().unwrap())
    };
    for (name, endpoint, kind, words) in [
        ("unauthorized", &unauthorized.endpoint(), "unauthorized", "the peer refuses our token"),
        ("missing", &missing.endpoint(), "status", "HTTP status 404"),
        ("busy", &busy.endpoint(), "busy", "HTTP status 503"),
        ("nothttp", &not_http.endpoint(), "not_http", "does not speak HTTP"),
        ("notilp", &not_ilp.endpoint(), "not_ilp", "the reply is not an ILP packet"),
        ("closing", &closing.endpoint(), "closed", "closed the connection"),
        ("tls", &no_tls, "tls", "TLS failed"),
        ("refused", &dead, "refused", "connection refused"),
    ] {
        let address = format!("test.{name}");
        let peer = node.create_peer(&asset, &address, endpoint, json!({}));
        assert_eq!(last_failure(&node, &peer), Value::Null, "{name}");
        let pinged = run(&node, &["ping", &address]);
        let said = String::from_utf8_lossy(&pinged.stderr).into_owned();
        assert!(pinged.status.code() == Some(1) && said.contains(words), "{name}: {said}");
        assert!(!said.contains("an error of the stub"), "{said}");
        let failure = last_failure(&node, &peer);
        assert_eq!((&failure["kind"], &failure["count"]), (&json!(kind), &json!("1")), "{failure}");
        assert!(failure["message"].as_str().unwrap().contains(words), "{failure}");
        let shown = run(&node, &["peer", "show", &address]);
        let shown = String::from_utf8_lossy(&shown.stdout).into_owned();
        assert!(shown.contains(words), "{name}: {shown}");
        let page = page(&node, &format!("/peers/{peer}")).replace("&#39;", "'");
        assert!(page.contains(words) && page.contains("Last failure"), "{name}: {page}");
    }
}

#[test]
fn each_change_of_a_peer_is_one_line_in_the_log_and_one_event() {
    let node = Node::start();
    let asset = node.create_asset("USD", 2);
    node.create_peer(&asset, "test.alice", "http://127.0.0.1:1", json!({}));
    let is_well = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
    let state = std::sync::Arc::clone(&is_well);
    let bob = Stub::start(move |_| {
        if state.load(std::sync::atomic::Ordering::SeqCst) {
            Answer::Reply(fulfill().into())
        } else {
            Answer::Status(401)
        }
    });
    let peer = node.create_peer(&asset, "test.bob", &bob.endpoint(), json!({}));
    let mut sender = node.sender("test.alice");
    for _ in 0..5 {
        let refused = sender.rejected(&prepare("test.bob", 1));
        assert!(!refused.message_lossy().contains("stub"), "{refused:?}");
    }
    let events = |kind: &str| {
        let query = "query($kind: String!) { webhookEvents(filter: { type: { in: [$kind] } }) {
            edges { node { data } } } }";
        let found = node.query(query, json!({ "kind": kind }));
        found["webhookEvents"]["edges"].as_array().unwrap().clone()
    };
    let lines = |words: &str| node.dir.log().lines().filter(|line| line.contains(words)).count();
    let unreachable = wait_for("the event", || events("peer.unreachable").first().cloned());
    let data = &unreachable["node"]["data"];
    assert_eq!((&data["id"], &data["staticIlpAddress"]), (&json!(peer), &json!("test.bob")));
    assert_eq!(data["lastFailure"]["kind"], "unauthorized", "{data}");
    assert_eq!(data["lastFailure"]["httpStatus"], 401, "{data}");
    assert_eq!(lines("a peer can't be reached"), 1, "{}", node.dir.log());
    assert_eq!(events("peer.reachable").len(), 0);

    is_well.store(true, std::sync::atomic::Ordering::SeqCst);
    sender.fulfilled(&prepare("test.bob", 1));
    sender.fulfilled(&prepare("test.bob", 1));
    wait_for("the event", || events("peer.reachable").first().cloned());
    assert_eq!(lines("a peer that could not be reached answers again"), 1, "{}", node.dir.log());
    assert_eq!(lines("a peer can't be reached"), 1, "{}", node.dir.log());
    assert_eq!((events("peer.unreachable").len(), events("peer.reachable").len()), (1, 1));
    assert!(!node.dir.log().contains("an error of the stub"));
}
