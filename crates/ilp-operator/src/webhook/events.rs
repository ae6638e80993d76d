//! The events that the node has told, or will tell, the operator's own systems.

use ilp_store::{Delivery, EventCounts, EventFilter, EventRecord, Rows, shown};

use crate::{
    changes::recorded::Recorded,
    node::operator::Operator,
    vocabulary::{
        check,
        error::OperatorError,
        input_error::{FILTER_TYPES_MAX, InputError},
        page::PageArguments,
        seek::{Sought, begin, seek},
    },
    webhook::error::EventError,
};

/// A handle that reads the events for the operator's own systems.
#[derive(Clone, Copy, Debug)]
pub struct Events<'a> {
    on: &'a Operator,
}

/// A handle that changes the events for the operator's own systems.
#[derive(Clone, Copy, Debug)]
pub struct EventChanges<'a> {
    on: &'a Recorded,
}

impl Operator {
    /// Returns the handle that reads events.
    #[must_use]
    pub fn events(&self) -> Events<'_> {
        Events { on: self }
    }
}

impl Recorded {
    /// Returns the handle that changes events.
    #[must_use]
    pub fn events(&self) -> EventChanges<'_> {
        EventChanges { on: self }
    }
}

impl Events<'_> {
    /// Returns the event of this id.
    ///
    /// # Errors
    /// Not found.
    pub async fn get(self, id: &str) -> Result<EventRecord, OperatorError> {
        let id = check::id(id).ok_or(EventError::Unknown)?;
        self.on.read(move |inner| Ok(inner.store.event(id)?.ok_or(EventError::Unknown)?)).await
    }

    /// Returns a page of the events: those of the types in `only`, where given, and not in
    /// `except`.
    ///
    /// # Errors
    /// Bad input.
    pub async fn list(
        self,
        page: &PageArguments,
        only: Vec<String>,
        except: Vec<String>,
    ) -> Result<Rows<EventRecord>, OperatorError> {
        let page = page.check()?;
        if only.len().max(except.len()) > FILTER_TYPES_MAX {
            return Err(InputError::FilterTypes.into());
        }
        // An empty list filters nothing, as Rafiki has it.
        let filter = EventFilter { only: (!only.is_empty()).then_some(only), except };
        self.on.read(move |inner| Ok(inner.store.events_page(page, &filter)?)).await
    }

    /// Returns how many events wait to be taken, and how many were given up.
    #[must_use]
    pub fn counts(self) -> EventCounts {
        self.on.inner.store.event_counts()
    }
}

impl EventChanges<'_> {
    /// Schedules an event to be sent again, even one that was given up, and resets its count of
    /// attempts.
    ///
    /// # Errors
    /// An unknown event; a conflict for one that was delivered, or whose type isn't sent.
    pub async fn retry(self, id: &str) -> Result<EventRecord, OperatorError> {
        self.on.given(&shown! { "id": id });
        let id = check::id(id).ok_or(EventError::Unknown)?;
        self.on
            .change(move |changing| async move {
                let now_ms = changing.now().unix_ms();
                let known = changing.store(move |store| store.event(id)).await?;
                let known = known.ok_or(EventError::Unknown)?;
                match known.delivery {
                    Delivery::Delivered { .. } => return Err(EventError::Delivered.into()),
                    Delivery::Skipped { .. } => return Err(EventError::NotSent.into()),
                    Delivery::Due { .. } | Delivery::Dead { .. } => {}
                }
                let due = Delivery::Due { at_ms: now_ms };
                let event = EventRecord { attempts: 0, delivery: due, ..known };
                changing.commit(&event, move |tx| tx.retry_event(id, now_ms)).await?;
                Ok(event)
            })
            .await
    }
}

impl Events<'_> {
    /// The first so many events that are wanted, newest first, after where an earlier search stopped.
    ///
    /// # Errors
    /// Bad input.
    pub async fn search(
        self,
        first: usize,
        after: Option<String>,
        is_wanted: impl Fn(&EventRecord) -> bool + Send + 'static,
    ) -> Result<Sought<EventRecord>, OperatorError> {
        let page = begin(after)?;
        self.on
            .read(move |inner| {
                let store = &inner.store;
                let all = EventFilter::default();
                seek(first, page, |page| store.events_page(page, &all), |event| event.id, is_wanted)
            })
            .await
    }
}
