//! How records are read: by readers, who see what is durable, and by transactions.

use std::{fmt, ops::Bound, path::Path, sync::Arc};

use sled::IVec;
use uuid::Uuid;

use super::Inner;
use crate::{
    error::StoreError,
    index::keyspace::{Entries, View, prefix},
    records::forms::{
        keys::{self, Kind},
        stored_form::Stored,
    },
};

/// A view of the store that reads what is durable and changes nothing. Clones share the store.
#[derive(Clone)]
pub struct Reader {
    pub(crate) inner: Arc<Inner>,
}

impl Reader {
    /// Returns the path of the store.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.inner.path
    }

    /// Returns the number of transactions that this process has appended to the log. The changes of
    /// one request belong into one, which tests check by this number.
    #[must_use]
    pub fn batches(&self) -> u64 {
        self.inner.changes.lock().count
    }

    /// Waits until everything that the log has taken so far is durable, so that readers see it.
    pub(crate) fn wait_for_log(&self) -> Result<(), StoreError> {
        let Some(log) = self.inner.running_log() else { return Ok(()) };
        log.wait(log.queue.last_sequence())
    }
}

impl fmt::Debug for Reader {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Reader").field("path", &self.inner.path).finish_non_exhaustive()
    }
}

/// Look-ups of records. A [`Reader`] answers with what is durable, a
/// [`Transaction`](crate::store::transaction::Transaction) with all that came before it and what it
/// writes itself.
pub(crate) trait Reading {
    /// Returns what is under a key.
    fn get(&self, key: &[u8]) -> Result<Option<IVec>, StoreError>;

    /// Returns whether there is an entry between two bounds. None lies between bounds that cross.
    fn any(&self, low: Bound<Vec<u8>>, high: Bound<Vec<u8>>) -> Result<bool, StoreError>;

    /// Reads one record.
    fn read<R: Stored>(&self, kind: Kind, id: Uuid) -> Result<Option<R>, StoreError> {
        let key = kind.key(id.as_bytes());
        self.get(&key)?.map(|bytes| R::decode(kind, &key, &bytes)).transpose()
    }

    /// Returns whether there is an entry under `key`.
    fn has(&self, key: &[u8]) -> Result<bool, StoreError> {
        Ok(self.get(key)?.is_some())
    }

    /// Follows an index to a record's id.
    fn follow(&self, key: &[u8]) -> Result<Option<Uuid>, StoreError> {
        self.get(key)?.map(|bytes| id_from(key, &bytes)).transpose()
    }
}

impl Reading for Reader {
    fn get(&self, key: &[u8]) -> Result<Option<IVec>, StoreError> {
        crate::store::transaction::assert_outside();
        self.inner.keyspace.get(View::Durable, key)
    }

    fn any(&self, low: Bound<Vec<u8>>, high: Bound<Vec<u8>>) -> Result<bool, StoreError> {
        Ok(self.range(low, high).next().transpose()?.is_some())
    }
}

impl Reader {
    /// Returns the entries between two bounds, in the order of their keys.
    pub(crate) fn range(&self, low: Bound<Vec<u8>>, high: Bound<Vec<u8>>) -> Entries {
        crate::store::transaction::assert_outside();
        Entries::new(&self.inner.keyspace, View::Durable, (low, high))
    }

    /// Returns the entries whose keys begin like this, in the order of their keys.
    pub(crate) fn scan_prefix(&self, of: &[u8]) -> Entries {
        let (low, high) = prefix(of);
        self.range(low, high)
    }
}

/// Returns the id that an index entry holds.
pub(crate) fn id_from(key: &[u8], bytes: &[u8]) -> Result<Uuid, StoreError> {
    Uuid::from_slice(bytes).map_err(|_| StoreError::Record {
        tree: key.first().and_then(|byte| Kind::from_byte(*byte)).map_or("records", Kind::name),
        key: keys::hexadecimal(key.get(1..).unwrap_or_default()),
        detail: format!("it should hold an id of 16 bytes and holds {} bytes", bytes.len()),
    })
}
