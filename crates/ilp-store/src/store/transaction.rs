//! A transaction over records: reads what came before it and what it writes itself.
//!
//! Every function that writes a record belongs to [`Transaction`], which exists within
//! [`Store::transact`](crate::Store::transact) alone.

use std::{cell::Cell, collections::BTreeMap, fmt, marker::PhantomData, ops::Bound, sync::Arc};

use sled::IVec;
use uuid::Uuid;

use super::{event_counts::EventShift, reading::Reading};
use crate::{
    RECORD_BYTES_MAX,
    error::{StoreError, TransactionError},
    index::keyspace::{Entries, Keyspace, View},
    records::forms::{keys::Kind, stored_form::Stored},
};

/// The changes of entries: a value, or `None` for one that is removed.
pub(crate) type Writes = BTreeMap<Vec<u8>, Option<IVec>>;

thread_local! {
    /// Whether this thread runs a transaction.
    static PLANNING: Cell<bool> = const { Cell::new(false) };
}

/// Checks in debug builds that a transaction reads through itself: what is durable lacks the changes
/// that came right before.
pub(crate) fn assert_outside() {
    debug_assert!(!PLANNING.get(), "a transaction reads through itself");
}

/// Marks the thread as running a transaction, until the mark is dropped.
pub(super) struct Planning(PhantomData<*const ()>);

impl Planning {
    pub(super) fn begin() -> Self {
        PLANNING.set(true);
        Self(PhantomData)
    }
}

impl Drop for Planning {
    fn drop(&mut self) {
        PLANNING.set(false);
    }
}

/// A transaction: reads records, and writes those that become one unit of the log with its
/// [`Companions`](crate::Companions). No other transaction comes between what it reads and what it writes.
pub struct Transaction<'a> {
    keyspace: &'a Arc<Keyspace>,
    pub(super) writes: Writes,
    pub(super) bytes: usize,
    /// The transaction's effect on the counts of events, once it is appended.
    pub(crate) events: EventShift,
}

impl<'a> Transaction<'a> {
    pub(super) fn new(keyspace: &'a Arc<Keyspace>) -> Self {
        Self { keyspace, writes: Writes::new(), bytes: 0, events: EventShift::default() }
    }

    /// Stores a record under its id.
    pub(crate) fn put<R: Stored>(
        &mut self,
        kind: Kind,
        record: &R,
    ) -> Result<(), TransactionError> {
        self.put_bytes(kind.key(record.id().as_bytes()), &record.encode())
    }

    /// Stores bytes as they are.
    pub(crate) fn put_bytes(&mut self, key: Vec<u8>, bytes: &[u8]) -> Result<(), TransactionError> {
        self.put_within(RECORD_BYTES_MAX, key, bytes)
    }

    /// Stores bytes as they are, if there are no more than `bytes_max`.
    pub(crate) fn put_within(
        &mut self,
        bytes_max: usize,
        key: Vec<u8>,
        bytes: &[u8],
    ) -> Result<(), TransactionError> {
        if bytes.len() > bytes_max {
            return Err(TransactionError::TooLarge { bytes: bytes.len() });
        }
        self.write(key, Some(bytes.into()));
        Ok(())
    }

    /// Lets `key` lead to the record of this id.
    pub(crate) fn index(&mut self, key: Vec<u8>, id: Uuid) {
        self.write(key, Some(id.as_bytes().into()));
    }

    /// Removes an entry, if there is one. What is put or indexed later wins over it.
    pub(crate) fn remove(&mut self, key: Vec<u8>) {
        self.write(key, None);
    }

    fn write(&mut self, key: Vec<u8>, value: Option<IVec>) {
        // With some more for what an entry of the log has beside its key and value.
        self.bytes += key.len() + value.as_ref().map_or(0, |value| value.len()) + 32;
        self.writes.insert(key, value);
    }

    /// Returns each key with the value that is put under it, or `None` where an entry is removed.
    pub(crate) fn writes(&self) -> impl Iterator<Item = (&[u8], Option<&[u8]>)> {
        self.writes.iter().map(|(key, value)| (key.as_slice(), value.as_deref()))
    }

    /// Returns what was under a key before this change.
    pub(crate) fn before(&self, key: &[u8]) -> Result<Option<IVec>, StoreError> {
        self.keyspace.get(View::Newest, key)
    }
}

impl Reading for Transaction<'_> {
    fn get(&self, key: &[u8]) -> Result<Option<IVec>, StoreError> {
        match self.writes.get(key) {
            Some(value) => Ok(value.clone()),
            None => self.before(key),
        }
    }

    fn any(&self, low: Bound<Vec<u8>>, high: Bound<Vec<u8>>) -> Result<bool, StoreError> {
        for entry in Entries::new(self.keyspace, View::Newest, (low.clone(), high.clone())) {
            // An entry that this change removes doesn't count.
            if !matches!(self.writes.get(&entry?.0[..]), Some(None)) {
                return Ok(true);
            }
        }
        let bounds = (low, high);
        let written = self
            .writes
            .iter()
            .any(|(key, value)| value.is_some() && std::ops::RangeBounds::contains(&bounds, key));
        Ok(written)
    }
}

impl fmt::Debug for Transaction<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Transaction").field("writes", &self.writes.len()).finish()
    }
}
