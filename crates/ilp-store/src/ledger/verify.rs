//! Whether the books add up. Asked before anything is forwarded on them.

use std::collections::HashMap;

use ilp_connector::account::{AccountId, AccountKind};
use uuid::Uuid;

use super::books::StoredBalance;
use crate::{error::StoreError, store::Store};

/// What was ever credited and debited on some accounts.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
struct Sums {
    credits: u128,
    debits: u128,
}

impl Sums {
    fn plus(self, balance: &StoredBalance) -> Option<Self> {
        Some(Self {
            credits: self.credits.checked_add(balance.credits)?,
            debits: self.debits.checked_add(balance.debits)?,
        })
    }
}

/// Checks that no account but settlement is below zero, and that what was credited was debited:
/// over all accounts, and for each asset, as both sides of a movement are of one asset.
///
/// # Errors
/// [`StoreError::Books`] says which sum is wrong.
pub(crate) fn verify(
    store: &Store,
    balances: &HashMap<AccountId, StoredBalance>,
) -> Result<(), StoreError> {
    let too_large = || wrong("the sums are beyond 128 bits".to_owned());
    let mut total = Sums::default();
    let mut by_asset: HashMap<Uuid, Sums> = HashMap::new();
    let mut all_known = true;
    for (account, balance) in balances {
        if account.kind != AccountKind::Settlement && balance.debits > balance.credits {
            let StoredBalance { credits, debits, .. } = balance;
            return Err(wrong(format!("{account:?} has credits {credits} and debits {debits}")));
        }
        total = total.plus(balance).ok_or_else(too_large)?;
        if let Some(asset) = asset_of(store, *account)? {
            let sums = by_asset.entry(asset).or_default();
            *sums = sums.plus(balance).ok_or_else(too_large)?;
        } else {
            all_known = false;
            tracing::warn!(?account, "the books have an account of a peer that the store lacks");
        }
    }
    balanced("all accounts", total)?;
    // The account of a peer that isn't known may belong to any asset, so the sums of none can be
    // expected to agree.
    if all_known {
        for (asset, sums) in by_asset {
            balanced(&format!("the accounts of asset {asset}"), sums)?;
        }
    }
    Ok(())
}

fn asset_of(store: &Store, account: AccountId) -> Result<Option<Uuid>, StoreError> {
    if account.kind != AccountKind::PeerLiquidity {
        return Ok(Some(account.owner));
    }
    if let Some(peer) = store.peer(account.owner)? {
        return Ok(Some(peer.asset_id));
    }
    Ok(store.deleted_peer(account.owner)?.map(|peer| peer.asset_id))
}

fn balanced(what: &str, sums: Sums) -> Result<(), StoreError> {
    if sums.credits == sums.debits {
        return Ok(());
    }
    Err(wrong(format!("{what} have credits of {} and debits of {}", sums.credits, sums.debits)))
}

fn wrong(detail: String) -> StoreError {
    StoreError::Books { detail }
}
