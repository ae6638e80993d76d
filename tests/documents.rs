//! The Markdown documents: each block of commands is run, or states why it isn't.
//!
//! The blocks of a document run in one shell session. Addresses and folders in them are replaced by
//! free ports and folders of the test. A stand-in for cargo runs the binary under test in place of
//! the release that a reader builds.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    net::TcpListener,
    os::unix::fs::{PermissionsExt, symlink},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::atomic::{AtomicU16, Ordering},
    thread,
    time::{Duration, Instant},
};

use tempfile::TempDir;

use crate::support::{PATIENCE, jirani, root};

/// The first line of a block that no test runs, with the reason behind it.
const NOT_RUN: &str = "# Not run by a test: ";

/// The languages of blocks without commands.
const OTHER_LANGUAGES: &[&str] = &["graphql", "ini", "json", "nginx", "sql", "yaml"];

/// The documents with commands that are run, each with its test below.
const RUN: &[&str] = &["README.md", "config/OPERATING.md"];

/// The folders in the documents that become folders of the test.
const FOLDERS: &[&str] = &["/etc/jirani", "/tmp/jirani", "/var/backups/jirani", "/var/lib/jirani"];

/// The stand-in for cargo. Without arguments behind `--`, `cargo run` is the node, which a reader
/// stops with Ctrl-C.
const CARGO: &str = r#"#!/bin/sh
case "$*" in
"build --release") ;;
"run --release -- "*) shift 3; exec jirani "$@" ;;
"run --release")
    jirani & node=$!
    until jirani health; do kill -0 $node || exit 1; sleep 0.1; done
    kill -INT $node; wait $node ;;
*) echo "this test has no stand-in for: cargo $*" >&2; exit 1 ;;
esac
"#;

/// The beginning of each session. Jobs are process groups of their own, as in a terminal, and all
/// of them end with the session.
const BEGINNING: &str = r#"set -eum
trap 'for job in $(jobs -p); do kill -TERM -- "-$job" || true; done; wait' EXIT
"#;

/// A block between two lines of three backticks.
struct Block {
    line: usize,
    language: String,
    text: String,
}

impl Block {
    fn is_run(&self) -> bool {
        self.language == "sh" && !self.text.starts_with(NOT_RUN)
    }
}

fn blocks(text: &str) -> Vec<Block> {
    let mut blocks: Vec<Block> = Vec::new();
    let mut is_open = false;
    for (index, line) in text.lines().enumerate() {
        if let Some(language) = line.trim_start().strip_prefix("```") {
            if !is_open {
                let language = language.trim().to_owned();
                blocks.push(Block { line: index + 1, language, text: String::new() });
            }
            is_open = !is_open;
        } else if is_open && let Some(block) = blocks.last_mut() {
            block.text.push_str(line);
            block.text.push('\n');
        }
    }
    assert!(!is_open, "a block without an end");
    blocks
}

/// Returns the Markdown files of the repository, relative to its root.
fn documents() -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![root().to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            if path.is_dir() {
                if !name.starts_with('.') && name != "node_modules" && name != "target" {
                    folders.push(path);
                }
            } else if path.extension().is_some_and(|extension| extension == "md") {
                found.push(path.strip_prefix(root()).unwrap().to_path_buf());
            }
        }
    }
    found.sort();
    found
}

fn read(document: &Path) -> String {
    fs::read_to_string(root().join(document)).unwrap()
}

/// Returns a free port below the range from which the system gives ports to other tests.
fn free_port() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let offset = u16::try_from(std::process::id() % 10_000).unwrap();
    loop {
        let step = NEXT.fetch_add(1, Ordering::Relaxed);
        let port = 20_000 + (offset + step) % 10_000;
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}

/// Replaces each port of 127.0.0.1 by its free port.
fn with_free_ports(text: &str, ports: &mut BTreeMap<String, u16>) -> String {
    let mut parts = text.split("127.0.0.1:");
    let mut replaced = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let digits: String = part.chars().take_while(char::is_ascii_digit).collect();
        let port = ports.entry(digits.clone()).or_insert_with(free_port);
        replaced.push_str(&format!("127.0.0.1:{port}{}", &part[digits.len()..]));
    }
    replaced
}

/// A shell that runs a document. Ended when dropped, with the nodes that it has started.
struct Session {
    shell: Child,
    temp: TempDir,
}

impl Session {
    fn start(document: &str) -> Self {
        let temp = tempfile::tempdir().unwrap();
        let place = |path: &str| temp.path().join(path);
        for folder in ["bin", "etc", "tmp", "var/lib", "var/backups", "work/target/release"] {
            fs::create_dir_all(place(folder)).unwrap();
        }
        let binary = jirani().get_program().to_owned();
        for link in ["bin/jirani", "work/target/release/jirani"] {
            symlink(&binary, place(link)).unwrap();
        }
        fs::write(place("bin/cargo"), CARGO).unwrap();
        fs::set_permissions(place("bin/cargo"), fs::Permissions::from_mode(0o755)).unwrap();

        let mut ports = BTreeMap::new();
        let text: String = blocks(&read(Path::new(document)))
            .iter()
            .filter(|block| block.is_run())
            .map(|block| with_free_ports(&block.text, &mut ports))
            .collect();
        let text = FOLDERS
            .iter()
            .fold(text, |text, folder| text.replace(folder, place(&folder[1..]).to_str().unwrap()));
        fs::write(place("session"), format!("{BEGINNING}{text}")).unwrap();

        let path = std::env::var("PATH").unwrap_or_default();
        let mut listen = |port: &str| with_free_ports(&format!("127.0.0.1:{port}"), &mut ports);
        let output = fs::File::create(place("output")).unwrap();
        let shell = Command::new("bash")
            .arg(place("session"))
            .current_dir(place("work"))
            .env_clear()
            .env("PATH", format!("{}:{path}", place("bin").display()))
            .env("HOME", place("work"))
            .env("TMPDIR", place("tmp"))
            .env("JIRANI_ADMIN_LISTEN", listen("3001"))
            .env("JIRANI_ILP_LISTEN", listen("3002"))
            .env("JIRANI_WALLET_LISTEN", listen("3003"))
            .stdin(Stdio::null())
            .stdout(output.try_clone().unwrap())
            .stderr(output)
            .spawn()
            .unwrap();
        Self { shell, temp }
    }

    fn output(&self) -> String {
        fs::read_to_string(self.temp.path().join("output")).unwrap()
    }

    /// Waits for the session's end and returns its output; each command has to succeed.
    fn end(mut self) -> String {
        let deadline = Instant::now() + 10 * PATIENCE;
        let status = loop {
            if let Some(status) = self.shell.try_wait().unwrap() {
                break status;
            }
            assert!(Instant::now() < deadline, "the session hangs:\n{}", self.output());
            thread::sleep(Duration::from_millis(20));
        };
        assert!(status.success(), "{status}:\n{}", self.output());
        self.output()
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        if matches!(self.shell.try_wait(), Ok(None)) {
            let _ = Command::new("kill").arg(self.shell.id().to_string()).status();
            let _ = self.shell.wait();
        }
    }
}

#[test]
fn the_readme_leads_to_a_payment_between_two_nodes() {
    let output = Session::start("README.md").end();
    for part in [
        "bob received 184.00 EUR, in 400 packets of at most 0.50 USD",
        "g.theirs can be reached",
        "sent 12.50 USD, 12.50 USD arrived, in 13 packets",
        "liquidity        12.50 USD",
    ] {
        assert!(output.contains(part), "{part} is missing:\n{output}");
    }
}

#[test]
fn the_operators_manual_backs_a_node_up_restores_and_upgrades_it() {
    let output = Session::start("config/OPERATING.md").end();
    assert_eq!(output.matches("the books add up").count(), 2, "{output}");
    let (_, restored) = output.rsplit_once("the books add up").unwrap();
    assert!(restored.contains("USD       2"), "{output}");
    assert!(restored.contains("backed up to"), "{output}");
}

#[test]
fn each_block_of_commands_is_run_or_gives_the_reason_why_not() {
    let documents = documents();
    assert!(documents.len() > 10, "{documents:?}");
    for document in &documents {
        let name = document.display();
        for block in blocks(&read(document)) {
            let line = block.line;
            if block.is_run() {
                let is_here = RUN.iter().any(|run| document.as_path() == Path::new(run));
                assert!(is_here, "{name}:{line}: no test runs these commands");
            } else if block.language == "sh" {
                let reason = block.text.lines().next().and_then(|line| line.strip_prefix(NOT_RUN));
                assert!(reason.is_some_and(|reason| reason.len() > 10), "{name}:{line}: no reason");
            } else {
                let is_known = OTHER_LANGUAGES.contains(&block.language.as_str());
                assert!(is_known, "{name}:{line}: commands are in blocks of sh, text is in none");
            }
        }
    }
}

/// Returns the words of the subcommand in a command line, such as `wallet add` of
/// `jirani wallet add URL --asset USD`.
fn subcommand(line: &str) -> Vec<&str> {
    let is_word = |word: &&str| word.chars().all(|char| char.is_ascii_lowercase());
    line.split_whitespace().skip(1).take_while(is_word).take(2).collect()
}

#[test]
fn each_command_in_a_sentence_exists() {
    let mut commands = BTreeSet::new();
    for document in documents() {
        let text = read(&document);
        // Odd parts are between two backticks, since those of blocks come in pairs of three.
        for code in text.split('`').skip(1).step_by(2) {
            if code.starts_with("jirani ") {
                commands.insert(subcommand(code).join(" "));
            }
        }
    }
    assert!(commands.contains("ledger verify") && commands.len() > 10, "{commands:?}");
    for command in commands {
        let words = command.split_whitespace();
        let output = jirani().args(words).arg("--help").output().unwrap();
        let usage = format!("Usage: jirani {command}");
        let text = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success() && text.contains(usage.trim_end()), "jirani {command}");
    }
}

#[test]
fn each_link_to_a_file_leads_to_one() {
    let mut links = 0;
    for document in documents() {
        let folder = root().join(document.parent().unwrap());
        let text = read(&document);
        for part in text.split("](").skip(1) {
            let target = part.split_once(')').map_or(part, |(target, _)| target);
            let file = target.split('#').next().unwrap_or_default();
            if file.is_empty() || file.contains("://") {
                continue;
            }
            links += 1;
            assert!(folder.join(file).exists(), "{}: {target} is missing", document.display());
        }
    }
    assert!(links > 20, "{links}");
}
