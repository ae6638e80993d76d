//! The writer: one thread that makes durable all that waits, and tells those who wait.

use std::{
    io,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
    thread::JoinHandle,
};

use parking_lot::Mutex;

use super::{gather::Gather, log_run::Commits};
use crate::{
    fail_stop::{Hook, panic_text},
    journal::posted::Queued,
};

/// The writer's way with a batch: the ledger's own writes to the log, and another may be put in its
/// place or around it, to count, to slow down or to fail.
pub trait BatchWriter: Send + 'static {
    /// Returns once everything in the batch would survive a loss of power. The batch is in the
    /// order of the sequences, without gaps within and between batches, and never empty.
    ///
    /// # Errors
    /// Any error stops the ledger for good; the writer isn't called again.
    fn write(&mut self, batch: &[Queued]) -> io::Result<()>;
}

/// Called once, on a thread of its own or the writer's, with the reason why the ledger has failed:
/// a write of its own, or one of the store, with which everything stops.
pub type OnFailure = Box<dyn FnOnce(&str) + Send>;

/// The callback, for whoever learns of a failure first.
#[derive(Clone)]
pub(crate) struct Failure(Arc<Mutex<Option<OnFailure>>>);

impl Failure {
    pub(crate) fn new(on_failure: Option<OnFailure>) -> Self {
        Self(Arc::new(Mutex::new(on_failure)))
    }

    fn tell(&self, reason: &str) {
        let tell = self.0.lock().take();
        if let Some(tell) = tell {
            tell(reason);
        }
    }

    /// Returns the callback for the store's failure. The store may call it under any lock, and the
    /// callback may close the ledger, which takes them; so it runs on a thread of its own.
    pub(crate) fn hook(&self) -> Hook {
        let failure = self.clone();
        Box::new(move |reason| {
            tracing::error!(reason, "the ledger takes nothing new: the store has failed");
            let reason = reason.to_owned();
            let thread = std::thread::Builder::new().name("jirani-failure".to_owned());
            if let Err(error) = thread.spawn(move || failure.tell(&reason)) {
                tracing::error!(%error, "nobody could be told that the store has failed");
            }
        })
    }
}

/// Starts the thread. It ends when the queue is closed and drained, or a write has failed.
pub(crate) fn start(
    commits: Commits,
    writer: Box<dyn BatchWriter>,
    failure: Failure,
) -> io::Result<JoinHandle<()>> {
    let thread = std::thread::Builder::new().name("jirani-ledger".to_owned());
    thread.spawn(move || {
        let stop = StopOnExit(commits);
        if let Err(reason) = drain(&stop.0, writer) {
            tracing::error!(%reason, "the ledger has stopped: a write failed");
            stop.0.fail(&reason);
            failure.tell(&reason);
        }
    })
}

/// However the thread ends, panic included, nobody waits for it in vain.
struct StopOnExit(Commits);

impl Drop for StopOnExit {
    fn drop(&mut self) {
        let reason = if std::thread::panicking() {
            "the ledger's writer panicked"
        } else {
            "the ledger was closed"
        };
        self.0.fail(reason);
    }
}

/// Writes batch by batch until the queue is closed. A batch is what gathered while the last one was
/// being written, and what is worth a short wait.
fn drain(commits: &Commits, mut writer: Box<dyn BatchWriter>) -> Result<(), String> {
    let (mut batch, mut gather) = (Vec::new(), Gather::default());
    while commits.queue.take(&mut batch, &mut gather) {
        // The first failure ends it: after a failed write or sync, what is on the disk is open,
        // and a second sync that succeeds would prove nothing.
        match catch_unwind(AssertUnwindSafe(|| writer.write(&batch))) {
            Ok(Ok(())) => {}
            Ok(Err(cause)) => return Err(cause.to_string()),
            Err(panic) => return Err(panic_text(&*panic)),
        }
        commits.booked(&batch);
        batch.clear();
    }
    Ok(())
}
