//! Refusals of operations on assets, fees and rates.

use ilp_connector::rate;

use crate::vocabulary::{field::Field, reason::Reason};

/// Longest code of an asset, in bytes. ISO 4217 has three letters, tokens rarely more than ten.
pub(crate) const ASSET_CODE_BYTES_MAX: usize = 32;
/// A whole, in basis points.
pub(crate) const BASIS_POINTS: u16 = 10_000;
/// Most rates that operators may set. A node has few assets; this keeps the table in bounds.
pub(crate) const SET_RATES_MAX: usize = 10_000;

/// A refusal of an operation on an asset, or on an object that names an asset.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AssetError {
    /// An operation on assets names an asset that doesn't exist.
    #[error("Asset not found")]
    NotFound,
    /// An operation on other objects names an asset that doesn't exist.
    #[error("unknown asset")]
    Unknown,
    /// An asset with this code and scale exists.
    #[error("Asset already exists")]
    Exists,
    /// Peers or wallet addresses use the asset.
    #[error(
        "Cannot delete! Asset in use. Delete the peers that use it first; wallet addresses that do are \
         kept for good"
    )]
    InUse,
    /// The asset still has this liquidity, in its smallest unit.
    #[error("Cannot delete! Asset in use. Its liquidity is {0}: withdraw that first")]
    HasLiquidity(u128),
    /// The code is not one that an asset may have.
    #[error("invalid asset code: {0}")]
    Code(#[from] AssetCodeError),
}

impl AssetError {
    /// Returns the reason.
    #[must_use]
    pub fn reason(&self) -> Reason {
        match self {
            Self::NotFound | Self::Unknown => Reason::UnknownAsset,
            Self::Exists => Reason::AssetExists,
            Self::InUse | Self::HasLiquidity(_) => Reason::AssetInUse,
            Self::Code(_) => Reason::InvalidAssetCode,
        }
    }

    /// Returns the input that the refusal is about.
    #[must_use]
    pub fn field(&self) -> Option<Field> {
        Some(match self {
            Self::NotFound | Self::InUse | Self::HasLiquidity(_) => Field::Id,
            Self::Unknown => Field::AssetId,
            Self::Exists | Self::Code(_) => Field::Code,
        })
    }
}

/// The fault of a text that is no asset's code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AssetCodeError {
    /// The code is empty, or blank.
    #[error("it is empty, a code such as USD is expected")]
    Empty,
    /// The code has this many bytes.
    #[error("it has {0} bytes, at most {ASSET_CODE_BYTES_MAX} are taken")]
    TooLong(usize),
    /// The code has characters that look like nothing, or that change what is shown beside them.
    #[error("it has white space, control signs or signs that can't be seen")]
    Invisible,
}

/// A refusal of a fee.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FeeError {
    /// The asset doesn't exist.
    #[error("Unknown asset")]
    UnknownAsset,
    /// The basis points are below zero or above the whole.
    #[error("Basis point fee must be between 0 and {BASIS_POINTS}")]
    BasisPoints(i32),
}

impl FeeError {
    /// Returns the reason.
    #[must_use]
    pub fn reason(&self) -> Reason {
        match self {
            Self::UnknownAsset => Reason::UnknownAsset,
            Self::BasisPoints(_) => Reason::InvalidFee,
        }
    }

    /// Returns the input that the refusal is about.
    #[must_use]
    pub fn field(&self) -> Option<Field> {
        Some(match self {
            Self::UnknownAsset => Field::AssetId,
            Self::BasisPoints(_) => Field::BasisPoints,
        })
    }
}

/// A refusal of a rate.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RateError {
    /// The code of the asset that is converted is not one that an asset may have.
    #[error("invalid asset code: {0}")]
    Base(AssetCodeError),
    /// The code of the asset that is converted to is not one that an asset may have.
    #[error("invalid asset code: {0}")]
    Quote(AssetCodeError),
    /// Both codes are the same.
    #[error("invalid rate: base and quote are the same, and an asset is always worth itself")]
    SameAsset,
    /// The text is not a rate.
    #[error("invalid rate: {shown:?}: {fault}")]
    Rate {
        /// The beginning of the text.
        shown: String,
        /// The fault of the rate.
        fault: rate::RateError,
    },
    /// The node holds the greatest number of rates already.
    #[error("{SET_RATES_MAX} rates are set, and no more are taken: delete some first")]
    TooMany,
    /// No rate was set in this direction.
    #[error(
        "unknown rate: none was set for this base and quote; the opposite direction is a rate of its \
         own"
    )]
    Unknown,
}

impl RateError {
    /// Returns the reason.
    #[must_use]
    pub fn reason(&self) -> Reason {
        match self {
            Self::Base(_) | Self::Quote(_) => Reason::InvalidAssetCode,
            Self::SameAsset | Self::Rate { .. } => Reason::InvalidRate,
            Self::TooMany => Reason::TooManyRates,
            Self::Unknown => Reason::UnknownRate,
        }
    }

    /// Returns the input that the refusal is about.
    #[must_use]
    pub fn field(&self) -> Option<Field> {
        match self {
            Self::Base(_) => Some(Field::Base),
            Self::Quote(_) | Self::SameAsset => Some(Field::Quote),
            Self::Rate { .. } => Some(Field::Rate),
            Self::TooMany | Self::Unknown => None,
        }
    }
}
