//! The demo's cluster: the connector as two nodes with one set of books, of which one waits.

use std::{
    net::TcpListener,
    path::Path,
    time::{Duration, Instant},
};

use super::{
    database::Database,
    node::{Children, DemoNode, Starting},
};
use crate::commands::Failure;

/// The time without a sign of life after which the other node takes over, in milliseconds.
const LEASE_MS: &str = "1000";

/// The time between two signs of life, in milliseconds.
const BEAT_MS: &str = "200";

/// The connector's nodes and their database.
pub(super) struct DemoCluster {
    database: Database,
    waiting: Option<Starting>,
}

impl DemoCluster {
    /// Starts the database and both nodes. The first one becomes active. Both are given one port for
    /// packets, which a node opens once it is active, as an address that moves from machine to machine.
    ///
    /// # Errors
    /// [`Failure::Refused`] says what can't be started.
    pub(super) fn start(dir: &Path, children: &Children) -> Result<(Self, Starting), Failure> {
        let database = Database::start(dir, children)?;
        let url = database.url();
        super::super::cluster::init_at(&url)?;
        let free = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
        let packets = free.map_err(|error| {
            Failure::Refused(format!("there is no free port for packets: {error}"))
        })?;
        let packets = packets.to_string();
        let environment = [
            ("JIRANI_CLUSTER_URL", url.as_str()),
            ("JIRANI_CLUSTER_LEASE_MS", LEASE_MS),
            ("JIRANI_CLUSTER_BEAT_MS", BEAT_MS),
            ("JIRANI_ILP_LISTEN", &packets),
        ];
        let spawn = |folder: &str| {
            let named = [&environment[..], &[("JIRANI_CLUSTER_NAME", folder)]].concat();
            Starting::spawn_with("connector", (dir, folder), &named, children)
        };
        let first = spawn("connector-1")?;
        first.wait_until_ready(children)?;
        let waiting = Some(spawn("connector-2")?);
        Ok((Self { database, waiting }, first))
    }

    /// Kills the active node, and returns the other one once it has taken over, with the time that this
    /// took.
    ///
    /// # Errors
    /// When the other node doesn't take over.
    pub(super) fn kill_node(
        &mut self,
        active: &DemoNode,
        children: &Children,
    ) -> Result<(DemoNode, Duration), Failure> {
        let waiting = self.waiting.take();
        let waiting = waiting.ok_or_else(|| Failure::Refused("no node waits".to_owned()))?;
        children.kill(active.pid);
        let begun = Instant::now();
        let node = waiting.ready(children)?;
        Ok((node, begun.elapsed()))
    }

    /// Kills the database's primary, and promotes its standby.
    ///
    /// # Errors
    /// When the standby can't be promoted.
    pub(super) fn kill_primary(&mut self, children: &Children) -> Result<(), Failure> {
        self.database.fail_over(children)
    }
}
