//! Refusals of operations on wallet addresses.

use ilp_net::WalletAddressError;

use crate::vocabulary::{field::Field, name::NameError, reason::Reason};

/// Most properties of a wallet address, and their longest keys and values in bytes.
pub(crate) const PROPERTIES_MAX: usize = 50;
pub(crate) const PROPERTY_KEY_BYTES_MAX: usize = 128;
pub(crate) const PROPERTY_VALUE_BYTES_MAX: usize = 512;

/// A refusal of an operation on a wallet address, or on an object that names a wallet address.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WalletError {
    /// The wallet address doesn't exist.
    #[error("unknown wallet address")]
    Unknown,
    /// The wallet address takes no new payments.
    #[error("inactive wallet address: it takes no new payments until it is ACTIVE again")]
    Inactive,
    /// A wallet address with this URL exists.
    #[error("Wallet address already exists")]
    Exists,
    /// The URL is not one that a wallet address may have.
    #[error("invalid url: {0}")]
    Url(WalletAddressError),
    /// The name can't be shown.
    #[error("invalid name: {0}")]
    Name(NameError),
    /// This many properties are more than a wallet address may have.
    #[error("invalid additionalProperties: {0} given, at most {PROPERTIES_MAX} are taken")]
    TooManyProperties(usize),
    /// The key or the value of a property is too long.
    #[error(
        "invalid additionalProperties: at most {PROPERTY_KEY_BYTES_MAX} bytes are taken as a key and \
         {PROPERTY_VALUE_BYTES_MAX} as a value"
    )]
    PropertyTooLong,
}

impl WalletError {
    /// Returns the reason.
    #[must_use]
    pub fn reason(&self) -> Reason {
        match self {
            Self::Unknown => Reason::UnknownWalletAddress,
            Self::Inactive => Reason::InactiveWalletAddress,
            Self::Exists => Reason::WalletAddressExists,
            Self::Url(_) => Reason::InvalidWalletAddressUrl,
            Self::Name(_) => Reason::InvalidName,
            Self::TooManyProperties(_) | Self::PropertyTooLong => {
                Reason::InvalidAdditionalProperties
            }
        }
    }

    /// Returns the input that the refusal is about.
    #[must_use]
    pub fn field(&self) -> Option<Field> {
        Some(match self {
            Self::Unknown | Self::Inactive => Field::WalletAddressId,
            Self::Exists | Self::Url(_) => Field::Address,
            Self::Name(_) => Field::PublicName,
            Self::TooManyProperties(_) | Self::PropertyTooLong => Field::AdditionalProperties,
        })
    }
}
