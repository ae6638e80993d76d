//! A PostgreSQL primary and its synchronous standby, on free ports of this machine, for a test.
//!
//! Both are made with `initdb` and `pg_basebackup` in a folder that goes when the test ends. As root,
//! whom PostgreSQL refuses, its programs run as the user `postgres`.

use std::{
    fs,
    io::Write,
    net::TcpListener,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
    thread::sleep,
    time::{Duration, Instant},
};

/// How long a server may take to start or to end.
const LIMIT: Duration = Duration::from_secs(30);

/// The name of the standby, as the primary knows it.
const STANDBY: &str = "standby";

/// A primary and, once it is made, its standby.
pub(crate) struct Postgres {
    programs: PathBuf,
    dir: tempfile::TempDir,
    primary: Instance,
    standby: Instance,
}

/// The port and the folder of a server, which it keeps when it is promoted.
#[derive(Clone, Copy)]
struct Instance {
    port: u16,
    folder: &'static str,
}

/// Which of the two servers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Server {
    Primary,
    Standby,
}

impl Postgres {
    /// Starts a pair whose commits wait for the standby. `None`, with a line that says so, on a machine
    /// without PostgreSQL; in CI that is a failure.
    pub(crate) fn pair() -> Option<Self> {
        let Some(programs) = programs() else {
            assert!(std::env::var_os("CI").is_none(), "CI installs PostgreSQL");
            eprintln!("skipped: PostgreSQL is not installed");
            return None;
        };
        let dir = tempfile::Builder::new().prefix("jirani-postgres").tempdir().expect("a folder");
        fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o755)).expect("it is ours");
        let instance = |folder| Instance { port: free_port(), folder };
        let pair = Self { programs, dir, primary: instance("first"), standby: instance("second") };
        pair.give(pair.dir.path());
        let data = pair.data(Server::Primary);
        let auth = ["--auth=trust", "--username=jirani", "--no-sync", "-D"];
        pair.run("initdb", &[&auth[..], &[path(&data)]].concat());
        pair.configure(Server::Primary, "wal_keep_size = '256MB'\nmax_wal_senders = 8\n");
        pair.start(Server::Primary);
        pair.sql(Server::Primary, "CREATE DATABASE books");
        pair.make_standby();
        pair.set_synchronous(true);
        Some(pair)
    }

    /// Makes the standby anew from the primary.
    pub(crate) fn make_standby(&self) {
        let data = self.data(Server::Standby);
        let _ = fs::remove_dir_all(&data);
        let source = format!(
            "host=127.0.0.1 port={} user=jirani application_name={STANDBY}",
            self.primary.port
        );
        let arguments = ["-R", "-X", "stream", "--no-sync", "-c", "fast", "-d", &source, "-D"];
        self.run("pg_basebackup", &[&arguments[..], &[path(&data)]].concat());
        self.configure(Server::Standby, "");
        self.start(Server::Standby);
    }

    /// Sets whether the primary's commits wait for the standby, and returns once that is so.
    pub(crate) fn set_synchronous(&self, is_on: bool) {
        let names = if is_on { STANDBY } else { "" };
        self.sql(
            Server::Primary,
            &format!("ALTER SYSTEM SET synchronous_standby_names = '{names}'"),
        );
        self.sql(Server::Primary, "SELECT pg_reload_conf()");
        self.wait(|| self.sql(Server::Primary, "SHOW synchronous_standby_names") == names);
        if is_on {
            let state = "SELECT sync_state FROM pg_stat_replication";
            self.wait(|| self.sql(Server::Primary, state) == "sync");
        }
    }

    /// Returns the URL of both servers, of which the one that takes writes is used.
    pub(crate) fn url(&self) -> String {
        let (first, second) = (self.primary.port, self.standby.port);
        format!("postgres://jirani@127.0.0.1:{first},127.0.0.1:{second}/books")
    }

    /// Runs a statement, and returns its one value.
    pub(crate) fn sql(&self, server: Server, statement: &str) -> String {
        let database = if statement.starts_with("CREATE DATABASE") { "postgres" } else { "books" };
        let port = self.instance(server).port.to_string();
        let output = self.output(
            "psql",
            &[
                "-X",
                "-A",
                "-t",
                "-q",
                "-h",
                "127.0.0.1",
                "-p",
                &port,
                "-U",
                "jirani",
                "-d",
                database,
                "-c",
                statement,
            ],
        );
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{statement}: {said}");
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    }

    /// Starts a server.
    pub(crate) fn start(&self, server: Server) {
        let data = self.data(server);
        let log = self.dir.path().join(format!("{}.log", self.instance(server).folder));
        self.run("pg_ctl", &["start", "-w", "-s", "-D", path(&data), "-l", path(&log)]);
    }

    /// Kills all processes of a server, as a loss of power does.
    pub(crate) fn kill(&self, server: Server) {
        self.signal_all(server, "KILL");
        let _ = fs::remove_file(self.data(server).join("postmaster.pid"));
    }

    /// Sends a signal to all processes of a server.
    pub(crate) fn signal_all(&self, server: Server, signal: &str) {
        for pid in self.processes(server) {
            // One that has ended since needs no signal.
            let mut kill = Command::new("kill");
            let _ =
                kill.args([&format!("-{signal}"), &pid.to_string()]).stderr(Stdio::null()).status();
        }
    }

    /// Returns the processes of a server that runs.
    pub(crate) fn processes(&self, server: Server) -> Vec<u32> {
        let Some(postmaster) = self.postmaster(server) else { return Vec::new() };
        let mut pids = vec![postmaster];
        pids.extend(children_of(postmaster));
        pids
    }

    /// Makes the standby the primary, as a failover manager does, and swaps their names. Its commits
    /// wait for nobody until it has a standby.
    pub(crate) fn promote(&mut self) {
        let data = self.data(Server::Standby);
        self.run("pg_ctl", &["promote", "-w", "-s", "-D", path(&data)]);
        std::mem::swap(&mut self.primary, &mut self.standby);
    }

    fn data(&self, server: Server) -> PathBuf {
        self.dir.path().join(self.instance(server).folder)
    }

    /// Returns the port of a server.
    #[allow(dead_code, reason = "not all users of this file put a network between")]
    pub(crate) fn port(&self, server: Server) -> u16 {
        self.instance(server).port
    }

    fn instance(&self, server: Server) -> Instance {
        match server {
            Server::Primary => self.primary,
            Server::Standby => self.standby,
        }
    }

    /// Returns the server's first process, if it runs.
    fn postmaster(&self, server: Server) -> Option<u32> {
        let text = fs::read_to_string(self.data(server).join("postmaster.pid")).ok()?;
        text.lines().next()?.parse().ok()
    }

    fn configure(&self, server: Server, more: &str) {
        let path = self.data(server).join("postgresql.conf");
        let mut file = fs::File::options().append(true).open(path).expect("initdb made it");
        write!(
            file,
            "port = {}\nlisten_addresses = '127.0.0.1'\nunix_socket_directories = ''\n\
             shared_buffers = '64MB'\nautovacuum = off\nwal_retrieve_retry_interval = '100ms'\n\
             {more}",
            self.instance(server).port,
        )
        .expect("the disk has room");
    }

    fn wait(&self, is_so: impl Fn() -> bool) {
        let begun = Instant::now();
        while !is_so() {
            assert!(begun.elapsed() < LIMIT, "PostgreSQL takes too long");
            sleep(Duration::from_millis(20));
        }
    }

    fn run(&self, program: &str, arguments: &[&str]) {
        // A server that is started keeps its outputs, so they aren't waited for.
        let status =
            self.command(program, arguments).stdout(Stdio::null()).stderr(Stdio::null()).status();
        let status = status.expect("the program can be run");
        assert!(status.success(), "{program} {arguments:?}: {status}, {}", self.logs());
    }

    fn output(&self, program: &str, arguments: &[&str]) -> Output {
        self.command(program, arguments).output().expect("the program can be run")
    }

    fn command(&self, program: &str, arguments: &[&str]) -> Command {
        let program = self.programs.join(program);
        let mut command = if is_root() {
            let mut command = Command::new("setpriv");
            command.args(["--reuid=postgres", "--regid=postgres", "--clear-groups", "--"]);
            command.arg(program);
            command
        } else {
            Command::new(program)
        };
        command.args(arguments).stdin(Stdio::null()).current_dir("/");
        command.env("LC_ALL", "C").env("PGCONNECT_TIMEOUT", "5");
        command
    }

    fn give(&self, folder: &Path) {
        if is_root() {
            let status = Command::new("chown").arg("postgres:postgres").arg(folder).status();
            assert!(status.is_ok_and(|status| status.success()), "the user postgres is there");
        }
    }

    fn logs(&self) -> String {
        ["first.log", "second.log"]
            .iter()
            .filter_map(|name| fs::read_to_string(self.dir.path().join(name)).ok())
            .collect()
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        for server in [Server::Primary, Server::Standby] {
            self.signal_all(server, "CONT");
            self.signal_all(server, "KILL");
        }
    }
}

/// Returns the folder of the newest PostgreSQL's programs.
fn programs() -> Option<PathBuf> {
    let versions = fs::read_dir("/usr/lib/postgresql").ok()?;
    let mut found: Vec<(u32, PathBuf)> = versions
        .filter_map(|entry| {
            let path = entry.ok()?.path();
            let version = path.file_name()?.to_str()?.parse().ok()?;
            let programs = path.join("bin");
            programs.join("initdb").exists().then_some((version, programs))
        })
        .collect();
    found.sort();
    found.pop().map(|(_, programs)| programs)
}

fn is_root() -> bool {
    fs::metadata("/proc/self").is_ok_and(|own| std::os::unix::fs::MetadataExt::uid(&own) == 0)
}

fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("there is a free port");
    listener.local_addr().expect("it is bound").port()
}

fn path(path: &Path) -> &str {
    path.to_str().expect("temporary folders have plain names")
}

/// Returns the processes that a process has started.
fn children_of(parent: u32) -> Vec<u32> {
    let Ok(processes) = fs::read_dir("/proc") else { return Vec::new() };
    let pids = processes.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<u32>().ok());
    pids.filter(|pid| {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        // The name, which may hold anything, is in parentheses.
        let behind = stat.rsplit_once(") ").map_or("", |(_, behind)| behind);
        behind.split(' ').nth(1) == Some(&parent.to_string())
    })
    .collect()
}
