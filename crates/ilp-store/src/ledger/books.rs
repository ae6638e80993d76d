//! The books on the disk: the `ledger` tree.
//!
//! A key's first byte is its kind. 1 and an account (one byte of kind, 16 of owner) lead to the
//! account's credits and debits (u128 each) and the sequence of the last transfer on it (u64), all
//! big-endian. 2 and a transfer's id lead to an operator's transfer as JSON. One tree, so that one
//! batch writes both or neither.

use std::{
    collections::{BTreeSet, HashMap},
    io,
    ops::Range,
};

use ilp_connector::{
    account::{AccountId, AccountKind},
    ledger::TransferKind,
};
use serde::{Deserialize, Serialize};
use sled::Batch;
use uuid::Uuid;

use super::{
    queue::{Entry, Posted},
    writer::BatchWriter,
};
use crate::{error::StoreError, keys::hexadecimal, store::Store, stored_form::position_of};

const BALANCE: u8 = 1;
const TRANSFER: u8 = 2;
const CREDITS: Range<usize> = 0..16;
const DEBITS: Range<usize> = 16..32;
const SEQUENCE: Range<usize> = 32..40;
const BALANCE_BYTES: usize = 40;

/// An account as it is on the disk. The live account runs ahead of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct StoredBalance {
    pub(crate) credits: u128,
    pub(crate) debits: u128,
    /// The last transfer that touched the account.
    pub(crate) sequence: u64,
}

/// An operator's deposit or withdrawal, as it is in the books.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OperatorTransfer {
    /// The operator's id for it.
    pub id: Uuid,
    /// A deposit or a withdrawal.
    pub kind: TransferKind,
    /// The account that paid.
    pub debit: AccountId,
    /// The account that was paid.
    pub credit: AccountId,
    /// In the smallest unit of the two accounts' asset.
    pub amount: u64,
    /// Milliseconds since 1970.
    pub created_at_ms: u64,
}

/// Its form on disk. The account kinds and the transfer kind are the numbers of their enums.
#[derive(Serialize, Deserialize)]
struct TransferForm {
    kind: u8,
    debit: (u8, Uuid),
    credit: (u8, Uuid),
    amount: u64,
    created_at_ms: u64,
    sequence: u64,
}

/// The balances on the disk, and the writer that keeps them.
pub(crate) struct Books {
    store: Store,
    balances: HashMap<AccountId, StoredBalance>,
}

impl Books {
    /// Reads all balances.
    pub(crate) fn load(store: &Store) -> Result<Self, StoreError> {
        let mut balances = HashMap::new();
        for entry in store.inner.ledger.scan_prefix([BALANCE]) {
            let (key, value) = entry.map_err(StoreError::read)?;
            let (account, balance) = balance_from(&key, &value).ok_or_else(|| {
                broken("ledger/balances", &key, "it isn't 40 bytes under a known kind".to_owned())
            })?;
            balances.insert(account, balance);
        }
        Ok(Self { store: store.clone(), balances })
    }

    /// What was read.
    pub(crate) fn balances(&self) -> &HashMap<AccountId, StoredBalance> {
        &self.balances
    }

    /// The sequence of the last transfer in the books: the last transfer touched some account, and
    /// nothing has touched that one since.
    pub(crate) fn last_sequence(&self) -> u64 {
        self.balances.values().map(|balance| balance.sequence).max().unwrap_or(0)
    }

    /// Moves the money in the map. The writer has a map of its own, applied in the order of the
    /// sequences, since the live accounts already show what isn't durable yet.
    fn apply(&mut self, posted: &Posted) -> io::Result<()> {
        for Entry { debit, credit, amount } in posted.entries() {
            let paid = self.balances.entry(*credit).or_default();
            paid.credits += u128::from(*amount);
            paid.sequence = posted.sequence;
            let paying = self.balances.entry(*debit).or_default();
            paying.debits += u128::from(*amount);
            paying.sequence = posted.sequence;
        }
        for Entry { debit, .. } in posted.entries() {
            let balance = self.balances[debit];
            if debit.kind != AccountKind::Settlement && balance.debits > balance.credits {
                return Err(io::Error::other(format!(
                    "transfer {} would take {debit:?} below zero on the disk",
                    posted.sequence
                )));
            }
        }
        Ok(())
    }
}

impl BatchWriter for Books {
    fn write(&mut self, batch: &[Posted]) -> io::Result<()> {
        let mut changes = Batch::default();
        let mut touched = BTreeSet::new();
        for posted in batch {
            self.apply(posted)?;
            touched.extend(posted.entries().flat_map(|entry| [entry.debit, entry.credit]));
            if let Some(created_at_ms) = posted.created_at_ms {
                changes.insert(transfer_key(posted.id), transfer_value(posted, created_at_ms));
            }
        }
        for account in touched {
            changes.insert(&balance_key(account)[..], &balance_value(&self.balances[&account])[..]);
        }
        let durability = &self.store.inner.durability;
        durability.usable()?;
        let applied = self.store.inner.ledger.apply_batch(changes);
        applied.map_err(|cause| durability.fail(&cause))?;
        let last = batch.last().map_or(0, |posted| posted.sequence);
        Ok(durability.persist_transfers(last)?)
    }
}

/// Whether an operator's transfer of this id is in the books.
pub(crate) fn has_transfer(store: &Store, id: Uuid) -> Result<bool, StoreError> {
    store.inner.ledger.contains_key(transfer_key(id)).map_err(StoreError::read)
}

/// The operator's transfer of this id.
pub(crate) fn transfer(store: &Store, id: Uuid) -> Result<Option<OperatorTransfer>, StoreError> {
    let key = transfer_key(id);
    let value = store.inner.ledger.get(&key).map_err(StoreError::read)?;
    value.map(|bytes| transfer_from(&key, id, &bytes)).transpose()
}

fn balance_key(account: AccountId) -> [u8; 18] {
    let mut key = [0; 18];
    key[0] = BALANCE;
    key[1] = account.kind.to_byte();
    key[2..].copy_from_slice(account.owner.as_bytes());
    key
}

fn balance_value(balance: &StoredBalance) -> [u8; BALANCE_BYTES] {
    let mut value = [0; BALANCE_BYTES];
    value[CREDITS].copy_from_slice(&balance.credits.to_be_bytes());
    value[DEBITS].copy_from_slice(&balance.debits.to_be_bytes());
    value[SEQUENCE].copy_from_slice(&balance.sequence.to_be_bytes());
    value
}

fn balance_from(key: &[u8], value: &[u8]) -> Option<(AccountId, StoredBalance)> {
    let kind = AccountKind::from_byte(*key.get(1)?)?;
    let owner = Uuid::from_slice(key.get(2..)?).ok()?;
    if value.len() != BALANCE_BYTES {
        return None;
    }
    let balance = StoredBalance {
        credits: u128::from_be_bytes(value[CREDITS].try_into().ok()?),
        debits: u128::from_be_bytes(value[DEBITS].try_into().ok()?),
        sequence: u64::from_be_bytes(value[SEQUENCE].try_into().ok()?),
    };
    Some((AccountId { kind, owner }, balance))
}

fn transfer_key(id: Uuid) -> Vec<u8> {
    let mut key = vec![TRANSFER];
    key.extend_from_slice(id.as_bytes());
    key
}

fn transfer_value(posted: &Posted, created_at_ms: u64) -> Vec<u8> {
    let account = |id: AccountId| (id.kind.to_byte(), id.owner);
    let form = TransferForm {
        kind: posted.kind as u8,
        debit: account(posted.first.debit),
        credit: account(posted.first.credit),
        amount: posted.first.amount,
        created_at_ms,
        sequence: posted.sequence,
    };
    serde_json::to_vec(&form).expect("a struct of integers and ids becomes JSON")
}

fn transfer_from(key: &[u8], id: Uuid, bytes: &[u8]) -> Result<OperatorTransfer, StoreError> {
    let unreadable = |detail| broken("ledger/transfers", key, detail);
    let form: TransferForm =
        serde_json::from_slice(bytes).map_err(|cause| unreadable(position_of(&cause)))?;
    let unknown = || unreadable("a kind of transfer or account isn't known".to_owned());
    let account = |(kind, owner): (u8, Uuid)| {
        AccountKind::from_byte(kind).map(|kind| AccountId { kind, owner }).ok_or_else(unknown)
    };
    let kind = [TransferKind::Deposit, TransferKind::Withdrawal]
        .into_iter()
        .find(|kind| *kind as u8 == form.kind)
        .ok_or_else(unknown)?;
    Ok(OperatorTransfer {
        id,
        kind,
        debit: account(form.debit)?,
        credit: account(form.credit)?,
        amount: form.amount,
        created_at_ms: form.created_at_ms,
    })
}

fn broken(tree: &'static str, key: &[u8], detail: String) -> StoreError {
    StoreError::Record { tree, key: hexadecimal(key.get(1..).unwrap_or_default()), detail }
}
