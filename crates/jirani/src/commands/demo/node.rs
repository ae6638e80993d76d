//! A node of the demo: this program as a separate process.

use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use parking_lot::Mutex;
use serde_json::Value;

use super::tail;
use crate::commands::{Failure, admin_client::AdminArgs};

/// The time that a node may take to start. A start takes a second, and longer on a busy machine.
const START_TIME_MAX: Duration = Duration::from_secs(30);

/// The interval at which a starting node is checked.
const LOOK_INTERVAL: Duration = Duration::from_millis(10);

/// The number of log lines that are shown when a node doesn't start.
const LOG_LINES: usize = 20;

/// The nodes' processes, which [`Children::stop`] stops, and dropping at the latest.
#[derive(Debug, Default)]
pub(super) struct Children {
    running: Mutex<Running>,
}

#[derive(Debug, Default)]
struct Running {
    processes: Vec<Child>,
    /// Whether they were stopped. A node that starts later is stopped at once.
    is_over: bool,
}

impl Children {
    /// Stops all nodes, and waits until they are gone.
    pub(super) fn stop(&self) {
        let mut running = self.running.lock();
        running.is_over = true;
        running.processes.drain(..).for_each(stop);
    }

    /// Kills one process, as a crash would.
    pub(super) fn kill(&self, pid: u32) {
        let mut running = self.running.lock();
        let at = running.processes.iter().position(|process| process.id() == pid);
        if let Some(at) = at {
            stop(running.processes.swap_remove(at));
        }
    }

    /// Keeps a process, to be stopped at the end.
    pub(super) fn add(&self, process: Child) {
        let mut running = self.running.lock();
        if running.is_over {
            stop(process);
        } else {
            running.processes.push(process);
        }
    }

    /// Returns whether the process with this id has ended.
    pub(super) fn has_ended(&self, pid: u32) -> bool {
        let mut running = self.running.lock();
        let process = running.processes.iter_mut().find(|process| process.id() == pid);
        process.is_none_or(|process| !matches!(process.try_wait(), Ok(None)))
    }
}

/// Stops a process. Failures are ignored: a process that has ended can't be stopped.
fn stop(mut process: Child) {
    let _ = process.kill();
    let _ = process.wait();
}

impl Drop for Children {
    fn drop(&mut self) {
        self.stop();
    }
}

/// A node that has started.
#[derive(Debug)]
pub(super) struct DemoNode {
    /// The node's name in the demo's output.
    pub(super) name: &'static str,
    pub(super) ilp_address: String,
    pub(super) admin: AdminArgs,
    pub(super) admin_url: String,
    /// The URL of its port for packets.
    pub(super) ilp_url: String,
    /// The URL of its port for wallet addresses.
    pub(super) wallet_url: String,
    pub(super) log: PathBuf,
    pub(super) pid: u32,
}

/// A node that is starting, in a folder of its own.
pub(super) struct Starting {
    name: &'static str,
    pid: u32,
    dir: PathBuf,
}

impl Starting {
    /// Starts a node on free ports, without this machine's configuration and environment.
    pub(super) fn spawn(
        name: &'static str,
        demo: &Path,
        children: &Children,
    ) -> Result<Self, Failure> {
        Self::spawn_with(name, (demo, name), &[], children)
    }

    /// Starts a node in a folder of this name below the demo's, with more variables.
    pub(super) fn spawn_with(
        name: &'static str,
        (demo, folder): (&Path, &str),
        environment: &[(&str, &str)],
        children: &Children,
    ) -> Result<Self, Failure> {
        let dir = demo.join(folder);
        let failed = |error: io::Error| {
            Failure::Refused(format!("the node {name} can't be started: {error}"))
        };
        fs::create_dir(&dir).map_err(failed)?;
        let config = dir.join("jirani.toml");
        fs::write(&config, "").map_err(failed)?;
        let log = File::create(dir.join("log")).map_err(failed)?;
        let child = Command::new(std::env::current_exe().map_err(failed)?)
            .args(["run", "--config"])
            .arg(config)
            .current_dir(&dir)
            .env_clear()
            .env("JIRANI_NAME", name)
            .env("JIRANI_ILP_ADDRESS", format!("test.{name}"))
            .env("JIRANI_ILP_LISTEN", "127.0.0.1:0")
            .env("JIRANI_ADMIN_LISTEN", "127.0.0.1:0")
            .env("JIRANI_WALLET_LISTEN", "127.0.0.1:0")
            .envs(environment.iter().copied())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .map_err(failed)?;
        let pid = child.id();
        children.add(child);
        Ok(Self { name, pid, dir })
    }

    /// Waits until the node has published its ports, and returns what it published.
    pub(super) fn wait_until_ready(&self, children: &Children) -> Result<Value, Failure> {
        let failed = |why: &str| self.failed(why);
        let file = self.dir.join("data/node.json");
        let deadline = Instant::now() + START_TIME_MAX;
        loop {
            // The node writes the file whole or not at all.
            if let Ok(text) = fs::read_to_string(&file) {
                return serde_json::from_str(&text).map_err(|_| failed("wrote no JSON"));
            }
            if children.has_ended(self.pid) {
                return Err(failed("ended by itself"));
            }
            if Instant::now() > deadline {
                return Err(failed("does not start"));
            }
            thread::sleep(LOOK_INTERVAL);
        }
    }

    /// Returns the failure of the node, with the last lines of its log.
    fn failed(&self, why: &str) -> Failure {
        let said = tail(&self.dir.join("log"), LOG_LINES);
        Failure::Refused(format!("the node {} {why}; it said:\n{said}", self.name))
    }

    /// Waits until the node is ready, and returns it.
    pub(super) fn ready(self, children: &Children) -> Result<DemoNode, Failure> {
        let told = self.wait_until_ready(children)?;
        let failed = |why: &str| self.failed(why);
        let log = self.dir.join("log");
        let url = |surface: &str| told[surface]["url"].as_str().map(str::to_owned);
        let admin_url = url("admin").ok_or_else(|| failed("serves no admin API"))?;
        Ok(DemoNode {
            name: self.name,
            ilp_address: format!("test.{}", self.name),
            admin: AdminArgs::at(admin_url.clone()),
            admin_url,
            ilp_url: url("ilp").ok_or_else(|| failed("takes no packets"))?,
            wallet_url: url("wallet").ok_or_else(|| failed("serves no wallets"))?,
            log,
            pid: self.pid,
        })
    }
}
