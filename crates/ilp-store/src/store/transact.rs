//! [`Store::transact`]: runs a transaction, and lets the log take what it writes as one unit.

use std::fmt;

use std::sync::Arc;

use super::{
    Inner, Store,
    changed::ChangedRecord,
    companions::Companions,
    transaction::{Planning, Transaction},
};
use crate::{
    error::{StoreError, TransactionError},
    ledger::{LogRun, Stopped, Unit, Urgency},
    records::forms::keys::Kind,
};

/// The most bytes that the keys and values of one change may take: a unit lies in one page.
const CHANGE_BYTES_MAX: usize = 768 * 1024;

/// How much memory the changes that the index doesn't have may take, in bytes, before a checkpoint is
/// due.
const CHECKPOINT_BYTES: usize = 4 * 1024 * 1024;

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
    /// The refusal of `work` or of a companion, [`TransactionError::ChangeTooLarge`], or when the log can't be
    /// written.
    pub fn transact<T>(
        &self,
        companions: Companions,
        work: impl FnOnce(&mut Transaction<'_>) -> Result<T, TransactionError>,
    ) -> Result<T, TransactionError> {
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
        work: impl FnOnce(&mut Transaction<'_>) -> Result<T, TransactionError>,
    ) -> Result<T, TransactionError> {
        self.transact(Companions::none(), work)
    }

    /// Makes a note without waiting for the disk, which goes into the next page that is written, and
    /// returns how to wait for it.
    pub(crate) fn note(
        &self,
        work: impl FnOnce(&mut Transaction<'_>) -> Result<(), TransactionError>,
    ) -> Result<Noted, TransactionError> {
        self.append(&Companions::none(), work, Urgency::WithTheNext).map(Noted)
    }

    /// Lets the log take what `work` writes, with the companions.
    fn append<T>(
        &self,
        companions: &Companions,
        work: impl FnOnce(&mut Transaction<'_>) -> Result<T, TransactionError>,
        urgency: Urgency,
    ) -> Result<Appended<T>, TransactionError> {
        let inner = &*self.inner;
        inner.fail_stop.usable()?;
        inner.wait_for_room()?;
        let log = inner.log()?;
        let appended = self.append_to(&log, companions, work, urgency);
        if appended.as_ref().is_err_and(|refusal| !matches!(refusal, TransactionError::Store(_))) {
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
        work: impl FnOnce(&mut Transaction<'_>) -> Result<T, TransactionError>,
        urgency: Urgency,
    ) -> Result<(T, u64, Vec<ChangedRecord>), TransactionError> {
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
            return Err(TransactionError::ChangeTooLarge { bytes });
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
