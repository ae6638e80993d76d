//! The threads that carry packets.

use std::{
    io,
    thread::{self, JoinHandle},
    time::Duration,
};

use ilp_http::Worker;
use tokio::runtime;

use crate::{
    commands::Failure,
    node::Node,
    run::no_runtime,
    tasks::{TaskPanicked, Tasks},
};

/// The time that a name lookup in progress may delay the end of a thread.
const LOOKUPS_END: Duration = Duration::from_secs(1);

/// The threads that carry packets. Each has its own runtime, so that a packet never changes threads and
/// the operator's work never delays one.
pub(crate) struct Workers {
    handles: Vec<Worker<Node>>,
    threads: Vec<JoinHandle<()>>,
    /// Each thread's task for the ledger. These tasks outlive those that bring packets.
    tasks: Tasks,
}

impl Workers {
    /// Starts threads that carry packets.
    ///
    /// # Errors
    /// [`Failure::Refused`] when the system gives no more threads or event queues.
    pub(crate) fn start(count: usize, node: impl Fn() -> Node) -> Result<Self, Failure> {
        let mut workers = Self { handles: Vec::new(), threads: Vec::new(), tasks: Tasks::new() };
        for index in 0..count {
            workers.start_one(index, node()).map_err(no_runtime)?;
        }
        Ok(workers)
    }

    fn start_one(&mut self, index: usize, node: Node) -> io::Result<()> {
        let runtime = runtime::Builder::new_current_thread().enable_all().build()?;
        let handle = runtime.handle().clone();
        let (lane, stop) = (node.ledger_lane(), self.tasks.stop_token());
        let lane = async move {
            stop.run_until_cancelled_owned(lane).await;
        };
        self.tasks.spawn_on("ledger lane", lane, &handle);
        let stopping = self.tasks.stopping();
        let thread =
            thread::Builder::new().name(format!("jirani-ilp-{index}")).spawn(move || {
                runtime.block_on(stopping);
                runtime.shutdown_timeout(LOOKUPS_END);
            })?;
        self.threads.push(thread);
        self.handles.push(Worker { runtime: handle, handler: node });
        Ok(())
    }

    /// Returns the runtime and the packet handler of each thread.
    pub(crate) fn handles(&self) -> Vec<Worker<Node>> {
        self.handles.clone()
    }

    /// Waits until a thread's task for the ledger has panicked.
    pub(crate) async fn panicked(&self) -> TaskPanicked {
        self.tasks.panicked().await
    }

    /// Ends the threads and waits for them.
    pub(crate) async fn end(self) {
        self.tasks.stop_token().cancel();
        let ended = tokio::task::spawn_blocking(|| {
            // A thread that panicked has ended as well.
            self.threads.into_iter().for_each(|thread| drop(thread.join()));
        });
        let _ = ended.await;
    }
}

/// Returns the number of threads that carry packets. By default it is one less than the number of
/// cores, since the ledger's writer and the operator need some time too; on two cores that is one,
/// which measured faster than two.
pub(crate) fn worker_count(configured: usize) -> usize {
    let cores = thread::available_parallelism().map_or(1, usize::from);
    if configured > 0 { configured } else { cores.saturating_sub(1).max(1) }
}
