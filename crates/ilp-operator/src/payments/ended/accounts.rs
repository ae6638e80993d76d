//! The accounts of ended payments that may be closed.

use std::collections::BTreeSet;

use ilp_connector::account::AccountId;
use parking_lot::Mutex;
use tokio::sync::Notify;
use uuid::Uuid;

/// The most accounts that wait to be closed at once. Further ones are found by the next scan.
const WAITING_MAX: usize = 65_536;

/// The state of the closing and removal of ended payments.
#[derive(Default)]
pub(crate) struct EndedPayments {
    /// Accounts that may be closed.
    waiting: Mutex<BTreeSet<AccountId>>,
    pub(super) came: Notify,
    /// The payment up to which the last removal has looked, so that payments which stay, since
    /// money is left on their accounts, aren't read each time.
    pub(super) looked_up_to: Mutex<Option<Uuid>>,
}

impl EndedPayments {
    /// Queues an account to be closed, if its payment has ended and nothing is left on it.
    pub(crate) fn may_close(&self, account: AccountId) {
        if account.kind.closes_into().is_none() {
            return;
        }
        let mut waiting = self.waiting.lock();
        if waiting.len() < WAITING_MAX {
            waiting.insert(account);
            self.came.notify_one();
        }
    }

    pub(super) fn take(&self) -> BTreeSet<AccountId> {
        std::mem::take(&mut *self.waiting.lock())
    }
}
