//! A disk that fails to read: each of the first hundred reads of the index fails once with EIO.

use std::{path::PathBuf, process::Command};

use serde_json::json;

use super::{Setup, node_dir, setup};
use crate::support::{DataDir, jirani, packets::prepare, root};

/// The number of peers in the store, so that a start reads the index more than a hundred times.
const PEERS: usize = 400;
const READS: u32 = 100;

/// The log line of the library that fails the reads.
const FAILED: &str = "failing_reads: read";
const PUT_ASIDE: &str = "it is put aside and made anew";
/// The words in the log of a node that found damage only after it had started.
const NEXT_START: &str = "the next start makes it anew";

/// Compiles the library. A C compiler is there, since the daemon's own build needs it.
fn library(folder: &DataDir) -> PathBuf {
    let library = folder.data().join("failing_reads.so");
    let source = root().join("tests/storage/failing_reads.c");
    let mut compiler = Command::new("cc");
    compiler.args(["-shared", "-fPIC", "-O1", "-o"]).arg(&library).arg(source).arg("-ldl");
    assert!(compiler.status().unwrap().success(), "cc compiles the library");
    library
}

#[test]
fn a_read_of_the_index_that_fails_costs_a_slower_start_and_nothing_else() {
    let tools = node_dir();
    std::fs::create_dir_all(tools.data()).unwrap();
    let library = library(&tools);
    let Setup { node, alice, bob, stub } = setup(node_dir());
    let asset = node.create_asset("EUR", 2);
    for peer in 0..PEERS {
        let address = format!("test.peer{peer}");
        node.create_peer(&asset, &address, &stub.endpoint(), json!({ "name": address }));
    }
    let (mut dir, mut moved) = (node.stop(), 0);
    let (mut failed, mut put_aside, mut stopped) = (0, 0, 0);
    for read in 1..=READS {
        let before = dir.log().len();
        let mut command = dir.command();
        command
            .env("LD_PRELOAD", &library)
            .env("FAILING_FOLDER", dir.data().join("index/"))
            .env("FAILING_READ", read.to_string());
        let node = dir.try_start_by(command).unwrap_or_else(|(dir, status)| {
            let said = dir.log()[before..].to_owned();
            assert!(status.code() == Some(74) && said.contains(NEXT_START), "read {read}: {said}");
            stopped += 1;
            dir.start()
        });
        let balances = (node.liquidity(&alice), node.liquidity(&bob));
        assert_eq!(balances, (1_000_000 - moved, 1_000_000 + moved), "read {read}");
        let mut sender = node.sender("test.alice");
        sender.fulfilled(&prepare("test.bob", 10));
        moved += 10;
        dir = node.stop();
        let said = dir.log()[before..].to_owned();
        failed += u32::from(said.contains(FAILED));
        put_aside += u32::from(said.contains(PUT_ASIDE));
    }
    let node = dir.start();
    let peers = node.query(
        "{ peers(first: 100) { edges { node { id } } pageInfo { hasNextPage } } }",
        json!({}),
    );
    assert_eq!(peers["peers"]["pageInfo"]["hasNextPage"], true, "{peers}");
    let dir = node.stop();
    let mut verify = jirani();
    verify.args(["ledger", "verify", "--data-dir"]).arg(dir.data());
    let verified = verify.output().unwrap();
    assert!(verified.status.success(), "{verified:?}");
    println!(
        "{failed} of {READS} reads failed; the index was put aside {put_aside} times, and {stopped} nodes \
         stopped for the next start to do so"
    );
    assert!(failed > READS * 3 / 4 && put_aside > 0, "{failed} failed, {put_aside} put aside");
}
