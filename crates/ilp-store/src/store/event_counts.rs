//! How many events are due and how many were given up, kept in memory.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::records::forms::event_record::{Delivery, EventRecord};

/// How many events are still of interest.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct EventCounts {
    /// The events that are to be sent, now or later.
    pub due: u64,
    /// The events that were given up.
    pub dead: u64,
}

/// The counts of events, kept up to date by every transaction: counting anew would take as long as
/// the outbox is long.
#[derive(Debug, Default)]
pub(crate) struct EventCounters {
    due: AtomicU64,
    dead: AtomicU64,
}

/// The effect of a change on the counts.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct EventShift {
    due: i64,
    dead: i64,
}

impl EventCounters {
    /// Returns the counts as they are now.
    pub(crate) fn now(&self) -> EventCounts {
        let load = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        EventCounts { due: load(&self.due), dead: load(&self.dead) }
    }

    /// Relaxed: the numbers are for display and order nothing.
    pub(crate) fn shift(&self, by: EventShift) {
        self.due.fetch_add(by.due.cast_unsigned(), Ordering::Relaxed);
        self.dead.fetch_add(by.dead.cast_unsigned(), Ordering::Relaxed);
    }
}

impl EventShift {
    /// An event came, or changed to this.
    pub(crate) fn is(&mut self, event: &EventRecord) {
        self.add(event, 1);
    }

    /// An event went, or was this before it changed.
    pub(crate) fn was(&mut self, event: &EventRecord) {
        self.add(event, -1);
    }

    fn add(&mut self, event: &EventRecord, count: i64) {
        match event.delivery {
            Delivery::Due { .. } => self.due += count,
            Delivery::Dead { .. } => self.dead += count,
            Delivery::Delivered { .. } | Delivery::Skipped { .. } => {}
        }
    }
}
