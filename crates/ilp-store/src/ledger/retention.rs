//! Lets old segments go: what they did is carried over into the base, and then they are removed.

use std::{
    collections::{HashMap, HashSet},
    fs,
};

use ilp_connector::account::AccountId;
use uuid::Uuid;

use super::{
    checkpoint::{self, Meta, Which},
    keeper::Keeper,
    queue::{Entry, Posted, Step},
    state::Row,
};
use crate::{
    error::StoreError,
    journal::{JournalError, Place, Position, first_sequence, path_of, scan_until, sync_directory},
    store::Store,
};

impl Keeper {
    /// Removes whole segments that the checkpoint has passed, beyond those that are to be kept.
    ///
    /// # Errors
    /// When a segment can't be read or removed, or the base can't be written.
    pub(super) fn retire(&self, checkpoint: Place) -> Result<(), StoreError> {
        let Some(retained) = self.retain_segments_min else { return Ok(()) };
        loop {
            let base = checkpoint::meta(&self.store, Which::Base)?;
            let from = base.map_or(Place::START, |base| base.place);
            // The segment of the checkpoint counts as one of those that are kept.
            if u64::from(checkpoint.segment - from.segment) < retained.max(1) {
                return Ok(());
            }
            self.retire_one(from)?;
        }
    }

    /// The base is durable before the segment goes. A crash in between leaves a segment that the
    /// base has passed, which the next start removes.
    fn retire_one(&self, from: Place) -> Result<(), StoreError> {
        let segment = from.segment + 1;
        let next = first_sequence(&self.directory, segment)?.ok_or_else(|| {
            JournalError::SegmentMissing { path: path_of(&self.directory, segment) }
        })?;
        let mut carried = Carried::default();
        let mut time_ms = 0;
        let tail = scan_until(&self.directory, self.journal, from, next - 1, |scanned| {
            time_ms = scanned.page.time_ms;
            let at = scanned.at;
            let whole = scanned.page.entries(|posted, _, distance| {
                let position = Position::new(at.segment, at.offset + distance);
                carried.add(&self.store, posted, position)
            })?;
            if whole {
                return Ok(());
            }
            // The base would lack the rest of the page, and the segment would be gone.
            let path = path_of(&self.directory, at.segment);
            let detail = "an entry of the page can't be understood".to_owned();
            Err(JournalError::Damaged { path, offset: at.offset.into(), detail }.into())
        })?;
        let place = Place { segment, offset: Place::START.offset, page_offset: 0, ..tail.place };
        let meta = Meta { journal: self.journal, place, time_ms };
        let rows: Vec<Row> = carried.rows.into_values().collect();
        let (begun, ended) = (Vec::from_iter(carried.begun), Vec::from_iter(carried.ended));
        let closed = Vec::from_iter(carried.closed);
        checkpoint::write_base(&self.store, meta, &rows, &closed, &begun, &ended)?;
        let path = path_of(&self.directory, from.segment);
        let bytes = fs::metadata(&path).map_err(StoreError::read)?.len();
        fs::remove_file(path).map_err(StoreError::write)?;
        self.gauges.segment_went(bytes);
        sync_directory(&self.directory).map_err(StoreError::write)
    }
}

/// What a segment did.
#[derive(Default)]
struct Carried {
    /// The rows of the base that it changed, as they are after it.
    rows: HashMap<AccountId, Row>,
    /// The accounts whose close is an entry of this segment.
    closed: HashSet<AccountId>,
    /// Withdrawals that began in it and are pending after it.
    begun: HashSet<Uuid>,
    /// Withdrawals that were pending before it and ended in it.
    ended: HashSet<Uuid>,
}

impl Carried {
    fn add(
        &mut self,
        store: &Store,
        posted: &Posted,
        position: Position,
    ) -> Result<(), StoreError> {
        if posted.step == Step::Close {
            return self.close(store, posted.first);
        }
        for Entry { debit, credit, amount } in posted.entries() {
            let amount = u128::from(*amount);
            let row = self.row(store, *debit)?;
            match posted.step {
                Step::Move => row.debits += amount,
                Step::Begin => row.pending += amount,
                Step::Post => {
                    row.pending = row.pending.saturating_sub(amount);
                    row.debits += amount;
                }
                Step::Void | Step::Expire => row.pending = row.pending.saturating_sub(amount),
                Step::Close => {}
            }
            if posted.step.is_first() {
                row.head = position.to_u64();
            }
            let row = self.row(store, *credit)?;
            if matches!(posted.step, Step::Move | Step::Post) {
                row.credits += amount;
            }
            if posted.step.is_first() {
                row.head = position.to_u64();
            }
        }
        match posted.step {
            Step::Move | Step::Close => {}
            Step::Begin => drop(self.begun.insert(posted.id)),
            Step::Post | Step::Void | Step::Expire => {
                if !self.begun.remove(&posted.id) {
                    self.ended.insert(posted.id);
                }
            }
        }
        Ok(())
    }

    /// Adds the sums of a closed account to those of its asset and kind. No later account has the
    /// id of a closed one.
    fn close(&mut self, store: &Store, entry: Entry) -> Result<(), StoreError> {
        let Row { credits, debits, .. } = *self.row(store, entry.debit)?;
        self.rows.remove(&entry.debit);
        self.closed.insert(entry.debit);
        let sums = self.row(store, entry.credit)?;
        sums.credits += credits;
        sums.debits += debits;
        Ok(())
    }

    fn row(&mut self, store: &Store, account: AccountId) -> Result<&mut Row, StoreError> {
        use std::collections::hash_map::Entry::{Occupied, Vacant};
        Ok(match self.rows.entry(account) {
            Occupied(row) => row.into_mut(),
            Vacant(place) => place.insert(checkpoint::base_row(store, account)?),
        })
    }
}
