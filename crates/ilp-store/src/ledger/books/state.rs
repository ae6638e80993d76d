//! The books as of the journal's end: what each entry does to them, whether it comes from the
//! queue or from the disk.
//!
//! The live accounts run ahead of this, since they already show what isn't durable yet.

use std::collections::HashMap;

use foldhash::fast::RandomState;
use ilp_connector::{
    account::{AccountId, AccountKind},
    ledger::TransferKind,
};
use uuid::Uuid;

use super::{
    operator_transfer::{OperatorTransfer, TransferState},
    slots::{Slot, SlotIndex, Slots},
    threshold::Crossings,
};
use crate::journal::{
    Place, Pointers, Position,
    posted::{Entry, Posted, Step},
};

/// One account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Row {
    pub(crate) account: AccountId,
    pub(crate) credits: u128,
    pub(crate) debits: u128,
    /// Set aside by withdrawals that have begun.
    pub(crate) pending: u128,
    /// The position of the last transfer of the account; zero for none.
    pub(crate) head: u64,
}

impl Row {
    pub(crate) fn empty(account: AccountId) -> Self {
        Self { account, credits: 0, debits: 0, pending: 0, head: 0 }
    }

    pub(crate) fn is_below_zero(&self) -> bool {
        // In this order it can't overflow before it is too late: both are sums of what was.
        self.account.kind != AccountKind::Settlement && self.debits + self.pending > self.credits
    }

    fn available(&self) -> u128 {
        self.credits.saturating_sub(self.debits).saturating_sub(self.pending)
    }
}

/// The threshold of an account, and the event that is told when the account falls to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Threshold {
    pub(crate) amount: u64,
    /// Only what comes after this transfer counts.
    pub(crate) since: u64,
}

/// An account fell to its threshold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Crossing {
    pub(crate) account: AccountId,
    /// Which of the transfer's accounts it is: 0 and 1 pay and are paid by the first leg, 2 and 3 by
    /// the second.
    pub(crate) place: u8,
    pub(crate) threshold: u64,
    /// The amount that the account had available then, in its asset's smallest unit.
    pub(crate) available: u128,
    /// The transfer that did it.
    pub(crate) sequence: u64,
    pub(crate) time_ms: u64,
}

/// All of it. See the module.
#[derive(Default)]
pub(crate) struct State {
    index: HashMap<AccountId, SlotIndex, RandomState>,
    slots: Slots,
    /// The slots of closed accounts.
    vacant: Vec<SlotIndex>,
    /// Which slots changed since the last checkpoint.
    changed: Vec<SlotIndex>,
    /// The last rows of accounts that were closed since the last checkpoint; see
    /// [`State::forget_closed`].
    closed: HashMap<AccountId, Row, RandomState>,
    /// Operators' transfers that changed since the last checkpoint.
    changed_transfers: HashMap<Uuid, OperatorTransfer>,
    pub(crate) pending: HashMap<Uuid, OperatorTransfer>,
    pub(crate) crossings: Crossings,
    /// The last entry.
    pub(crate) sequence: u64,
    /// How many steps of transfers there were, ever.
    pub(crate) transfers: u64,
    /// When the last page was written.
    pub(crate) time_ms: u64,
}

impl State {
    /// Returns the row of an account that has one.
    pub(crate) fn row(&self, account: AccountId) -> Option<&Row> {
        self.index.get(&account).map(|slot| &self.slots[*slot].row)
    }

    pub(crate) fn rows(&self) -> impl Iterator<Item = &Row> {
        self.slots.iter().filter(|slot| !slot.vacant).map(|slot| &slot.row)
    }

    /// Sets a row, while the books are being loaded.
    pub(crate) fn load(&mut self, row: Row) {
        let slot = self.slot(row.account);
        self.slots[slot].row = row;
    }

    /// Sets or removes a threshold. Returns the available amount where the new threshold makes the
    /// account low and the old one didn't, or was lower than the new one.
    pub(crate) fn set_threshold(
        &mut self,
        account: AccountId,
        threshold: Option<Threshold>,
    ) -> Option<u128> {
        let made_low = self.made_low_by(account, threshold);
        let slot = self.slot(account);
        let slot = &mut self.slots[slot];
        slot.threshold = threshold;
        let available = slot.row.available();
        slot.low = threshold.is_some_and(|set| available <= u128::from(set.amount));
        made_low
    }

    /// Returns the available amount where a new threshold would make the account low and the present
    /// one doesn't, or is lower than the new one.
    pub(crate) fn made_low_by(
        &self,
        account: AccountId,
        threshold: Option<Threshold>,
    ) -> Option<u128> {
        let slot = self.index.get(&account).map(|at| &self.slots[*at]);
        let available = slot.map_or(0, |slot| slot.row.available());
        let was_low_at = slot.and_then(|slot| slot.threshold.filter(|_| slot.low));
        let amount = threshold.map(|set| set.amount);
        let is_low = amount.is_some_and(|amount| available <= u128::from(amount));
        (is_low && amount > was_low_at.map(|set| set.amount)).then_some(available)
    }

    pub(crate) fn threshold(&self, account: AccountId) -> Option<Threshold> {
        self.index.get(&account).and_then(|slot| self.slots[*slot].threshold)
    }

    /// Does what an entry says, and returns where its accounts were last heard of.
    ///
    /// # Errors
    /// What is impossible about it: an account below zero, or a withdrawal that isn't pending.
    /// The state is of no use then.
    pub(crate) fn apply(
        &mut self,
        posted: &Posted,
        position: Position,
        time_ms: u64,
    ) -> Result<Pointers, String> {
        self.sequence = posted.sequence;
        self.transfers += 1;
        self.time_ms = time_ms;
        let pointers = match posted.step {
            Step::Move => self.book(posted, position),
            Step::Begin => self.begin(posted, position)?,
            Step::Post | Step::Void | Step::Expire => self.end(posted)?,
            Step::Close => {
                self.close(posted.first)?;
                return Ok(Pointers::default());
            }
        };
        if posted.kind != TransferKind::Packet && posted.step == Step::Move {
            let transfer = OperatorTransfer::first(posted, time_ms);
            self.changed_transfers.insert(posted.id, transfer);
        }
        self.settle(posted)?;
        Ok(pointers)
    }

    /// Counts the change of a record, which does nothing to the books.
    pub(crate) fn note_record(&mut self, sequence: u64, time_ms: u64) {
        self.sequence = sequence;
        self.time_ms = time_ms;
    }

    fn book(&mut self, posted: &Posted, position: Position) -> Pointers {
        let mut pointers = Pointers::default();
        for (Entry { debit, credit, amount }, pointers) in posted.entries().zip(&mut pointers.0) {
            let (debit, credit) = (self.slot(*debit), self.slot(*credit));
            *pointers = [debit, credit].map(|slot| self.slots[slot].row.head);
            self.slots[debit].row.debits += u128::from(*amount);
            self.slots[credit].row.credits += u128::from(*amount);
        }
        self.chain(posted, position);
        pointers
    }

    fn begin(&mut self, posted: &Posted, position: Position) -> Result<Pointers, String> {
        let Entry { debit, credit, amount } = posted.first;
        let (debit, credit) = (self.slot(debit), self.slot(credit));
        let mut pointers = Pointers::default();
        pointers.0[0] = [debit, credit].map(|slot| self.slots[slot].row.head);
        self.slots[debit].row.pending += u128::from(amount);
        let transfer = OperatorTransfer::first(posted, self.time_ms);
        if self.pending.insert(posted.id, transfer).is_some() {
            return Err(format!("withdrawal {} begins twice", posted.id));
        }
        self.changed_transfers.insert(posted.id, transfer);
        self.chain(posted, position);
        Ok(pointers)
    }

    fn end(&mut self, posted: &Posted) -> Result<Pointers, String> {
        let Entry { debit, credit, amount } = posted.first;
        let begun = self.pending.remove(&posted.id);
        let Some(begun) = begun
            .filter(|begun| (begun.debit, begun.credit, begun.amount) == (debit, credit, amount))
        else {
            return Err(format!("withdrawal {} ends and had not begun like this", posted.id));
        };
        let (debit, credit) = (self.slot(debit), self.slot(credit));
        let amount = u128::from(amount);
        let paying = &mut self.slots[debit].row;
        let left = paying.pending.checked_sub(amount);
        paying.pending = left.ok_or_else(|| format!("withdrawal {} isn't on hold", posted.id))?;
        let state = TransferState::after(posted.step);
        if state == TransferState::Posted {
            paying.debits += amount;
            self.slots[credit].row.credits += amount;
        }
        self.changed_transfers.insert(posted.id, OperatorTransfer { state, ..begun });
        Ok(Pointers::default())
    }

    /// Adds the sums of an empty account to those of another, and removes it. This is one step, so
    /// that no checkpoint and no replay has the sums twice or not at all.
    fn close(
        &mut self,
        Entry { debit: account, credit: into, amount }: Entry,
    ) -> Result<(), String> {
        let at = self.index.get(&account).copied();
        let at = at.ok_or_else(|| format!("{account:?} is closed and isn't there"))?;
        let row = self.slots[at].row;
        if row.credits != row.debits || row.pending > 0 || amount > 0 {
            return Err(format!("{account:?} is closed and isn't empty: {row:?}"));
        }
        let sums = self.slot(into);
        self.slots[sums].row.credits += row.credits;
        self.slots[sums].row.debits += row.debits;
        self.note_change(sums);
        self.index.remove(&account);
        // An entry for this slot that is still in the list of changes is skipped.
        let empty = Row::empty(account);
        self.slots[at] =
            Slot { row: empty, vacant: true, threshold: None, low: false, changed: false };
        self.vacant.push(at);
        self.closed.insert(account, row);
        Ok(())
    }

    fn note_change(&mut self, at: SlotIndex) {
        if !self.slots[at].changed {
            self.slots[at].changed = true;
            self.changed.push(at);
        }
    }

    /// Makes the entry the head of its accounts' chains, once all of them have been asked for.
    fn chain(&mut self, posted: &Posted, position: Position) {
        for entry in posted.entries() {
            for account in [entry.debit, entry.credit] {
                let slot = self.slot(account);
                self.slots[slot].row.head = position.to_u64();
            }
        }
    }

    /// Looks at the accounts of an entry once it is done with them.
    fn settle(&mut self, posted: &Posted) -> Result<(), String> {
        for (entry, places) in posted.entries().zip([[0, 1], [2, 3]]) {
            for (account, place) in [entry.debit, entry.credit].into_iter().zip(places) {
                let at = self.slot(account);
                self.note_change(at);
                let slot = &mut self.slots[at];
                if slot.row.is_below_zero() {
                    return Err(format!("{account:?} would be below zero: {:?}", slot.row));
                }
                if let Some(threshold) = slot.threshold {
                    let available = slot.row.available();
                    let low = available <= u128::from(threshold.amount);
                    if low && !slot.low && posted.sequence > threshold.since {
                        self.crossings.add(Crossing {
                            account,
                            place,
                            threshold: threshold.amount,
                            available,
                            sequence: posted.sequence,
                            time_ms: self.time_ms,
                        });
                    }
                    slot.low = low;
                }
            }
        }
        Ok(())
    }

    fn slot(&mut self, account: AccountId) -> SlotIndex {
        *self.index.entry(account).or_insert_with(|| {
            let row = Row::empty(account);
            let slot = Slot { row, vacant: false, threshold: None, low: false, changed: false };
            if let Some(at) = self.vacant.pop() {
                self.slots[at] = slot;
                return at;
            }
            self.slots.add(slot)
        })
    }

    /// Returns whether anything changed since the last checkpoint.
    pub(crate) fn has_changed(&self) -> bool {
        !self.changed.is_empty() || !self.changed_transfers.is_empty()
    }

    /// Returns the last rows of the accounts that were closed since the last checkpoint.
    pub(crate) fn closed(&self) -> &HashMap<AccountId, Row, RandomState> {
        &self.closed
    }

    /// Removes the rows of closed accounts that a checkpoint has.
    pub(crate) fn forget_closed(&mut self, rows: &[Row]) {
        for row in rows {
            self.closed.remove(&row.account);
        }
    }

    /// Returns all transfers that changed since the last checkpoint, of which there are as many as
    /// operators made.
    pub(crate) fn changed_transfers(&self) -> &HashMap<Uuid, OperatorTransfer> {
        &self.changed_transfers
    }

    /// Takes the changes since the last call.
    pub(crate) fn take_changes(&mut self, place: Place) -> Changes {
        let changed = std::mem::take(&mut self.changed);
        let mut rows = Vec::with_capacity(changed.len());
        for slot in changed {
            // The list may name the slot of an account that was closed since, or name a reused slot
            // twice.
            if std::mem::take(&mut self.slots[slot].changed) {
                rows.push(self.slots[slot].row);
            }
        }
        let transfers = std::mem::take(&mut self.changed_transfers).into_values().collect();
        // Closed rows stay until they are written, so that a look-up always finds them in one of
        // the two places.
        let closed = self.closed.values().copied().collect();
        Changes {
            rows,
            closed,
            transfers,
            count: self.transfers,
            place,
            sequence: self.sequence,
            time_ms: self.time_ms,
        }
    }
}

/// The content of a checkpoint.
pub(crate) struct Changes {
    pub(crate) rows: Vec<Row>,
    /// The last rows of closed accounts.
    pub(crate) closed: Vec<Row>,
    pub(crate) transfers: Vec<OperatorTransfer>,
    /// How many steps of transfers there were, ever.
    pub(crate) count: u64,
    pub(crate) place: Place,
    pub(crate) sequence: u64,
    pub(crate) time_ms: u64,
}
