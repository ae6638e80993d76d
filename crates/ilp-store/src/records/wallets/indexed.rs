//! Records that are found by more than their id. All that such a record is found by is named in one
//! place, so that a change moves the record and its index entries as one, and the look at every
//! record at the start knows which entries there must be.

use uuid::Uuid;

use crate::{
    error::{StoreError, TransactionError},
    records::{
        forms::event_record::EventRecord,
        forms::{
            keys::Kind,
            page::{Page, Rows},
            stored_form::Stored,
        },
        outbox::add_event,
    },
    store::{
        reading::{Reader, Reading, id_from},
        transaction::Transaction,
    },
};

/// A record with index entries, each of which leads to its id.
pub(crate) trait Indexed: Stored + Clone + PartialEq {
    /// The kind of the record's own entry.
    const KIND: Kind;

    /// Returns the keys by which the record is found as it is now.
    fn index_keys(&self) -> Vec<Vec<u8>>;
}

impl Transaction<'_> {
    /// Adds a record with its index entries.
    pub(crate) fn add<R: Indexed>(&mut self, record: &R) -> Result<(), TransactionError> {
        for key in record.index_keys() {
            self.index(key, record.id());
        }
        self.put(R::KIND, record)
    }

    /// Puts a record in the place of what it was.
    pub(crate) fn replace<R: Indexed>(
        &mut self,
        before: &R,
        after: &R,
    ) -> Result<(), TransactionError> {
        for key in before.index_keys() {
            self.remove(key);
        }
        self.add(after)
    }

    /// Removes a record with its index entries.
    pub(crate) fn remove_record<R: Indexed>(&mut self, record: &R) {
        for key in record.index_keys() {
            self.remove(key);
        }
        self.remove(R::KIND.key(record.id().as_bytes()));
    }

    /// Changes a record, and adds the event that `edit` makes of it. Returns the record as it is then,
    /// and whether anything was changed. Writes nothing when nothing was.
    pub(crate) fn edit_with_event<R: Indexed>(
        &mut self,
        id: Uuid,
        unknown: TransactionError,
        edit: impl FnOnce(&mut R) -> Option<EventRecord>,
    ) -> Result<(R, bool), TransactionError> {
        let before: R = self.read(R::KIND, id)?.ok_or(unknown)?;
        let mut after = before.clone();
        let event = edit(&mut after);
        if let Some(event) = &event {
            add_event(self, event)?;
        }
        let is_changed = event.is_some() || after != before;
        if is_changed {
            self.replace(&before, &after)?;
        }
        Ok((after, is_changed))
    }
}

impl Reader {
    /// One page of the records that an index lists under `prefix`, followed by their ids, and that
    /// are wanted. Costs what it takes to find them among the others.
    pub(crate) fn indexed_page<R: Indexed>(
        &self,
        prefix: &[u8],
        page: Page,
        is_wanted: impl Fn(&R) -> bool,
    ) -> Result<Rows<R>, StoreError> {
        self.page_in(prefix, page, |key, bytes| {
            let id = id_from(key, bytes)?;
            // Index and row are read one after the other, and the row may be gone meanwhile.
            Ok(self.read::<R>(R::KIND, id)?.filter(&is_wanted))
        })
    }
}
