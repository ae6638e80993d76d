//! Starts and stops the measured processes.

use std::{
    fs,
    io::{BufRead, BufReader},
    net::SocketAddr,
    path::PathBuf,
    process::{Child, Command, Stdio},
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use parking_lot::Mutex;
use serde_json::{Value, json};
use tempfile::TempDir;

/// A server as a process. Killed when dropped.
pub(crate) struct Process {
    child: Child,
    pub(crate) address: SocketAddr,
    /// The operator of a node, who can create more peers.
    pub(crate) admin: Option<Arc<Admin>>,
    /// The data of a node.
    data: Option<TempDir>,
}

/// The data of nodes that have ended. A disk may be busy with the freed space of a deleted journal
/// for seconds, and the syncs of the next measurement would wait for it.
static ENDED: Mutex<Vec<TempDir>> = Mutex::new(Vec::new());

/// Deletes the data of all nodes that have ended.
pub(crate) fn delete_data() {
    ENDED.lock().clear();
}

impl Process {
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Starts this binary again, in another role.
    pub(crate) fn role(arguments: &[&str]) -> Self {
        let me = std::env::current_exe().expect("this binary");
        let mut command = Command::new(me);
        command.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped());
        let mut child = command.spawn().expect("this binary starts");
        let mut line = String::new();
        let output = child.stdout.take().expect("a pipe");
        BufReader::new(output).read_line(&mut line).expect("the port");
        Self { child, address: line.trim().parse().expect("an address"), admin: None, data: None }
    }

    /// Starts a node with a peer that sends and one at `next_hop` that receives, and with some
    /// settings.
    pub(crate) fn node(next_hop: SocketAddr, settings: &[(&str, &str)]) -> Self {
        let data = tempfile::tempdir().expect("a folder");
        let binary = std::env::var_os("JIRANI_BENCH_BINARY")
            .map_or_else(|| PathBuf::from(env!("CARGO_BIN_EXE_jirani")), PathBuf::from);
        let child = Command::new(binary)
            .env_clear()
            .current_dir(data.path())
            .env("JIRANI_ILP_ADDRESS", "test.node")
            .env("JIRANI_DATA_DIR", data.path().join("data"))
            .env("JIRANI_LOG", "warn")
            // The measured rate is far above the default limit of one peer.
            .env("JIRANI_PEER_PACKETS_PER_MINUTE_MAX", "unlimited")
            .envs(SURFACES.map(|name| (name, "127.0.0.1:0")))
            .envs(settings.iter().copied())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()
            .expect("the node starts");
        let file = data.path().join("data/node.json");
        let surfaces = wait_for(|| {
            let text = fs::read_to_string(&file).ok()?;
            serde_json::from_str::<Value>(&text).ok()
        });
        let at = |surface: &str| -> SocketAddr {
            let text = surfaces[surface]["listen"].as_str().expect("an address");
            text.parse().expect("an address")
        };
        let (admin, address) = (Admin::new(at("admin")), at("ilp"));
        admin.create_peer("test.sender", "127.0.0.1:1");
        admin.create_peer("test.sink", &next_hop.to_string());
        Self { child, address, admin: Some(Arc::new(admin)), data: Some(data) }
    }
}

const SURFACES: [&str; 3] = ["JIRANI_ILP_LISTEN", "JIRANI_ADMIN_LISTEN", "JIRANI_WALLET_LISTEN"];

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        ENDED.lock().extend(self.data.take());
    }
}

/// The operator of a node, with one asset.
pub(crate) struct Admin {
    at: SocketAddr,
    /// The client, which keeps its connection.
    agent: ureq::Agent,
    asset: Value,
}

impl Admin {
    fn new(at: SocketAddr) -> Self {
        let mut admin = Self { at, agent: ureq::Agent::new_with_defaults(), asset: Value::Null };
        admin.asset = admin.create_asset();
        admin
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.at
    }

    fn ask(&self, query: &str, input: &Value) -> Value {
        let body = json!({ "query": query, "variables": { "input": input } });
        let mut answer = self
            .agent
            .post(format!("http://{}/graphql", self.at))
            .header("content-type", "application/json")
            .send(body.to_string())
            .expect("the admin API answers");
        let text = answer.body_mut().read_to_string().expect("a text");
        let answer: Value = serde_json::from_str(&text).expect("JSON");
        assert!(answer["errors"].is_null(), "{answer}");
        answer
    }

    fn create_asset(&self) -> Value {
        let query =
            "mutation($input: CreateAssetInput!) { createAsset(input: $input) { asset { id } } }";
        let answer = self.ask(query, &json!({ "code": "USD", "scale": 2 }));
        answer["data"]["createAsset"]["asset"]["id"].clone()
    }

    pub(crate) fn create_peer(&self, address: &str, endpoint: &str) {
        let query =
            "mutation($input: CreatePeerInput!) { createPeer(input: $input) { peer { id } } }";
        let input = json!({
            "assetId": self.asset,
            "staticIlpAddress": address,
            "maxPacketAmount": "10000",
            "initialLiquidity": "1000000000000",
            "http": {
                "incoming": { "authTokens": [address] },
                "outgoing": { "endpoint": endpoint, "authToken": "for-the-sink" },
            },
        });
        self.ask(query, &input);
    }
}

fn wait_for<T>(mut condition: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + Duration::from_secs(30);
    loop {
        if let Some(value) = condition() {
            return value;
        }
        assert!(Instant::now() < deadline, "the node doesn't start");
        thread::sleep(Duration::from_millis(5));
    }
}
