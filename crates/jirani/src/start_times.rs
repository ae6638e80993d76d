//! The durations of a start's phases, for the log.

use std::time::{Duration, Instant};

/// Measures the phases, from the first to the last.
#[derive(Debug)]
pub(crate) struct StartTimes {
    began: Instant,
    /// The begin of the present phase.
    since: Instant,
    store: Duration,
    books: Duration,
}

impl StartTimes {
    pub(crate) fn begin() -> Self {
        let now = Instant::now();
        Self { began: now, since: now, store: Duration::ZERO, books: Duration::ZERO }
    }

    /// Ends the phase in which the store is opened and every record read.
    pub(crate) fn store_is_open(&mut self) {
        self.store = self.part();
    }

    /// Ends the phase in which the books are restored.
    pub(crate) fn books_are_open(&mut self) {
        self.books = self.part();
    }

    /// Ends the last phase, in which the peers are brought into the connector, and logs all of
    /// them.
    pub(crate) fn peers_are_there(mut self) {
        let peers = self.part();
        tracing::info!(
            store_ms = self.store.as_millis(),
            books_ms = self.books.as_millis(),
            peers_ms = peers.as_millis(),
            all_ms = self.began.elapsed().as_millis(),
            "loaded"
        );
    }

    fn part(&mut self) -> Duration {
        let now = Instant::now();
        now.duration_since(std::mem::replace(&mut self.since, now))
    }
}
