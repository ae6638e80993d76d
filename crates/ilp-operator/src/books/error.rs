//! Refusals of deposits, withdrawals and looks at the books.

use crate::vocabulary::{field::Field, reason::Reason};

/// Most rows of the movements on an account that are listed at once.
pub const TRANSFER_ROWS_MAX: usize = 500;
/// The longest time that a withdrawal may stay pending: 136 years, the most that 32 bits of seconds
/// hold. More is a slip of the unit, and its end could not be written as a date any more.
pub(crate) const TIMEOUT_S_MAX: u64 = 4_294_967_295;

/// A refusal of an operation on liquidity, or on the accounts of the books.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LiquidityError {
    /// A transfer was booked under this id before.
    #[error("Transfer already exists")]
    Exists,
    /// The debited account has less than the amount.
    #[error("Insufficient transfer balance")]
    Insufficient,
    /// The amount is zero.
    #[error("Transfer amount is zero")]
    AmountZero,
    /// A deposit would bring the liquidity above 2^64 - 1.
    #[error("Invalid transfer amount: the liquidity would come above {max}", max = u64::MAX)]
    DepositTooLarge,
    /// The account that a packet pays would own more than 2^64 - 1.
    #[error("the account that is paid would own more than {max}", max = u64::MAX)]
    AccountFull,
    /// No withdrawal was made under this id.
    #[error("Unknown transfer")]
    UnknownTransfer,
    /// The withdrawal was posted before.
    #[error("Transfer already posted")]
    AlreadyPosted,
    /// The withdrawal was voided before.
    #[error("Transfer already voided")]
    AlreadyVoided,
    /// The withdrawal's time is over, and its amount is back.
    #[error("Transfer already expired")]
    Expired,
    /// The text is not an id that a transfer may have.
    #[error("Invalid transfer id: a UUID of version 4 or 7 is expected")]
    TransferId,
    /// The withdrawal would stay pending longer than may be.
    #[error("invalid timeoutSeconds: at most {TIMEOUT_S_MAX} seconds are taken")]
    Timeout,
    /// There is no wallet address of this id to withdraw from.
    #[error("Unknown wallet address")]
    UnknownWalletAddress,
    /// There is no incoming payment of this id that has ended with money.
    #[error("Unknown incoming payment")]
    UnknownIncomingPayment,
    /// There is no outgoing payment of this id that has ended.
    #[error("Unknown outgoing payment")]
    UnknownOutgoingPayment,
    /// There is no account of this name.
    #[error("unknown account")]
    UnknownAccount,
    /// This many rows are fewer than none or more than are listed at once.
    #[error("limit: {0} rows asked for, 0 to {TRANSFER_ROWS_MAX} can be given")]
    RowLimit(i32),
}

impl LiquidityError {
    /// Returns the reason.
    #[must_use]
    pub fn reason(self) -> Reason {
        match self {
            Self::Exists => Reason::TransferExists,
            Self::Insufficient => Reason::InsufficientBalance,
            Self::AmountZero => Reason::AmountZero,
            Self::DepositTooLarge => Reason::InvalidAmount,
            Self::AccountFull => Reason::AccountFull,
            Self::UnknownTransfer => Reason::UnknownTransfer,
            Self::AlreadyPosted => Reason::TransferAlreadyPosted,
            Self::AlreadyVoided => Reason::TransferAlreadyVoided,
            Self::Expired => Reason::TransferExpired,
            Self::TransferId => Reason::InvalidTransferId,
            Self::Timeout => Reason::InvalidTimeout,
            Self::UnknownWalletAddress => Reason::UnknownWalletAddress,
            Self::UnknownIncomingPayment | Self::UnknownOutgoingPayment => Reason::UnknownPayment,
            Self::UnknownAccount => Reason::UnknownAccount,
            Self::RowLimit(_) => Reason::InvalidPage,
        }
    }

    /// Returns the input that the refusal is about.
    #[must_use]
    pub fn field(self) -> Option<Field> {
        Some(match self {
            Self::Exists | Self::TransferId => Field::Id,
            Self::Insufficient | Self::AmountZero | Self::DepositTooLarge => Field::Amount,
            Self::Timeout => Field::TimeoutSeconds,
            Self::UnknownWalletAddress => Field::WalletAddressId,
            Self::RowLimit(_) => Field::Limit,
            Self::AccountFull
            | Self::UnknownTransfer
            | Self::AlreadyPosted
            | Self::AlreadyVoided
            | Self::Expired
            | Self::UnknownIncomingPayment
            | Self::UnknownOutgoingPayment
            | Self::UnknownAccount => return None,
        })
    }
}
