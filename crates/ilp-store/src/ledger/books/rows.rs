//! The balances in the index.
//!
//! A key's first byte is its kind, above those of records. 0x80 leads to how many steps of transfers
//! there were, ever (u64). 0x81 and an account (one byte of kind, 16 of
//! owner) lead to its credits, debits and pending debits (u128 each) and the position of its last
//! transfer (u64), all big-endian. 0x82 and an id lead to an operator's transfer as JSON; 0x86 and an
//! id mark a pending one. 0x88 and an account lead to a closed account's last row, in the form of
//! 0x81; its sums are also in the row of its asset and kind, and no start reads it.

use std::ops::Bound;

use ilp_connector::account::{AccountId, AccountKind};
use sled::IVec;
use uuid::Uuid;

use super::{
    operator_transfer::{OperatorTransfer, TransferState},
    state::{Changes, Row, State},
};
use crate::{
    error::StoreError,
    index::{Index, IndexChanges, keyspace::prefix},
    journal::Fields,
    records::forms::keys::{Kind, hexadecimal, id_of},
    store::Store,
};

pub(crate) const COUNT: [u8; 1] = [0x80];
pub(crate) const ROW: u8 = 0x81;
pub(crate) const TRANSFER: u8 = 0x82;
pub(crate) const PENDING: u8 = 0x86;
pub(crate) const CLOSED: u8 = 0x88;

/// Adds what changed in the books to the changes of records. The row of a closed account goes when
/// the record of its payment does.
pub(crate) fn add_to(records: &mut IndexChanges, changes: &Changes) {
    records.insert(COUNT.to_vec(), Some(changes.count.to_be_bytes().as_slice().into()));
    for row in &changes.rows {
        records.insert(row_key(ROW, row.account), Some(row_value(row).into()));
    }
    for row in &changes.closed {
        records.insert(row_key(ROW, row.account), None);
        records.insert(row_key(CLOSED, row.account), Some(row_value(row).into()));
    }
    for transfer in &changes.transfers {
        records.insert(id_key(TRANSFER, transfer.id), Some(transfer.encode().into()));
        let pending = (transfer.state == TransferState::Pending).then(IVec::default);
        records.insert(id_key(PENDING, transfer.id), pending);
    }
    let owners = [
        (Kind::IncomingPayment, AccountKind::IncomingPayment),
        (Kind::OutgoingPayment, AccountKind::OutgoingPayment),
    ];
    for (record, kind) in owners {
        let removed = records.range(vec![record.byte()]..vec![record.byte() + 1]);
        let removed = removed.filter(|(_, value)| value.is_none());
        let owners = removed.filter_map(|(key, _)| id_of(key));
        let accounts: Vec<_> = owners.map(|owner| AccountId { kind, owner }).collect();
        for account in accounts {
            records.insert(row_key(CLOSED, account), None);
        }
    }
}

/// Reads the books from the index.
///
/// # Errors
/// When a row can't be read.
pub(crate) fn load(index: &Index) -> Result<State, StoreError> {
    let mut state = State::default();
    for (key, value) in entries(index, ROW)? {
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
    for (key, _) in entries(index, PENDING)? {
        let missing = || broken(&key, "what it stands for isn't there".to_owned());
        let id = id_of(&key).ok_or_else(missing)?;
        let begun = transfer_in(index, id)?.ok_or_else(missing)?;
        state.pending.insert(id, OperatorTransfer { state: TransferState::Pending, ..begun });
    }
    if let Some(count) = index.get(&COUNT)? {
        let broken = || broken(&COUNT, "it isn't a number of 8 bytes".to_owned());
        state.transfers = Fields::new(&count).u64().ok_or_else(broken)?;
    }
    if let Some(position) = index.position() {
        state.sequence = position.place.next_sequence - 1;
        state.time_ms = position.time_ms;
    }
    Ok(state)
}

fn entries(index: &Index, kind: u8) -> Result<Vec<(IVec, IVec)>, StoreError> {
    let (low, high) = prefix(&[kind]);
    let bounds = (low.as_ref().map(Vec::as_slice), high.as_ref().map(Vec::as_slice));
    let bounds: (Bound<&[u8]>, Bound<&[u8]>) = bounds;
    let mut found = Vec::new();
    index.visit(bounds, false, |key, value| {
        found.push((key, value));
        true
    })?;
    Ok(found)
}

/// Returns the last row of a closed account, as the index has it.
///
/// # Errors
/// When the row can't be read.
pub(crate) fn closed(store: &Store, account: AccountId) -> Result<Option<Row>, StoreError> {
    let key = row_key(CLOSED, account);
    let value = store.inner.keyspace.index.get(&key)?;
    value
        .map(|value| {
            row_from(&key, &value).ok_or_else(|| broken(&key, "it isn't 56 bytes".to_owned()))
        })
        .transpose()
}

/// Returns the operator's transfer of this id, as the index has it.
///
/// # Errors
/// When the transfer can't be read.
pub(crate) fn transfer(store: &Store, id: Uuid) -> Result<Option<OperatorTransfer>, StoreError> {
    transfer_in(&store.inner.keyspace.index, id)
}

fn transfer_in(index: &Index, id: Uuid) -> Result<Option<OperatorTransfer>, StoreError> {
    let key = id_key(TRANSFER, id);
    let value = index.get(&key)?;
    value
        .map(|bytes| OperatorTransfer::decode(id, &bytes).map_err(|detail| broken(&key, detail)))
        .transpose()
}

pub(crate) fn id_key(kind: u8, id: Uuid) -> Vec<u8> {
    let mut key = vec![kind];
    key.extend_from_slice(id.as_bytes());
    key
}

pub(crate) fn row_key(kind: u8, account: AccountId) -> Vec<u8> {
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

pub(crate) fn row_from(key: &[u8], value: &[u8]) -> Option<Row> {
    let account = Fields::new(key.get(1..)?).account()?;
    let mut fields = Fields::new(value);
    let (credits, debits, pending) = (fields.u128()?, fields.u128()?, fields.u128()?);
    let row = Row { account, credits, debits, pending, head: fields.u64()? };
    fields.is_empty().then_some(row)
}

fn broken(key: &[u8], detail: String) -> StoreError {
    let key = hexadecimal(key);
    StoreError::Record { tree: "balances", key, detail }
}
