//! Why there is no quote, in words that clients know.

use std::fmt;

use crate::{
    payments::checks::invalid_amount,
    vocabulary::error::{ErrorKind, OperatorError},
};

pub(crate) fn no_amount() -> OperatorError {
    invalid_amount(
        "the receiver asks for no amount, so one of debitAmount and receiveAmount is expected",
    )
}

pub(crate) fn nothing_arrives(send_min: Option<u64>) -> OperatorError {
    let words = "non-positive receive amount";
    match send_min {
        Some(minimum) => OperatorError::bad_input(
            words,
            format!("something arrives when {minimum} or more leaves the wallet, fees included"),
        ),
        None => OperatorError::new(ErrorKind::BadInput, words),
    }
}

pub(crate) fn invalid_receiver(why: impl fmt::Display) -> OperatorError {
    OperatorError::bad_input("invalid receiver", why)
}

/// It is no fault of the client's, and told as Rafiki tells it.
pub(crate) fn no_rate(why: &str) -> OperatorError {
    OperatorError::new(
        ErrorKind::Internal,
        format!("could not convert between assets: {why}; setRate sets a rate"),
    )
}

pub(crate) fn too_many() -> OperatorError {
    OperatorError::new(
        ErrorKind::Unavailable,
        "more quotes are being made than the node makes at once: try again",
    )
}

pub(crate) fn cannot_pay() -> OperatorError {
    OperatorError::new(
        ErrorKind::Unavailable,
        "the node is starting and can't reach other nodes yet: try again",
    )
}
