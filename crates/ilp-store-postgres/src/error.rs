//! The errors of a cluster, in words that tell an operator the remedy.

use ilp_store::StoreError;
use tokio_postgres::error::SqlState;
use uuid::Uuid;

/// A node can't take part in the cluster.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ClusterError {
    /// The address of the database can't be read.
    #[error(
        "the database's URL can't be read; a right one is postgres://USER:PASSWORD@HOST1,HOST2/DATABASE"
    )]
    Url,
    /// The database has no tables of jirani.
    #[error("the database holds no cluster; make one with: jirani cluster init URL")]
    NoCluster,
    /// The database has a cluster already.
    #[error("the database holds cluster {cluster} already; another cluster takes another database")]
    Exists {
        /// The id of that cluster.
        cluster: Uuid,
    },
    /// The tables are those of another version.
    #[error(
        "the database's tables are of version {found}, and this jirani knows version {known}; run the \
         jirani that made them, or a newer one"
    )]
    Schema {
        /// The version that the database says it has.
        found: i32,
        /// The version that this program knows.
        known: i32,
    },
    /// The books were exported for good.
    #[error(
        "the cluster is closed: its books were exported to a folder, with which a node goes on by \
         itself"
    )]
    Closed,
    /// A node has the books.
    #[error(
        "{name} has the books, last heard of {silent_ms} ms ago; stop all nodes first, or take a copy \
         with --keep"
    )]
    Held {
        /// The node's name.
        name: String,
        /// How long ago it last showed that it lives, in milliseconds.
        silent_ms: u128,
    },
    /// Commits wait for no standby.
    #[error(
        "the database has no synchronous standby, so a page would be on one disk alone: set \
         synchronous_standby_names in PostgreSQL, or cluster.sync = \"accepted\" where the provider \
         replicates below PostgreSQL"
    )]
    NotSynchronous,
    /// The folder belongs to another cluster.
    #[error(
        "the data folder belongs to cluster {found}, and the database holds cluster {expected}; give \
         this node an empty folder"
    )]
    OtherCluster {
        /// The cluster that the folder names.
        found: Uuid,
        /// The cluster in the database.
        expected: Uuid,
    },
    /// The folder holds a log that isn't the cluster's.
    #[error(
        "the data folder holds books of its own, which the cluster doesn't have; give this node an \
         empty folder, or make the cluster from this folder with: jirani cluster init URL --from DIR"
    )]
    OwnBooks,
    /// The folder's log doesn't begin with its first page.
    #[error(
        "the log in the data folder doesn't go back to its beginning, and no snapshot stands for what is \
         missing; run jirani ledger verify on it"
    )]
    NoBeginning,
    /// The folder's log ends before what the node has answered for.
    #[error(
        "the log in the data folder ends with entry {found}, and the node has answered for entry \
         {answered}; run jirani ledger verify on it"
    )]
    NotWhole {
        /// The last entry that could be read.
        found: u64,
        /// The last entry that the node has answered for.
        answered: u64,
    },
    /// The database lacks pages between those of the folder and its own.
    #[error(
        "the database's log begins at page {oldest}, and page {needed} is needed, for which no snapshot \
         stands; restore the database from a backup"
    )]
    PagesGone {
        /// The oldest page in the database.
        oldest: i64,
        /// The page that should come next.
        needed: i64,
    },
    /// A page in the database can't be read.
    #[error(
        "page {number} in the database is damaged; restore the database from a backup and keep the \
         damaged one for study"
    )]
    DamagedPage {
        /// The number of the page.
        number: i64,
    },
    /// The node's own folder can't be used.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The database can't be reached, or refuses.
    #[error("the database can't be used")]
    Database(#[from] tokio_postgres::Error),
    /// A snapshot in the folder can't be read.
    #[error("a snapshot in the data folder can't be read")]
    Unreadable(#[source] std::io::Error),
    /// The database didn't answer.
    #[error("the database doesn't answer")]
    Silent,
    /// The database lacks what this node has answered for.
    #[error(
        "the database lacks what this node has answered for, up to entry {answered} of the log: it was \
         restored from a backup, or a standby was promoted that wasn't synchronous. The data folder has \
         it and is left as it is: make another cluster from it with jirani cluster init --from, or accept \
         the loss by giving this node an empty folder"
    )]
    LacksAnswered {
        /// The last entry that the node has answered for.
        answered: u64,
    },
    /// A thread can't be started.
    #[error("the system gives no more threads or event queues")]
    Thread(#[source] std::io::Error),
}

impl ClusterError {
    /// Returns whether the database may be there in a moment: it can't be reached, is starting or ending, is
    /// no primary at the moment, or has no room for a connection.
    #[must_use]
    pub fn is_passing(&self) -> bool {
        match self {
            Self::Silent => true,
            Self::Database(error) => {
                let passing = ["08", "25", "40", "53", "55", "57"];
                error
                    .code()
                    .is_none_or(|code| passing.iter().any(|class| code.code().starts_with(class)))
            }
            _ => false,
        }
    }

    /// Returns the code with which the database refused.
    pub(crate) fn code(&self) -> Option<&SqlState> {
        match self {
            Self::Database(error) => error.code(),
            _ => None,
        }
    }
}

/// Why a node that had the book has it no longer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Lost {
    /// Another node has taken the book over.
    #[error(
        "another node has taken the books over (epoch {epoch}): this one was silent for too long, and \
         starts anew as a standby"
    )]
    TakenOver {
        /// The epoch of the other node.
        epoch: i64,
    },
    /// The database lacks a page that it had acknowledged.
    #[error(
        "the database lacks page {number}, which it had acknowledged: it was restored from a backup, or \
         a standby was promoted that wasn't synchronous. The node's own folder has the page"
    )]
    WentBack {
        /// The number of the page.
        number: i64,
    },
    /// The node was told to stop while the database was away.
    #[error("the database was away when the node was told to stop: a page at the end is in doubt")]
    GivenUp,
    /// The writer's thread has ended.
    #[error("the thread that writes pages to the database has ended")]
    Ended,
}
