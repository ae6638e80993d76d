//! Hostile or broken clients, which must harm neither a node nor the packets of others.

use std::{
    io::{Read, Write},
    net::TcpStream,
};

use serde_json::json;

use crate::support::{
    Node, PATIENCE,
    http::Connection,
    packets::{OCTETS, prepare},
    stub::Stub,
};

fn node_with_peers() -> (Node, Stub) {
    let (node, bob) = (Node::start(), Stub::fulfilling());
    let asset = node.create_asset("USD", 2);
    node.create_peer(&asset, "test.alice", "http://127.0.0.1:1", json!({}));
    node.create_peer(&asset, "test.bob", &bob.endpoint(), json!({}));
    (node, bob)
}

/// Returns the same random bytes in each run (xorshift64).
fn random_bytes(seed: u64, count: usize) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()[3]
    };
    (0..count).map(|_| next()).collect()
}

#[test]
fn random_bodies_and_packets_cut_at_every_length_are_refused_and_harm_nobody() {
    let (node, bob) = node_with_peers();
    let packet = prepare("test.bob", 1);
    let mut sender = node.sender("test.alice");
    for length in 0..packet.len() {
        let response = sender.post(&packet[..length]).unwrap();
        assert_eq!(response.status, 400, "cut at {length}");
    }
    for seed in 0..500 {
        let body = random_bytes(seed, (seed as usize * 67) % 4_000);
        assert_eq!(sender.post(&body).unwrap().status, 400, "seed {seed}");
    }
    for index in 0..packet.len() {
        let mut broken = packet.to_vec();
        broken[index] ^= 0x80;
        let status = sender.post(&broken).unwrap().status;
        assert!(status == 200 || status == 400, "{status} for a flip at {index}");
    }
    // Only packets to bob reached him.
    assert!(bob.requests().len() < packet.len());
    sender.fulfilled(&packet);
}

#[test]
fn a_head_that_never_ends_is_refused_at_the_admin_port_too() {
    let node = Node::start();
    let json = ("content-type", "application/json");
    let body = br#"{"query": "{ whoami { id } }"}"#;
    let ask = |length: usize| {
        let mut connection = Connection::open(node.admin).unwrap();
        let padding = "x".repeat(length);
        let headers = [json, ("x-padding", padding.as_str())];
        connection.request("POST", "/graphql", &headers, body).map(|answer| answer.status)
    };
    assert_eq!(ask(16 * 1024).unwrap(), 200);
    // The client may see the end of the connection before the answer.
    assert_eq!(ask(64 * 1024).unwrap_or(431), 431);
    assert_eq!(ask(0).unwrap(), 200);
}

#[test]
fn bytes_that_are_no_http_end_their_connection_only() {
    let (node, _bob) = node_with_peers();
    let mut sender = node.sender("test.alice");
    for seed in 0..100 {
        let mut connection = Connection::open(node.ilp).unwrap();
        let _ = connection.write(&random_bytes(seed, 700));
        let _ = connection.write(b"\r\n\r\n");
        let _ = connection.read_to_end();
        let mut admin = Connection::open(node.admin).unwrap();
        let _ = admin.write(&random_bytes(seed, 700));
        let _ = admin.write(b"\r\n\r\n");
        drop(admin);
    }
    sender.fulfilled(&prepare("test.bob", 1));
}

#[test]
fn a_head_that_never_ends_is_cut_off() {
    let (node, _bob) = node_with_peers();
    let mut connection = Connection::open(node.ilp).unwrap();
    connection.write(b"POST / HTTP/1.1\r\nhost: x\r\n").unwrap();
    let line = format!("x-filler: {}\r\n", "y".repeat(1_000));
    // 10 MB is far beyond any buffer; the node refuses long before and closes.
    let refused = (0..10_000).any(|_| connection.write(line.as_bytes()).is_err());
    assert!(refused, "10 MB of headers were taken");
    node.sender("test.alice").fulfilled(&prepare("test.bob", 1));
}

#[test]
fn clients_that_dawdle_are_cut_while_others_are_served() {
    let (node, _bob) = node_with_peers();
    let mut silent: Vec<_> = (0..50).map(|_| Connection::open(node.ilp).unwrap()).collect();
    let mut half_head: Vec<_> = (0..50).map(|_| Connection::open(node.ilp).unwrap()).collect();
    for connection in &mut half_head {
        connection.write(b"POST / HTTP/1.1\r\nhost:").unwrap();
    }
    let mut half_body: Vec<_> = (0..50).map(|_| node.sender("test.alice")).collect();
    for sender in &mut half_body {
        sender.write_all_but_the_last_byte(&prepare("test.bob", 1));
    }
    node.sender("test.alice").fulfilled(&prepare("test.bob", 1));
    for connection in silent.iter_mut().chain(&mut half_head) {
        // The node may answer with a refusal or close without one.
        let _ = connection.read_to_end().expect("the node closes the connection");
    }
    for sender in &mut half_body {
        let response = sender.read_response().expect("the node answers");
        assert_eq!(response.status, 400, "{}", response.text());
    }
}

#[test]
fn ten_thousand_connections_are_held_and_packets_still_flow() {
    // Each connection takes a file descriptor in this process as well.
    let limit = rlimit::increase_nofile_limit(10_500).unwrap();
    let count = usize::try_from(limit).unwrap().saturating_sub(500).min(10_000);
    let (node, _bob) = node_with_peers();
    let bearer = ("authorization", "Bearer test.alice");
    // Each connection sends a request at once, cheap to refuse: one without a request is closed
    // after ten seconds, and a slow machine may take longer to open them all.
    let question = prepare("test.nobody", 1);
    let mut connections: Vec<_> = (0..count)
        .map(|index| {
            let mut connection = Connection::open(node.ilp)
                .unwrap_or_else(|error| panic!("connection {index}: {error}"));
            let response = connection.request("POST", "/", &[OCTETS, bearer], &question).unwrap();
            assert_eq!(response.status, 200);
            connection
        })
        .collect();
    let mut sender = node.sender("test.alice");
    for _ in 0..100 {
        sender.fulfilled(&prepare("test.bob", 1));
    }
    // Every hundredth connection carries a packet too, so the node holds them and the system's
    // backlog doesn't.
    for connection in connections.iter_mut().step_by(100) {
        let packet = prepare("test.bob", 1);
        let response = connection.request("POST", "/", &[OCTETS, bearer], &packet).unwrap();
        assert_eq!(response.status, 200);
    }
    println!("{count} connections open: {} kB resident", node.memory_kb("VmRSS"));
    drop(connections);
    sender.fulfilled(&prepare("test.bob", 1));
}

#[test]
fn admin_requests_that_are_no_graphql_are_refused_with_a_reason() {
    let node = Node::start();
    let post = |body: &[u8]| {
        let mut connection = Connection::open(node.admin).unwrap();
        connection.request("POST", "/graphql", &[("content-type", "application/json")], body)
    };
    for body in [b"".as_slice(), b"{", b"[]", b"null", b"\xff\xfe", b"{\"query\": 1}", b"{}"] {
        let response = post(body).unwrap();
        assert!((400..500).contains(&response.status), "{} for {body:?}", response.status);
    }
    let deep = format!("{{\"query\": \"{}\"}}", "{a".repeat(20_000));
    assert!(post(deep.as_bytes()).is_ok_and(|response| response.status < 500));
    // Thirty fragments, each of which spreads the next one twice: a thousand million steps to walk.
    let mut doubling = "query { ...F0 } fragment F30 on Query { __typename }".to_owned();
    for level in 0..30 {
        let next = level + 1;
        doubling.push_str(&format!(" fragment F{level} on Query {{ ...F{next} ...F{next} }}"));
    }
    let response = post(json!({ "query": doubling }).to_string().as_bytes()).unwrap();
    assert_eq!(response.status, 400, "{}", response.text());
    let long = vec![b' '; 8 * 1024 * 1024];
    let refused = post(&long).map_or(true, |response| response.status == 413);
    assert!(refused, "8 MB of query were taken");
    assert_eq!(crate::support::http::get(node.admin, "/healthz").unwrap().status, 200);
}

/// Makes a PING frame of HTTP/2 (RFC 9113, section 6.7).
fn ping(is_answer: bool, data: [u8; 8]) -> Vec<u8> {
    [&[0, 0, 8, 6, u8::from(is_answer), 0, 0, 0, 0], &data[..]].concat()
}

/// The HTTP/2 library warns of each answer to a ping that it never sent.
#[test]
fn a_stranger_writes_one_line_into_the_log_however_often_it_asks_for_one() {
    const WARNED: &str = "recv PING ack that we never sent";
    let node = Node::start();
    let mut stranger = TcpStream::connect(node.ilp).unwrap();
    stranger.set_read_timeout(Some(PATIENCE)).unwrap();
    stranger.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0").unwrap();
    for _ in 0..5_000 {
        stranger.write_all(&ping(true, [7; 8])).unwrap();
    }
    // The node answers this ping once it has read everything before.
    stranger.write_all(&ping(false, *b"question")).unwrap();
    let mut heard = Vec::new();
    while !heard.ends_with(&ping(true, *b"question")) {
        let mut byte = [0];
        stranger.read_exact(&mut byte).unwrap();
        heard.extend(byte);
    }
    let lines = |log: &str| log.lines().filter(|line| line.contains(WARNED)).count();
    assert_eq!(lines(&node.dir.log()), 1);
    // The log counts the other warnings, at the end of the minute or of the node.
    let log = node.stop().log();
    assert_eq!(lines(&log), 2, "{log}");
    assert!(log.contains("left out within a minute") && log.contains("lines=4999"), "{log}");
}
