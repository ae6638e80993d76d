//! Fees: what the operator takes for a payment. The latest one of an asset counts for the quotes
//! that are made from then on; a quote that was made keeps its own.

use ilp_store::{FeeKind, FeeRecord, Rows};
use uuid::Uuid;

use crate::{
    assets::{
        AssetChanges, Assets,
        error::{AssetError, BASIS_POINTS, FeeError},
        inputs::NewFee,
    },
    vocabulary::{check, error::OperatorError, page::PageArguments},
};

impl AssetChanges<'_> {
    /// Sets the fee for payments in an asset. That for receiving is kept and listed, and nothing is
    /// taken for it: what is received is booked as it comes.
    ///
    /// # Errors
    /// An unknown asset, basis points that are below zero or above the whole.
    pub async fn set_fee(self, new: NewFee) -> Result<FeeRecord, OperatorError> {
        self.on.given(&new);
        let asset_id = check::id(&new.asset_id).ok_or(FeeError::UnknownAsset)?;
        let basis_points =
            u16::try_from(new.basis_points).ok().filter(|points| *points <= BASIS_POINTS);
        let basis_points = basis_points.ok_or(FeeError::BasisPoints(new.basis_points))?;
        self.on
            .change(move |changing| async move {
                changing.inner.asset(asset_id).ok_or(FeeError::UnknownAsset)?;
                let record = FeeRecord {
                    id: changing.new_id(),
                    asset_id,
                    kind: new.kind,
                    fixed: new.fixed,
                    basis_points,
                    created_at_ms: changing.now().unix_ms(),
                };
                let stored = record.clone();
                changing.commit(&record, move |tx| tx.insert_fee(&stored)).await?;
                Ok(record)
            })
            .await
    }
}

impl Assets<'_> {
    /// Returns the fee that counts for payments in an asset, if there is one.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn latest_fee(
        self,
        asset_id: &str,
        kind: FeeKind,
    ) -> Result<Option<FeeRecord>, OperatorError> {
        let Some(id) = check::id(asset_id) else { return Ok(None) };
        self.on.read(move |inner| Ok(inner.store.latest_fee(id, kind)?)).await
    }

    /// Returns a page of all fees that an asset ever had.
    ///
    /// # Errors
    /// Bad input.
    pub async fn fees(
        self,
        asset_id: &str,
        page: &PageArguments,
    ) -> Result<Rows<FeeRecord>, OperatorError> {
        let id: Uuid = check::id(asset_id).ok_or(AssetError::NotFound)?;
        let page = page.check()?;
        self.on.read(move |inner| Ok(inner.store.fees_page(id, page)?)).await
    }
}

/// Returns the fee on `principal`, in the same unit: the share of it, rounded up to the node's
/// favour, and the fixed part.
pub(crate) fn taken(fee: Option<&FeeRecord>, principal: u64) -> u128 {
    let Some(fee) = fee else { return 0 };
    let share = u128::from(principal) * u128::from(fee.basis_points);
    share.div_ceil(u128::from(BASIS_POINTS)) + u128::from(fee.fixed)
}

/// Returns what is left of `debit` without the fee, and the fee; `None` when nothing is left.
pub(crate) fn left_without(fee: Option<&FeeRecord>, debit: u64) -> Option<(u64, u128)> {
    let taken = taken(fee, debit);
    let left = u128::from(debit).saturating_sub(taken);
    u64::try_from(left).ok().filter(|left| *left > 0).map(|left| (left, taken))
}

/// Returns the least amount of which `minimum` is left without the fee.
pub(crate) fn with(fee: Option<&FeeRecord>, minimum: u64) -> Option<u64> {
    let Some(fee) = fee else { return Some(minimum) };
    let left_of_whole = u128::from(BASIS_POINTS.checked_sub(fee.basis_points)?);
    if left_of_whole == 0 {
        return None;
    }
    let wanted = (u128::from(minimum) + u128::from(fee.fixed)) * u128::from(BASIS_POINTS);
    u64::try_from(wanted.div_ceil(left_of_whole)).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn fee(fixed: u64, basis_points: u16) -> FeeRecord {
        let kind = FeeKind::Sending;
        let (id, asset_id) = (Uuid::nil(), Uuid::nil());
        FeeRecord { id, asset_id, kind, fixed, basis_points, created_at_ms: 0 }
    }

    proptest! {
        #[test]
        fn what_is_left_without_the_fee_and_the_least_that_leaves_it_agree(
            fixed in 0..1_000_000u64,
            basis_points in 0..=10_000u16,
            minimum in 1..1_000_000_000u64,
        ) {
            let fee = fee(fixed, basis_points);
            let Some(least) = with(Some(&fee), minimum) else {
                prop_assert_eq!(basis_points, 10_000);
                return Ok(());
            };
            let (left, taken) = left_without(Some(&fee), least).unwrap();
            prop_assert!(left >= minimum);
            prop_assert_eq!(u128::from(left) + taken, u128::from(least));
            let less = left_without(Some(&fee), least - 1).map_or(0, |(left, _)| left);
            prop_assert!(less < minimum);
        }
    }

    #[test]
    fn a_fee_is_a_share_rounded_up_and_a_fixed_part() {
        for (fixed, points, principal, expected) in [
            (0, 0, 1_000, 0),
            (5, 0, 0, 5),
            (0, 100, 1_000, 10),
            (0, 100, 1_001, 11),
            (0, 1, 1, 1),
            (7, 250, 10_000, 257),
            (0, 10_000, u64::MAX, u128::from(u64::MAX)),
            (u64::MAX, 10_000, u64::MAX, 2 * u128::from(u64::MAX)),
        ] {
            assert_eq!(taken(Some(&fee(fixed, points)), principal), expected);
        }
        assert_eq!(taken(None, u64::MAX), 0);
    }
}
