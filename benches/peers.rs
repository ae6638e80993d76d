//! A hundred thousand peers through the API of a real node: how fast they are made at the begin and
//! at the end, how long pages of the list take wherever they lie, and the operator's pages, what it
//! costs to follow one of those, how long a restart takes until the node is ready, and its memory.
//!
//! `cargo bench --bench peers` takes some minutes; `-- --peers N` makes another number of them.

use std::{
    fs,
    io::{self, BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpStream},
    path::Path,
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use serde_json::{Value, json};

const PEERS: usize = 100_000;
/// How many at either end are shown apart.
const END: usize = 1_000;
const PAGE: usize = 100;
/// Requests under way at once in the second way of making peers.
const CLIENTS: usize = 8;
const PATIENCE: Duration = Duration::from_secs(300);

const CREATE: &str = "mutation($input: CreatePeerInput!) {
    createPeer(input: $input) { code message peer { id } } }";
const LIST: &str = "query($first: Int, $last: Int, $after: String, $order: SortOrder) {
    peers(first: $first, last: $last, after: $after, sortOrder: $order) {
        edges { node { id staticIlpAddress name liquidity asset { code } routes } }
        pageInfo { endCursor hasNextPage } } }";

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let is_check = arguments.iter().any(|argument| argument == "--test");
    let given = arguments.iter().position(|argument| argument == "--peers");
    let given = given.and_then(|at| arguments.get(at + 1)?.parse().ok());
    let peers = given.unwrap_or(if is_check { 2 * END } else { PEERS });
    let dir = tempfile::tempdir().expect("a folder for the node");
    let node = Node::start(dir.path());
    println!("idle: {} MB resident", node.memory_mb());
    let asset = node.client().create_asset();
    let took = make(&node, &asset, peers);
    println!("{peers} peers made in {:.1} s; {} MB resident", took.as_secs_f64(), node.memory_mb());
    list(&node, peers);
    look(&node);
    follow(&node);
    node.stop();
    let began = Instant::now();
    let node = Node::start(dir.path());
    let after = node.memory_mb();
    println!("restart to ready: {:.2} s; {after} MB resident", began.elapsed().as_secs_f64());
    list(&node, peers);
    node.stop();
}

/// One after the other at both ends, so that each shows its own time, and several at once between.
fn make(node: &Node, asset: &str, peers: usize) -> Duration {
    let began = Instant::now();
    show_end("first", &mut node.client(), asset, 0);
    let (from, to) = (END, peers.saturating_sub(END).max(END));
    let middle = Instant::now();
    thread::scope(|scope| {
        for number in 0..CLIENTS {
            let mut client = node.client();
            scope.spawn(move || {
                for index in (from + number..to).step_by(CLIENTS) {
                    client.create_peer(asset, index);
                }
            });
        }
    });
    let rate = (to - from) as f64 / middle.elapsed().as_secs_f64();
    println!("between, {CLIENTS} at once: {rate:.0} a second");
    // The node ends connections that say nothing for half a minute, so a fresh one.
    show_end("last", &mut node.client(), asset, to);
    began.elapsed()
}

fn show_end(name: &str, client: &mut Client, asset: &str, from: usize) {
    let began = Instant::now();
    let mut times: Vec<Duration> =
        (from..from + END).map(|index| client.create_peer(asset, index)).collect();
    let rate = END as f64 / began.elapsed().as_secs_f64();
    times.sort_unstable();
    println!(
        "{name} {END}, one at a time: {rate:.0} a second, p50 {:.2} ms, p99 {:.2} ms",
        ms(times[END / 2]),
        ms(times[END * 99 / 100])
    );
}

/// Pages at the start, in the middle and at the end of the list, each asked for several times.
fn list(node: &Node, peers: usize) {
    let mut client = node.client();
    let mut after = Value::Null;
    // The middle is found by going there, since a cursor is all that leads there.
    let mut middle = Value::Null;
    let mut seen = 0;
    let walk = Instant::now();
    loop {
        let page = client.page(json!({ "first": PAGE, "after": after }));
        seen += page["edges"].as_array().map_or(0, Vec::len);
        after = page["pageInfo"]["endCursor"].clone();
        if seen <= peers / 2 {
            middle = after.clone();
        }
        if page["pageInfo"]["hasNextPage"] != true {
            break;
        }
    }
    let walked = walk.elapsed();
    assert_eq!(seen, peers, "every peer is listed once");
    for (name, variables) in [
        ("start", json!({ "first": PAGE })),
        ("middle", json!({ "first": PAGE, "after": middle })),
        ("end", json!({ "last": PAGE })),
        ("start, oldest first", json!({ "first": PAGE, "order": "ASC" })),
    ] {
        let mut times: Vec<Duration> = (0..50)
            .map(|_| {
                let began = Instant::now();
                client.page(variables.clone());
                began.elapsed()
            })
            .collect();
        times.sort_unstable();
        println!(
            "page of {PAGE} at the {name}: p50 {:.2} ms, most {:.2} ms",
            ms(times[25]),
            ms(times[49])
        );
    }
    println!("all {} pages: {:.2} s", seen.div_ceil(PAGE), walked.as_secs_f64());
}

/// The operator's pages that have to do with peers, as a browser asks for them.
fn look(node: &Node) {
    let mut client = node.client();
    for (name, path) in [
        ("the overview", "/"),
        ("the list of peers", "/peers"),
        ("a search that finds the oldest", "/peers?q=peer0"),
        ("the form of a new peer", "/peers/new"),
    ] {
        let mut times: Vec<Duration> = (0..50)
            .map(|_| {
                let began = Instant::now();
                assert_eq!(client.get(path), 200, "{path}");
                began.elapsed()
            })
            .collect();
        times.sort_unstable();
        println!("page of {name}: p50 {:.2} ms, most {:.2} ms", ms(times[25]), ms(times[49]));
    }
}

/// What it costs the node when somebody follows the overview, which has to look at every peer: its
/// time on a processor with a follower and without.
fn follow(node: &Node) {
    const WATCHED: Duration = Duration::from_secs(10);
    let idle = node.cpu_ms(WATCHED);
    let mut client = node.client();
    let request = b"GET /live/overview HTTP/1.1\r\nhost: localhost\r\n\r\n";
    client.stream.get_mut().write_all(request).expect("a request");
    let stream = client.stream.get_ref().try_clone().expect("a socket");
    let reader = thread::spawn(move || io::copy(&mut client.stream, &mut io::sink()));
    let followed = node.cpu_ms(WATCHED);
    stream.shutdown(std::net::Shutdown::Both).expect("the end of it");
    let told = reader.join().expect("a reader").unwrap_or_default();
    let seconds = WATCHED.as_secs();
    println!(
        "the overview followed for {seconds} s: {followed} ms of CPU, {idle} ms without; {told} bytes told"
    );
}

fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1_000.0
}

/// The daemon, built as this benchmark is.
struct Node {
    process: Child,
    admin: SocketAddr,
}

impl Node {
    /// Starts it and waits until it is ready.
    fn start(dir: &Path) -> Self {
        let file = dir.join("data/node.json");
        let _ = fs::remove_file(&file);
        let process = Command::new(env!("CARGO_BIN_EXE_jirani"))
            .env_clear()
            .env("JIRANI_DATA_DIR", dir.join("data"))
            .env("JIRANI_ILP_ADDRESS", "test.node")
            .env("JIRANI_ILP_LISTEN", "127.0.0.1:0")
            .env("JIRANI_ADMIN_LISTEN", "127.0.0.1:0")
            .env("JIRANI_LOG", "info")
            .stderr(fs::File::create(dir.join("log")).expect("a log"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()
            .expect("the node starts");
        let began = Instant::now();
        let admin = loop {
            assert!(began.elapsed() < PATIENCE, "the node isn't there");
            let text = fs::read_to_string(&file).unwrap_or_default();
            let file: Value = serde_json::from_str(&text).unwrap_or_default();
            match file["admin"]["listen"].as_str().and_then(|at| at.parse().ok()) {
                Some(admin) => break admin,
                None => thread::sleep(Duration::from_millis(2)),
            }
        };
        let node = Self { process, admin };
        while node.client().get("/readyz") != 200 {
            assert!(began.elapsed() < PATIENCE, "the node isn't ready");
            thread::sleep(Duration::from_millis(2));
        }
        node
    }

    fn client(&self) -> Client {
        let stream = TcpStream::connect(self.admin).expect("the admin port");
        stream.set_nodelay(true).expect("a socket option");
        Client { stream: BufReader::new(stream) }
    }

    /// Time on a processor within so long, in milliseconds; the system counts it in hundredths.
    fn cpu_ms(&self, within: Duration) -> u64 {
        let ticks = || {
            let stat = fs::read_to_string(format!("/proc/{}/stat", self.process.id()));
            let stat = stat.unwrap_or_default();
            let (_, fields) = stat.rsplit_once(')').unwrap_or_default();
            let used = fields.split_whitespace().skip(11).take(2);
            used.filter_map(|ticks| ticks.parse::<u64>().ok()).sum::<u64>()
        };
        let before = ticks();
        thread::sleep(within);
        (ticks() - before) * 10
    }

    fn memory_mb(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.process.id()));
        let status = status.unwrap_or_default();
        let line = status.lines().find(|line| line.starts_with("VmRSS")).unwrap_or_default();
        line.split_whitespace().nth(1).and_then(|kb| kb.parse::<u64>().ok()).unwrap_or(0) / 1024
    }

    fn stop(mut self) {
        let id = self.process.id().to_string();
        let _ = Command::new("kill").args(["-TERM", &id]).status();
        let status = self.process.wait().expect("the node's end");
        assert!(status.success(), "{status}");
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// One connection, kept alive.
struct Client {
    stream: BufReader<TcpStream>,
}

impl Client {
    fn create_asset(&mut self) -> String {
        let query = "mutation { createAsset(input: {code: \"USD\", scale: 2}) { asset { id } } }";
        let answer = self.query(query, json!({}));
        answer["createAsset"]["asset"]["id"].as_str().expect("an asset").to_owned()
    }

    fn create_peer(&mut self, asset: &str, index: usize) -> Duration {
        let input = json!({
            "staticIlpAddress": format!("test.peer{index}"),
            "name": format!("Peer {index}"),
            "http": {
                "incoming": { "authTokens": [format!("token-of-peer-{index}")] },
                "outgoing": { "endpoint": "http://127.0.0.1:1", "authToken": "theirs" },
            },
            "assetId": asset,
            "initialLiquidity": "1000000",
        });
        let began = Instant::now();
        let answer = self.query(CREATE, json!({ "input": input }));
        assert_eq!(answer["createPeer"]["code"], "200", "{answer}");
        began.elapsed()
    }

    fn page(&mut self, variables: Value) -> Value {
        self.query(LIST, variables)["peers"].take()
    }

    fn query(&mut self, query: &str, variables: Value) -> Value {
        let body = json!({ "query": query, "variables": variables }).to_string();
        let head = format!(
            "POST /graphql HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n\
             content-length: {}\r\n\r\n",
            body.len()
        );
        let (status, body) = self.exchange(&[head.as_bytes(), body.as_bytes()].concat());
        let mut answer: Value = serde_json::from_slice(&body).expect("JSON");
        assert!(status == 200 && answer["errors"].is_null(), "{status} {answer}");
        answer["data"].take()
    }

    fn get(&mut self, path: &str) -> u16 {
        self.exchange(format!("GET {path} HTTP/1.1\r\nhost: localhost\r\n\r\n").as_bytes()).0
    }

    fn exchange(&mut self, request: &[u8]) -> (u16, Vec<u8>) {
        self.try_exchange(request).expect("an answer")
    }

    fn try_exchange(&mut self, request: &[u8]) -> io::Result<(u16, Vec<u8>)> {
        self.stream.get_mut().write_all(request)?;
        let (mut status, mut length) = (0, 0);
        loop {
            let mut line = String::new();
            self.stream.read_line(&mut line)?;
            let line = line.trim_end().to_ascii_lowercase();
            if line.is_empty() {
                break;
            }
            if let Some(rest) = line.strip_prefix("http/1.1 ") {
                status = rest.get(..3).and_then(|digits| digits.parse().ok()).unwrap_or(0);
            }
            if let Some(rest) = line.strip_prefix("content-length:") {
                length = rest.trim().parse().unwrap_or(0);
            }
        }
        let mut body = vec![0; length];
        self.stream.read_exact(&mut body)?;
        Ok((status, body))
    }
}
