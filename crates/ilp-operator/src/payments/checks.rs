//! Checks of the input of payments.

use ilp_connector::peer::Asset;
use interledger_packet::Timestamp;

use crate::{
    payments::inputs::AmountGiven,
    vocabulary::{error::OperatorError, iso_time},
};

/// The longest life of an incoming payment, and that of one for which nobody says how long: 30
/// days, as with Rafiki.
const EXPIRY_MS_MAX: u64 = 30 * 24 * 60 * 60 * 1_000;
/// Longest receiver, in bytes: what HTTP servers take as a URL.
const RECEIVER_BYTES_MAX: usize = 2048;
/// Longest metadata, in bytes. They are part of every event, and a record has to hold them.
const METADATA_BYTES_MAX: usize = 16 * 1024;

pub(crate) fn invalid_amount(why: impl std::fmt::Display) -> OperatorError {
    OperatorError::bad_input("invalid amount", why)
}

/// An amount of this asset, more than zero.
pub(crate) fn amount_in(given: &AmountGiven, asset: &Asset) -> Result<u64, OperatorError> {
    if given.asset_code != asset.code || given.asset_scale != asset.scale {
        return Err(invalid_amount(format!(
            "it is in {} with scale {}, and the wallet address counts in {} with scale {}",
            shown(&given.asset_code),
            given.asset_scale,
            asset.code,
            asset.scale
        )));
    }
    positive(given)
}

/// An amount of more than zero.
pub(crate) fn positive(given: &AmountGiven) -> Result<u64, OperatorError> {
    match given.value {
        0 => Err(invalid_amount("it is zero")),
        value => Ok(value),
    }
}

/// When an incoming payment that is made at `now` expires, in milliseconds since 1970.
pub(crate) fn expiry_ms(given: Option<&str>, now: Timestamp) -> Result<u64, OperatorError> {
    let latest = now.saturating_add_ms(EXPIRY_MS_MAX);
    let Some(text) = given else { return Ok(latest.unix_ms()) };
    let invalid = |why: String| OperatorError::bad_input("invalid expiresAt", why);
    let at = iso_time::parse(text).ok_or_else(|| {
        invalid(format!("{} is not a time such as 2026-11-23T12:00:00Z", shown(text)))
    })?;
    if at <= now {
        return Err(invalid(format!("{at} is over")));
    }
    if at > latest {
        return Err(invalid(format!("{at} is later than {latest}, which is as late as may be")));
    }
    Ok(at.unix_ms())
}

/// A URL or payment pointer as it is to be stored.
pub(crate) fn receiver(text: &str) -> Result<(), OperatorError> {
    let invalid = |why: String| OperatorError::bad_input("invalid receiver", why);
    if text.is_empty() {
        return Err(invalid("it is empty; a URL or a payment pointer is expected".to_owned()));
    }
    if text.len() > RECEIVER_BYTES_MAX {
        let bytes = text.len();
        return Err(invalid(format!("it has {bytes} bytes, {RECEIVER_BYTES_MAX} are taken")));
    }
    match text.chars().find(|character| !character.is_ascii_graphic()) {
        Some(stray) => Err(invalid(format!("{stray:?} can't stand in a URL as it is"))),
        None => Ok(()),
    }
}

/// The client's own data.
pub(crate) fn metadata(text: Option<&str>) -> Result<(), OperatorError> {
    match text.map(str::len) {
        Some(bytes) if bytes > METADATA_BYTES_MAX => Err(OperatorError::bad_input(
            "invalid metadata",
            format!("it has {bytes} bytes, at most {METADATA_BYTES_MAX} are taken"),
        )),
        _ => Ok(()),
    }
}

/// What a client wrote, at a length that fits an answer.
fn shown(text: &str) -> String {
    format!("{:?}", text.chars().take(40).collect::<String>())
}
