//! Refusals of payments and quotes.

use ilp_connector::peer::Asset;
use ilp_net::ReceiverError;
use ilp_store::OutgoingPaymentState;
use interledger_packet::Timestamp;

use super::{
    inputs::{AmountGiven, AssetName},
    views::names::outgoing_state_name,
};
use crate::vocabulary::{error::box_error::BoxError, field::Field, reason::Reason};

/// Longest receiver, in bytes: what HTTP servers take as a URL.
pub(crate) const RECEIVER_BYTES_MAX: usize = 2048;
/// Longest metadata, in bytes. They are part of every event, and a record has to hold them.
pub(crate) const METADATA_BYTES_MAX: usize = 16 * 1024;
/// Longest reason for a cancellation, in characters.
pub(crate) const REASON_CHARACTERS_MAX: usize = 256;

/// A refusal of an operation on a payment.
#[derive(Debug, thiserror::Error)]
pub enum PaymentError {
    /// A query names a payment that doesn't exist.
    #[error("payment does not exist")]
    NotFound,
    /// A change names a payment that doesn't exist.
    #[error("unknown payment")]
    Unknown,
    /// An amount can't be paid.
    #[error("invalid amount: {fault}")]
    Amount {
        /// The input with the amount.
        field: Field,
        /// The fault of the amount.
        fault: AmountError,
    },
    /// The expiry of an incoming payment can't be taken.
    #[error("invalid expiresAt: {0}")]
    Expiry(ExpiryError),
    /// A receiver, or the wallet address of a sender, is not a URL or payment pointer to be kept.
    #[error("invalid receiver: {fault}")]
    Receiver {
        /// The input with the receiver.
        field: Field,
        /// The fault of the receiver.
        fault: PayeeError,
    },
    /// The metadata has this many bytes.
    #[error("invalid metadata: it has {0} bytes, at most {METADATA_BYTES_MAX} are taken")]
    MetadataTooLong(usize),
    /// The reason of a cancellation is too long.
    #[error("invalid reason: at most {REASON_CHARACTERS_MAX} characters are taken")]
    CancellationReasonTooLong,
    /// The client wants data sent with a payment.
    #[error("invalid dataToTransmit: the node sends no data with a payment; leave it out")]
    DataToTransmit,
    /// The payment doesn't wait for its money.
    #[error("wrong state: the payment is {}, not FUNDING", outgoing_state_name(*.0))]
    WrongState(OutgoingPaymentState),
}

impl PaymentError {
    /// Returns the reason.
    #[must_use]
    pub fn reason(&self) -> Reason {
        match self {
            Self::NotFound | Self::Unknown => Reason::UnknownPayment,
            Self::Amount { .. } => Reason::InvalidAmount,
            Self::Expiry(_) => Reason::InvalidExpiry,
            Self::Receiver { .. } => Reason::InvalidReceiver,
            Self::MetadataTooLong(_) => Reason::InvalidMetadata,
            Self::CancellationReasonTooLong => Reason::InvalidCancellationReason,
            Self::DataToTransmit => Reason::InvalidDataToTransmit,
            Self::WrongState(_) => Reason::WrongPaymentState,
        }
    }

    /// Returns the input that the refusal is about.
    #[must_use]
    pub fn field(&self) -> Option<Field> {
        match self {
            Self::NotFound | Self::Unknown | Self::WrongState(_) => None,
            Self::Amount { field, .. } | Self::Receiver { field, .. } => Some(*field),
            Self::Expiry(_) => Some(Field::ExpiresAt),
            Self::MetadataTooLong(_) => Some(Field::Metadata),
            Self::CancellationReasonTooLong => Some(Field::Reason),
            Self::DataToTransmit => Some(Field::DataToTransmit),
        }
    }
}

/// The fault of an amount that can't be paid.
#[derive(Debug, thiserror::Error)]
pub enum AmountError {
    /// The amount is zero.
    #[error("it is zero")]
    Zero,
    /// The amount is in another asset than the wallet address.
    #[error(
        "it is in {:?} with scale {}, and the wallet address counts in {} with scale {}",
        shown(&.given.code), .given.scale, .own.code, .own.scale
    )]
    OtherAsset {
        /// The asset that the client names.
        given: AssetName,
        /// The wallet address's asset.
        own: AssetName,
    },
    /// Both amounts are given.
    #[error("debitAmount and receiveAmount exclude each other")]
    Both,
    /// No amount is given, and the receiver asks for none.
    #[error("the receiver asks for no amount, so one of debitAmount and receiveAmount is expected")]
    Missing,
    /// The receiver asks for less.
    #[error("the receiver asks for {0} and no more")]
    MoreThanAsked(u64),
    /// The receiver's asset is another one than the client names.
    #[error(
        "the receiver counts in {} with scale {}, and receiveAmount doesn't", .0.code, .0.scale
    )]
    OtherReceiveAsset(AssetName),
    /// More than this would arrive than can be converted.
    #[error("at most {0} can be converted")]
    Inconvertible(u64),
    /// No amount of the wallet's asset is worth the amount.
    #[error("no amount of the wallet's asset is worth that much")]
    Unpayable,
    /// The amount and the fee together are above 2^64 - 1.
    #[error("with the fee it comes above {max}", max = u64::MAX)]
    WithFee,
    /// The part of the node that pays finds the amount not to fit the receiver.
    #[error("{0}")]
    Unfit(BoxError),
}

impl AmountError {
    pub(crate) fn other_asset(given: &AmountGiven, own: &Asset) -> Self {
        Self::OtherAsset {
            given: AssetName { code: given.asset_code.clone(), scale: given.asset_scale },
            own: AssetName { code: own.code.clone(), scale: own.scale },
        }
    }

    /// Returns the refusal of the input `field`.
    pub(crate) fn of(self, field: Field) -> PaymentError {
        PaymentError::Amount { field, fault: self }
    }
}

/// The fault of an expiry.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ExpiryError {
    /// The text is not a time.
    #[error("{0:?} is not a time such as 2026-11-23T12:00:00Z")]
    NotATime(String),
    /// The time is over.
    #[error("{0} is over")]
    Over(Timestamp),
    /// The time is later than may be.
    #[error("{at} is later than {latest}, which is as late as may be")]
    TooLate {
        /// The time that was given.
        at: Timestamp,
        /// The latest time that is taken.
        latest: Timestamp,
    },
}

/// The fault of a receiver.
#[derive(Debug, thiserror::Error)]
pub enum PayeeError {
    /// The text is empty.
    #[error("it is empty; a URL or a payment pointer is expected")]
    Empty,
    /// The text has this many bytes.
    #[error("it has {0} bytes, {RECEIVER_BYTES_MAX} are taken")]
    TooLong(usize),
    /// The text has a character that has no place in a URL.
    #[error("{0:?} can't stand in a URL as it is")]
    Character(char),
    /// The text is not a URL or payment pointer.
    #[error(transparent)]
    Malformed(#[from] ReceiverError),
    /// The incoming payment is over.
    #[error("the incoming payment takes nothing more")]
    Over,
    /// The part of the node that pays finds no receiver.
    #[error("{0}")]
    NoReceiver(BoxError),
}

/// A refusal of a quote, or of a payment on a quote's terms.
#[derive(Debug, thiserror::Error)]
pub enum QuoteError {
    /// A query names a quote that doesn't exist.
    #[error("quote does not exist")]
    NotFound,
    /// A payment names a quote that doesn't exist.
    #[error("unknown quote")]
    Unknown,
    /// The quote is another wallet address's.
    #[error("invalid quote: it is another wallet address's")]
    OtherWalletAddress,
    /// The quote no longer stands.
    #[error("invalid quote: it has expired; make another one")]
    Expired,
    /// A payment was made from the quote before.
    #[error("invalid quote: a payment was made from it before")]
    Used,
    /// So little would arrive that it is nothing.
    #[error("non-positive receive amount{}", least(*.send_min))]
    NothingArrives {
        /// The least that would have to leave the wallet, fees included, in its asset's smallest
        /// unit; `None` where that isn't known.
        send_min: Option<u64>,
    },
    /// There is no rate between the assets of two accounts of this node.
    #[error("could not convert between assets: {from} to {to}; setRate sets a rate")]
    NoRate {
        /// The code of the wallet address's asset.
        from: String,
        /// The code of the receiver's asset.
        to: String,
    },
    /// A node on the path has no rate.
    #[error("could not convert between assets: {0}; setRate sets a rate")]
    NoRateOnPath(BoxError),
    /// The receiver, or the path to it, doesn't answer.
    #[error("the receiver can't be reached: {0}")]
    Unreachable(BoxError),
    /// Too many quotes are being made.
    #[error("more quotes are being made than the node makes at once: try again")]
    TooMany,
    /// The part of the node that pays is not there yet.
    #[error("the node is starting and can't reach other nodes yet: try again")]
    NotReady,
}

impl QuoteError {
    /// Returns the reason.
    #[must_use]
    pub fn reason(&self) -> Reason {
        match self {
            Self::NotFound | Self::Unknown => Reason::UnknownQuote,
            Self::OtherWalletAddress | Self::Expired | Self::Used => Reason::InvalidQuote,
            Self::NothingArrives { .. } => Reason::NonPositiveReceiveAmount,
            Self::NoRate { .. } | Self::NoRateOnPath(_) => Reason::NoRate,
            Self::Unreachable(_) => Reason::ReceiverUnreachable,
            Self::TooMany => Reason::TooManyQuotes,
            Self::NotReady => Reason::NotReady,
        }
    }

    /// Returns the input that the refusal is about.
    #[must_use]
    pub fn field(&self) -> Option<Field> {
        match self {
            Self::Unknown | Self::OtherWalletAddress | Self::Expired | Self::Used => {
                Some(Field::QuoteId)
            }
            Self::NothingArrives { .. } => Some(Field::DebitAmount),
            Self::Unreachable(_) => Some(Field::Receiver),
            Self::NotFound
            | Self::NoRate { .. }
            | Self::NoRateOnPath(_)
            | Self::TooMany
            | Self::NotReady => None,
        }
    }
}

/// Returns the words that say how much has to leave a wallet for something to arrive.
fn least(send_min: Option<u64>) -> String {
    send_min.map_or_else(String::new, |minimum| {
        format!(": something arrives when {minimum} or more leaves the wallet, fees included")
    })
}

/// Returns the beginning of a client's text, at a length that fits an answer.
fn shown(text: &str) -> String {
    text.chars().take(40).collect()
}
