//! Few file descriptors: strangers must not take those of the journal and the operator.

use std::{
    io,
    net::{SocketAddr, TcpStream},
};

use serde_json::json;

use crate::support::{
    DataDir, Node, PATIENCE, http,
    packets::{Sender, prepare},
    stub::Stub,
    wait_for,
};

/// Opens more connections than the node may have files, to the ports that strangers reach, and
/// holds them unused. The wallets' port gets fewer, because its backlog takes those that are not
/// accepted.
fn strangers(node: &Node) -> Vec<TcpStream> {
    let connect = |port: SocketAddr| TcpStream::connect_timeout(&port, PATIENCE).ok();
    let wallets = (0..60).filter_map(|_| connect(node.wallet));
    let peers = (0..350).filter_map(|_| connect(node.ilp));
    wallets.chain(peers).collect()
}

/// Returns the number of the node's descriptors by `/proc`.
fn descriptors(node: &Node) -> usize {
    let folder = format!("/proc/{}/fd", node.id());
    std::fs::read_dir(folder).map_or(0, Iterator::count)
}

fn is_healthy(node: &Node) -> io::Result<bool> {
    Ok(http::get(node.admin, "/healthz")?.status == 200)
}

#[test]
fn strangers_connections_end_no_node_that_may_open_few_files() {
    let dir = DataDir::new(&[("JIRANI_ILP_ADDRESS", "test.node")]).after("ulimit -n 300");
    let (mut node, bob) = (dir.start(), Stub::fulfilling());
    let asset = node.create_asset("USD", 2);
    node.create_peer(&asset, "test.alice", "http://127.0.0.1:1", json!({}));
    node.create_peer(&asset, "test.bob", &bob.endpoint(), json!({}));
    let mut sender = node.sender("test.alice");
    sender.fulfilled(&prepare("test.bob", 1));
    let strangers = strangers(&node);
    assert!(strangers.len() > 300, "{} connections", strangers.len());

    // The journal begins its next segment, which takes a descriptor.
    let segments = || std::fs::read_dir(node.dir.data().join("journal")).unwrap().count();
    let before = segments();
    while segments() == before {
        sender.fulfilled(&prepare("test.bob", 1));
    }
    assert!(descriptors(&node) < 300, "{} are open", descriptors(&node));
    assert!(is_healthy(&node).unwrap(), "{}", node.dir.log());
    // No connection to this next hop is open.
    let carol = Stub::fulfilling();
    node.create_peer(&asset, "test.carol", &carol.endpoint(), json!({}));
    sender.fulfilled(&prepare("test.carol", 1));
    let log = node.dir.log();
    assert!(log.contains("fewer open files than are configured"), "{log}");
    assert!(!log.contains("Too many open files"), "{log}");
    drop(strangers);
    wait_for("room for a new connection", || {
        let response =
            Sender::open(&node, "test.alice").ok()?.post(&prepare("test.bob", 1)).ok()?;
        (response.status == 200).then_some(())
    });
    node.signal("TERM");
    assert!(node.ended().success(), "{}", node.dir.log());
}

#[test]
fn a_limit_that_no_node_can_work_with_is_refused_with_the_number_that_it_needs() {
    let dir = DataDir::new(&[("JIRANI_ILP_ADDRESS", "test.node")]).after("ulimit -n 100");
    let status = dir.command().status().unwrap();
    let said = dir.log();
    assert_eq!(status.code(), Some(1), "{said}");
    assert!(said.contains("allows this process 100 open files"), "{said}");
    assert!(said.contains("ulimit -n "), "{said}");
}
