//! Failing storage: each failure ends in a clear message and a non-zero exit code, never in wrong
//! books.
//!
//! A full or read-only disk is a small tmpfs, which only root can mount, on Linux; CI does so.
//! Elsewhere those tests report that they were skipped.

mod failing_reads;
mod full_disk;
mod indexes;

use std::{
    fs,
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
    process::Command,
};

use interledger_packet::Reply;
use serde_json::json;

use crate::support::{
    DataDir, Node, jirani,
    packets::{Sender, prepare},
    stub::Stub,
};

struct Setup {
    node: Node,
    alice: String,
    bob: String,
    stub: Stub,
}

fn setup(dir: DataDir) -> Setup {
    let (node, stub) = (dir.start(), Stub::fulfilling());
    let asset = node.create_asset("USD", 2);
    let alice = node.create_peer(&asset, "test.alice", "http://127.0.0.1:1", json!({}));
    let bob = node.create_peer(&asset, "test.bob", &stub.endpoint(), json!({}));
    Setup { node, alice, bob, stub }
}

fn node_dir() -> DataDir {
    DataDir::new(&[("JIRANI_ILP_ADDRESS", "test.node")])
}

/// Makes a node that has booked a hundred packets, one page each, and was killed.
fn killed_with_books() -> (DataDir, String, String, Stub) {
    let Setup { node, alice, bob, stub } = setup(node_dir());
    let mut sender = node.sender("test.alice");
    for _ in 0..100 {
        sender.fulfilled(&prepare("test.bob", 10));
    }
    (node.kill(), alice, bob, stub)
}

/// Starts a node that must refuse to start, and returns its message.
fn refusal(dir: &DataDir) -> String {
    let before = dir.log().len();
    let status = dir.command().status().unwrap();
    let said = dir.log()[before..].to_owned();
    assert_eq!(status.code(), Some(74), "{said}");
    said
}

fn segment(dir: &DataDir) -> PathBuf {
    let mut segments: Vec<_> = fs::read_dir(dir.data().join("journal"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    segments.sort();
    segments.remove(0)
}

fn flip(path: &Path, offset: u64) {
    let file = fs::File::options().read(true).write(true).open(path).unwrap();
    let mut byte = [0];
    file.read_exact_at(&mut byte, offset).unwrap();
    file.write_all_at(&[byte[0] ^ 0x10], offset).unwrap();
}

/// Returns the end of the journal's last page, behind which the file has only zeros.
fn written(path: &Path) -> u64 {
    let bytes = fs::read(path).unwrap();
    bytes.iter().rposition(|byte| *byte != 0).unwrap() as u64 + 1
}

#[test]
fn a_flipped_bit_in_the_journal_is_named_and_not_forwarded_on() {
    let (dir, ..) = killed_with_books();
    let path = segment(&dir);
    flip(&path, written(&path) / 2);
    let said = refusal(&dir);
    assert!(said.contains("journal") && said.contains(path.to_str().unwrap()), "{said}");
}

#[test]
fn a_missing_segment_is_named() {
    let (dir, ..) = killed_with_books();
    let path = segment(&dir);
    fs::remove_file(&path).unwrap();
    let said = refusal(&dir);
    assert!(said.contains("journal"), "{said}");
}

#[test]
fn a_verification_tells_what_it_could_not_read_and_ends_like_a_start() {
    let (dir, ..) = killed_with_books();
    let verify = || {
        let mut command = jirani();
        command.args(["ledger", "verify", "--data-dir"]).arg(dir.data()).output().unwrap()
    };
    let whole = verify();
    assert!(whole.status.success(), "{whole:?}");
    let path = segment(&dir);
    flip(&path, written(&path) / 2);
    let damaged = verify();
    let said = String::from_utf8_lossy(&damaged.stdout);
    assert!(said.contains("fault: ") && said.contains(path.to_str().unwrap()), "{damaged:?}");
    let advice = String::from_utf8_lossy(&damaged.stderr);
    assert!(advice.contains("can't be read") && advice.contains("backup"), "{damaged:?}");
    assert_eq!(damaged.status.code(), Some(74));
    fs::remove_file(&path).unwrap();
    assert_eq!(verify().status.code(), Some(74));
}

#[test]
fn what_a_crash_left_half_written_is_wiped_and_nothing_else() {
    let (dir, alice, bob, _stub) = killed_with_books();
    let path = segment(&dir);
    let file = fs::File::options().write(true).open(&path).unwrap();
    let next_page = written(&path).next_multiple_of(8) + 8;
    file.write_all_at(b"JIRP half of a page that was never answered for", next_page).unwrap();
    let node = dir.start();
    assert_eq!((node.liquidity(&alice), node.liquidity(&bob)), (999_000, 1_001_000));
    node.sender("test.alice").fulfilled(&prepare("test.bob", 10));
}

#[test]
fn a_damaged_absent_or_foreign_index_costs_nothing_but_a_line_in_the_log() {
    let (dir, alice, bob, _stub) = killed_with_books();
    let index = dir.data().join("index");
    let broken = |node: &Node| node.dir.log().contains("it is put aside and made anew");
    let mut dir = Some(dir);
    for harm in ["damaged", "absent", "a file of another kind"] {
        let stopped = dir.take().unwrap();
        match harm {
            "damaged" => {
                let db = index.join("db");
                let length = fs::metadata(&db).unwrap().len();
                (0..length).step_by(97).for_each(|offset| flip(&db, offset));
            }
            "absent" => fs::remove_dir_all(&index).unwrap(),
            _ => {
                fs::remove_dir_all(&index).unwrap();
                fs::write(&index, "not an index").unwrap();
            }
        }
        let node = stopped.start();
        let balances = (node.liquidity(&alice), node.liquidity(&bob));
        assert_eq!(balances, (999_000, 1_001_000), "{harm}");
        assert!(broken(&node), "{harm}");
        dir = Some(node.kill());
    }
    let verified =
        jirani().args(["ledger", "verify", "--data-dir"]).arg(dir.unwrap().data()).output();
    assert!(verified.unwrap().status.success());
}

/// A folder on a disk of its own.
struct SmallDisk {
    path: PathBuf,
    _folder: tempfile::TempDir,
}

impl SmallDisk {
    fn mount(size: &str) -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().to_owned();
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &format!("size={size}"), "tmpfs"])
            .arg(&path)
            .status();
        if mounted.is_ok_and(|status| status.success()) {
            Some(Self { path, _folder: folder })
        } else {
            println!("left out: mounting a tmpfs takes a root user on Linux");
            None
        }
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("--lazy").arg(&self.path).status();
    }
}

#[test]
fn a_disk_that_fills_up_ends_the_node_with_its_books_intact() {
    let Some(disk) = SmallDisk::mount("8m") else { return };
    let dir = DataDir::at(disk.path.join("data"), &[("JIRANI_ILP_ADDRESS", "test.node")]);
    let Setup { mut node, alice, bob, stub } = setup(dir);
    let mut fulfilled = 0;
    let mut refused = false;
    // The first segment has room for some thousands of packets, and the disk has none for a second.
    'sending: while fulfilled < 1_000_000 {
        let Ok(mut sender) = Sender::open(&node, "test.alice") else { break };
        while let Ok(response) = sender.post(&prepare("test.bob", 1)) {
            match Reply::parse(response.body.into()) {
                Ok(Reply::Fulfill(_)) => fulfilled += 1,
                Ok(Reply::Reject(reject)) => {
                    assert_eq!(reject.code().to_string(), "T03");
                    refused = true;
                    break 'sending;
                }
                Err(_) => break 'sending,
            }
        }
    }
    println!("{fulfilled} packets until the disk was full");
    let status = node.ended();
    assert_eq!(status.code(), Some(74), "{}", node.dir.log());
    assert!(node.dir.log().contains("No space left"), "{}", node.dir.log());
    assert!(refused || fulfilled < 1_000_000, "the disk never filled up");

    // With room again, the books have everything that was answered.
    let grown =
        Command::new("mount").args(["-o", "remount,size=200m"]).arg(&disk.path).status().unwrap();
    assert!(grown.success());
    let node = node.restart();
    let booked = node.liquidity(&bob) - 1_000_000;
    assert_eq!(1_000_000 - node.liquidity(&alice), booked);
    assert!(booked == fulfilled || booked == fulfilled + 1, "{booked} booked, {fulfilled} seen");
    assert!(stub.requests().len() as u64 >= booked);
}

#[test]
fn a_read_only_disk_is_named() {
    let Some(disk) = SmallDisk::mount("64m") else { return };
    let dir = DataDir::at(disk.path.join("data"), &[("JIRANI_ILP_ADDRESS", "test.node")]);
    let dir = setup(dir).node.stop();
    let read_only = Command::new("mount").args(["-o", "remount,ro"]).arg(&disk.path).status();
    assert!(read_only.unwrap().success());
    let said = refusal(&dir);
    assert!(said.contains("ead-only") && said.contains(disk.path.to_str().unwrap()), "{said}");
}
