//! The books without a journal: each batch changes balances in sled. No node runs on it; it is
//! there to be measured against, behind the same [`BatchWriter`].

use std::{
    collections::{BTreeSet, HashMap},
    fmt,
    fs::File,
    io,
    path::Path,
};

use ilp_connector::account::{AccountId, AccountKind};
use sled::{Batch, Db};

use super::writer::BatchWriter;
use crate::{
    error::StoreError,
    journal::posted::{Entry, Posted, Queued},
    ledger::books::operator_transfer::OperatorTransfer,
};

#[derive(Clone, Copy, Default)]
struct Sums {
    credits: u128,
    debits: u128,
}

/// Balances in a tree of sled, written anew with every batch.
pub struct PlainBooks {
    db: Db,
    /// sled's own file: its flush doesn't survive a loss of power by itself.
    file: File,
    balances: HashMap<AccountId, Sums>,
}

impl PlainBooks {
    /// Makes empty books in a directory of their own.
    ///
    /// # Errors
    /// When the directory can't be written.
    pub fn new(dir: &Path) -> Result<Self, StoreError> {
        let db = sled::open(dir).map_err(StoreError::write)?;
        let file = File::options().read(true).write(true).open(dir.join("db"));
        let file = file.map_err(StoreError::write)?;
        Ok(Self { db, file, balances: HashMap::new() })
    }

    fn apply(&mut self, posted: &Posted) -> io::Result<()> {
        for Entry { debit, credit, amount } in posted.entries() {
            self.balances.entry(*credit).or_default().credits += u128::from(*amount);
            self.balances.entry(*debit).or_default().debits += u128::from(*amount);
        }
        for Entry { debit, .. } in posted.entries() {
            let sums = self.balances[debit];
            if debit.kind != AccountKind::Settlement && sums.debits > sums.credits {
                return Err(io::Error::other(format!("{debit:?} would be below zero")));
            }
        }
        Ok(())
    }
}

impl BatchWriter for PlainBooks {
    fn write(&mut self, batch: &[Queued]) -> io::Result<()> {
        let mut changes = Batch::default();
        let mut touched = BTreeSet::new();
        for posted in batch.iter().flat_map(Queued::transfers) {
            self.apply(posted)?;
            touched.extend(posted.entries().flat_map(|entry| [entry.debit, entry.credit]));
            if let Some(created_at_ms) = posted.created_at_ms {
                let transfer = OperatorTransfer::first(posted, created_at_ms);
                changes.insert(posted.id.as_bytes(), transfer.encode());
            }
        }
        for account in touched {
            let mut key = vec![account.kind.to_byte()];
            key.extend_from_slice(account.owner.as_bytes());
            let Sums { credits, debits } = self.balances[&account];
            changes.insert(key, [credits.to_be_bytes(), debits.to_be_bytes()].concat());
        }
        self.db.apply_batch(changes)?;
        self.db.flush()?;
        self.file.sync_data()
    }
}

impl fmt::Debug for PlainBooks {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("PlainBooks").finish_non_exhaustive()
    }
}
