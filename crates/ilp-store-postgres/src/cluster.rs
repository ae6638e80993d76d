//! A node's part in a cluster.

use std::{path::Path, sync::Arc, time::Duration};

use ilp_store::{LogFolder, Membership, Store};
use tokio::{sync::watch, task::spawn_blocking, time::timeout};
use uuid::Uuid;

use crate::{
    BookState, Candidate, ClusterError, Database, Lost, book,
    page_writer::{PageWriter, Times},
    pages, schema, snapshots,
};

/// How long a snapshot may take on its way to the database.
const RETENTION_MAX: Duration = Duration::from_secs(10 * 60);

/// Whether a page must be on a second machine before it counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SyncRule {
    /// PostgreSQL names a synchronous standby.
    Required,
    /// The provider replicates below PostgreSQL.
    Accepted,
}

/// How a node takes part.
#[derive(Clone, Debug)]
pub struct ClusterOptions {
    /// The node's name, for people.
    pub name: String,
    /// Whether a page must be on a second machine before it counts.
    pub sync: SyncRule,
    /// After how long the holder shows again that it lives.
    pub beat: Duration,
    /// After how much silence of the holder another node takes over.
    pub lease: Duration,
    /// How long a page may wait before no further transfer is taken.
    pub stall: Duration,
    /// How long the answer to a write may take before its outcome counts as unknown.
    pub commit: Duration,
}

impl Default for ClusterOptions {
    fn default() -> Self {
        Self {
            name: String::new(),
            sync: SyncRule::Required,
            beat: Duration::from_millis(1_000),
            lease: Duration::from_millis(3_000),
            stall: Duration::from_millis(500),
            commit: Duration::from_millis(5_000),
        }
    }
}

/// The database of a cluster, and how this node takes part.
#[derive(Clone, Debug)]
pub struct Cluster {
    database: Database,
    options: ClusterOptions,
}

/// Keeps the database from growing for ever, as long as the node has the book.
#[derive(Clone, Debug)]
pub struct PageRetention {
    database: Database,
    epoch: i64,
}

impl PageRetention {
    /// Puts the store's newest snapshot into the database, and removes the pages that two snapshots stand
    /// for. Returns how many pages went.
    ///
    /// # Errors
    /// When the database can't be used, or the store can't be read.
    pub async fn apply(&self, store: &Store) -> Result<u64, ClusterError> {
        let mut session = self.database.connect().await?;
        let retiring = snapshots::retire(&mut session, store, self.epoch);
        timeout(RETENTION_MAX, retiring).await.unwrap_or(Err(ClusterError::Silent))
    }
}

/// The book in this node's hands. Dropping it after the store is closed gives the book back.
#[derive(Debug)]
pub struct Seat {
    pages: Arc<PageWriter>,
    database: Database,
    epoch: i64,
}

impl Cluster {
    /// A node's part in the cluster of a database, which isn't asked yet.
    #[must_use]
    pub fn new(database: Database, options: ClusterOptions) -> Self {
        let database = match options.sync {
            SyncRule::Required => database,
            SyncRule::Accepted => database.accept_one_disk(),
        };
        Self { database, options }
    }

    /// Makes the tables of a new cluster, with the log of a folder or with an empty one, and returns the
    /// cluster's id. The folder belongs to the cluster from here on.
    ///
    /// # Errors
    /// [`ClusterError::Exists`], [`ClusterError::NoBeginning`], [`ClusterError::NotWhole`], or when the database or the folder can't be used.
    pub async fn init(&self, from: Option<&LogFolder>) -> Result<Uuid, ClusterError> {
        let mut session = self.database.connect().await?;
        let mut transaction = session.client.transaction().await?;
        // All of it or nothing: no node may begin with a part of the books.
        let cluster = schema::make(&mut transaction).await?;
        if let Some(folder) = from {
            pages::upload(&transaction, folder).await?;
        }
        transaction.commit().await?;
        book::acknowledge(&session).await?;
        if let Some(folder) = from {
            folder.join(Membership { cluster, node: Uuid::new_v4() })?;
        }
        Ok(cluster)
    }

    /// Returns the state of the book.
    ///
    /// # Errors
    /// When the database can't be used.
    pub async fn state(&self) -> Result<BookState, ClusterError> {
        let session = self.database.connect().await?;
        schema::cluster_id(&session).await?;
        book::state(&session).await
    }

    /// Copies the log into a folder of its own, which belongs to no cluster afterwards. Unless `keep` is
    /// set the cluster is closed before.
    ///
    /// # Errors
    /// [`ClusterError::Held`] where a node has the books and the cluster is to be closed, and what keeps
    /// the folder from taking part.
    pub async fn export(&self, dir: &Path, keep: bool) -> Result<(), ClusterError> {
        let folder = LogFolder::open(dir)?;
        let (name, lease) = (self.options.name.clone(), self.options.lease);
        let mut candidate = Candidate::join(self.database.clone(), folder, name, lease).await?;
        if !keep {
            candidate.close().await?;
        }
        candidate.into_folder().leave()?;
        Ok(())
    }

    /// Lets the folder `dir` take part: copies what it lacks of the log.
    ///
    /// # Errors
    /// [`ClusterError`] says what keeps the folder from taking part.
    pub async fn join(&self, dir: &Path) -> Result<Candidate, ClusterError> {
        let folder = LogFolder::open(dir)?;
        let (name, lease) = (self.options.name.clone(), self.options.lease);
        let mut candidate = Candidate::join(self.database.clone(), folder, name, lease).await?;
        if self.options.sync == SyncRule::Required && !candidate.state().await?.is_synchronous {
            return Err(ClusterError::NotSynchronous);
        }
        Ok(candidate)
    }

    /// Waits until it is this node's turn, and opens its store with the book in hand.
    ///
    /// # Errors
    /// When the folder fails, or the database has pages that can't be used.
    pub async fn take_seat(&self, candidate: Candidate) -> Result<(Store, Seat), ClusterError> {
        let (folder, database, held) = candidate.wait_for_turn().await?;
        let ClusterOptions { beat, stall, commit, .. } = self.options;
        let times = Times { beat, stall, commit };
        let pages = Arc::new(PageWriter::start(database.clone(), held, times)?);
        // From here on the node shows that it lives, while it opens its store.
        let page_log = Arc::clone(&pages);
        let opening = spawn_blocking(move || Store::open_in_cluster(folder, page_log as _));
        let store = opening.await.map_err(|panic| ClusterError::Thread(panic.into()))??;
        Ok((store, Seat { pages, database, epoch: held.epoch }))
    }
}

impl Seat {
    /// Returns the reason once this node has lost the book.
    #[must_use]
    pub fn lost(&self) -> watch::Receiver<Option<Lost>> {
        self.pages.lost()
    }

    /// Returns the reason if this node has lost the book by now.
    #[must_use]
    pub fn lost_now(&self) -> Option<Lost> {
        self.pages.lost().borrow().clone()
    }

    /// Returns what keeps the database from growing for ever, for a task of its own.
    #[must_use]
    pub fn retention(&self) -> PageRetention {
        PageRetention { database: self.database.clone(), epoch: self.epoch }
    }

    /// Waits no longer than so long for a database that is away, since the node is to stop. A page that
    /// waits then is told to nobody, and whether it counts shows at the next start.
    pub fn give_up_after(&self, limit: Duration) {
        self.pages.give_up_after(limit);
    }

    /// Gives the book back, once the store is closed, so that another node takes it at once.
    pub fn leave(self) {
        self.pages.end();
    }
}
