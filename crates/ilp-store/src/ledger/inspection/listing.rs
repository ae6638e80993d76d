//! Lists an account's transfers, newest first, by following the pointers in the journal.
//!
//! A listing costs what its rows cost, however long the journal is. The steps that end a
//! withdrawal are no rows of their own: they show as the state of the row with which it began.

use ilp_connector::{account::AccountId, ledger::TransferKind};
use uuid::Uuid;

use crate::{
    error::StoreError,
    journal::{
        Pointers, Position, Reader,
        posted::{Entry, Posted, Step},
    },
    ledger::{DurableLedger, books::operator_transfer::TransferState},
};

/// One movement on an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TransferRow {
    /// The operator's id, or the first 16 bytes of a packet's execution condition.
    pub id: Uuid,
    /// Why the money moves.
    pub kind: TransferKind,
    /// How far it has come.
    pub state: TransferState,
    /// The account that pays.
    pub debit: AccountId,
    /// The account that is paid.
    pub credit: AccountId,
    /// In the smallest unit of the two accounts' asset.
    pub amount: u64,
    /// Milliseconds since 1970.
    pub created_at_ms: u64,
    /// For a withdrawal of two phases, when it expires or would have; milliseconds since 1970.
    pub expires_at_ms: Option<u64>,
    /// Where to go on from: the cursor of this row.
    pub position: Position,
}

/// The continuation of a listing after its last row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Older {
    /// More rows.
    More,
    /// Nothing: the account has no older transfer.
    Nothing,
    /// Older transfers, whose segments were removed. The account's balance still counts them.
    Gone,
}

/// Part of an account's transfers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TransferList {
    /// Newest first.
    pub rows: Vec<TransferRow>,
    /// The continuation after these rows.
    pub older: Older,
}

impl DurableLedger {
    /// The account's newest transfers, or those before the row of a position, that are durable. At
    /// most `limit`, but for a transfer with both legs on the account, which counts once and has
    /// two rows. A withdrawal whose time went by shows as pending until
    /// [`DurableLedger::expire_due`] has been called.
    ///
    /// # Errors
    /// When the journal can't be read, or `before` is no position of a transfer of the account.
    pub fn transfers(
        &self,
        account: AccountId,
        before: Option<Position>,
        limit: usize,
    ) -> Result<TransferList, StoreError> {
        let mut reader = Reader::new(&self.keeper.directory);
        let mut rows = Vec::new();
        let mut next = match before {
            None => self.head(account)?,
            Some(position) => match reader.entry(position)? {
                Some((posted, pointers)) => previous(account, &posted, &pointers),
                None => return Ok(TransferList { rows, older: Older::Gone }),
            },
        };
        let mut transfers = 0;
        while next != 0 {
            if transfers == limit {
                return Ok(TransferList { rows, older: self.is_there(next, &mut reader)? });
            }
            let position = Position::from_u64(next);
            let Some((posted, pointers)) = reader.entry(position)? else {
                return Ok(TransferList { rows, older: Older::Gone });
            };
            self.push_rows(account, &posted, position, &mut rows)?;
            next = previous(account, &posted, &pointers);
            transfers += 1;
        }
        Ok(TransferList { rows, older: Older::Nothing })
    }

    fn is_there(&self, position: u64, reader: &mut Reader) -> Result<Older, StoreError> {
        let entry = reader.entry(Position::from_u64(position))?;
        Ok(if entry.is_some() { Older::More } else { Older::Gone })
    }

    fn push_rows(
        &self,
        account: AccountId,
        posted: &Posted,
        position: Position,
        rows: &mut Vec<TransferRow>,
    ) -> Result<(), StoreError> {
        let state = match posted.step {
            // What ended since is in memory, or in the checkpoint.
            Step::Begin => self
                .operator_transfer(posted.id)?
                .map_or(TransferState::Pending, |transfer| transfer.state),
            step => TransferState::after(step),
        };
        for Entry { debit, credit, amount } in posted.entries() {
            if *debit == account || *credit == account {
                rows.push(TransferRow {
                    id: posted.id,
                    kind: posted.kind,
                    state,
                    debit: *debit,
                    credit: *credit,
                    amount: *amount,
                    created_at_ms: posted.created_at_ms.unwrap_or(0),
                    expires_at_ms: posted.expires_at_ms,
                    position,
                });
            }
        }
        Ok(())
    }
}

/// Returns the position of the account's transfer before this one; zero for none.
fn previous(account: AccountId, posted: &Posted, pointers: &Pointers) -> u64 {
    for (entry, [debit, credit]) in posted.entries().zip(&pointers.0) {
        if entry.debit == account {
            return *debit;
        }
        if entry.credit == account {
            return *credit;
        }
    }
    0
}
