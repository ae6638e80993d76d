//! The measured node, and clients of its admin API.

use std::{
    fs,
    io::{self, BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpStream},
    path::Path,
    process::{Child, Command, Stdio},
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use serde_json::{Value, json};

const PATIENCE: Duration = Duration::from_secs(300);

const CREATE: &str = "mutation($input: CreatePeerInput!) {
    createPeer(input: $input) { code message peer { id } } }";
const LIST: &str = "query($first: Int, $last: Int, $after: String, $order: SortOrder) {
    peers(first: $first, last: $last, after: $after, sortOrder: $order) {
        edges { node { id staticIlpAddress name liquidity asset { code } routes } }
        pageInfo { endCursor hasNextPage } } }";

/// The daemon, built with this benchmark unless another binary is named.
pub(crate) struct Node {
    process: Child,
    pub(crate) admin: SocketAddr,
    pub(crate) ilp: SocketAddr,
}

impl Node {
    /// Starts the node and waits until it is ready.
    pub(crate) fn start(dir: &Path) -> Self {
        Self::start_binary(Path::new(env!("CARGO_BIN_EXE_jirani")), dir, "info")
    }

    /// Starts a node from `binary` that logs from that level on, and waits until it is ready.
    pub(crate) fn start_binary(binary: &Path, dir: &Path, log: &str) -> Self {
        let file = dir.join("data/node.json");
        let _ = fs::remove_file(&file);
        let process = Command::new(binary)
            .env_clear()
            .env("JIRANI_DATA_DIR", dir.join("data"))
            .env("JIRANI_ILP_ADDRESS", "test.node")
            .env("JIRANI_ILP_LISTEN", "127.0.0.1:0")
            .env("JIRANI_ADMIN_LISTEN", "127.0.0.1:0")
            .env("JIRANI_WALLET_LISTEN", "127.0.0.1:0")
            .env("JIRANI_LOG", log)
            // The packets of the table come faster than one peer may send them by default.
            .env("JIRANI_PEER_PACKETS_PER_MINUTE_MAX", "unlimited")
            .stderr(fs::File::create(dir.join("log")).expect("a log"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()
            .expect("the node starts");
        let began = Instant::now();
        let (admin, ilp) = loop {
            assert!(began.elapsed() < PATIENCE, "the node isn't there");
            let text = fs::read_to_string(&file).unwrap_or_default();
            let file: Value = serde_json::from_str(&text).unwrap_or_default();
            let listen = |surface: &str| file[surface]["listen"].as_str()?.parse().ok();
            match (listen("admin"), listen("ilp")) {
                (Some(admin), Some(ilp)) => break (admin, ilp),
                _ => thread::sleep(Duration::from_millis(2)),
            }
        };
        let node = Self { process, admin, ilp };
        while node.client().get("/readyz") != 200 {
            assert!(began.elapsed() < PATIENCE, "the node isn't ready");
            thread::sleep(Duration::from_millis(2));
        }
        node
    }

    pub(crate) fn client(&self) -> Client {
        let stream = TcpStream::connect(self.admin).expect("the admin port");
        stream.set_nodelay(true).expect("a socket option");
        Client { stream: BufReader::new(stream) }
    }

    pub(crate) fn pid(&self) -> u32 {
        self.process.id()
    }

    /// Returns the CPU time within a period, in milliseconds; the system counts it in hundredths of
    /// a second.
    pub(crate) fn cpu_ms(&self, within: Duration) -> u64 {
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

    pub(crate) fn memory_mb(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.process.id()));
        let status = status.unwrap_or_default();
        let line = status.lines().find(|line| line.starts_with("VmRSS")).unwrap_or_default();
        line.split_whitespace().nth(1).and_then(|kb| kb.parse::<u64>().ok()).unwrap_or(0) / 1024
    }

    /// Ends the node with SIGKILL.
    pub(crate) fn kill(self) {
        drop(self);
    }

    pub(crate) fn stop(mut self) {
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

/// The input of `createPeer` for one of many peers.
fn peer(asset: &str, index: usize) -> Value {
    json!({
        "staticIlpAddress": format!("test.peer{index}"),
        "name": format!("Peer {index}"),
        "http": {
            "incoming": { "authTokens": [format!("token-of-peer-{index}")] },
            "outgoing": { "endpoint": "http://127.0.0.1:1", "authToken": "theirs" },
        },
        "assetId": asset,
        "initialLiquidity": "1000000",
    })
}

/// The bytes of a request that creates one of many peers.
pub(crate) fn creation(asset: &str, index: usize) -> Vec<u8> {
    request(CREATE, &json!({ "input": peer(asset, index) }))
}

fn request(query: &str, variables: &Value) -> Vec<u8> {
    let body = json!({ "query": query, "variables": variables }).to_string();
    let head = format!(
        "POST /graphql HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n\
         content-length: {}\r\n\r\n",
        body.len()
    );
    [head.as_bytes(), body.as_bytes()].concat()
}

/// A connection that is kept alive.
pub(crate) struct Client {
    stream: BufReader<TcpStream>,
}

impl Client {
    /// Follows a page, and returns the stream that ends it, and the number of bytes received until
    /// then.
    pub(crate) fn follow(mut self, path: &str) -> (TcpStream, JoinHandle<u64>) {
        let request = format!("GET {path} HTTP/1.1\r\nhost: localhost\r\n\r\n");
        self.stream.get_mut().write_all(request.as_bytes()).expect("a request");
        let stream = self.stream.get_ref().try_clone().expect("a socket");
        let read = move || io::copy(&mut self.stream, &mut io::sink()).unwrap_or_default();
        (stream, thread::spawn(read))
    }

    pub(crate) fn create_asset(&mut self) -> String {
        let query = "mutation { createAsset(input: {code: \"USD\", scale: 2}) { asset { id } } }";
        let answer = self.query(query, json!({}));
        answer["createAsset"]["asset"]["id"].as_str().expect("an asset").to_owned()
    }

    pub(crate) fn create_peer(&mut self, asset: &str, index: usize) -> Duration {
        let input = peer(asset, index);
        let began = Instant::now();
        self.create(input);
        began.elapsed()
    }

    /// Creates a peer at `test.NAME` with the token `NAME`, enough liquidity for every packet of a
    /// run, and `endpoint` for its packets.
    pub(crate) fn create_named_peer(&mut self, asset: &str, name: &str, endpoint: &str) {
        let mut input = peer(asset, 0);
        input["staticIlpAddress"] = json!(format!("test.{name}"));
        input["http"] = json!({
            "incoming": { "authTokens": [name] },
            "outgoing": { "endpoint": endpoint, "authToken": "theirs" },
        });
        input["initialLiquidity"] = json!("1000000000000");
        self.create(input);
    }

    fn create(&mut self, input: Value) {
        let answer = self.query(CREATE, json!({ "input": input }));
        assert_eq!(answer["createPeer"]["code"], "200", "{answer}");
    }

    pub(crate) fn page(&mut self, variables: Value) -> Value {
        self.query(LIST, variables)["peers"].take()
    }

    fn query(&mut self, query: &str, variables: Value) -> Value {
        let (status, body) = self.exchange(&request(query, &variables));
        let mut answer: Value = serde_json::from_slice(&body).expect("JSON");
        assert!(status == 200 && answer["errors"].is_null(), "{status} {answer}");
        answer["data"].take()
    }

    pub(crate) fn get(&mut self, path: &str) -> u16 {
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
