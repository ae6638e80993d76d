//! The live accounts, by their ids.

use std::{collections::HashMap, sync::Arc};

use foldhash::fast::RandomState;
use ilp_connector::account::{Account, AccountId, Balance, Total};
use parking_lot::RwLock;

use super::state::{Row, State};

/// The live accounts: every account that was asked for, and all that are on the disk except closed
/// ones. They are looked up when peers, assets and payments are loaded or made, never for a packet.
///
/// A closed account stays here until a checkpoint has it, so it is always found in one of the two
/// places.
pub(crate) struct Accounts {
    live: RwLock<HashMap<AccountId, Arc<Account>, RandomState>>,
}

impl Accounts {
    /// Makes the accounts of the books, with nothing on hold yet.
    pub(crate) fn new(state: &State) -> Self {
        let open = state.rows().map(|row| Account::new(row.account, row.balance()));
        let closed = state.closed().values().map(|row| Account::closed(row.account, row.balance()));
        let live = open.chain(closed).map(|account| (account.id(), Arc::new(account))).collect();
        Self { live: RwLock::new(live) }
    }

    pub(crate) fn get(&self, id: AccountId) -> Option<Arc<Account>> {
        self.live.read().get(&id).cloned()
    }

    /// Returns the account of this id, and makes an empty one where there is none.
    pub(crate) fn get_or_empty(&self, id: AccountId) -> Arc<Account> {
        let mut live = self.live.write();
        Arc::clone(live.entry(id).or_insert_with(|| Arc::new(Account::empty(id))))
    }

    /// Removes accounts, on which nothing more happens.
    pub(crate) fn forget(&self, ids: impl Iterator<Item = AccountId>) {
        let mut live = self.live.write();
        ids.for_each(|id| drop(live.remove(&id)));
    }

    /// Returns the totals of the open accounts, each read at a moment of its own.
    pub(crate) fn totals(&self) -> Vec<(AccountId, Total)> {
        let live = self.live.read();
        let open = live.iter().filter(|(_, account)| !account.is_closed());
        open.map(|(id, account)| (*id, Total::of_only_part(account.own_part()))).collect()
    }
}

impl Row {
    /// Returns the account's balance, with nothing on hold.
    pub(in crate::ledger) fn balance(&self) -> Balance {
        Balance { credits: self.credits, debits: self.debits, debits_pending: 0 }
    }
}
