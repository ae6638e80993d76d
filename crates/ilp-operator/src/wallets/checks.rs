//! Checks of what comes with wallets and payments; see `check` for the others.

use ilp_store::AdditionalProperty;
use uuid::Uuid;

use crate::{
    vocabulary::check,
    wallets::error::{
        PROPERTIES_MAX, PROPERTY_KEY_BYTES_MAX, PROPERTY_VALUE_BYTES_MAX, WalletError,
    },
};

/// A wallet address's id.
pub(crate) fn wallet_address_id(text: &str) -> Result<Uuid, WalletError> {
    check::id(text).ok_or(WalletError::Unknown)
}

/// Properties without those that say nothing, as with Rafiki.
pub(crate) fn properties(
    given: Vec<AdditionalProperty>,
) -> Result<Vec<AdditionalProperty>, WalletError> {
    if given.len() > PROPERTIES_MAX {
        return Err(WalletError::TooManyProperties(given.len()));
    }
    let mut properties = Vec::with_capacity(given.len());
    for property in given {
        let (key, value) = (property.key.trim(), property.value.trim());
        if key.len() > PROPERTY_KEY_BYTES_MAX || value.len() > PROPERTY_VALUE_BYTES_MAX {
            return Err(WalletError::PropertyTooLong);
        }
        if !key.is_empty() && !value.is_empty() {
            let (key, value) = (key.to_owned(), value.to_owned());
            properties.push(AdditionalProperty { key, value, ..property });
        }
    }
    Ok(properties)
}
