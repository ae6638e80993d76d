//! Checks of the input of payments.

use ilp_connector::peer::Asset;
use interledger_packet::Timestamp;

use crate::{
    payments::{
        error::{
            AmountError, ExpiryError, METADATA_BYTES_MAX, PayeeError, PaymentError,
            RECEIVER_BYTES_MAX,
        },
        inputs::AmountGiven,
    },
    vocabulary::{field::Field, iso_time},
};

/// The longest life of an incoming payment, and that of one for which nobody says how long: 30
/// days, as with Rafiki.
const EXPIRY_MS_MAX: u64 = 30 * 24 * 60 * 60 * 1_000;

/// Returns an amount of this asset, more than zero, that is given as the input `field`.
pub(crate) fn amount_in(
    field: Field,
    given: &AmountGiven,
    asset: &Asset,
) -> Result<u64, PaymentError> {
    if given.asset_code != asset.code || given.asset_scale != asset.scale {
        return Err(AmountError::other_asset(given, asset).of(field));
    }
    positive(field, given)
}

/// Returns an amount of more than zero that is given as the input `field`.
pub(crate) fn positive(field: Field, given: &AmountGiven) -> Result<u64, PaymentError> {
    match given.value {
        0 => Err(AmountError::Zero.of(field)),
        value => Ok(value),
    }
}

/// When an incoming payment that is made at `now` expires, in milliseconds since 1970.
pub(crate) fn expiry_ms(given: Option<&str>, now: Timestamp) -> Result<u64, PaymentError> {
    let latest = now.saturating_add_ms(EXPIRY_MS_MAX);
    let Some(text) = given else { return Ok(latest.unix_ms()) };
    let at = iso_time::parse(text)
        .ok_or_else(|| PaymentError::Expiry(ExpiryError::NotATime(shown(text))))?;
    if at <= now {
        return Err(PaymentError::Expiry(ExpiryError::Over(at)));
    }
    if at > latest {
        return Err(PaymentError::Expiry(ExpiryError::TooLate { at, latest }));
    }
    Ok(at.unix_ms())
}

/// Checks that the input `field` can be a URL or payment pointer, as far as that is kept.
pub(crate) fn receiver(field: Field, text: &str) -> Result<(), PaymentError> {
    let fault = if text.is_empty() {
        PayeeError::Empty
    } else if text.len() > RECEIVER_BYTES_MAX {
        PayeeError::TooLong(text.len())
    } else if let Some(stray) = text.chars().find(|character| !character.is_ascii_graphic()) {
        PayeeError::Character(stray)
    } else {
        return Ok(());
    };
    Err(PaymentError::Receiver { field, fault })
}

/// The client's own data.
pub(crate) fn metadata(text: Option<&str>) -> Result<(), PaymentError> {
    match text.map(str::len) {
        Some(bytes) if bytes > METADATA_BYTES_MAX => Err(PaymentError::MetadataTooLong(bytes)),
        _ => Ok(()),
    }
}

/// Returns the beginning of a client's text, at a length that fits an answer.
fn shown(text: &str) -> String {
    text.chars().take(40).collect()
}
