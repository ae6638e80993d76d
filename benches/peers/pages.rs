//! The operator's pages of a node with many peers.

use std::{
    net::Shutdown,
    time::{Duration, Instant},
};

use crate::{ms, node::Node};

/// Requests the operator's pages about peers, as a browser does.
pub(crate) fn look(node: &Node) {
    let mut client = node.client();
    for (name, path) in [
        ("the overview", "/"),
        ("the list of peers", "/peers"),
        ("a search that finds the oldest", "/peers?q=peer0"),
        ("the form of a new peer", "/peers/new"),
    ] {
        let mut times: Vec<Duration> = (0..50)
            .map(|_| {
                let began = Instant::now();
                assert_eq!(client.get(path), 200, "{path}");
                began.elapsed()
            })
            .collect();
        times.sort_unstable();
        println!("page of {name}: p50 {:.2} ms, most {:.2} ms", ms(times[25]), ms(times[49]));
    }
}

/// Measures a follower of the overview, which has to look at every peer: the node's time on a
/// processor with a follower and without.
pub(crate) fn follow(node: &Node) {
    const WATCHED: Duration = Duration::from_secs(10);
    let idle = node.cpu_ms(WATCHED);
    let (stream, reader) = node.client().follow("/live/overview");
    let followed = node.cpu_ms(WATCHED);
    stream.shutdown(Shutdown::Both).expect("the end of it");
    let told = reader.join().expect("a reader");
    let seconds = WATCHED.as_secs();
    println!(
        "the overview followed for {seconds} s: {followed} ms of CPU, {idle} ms without; {told} bytes told"
    );
}
