//! The task that takes samples of packets for all who watch them.

use std::sync::{Arc, Weak};

use ilp_connector::samples::Sample;
use parking_lot::Mutex;
use tokio::{sync::watch, task::AbortHandle};

/// The packets that were seen last.
#[derive(Clone, Debug)]
pub(super) struct Seen {
    pub(super) packets: Arc<[Sample]>,
    /// Packets since the task began, with those that weren't shown.
    pub(super) total: u64,
}

/// The task that asks, where there is one.
#[derive(Debug, Default)]
pub(crate) struct Lookers(pub(super) Mutex<Weak<Looking>>);

#[derive(Debug)]
pub(super) struct Looking {
    pub(super) task: AbortHandle,
    pub(super) seen: watch::Receiver<Seen>,
}

impl Drop for Looking {
    fn drop(&mut self) {
        self.task.abort();
    }
}
