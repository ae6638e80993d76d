//! The harness: starts and stops nodes, sends them requests, and stands in for other operators'
//! nodes.

pub(crate) mod exposition;
pub(crate) mod graphql;
pub(crate) mod http;
pub(crate) mod packets;
pub(crate) mod rates;
pub(crate) mod receiver;
pub(crate) mod script;
pub(crate) mod socket;
pub(crate) mod stub;
pub(crate) mod terminal;
pub(crate) mod wallets;

use std::{
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    thread,
    time::{Duration, Instant},
};

use serde_json::Value;
use tempfile::TempDir;

/// The longest time that a test waits for anything: far longer than needed, so that a slow machine
/// fails no test, and short enough that a hang is reported as one.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// A running node with a data folder of its own. Killed when dropped.
pub(crate) struct Node {
    process: Child,
    pub(crate) dir: DataDir,
    pub(crate) ilp: SocketAddr,
    pub(crate) admin: SocketAddr,
    pub(crate) wallet: SocketAddr,
}

/// A node's data folder and its log, which outlive the node so that another can be started on it.
pub(crate) struct DataDir {
    pub(crate) temp: TempDir,
    data: PathBuf,
    environment: Vec<(String, String)>,
    /// A line of shell that runs in the node's process before the node.
    shell: Option<&'static str>,
}

impl DataDir {
    pub(crate) fn new(environment: &[(&str, &str)]) -> Self {
        let temp = tempfile::tempdir().unwrap();
        let data = temp.path().join("data");
        let own = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        Self { temp, data, environment: environment.iter().map(own).collect(), shell: None }
    }

    /// Makes a folder with the data at `data`; the log stays apart from it.
    pub(crate) fn at(data: PathBuf, environment: &[(&str, &str)]) -> Self {
        Self { data, ..Self::new(environment) }
    }

    /// Adds a variable to the environment of nodes that start here.
    pub(crate) fn with(mut self, name: &str, value: &str) -> Self {
        self.environment.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Sets a line of shell for the process that becomes the node, such as `ulimit -n 300`.
    pub(crate) fn after(mut self, shell: &'static str) -> Self {
        self.shell = Some(shell);
        self
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.data.clone()
    }

    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.temp.path().join("log")).unwrap_or_default()
    }

    /// Returns the node's command, not yet started.
    pub(crate) fn command(&self) -> Command {
        let log = self.temp.path().join("log");
        let log = fs::File::options().create(true).append(true).open(log).unwrap();
        let mut command = self.shell.map_or_else(jirani, jirani_after);
        command
            .current_dir(self.temp.path())
            .env("JIRANI_DATA_DIR", self.data())
            .env("JIRANI_ILP_LISTEN", "127.0.0.1:0")
            .env("JIRANI_ADMIN_LISTEN", "127.0.0.1:0")
            .env("JIRANI_WALLET_LISTEN", "127.0.0.1:0")
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log);
        command
    }

    /// Starts a node on this folder and waits until it is ready.
    pub(crate) fn start(self) -> Node {
        let command = self.command();
        self.start_by(command)
    }

    /// Starts a node on this folder by a command that came from [`DataDir::command`], and waits
    /// until it is ready.
    pub(crate) fn start_by(self, command: Command) -> Node {
        self.try_start_by(command)
            .unwrap_or_else(|(dir, status)| panic!("the node ended with {status}:\n{}", dir.log()))
    }

    /// Starts a node as [`DataDir::start_by`] does. The error is the folder and the status of a node that
    /// ends before it is ready.
    pub(crate) fn try_start_by(self, mut command: Command) -> Result<Node, (Self, ExitStatus)> {
        let _ = fs::remove_file(self.data().join("node.json"));
        let mut process = command.spawn().unwrap();
        let file = self.data().join("node.json");
        let started = wait_for("a healthy node", || {
            if let Some(status) = process.try_wait().unwrap() {
                return Some(Err(status));
            }
            let file: Value = serde_json::from_str(&fs::read_to_string(&file).ok()?).unwrap();
            let listen = |surface: &str| -> SocketAddr {
                file[surface]["listen"].as_str().unwrap().parse().unwrap()
            };
            let addresses = [listen("ilp"), listen("admin"), listen("wallet")];
            let health = http::get(addresses[1], "/healthz").ok()?;
            (health.status == 200).then_some(Ok(addresses))
        });
        match started {
            Ok([ilp, admin, wallet]) => Ok(Node { process, dir: self, ilp, admin, wallet }),
            Err(status) => Err((self, status)),
        }
    }
}

impl Node {
    /// Starts a node at `test.node` with the defaults.
    pub(crate) fn start() -> Self {
        Self::start_with(&[("JIRANI_ILP_ADDRESS", "test.node")])
    }

    pub(crate) fn start_with(environment: &[(&str, &str)]) -> Self {
        DataDir::new(environment).start()
    }

    /// Returns the id of the node's process.
    pub(crate) fn id(&self) -> u32 {
        self.process.id()
    }

    /// Returns the address at which this node takes peering requests.
    pub(crate) fn auto_peering(&self) -> SocketAddr {
        let file = fs::read_to_string(self.dir.data().join("node.json")).unwrap();
        let file: Value = serde_json::from_str(&file).unwrap();
        file["auto_peering"]["listen"].as_str().unwrap().parse().unwrap()
    }

    pub(crate) fn signal(&self, name: &str) {
        let status = Command::new("kill")
            .args([format!("-{name}"), self.process.id().to_string()])
            .status()
            .unwrap();
        assert!(status.success());
    }

    /// Waits until the node has ended by itself.
    pub(crate) fn ended(&mut self) -> ExitStatus {
        wait_for("the node's end", || self.process.try_wait().unwrap())
    }

    /// Asks the node to stop, waits until it has, and returns its folder.
    pub(crate) fn stop(mut self) -> DataDir {
        self.signal("TERM");
        let status = self.ended();
        assert!(status.success(), "{status}:\n{}", self.dir.log());
        self.take_dir()
    }

    /// Kills the node's process with SIGKILL, and returns its folder. The system keeps what the
    /// process has written, which a power cut would not.
    pub(crate) fn kill(mut self) -> DataDir {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
        self.take_dir()
    }

    /// Starts another node on the folder of this one.
    pub(crate) fn restart(mut self) -> Self {
        self.take_dir().start()
    }

    fn take_dir(&mut self) -> DataDir {
        std::mem::replace(&mut self.dir, DataDir::new(&[]))
    }

    /// Returns a number from `/proc/PID/status`, such as `VmRSS`, in kilobytes.
    pub(crate) fn memory_kb(&self, field: &str) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.process.id())).unwrap();
        let line = status.lines().find(|line| line.starts_with(field)).unwrap();
        line.split_whitespace().nth(1).unwrap().parse().unwrap()
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Returns a command for the daemon's binary, without the environment of the test run.
/// `JIRANI_TEST_BINARY` names another binary, so that the same tests can be run against a release.
pub(crate) fn jirani() -> Command {
    let other = std::env::var_os("JIRANI_TEST_BINARY");
    let mut command = Command::new(other.unwrap_or_else(|| env!("CARGO_BIN_EXE_jirani").into()));
    command.env_clear();
    command.envs(std::env::vars().filter(|(name, _)| name == "PATH" || name == "HOME"));
    command
}

/// Returns a command for the daemon's binary in a process that has run a line of shell before.
pub(crate) fn jirani_after(shell: &str) -> Command {
    let binary = jirani();
    let mut command = Command::new("sh");
    command.args(["-c", &format!("{shell}; exec \"$0\" \"$@\"")]).arg(binary.get_program());
    command.env_clear();
    command.envs(binary.get_envs().filter_map(|(name, value)| Some((name, value?))));
    command
}

/// The workspace's root.
pub(crate) fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
}

/// Polls until `condition` returns a value, and panics after [`PATIENCE`].
pub(crate) fn wait_for<T>(what: &str, mut condition: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(value) = condition() {
            return value;
        }
        assert!(Instant::now() < deadline, "waited {PATIENCE:?} for {what}");
        thread::sleep(Duration::from_millis(2));
    }
}
