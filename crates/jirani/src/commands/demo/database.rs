//! The database of the demo's cluster: a PostgreSQL primary and its synchronous standby, made for the
//! demo alone.

use std::{
    fs::{self, File},
    io::{self, Write},
    net::TcpListener,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use super::{node::Children, tail};
use crate::commands::Failure;

/// The time that a server may take to start.
const START_TIME_MAX: Duration = Duration::from_secs(30);

/// The interval at which a starting server is checked.
const LOOK_INTERVAL: Duration = Duration::from_millis(20);

/// The number of log lines that are shown when a server doesn't start.
const LOG_LINES: usize = 20;

/// The user that PostgreSQL's programs run as where the demo's is root, whom they refuse.
const USER: &str = "postgres";

/// A server: its data and its port.
#[derive(Clone, Debug)]
struct Server {
    data: PathBuf,
    port: u16,
    pid: Option<u32>,
}

/// The primary, whose commits wait for the standby.
#[derive(Debug)]
pub(super) struct Database {
    programs: PathBuf,
    dir: PathBuf,
    primary: Server,
    standby: Server,
    servers: u32,
}

impl Database {
    /// Makes and starts both servers in a folder of the demo's.
    ///
    /// # Errors
    /// [`Failure::Refused`] where PostgreSQL isn't installed, or a server can't be made.
    pub(super) fn start(demo: &Path, children: &Children) -> Result<Self, Failure> {
        let programs = programs().ok_or_else(|| {
            Failure::Refused(
                "PostgreSQL is not installed, which the cluster's books are kept in: install it, as \
                 with apt-get install postgresql"
                    .to_owned(),
            )
        })?;
        let dir = demo.join("postgres");
        fs::create_dir(&dir).and_then(|()| give(demo, &dir)).map_err(failed)?;
        let server = |name: &str| -> Result<Server, Failure> {
            let listener = TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr());
            Ok(Server { data: dir.join(name), port: listener.map_err(failed)?.port(), pid: None })
        };
        let (primary, standby) = (server("1")?, server("2")?);
        let mut database = Self { programs, dir, primary, standby, servers: 2 };
        let data = database.primary.data.clone();
        database.run("initdb", &["--auth=trust", "--username=jirani", "--no-sync", "-D"], &data)?;
        // A commit counts once the standby has it, from the first one on.
        configure(&database.primary, "synchronous_standby_names = 'standby'\n")?;
        let primary = database.primary.clone();
        database.primary.pid = Some(database.launch(&primary, children)?);
        database.make_standby(children)?;
        Ok(database)
    }

    /// Returns the URL of both servers, of which the one that takes writes is used.
    pub(super) fn url(&self) -> String {
        let (first, second) = (self.primary.port, self.standby.port);
        format!("postgres://jirani@127.0.0.1:{first},127.0.0.1:{second}/postgres")
    }

    /// Kills the primary, promotes the standby, and gives it another standby, on the port of the old
    /// primary.
    ///
    /// # Errors
    /// When the standby can't be promoted, or another one can't be made.
    pub(super) fn fail_over(&mut self, children: &Children) -> Result<(), Failure> {
        if let Some(pid) = self.primary.pid {
            children.kill(pid);
        }
        let data = self.standby.data.clone();
        self.run("pg_ctl", &["promote", "-w", "-s", "-D"], &data)?;
        std::mem::swap(&mut self.primary, &mut self.standby);
        self.servers += 1;
        self.standby.data = self.dir.join(self.servers.to_string());
        self.make_standby(children)
    }

    fn make_standby(&mut self, children: &Children) -> Result<(), Failure> {
        let port = self.primary.port;
        let source = format!("host=127.0.0.1 port={port} user=jirani application_name=standby");
        let data = self.standby.data.clone();
        let arguments = ["-R", "-X", "stream", "--no-sync", "-c", "fast", "-d", &source, "-D"];
        self.run("pg_basebackup", &arguments, &data)?;
        configure(&self.standby, "")?;
        let standby = self.standby.clone();
        self.standby.pid = Some(self.launch(&standby, children)?);
        Ok(())
    }

    /// Starts a server, and waits until it takes connections.
    fn launch(&self, server: &Server, children: &Children) -> Result<u32, Failure> {
        let log = server.data.with_extension("log");
        let file = File::create(&log).map_err(failed)?;
        let mut command = self.command("postgres");
        command.arg("-D").arg(&server.data).stdout(Stdio::null()).stderr(file);
        let child = command.spawn().map_err(failed)?;
        let pid = child.id();
        children.add(child);
        let deadline = Instant::now() + START_TIME_MAX;
        loop {
            let port = server.port.to_string();
            let mut asked = self.command("pg_isready");
            asked.args(["-q", "-h", "127.0.0.1", "-p", &port]).stdout(Stdio::null());
            if asked.status().is_ok_and(|status| status.success()) {
                return Ok(pid);
            }
            if children.has_ended(pid) || Instant::now() > deadline {
                let said = tail(&log, LOG_LINES);
                return Err(Failure::Refused(format!(
                    "PostgreSQL doesn't start; it said:\n{said}"
                )));
            }
            thread::sleep(LOOK_INTERVAL);
        }
    }

    fn run(&self, program: &str, arguments: &[&str], data: &Path) -> Result<(), Failure> {
        let mut command = self.command(program);
        let output = command.args(arguments).arg(data).output().map_err(failed)?;
        if output.status.success() {
            return Ok(());
        }
        let said = String::from_utf8_lossy(&output.stderr);
        Err(Failure::Refused(format!("{program} fails; it said:\n{}", said.trim())))
    }

    fn command(&self, program: &str) -> Command {
        let program = self.programs.join(program);
        let mut command = if rustix::process::geteuid().is_root() {
            let mut command = Command::new("setpriv");
            let (user, group) = (format!("--reuid={USER}"), format!("--regid={USER}"));
            command.args([&user, &group, "--clear-groups", "--"]).arg(program);
            command
        } else {
            Command::new(program)
        };
        command.env("LC_ALL", "C").current_dir("/").stdin(Stdio::null());
        command
    }
}

/// Sets the ports of a server, and that it is open to this machine alone.
fn configure(server: &Server, more: &str) -> Result<(), Failure> {
    let path = server.data.join("postgresql.conf");
    let mut file = File::options().append(true).open(path).map_err(failed)?;
    let port = server.port;
    write!(
        file,
        "port = {port}\nlisten_addresses = '127.0.0.1'\nunix_socket_directories = ''\n\
         shared_buffers = '32MB'\nwal_retrieve_retry_interval = '100ms'\n{more}"
    )
    .map_err(failed)
}

/// Lets PostgreSQL's user into a folder of the demo's, where the demo's user is root.
fn give(demo: &Path, folder: &Path) -> io::Result<()> {
    if !rustix::process::geteuid().is_root() {
        return Ok(());
    }
    fs::set_permissions(demo, fs::Permissions::from_mode(0o711))?;
    let status = Command::new("chown").arg(format!("{USER}:{USER}")).arg(folder).status()?;
    if status.success() {
        return Ok(());
    }
    Err(io::Error::other("there is no user postgres for it"))
}

/// Returns the folder of the newest PostgreSQL's programs, which Debian keeps out of the `PATH`.
fn programs() -> Option<PathBuf> {
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten();
    let debian = versions.filter_map(|entry| Some(entry.ok()?.path().join("bin")));
    let path = std::env::var_os("PATH").unwrap_or_default();
    let on_path = std::env::split_paths(&path).collect::<Vec<_>>();
    let is_there = |folder: &PathBuf| folder.join("initdb").exists();
    debian.filter(is_there).max().or_else(|| on_path.into_iter().find(is_there))
}

fn failed(error: io::Error) -> Failure {
    Failure::Refused(format!("the database can't be started: {error}"))
}
