//! Hold, post and void under every interleaving of a few threads: a scheduler of shuttle's takes the
//! place of the system's, and goes through all the orders in which locks can be taken.
//!
//! Only built with `--cfg shuttle`; the account's lock is the one below then.

use std::sync::Arc;

use shuttle::{check_dfs, check_random, sync::MutexGuard, thread};
use uuid::Uuid;

use crate::{
    account::{Account, AccountId, Balance},
    ledger::{Hold, Leg, Transfer, TransferKind},
};

/// shuttle's lock with the face of `parking_lot`'s.
pub(crate) struct Mutex<T>(shuttle::sync::Mutex<T>);

impl<T> Mutex<T> {
    pub(crate) fn new(value: T) -> Self {
        Self(shuttle::sync::Mutex::new(value))
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, T> {
        self.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

fn account(credits: u128) -> Arc<Account> {
    let balance = Balance { credits, ..Balance::default() };
    Arc::new(Account::new(AccountId::peer(Uuid::nil()), balance))
}

fn leg(debit: &Arc<Account>, credit: &Arc<Account>, amount: u64) -> Leg {
    Leg { debit: Arc::clone(debit), credit: Arc::clone(credit), amount }
}

fn transfer(first: Leg, second: Option<Leg>) -> Transfer {
    Transfer { id: Uuid::nil(), kind: TransferKind::Packet, first, second }
}

/// At no moment is more on hold or gone than there ever was.
fn watch(account: &Account) {
    let Balance { credits, debits, debits_pending } = *account.own_part();
    assert!(debits + debits_pending <= credits, "overdrawn: {credits} {debits} {debits_pending}");
}

/// Some threads that each hold an amount of ten, and post or drop it.
fn payers(payers: &[(u64, bool)]) {
    let (from, to) = (account(10), account(0));
    let pay = |(amount, posts): (u64, bool)| {
        let (from, to) = (Arc::clone(&from), Arc::clone(&to));
        thread::spawn(move || {
            let held = Hold::reserve(transfer(leg(&from, &to, amount), None));
            watch(&from);
            match held {
                Ok(hold) if posts => {
                    hold.post();
                    u128::from(amount)
                }
                // A hold that was got is void when it is dropped.
                _ => 0,
            }
        })
    };
    let threads: Vec<_> = payers.iter().copied().map(pay).collect();
    let paid: u128 = threads.into_iter().map(|thread| thread.join().expect("no panic")).sum();
    let (left, got) = (from.own_part(), to.own_part());
    assert_eq!((left.debits, left.debits_pending, got.credits), (paid, 0, paid));
    assert!(paid <= 10, "{paid} of 10 were paid");
}

#[test]
fn payers_never_overdraw_one_account() {
    check_dfs(|| payers(&[(7, true), (6, true)]), None);
    check_dfs(|| payers(&[(7, true), (10, false)]), None);
    // Three have too many orders to go through all of them.
    check_random(|| payers(&[(7, true), (6, true), (10, false)]), 20_000);
}

#[test]
fn two_legs_are_held_both_or_neither_while_others_spend() {
    check_dfs(
        || {
            let (source, source_asset) = (account(5), account(0));
            let (asset, destination) = (account(5), account(0));
            let converts = {
                let first = leg(&source, &source_asset, 5);
                let second = Some(leg(&asset, &destination, 5));
                thread::spawn(move || {
                    Hold::reserve(transfer(first, second)).map(Hold::post).is_ok()
                })
            };
            let spends = {
                let (asset, source_asset) = (Arc::clone(&asset), Arc::clone(&source_asset));
                thread::spawn(move || {
                    let held = Hold::reserve(transfer(leg(&asset, &source_asset, 3), None));
                    watch(&asset);
                    held.map(Hold::post).is_ok()
                })
            };
            let converted = converts.join().expect("no panic");
            let spent = spends.join().expect("no panic");
            assert!(converted != spent, "there is enough for one of them, and one gets it");
            let left = [&source, &asset].map(|account| account.own_part().available());
            assert_eq!(left, if converted { [0, 0] } else { [5, 2] });
            assert_eq!(destination.own_part().credits, if converted { 5 } else { 0 });
        },
        None,
    );
}
