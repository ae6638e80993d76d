//! A disk that is full at each stage of a start, and at the stop: the node ends soon with 74 and a
//! message that says what to do, and once there is room the next start has everything.

use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use super::{Setup, SmallDisk, setup};
use crate::support::{DataDir, Node, graphql::peer_input, http, jirani, packets::prepare};

/// The time in which a node that can't write has to end.
const END_MAX: Duration = Duration::from_secs(5);

/// The room that a start finds on the disk, in KiB: from none up to more than a new store takes.
const ROOM_KIB: [u64; 14] = [0, 4, 8, 16, 32, 64, 128, 256, 520, 600, 800, 1_040, 1_200, 1_600];

const POLL_PAUSE: Duration = Duration::from_millis(5);

const ENVIRONMENT: [(&str, &str); 1] = [("JIRANI_ILP_ADDRESS", "test.node")];

impl SmallDisk {
    fn filler(&self) -> PathBuf {
        self.path.join("filler")
    }

    /// Fills the disk except for `room_kib`.
    fn fill(&self, room_kib: u64) {
        let mut file = fs::File::create(self.filler()).unwrap();
        let block = [0xa5; 4_096];
        while file.write_all(&block).is_ok() {}
        let length = file.metadata().unwrap().len();
        file.set_len(length.saturating_sub(room_kib * 1_024)).unwrap();
    }

    fn free(&self) {
        fs::remove_file(self.filler()).unwrap();
    }
}

/// The result of a start on a disk with little room.
#[derive(Debug, PartialEq, Eq)]
enum Start {
    /// The node ended with 74 and its message.
    Refused,
    /// The node works.
    Ready,
}

/// Starts a node and waits until it has ended or is ready.
fn try_start(dir: &DataDir, room_kib: u64) -> Start {
    let before = dir.log().len();
    let _ = fs::remove_file(dir.data().join("node.json"));
    let begun = Instant::now();
    let mut process = dir.command().stdin(Stdio::null()).spawn().unwrap();
    let status = loop {
        if let Some(status) = process.try_wait().unwrap() {
            break status;
        }
        if is_healthy(dir).is_some() {
            Command::new("kill").args(["-TERM", &process.id().to_string()]).status().unwrap();
            let status = ends(&mut process, dir);
            assert!(matches!(status.code(), Some(0 | 74)), "{room_kib} KiB: {}", dir.log());
            return Start::Ready;
        }
        assert!(begun.elapsed() < END_MAX, "{room_kib} KiB: {}", &dir.log()[before..]);
        std::thread::sleep(POLL_PAUSE);
    };
    let said = dir.log()[before..].to_owned();
    assert_eq!(status.code(), Some(74), "{room_kib} KiB: {said}");
    assert!(said.contains("No space left") || said.contains("os error 28"), "{room_kib}: {said}");
    assert!(!said.contains("restore"), "nothing is to be restored, {room_kib} KiB: {said}");
    Start::Refused
}

fn is_healthy(dir: &DataDir) -> Option<()> {
    let file = fs::read_to_string(dir.data().join("node.json")).ok()?;
    let file: Value = serde_json::from_str(&file).ok()?;
    let admin = file["admin"]["listen"].as_str()?.parse().ok()?;
    (http::get(admin, "/healthz").ok()?.status == 200).then_some(())
}

/// Waits until a process has ended, within the time that it may take.
fn ends(process: &mut std::process::Child, dir: &DataDir) -> std::process::ExitStatus {
    let begun = Instant::now();
    loop {
        if let Some(status) = process.try_wait().unwrap() {
            return status;
        }
        assert!(begun.elapsed() < END_MAX, "it doesn't end: {}", dir.log());
        std::thread::sleep(POLL_PAUSE);
    }
}

fn verify(data: &Path) {
    let verified = jirani().args(["ledger", "verify", "--data-dir"]).arg(data).output().unwrap();
    assert!(verified.status.success(), "{verified:?}");
}

#[test]
fn a_new_node_on_a_full_disk_starts_once_there_is_room() {
    let Some(disk) = SmallDisk::mount("24m") else { return };
    let mut outcomes = Vec::new();
    for room_kib in ROOM_KIB {
        let dir = DataDir::at(disk.path.join(format!("data-{room_kib}")), &ENVIRONMENT);
        disk.fill(room_kib);
        outcomes.push((room_kib, try_start(&dir, room_kib)));
        disk.free();
        let node = dir.start();
        node.create_asset("USD", 2);
        let data = node.stop().data();
        verify(&data);
        fs::remove_dir_all(data).unwrap();
    }
    println!("{outcomes:?}");
    assert_eq!(outcomes[0].1, Start::Refused);
}

/// The node has everything that was answered, in each of several states of the index.
#[test]
fn a_node_with_books_on_a_full_disk_starts_once_there_is_room() {
    let Some(disk) = SmallDisk::mount("24m") else { return };
    let dir = DataDir::at(disk.path.join("data"), &ENVIRONMENT);
    let Setup { node, alice, bob, stub: _stub } = setup(dir);
    let mut sender = node.sender("test.alice");
    for _ in 0..100 {
        sender.fulfilled(&prepare("test.bob", 10));
    }
    let mut dir = Some(node.kill());
    let mut moved = 1_000;
    for index in ["kept", "deleted", "cut"] {
        let mut outcomes = Vec::new();
        for room_kib in ROOM_KIB {
            let stopped = dir.take().unwrap();
            let path = stopped.data().join("index");
            match index {
                "deleted" => fs::remove_dir_all(path).unwrap(),
                "cut" => {
                    let db = fs::File::options().write(true).open(path.join("db")).unwrap();
                    db.set_len(4_096).unwrap();
                }
                _ => {}
            }
            disk.fill(room_kib);
            outcomes.push((room_kib, try_start(&stopped, room_kib)));
            disk.free();
            let node = stopped.start();
            let balances = (node.liquidity(&alice), node.liquidity(&bob));
            let expected = (1_000_000 - moved, 1_000_000 + moved);
            assert_eq!(balances, expected, "index {index}, {room_kib} KiB");
            node.sender("test.alice").fulfilled(&prepare("test.bob", 10));
            moved += 10;
            dir = Some(node.kill());
        }
        println!("index {index}: {outcomes:?}");
    }
    verify(&dir.unwrap().data());
}

/// The next write fails then, or the index's last flush does.
#[test]
fn a_disk_that_is_full_at_the_stop_holds_up_nothing() {
    let Some(disk) = SmallDisk::mount("24m") else { return };
    let dir = DataDir::at(disk.path.join("data"), &ENVIRONMENT);
    let Setup { mut node, alice, bob, stub: _stub } = setup(dir);
    let mut moved = 0;
    let mut assets = 1;
    for room_kib in [0, 4, 8, 64, 0] {
        for number in 0..10 {
            let asset = node.create_asset(&format!("R{room_kib}N{assets}N{number}"), 2);
            let peer = format!("test.p{assets}");
            node.query(
                "mutation($input: CreatePeerInput!) { createPeer(input: $input) { peer { id } } }",
                json!({ "input": peer_input(&asset, &peer, "http://127.0.0.1:1", json!({})) }),
            );
            assets += 1;
            node.sender("test.alice").fulfilled(&prepare("test.bob", 10));
            moved += 10;
        }
        disk.fill(room_kib);
        let code = stopped_soon(&mut node);
        println!("{room_kib} KiB: ended with {code:?}");
        disk.free();
        node = node.restart();
        let balances = (node.liquidity(&alice), node.liquidity(&bob));
        assert_eq!(balances, (1_000_000 - moved, 1_000_000 + moved), "{room_kib} KiB");
        let found = node.query("{ node { assetCount peerCount } }", json!({}));
        let made = json!({ "assetCount": assets, "peerCount": assets + 1 });
        assert_eq!(found["node"], made, "{room_kib} KiB");
    }
    verify(&node.stop().data());
}

/// Asks a node to stop, and returns the code with which it ends in time.
fn stopped_soon(node: &mut Node) -> Option<i32> {
    node.signal("TERM");
    let begun = Instant::now();
    let status = node.ended();
    assert!(begun.elapsed() < END_MAX, "{:?}: {}", begun.elapsed(), node.dir.log());
    assert!(matches!(status.code(), Some(0 | 74)), "{status}: {}", node.dir.log());
    status.code()
}
