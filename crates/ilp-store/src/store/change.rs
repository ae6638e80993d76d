//! How records are changed: one unit of the log at a time, on the disk before the call returns.

use std::{cell::Cell, collections::BTreeMap, fmt, marker::PhantomData, ops::Bound, sync::Arc};

use sled::IVec;
use uuid::Uuid;

use super::{Store, reading::Reading};
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
    /// Whether this thread is putting a change together.
    static PLANNING: Cell<bool> = const { Cell::new(false) };
}

/// Checks in debug builds that a transaction reads through itself: what is durable lacks the changes
/// that came right before.
pub(crate) fn assert_outside() {
    debug_assert!(!PLANNING.get(), "a transaction reads through its Change");
}

/// Marks the thread as putting a change together, until it is dropped.
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

/// A change that is being put together. What it reads is what it relies on: no other change comes in
/// between.
pub(crate) struct Change<'a> {
    keyspace: &'a Arc<Keyspace>,
    writes: Writes,
    bytes: usize,
    /// What the change does to the counts of events, once it is made.
    pub(crate) events: EventShift,
}

impl<'a> Change<'a> {
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

impl Reading for Change<'_> {
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

/// A change that the log has taken.
pub(crate) struct Appended<T> {
    pub(crate) answer: T,
    /// The place of its last entry, or, where nothing was changed, of the last change before.
    sequence: u64,
    log: Arc<LogRun>,
}

impl<T> Appended<T> {
    /// Waits until the change is durable.
    ///
    /// # Errors
    /// When the log can't be written.
    pub(crate) fn wait(self) -> Result<T, StoreError> {
        self.log.wait(self.sequence)?;
        Ok(self.answer)
    }
}

/// A change that the log has taken and that may not be durable yet.
#[must_use = "what follows from the change may be told once it is durable"]
pub struct Noted(Appended<()>);

impl Noted {
    /// Returns whether the change is durable.
    #[must_use]
    pub fn is_durable(&self) -> bool {
        self.0.log.durable.sequence() >= self.0.sequence
    }

    /// Waits until the change is durable. Call it on a thread that may block.
    ///
    /// # Errors
    /// When the log has stopped before.
    pub fn wait(self) -> Result<(), StoreError> {
        self.0.wait()
    }
}

impl fmt::Debug for Noted {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Noted").finish_non_exhaustive()
    }
}

impl Store {
    /// Makes the change that `plan` puts together, if it doesn't refuse. What rides along with
    /// the store's changes is in the same unit.
    ///
    /// The write lock covers the checks and the append to the log, so what was checked still holds
    /// when the change is made. It doesn't cover the wait for the disk: many changes share one sync.
    /// Readers see the change once it is durable.
    pub(crate) fn change<T>(
        &self,
        plan: impl FnOnce(&mut Change<'_>) -> Result<T, Refusal>,
    ) -> Result<T, Refusal> {
        self.change_if(|change| Ok((plan(change)?, true)))
    }

    /// Makes a change as `plan` plans it, unless `plan` returns false because nothing is to be changed.
    /// The state that it found is on the disk in either case.
    pub(crate) fn change_if<T>(
        &self,
        plan: impl FnOnce(&mut Change<'_>) -> Result<(T, bool), Refusal>,
    ) -> Result<T, Refusal> {
        let answer = self.apply(plan, Urgency::Now)?.wait()?;
        if let Some(rider) = &self.rider {
            rider.is_durable();
        }
        Ok(answer)
    }

    /// Makes the change that consists of what rides along with it alone. On the disk when it returns.
    ///
    /// # Errors
    /// When what rides along is refused, or the store can't be written.
    pub fn change_nothing(&self) -> Result<(), Refusal> {
        self.change(|_| Ok(()))
    }

    /// Waits until everything that the log has taken so far is durable, so that readers see it.
    pub(crate) fn wait_for_log(&self) -> Result<(), StoreError> {
        let Some(log) = self.inner.running_log() else { return Ok(()) };
        log.wait(log.queue.last_sequence())
    }

    /// Makes a change without waiting for the disk, which goes into the next page that is written.
    /// Nothing rides along with it.
    pub(crate) fn change_later<T>(
        &self,
        plan: impl FnOnce(&mut Change<'_>) -> Result<T, Refusal>,
    ) -> Result<T, Refusal> {
        let unridden = self.alone();
        let plan = |change: &mut Change<'_>| Ok((plan(change)?, true));
        let appended = unridden.apply(plan, Urgency::WithTheNext)?;
        Ok(appended.answer)
    }

    /// Makes a change without waiting for the disk, and returns how to wait for it.
    pub(crate) fn note(
        &self,
        plan: impl FnOnce(&mut Change<'_>) -> Result<(), Refusal>,
    ) -> Result<Noted, Refusal> {
        let plan = |change: &mut Change<'_>| Ok((plan(change)?, true));
        self.alone().apply(plan, Urgency::WithTheNext).map(Noted)
    }

    /// Lets the log take what `plan` puts together, with what belongs to it.
    fn apply<T>(
        &self,
        plan: impl FnOnce(&mut Change<'_>) -> Result<(T, bool), Refusal>,
        urgency: Urgency,
    ) -> Result<Appended<T>, Refusal> {
        let inner = &*self.inner;
        inner.fail_stop.usable()?;
        inner.wait_for_room()?;
        let log = inner.log()?;
        let applied = self.apply_to(&log, plan, urgency);
        if applied.as_ref().is_err_and(|refusal| !matches!(refusal, Refusal::Store(_))) {
            // What the refusal rests on, such as another record of this name, may be on its way to
            // the disk.
            log.wait(log.queue.last_sequence())?;
        }
        let (answer, sequence) = applied?;
        Ok(Appended { answer, sequence, log })
    }

    /// Returns the answer, and the place of the change's last entry.
    fn apply_to<T>(
        &self,
        log: &LogRun,
        plan: impl FnOnce(&mut Change<'_>) -> Result<(T, bool), Refusal>,
        urgency: Urgency,
    ) -> Result<(T, u64), Refusal> {
        let inner = &*self.inner;
        let mut changes = inner.changes.lock();
        let planning = Planning::begin();
        let mut change = Change::new(&inner.keyspace);
        let (answer, is_due) = plan(&mut change)?;
        // What rides along is to be kept also when there is nothing else to be.
        if !is_due && self.rider.is_none() && self.booking.is_none() {
            return Ok((answer, changes.last_sequence));
        }
        let booking = self.booking.as_ref().map(|booking| booking.reserve(self)).transpose()?;
        if let Some(rider) = &self.rider {
            rider.join(&mut change)?;
        }
        if let Some(recorder) = &self.recorder {
            recorder.join(&mut change)?;
        }
        drop(planning);
        let Change { writes, bytes, events, .. } = change;
        if bytes > CHANGE_BYTES_MAX {
            return Err(Refusal::ChangeTooLarge { bytes });
        }
        let records: Vec<_> = writes.into_iter().collect();
        let touches_peers = |(key, _): &(Vec<u8>, _)| key.first() == Some(&Kind::Peer.byte());
        if records.iter().any(touches_peers) {
            *inner.peers_at_start.lock() = None;
        }
        if !records.is_empty() || booking.is_some() {
            if let Some(rider) = &self.rider {
                rider.is_being_written();
            }
            let appended = match booking {
                Some(reserved) => reserved.append(records.clone(), log),
                None => {
                    let unit = Unit { records: records.clone(), ..Unit::default() };
                    log.queue.append_unit(Vec::new(), unit, urgency)
                }
            };
            let sequence = appended.map_err(|Stopped| log.stopped())?;
            // The index is moved on under the write lock, so it never passes a change that isn't
            // here yet.
            let durable = inner.keyspace.durable();
            let mut overlay = inner.keyspace.overlay.write();
            for (key, value) in records {
                overlay.put(key, sequence, value, durable);
            }
            changes.last_sequence = sequence;
            if overlay.bytes() > CHECKPOINT_BYTES {
                inner.wake_keeper();
            }
        }
        inner.events.shift(events);
        changes.count += 1;
        Ok((answer, changes.last_sequence))
    }
}
