//! Amounts with their assets.

use async_graphql::{InputObject, SimpleObject};
use ilp_operator::{AmountGiven, Field, OperatorError};

use crate::schema::forms::scalars::{UInt8, UInt64};

/// An amount of an asset, such as 1.00 USD: `{value: "100", assetCode: "USD", assetScale: 2}`.
#[derive(SimpleObject)]
pub(crate) struct Amount {
    /// The amount, in the asset's smallest unit.
    value: UInt64,
    /// The asset's code, such as `USD`.
    asset_code: String,
    /// Decimal places of the asset's smallest unit.
    asset_scale: UInt8,
}

impl Amount {
    pub(crate) fn new(value: impl Into<UInt64>, code: &str, scale: u8) -> Self {
        Self { value: value.into(), asset_code: code.to_owned(), asset_scale: UInt8(scale) }
    }
}

/// An amount of an asset, such as 1.00 USD: `{value: "100", assetCode: "USD", assetScale: 2}`.
#[derive(InputObject)]
pub(crate) struct AmountInput {
    /// The amount, in the asset's smallest unit; more than zero.
    value: UInt64,
    /// The asset's code, such as `USD`.
    asset_code: String,
    /// Decimal places of the asset's smallest unit.
    asset_scale: UInt8,
}

impl AmountInput {
    pub(crate) fn read(given: Option<Self>) -> Result<Option<AmountGiven>, OperatorError> {
        given
            .map(|Self { value, asset_code, asset_scale }| {
                let value = value.given(Field::Value)?;
                Ok(AmountGiven { value, asset_code, asset_scale: asset_scale.0 })
            })
            .transpose()
    }
}
