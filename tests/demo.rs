//! The demo: three nodes and a payment across two currencies, and no process or file left
//! afterwards.

use std::{
    fs::{self, File},
    net::TcpStream,
    path::Path,
    process::{Child, Command, ExitStatus, Output},
};

use serde_json::Value;
use tempfile::TempDir;

use crate::support::{jirani, wait_for};

/// A demo that keeps its folders below `temp`.
fn demo(temp: &TempDir, arguments: &[&str]) -> Command {
    let mut command = jirani();
    command.arg("demo").args(arguments).env("TMPDIR", temp.path());
    command
}

fn text(output: &Output) -> String {
    let (out, err) = (&output.stdout, &output.stderr);
    format!("{}{}", String::from_utf8_lossy(out), String::from_utf8_lossy(err))
}

fn is_empty(dir: &Path) -> bool {
    fs::read_dir(dir).unwrap().next().is_none()
}

/// A demo that runs until it is dropped. Then it is interrupted, so that its nodes end too.
struct Running(Child);

impl Running {
    fn interrupt(&mut self) -> ExitStatus {
        let pid = self.0.id().to_string();
        let _ = Command::new("kill").args(["-INT", &pid]).status();
        wait_for("the demo's end", || self.0.try_wait().unwrap())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if matches!(self.0.try_wait(), Ok(None)) {
            self.interrupt();
        }
    }
}

#[test]
fn the_payment_is_split_and_everyones_books_add_up() {
    let temp = tempfile::tempdir().unwrap();
    let told = demo(&temp, &["--once", "--json"]).output().unwrap();
    assert!(told.status.success(), "{}", text(&told));
    let told: Value = serde_json::from_slice(&told.stdout).unwrap();
    let payment = &told["payment"];
    assert_eq!((&payment["state"], &told["packets"]), (&"COMPLETED".into(), &400.into()));
    assert_eq!(payment["sentAmount"]["value"], "20000");
    assert_eq!(payment["deliveredAmount"]["value"], "18400");
    let books = told["books"].as_array().unwrap();
    let row = |node: &str, account: &str| {
        let is_meant = |row: &&Value| row["node"] == node && row["account"] == account;
        let row = books.iter().find(is_meant).unwrap();
        ["before", "out", "in", "after"].map(|column| row[column].as_str().unwrap().to_owned())
    };
    assert_eq!(row("alice", "the connector"), ["0", "0", "20000", "20000"]);
    assert_eq!(row("connector", "alice"), ["100000", "20000", "0", "80000"]);
    assert_eq!(row("connector", "its own euros"), ["100000", "18400", "0", "81600"]);
    assert_eq!(row("bob", "bob's wallet"), ["0", "0", "18400", "18400"]);
    assert!(is_empty(temp.path()), "folders are left");
}

#[test]
fn it_is_told_to_people_and_runs_on_until_it_is_interrupted() {
    let temp = tempfile::tempdir().unwrap();
    let log = tempfile::NamedTempFile::new().unwrap();
    let output = File::create(log.path()).unwrap();
    let mut demo = Running(demo(&temp, &[]).stdout(output).spawn().unwrap());
    let said = wait_for("the demo's end", || {
        let said = fs::read_to_string(log.path()).unwrap();
        assert!(demo.0.try_wait().unwrap().is_none(), "the demo has ended:\n{said}");
        said.contains("Accept: application/spsp4+json'").then_some(said)
    });
    for part in [
        "costs at most     200.00 USD",
        "bob received 184.00 EUR, in 400 packets of at most 0.50 USD",
        "every account adds up, and each pair of neighbours agrees",
    ] {
        assert!(said.contains(part), "{said}");
    }
    // The payment back that the demo proposes works.
    let proposed = said.lines().find_map(|line| line.trim().strip_prefix("jirani pay ")).unwrap();
    let paid = jirani().arg("pay").args(proposed.split(' ')).arg("--yes").output().unwrap();
    assert!(paid.status.success(), "{}", text(&paid));
    assert!(text(&paid).contains("sent 5.00 EUR, 5.4"), "{}", text(&paid));

    let status = demo.interrupt();
    assert!(status.success(), "{status}");
    let (_, admin) = proposed.rsplit_once("http://").unwrap();
    assert!(TcpStream::connect(admin).is_err(), "a node still runs");
    assert!(is_empty(temp.path()), "folders are left");
}

#[test]
fn the_connector_as_a_cluster_goes_on_without_a_node_and_without_the_primary() {
    if fs::read_dir("/usr/lib/postgresql").is_err() {
        assert!(std::env::var_os("CI").is_none(), "CI installs PostgreSQL");
        return;
    }
    let temp = tempfile::tempdir().unwrap();
    let told = demo(&temp, &["--cluster", "--once"]).output().unwrap();
    let said = text(&told);
    assert!(told.status.success(), "{said}");
    assert_eq!(said.matches("every account adds up").count(), 3, "{said}");
    let (killed, rest) = said.split_once("the other one had the books ").unwrap();
    assert!(killed.contains("bob received 55.20 EUR"), "{said}");
    let pause_ms: u64 = rest.split(' ').next().unwrap().parse().unwrap();
    assert!(pause_ms < 30_000, "{pause_ms}");
    assert!(rest.contains("promoted its standby"), "{said}");
    assert!(is_empty(temp.path()), "folders are left");
}
