//! The threads that carry packets.

use std::{io, thread};

use ilp_http::Worker;
use tokio::{runtime, sync::watch};

use crate::{
    commands::Failure,
    node::Node,
    run::{no_runtime, until},
};

/// Starts `threads` threads that carry packets. They end when the sender of `end` is dropped.
pub(crate) fn start_workers(
    threads: usize,
    node: impl Fn() -> Node,
    end: &watch::Receiver<()>,
) -> Result<Vec<Worker<Node>>, Failure> {
    (0..threads).map(|index| start_worker(index, node(), end.clone()).map_err(no_runtime)).collect()
}

/// One thread that carries packets, with its own runtime, so that a packet never changes threads
/// and the operator's work never delays one.
fn start_worker(index: usize, node: Node, end: watch::Receiver<()>) -> io::Result<Worker<Node>> {
    let runtime = runtime::Builder::new_current_thread().enable_all().build()?;
    let handle = runtime.handle().clone();
    handle.spawn(node.ledger_lane());
    thread::Builder::new()
        .name(format!("jirani-ilp-{index}"))
        .spawn(move || runtime.block_on(until(end)))?;
    Ok(Worker { runtime: handle, handler: node })
}

/// Returns how many threads carry packets. By default one less than there are cores, since the
/// ledger's writer and the operator need some time too; on two cores that is one, which measured
/// faster than two.
pub(crate) fn worker_count(configured: usize) -> usize {
    let cores = thread::available_parallelism().map_or(1, usize::from);
    if configured > 0 { configured } else { cores.saturating_sub(1).max(1) }
}
