//! A node that waits for its turn: it copies the pages into its folder, and watches the holder.

use std::time::Duration;

use ilp_store::{LogFolder, Membership, PageName, Store, StoreError};
use tokio::{task::spawn_blocking, time::sleep};
use uuid::Uuid;

use crate::{
    BookState, ClusterError, Database,
    book::{self, Held},
    pages, schema,
    session::Session,
    snapshots,
};

/// How often a waiting node looks for new pages and at the holder.
const POLL: Duration = Duration::from_millis(200);

/// How many bytes of pages are copied before the index is moved on.
const INDEX_BYTES: usize = 4 * 1024 * 1024;

/// How many of the folder's newest pages are looked for in the database. A node that lost the book has
/// at most the pages that were under way beyond it.
const CANDIDATES_MAX: usize = 256;

/// A node that takes part and doesn't have the book.
pub struct Candidate {
    database: Database,
    folder: LogFolder,
    node: Uuid,
    name: String,
    lease: Duration,
    /// The number of the last page in the folder, or of a fence behind it.
    copied: i64,
    /// The checksum of the last page in the folder, 0 before the first one ever. `None` where a snapshot
    /// stands for it.
    checksum: Option<u128>,
    /// How many bytes were copied since the index was last moved on.
    unindexed_bytes: usize,
    session: Option<Session>,
}

impl Candidate {
    /// Brings a folder along to where the database is. The folder belongs to the cluster from here on.
    ///
    /// # Errors
    /// [`ClusterError`] says what keeps the folder from taking part.
    pub(crate) async fn join(
        database: Database,
        folder: LogFolder,
        name: String,
        lease: Duration,
    ) -> Result<Self, ClusterError> {
        let session = database.connect().await?;
        let cluster = schema::cluster_id(&session).await?;
        let node = match folder.membership()? {
            Some(Membership { cluster: found, .. }) if found != cluster => {
                return Err(ClusterError::OtherCluster { found, expected: cluster });
            }
            Some(Membership { node, .. }) => node,
            None if folder.log_id()?.is_some() => return Err(ClusterError::OwnBooks),
            None => {
                let node = Uuid::new_v4();
                folder.join(Membership { cluster, node })?;
                node
            }
        };
        let mut candidate = Self {
            database,
            folder,
            node,
            name,
            lease,
            copied: -1,
            checksum: Some(0),
            unindexed_bytes: 0,
            session: Some(session),
        };
        candidate.align().await?;
        Ok(candidate)
    }

    /// Returns the state of the book.
    ///
    /// # Errors
    /// When the database can't be reached.
    pub async fn state(&mut self) -> Result<BookState, ClusterError> {
        let session = self.session().await?;
        book::state(session).await
    }

    /// Returns the folder, which has all pages that the database had a moment ago.
    pub(crate) fn into_folder(self) -> LogFolder {
        self.folder
    }

    /// Takes the book over where no node has it, so that the log ends here, and closes the cluster.
    ///
    /// # Errors
    /// [`ClusterError::Held`], [`ClusterError::Closed`], or when the database can't be used.
    pub(crate) async fn close(&mut self) -> Result<(), ClusterError> {
        let (node, name, lease) = (self.node, self.name.clone(), self.lease);
        let session = self.session().await?;
        let state = book::state(session).await?;
        if state.is_closed {
            return Err(ClusterError::Closed);
        }
        let held = || ClusterError::Held {
            name: state.name.clone().unwrap_or_default(),
            silent_ms: state.silent.as_millis(),
        };
        if state.holder.is_some() && state.silent <= lease {
            return Err(held());
        }
        let Some(taken) = book::take_over(session, state.epoch, node, &name).await? else {
            return Err(held());
        };
        book::close(session, taken).await?;
        self.align().await
    }

    /// Copies pages until it is this node's turn, and takes the book over: where nobody has it, where
    /// the holder was silent for the lease, or where the holder was this folder's own last process.
    /// Goes on while the database is away.
    ///
    /// # Errors
    /// When the folder fails, or the database has pages that can't be used.
    pub(crate) async fn wait_for_turn(
        mut self,
    ) -> Result<(LogFolder, Database, Held), ClusterError> {
        loop {
            match self.try_turn().await {
                Ok(Some(held)) => return Ok((self.folder, self.database, held)),
                Ok(None) => {}
                Err(error) if error.is_passing() => {
                    tracing::warn!(
                        error = &error as &dyn std::error::Error,
                        "the database can't be reached; this node waits for it"
                    );
                    self.session = None;
                }
                Err(error) => return Err(error),
            }
            sleep(POLL).await;
        }
    }

    async fn try_turn(&mut self) -> Result<Option<Held>, ClusterError> {
        self.copy().await?;
        if self.unindexed_bytes > INDEX_BYTES {
            self.move_index_on().await;
        }
        let (node, name, lease) = (self.node, self.name.clone(), self.lease);
        let session = self.session().await?;
        let state = book::state(session).await?;
        if state.is_closed {
            return Err(ClusterError::Closed);
        }
        let is_free = match state.holder {
            None => true,
            // This process has the folder's lock, so the one that held the book is gone.
            Some(holder) if holder == node => true,
            Some(_) => state.silent > lease,
        };
        if !is_free {
            return Ok(None);
        }
        let Some(held) = book::take_over(session, state.epoch, node, &name).await? else {
            return Ok(None);
        };
        tracing::info!(epoch = held.epoch, "took the books over");
        // What was copied before may have been taken back by a failover, and its number given to another
        // page or to the fence.
        self.align().await?;
        Ok(Some(held))
    }

    async fn session(&mut self) -> Result<&mut Session, ClusterError> {
        match self.session.take() {
            Some(session) => Ok(self.session.insert(session)),
            None => {
                let session = self.database.connect().await?;
                let session = self.session.insert(session);
                Ok(session)
            }
        }
    }

    /// Moves the index on, so that a takeover has little to replay. An index that can't be moved on costs
    /// a longer takeover.
    async fn move_index_on(&mut self) {
        self.unindexed_bytes = 0;
        let moved = match Store::index_mover(&self.folder) {
            Ok(mover) => spawn_blocking(move || mover.run()).await,
            Err(error) => Ok(Err(error)),
        };
        match moved {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::warn!(%error, "the index of the waiting node stays behind"),
            Err(panic) => tracing::error!(%panic, "moving the index on panicked"),
        }
    }

    /// Finds the newest page that folder and database share, cuts off what the folder has behind it, and
    /// copies what the database has.
    async fn align(&mut self) -> Result<(), ClusterError> {
        let candidates = newest_pages(&self.folder)?;
        let answered = self.folder.answered()?;
        let session = self.session().await?;
        let mut shared = None;
        for (name, bytes) in candidates {
            if let Some(number) = pages::number_of(session, &name).await? {
                shared = Some((number, name, bytes));
                break;
            }
        }
        let last = shared.map(|(_, name, bytes)| (name, bytes));
        let kept = last.map_or(0, |(name, _)| name.last_sequence);
        // Where the database begins behind it, its pages were removed once snapshots stood for them.
        if kept < answered && pages::first_sequence(session).await? <= answered {
            return Err(ClusterError::LacksAnswered { answered });
        }
        self.folder.cut_behind(last)?;
        let Some((number, name, _)) = shared else { return self.begin_anew().await };
        (self.copied, self.checksum) = (number, Some(name.checksum));
        match self.append_next().await {
            Ok(None) => Ok(()),
            Ok(Some(number)) => Err(ClusterError::DamagedPage { number }),
            // The node was away for so long that the next pages were removed.
            Err(ClusterError::PagesGone { .. }) => self.begin_anew().await,
            Err(error) => Err(error),
        }
    }

    /// Empties the folder, and fills it with the newest snapshot and the pages behind it, or with all
    /// pages.
    async fn begin_anew(&mut self) -> Result<(), ClusterError> {
        self.folder.cut_behind(None)?;
        let session = self.database.connect().await?;
        (self.copied, self.checksum) = (-1, Some(0));
        if let Some(snapshot) = snapshots::stored(&session).await?.first() {
            snapshots::download(&session, *snapshot, &self.folder).await?;
            let first = pages::first_of_segment(&session, snapshot.segment).await?;
            let first = match first {
                Some(number) => number,
                None => book::state(&session).await?.last_number + 1,
            };
            (self.copied, self.checksum) = (first - 1, None);
        }
        match self.append_next().await? {
            Some(number) => Err(ClusterError::DamagedPage { number }),
            None => Ok(()),
        }
    }

    /// Copies the pages that the folder lacks. Where they don't follow those of the folder, a failover has
    /// taken some back, and the folder is aligned.
    async fn copy(&mut self) -> Result<(), ClusterError> {
        match self.append_next().await {
            Ok(None) => Ok(()),
            Ok(Some(_)) | Err(ClusterError::PagesGone { .. }) => self.align().await,
            Err(error) => Err(error),
        }
    }

    /// Appends pages up to the last one, or up to one that doesn't follow the folder's, whose number it
    /// returns.
    async fn append_next(&mut self) -> Result<Option<i64>, ClusterError> {
        loop {
            let behind = self.copied;
            let session = self.session().await?;
            let batch = pages::next(session, behind).await?;
            for row in &batch.rows {
                let page = row.page()?;
                if self.checksum.is_some_and(|checksum| checksum != page.follows) {
                    self.folder.sync()?;
                    return Ok(Some(row.number));
                }
                self.folder.append(&page)?;
                self.unindexed_bytes += page.bytes.len();
                (self.copied, self.checksum) = (row.number, Some(page.name.checksum));
            }
            self.folder.sync()?;
            match batch.last_number {
                Some(number) => self.copied = number,
                None => return Ok(None),
            }
        }
    }
}

impl std::fmt::Debug for Candidate {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Candidate").field("name", &self.name).finish_non_exhaustive()
    }
}

/// Returns the newest pages of a folder with the lengths of their bytes, newest first.
fn newest_pages(folder: &LogFolder) -> Result<Vec<(PageName, usize)>, StoreError> {
    let mut newest = Vec::new();
    for segment in folder.segments()?.into_iter().rev() {
        let mut names = Vec::new();
        folder.pages(segment, |page| {
            names.push((page.name, page.bytes.len()));
            Ok::<_, StoreError>(())
        })?;
        newest.extend(names.into_iter().rev());
        if newest.len() >= CANDIDATES_MAX {
            break;
        }
    }
    newest.truncate(CANDIDATES_MAX);
    Ok(newest)
}
