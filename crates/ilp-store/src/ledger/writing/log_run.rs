//! The log while it is written: its queue, its writer thread, and how far the disk has come.
//!
//! A store writes from its first change on. A ledger that is opened on the store sets how the log is
//! written, so the run before it ends and another one begins at the same place.

use std::{
    fmt, fs,
    path::Path,
    sync::{Arc, atomic::AtomicU64},
    thread::JoinHandle,
};

use ilp_connector::ledger::Stopped;
use parking_lot::Mutex;

use super::{
    durable::Durable,
    durable_books::JournalWriter,
    queue::Queue,
    writer::{self, Failure},
};
use crate::{
    error::StoreError,
    journal::{Gauges, Tail, Writer, path_of, posted::Queued, repair, segments_in},
    ledger::{BatchWriter, LedgerOptions, writing::signal::Signal},
    store::Inner,
};

/// The state that the writer thread shares with the tasks that wait for it.
#[derive(Clone)]
pub(crate) struct Commits {
    pub(crate) queue: Arc<Queue>,
    pub(crate) durable: Arc<Durable>,
}

impl Commits {
    /// The batch is durable.
    pub(crate) fn booked(&self, batch: &[Queued]) {
        // Permits first: who is woken may hold again at once.
        self.queue.release(batch.iter().map(|queued| queued.transfers().len()).sum());
        if let Some(last) = batch.last() {
            self.durable.advance(last.last_sequence());
        }
    }

    /// Nothing more is written. Those who wait learn it, and nothing more is let in.
    pub(crate) fn fail(&self, reason: &str) {
        self.queue.close();
        self.queue.discard();
        self.durable.stop(reason.to_owned());
    }
}

/// A run of the log: its writer thread, from the start to its end.
pub(crate) struct LogRun {
    pub(crate) queue: Arc<Queue>,
    pub(crate) durable: Arc<Durable>,
    pub(crate) gauges: Arc<Gauges>,
    /// Tells why the next segment can't be prepared, while that is so.
    warning: Box<dyn Fn() -> Option<String> + Send + Sync>,
    /// Taken by the one who ends the run.
    writer: Mutex<Option<JoinHandle<()>>>,
}

impl LogRun {
    /// Goes on at the end of the store's log.
    ///
    /// # Errors
    /// When the end can't be repaired or opened, or a thread can't be started.
    pub(crate) fn start(
        inner: &Inner,
        options: &LedgerOptions,
        (signal, failure): (Arc<Signal>, Failure),
        wrap: impl FnOnce(Box<dyn BatchWriter>) -> Box<dyn BatchWriter>,
    ) -> Result<Arc<Self>, StoreError> {
        inner.fail_stop.usable()?;
        let failed = |cause: std::io::Error| inner.fail_stop.fail(&cause);
        let (tail, last) = {
            let kept = inner.books.lock();
            (kept.tail, (kept.state.sequence, kept.state.transfers))
        };
        let tail = ready(inner, options, tail)?;
        let gauges = Arc::new(gauges_of(&inner.journal_path(), tail.place.segment)?);
        let journal = Writer::open(
            &options.files,
            &inner.journal_path(),
            inner.journal,
            &tail,
            options.segment_bytes,
            (Arc::clone(&gauges), inner.page_log.clone()),
        );
        let journal = journal.map_err(failed)?;
        let warning = Box::new(journal.warning());
        let queue =
            Arc::new(Queue::new(options.transfers_in_flight_max, last, inner.page_log.clone()));
        let durable = Arc::new(Durable::new(Arc::clone(&inner.durable)));
        let batch_writer = wrap(Box::new(JournalWriter {
            books: Arc::clone(&inner.books),
            journal,
            mark: Arc::clone(&inner.mark),
            fail_stop: Arc::clone(&inner.fail_stop),
            clock_ms: Arc::clone(&options.clock_ms),
            keeper: signal,
            checkpoint_entries: options.checkpoint_entries,
        }));
        let commits = Commits { queue: Arc::clone(&queue), durable: Arc::clone(&durable) };
        let thread = writer::start(commits, batch_writer, failure).map_err(StoreError::write)?;
        Ok(Arc::new(Self { queue, durable, gauges, warning, writer: Mutex::new(Some(thread)) }))
    }

    /// Waits on this thread until the entry of this sequence is durable.
    ///
    /// # Errors
    /// With the reason when the log has stopped before.
    pub(crate) fn wait(&self, sequence: u64) -> Result<(), StoreError> {
        if self.durable.sequence() < sequence {
            // It may be behind a note, which waits for the next page.
            self.queue.hurry();
        }
        self.durable.block(sequence).map_err(|Stopped| self.stopped())
    }

    /// Returns the error of a log that takes nothing more.
    pub(crate) fn stopped(&self) -> StoreError {
        let reason = self.durable.stopped().unwrap_or("it takes nothing more").to_owned();
        StoreError::Stopped { reason }
    }

    /// Tells why the next segment can't be prepared, while that is so.
    pub(crate) fn warning(&self) -> Option<String> {
        (self.warning)()
    }

    /// Takes nothing more, and waits until the writer has ended. Returns false when this is the
    /// writer's own thread, where a failure may be told to one who drops the ledger, and when the
    /// writer was ended before.
    pub(crate) fn end(&self) -> bool {
        self.queue.close();
        let mut writer = self.writer.lock();
        let on_writer =
            |handle: &JoinHandle<()>| handle.thread().id() == std::thread::current().id();
        let Some(handle) = writer.take_if(|handle| !on_writer(handle)) else { return false };
        // The writer catches the panics of what it calls, and its guard has told those who wait.
        let _ = handle.join();
        true
    }
}

impl fmt::Debug for LogRun {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("LogRun").finish_non_exhaustive()
    }
}

/// Repairs an end that a crash tore, and makes the first segment of a new log.
fn ready(inner: &Inner, options: &LedgerOptions, tail: Tail) -> Result<Tail, StoreError> {
    let (files, directory) = (&*options.files, inner.journal_path());
    let failed = |cause: std::io::Error| inner.fail_stop.fail(&cause);
    if !tail.begun {
        // It was never used, and perhaps not even made in full.
        Writer::create(files, &directory, tail.place.segment, options.segment_bytes)
            .map_err(failed)?;
    } else if tail.torn {
        repair(files, &directory, &tail).map_err(failed)?;
    } else {
        return Ok(tail);
    }
    let tail = Tail { torn: false, ..tail };
    inner.books.lock().tail = tail;
    Ok(tail)
}

/// The durable sequence of a store, which every run of its log moves on.
pub(crate) type DurableSequence = Arc<AtomicU64>;

/// Counts the segments that there are when the log begins to be written, up to the one that is
/// written on.
fn gauges_of(directory: &Path, last: u32) -> Result<Gauges, StoreError> {
    let gauges = Gauges::default();
    for number in segments_in(directory)?.into_iter().filter(|number| *number <= last) {
        let segment = fs::metadata(path_of(directory, number)).map_err(StoreError::read)?;
        gauges.segment_came(segment.len());
    }
    Ok(gauges)
}
