//! How the connector moves money: a transfer is held, then posted or voided.
//!
//! The connector sees the books only through [`Ledger`]. Its hold and post are asynchronous, since
//! a ledger may keep its accounts elsewhere; the ledgers here and in `ilp-store` hold and move in
//! memory, answer a hold at once, and make a post wait for the disk alone.

use std::{
    future::{Future, Ready, ready},
    sync::Arc,
};

use uuid::Uuid;

use crate::account::{Account, Insufficient, Overfull, Total};

/// The reason of a transfer. The number is written to disk, so it never changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, strum::FromRepr)]
#[repr(u8)]
pub enum TransferKind {
    /// An ILP packet that was fulfilled, or a payment within the node: a packet that never left it.
    Packet = 1,
    /// An operator's deposit, from settlement.
    Deposit = 2,
    /// An operator's withdrawal, to settlement.
    Withdrawal = 3,
}

impl TransferKind {
    /// The kind whose number on disk is `byte`.
    #[must_use]
    pub fn from_byte(byte: u8) -> Option<Self> {
        Self::from_repr(byte)
    }

    /// The kind's number on disk.
    #[must_use]
    #[expect(clippy::as_conversions, reason = "the number of a variant, which has this type")]
    pub fn to_byte(self) -> u8 {
        self as u8
    }
}

/// One movement from one account to another, both of one asset.
#[derive(Clone, Debug)]
pub struct Leg {
    /// The account that pays.
    pub debit: Arc<Account>,
    /// The account that is paid.
    pub credit: Arc<Account>,
    /// In the smallest unit of the two accounts' asset; never zero.
    pub amount: u64,
}

impl Leg {
    fn reserve(&self) -> Result<(), HoldError> {
        self.debit.reserve(self.amount)?;
        if let Err(overfull) = self.credit.expect(self.amount) {
            self.debit.release(self.amount);
            return Err(overfull.into());
        }
        Ok(())
    }

    fn release(&self) {
        self.debit.release(self.amount);
        self.credit.expect_no_more(self.amount);
    }
}

/// Money that moves as one: both legs or neither.
#[derive(Clone, Debug)]
pub struct Transfer {
    /// The operator's id of a deposit or withdrawal; for a packet, the first 16 bytes of its
    /// execution condition, by which both sides can find it.
    pub id: Uuid,
    /// The reason of the transfer.
    pub kind: TransferKind,
    /// Source peer to destination peer; where two assets meet, source peer to the source asset's
    /// account.
    pub first: Leg,
    /// The leg from the destination asset's account to the destination peer, where two assets meet.
    pub second: Option<Leg>,
}

impl Transfer {
    /// The legs, in the order in which they are held.
    pub fn legs(&self) -> impl Iterator<Item = &Leg> {
        std::iter::once(&self.first).chain(&self.second)
    }
}

/// The reason why a transfer could not be held. Nothing has moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HoldError {
    /// A debited account is short.
    #[error("a debited account is short")]
    Insufficient(#[from] Insufficient),
    /// A credited account would own more than one may.
    #[error("a credited account would own more than one may")]
    Overfull(#[from] Overfull),
    /// The ledger has the maximum number of transfers under way.
    #[error("the ledger has as many transfers under way as it takes")]
    Full,
    /// The ledger has stopped for good, after a failed write or for shutdown.
    #[error("the ledger has stopped")]
    Stopped,
}

/// The ledger stopped before the transfer was durable; whether it will be there after a restart is
/// open, so nothing that follows from it may leave the node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the ledger stopped before the transfer was durable")]
pub struct Stopped;

/// The books, as the connector needs them.
pub trait Ledger: Send + Sync + 'static {
    /// Money on hold. Dropping it voids the hold, so no path, panic included, leaks liquidity.
    type Hold: Send + 'static;

    /// Ready once what was posted is durable. `Unpin`, so that the waiting future can keep it
    /// beside its later state: a packet's future is moved several times, and so is kept small.
    type Posting: Future<Output = Result<(), Stopped>> + Send + Unpin;

    /// Sets the transfer's amounts aside on the debited accounts.
    fn hold(
        &self,
        transfer: Transfer,
    ) -> impl Future<Output = Result<Self::Hold, HoldError>> + Send;

    /// Moves the money for good. That is not undone by dropping what is returned, which only tells
    /// when it is durable.
    fn post(&self, hold: Self::Hold) -> Self::Posting;

    /// Returns the total of an account. A ledger that shares its books with other nodes adds their
    /// parts as it last heard of them.
    fn total_of(&self, account: &Account) -> Total {
        Total::of_only_part(account.own_part())
    }
}

/// Amounts set aside in memory. Voids itself when dropped.
#[must_use = "a hold that is dropped is void"]
#[derive(Debug)]
pub struct Hold {
    /// `None` once posted, so that dropping it does nothing.
    transfer: Option<Transfer>,
}

impl Hold {
    /// Reserves the amount and the room of every leg, or of none.
    ///
    /// # Errors
    /// [`HoldError::Insufficient`] and [`HoldError::Overfull`] name the account that stands in the way.
    pub fn reserve(transfer: Transfer) -> Result<Self, HoldError> {
        transfer.first.reserve()?;
        if let Some(second) = &transfer.second
            && let Err(refused) = second.reserve()
        {
            transfer.first.release();
            return Err(refused);
        }
        Ok(Self { transfer: Some(transfer) })
    }

    /// The transfer that is on hold.
    ///
    /// # Panics
    /// Never: only [`Hold::post`] takes it out, and that consumes the hold.
    #[must_use]
    pub fn transfer(&self) -> &Transfer {
        self.transfer.as_ref().expect("only post takes the transfer, and it consumes the hold")
    }

    /// Moves the money in memory. A ledger that writes a log appends to it before it calls this:
    /// what is credited here can be spent at once, and the spending must come later in the log.
    pub fn post(mut self) {
        if let Some(transfer) = self.transfer.take() {
            for leg in transfer.legs() {
                leg.debit.debit_reserved(leg.amount);
                leg.credit.credit_expected(leg.amount);
            }
        }
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        for leg in self.transfer.iter().flat_map(Transfer::legs) {
            leg.release();
        }
    }
}

/// Books that live and die with the process: for simulations, tests and benchmarks of the core.
#[derive(Clone, Copy, Debug, Default)]
pub struct MemoryLedger;

impl Ledger for MemoryLedger {
    type Hold = Hold;
    type Posting = Ready<Result<(), Stopped>>;

    fn hold(&self, transfer: Transfer) -> impl Future<Output = Result<Hold, HoldError>> + Send {
        ready(Hold::reserve(transfer))
    }

    fn post(&self, hold: Hold) -> Ready<Result<(), Stopped>> {
        hold.post();
        ready(Ok(()))
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use proptest::prelude::*;

    use super::*;
    use crate::account::{AccountId, Balance};

    fn account(credits: u128) -> Arc<Account> {
        let balance = Balance { credits, ..Balance::default() };
        Arc::new(Account::new(AccountId::peer(Uuid::now_v7()), balance))
    }

    fn transfer(debit: &Arc<Account>, credit: &Arc<Account>, amount: u64) -> Transfer {
        let first = Leg { debit: Arc::clone(debit), credit: Arc::clone(credit), amount };
        Transfer { id: Uuid::nil(), kind: TransferKind::Packet, first, second: None }
    }

    #[test]
    fn a_dropped_hold_is_void_even_when_the_thread_panics() {
        let (from, to) = (account(100), account(0));
        let hold = Hold::reserve(transfer(&from, &to, 100)).expect("there is enough");
        assert_eq!(from.own_part().available(), 0);
        let caught = std::panic::catch_unwind(std::panic::AssertUnwindSafe(move || {
            let _held = hold;
            panic!("a bug somewhere between hold and post");
        }));
        assert!(caught.is_err());
        assert_eq!(from.own_part().available(), 100);
        assert_eq!(*to.own_part(), Balance::default());
    }

    #[test]
    fn two_legs_are_held_both_or_neither() {
        let (source, source_asset) = (account(100), account(0));
        let (asset, destination) = (account(40), account(0));
        let two_legs = |amount_in, amount_out| Transfer {
            second: Some(Leg {
                debit: Arc::clone(&asset),
                credit: Arc::clone(&destination),
                amount: amount_out,
            }),
            ..transfer(&source, &source_asset, amount_in)
        };
        let short = Hold::reserve(two_legs(50, 41)).expect_err("the asset has 40");
        let expected = Insufficient { account: asset.id(), available: 40, wanted: 41 };
        assert_eq!(short, HoldError::Insufficient(expected));
        assert_eq!(source.own_part().debits_pending, 0);

        Hold::reserve(two_legs(50, 40)).expect("there is enough").post();
        assert_eq!(source.own_part().available(), 50);
        assert_eq!(source_asset.own_part().available(), 50);
        assert_eq!(asset.own_part().available(), 0);
        assert_eq!(destination.own_part().available(), 40);
    }

    #[test]
    fn forty_threads_at_once_spend_no_more_than_there_is() {
        for _ in 0..100 {
            let (from, to) = (account(100), account(0));
            let fulfilled: usize = thread::scope(|scope| {
                let senders: Vec<_> = (0..40)
                    .map(|_| {
                        scope.spawn(|| match Hold::reserve(transfer(&from, &to, 10)) {
                            Ok(hold) => {
                                hold.post();
                                1
                            }
                            Err(_) => 0,
                        })
                    })
                    .collect();
                senders.into_iter().map(|sender| sender.join().expect("no panic")).sum()
            });
            assert_eq!(fulfilled, 10);
            assert_eq!(from.own_part().available(), 0);
            assert_eq!(to.own_part().available(), 100);
        }
    }

    #[test]
    fn no_account_comes_above_what_one_may_own() {
        let max = u128::from(u64::MAX);
        let (from, to) = (account(max), account(max - 10));
        let first = Hold::reserve(transfer(&from, &to, 7)).expect("there is room for 10");
        let refused = Hold::reserve(transfer(&from, &to, 4)).expect_err("7 may come yet");
        let expected = Overfull { account: to.id(), room: 3, wanted: 4 };
        assert_eq!(refused, HoldError::Overfull(expected));
        assert_eq!(from.own_part().debits_pending, 7, "nothing is on hold for what was refused");
        drop(first);
        Hold::reserve(transfer(&from, &to, 10)).expect("there is room for 10 again").post();
        assert_eq!(to.own_part().total(), max);
        assert!(Hold::reserve(transfer(&from, &to, 1)).is_err());
        Hold::reserve(transfer(&to, &from, 10)).expect("the other has room").post();
        drop(Hold::reserve(transfer(&from, &to, 10)).expect("what it paid has made room"));
        // The second leg's account may be the full one; then the first leg is voided too.
        let second = Leg { debit: Arc::clone(&from), credit: account(max), amount: 1 };
        let two_legs = Transfer { second: Some(second), ..transfer(&from, &to, 1) };
        assert!(matches!(Hold::reserve(two_legs), Err(HoldError::Overfull(_))));
        assert_eq!(from.own_part().debits_pending, 0);
        Hold::reserve(transfer(&from, &to, 10)).expect("all of the room is there").post();
        // Settlement takes any amount.
        let settlement = Arc::new(Account::empty(AccountId::settlement(Uuid::now_v7())));
        for _ in 0..3 {
            Hold::reserve(transfer(&settlement, &account(0), u64::MAX)).expect("no end").post();
            Hold::reserve(transfer(&account(max), &settlement, u64::MAX)).expect("no end").post();
        }
    }

    #[test]
    fn threads_at_once_never_fill_an_account_above_what_it_may_own() {
        for _ in 0..20 {
            let (from, to) = (account(1_000), account(u128::from(u64::MAX) - 100));
            let fulfilled: usize = thread::scope(|scope| {
                let pay = || Hold::reserve(transfer(&from, &to, 9)).map(Hold::post).is_ok();
                let senders: Vec<_> = (0..20).map(|_| scope.spawn(pay)).collect();
                senders.into_iter().map(|it| usize::from(it.join().expect("no panic"))).sum()
            });
            assert_eq!(fulfilled, 11, "eleven times nine is 99");
            assert_eq!(to.own_part().total(), u128::from(u64::MAX) - 1);
        }
    }

    #[derive(Clone, Debug)]
    enum Step {
        Hold { from: usize, to: usize, amount: u64 },
        Post(usize),
        Void(usize),
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            (0..3usize, 0..3usize, 1..2_000u64).prop_map(|(from, to, amount)| Step::Hold {
                from,
                to,
                amount
            }),
            (0..8usize).prop_map(Step::Post),
            (0..8usize).prop_map(Step::Void),
        ]
    }

    proptest! {
        /// Against a model that keeps plain integers: available and pending of three accounts.
        #[test]
        fn hold_post_and_void_agree_with_a_naive_model(
            steps in prop::collection::vec(step(), 0..200),
        ) {
            let accounts = [account(1_000), account(500), account(0)];
            let mut available = [1_000i128, 500, 0];
            let mut pending = [0i128; 3];
            let mut holds = Vec::new();
            for step in steps {
                match step {
                    Step::Hold { from, to, amount } => {
                        let held = Hold::reserve(transfer(&accounts[from], &accounts[to], amount));
                        prop_assert_eq!(held.is_ok(), available[from] >= i128::from(amount));
                        if let Ok(hold) = held {
                            available[from] -= i128::from(amount);
                            pending[from] += i128::from(amount);
                            holds.push((hold, from, to, amount));
                        }
                    }
                    Step::Post(index) if index < holds.len() => {
                        let (hold, from, to, amount) = holds.swap_remove(index);
                        hold.post();
                        pending[from] -= i128::from(amount);
                        available[to] += i128::from(amount);
                    }
                    Step::Void(index) if index < holds.len() => {
                        let (_, from, _, amount) = holds.swap_remove(index);
                        pending[from] -= i128::from(amount);
                        available[from] += i128::from(amount);
                    }
                    Step::Post(_) | Step::Void(_) => {}
                }
                for (index, account) in accounts.iter().enumerate() {
                    let balance = account.own_part();
                    prop_assert_eq!(balance.available(), available[index].unsigned_abs());
                    prop_assert_eq!(balance.debits_pending, pending[index].unsigned_abs());
                }
            }
        }
    }
}
