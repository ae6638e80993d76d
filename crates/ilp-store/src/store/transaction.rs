//! How records are changed: one transaction at a time, each of which is one unit of the log.
//!
//! Every function that writes a record belongs to [`Transaction`], which exists within
//! [`Store::transact`] alone. `companions` is what a unit holds beside the records.

use std::{cell::Cell, collections::BTreeMap, fmt, marker::PhantomData, ops::Bound, sync::Arc};

use sled::IVec;
use uuid::Uuid;

use super::{Inner, Store, changed::ChangedRecord, companions::Companions, reading::Reading};
use crate::{
    RECORD_BYTES_MAX,
    error::{Refusal, StoreError},
    index::keyspace::{Entries, Keyspace, View},
    ledger::{LogRun, Stopped, Unit, Urgency},
    records::{
        forms::{keys::Kind, stored_form::Stored},
        outbox::EventShift,
    },
};

/// The most bytes that the keys and values of one change may take: a unit lies in one page.
const CHANGE_BYTES_MAX: usize = 768 * 1024;

/// How much memory the changes that the index doesn't have may take, in bytes, before a checkpoint is
/// due.
const CHECKPOINT_BYTES: usize = 4 * 1024 * 1024;

/// What changes do to entries: a value, or `None` for one that is removed.
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
struct Planning(PhantomData<*const ()>);

impl Planning {
    fn begin() -> Self {
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
/// [`Companions`]. No other transaction comes between what it reads and what it writes.
pub struct Transaction<'a> {
    keyspace: &'a Arc<Keyspace>,
    writes: Writes,
    bytes: usize,
    /// What the transaction does to the counts of events, once it is appended.
    pub(crate) events: EventShift,
}

impl<'a> Transaction<'a> {
    fn new(keyspace: &'a Arc<Keyspace>) -> Self {
        Self { keyspace, writes: Writes::new(), bytes: 0, events: EventShift::default() }
    }

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

/// A transaction that the log has taken.
struct Appended<T> {
    answer: T,
    /// The place of its last entry, or, where nothing was changed, of the last change before.
    sequence: u64,
    changed: Vec<ChangedRecord>,
    log: Arc<LogRun>,
}

/// A note that the log has taken and that may not be durable yet.
#[must_use = "what follows from the note may be told once it is durable"]
pub struct Noted(Appended<()>);

impl Noted {
    /// Returns whether the note is durable.
    #[must_use]
    pub fn is_durable(&self) -> bool {
        self.0.log.durable.sequence() >= self.0.sequence
    }

    /// Waits until the note is durable. Call it on a thread that may block.
    ///
    /// # Errors
    /// When the log has stopped before.
    pub fn wait(self) -> Result<(), StoreError> {
        self.0.log.wait(self.0.sequence)
    }
}

impl fmt::Debug for Noted {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Noted").finish_non_exhaustive()
    }
}

impl Store {
    /// Runs a transaction, and returns once its unit is durable: what `work` writes and the
    /// companions, or nothing where `work` or a companion refuses. A transaction that writes nothing
    /// and has no answer to keep and no transfer to make costs no write.
    ///
    /// `work` may not call the store, whose write lock is held from the first read to the append to
    /// the log, so what was checked still holds when the unit is appended. The lock doesn't cover the
    /// wait for the disk: many transactions share one sync. Readers see the unit once it is durable.
    ///
    /// # Errors
    /// The refusal of `work` or of a companion, [`Refusal::ChangeTooLarge`], or when the log can't be
    /// written.
    pub fn transact<T>(
        &self,
        companions: Companions,
        work: impl FnOnce(&mut Transaction<'_>) -> Result<T, Refusal>,
    ) -> Result<T, Refusal> {
        let Appended { answer, sequence, changed, log } =
            self.append(&companions, work, Urgency::Now)?;
        log.wait(sequence)?;
        companions.are_durable();
        self.inner.tell(&changed)?;
        Ok(answer)
    }

    /// Runs a transaction that has no companions.
    pub(crate) fn change<T>(
        &self,
        work: impl FnOnce(&mut Transaction<'_>) -> Result<T, Refusal>,
    ) -> Result<T, Refusal> {
        self.transact(Companions::none(), work)
    }

    /// Makes a note without waiting for the disk, which goes into the next page that is written, and
    /// returns how to wait for it.
    pub(crate) fn note(
        &self,
        work: impl FnOnce(&mut Transaction<'_>) -> Result<(), Refusal>,
    ) -> Result<Noted, Refusal> {
        self.append(&Companions::none(), work, Urgency::WithTheNext).map(Noted)
    }

    /// Lets the log take what `work` writes, with the companions.
    fn append<T>(
        &self,
        companions: &Companions,
        work: impl FnOnce(&mut Transaction<'_>) -> Result<T, Refusal>,
        urgency: Urgency,
    ) -> Result<Appended<T>, Refusal> {
        let inner = &*self.inner;
        inner.fail_stop.usable()?;
        inner.wait_for_room()?;
        let log = inner.log()?;
        let appended = self.append_to(&log, companions, work, urgency);
        if appended.as_ref().is_err_and(|refusal| !matches!(refusal, Refusal::Store(_))) {
            // What the refusal rests on, such as another record of this name, may be on its way to
            // the disk.
            log.wait(log.queue.last_sequence())?;
        }
        let (answer, sequence, changed) = appended?;
        Ok(Appended { answer, sequence, changed, log })
    }

    /// Returns the answer, the place of the unit's last entry, and the changed records.
    fn append_to<T>(
        &self,
        log: &LogRun,
        companions: &Companions,
        work: impl FnOnce(&mut Transaction<'_>) -> Result<T, Refusal>,
        urgency: Urgency,
    ) -> Result<(T, u64, Vec<ChangedRecord>), Refusal> {
        let inner = &*self.inner;
        let mut changes = inner.changes.lock();
        let planning = Planning::begin();
        let mut tx = Transaction::new(&inner.keyspace);
        let answer = work(&mut tx)?;
        if tx.writes.is_empty() && !companions.are_due() {
            return Ok((answer, changes.last_sequence, Vec::new()));
        }
        let step = companions.join(&mut tx, self)?;
        drop(planning);
        let Transaction { writes, bytes, events, .. } = tx;
        if bytes > CHANGE_BYTES_MAX {
            return Err(Refusal::ChangeTooLarge { bytes });
        }
        let records: Vec<_> = writes.into_iter().collect();
        let mut changed: Vec<_> = records
            .iter()
            .filter_map(|(key, value)| ChangedRecord::of(key, value.is_none()))
            .collect();
        changed.dedup();
        let touches_peers = |(key, _): &(Vec<u8>, _)| key.first() == Some(&Kind::Peer.byte());
        if records.iter().any(touches_peers) {
            *inner.peers_at_start.lock() = None;
        }
        companions.are_being_written();
        let appended = match step {
            Some(reserved) => reserved.append(records.clone(), log),
            None => {
                let unit = Unit { records: records.clone(), ..Unit::default() };
                log.queue.append_unit(Vec::new(), unit, urgency)
            }
        };
        let sequence = appended.map_err(|Stopped| log.stopped())?;
        {
            // The index is moved on under the write lock, so it never passes a unit that isn't here
            // yet.
            let durable = inner.keyspace.durable();
            let mut overlay = inner.keyspace.overlay.write();
            for (key, value) in records {
                overlay.put(key, sequence, value, durable);
            }
            if overlay.bytes() > CHECKPOINT_BYTES {
                inner.wake_keeper();
            }
        }
        changes.last_sequence = sequence;
        inner.events.shift(events);
        changes.count += 1;
        Ok((answer, sequence, changed))
    }
}

impl Inner {
    /// Tells what keeps live copies of records which of them have changed. Where it can't follow, the
    /// store stops: what is live would no longer be what is stored.
    fn tell(&self, changed: &[ChangedRecord]) -> Result<(), StoreError> {
        if changed.is_empty() {
            return Ok(());
        }
        // A call may end in another transaction, so it comes without the lock.
        let on_change = self.on_change.read().clone();
        match on_change {
            Some(on_change) => on_change(changed).map_err(|cause| self.fail_stop.fail(&cause)),
            None => Ok(()),
        }
    }
}
