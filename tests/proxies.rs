//! The HTTP proxies of the environment: one rule for every request that carries no packet.

use std::{
    io::{BufReader, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::Arc,
    thread,
};

use parking_lot::Mutex;
use serde_json::{Value, json};

use crate::support::{
    Node,
    http::{read_body, read_head},
    jirani,
    packets::prepare,
    rates::{Mood, RatesService},
    stub::{Answer, Stub},
    wait_for,
    wallets::Amount,
};

/// A proxy on a free loopback port that answers in place of every server, and opens no tunnel.
struct Proxy {
    address: SocketAddr,
    /// The first line of each request, and its credentials.
    seen: Arc<Mutex<Vec<(String, String)>>>,
}

impl Proxy {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let proxy = Self { address: listener.local_addr().unwrap(), seen: Arc::default() };
        let seen = Arc::clone(&proxy.seen);
        // The thread ends with the process; no other test can meet the proxy.
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let seen = Arc::clone(&seen);
                thread::spawn(move || serve(stream, &seen));
            }
        });
        proxy
    }

    fn variables(&self) -> Vec<(String, String)> {
        let url = format!("http://user:hush@{}", self.address);
        // The environment of a machine behind a proxy: one name in lower case, one in upper case.
        vec![
            ("http_proxy".to_owned(), url.clone()),
            ("HTTPS_PROXY".to_owned(), url),
            ("NO_PROXY".to_owned(), "internal.example, 10.0.0.0/8".to_owned()),
        ]
    }

    fn saw(&self, line: &str) -> bool {
        let basic = "Basic dXNlcjpodXNo";
        self.seen.lock().iter().any(|(first, told)| first == line && told == basic)
    }
}

fn serve(stream: TcpStream, seen: &Mutex<Vec<(String, String)>>) -> Option<()> {
    let mut stream = BufReader::new(stream);
    loop {
        let (first, headers) = read_head(&mut stream).ok()?;
        read_body(&mut stream, &headers).ok()?;
        let told = headers.iter().find(|(name, _)| name == "proxy-authorization");
        let told = told.map(|(_, value)| value.clone()).unwrap_or_default();
        seen.lock().push((first.clone(), told));
        let (status, body) = if first.starts_with("CONNECT ") {
            (502, String::new())
        } else if let Some((_, base)) = first.split_once("?base=") {
            let base = base.split(' ').next()?;
            (200, json!({ "base": base, "rates": { "USD": 1.25, "EUR": 0.8 } }).to_string())
        } else {
            (200, json!({ "data": { "assets": { "edges": [], "pageInfo": { "endCursor": null, "hasNextPage": false } } } }).to_string())
        };
        let length = body.len();
        let answer = format!("HTTP/1.1 {status} X\r\ncontent-length: {length}\r\n\r\n{body}");
        stream.get_mut().write_all(answer.as_bytes()).ok()?;
    }
}

fn start(proxy: &Proxy, more: &[(&str, &str)]) -> Node {
    let variables = proxy.variables();
    let variables = variables.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    let environment: Vec<_> = variables.chain(more.iter().copied()).collect();
    Node::start_with(&environment)
}

/// Causes an event: a peer's liquidity falls to its threshold.
fn make_event(node: &Node, asset: &str) {
    let bob = Stub::fulfilling();
    let more = json!({ "initialLiquidity": 100, "liquidityThreshold": 50 });
    node.create_peer(asset, "test.alice", "http://127.0.0.1:1", more);
    node.create_peer(asset, "test.bob", &bob.endpoint(), json!({}));
    node.sender("test.alice").fulfilled(&prepare("test.bob", 60));
}

#[test]
fn rates_webhooks_receivers_and_commands_go_through_the_proxy_and_packets_do_not() {
    let proxy = Proxy::start();
    let settings = [
        ("JIRANI_RATES_URL", "http://rates.example/rates"),
        ("JIRANI_WEBHOOK_URL", "http://hooks.example/events?token=quiet"),
    ];
    let node = start(&proxy, &settings);
    let dollars = node.create_asset("USD", 2);
    node.create_asset("EUR", 2);
    wait_for("rates through the proxy", || {
        proxy.saw("GET http://rates.example/rates?base=USD HTTP/1.1").then_some(())
    });
    // The next hop is on this machine, and is reached without a proxy.
    make_event(&node, &dollars);
    wait_for("an event through the proxy", || {
        proxy.saw("POST http://hooks.example/events?token=quiet HTTP/1.1").then_some(())
    });
    let (wallet, _) = node.create_wallet(&dollars, "alice");
    let refused = node.quote(&wallet, "https://wallet.example/bob", Amount::Send(5)).unwrap_err();
    assert!(refused.to_string().contains("the HTTP proxy does not lead"), "{refused}");
    assert!(proxy.saw("CONNECT wallet.example:443 HTTP/1.1"), "{:?}", proxy.seen.lock());
    let input = json!({ "assetId": dollars, "peerUrl": "http://peering.example/" });
    let by_url = "mutation($input: CreateOrUpdatePeerByUrlInput!) {
        createOrUpdatePeerByUrl(input: $input) { code message } }";
    node.query(by_url, json!({ "input": input }));
    assert!(proxy.saw("POST http://peering.example/ HTTP/1.1"), "{:?}", proxy.seen.lock());

    let command = |url: &str| {
        let mut command = jirani();
        command.args(["asset", "list", "--url", url]).envs(proxy.variables());
        command.output().unwrap()
    };
    let output = command("http://node.example:3001");
    assert!(output.status.success(), "{output:?}");
    assert!(proxy.saw("POST http://node.example:3001/graphql HTTP/1.1"), "{:?}", proxy.seen.lock());
    let before = proxy.seen.lock().len();
    let output = command(&format!("http://{}", node.admin));
    assert!(String::from_utf8_lossy(&output.stdout).contains("EUR"), "{output:?}");
    assert!(proxy.seen.lock().iter().skip(before).all(|(first, _)| !first.contains("graphql")));
    let log = node.dir.log();
    assert!(!log.contains("hush") && !log.contains("quiet"), "{log}");
}

#[test]
fn this_machine_is_reached_without_the_proxy() {
    let proxy = Proxy::start();
    let service = RatesService::start(Mood::Rates(r#"{"EUR": 0.92, "USD": 1.08}"#));
    let receiver = Stub::start(|_| Answer::Status(204));
    let hook = format!("http://localhost:{}/events", receiver.address.port());
    let (rates, all) = (service.url(), format!("http://{}", proxy.address));
    let settings =
        [("JIRANI_RATES_URL", &*rates), ("JIRANI_WEBHOOK_URL", &*hook), ("ALL_PROXY", &*all)];
    let node = start(&proxy, &settings);
    let dollars = node.create_asset("USD", 2);
    node.create_asset("EUR", 2);
    make_event(&node, &dollars);
    wait_for("the event", || (!receiver.requests().is_empty()).then_some(()));
    wait_for("the rates", || {
        let rates = node.query("{ rates { base } }", json!({}));
        rates["rates"].as_array().is_some_and(|rates| !rates.is_empty()).then_some(())
    });
    let other = Node::start_with(&[("JIRANI_ILP_ADDRESS", "test.other")]);
    let there = other.create_asset("USD", 2);
    let (_, url) = other.create_wallet(&there, "bob");
    let (wallet, _) = node.create_wallet(&dollars, "alice");
    // There is no route for packets, but the receiver's server was asked.
    let refused = node.quote(&wallet, &url, Amount::Send(5)).unwrap_err();
    assert!(refused.to_string().contains("no route"), "{refused}");
    assert_eq!(*proxy.seen.lock(), Vec::new());
    let health: Value = node.health();
    assert_eq!(health["status"], "ok");
}
