//! How long the parts of a start take, for the log.

use std::time::{Duration, Instant};

/// Runs from the first part to the last.
#[derive(Debug)]
pub(crate) struct StartTimes {
    began: Instant,
    /// Since when the part that runs now does.
    since: Instant,
    store: Duration,
    books: Duration,
}

impl StartTimes {
    pub(crate) fn begin() -> Self {
        let now = Instant::now();
        Self { began: now, since: now, store: Duration::ZERO, books: Duration::ZERO }
    }

    /// The store is open, and every record was looked at.
    pub(crate) fn store_is_open(&mut self) {
        self.store = self.part();
    }

    /// The books are as they were at the end.
    pub(crate) fn books_are_open(&mut self) {
        self.books = self.part();
    }

    /// The peers are there for packets, which is the last part.
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
