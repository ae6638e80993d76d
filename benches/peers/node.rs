//! The node, and whoever asks its admin API.

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

const PATIENCE: Duration = Duration::from_secs(300);

const CREATE: &str = "mutation($input: CreatePeerInput!) {
    createPeer(input: $input) { code message peer { id } } }";
const LIST: &str = "query($first: Int, $last: Int, $after: String, $order: SortOrder) {
    peers(first: $first, last: $last, after: $after, sortOrder: $order) {
        edges { node { id staticIlpAddress name liquidity asset { code } routes } }
        pageInfo { endCursor hasNextPage } } }";

/// The daemon, built as this benchmark is.
pub(crate) struct Node {
    process: Child,
    admin: SocketAddr,
}

impl Node {
    /// Starts it and waits until it is ready.
    pub(crate) fn start(dir: &Path) -> Self {
        let file = dir.join("data/node.json");
        let _ = fs::remove_file(&file);
        let process = Command::new(env!("CARGO_BIN_EXE_jirani"))
            .env_clear()
            .env("JIRANI_DATA_DIR", dir.join("data"))
            .env("JIRANI_ILP_ADDRESS", "test.node")
            .env("JIRANI_ILP_LISTEN", "127.0.0.1:0")
            .env("JIRANI_ADMIN_LISTEN", "127.0.0.1:0")
            .env("JIRANI_WALLET_LISTEN", "127.0.0.1:0")
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

    pub(crate) fn client(&self) -> Client {
        let stream = TcpStream::connect(self.admin).expect("the admin port");
        stream.set_nodelay(true).expect("a socket option");
        Client { stream: BufReader::new(stream) }
    }

    pub(crate) fn pid(&self) -> u32 {
        self.process.id()
    }

    pub(crate) fn memory_mb(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.process.id()));
        let status = status.unwrap_or_default();
        let line = status.lines().find(|line| line.starts_with("VmRSS")).unwrap_or_default();
        line.split_whitespace().nth(1).and_then(|kb| kb.parse::<u64>().ok()).unwrap_or(0) / 1024
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

/// One connection, kept alive.
pub(crate) struct Client {
    stream: BufReader<TcpStream>,
}

impl Client {
    pub(crate) fn create_asset(&mut self) -> String {
        let query = "mutation { createAsset(input: {code: \"USD\", scale: 2}) { asset { id } } }";
        let answer = self.query(query, json!({}));
        answer["createAsset"]["asset"]["id"].as_str().expect("an asset").to_owned()
    }

    pub(crate) fn create_peer(&mut self, asset: &str, index: usize) -> Duration {
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

    pub(crate) fn page(&mut self, variables: Value) -> Value {
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
