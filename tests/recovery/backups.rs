//! `kill -9` of a node or of `jirani backup` during a backup: a folder with the backup's name is
//! complete, or there is none.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::atomic::{AtomicBool, AtomicU64, Ordering},
    thread,
    time::Instant,
};

use serde_json::json;

use super::{
    AmountsById, LIQUIDITY, UNLIMITED, ledger, receiver, rounds, send_until_killed, sha256, total,
};
use crate::support::{DataDir, Node, graphql::peer_input, jirani, stub::Stub, wait_for};

/// Connections of the peer that sends.
const SENDERS: usize = 4;

/// A node under load, and the requests that were answered.
struct Load {
    alice: String,
    bob: String,
    numbers: AtomicU64,
    fulfilled: AmountsById,
    assets: AtomicU64,
    _bob_stub: Stub,
}

/// The requests that had been answered at one moment.
#[derive(Clone, Copy, Debug)]
struct AnsweredRequests {
    fulfilled: u64,
    assets: u64,
}

impl Load {
    fn start() -> (Self, Node) {
        let bob_stub = receiver(&AmountsById::default());
        let node = Node::start_with(&UNLIMITED);
        let asset = node.create_asset("USD", 2);
        let liquidity = json!({ "initialLiquidity": LIQUIDITY.to_string() });
        let alice = node.create_peer(&asset, "test.alice", "http://127.0.0.1:1", liquidity.clone());
        let bob = node.create_peer(&asset, "test.bob", &bob_stub.endpoint(), liquidity);
        let load = Self {
            alice,
            bob,
            numbers: AtomicU64::new(0),
            fulfilled: AmountsById::default(),
            assets: AtomicU64::new(1),
            _bob_stub: bob_stub,
        };
        (load, node)
    }

    fn answered(&self) -> AnsweredRequests {
        let assets = self.assets.load(Ordering::SeqCst);
        AnsweredRequests { fulfilled: total(&self.fulfilled), assets }
    }

    /// Sends packets and makes assets and peers while `during` runs, and until the node is gone or
    /// `during` has returned.
    fn around<T>(&self, node: &Node, round: u64, during: impl FnOnce() -> T) -> T {
        let ending = AtomicBool::new(false);
        thread::scope(|scope| {
            for _ in 0..SENDERS {
                scope.spawn(|| send_until_killed(node, &self.numbers, &ending, &self.fulfilled));
            }
            scope.spawn(|| self.make_records(node, round, &ending));
            let before = total(&self.fulfilled);
            wait_for("packets", || (total(&self.fulfilled) > before).then_some(()));
            let value = during();
            ending.store(true, Ordering::SeqCst);
            value
        })
    }

    fn make_records(&self, node: &Node, round: u64, ending: &AtomicBool) {
        let asset = "mutation($input: CreateAssetInput!) {
            createAsset(input: $input) { asset { id } } }";
        let peer = "mutation($input: CreatePeerInput!) {
            createPeer(input: $input) { peer { id } } }";
        for number in 0.. {
            if ending.load(Ordering::SeqCst) {
                return;
            }
            let name = format!("B{round}N{number}");
            let input = json!({ "input": { "code": name, "scale": 2 } });
            let Some(made) = super::idempotency::post(node.admin, asset, &input) else { return };
            self.assets.fetch_add(1, Ordering::SeqCst);
            let id = made["createAsset"]["asset"]["id"].as_str().unwrap();
            let input = peer_input(id, &format!("test.{name}"), "http://127.0.0.1:1", json!({}));
            let input = json!({ "input": input });
            if super::idempotency::post(node.admin, peer, &input).is_none() {
                return;
            }
        }
    }

    /// Checks that a backup is complete, and that a node which starts from it has everything that
    /// was answered before.
    fn check_whole(&self, copy: &Path, before: AnsweredRequests) {
        let dir = DataDir::at(copy.to_owned(), &UNLIMITED);
        ledger(&dir, &["verify"]);
        let node = dir.start();
        let paid = LIQUIDITY - node.liquidity(&self.alice);
        assert_eq!(paid, node.liquidity(&self.bob) - LIQUIDITY);
        assert!(paid >= before.fulfilled, "{paid} in the copy, {before:?} before it");
        let assets = node.query("{ node { assetCount } }", json!({}));
        let assets = assets["node"]["assetCount"].as_u64().unwrap();
        assert!(assets >= before.assets, "{assets} in the copy, {before:?} before it");
    }
}

fn backup(node: &Node, dir: &Path) -> Command {
    let mut command = jirani();
    command.arg("backup").arg(dir).args(["--url", &format!("http://{}", node.admin)]);
    command.stdout(Stdio::null()).stderr(Stdio::piped());
    command
}

/// Returns whether `jirani ledger verify` finds no fault in a folder.
fn verifies(dir: &Path) -> bool {
    let mut command = jirani();
    command.args(["ledger", "verify", "--data-dir"]).arg(dir);
    command.output().unwrap().status.success()
}

/// Returns whether a folder is absent, empty or has only the permission to write there.
fn is_vacant(dir: &Path) -> bool {
    let Ok(entries) = fs::read_dir(dir) else { return !dir.exists() };
    entries.flatten().all(|entry| entry.file_name() == "jirani-backup-here")
}

fn partial(dir: &Path) -> PathBuf {
    dir.with_extension("partial")
}

/// Checks the remains of an interrupted backup, and returns what they are.
fn check_left(load: &Load, target: &Path, before: AnsweredRequests) -> &'static str {
    let partial = partial(target);
    if partial.exists() {
        // The backup is complete but for its name, or recognised as incomplete.
        let whole = verifies(&partial);
        if whole {
            let copy = target.with_extension("copy");
            let copied = Command::new("cp").arg("-r").args([&partial, &copy]).status().unwrap();
            assert!(copied.success());
            load.check_whole(&copy, before);
            fs::remove_dir_all(copy).unwrap();
        }
        assert!(is_vacant(target), "both names are there");
        return if whole { "whole without its name" } else { "a part" };
    }
    if is_vacant(target) {
        return "nothing";
    }
    load.check_whole(target, before);
    fs::remove_dir_all(target).unwrap();
    "whole"
}

#[test]
fn a_backup_is_whole_or_absent_whenever_it_or_the_node_is_killed() {
    let (load, mut node) = Load::start();
    let folder = tempfile::tempdir().unwrap();
    let target = folder.path().join("monday");
    // The kills are spread over the length of an uninterrupted backup, and a bit longer.
    let begun = Instant::now();
    let before = load.answered();
    let copied = load.around(&node, u64::MAX, || backup(&node, &target).output().unwrap());
    assert!(copied.status.success(), "{copied:?}");
    let length = begun.elapsed();
    load.check_whole(&target, before);
    fs::remove_dir_all(&target).unwrap();
    let mut left = std::collections::BTreeMap::new();
    let rounds = rounds(4);
    for round in 0..rounds {
        let random = sha256(&[b"backup ", &round.to_be_bytes()[..]].concat())[0];
        let moment = length * u32::from(random) / 200;
        let kills_node = round % 3 != 2;
        let before = load.around(&node, round, || {
            let before = load.answered();
            let mut command = backup(&node, &target).spawn().unwrap();
            thread::sleep(moment);
            if kills_node {
                node.signal("KILL");
            } else {
                command.kill().unwrap();
            }
            command.wait().unwrap();
            before
        });
        if kills_node {
            node = node.kill().start();
            *left.entry(check_left(&load, &target, before)).or_insert(0) += 1;
        }
        // The next backup to this name succeeds, or the one whose command was killed has come to
        // its end.
        let before = if kills_node { load.answered() } else { before };
        let next = load.around(&node, rounds + round, || backup(&node, &target).output().unwrap());
        if !next.status.success() {
            let said = String::from_utf8_lossy(&next.stderr);
            assert!(!kills_node && said.contains("empty"), "round {round}: {said}");
        }
        load.check_whole(&target, before);
        assert!(!partial(&target).exists(), "round {round}");
        fs::remove_dir_all(&target).unwrap();
    }
    println!("{rounds} rounds: the kills of the node have left {left:?}");
}
