//! Strangers and guessed secrets at the ports of the operator, of wallets and of auto-peering.

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
    thread,
    time::Duration,
};

use bytes::Bytes;
use serde_json::{Value, json};

use super::{
    LENGTH, MEMORY_KB_MAX,
    attacks::{Attack, Target},
};
use crate::support::{
    DataDir, Node, PATIENCE,
    http::{Connection, Response, get},
    socket::Socket,
    wait_for,
};

const SECRET: &str = "iyIgCprjb9uL8wFckR+pLEkJWMB7FJhgkvqhTQR/964=";
const JSON: (&str, &str) = ("content-type", "application/json");
const QUERY: &[u8] = br#"{"query": "{ whoami { id } }"}"#;

fn node_with_a_secret() -> Node {
    Node::start_with(&[("JIRANI_ILP_ADDRESS", "test.node"), ("JIRANI_ADMIN_SECRET", SECRET)])
}

fn stranger(port: SocketAddr) -> Target {
    Target { port, token: String::new(), packet: Bytes::new() }
}

/// Sends a query as the operator over a new connection.
fn asks(node: &Node, secret: &str) -> std::io::Result<Response> {
    let authorization = format!("Bearer {secret}");
    let headers = [JSON, ("authorization", authorization.as_str())];
    Connection::open(node.admin)?.request("POST", "/graphql", &headers, QUERY)
}

/// Checks that the operator and the health check get their answers at the first attempt.
fn serves_the_operator(node: &Node) {
    for _ in 0..4 {
        assert_eq!(get(node.admin, "/healthz").unwrap().status, 200);
        let answer = asks(node, SECRET).unwrap();
        assert_eq!(answer.status, 200, "{}", answer.text());
    }
}

#[test]
fn silent_connections_keep_the_operator_from_nothing() {
    let node = node_with_a_secret();
    for attack in [Attack::Silent { connections: 400 }, Attack::SlowHeads { connections: 400 }] {
        let siege = attack.start(&stranger(node.admin));
        thread::sleep(LENGTH / 4);
        serves_the_operator(&node);
        siege.end();
    }
}

#[test]
fn clients_that_ask_the_admin_port_and_never_read_are_cut() {
    let node = node_with_a_secret();
    let siege = Attack::Pipelined { connections: 300 }.start(&stranger(node.admin));
    thread::sleep(LENGTH / 4);
    serves_the_operator(&node);
    siege.end();
    // A single connection, which takes no other client's place, is cut too.
    let mut stream = TcpStream::connect(node.admin).unwrap();
    stream.set_write_timeout(Some(Duration::from_millis(100))).unwrap();
    let many = b"GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n".repeat(1_000);
    wait_for("the end of the connection", || {
        let error = stream.write_all(&many).err()?;
        (error.kind() != std::io::ErrorKind::WouldBlock).then_some(())
    });
    assert!(node.memory_kb("VmHWM") < MEMORY_KB_MAX);
}

#[test]
fn slow_bodies_and_websockets_of_strangers_keep_the_operator_from_nothing() {
    let node = node_with_a_secret();
    let slow: Vec<TcpStream> = (0..80)
        .map(|_| {
            let mut stream = TcpStream::connect(node.admin).unwrap();
            let head = "POST /graphql HTTP/1.1\r\nhost: localhost\r\ncontent-type: \
                        application/json\r\ncontent-length: 5000\r\n\r\n{";
            stream.write_all(head.as_bytes()).unwrap();
            stream
        })
        .collect();
    serves_the_operator(&node);
    let sockets: Vec<Socket> = (0..64).map(|_| Socket::upgraded(&node)).collect();
    serves_the_operator(&node);
    // The operator can open a WebSocket as well.
    let mut own = Socket::upgraded(&node);
    let shown = json!({ "authorization": format!("Bearer {SECRET}") });
    own.send(&json!({ "type": "connection_init", "payload": shown }));
    assert_eq!(own.read()["type"], "connection_ack");
    drop((slow, sockets));
}

/// Sends a query from another address of the loopback network, which is another source for the
/// node.
fn asks_from(node: &Node, source: [u8; 4], secret: &str) -> u16 {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let stream = runtime.block_on(async {
        let socket = tokio::net::TcpSocket::new_v4().unwrap();
        socket.bind(SocketAddr::from((source, 0))).unwrap();
        socket.connect(node.admin).await.unwrap().into_std().unwrap()
    });
    stream.set_nonblocking(false).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut stream = stream;
    let head = format!(
        "POST /graphql HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-type: \
         application/json\r\nauthorization: Bearer {secret}\r\ncontent-length: {}\r\n\r\n",
        QUERY.len()
    );
    stream.write_all(&[head.as_bytes(), QUERY].concat()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer[9..12].parse().unwrap()
}

#[test]
fn guesses_of_the_secret_are_bounded_by_source_and_lock_nobody_out() {
    let node = node_with_a_secret();
    let statuses: Vec<u16> =
        (0..100).map(|guess| asks_from(&node, [127, 0, 0, 2], &format!("guess {guess}"))).collect();
    assert_eq!(statuses[0], 401);
    let refused = statuses.iter().filter(|status| **status == 429).count();
    assert!(refused >= 80, "{refused} of 100 guesses were refused unread");
    assert_eq!(asks_from(&node, [127, 0, 0, 3], SECRET), 200);
    assert_eq!(asks(&node, SECRET).unwrap().status, 200);
    // A client on the node's own machine is not locked out by the failed attempts of others there.
    assert_eq!(asks_from(&node, [127, 0, 0, 2], SECRET), 200);
}

#[test]
fn wrong_sign_ins_lock_no_operator_out() {
    let node = node_with_a_secret();
    let form = |secret: &str| {
        let page = get(node.admin, "/sign-in").unwrap();
        let text = page.text().to_owned();
        let token = text.split("name=\"form_token\" value=\"").nth(1);
        let token = token.unwrap_or_else(|| panic!("{text}")).split('"').next().unwrap().to_owned();
        let body = format!("form_token={token}&next=/&secret={}", secret.replace('+', "%2B"));
        let headers = [
            ("content-type", "application/x-www-form-urlencoded"),
            ("sec-fetch-site", "same-origin"),
        ];
        let mut connection = Connection::open(node.admin).unwrap();
        connection.request("POST", "/sign-in", &headers, body.as_bytes()).unwrap().status
    };
    let wrong: Vec<u16> = (0..30).map(|_| form("a wrong secret")).collect();
    assert_eq!((wrong[0], wrong[29]), (401, 429));
    assert_eq!(form(SECRET), 303);
}

#[test]
fn silent_connections_shut_neither_the_wallets_port_nor_auto_peering() {
    let limit = usize::try_from(rlimit::increase_nofile_limit(4_096).unwrap()).unwrap();
    let connections = limit.saturating_sub(500).min(1_500);
    let environment = [
        ("JIRANI_ILP_ADDRESS", "test.node"),
        ("JIRANI_AUTO_PEERING", "true"),
        ("JIRANI_AUTO_PEERING_LISTEN", "127.0.0.1:0"),
    ];
    let node = DataDir::new(&environment).start();
    let file = std::fs::read_to_string(node.dir.data().join("node.json")).unwrap();
    let file: Value = serde_json::from_str(&file).unwrap();
    let peering: SocketAddr = file["auto_peering"]["listen"].as_str().unwrap().parse().unwrap();
    for (port, request) in [(node.wallet, ("GET", "/nobody")), (peering, ("POST", "/"))] {
        for attack in [
            Attack::Silent { connections },
            Attack::SlowHeads { connections },
            Attack::Pipelined { connections: 300 },
        ] {
            let siege = attack.start(&stranger(port));
            thread::sleep(LENGTH / 4);
            for _ in 0..10 {
                let (method, path) = request;
                let answer = wait_for("an answer", || {
                    Connection::open(port).ok()?.request(method, path, &[], b"").ok()
                });
                assert!(answer.status >= 400, "{}", answer.status);
            }
            siege.end();
        }
    }
    assert!(node.memory_kb("VmHWM") < MEMORY_KB_MAX);
}
