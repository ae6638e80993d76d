//! How records are read: by readers, who see what is durable, and by transactions.

use std::ops::Bound;

use sled::IVec;
use uuid::Uuid;

use super::Store;
use crate::{
    error::StoreError,
    index::keyspace::{Entries, View, prefix},
    records::forms::{
        keys::{self, Kind},
        stored_form::Stored,
    },
};

/// Look-ups of records. [`Store`] answers with what is durable, a
/// [`Change`](crate::store::change::Change) with all that came before it and what it writes itself.
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

impl Reading for Store {
    fn get(&self, key: &[u8]) -> Result<Option<IVec>, StoreError> {
        crate::store::change::assert_outside();
        self.inner.keyspace.get(View::Durable, key)
    }

    fn any(&self, low: Bound<Vec<u8>>, high: Bound<Vec<u8>>) -> Result<bool, StoreError> {
        Ok(self.range(low, high).next().transpose()?.is_some())
    }
}

impl Store {
    /// Returns the entries between two bounds, in the order of their keys.
    pub(crate) fn range(&self, low: Bound<Vec<u8>>, high: Bound<Vec<u8>>) -> Entries {
        crate::store::change::assert_outside();
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
