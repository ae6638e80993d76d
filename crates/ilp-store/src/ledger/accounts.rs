//! The live accounts, by their ids.

use std::{collections::HashMap, sync::Arc};

use foldhash::fast::RandomState;
use ilp_connector::account::{Account, AccountId, Balance};
use parking_lot::RwLock;

use super::state::{Row, State};

/// Every account that was asked for, and all that are on the disk but those that are closed. Looked
/// up when peers, assets and payments are loaded or made, never for a packet.
///
/// A closed account stays here until a checkpoint has it, so it is found here or there.
pub(crate) struct Accounts {
    live: RwLock<HashMap<AccountId, Arc<Account>, RandomState>>,
}

impl Accounts {
    /// The accounts as the books have them, with nothing on hold yet.
    pub(crate) fn new(state: &State) -> Self {
        let open = state.rows().map(|row| Account::new(row.account, row.balance()));
        let closed = state.closed().values().map(|row| Account::closed(row.account, row.balance()));
        let live = open.chain(closed).map(|account| (account.id(), Arc::new(account))).collect();
        Self { live: RwLock::new(live) }
    }

    pub(crate) fn get(&self, id: AccountId) -> Option<Arc<Account>> {
        self.live.read().get(&id).cloned()
    }

    /// The account of this id; an empty one is made where there is none.
    pub(crate) fn get_or_empty(&self, id: AccountId) -> Arc<Account> {
        let mut live = self.live.write();
        Arc::clone(live.entry(id).or_insert_with(|| Arc::new(Account::empty(id))))
    }

    /// Removes accounts. Nothing more happens on them.
    pub(crate) fn forget(&self, ids: impl Iterator<Item = AccountId>) {
        let mut live = self.live.write();
        ids.for_each(|id| drop(live.remove(&id)));
    }

    /// The open accounts as each is at its own moment.
    pub(crate) fn balances(&self) -> Vec<(AccountId, Balance)> {
        let live = self.live.read();
        let open = live.iter().filter(|(_, account)| !account.is_closed());
        open.map(|(id, account)| (*id, account.balance())).collect()
    }
}

impl Row {
    /// What the account has seen, with nothing on hold.
    pub(super) fn balance(&self) -> Balance {
        Balance { credits: self.credits, debits: self.debits, debits_pending: 0 }
    }
}
