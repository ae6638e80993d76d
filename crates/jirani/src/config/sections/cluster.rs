//! The table `[cluster]`.

use ilp_store_postgres::{DatabaseUrl, SyncRule};

use super::{
    super::readers::{field, optional, required, sync_rule, within},
    ConfigError, Key, Settings, TEXT, key,
};

section! {
    /// The database of a cluster, of which one node at a time has the books.
    pub(crate) struct ClusterConfig {
        /// The database. Its URL holds a password, so it is never shown.
        url: Option<DatabaseUrl> = optional(|text| DatabaseUrl::parse(text).ok()),
            key(
                "cluster.url",
                "JIRANI_CLUSTER_URL",
                "the URL of a PostgreSQL database, such as postgres://jirani:PASSWORD@db1,db2/jirani",
            )
                .secret()
                .unset("the books are in the data folder alone");
        /// The name of the node for people; `None` for that of the machine.
        name: Option<String> = optional(|text| Some(text.to_owned())),
            key("cluster.name", "JIRANI_CLUSTER_NAME", TEXT).unset("the machine's name");
        /// Whether a page must be on a second machine before it counts.
        sync: SyncRule = required(sync_rule),
            key("cluster.sync", "JIRANI_CLUSTER_SYNC", "required or accepted").default("required");
        /// The time between two signs of life of the node that has the books.
        beat_ms: u64 = required(|text| within(text, 50..=60_000)),
            key(
                "cluster.beat_ms",
                "JIRANI_CLUSTER_BEAT_MS",
                "a whole number of milliseconds from 50 to 60000",
            )
                .default("1000");
        /// The time without a sign of life after which another node takes over.
        lease_ms: u64 = required(|text| within(text, 100..=600_000)),
            key(
                "cluster.lease_ms",
                "JIRANI_CLUSTER_LEASE_MS",
                "a whole number of milliseconds from 100 to 600000, at least twice cluster.beat_ms",
            )
                .default("3000");
        /// The time that the database may take for a page before no further packet is taken.
        stall_ms: u64 = required(|text| within(text, 10..=60_000)),
            key(
                "cluster.stall_ms",
                "JIRANI_CLUSTER_STALL_MS",
                "a whole number of milliseconds from 10 to 60000",
            )
                .default("500");
        /// The time after which the outcome of a write to the database counts as unknown.
        commit_timeout_ms: u64 = required(|text| within(text, 100..=600_000)),
            key(
                "cluster.commit_timeout_ms",
                "JIRANI_CLUSTER_COMMIT_TIMEOUT_MS",
                "a whole number of milliseconds from 100 to 600000",
            )
                .default("5000");
    }
}
