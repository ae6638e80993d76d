//! The outbox: events that are to be told to the operator's systems, and how far that has come.
//!
//! The store keeps when an event is due and leaves it to the caller how often to try. A dead event
//! holds up no other: each is due at a time of its own.

use std::ops::Bound::{Excluded, Included};

use uuid::Uuid;

use super::forms::{
    event_record::{Delivery, EventRecord},
    keys::Kind,
    page::{Page, Rows},
};
use crate::{
    error::{Conflict, StoreError, TransactionError},
    journal::Fields,
    store::{
        Store,
        event_counts::{EventCounts, EventShift},
        reading::{Reader, Reading, id_from},
        transaction::Transaction,
    },
};

/// The outcome of an attempt to send an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AttemptOutcome {
    /// The event was taken.
    Delivered {
        /// When, in milliseconds since 1970.
        at_ms: u64,
    },
    /// The event is to be tried again.
    Retry {
        /// When, in milliseconds since 1970.
        next_attempt_at_ms: u64,
    },
    /// The event is given up.
    Dead {
        /// When, in milliseconds since 1970.
        at_ms: u64,
    },
    /// The event isn't to be sent, so no attempt was made.
    Skipped {
        /// When, in milliseconds since 1970.
        at_ms: u64,
    },
}

/// Which events to list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EventFilter {
    /// Only those of these kinds; `None` for any.
    pub only: Option<Vec<String>>,
    /// None of these kinds.
    pub except: Vec<String>,
}

impl EventFilter {
    fn lets_through(&self, event: &EventRecord) -> bool {
        self.only.as_ref().is_none_or(|kinds| kinds.contains(&event.kind))
            && !self.except.contains(&event.kind)
    }
}

impl Reader {
    /// How many events are to be sent, and how many were given up.
    #[must_use]
    pub fn event_counts(&self) -> EventCounts {
        self.inner.events.now()
    }

    /// Counts the events, when the store is opened.
    pub(crate) fn count_events(&self) -> Result<(), StoreError> {
        let mut shift = EventShift::default();
        for event in self.scan::<EventRecord>(Kind::Event) {
            shift.is(&event?);
        }
        self.inner.events.shift(shift);
        Ok(())
    }

    /// Returns the event of this id.
    ///
    /// # Errors
    /// When the store or the record can't be read.
    pub fn event(&self, id: Uuid) -> Result<Option<EventRecord>, StoreError> {
        self.read(Kind::Event, id)
    }

    /// Up to `limit` events that are due at `now_ms`, those first that have been due the longest.
    ///
    /// # Errors
    /// When the store or a record can't be read.
    pub fn due_events(&self, now_ms: u64, limit: usize) -> Result<Vec<EventRecord>, StoreError> {
        let mut end = Kind::EventDue.key(&now_ms.to_be_bytes());
        // Behind all of this millisecond's.
        end.extend_from_slice(&[u8::MAX; 17]);
        let mut events = Vec::new();
        for entry in self.range(Included(vec![Kind::EventDue.byte()]), Excluded(end)).take(limit) {
            let (key, value) = entry?;
            // It may have been tried, or purged, since the index was read.
            events.extend(self.event(id_from(&key, &value)?)?);
        }
        Ok(events)
    }

    /// Returns when the next event is due, in milliseconds since 1970.
    ///
    /// # Errors
    /// When the store can't be read.
    pub fn next_due_event(&self) -> Result<Option<u64>, StoreError> {
        let first = self.scan_prefix(&[Kind::EventDue.byte()]).next().transpose()?;
        Ok(first.and_then(|(key, _)| Fields::new(&key[1..]).u64()))
    }

    /// Returns one page of the events that the filter lets through.
    ///
    /// # Errors
    /// When the store or a record can't be read.
    pub fn events_page(
        &self,
        page: Page,
        filter: &EventFilter,
    ) -> Result<Rows<EventRecord>, StoreError> {
        self.page_where(Kind::Event, page, |event| filter.lets_through(event))
    }
}

impl Store {
    /// Adds those events whose ids aren't there, all in one change, and says whether there were
    /// any. On the disk when it returns; costs no write when there are none.
    pub(crate) fn append_new_events(
        &self,
        events: &[EventRecord],
    ) -> Result<bool, TransactionError> {
        let mut new = Vec::with_capacity(events.len());
        for event in events {
            if !self.has(&Kind::Event.key(event.id.as_bytes()))? {
                new.push(event);
            }
        }
        if new.is_empty() {
            return Ok(false);
        }
        self.change(|tx| {
            for event in new {
                if let Some(key) = due_key(event) {
                    tx.index(key, event.id);
                }
                tx.put(Kind::Event, event)?;
                tx.events.is(event);
            }
            Ok(true)
        })
    }

    /// Removes up to `limit` of the oldest events that were made before a time (milliseconds since
    /// 1970), whatever became of them, and says how many. An event that was not taken in all that time,
    /// because there is no receiver, is of no use any more, and the outbox must not grow for ever.
    ///
    /// # Errors
    /// When the store can't be read or written.
    pub fn purge_events(
        &self,
        made_before_ms: u64,
        limit: usize,
    ) -> Result<usize, TransactionError> {
        let mut outlived = Vec::new();
        for event in self.scan::<EventRecord>(Kind::Event).take(limit) {
            let event = event?;
            if event.created_at_ms >= made_before_ms {
                break;
            }
            outlived.push(event.id);
        }
        if outlived.is_empty() {
            return Ok(0);
        }
        self.change(|tx| {
            for id in &outlived {
                // Read again here, since an attempt may have moved its place among those due.
                let Some(event): Option<EventRecord> = tx.read(Kind::Event, *id)? else {
                    continue;
                };
                if let Some(key) = due_key(&event) {
                    tx.remove(key);
                }
                tx.remove(Kind::Event.key(id.as_bytes()));
                tx.events.was(&event);
            }
            Ok(outlived.len())
        })
    }
}

impl Transaction<'_> {
    /// Notes what came of sending an event, and returns it as it is then. An event that was delivered stays so.
    ///
    /// # Errors
    /// [`TransactionError::UnknownEvent`], or when the store can't be written.
    pub fn record_attempt(
        &mut self,
        id: Uuid,
        outcome: AttemptOutcome,
    ) -> Result<EventRecord, TransactionError> {
        self.edit_event(id, |event| {
            if !matches!(outcome, AttemptOutcome::Skipped { .. }) {
                event.attempts = event.attempts.saturating_add(1);
            }
            if !matches!(event.delivery, Delivery::Delivered { .. }) {
                event.delivery = match outcome {
                    AttemptOutcome::Delivered { at_ms } => Delivery::Delivered { at_ms },
                    AttemptOutcome::Retry { next_attempt_at_ms: at_ms } => Delivery::Due { at_ms },
                    AttemptOutcome::Dead { at_ms } => Delivery::Dead { at_ms },
                    AttemptOutcome::Skipped { at_ms } => Delivery::Skipped { at_ms },
                };
            }
        })
    }

    /// Makes an event due at `now_ms`, whatever came of it before, and its attempts count anew.
    ///
    /// # Errors
    /// [`TransactionError::UnknownEvent`], or when the store can't be written.
    pub fn retry_event(&mut self, id: Uuid, now_ms: u64) -> Result<EventRecord, TransactionError> {
        self.edit_event(id, |event| {
            event.attempts = 0;
            event.delivery = Delivery::Due { at_ms: now_ms };
        })
    }

    /// Adds an event.
    ///
    /// # Errors
    /// [`Conflict::Id`] when its id is there, or when it is too large or can't be written.
    pub fn append_event(&mut self, event: &EventRecord) -> Result<(), TransactionError> {
        if self.has(&Kind::Event.key(event.id.as_bytes()))? {
            return Err(Conflict::Id.into());
        }
        add_event(self, event)
    }

    fn edit_event(
        &mut self,
        id: Uuid,
        edit: impl FnOnce(&mut EventRecord),
    ) -> Result<EventRecord, TransactionError> {
        let before: EventRecord =
            self.read(Kind::Event, id)?.ok_or(TransactionError::UnknownEvent)?;
        let mut after = before.clone();
        edit(&mut after);
        if let Some(key) = due_key(&before) {
            self.remove(key);
        }
        if let Some(key) = due_key(&after) {
            self.index(key, id);
        }
        self.put(Kind::Event, &after)?;
        self.events.was(&before);
        self.events.is(&after);
        Ok(after)
    }
}

/// Puts a new event beside what else a change does.
pub(crate) fn add_event(
    tx: &mut Transaction<'_>,
    event: &EventRecord,
) -> Result<(), TransactionError> {
    if let Some(key) = due_key(event) {
        tx.index(key, event.id);
    }
    tx.put(Kind::Event, event)?;
    tx.events.is(event);
    Ok(())
}

/// Where the index of what is due leads to the event, while it is due.
pub(crate) fn due_key(event: &EventRecord) -> Option<Vec<u8>> {
    let Delivery::Due { at_ms } = event.delivery else { return None };
    let mut rest = at_ms.to_be_bytes().to_vec();
    rest.extend_from_slice(event.id.as_bytes());
    Some(Kind::EventDue.key(&rest))
}

#[cfg(test)]
mod tests;
