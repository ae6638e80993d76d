//! Inserts the log's pages, on a thread of its own, and decides about those in doubt.

use std::{
    fmt, io,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::JoinHandle,
    time::Duration,
};

use ilp_store::{LogPage, PageLog, PageName};
use parking_lot::{Condvar, Mutex};
use tokio::{
    runtime,
    sync::{mpsc, watch},
    time::{Instant, sleep, sleep_until, timeout},
};
use tokio_postgres::{Statement, error::SqlState, types::Type};

use crate::{
    ClusterError, Database, Lost,
    book::{self, Held, NotInserted, PAUSE},
    schema::BOOK,
    session::{Session, Written, in_time},
    signs_of_life,
};

/// Inserts a page behind the one before it of the same epoch. No row comes back where the one before is
/// not there or another epoch's.
const INSERT: &str = "INSERT INTO jirani.page \
        (book, number, epoch, segment, place, last_sequence, checksum, body) \
     SELECT $1, $2, $3, $4, $5, $6, $7, $8 WHERE EXISTS \
        (SELECT 1 FROM jirani.page WHERE book = $1 AND number = $2 - 1 AND epoch = $3) \
     RETURNING current_setting('synchronous_standby_names') <> ''";

const INSERT_TYPES: [Type; 8] = [
    Type::INT2,
    Type::INT8,
    Type::INT8,
    Type::INT8,
    Type::INT8,
    Type::INT8,
    Type::BYTEA,
    Type::BYTEA,
];

/// The times of a page writer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Times {
    /// After how long the holder shows again that it lives.
    pub(crate) beat: Duration,
    /// How long a page may wait before no further transfer is taken.
    pub(crate) stall: Duration,
    /// How long the answer to a write may take before its outcome counts as unknown.
    pub(crate) commit: Duration,
}

/// A page on its way, with its bytes in a buffer that goes back and forth.
struct Sent {
    name: PageName,
    bytes: Vec<u8>,
}

/// The state that the log's writer shares with the thread.
struct Shared {
    slot: Mutex<Slot>,
    answered: Condvar,
    is_stalled: AtomicBool,
    lost: watch::Sender<Option<Lost>>,
}

#[derive(Default)]
struct Slot {
    /// Whether the page that was begun is durable. Taken by the one who waits.
    outcome: Option<Result<(), Lost>>,
    /// The buffer of the last page.
    buffer: Vec<u8>,
}

impl Shared {
    /// Tells the outcome of the page that was begun.
    fn answer(&self, outcome: Result<(), Lost>, buffer: Vec<u8>) {
        let mut slot = self.slot.lock();
        slot.outcome = Some(outcome);
        slot.buffer = buffer;
        drop(slot);
        self.answered.notify_one();
    }

    /// Notes that the book is lost. The first reason counts.
    fn lose(&self, lost: Lost) {
        self.lost.send_if_modified(|known| {
            let is_first = known.is_none();
            if is_first {
                tracing::error!(%lost, "this node has the books no longer");
                *known = Some(lost);
            }
            is_first
        });
        self.answered.notify_one();
    }
}

/// The pages of a book that this node holds.
pub(crate) struct PageWriter {
    shared: Arc<Shared>,
    pages: mpsc::UnboundedSender<Sent>,
    stop: watch::Sender<bool>,
    /// When the wait for a database that is away is over.
    deadline: watch::Sender<Option<Instant>>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl PageWriter {
    /// Starts the thread for the book that `session` has taken over.
    ///
    /// # Errors
    /// When the system gives no thread or no event queue.
    pub(crate) fn start(
        database: Database,
        held: Held,
        times: Times,
    ) -> Result<Self, ClusterError> {
        let runtime = runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(ClusterError::Thread)?;
        let shared = Arc::new(Shared {
            slot: Mutex::default(),
            answered: Condvar::new(),
            is_stalled: AtomicBool::new(false),
            lost: watch::Sender::new(None),
        });
        let (pages, queue) = mpsc::unbounded_channel();
        let (stop, stopped) = watch::channel(false);
        let (deadline, gives_up) = watch::channel(None);
        let told = stopped.clone();
        let inserter = Inserter {
            database: database.clone(),
            shared: Arc::clone(&shared),
            held,
            times,
            gives_up,
            session: None,
        };
        let beating =
            signs_of_life::show(database, held.epoch, (times.beat, times.commit), stopped);
        let thread = std::thread::Builder::new().name("jirani-pages".to_owned());
        let told_shared = Arc::clone(&shared);
        let thread = thread.spawn(move || {
            let guard = EndsInLoss(Arc::clone(&inserter.shared), told);
            runtime.block_on(async {
                tokio::select! {
                    () = inserter.run(queue) => {}
                    lost = beating => if let Some(lost) = lost {
                        let _slot = told_shared.slot.lock();
                        told_shared.lose(lost);
                    },
                }
            });
            drop(guard);
        });
        let thread = Mutex::new(Some(thread.map_err(ClusterError::Thread)?));
        Ok(Self { shared, pages, stop, deadline, thread })
    }

    /// Returns the reason once the book is lost.
    pub(crate) fn lost(&self) -> watch::Receiver<Option<Lost>> {
        self.shared.lost.subscribe()
    }

    /// Waits no longer than so long for a database that is away: the node is to stop.
    pub(crate) fn give_up_after(&self, limit: Duration) {
        self.deadline.send_replace(Some(Instant::now() + limit));
    }

    /// Gives the book back and ends the thread, once the log is closed.
    pub(crate) fn end(&self) {
        self.stop.send_replace(true);
        if let Some(thread) = self.thread.lock().take() {
            // A panic was told as a loss.
            let _ = thread.join();
        }
    }
}

impl fmt::Debug for PageWriter {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("PageWriter").finish_non_exhaustive()
    }
}

impl Drop for PageWriter {
    fn drop(&mut self) {
        self.end();
    }
}

impl PageLog for PageWriter {
    fn begin(&self, page: LogPage<'_>) {
        let mut slot = self.shared.slot.lock();
        let mut bytes = std::mem::take(&mut slot.buffer);
        slot.outcome = None;
        drop(slot);
        bytes.clear();
        bytes.extend_from_slice(page.bytes);
        // An ended thread has told its loss, which `finish` finds.
        let _ = self.pages.send(Sent { name: page.name, bytes });
    }

    fn finish(&self) -> io::Result<()> {
        let mut slot = self.shared.slot.lock();
        loop {
            if let Some(outcome) = slot.outcome.take() {
                return outcome.map_err(io::Error::other);
            }
            if let Some(lost) = self.shared.lost.borrow().clone() {
                return Err(io::Error::other(lost));
            }
            self.shared.answered.wait(&mut slot);
        }
    }

    fn is_stalled(&self) -> bool {
        // Relaxed will do: a transfer that is taken a moment too late only waits.
        self.shared.is_stalled.load(Ordering::Relaxed)
    }
}

/// However the thread ends, unless it was told to, nobody waits for it in vain.
struct EndsInLoss(Arc<Shared>, watch::Receiver<bool>);

impl Drop for EndsInLoss {
    fn drop(&mut self) {
        let Self(shared, told_to_end) = self;
        if !*told_to_end.borrow() {
            let _slot = shared.slot.lock();
            shared.lose(Lost::Ended);
        }
    }
}

/// The part of the thread that inserts.
struct Inserter {
    database: Database,
    shared: Arc<Shared>,
    held: Held,
    times: Times,
    gives_up: watch::Receiver<Option<Instant>>,
    session: Option<(Session, Statement)>,
}

/// The outcome of one attempt.
enum Attempt {
    Durable,
    InDoubt,
    Lost(Lost),
}

impl Inserter {
    async fn run(mut self, mut queue: mpsc::UnboundedReceiver<Sent>) {
        while let Some(Sent { name, bytes }) = queue.recv().await {
            let outcome = self.insert(&name, &bytes).await;
            let is_lost = outcome.is_err();
            if let Err(lost) = &outcome {
                self.shared.lose(lost.clone());
            }
            self.shared.answer(outcome, bytes);
            if is_lost {
                return;
            }
        }
    }

    /// Returns once the page is durable, however long the database is away, unless the node is to stop.
    async fn insert(&mut self, name: &PageName, bytes: &[u8]) -> Result<(), Lost> {
        let (shared, stall) = (Arc::clone(&self.shared), self.times.stall);
        let deadline = self.gives_up.clone();
        let inserted = {
            let mut inserting = std::pin::pin!(self.insert_until_known(name, bytes));
            match timeout(stall, &mut inserting).await {
                Ok(inserted) => inserted,
                Err(_) => {
                    tracing::warn!(
                        "the database is slow or away: no new packet is taken meanwhile"
                    );
                    shared.is_stalled.store(true, Ordering::Relaxed);
                    let inserted = tokio::select! {
                        inserted = inserting => inserted,
                        () = passed(deadline) => Err(Lost::GivenUp),
                    };
                    shared.is_stalled.store(false, Ordering::Relaxed);
                    inserted
                }
            }
        };
        if inserted.is_ok() {
            self.held.number += 1;
        }
        inserted
    }

    async fn insert_until_known(&mut self, name: &PageName, bytes: &[u8]) -> Result<(), Lost> {
        loop {
            let limit = self.times.commit;
            match timeout(limit, self.attempt(name, bytes)).await {
                Ok(Ok(Attempt::Durable)) => return Ok(()),
                Ok(Ok(Attempt::Lost(lost))) => return Err(lost),
                // Asked again on the same session, which is whole.
                Ok(Ok(Attempt::InDoubt)) => {}
                Ok(Err(error)) => {
                    tracing::debug!(error = &error as &dyn std::error::Error, "a page is in doubt");
                    self.session = None;
                }
                Err(_) => self.session = None,
            }
            sleep(PAUSE).await;
        }
    }

    /// Inserts the page once. After a refusal it is found out what stands in its way.
    async fn attempt(&mut self, name: &PageName, bytes: &[u8]) -> Result<Attempt, ClusterError> {
        let (session, insert) = match self.session.take() {
            Some(ready) => self.session.insert(ready),
            None => {
                let session = self.database.connect().await?;
                let insert = in_time(session.client.prepare_typed(INSERT, &INSERT_TYPES)).await?;
                self.session.insert((session, insert))
            }
        };
        let checksum = name.checksum.to_be_bytes();
        let (number, held) = (self.held.number + 1, self.held);
        let last_sequence = i64::try_from(name.last_sequence).unwrap_or(i64::MAX);
        let (segment, offset) = (i64::from(name.segment), i64::from(name.offset));
        let inserted = session
            .client
            .query(
                insert,
                &[
                    &BOOK,
                    &number,
                    &held.epoch,
                    &segment,
                    &offset,
                    &last_sequence,
                    &checksum.as_slice(),
                    &bytes,
                ],
            )
            .await;
        match inserted {
            Ok(rows) => {
                if let Some(row) = rows.first() {
                    return Ok(match session.written((), row.try_get(0)?) {
                        Written::Durable(()) => Attempt::Durable,
                        Written::InDoubt => Attempt::InDoubt,
                    });
                }
            }
            Err(error) if error.code() == Some(&SqlState::UNIQUE_VIOLATION) => {}
            Err(error) => return Err(error.into()),
        }
        match book::why_not_inserted(session, held, &checksum).await? {
            NotInserted::MayFollow => Ok(Attempt::InDoubt),
            NotInserted::Lost(lost) => Ok(Attempt::Lost(lost)),
            // What was read counts once a later write is acknowledged. That another node has taken the
            // book over meanwhile changes nothing about this page, which lies before the fence.
            NotInserted::IsThere => {
                book::acknowledge(session).await?;
                Ok(Attempt::Durable)
            }
        }
    }
}

/// Returns once there is a deadline and it has passed.
async fn passed(mut deadline: watch::Receiver<Option<Instant>>) {
    let at = deadline.wait_for(Option::is_some).await.ok().and_then(|at| *at);
    match at {
        Some(at) => sleep_until(at).await,
        None => std::future::pending().await,
    }
}
