//! The peers that became reachable or unreachable, as packets show it.

use std::collections::HashSet;

use parking_lot::Mutex;
use tokio::sync::Notify;
use uuid::Uuid;

/// Peers whose state has changed since it was last looked at. Each is in it once, so it is bounded
/// by the number of peers.
#[derive(Debug, Default)]
pub(crate) struct ChangedLinks {
    pub(super) peers: Mutex<HashSet<Uuid>>,
    pub(super) changed: Notify,
}

impl ChangedLinks {
    /// Notes a change. This is called on the path of the packet that showed it.
    pub(crate) fn note(&self, peer: Uuid) {
        self.peers.lock().insert(peer);
        self.changed.notify_one();
    }
}
