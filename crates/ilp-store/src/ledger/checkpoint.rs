//! The checkpoint: the books as of a place in the journal, in the `ledger` tree.
//!
//! A key's first byte is its kind. 1 and an account (one byte of kind, 16 of owner) lead to its
//! credits, debits and pending debits (u128 each) and the position of its last transfer (u64), all
//! big-endian. 2 and an id lead to an operator's transfer as JSON; 6 and an id mark a pending one.
//! 3 leads to the place in the journal. 4, 7 and 5 have the forms of 1, 6 and 3, for the *base*:
//! the books as they were where the oldest kept segment begins. 8 and an account lead to a closed
//! account's last row, in the form of 1; its sums are also in the row of its asset and kind, and no
//! start reads it. All keys are in one tree, so that one batch writes all or nothing.
//! start reads it. One tree, so that one batch writes all or nothing.

use ilp_connector::account::AccountId;
use sled::Batch;
use uuid::Uuid;

use super::{
    operator_transfer::OperatorTransfer,
    operator_transfer::TransferState,
    state::{Changes, Row, State},
};
use crate::{
    error::StoreError,
    journal::{Fields, Place},
    keys::hexadecimal,
    store::Store,
};

const TRANSFER: u8 = 2;
const CLOSED: u8 = 8;

/// Which of the two sets of books.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Which {
    Checkpoint,
    Base,
}

impl Which {
    /// Returns the first bytes of the keys of rows, of the place, and of what is pending.
    fn kinds(self) -> [u8; 3] {
        match self {
            Self::Checkpoint => [1, 3, 6],
            Self::Base => [4, 5, 7],
        }
    }
}

/// Where in which journal books were written down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Meta {
    pub(crate) journal: Uuid,
    pub(crate) place: Place,
    pub(crate) time_ms: u64,
}

impl Meta {
    fn to_bytes(self) -> Vec<u8> {
        let Place { segment, offset, page_offset, link, next_sequence } = self.place;
        let mut bytes = self.journal.as_bytes().to_vec();
        for number in [segment, offset, page_offset, link] {
            bytes.extend_from_slice(&number.to_be_bytes());
        }
        bytes.extend_from_slice(&next_sequence.to_be_bytes());
        bytes.extend_from_slice(&self.time_ms.to_be_bytes());
        bytes
    }

    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let mut fields = Fields::new(bytes);
        let journal = fields.uuid()?;
        let place = Place {
            segment: fields.u32()?,
            offset: fields.u32()?,
            page_offset: fields.u32()?,
            link: fields.u32()?,
            next_sequence: fields.u64()?,
        };
        let meta = Self { journal, place, time_ms: fields.u64()? };
        fields.is_empty().then_some(meta)
    }
}

/// Where books were written down, if they ever were.
///
/// # Errors
/// When it can't be read.
pub(crate) fn meta(store: &Store, which: Which) -> Result<Option<Meta>, StoreError> {
    let key = [which.kinds()[1]];
    let value = store.inner.ledger.get(key).map_err(StoreError::read)?;
    value
        .map(|bytes| {
            Meta::from_bytes(&bytes).ok_or_else(|| broken(&key, "it is no place".to_owned()))
        })
        .transpose()
}

/// Reads books.
///
/// # Errors
/// When a row can't be read.
pub(crate) fn load(store: &Store, which: Which, meta: Option<&Meta>) -> Result<State, StoreError> {
    let [row, _, pending] = which.kinds();
    let mut state = State::default();
    for entry in store.inner.ledger.scan_prefix([row]) {
        let (key, value) = entry.map_err(StoreError::read)?;
        let row = row_from(&key, &value)
            .ok_or_else(|| broken(&key, "it isn't 56 bytes under a known kind".to_owned()))?;
        if row.is_below_zero() {
            let Row { account, credits, debits, pending, .. } = row;
            let detail = format!(
                "{account:?} has credits {credits}, debits {debits} and pending debits {pending}"
            );
            return Err(StoreError::Books { detail });
        }
        state.load(row);
    }
    for entry in store.inner.ledger.scan_prefix([pending]) {
        let (key, _) = entry.map_err(StoreError::read)?;
        let missing = || broken(&key, "what it stands for isn't there".to_owned());
        let id = Uuid::from_slice(&key[1..]).map_err(|_| missing())?;
        let begun = transfer(store, id)?.ok_or_else(missing)?;
        state.pending.insert(id, OperatorTransfer { state: TransferState::Pending, ..begun });
    }
    if let Some(meta) = meta {
        state.sequence = meta.place.next_sequence - 1;
        state.time_ms = meta.time_ms;
    }
    Ok(state)
}

/// Writes what changed since the last checkpoint, durably.
///
/// # Errors
/// When it can't be written.
pub(crate) fn write(store: &Store, journal: Uuid, changes: &Changes) -> Result<(), StoreError> {
    let [row_kind, place_kind, pending_kind] = Which::Checkpoint.kinds();
    let mut batch = Batch::default();
    for row in &changes.rows {
        batch.insert(row_key(row_kind, row.account), row_value(row));
    }
    for row in &changes.closed {
        batch.remove(row_key(row_kind, row.account));
        batch.insert(row_key(CLOSED, row.account), row_value(row));
    }
    for transfer in &changes.transfers {
        batch.insert(id_key(TRANSFER, transfer.id), transfer.encode());
        let pending = id_key(pending_kind, transfer.id);
        if transfer.state == TransferState::Pending {
            batch.insert(pending, vec![]);
        } else {
            batch.remove(pending);
        }
    }
    let meta = Meta { journal, place: changes.place, time_ms: changes.time_ms };
    batch.insert(vec![place_kind], meta.to_bytes());
    apply(store, batch)
}

/// Writes the base anew where `changed` rows and withdrawals differ from it, durably.
///
/// # Errors
/// When it can't be written.
pub(crate) fn write_base(
    store: &Store,
    meta: Meta,
    changed: &[Row],
    closed: &[AccountId],
    begun: &[Uuid],
    ended: &[Uuid],
) -> Result<(), StoreError> {
    let [row_kind, place_kind, pending_kind] = Which::Base.kinds();
    let mut batch = Batch::default();
    for row in changed {
        batch.insert(row_key(row_kind, row.account), row_value(row));
    }
    for account in closed {
        batch.remove(row_key(row_kind, *account));
    }
    for id in begun {
        batch.insert(id_key(pending_kind, *id), vec![]);
    }
    for id in ended {
        batch.remove(id_key(pending_kind, *id));
    }
    batch.insert(vec![place_kind], meta.to_bytes());
    apply(store, batch)
}

/// Returns the row of an account in the base.
///
/// # Errors
/// When it can't be read.
pub(crate) fn base_row(store: &Store, account: AccountId) -> Result<Row, StoreError> {
    let key = row_key(Which::Base.kinds()[0], account);
    let Some(value) = store.inner.ledger.get(&key).map_err(StoreError::read)? else {
        return Ok(Row::empty(account));
    };
    row_from(&key, &value).ok_or_else(|| broken(&key, "it isn't 56 bytes".to_owned()))
}

/// Returns the last row of a closed account, as of the checkpoint.
///
/// # Errors
/// When the row can't be read.
pub(crate) fn closed(store: &Store, account: AccountId) -> Result<Option<Row>, StoreError> {
    let key = row_key(CLOSED, account);
    let value = store.inner.ledger.get(&key).map_err(StoreError::read)?;
    value
        .map(|value| {
            row_from(&key, &value).ok_or_else(|| broken(&key, "it isn't 56 bytes".to_owned()))
        })
        .transpose()
}

/// Removes the rows of closed accounts. The removal is on the disk with the next checkpoint.
///
/// # Errors
/// When the rows can't be removed.
pub(crate) fn forget_closed(store: &Store, accounts: &[AccountId]) -> Result<(), StoreError> {
    let mut batch = Batch::default();
    for account in accounts {
        batch.remove(row_key(CLOSED, *account));
    }
    let durability = &store.inner.durability;
    durability.usable()?;
    store.inner.ledger.apply_batch(batch).map_err(|cause| durability.fail(&cause))
}

/// Returns the operator's transfer of this id, as of the checkpoint.
///
/// # Errors
/// When it can't be read.
pub(crate) fn transfer(store: &Store, id: Uuid) -> Result<Option<OperatorTransfer>, StoreError> {
    let key = id_key(TRANSFER, id);
    let value = store.inner.ledger.get(&key).map_err(StoreError::read)?;
    value
        .map(|bytes| OperatorTransfer::decode(id, &bytes).map_err(|detail| broken(&key, detail)))
        .transpose()
}

fn apply(store: &Store, batch: Batch) -> Result<(), StoreError> {
    let durability = &store.inner.durability;
    durability.usable()?;
    // What was noted of transfers before, such as that a first deposit is booked, is on the disk no
    // later than the checkpoint after which their part of the journal may go.
    store.inner.records.settle().map_err(|cause| durability.fail(&cause))?;
    store.inner.ledger.apply_batch(batch).map_err(|cause| durability.fail(&cause))?;
    durability.persist_ledger()
}

fn id_key(kind: u8, id: Uuid) -> Vec<u8> {
    let mut key = vec![kind];
    key.extend_from_slice(id.as_bytes());
    key
}

fn row_key(kind: u8, account: AccountId) -> Vec<u8> {
    let mut key = vec![kind, account.kind.to_byte()];
    key.extend_from_slice(account.owner.as_bytes());
    key
}

fn row_value(row: &Row) -> Vec<u8> {
    let mut value = Vec::with_capacity(56);
    for sum in [row.credits, row.debits, row.pending] {
        value.extend_from_slice(&sum.to_be_bytes());
    }
    value.extend_from_slice(&row.head.to_be_bytes());
    value
}

fn row_from(key: &[u8], value: &[u8]) -> Option<Row> {
    let account = Fields::new(key.get(1..)?).account()?;
    let mut fields = Fields::new(value);
    let (credits, debits, pending) = (fields.u128()?, fields.u128()?, fields.u128()?);
    let row = Row { account, credits, debits, pending, head: fields.u64()? };
    fields.is_empty().then_some(row)
}

fn broken(key: &[u8], detail: String) -> StoreError {
    let key = hexadecimal(key);
    StoreError::Record { tree: "ledger", key, detail }
}
