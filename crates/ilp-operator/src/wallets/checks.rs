//! Checks of what comes with wallets and payments; see `check` for the others.

use ilp_store::AdditionalProperty;
use uuid::Uuid;

use crate::vocabulary::{
    check,
    error::{OperatorError, unknown_wallet_address},
};

/// Most properties of a wallet address, and their longest keys and values in bytes.
const PROPERTIES_MAX: usize = 50;
const PROPERTY_KEY_BYTES_MAX: usize = 128;
const PROPERTY_VALUE_BYTES_MAX: usize = 512;

/// A wallet address's id.
pub(crate) fn wallet_address_id(text: &str) -> Result<Uuid, OperatorError> {
    check::id(text).ok_or_else(unknown_wallet_address)
}

/// Properties without those that say nothing, as with Rafiki.
pub(crate) fn properties(
    given: Vec<AdditionalProperty>,
) -> Result<Vec<AdditionalProperty>, OperatorError> {
    let invalid = |why: String| OperatorError::bad_input("invalid additionalProperties", why);
    if given.len() > PROPERTIES_MAX {
        return Err(invalid(format!("{} given, at most {PROPERTIES_MAX} are taken", given.len())));
    }
    let mut properties = Vec::with_capacity(given.len());
    for property in given {
        let (key, value) = (property.key.trim(), property.value.trim());
        if key.len() > PROPERTY_KEY_BYTES_MAX || value.len() > PROPERTY_VALUE_BYTES_MAX {
            return Err(invalid(format!(
                "at most {PROPERTY_KEY_BYTES_MAX} bytes are taken as a key and \
                 {PROPERTY_VALUE_BYTES_MAX} as a value"
            )));
        }
        if !key.is_empty() && !value.is_empty() {
            let (key, value) = (key.to_owned(), value.to_owned());
            properties.push(AdditionalProperty { key, value, ..property });
        }
    }
    Ok(properties)
}
