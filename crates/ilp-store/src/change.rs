//! How records are read and changed: one batch at a time, on the disk before the call returns.

use uuid::Uuid;

use crate::{
    RECORD_BYTES_MAX,
    error::{Refusal, StoreError},
    keys::{self, Kind},
    outbox::EventShift,
    record_tree::Writes,
    store::{Inner, Store},
    stored_form::Stored,
};

/// A change that is being put together.
#[derive(Default)]
pub(crate) struct Change {
    writes: Writes,
    /// What it does to the counts of events, once it is applied.
    pub(crate) events: EventShift,
}

impl Change {
    /// Stores a record under its id.
    pub(crate) fn put<R: Stored>(&mut self, kind: Kind, record: &R) -> Result<(), Refusal> {
        self.put_bytes(kind.key(record.id().as_bytes()), &record.encode())
    }

    /// Stores bytes as they are.
    pub(crate) fn put_bytes(&mut self, key: Vec<u8>, bytes: &[u8]) -> Result<(), Refusal> {
        self.put_within(RECORD_BYTES_MAX, key, bytes)
    }

    /// Stores bytes as they are, if there are no more than `bytes_max`.
    pub(crate) fn put_within(
        &mut self,
        bytes_max: usize,
        key: Vec<u8>,
        bytes: &[u8],
    ) -> Result<(), Refusal> {
        if bytes.len() > bytes_max {
            return Err(Refusal::TooLarge { bytes: bytes.len() });
        }
        self.writes.insert(key, Some(bytes.into()));
        Ok(())
    }

    /// Lets `key` lead to the record of this id.
    pub(crate) fn index(&mut self, key: Vec<u8>, id: Uuid) {
        self.writes.insert(key, Some(id.as_bytes().into()));
    }

    /// Returns each key with the value that is put under it, or `None` where an entry is removed.
    pub(crate) fn writes(&self) -> impl Iterator<Item = (&[u8], Option<&[u8]>)> {
        self.writes.iter().map(|(key, value)| (key.as_slice(), value.as_deref()))
    }

    /// Returns whether the change puts or removes an entry of this kind.
    fn touches(&self, kind: Kind) -> bool {
        self.writes.range(vec![kind.byte()]..vec![kind.byte() + 1]).next().is_some()
    }

    /// Removes an entry, if there is one. What is put or indexed later wins over it.
    pub(crate) fn remove(&mut self, key: Vec<u8>) {
        self.writes.insert(key, None);
    }
}

impl Store {
    /// Reads one record.
    pub(crate) fn read<R: Stored>(&self, kind: Kind, id: Uuid) -> Result<Option<R>, StoreError> {
        let key = kind.key(id.as_bytes());
        let bytes = self.inner.records.get(&key).map_err(StoreError::read)?;
        bytes.map(|bytes| R::decode(kind, &key, &bytes)).transpose()
    }

    /// Returns whether there is an entry under `key`.
    pub(crate) fn has(&self, key: &[u8]) -> Result<bool, StoreError> {
        self.inner.records.contains_key(key).map_err(StoreError::read)
    }

    /// Follows an index to a record's id.
    pub(crate) fn follow(&self, key: &[u8]) -> Result<Option<Uuid>, StoreError> {
        let entry = self.inner.records.get(key).map_err(StoreError::read)?;
        entry.map(|bytes| id_from(key, &bytes)).transpose()
    }

    /// Makes the change that `plan` puts together, if it doesn't refuse. What rides along with
    /// the store's changes is in the same batch.
    ///
    /// The write lock covers the checks and the batch, so what was checked still holds when the
    /// batch is applied. It doesn't cover the sync: several changes may wait for the disk at once,
    /// and a reader may see one a moment before it is durable.
    pub(crate) fn change<T>(
        &self,
        plan: impl FnOnce(&mut Change) -> Result<T, Refusal>,
    ) -> Result<T, Refusal> {
        self.change_if(|change| Ok((plan(change)?, true)))
    }

    /// Makes a change as `plan` plans it, unless `plan` returns false because nothing is to be changed.
    /// The state that it found is on the disk in either case.
    pub(crate) fn change_if<T>(
        &self,
        plan: impl FnOnce(&mut Change) -> Result<(T, bool), Refusal>,
    ) -> Result<T, Refusal> {
        let (answer, number) = self.apply(plan)?;
        let Inner { durability, records, .. } = &*self.inner;
        if number > durability.answered().changes {
            durability.persist_records(records, number)?;
        }
        if let Some(rider) = &self.rider {
            rider.is_durable();
        }
        Ok(answer)
    }

    /// Makes a change that is on the disk with the next one that must be. Nothing rides along with
    /// it.
    pub(crate) fn change_later<T>(
        &self,
        plan: impl FnOnce(&mut Change) -> Result<T, Refusal>,
    ) -> Result<T, Refusal> {
        let unridden = self.alone();
        unridden.apply(|change| Ok((plan(change)?, true))).map(|(answer, _)| answer)
    }

    /// Applies what `plan` puts together, and says how many changes there are then.
    fn apply<T>(
        &self,
        plan: impl FnOnce(&mut Change) -> Result<(T, bool), Refusal>,
    ) -> Result<(T, u64), Refusal> {
        self.inner.durability.usable()?;
        let mut changes = self.inner.changes.lock();
        let mut change = Change::default();
        let (answer, is_due) = plan(&mut change)?;
        // What rides along is to be kept also when there is nothing else to be.
        if is_due || self.rider.is_some() {
            if let Some(rider) = &self.rider {
                rider.join(&mut change)?;
            }
            if let Some(recorder) = &self.recorder {
                recorder.join(self, &mut change)?;
            }
            let number = *changes + 1;
            if change.touches(Kind::Peer) {
                *self.inner.peers_at_start.lock() = None;
            }
            self.inner
                .records
                .gather(change.writes, number)
                .map_err(|cause| self.inner.durability.fail(&cause))?;
            self.inner.events.shift(change.events);
            *changes = number;
        }
        Ok((answer, *changes))
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
