//! The input of operations on assets and fees, not yet checked.

use ilp_store::FeeKind;

use crate::vocabulary::edit::Edit;

/// An asset to be made.
#[derive(Clone, Debug, Default)]
pub struct NewAsset {
    /// Such as `USD`.
    pub code: String,
    /// Decimal places.
    pub scale: u8,
    /// Least amount of a withdrawal, in the smallest unit.
    pub withdrawal_threshold: Option<u64>,
    /// An event is due when the liquidity falls to this, in the smallest unit.
    pub liquidity_threshold: Option<u64>,
}

/// A change of an asset.
#[derive(Clone, Debug, Default)]
pub struct AssetEdit {
    /// Which one.
    pub id: String,
    /// Least amount of a withdrawal, in the smallest unit.
    pub withdrawal_threshold: Edit<u64>,
    /// An event is due when the liquidity falls to this, in the smallest unit.
    pub liquidity_threshold: Edit<u64>,
    /// The version that the edit is based on; `None` edits whatever is stored.
    pub version: Option<u64>,
}

/// A fee to be taken from now on.
#[derive(Clone, Debug)]
pub struct NewFee {
    /// Payments in which asset it is for.
    pub asset_id: String,
    /// Which payments.
    pub kind: FeeKind,
    /// Taken from each, in the asset's smallest unit.
    pub fixed: u64,
    /// Taken beside it, in hundredths of a percent of the amount.
    pub basis_points: i32,
}
