//! Every error of an HTTP client, and the status of its answer.

use serde_json::json;

use crate::support::{
    Node,
    http::{Connection, Response},
    packets::{OCTETS, prepare},
    stub::Stub,
    wait_for,
};

struct Setup {
    node: Node,
    _bob: Stub,
}

fn setup() -> Setup {
    let (node, bob) = (Node::start(), Stub::fulfilling());
    let asset = node.create_asset("USD", 2);
    node.create_peer(&asset, "test.alice", "http://127.0.0.1:1", json!({}));
    node.create_peer(&asset, "test.bob", &bob.endpoint(), json!({}));
    Setup { node, _bob: bob }
}

impl Setup {
    fn request(&self, method: &str, headers: &[(&str, &str)], body: &[u8]) -> Response {
        let mut connection = Connection::open(self.node.ilp).unwrap();
        connection.request(method, "/any/path", headers, body).unwrap()
    }
}

const BEARER: (&str, &str) = ("authorization", "Bearer test.alice");

#[test]
fn any_path_and_spelling_of_the_scheme_will_do() {
    let setup = setup();
    let packet = prepare("test.bob", 1);
    for authorization in ["Bearer test.alice", "bearer test.alice", "BEARER test.alice"] {
        for content_type in ["application/octet-stream", "Application/Octet-Stream; x=y"] {
            let headers = [("authorization", authorization), ("content-type", content_type)];
            let response = setup.request("POST", &headers, &packet);
            assert_eq!(response.status, 200, "{}", response.text());
            assert_eq!(response.header("content-type"), Some("application/octet-stream"));
        }
    }
}

#[test]
fn no_token_and_a_wrong_one_get_the_same_answer() {
    let setup = setup();
    let packet = prepare("test.bob", 1);
    let mut answers = Vec::new();
    for authorization in [None, Some("Bearer "), Some("Bearer wrong"), Some("Basic test.alice")] {
        let mut headers = vec![OCTETS];
        headers.extend(authorization.map(|value| ("authorization", value)));
        let response = setup.request("POST", &headers, &packet);
        assert_eq!(response.status, 401, "{authorization:?}");
        assert_eq!(response.header("www-authenticate"), Some("Bearer"));
        answers.push(response.body);
    }
    assert!(answers.iter().all(|body| *body == answers[0]));
}

#[test]
fn other_methods_and_types_are_refused() {
    let setup = setup();
    let packet = prepare("test.bob", 1);
    for method in ["GET", "PUT", "DELETE", "PATCH"] {
        let response = setup.request(method, &[OCTETS, BEARER], &packet);
        assert_eq!((response.status, response.header("allow")), (405, Some("POST")), "{method}");
    }
    let json = ("content-type", "application/json");
    for headers in [vec![BEARER], vec![BEARER, json]] {
        assert_eq!(setup.request("POST", &headers, &packet).status, 415);
    }
}

#[test]
fn a_body_that_is_no_prepare_is_told_where_it_goes_wrong() {
    let setup = setup();
    let packet = prepare("test.bob", 1);
    let fulfill = crate::support::packets::fulfill();
    for body in [b"".as_slice(), b"\x0c\x80", b"hello", &fulfill, &packet[..40]] {
        let response = setup.request("POST", &[OCTETS, BEARER], body);
        assert_eq!(response.status, 400, "{body:?}");
        assert!(response.text().contains("byte"), "{}", response.text());
    }
}

#[test]
fn a_body_that_is_too_long_is_refused_before_it_is_read() {
    let setup = setup();
    let mut connection = Connection::open(setup.node.ilp).unwrap();
    let head = "POST / HTTP/1.1\r\nhost: x\r\nauthorization: Bearer test.alice\r\n\
                content-type: application/octet-stream\r\ncontent-length: 1000000000\r\n\r\n";
    connection.write(head.as_bytes()).unwrap();
    assert_eq!(connection.read_response().unwrap().status, 413);

    // A chunked body doesn't announce its length.
    let mut connection = Connection::open(setup.node.ilp).unwrap();
    let head = "POST / HTTP/1.1\r\nhost: x\r\nauthorization: Bearer test.alice\r\n\
                content-type: application/octet-stream\r\ntransfer-encoding: chunked\r\n\r\n";
    connection.write(head.as_bytes()).unwrap();
    let chunk = [b"8000\r\n".as_slice(), &[0; 0x8000], b"\r\n"].concat();
    // The node may close while the test is still writing.
    let _ = connection.write(&chunk).and_then(|()| connection.write(&chunk));
    assert_eq!(connection.read_response().unwrap().status, 413);
}

#[test]
fn the_longest_prepare_passes_and_one_byte_more_does_not() {
    let setup = setup();
    let longest = |data: &[u8]| {
        interledger_packet::PrepareBuilder {
            amount: 1,
            expires_at: crate::support::packets::in_ms(20_000),
            execution_condition: &crate::support::packets::condition(),
            destination: interledger_packet::Address::try_from("test.bob").unwrap().as_addr(),
            data,
        }
        .build()
    };
    let packet = longest(&[7; 32_767]).unwrap().into_bytes();
    assert_eq!(setup.request("POST", &[OCTETS, BEARER], &packet).status, 200);
    assert!(longest(&[7; 32_768]).is_err(), "our own builder refuses it too");
}

#[test]
fn a_peers_connection_beyond_the_limit_is_answered_503() {
    let node = Node::start_with(&[
        ("JIRANI_ILP_ADDRESS", "test.node"),
        ("JIRANI_ILP_CONNECTIONS_MAX", "2"),
    ]);
    let asset = node.create_asset("USD", 2);
    node.create_peer(&asset, "test.alice", "http://127.0.0.1:1", json!({}));
    let packet = prepare("test.nobody", 1);
    // One of the two places is for clients that have shown no token yet.
    let (mut first, mut second) = (node.sender("test.alice"), node.sender("test.alice"));
    assert_eq!(first.post(&packet).unwrap().status, 200);
    assert_eq!(second.post(&packet).unwrap().status, 503);
    assert_eq!(first.post(&packet).unwrap().status, 200);
    first.hang_up();
    wait_for("the place of the first", || {
        let response = node.sender("test.alice").post(&packet).ok()?;
        (response.status == 200).then_some(())
    });
}

#[test]
fn a_connection_beyond_the_limit_takes_the_place_of_one_without_a_token() {
    let setup = Node::start_with(&[
        ("JIRANI_ILP_ADDRESS", "test.node"),
        ("JIRANI_ILP_CONNECTIONS_MAX", "2"),
    ]);
    let get = |connection: &mut Connection| connection.request("GET", "/", &[], b"");
    let mut kept: Vec<_> = (0..2).map(|_| Connection::open(setup.ilp).unwrap()).collect();
    for connection in &mut kept {
        assert_eq!(get(connection).unwrap().status, 405);
    }
    let mut later: Vec<_> = (0..8).map(|_| Connection::open(setup.ilp).unwrap()).collect();
    let answered = later.iter_mut().filter_map(|connection| get(connection).ok());
    assert!(answered.filter(|answer| answer.status == 405).count() > 0, "none of the new ones");
    let left = kept.iter_mut().chain(&mut later).filter_map(|connection| get(connection).ok());
    assert!(left.count() <= 4, "the limit is two, and a few that have shown no token yet");
}
