//! The errors of operations: refusals by subject, and failures of the node.

pub(crate) mod box_error;

use std::{error::Error, fmt, sync::Arc};

use ilp_connector::ledger::HoldError;
use ilp_store::{Conflict, StoreError, TransactionError, TransferError};
use uuid::Uuid;

use super::{
    field::Field,
    input_error::InputError,
    reason::{ErrorKind, Reason},
};
use crate::{
    assets::error::{AssetError, FeeError, RateError},
    books::error::LiquidityError,
    changes::error::ChangeError,
    node::error::{BackupError, TenantError},
    payments::error::{PaymentError, QuoteError},
    peering::error::PeeringError,
    peers::error::PeerError,
    wallets::error::WalletError,
    webhook::error::EventError,
};

/// An error of an operation. Its message begins with words that clients know, and never has a secret
/// or the insides of the store in it.
#[derive(Debug, thiserror::Error)]
pub enum OperatorError {
    /// An operation on assets is refused.
    #[error(transparent)]
    Asset(#[from] AssetError),
    /// A fee is refused.
    #[error(transparent)]
    Fee(#[from] FeeError),
    /// A rate is refused.
    #[error(transparent)]
    Rate(#[from] RateError),
    /// An operation on peers is refused.
    #[error(transparent)]
    Peer(#[from] PeerError),
    /// A deposit or withdrawal is refused.
    #[error(transparent)]
    Liquidity(#[from] LiquidityError),
    /// An operation on wallet addresses is refused.
    #[error(transparent)]
    Wallet(#[from] WalletError),
    /// An operation on payments is refused.
    #[error(transparent)]
    Payment(#[from] PaymentError),
    /// A quote is refused.
    #[error(transparent)]
    Quote(#[from] QuoteError),
    /// An operation on peering requests is refused.
    #[error(transparent)]
    Peering(#[from] PeeringError),
    /// An operation on webhook events is refused.
    #[error(transparent)]
    Event(#[from] EventError),
    /// A change is refused, whatever its subject.
    #[error(transparent)]
    Change(#[from] ChangeError),
    /// A number, or the part of a list, is refused.
    #[error(transparent)]
    Input(#[from] InputError),
    /// An operation names another tenant than the node's operator.
    #[error(transparent)]
    Tenant(#[from] TenantError),
    /// A backup is refused, or failed.
    #[error(transparent)]
    Backup(#[from] BackupError),
    /// The ledger takes nothing more until the node is started again.
    #[error("the log has stopped: whether this was done shows after a restart of the node")]
    LedgerStopped,
    /// Too many transfers are under way.
    #[error("the ledger has as many transfers under way as it takes: try again")]
    LedgerFull,
    /// The node failed.
    #[error(transparent)]
    Internal(#[from] InternalError),
}

impl OperatorError {
    /// Returns the error of a failed node, once `cause` is in the log.
    pub(crate) fn internal(cause: impl Error + Send + Sync + 'static) -> Self {
        Self::Internal(InternalError::logged(cause))
    }

    /// Returns the kind.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.reason().kind()
    }

    /// Returns the reason.
    #[must_use]
    pub fn reason(&self) -> Reason {
        match self {
            Self::Asset(error) => error.reason(),
            Self::Fee(error) => error.reason(),
            Self::Rate(error) => error.reason(),
            Self::Peer(error) => error.reason(),
            Self::Liquidity(error) => error.reason(),
            Self::Wallet(error) => error.reason(),
            Self::Payment(error) => error.reason(),
            Self::Quote(error) => error.reason(),
            Self::Peering(error) => error.reason(),
            Self::Event(error) => error.reason(),
            Self::Change(error) => error.reason(),
            Self::Input(error) => error.reason(),
            Self::Tenant(error) => error.reason(),
            Self::Backup(error) => error.reason(),
            Self::LedgerStopped => Reason::LedgerStopped,
            Self::LedgerFull => Reason::LedgerFull,
            Self::Internal(_) => Reason::Internal,
        }
    }

    /// Returns the input that the refusal is about, if it is about one.
    #[must_use]
    pub fn field(&self) -> Option<Field> {
        match self {
            Self::Asset(error) => error.field(),
            Self::Fee(error) => error.field(),
            Self::Rate(error) => error.field(),
            Self::Peer(error) => error.field(),
            Self::Liquidity(error) => error.field(),
            Self::Wallet(error) => error.field(),
            Self::Payment(error) => error.field(),
            Self::Quote(error) => error.field(),
            Self::Peering(error) => error.field(),
            Self::Event(error) => error.field(),
            Self::Change(error) => error.field(),
            Self::Input(error) => error.field(),
            Self::Tenant(error) => error.field(),
            Self::Backup(error) => error.field(),
            Self::LedgerStopped | Self::LedgerFull | Self::Internal(_) => None,
        }
    }
}

/// A failure of the node. The message tells a client nothing of the cause, which is in the log.
#[derive(Clone, Debug, thiserror::Error)]
#[error("Internal server error: the node could not do this and its log says why")]
pub struct InternalError {
    #[source]
    cause: Arc<dyn Error + Send + Sync>,
}

impl InternalError {
    /// Writes the cause with its own causes to the log. There is no other way to make the error, so
    /// each failure is logged, and once.
    fn logged(cause: impl Error + Send + Sync + 'static) -> Self {
        tracing::error!(cause = %Chain(&cause), "an operation failed by a fault of the node");
        Self { cause: Arc::new(cause) }
    }
}

/// Displays an error and its causes, from the outermost to the innermost.
struct Chain<'a>(&'a (dyn Error + 'static));

impl fmt::Display for Chain<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}", self.0)?;
        let mut source = self.0.source();
        while let Some(cause) = source {
            write!(formatter, ": {cause}")?;
            source = cause.source();
        }
        Ok(())
    }
}

/// A state of the node that its own checks exclude.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Inconsistency {
    #[error("the peer {peer} is of the unknown asset {asset}")]
    AssetOfPeer { peer: Uuid, asset: Uuid },
    #[error("a wallet address is of the unknown asset {0}")]
    AssetOfWalletAddress(Uuid),
    #[error("no token was added")]
    NoTokenAdded,
    #[error("the outcome that is kept under an idempotency key can't be read")]
    KeptOutcome,
    #[error("a new record got an id that is taken")]
    IdTaken,
    #[error("the system gives no random numbers")]
    NoRandomNumbers,
}

impl From<Inconsistency> for OperatorError {
    fn from(inconsistency: Inconsistency) -> Self {
        Self::internal(inconsistency)
    }
}

impl From<StoreError> for OperatorError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Stopped { .. } => Self::LedgerStopped,
            error => Self::internal(error),
        }
    }
}

impl From<Conflict> for OperatorError {
    fn from(conflict: Conflict) -> Self {
        match conflict {
            Conflict::Id => Inconsistency::IdTaken.into(),
            Conflict::Asset => AssetError::Exists.into(),
            Conflict::Peer => PeerError::Duplicate.into(),
            Conflict::IncomingToken => PeerError::DuplicateIncomingToken.into(),
            Conflict::WalletAddress => WalletError::Exists.into(),
            Conflict::Quote => QuoteError::Used.into(),
        }
    }
}

impl From<TransactionError> for OperatorError {
    fn from(refusal: TransactionError) -> Self {
        match refusal {
            TransactionError::Conflict(conflict) => conflict.into(),
            TransactionError::UnknownAsset => AssetError::Unknown.into(),
            TransactionError::UnknownPeer => PeerError::Unknown.into(),
            TransactionError::UnknownEvent => EventError::Unknown.into(),
            TransactionError::UnknownWalletAddress => WalletError::Unknown.into(),
            TransactionError::UnknownPayment => PaymentError::Unknown.into(),
            TransactionError::AssetInUse => AssetError::InUse.into(),
            TransactionError::TooLarge { bytes } => ChangeError::RecordTooLarge { bytes }.into(),
            TransactionError::ChangeTooLarge { bytes } => {
                ChangeError::ChangeTooLarge { bytes }.into()
            }
            TransactionError::Transfer(error) => error.into(),
            TransactionError::Store(error) => error.into(),
        }
    }
}

impl From<TransferError> for OperatorError {
    fn from(error: TransferError) -> Self {
        match error {
            TransferError::Exists => LiquidityError::Exists.into(),
            TransferError::Insufficient(_) => LiquidityError::Insufficient.into(),
            TransferError::AmountZero => LiquidityError::AmountZero.into(),
            TransferError::Overfull(_) => LiquidityError::DepositTooLarge.into(),
            TransferError::Unknown => LiquidityError::UnknownTransfer.into(),
            TransferError::AlreadyPosted => LiquidityError::AlreadyPosted.into(),
            TransferError::AlreadyVoided => LiquidityError::AlreadyVoided.into(),
            TransferError::Expired => LiquidityError::Expired.into(),
            TransferError::Full => Self::LedgerFull,
            TransferError::Stopped => Self::LedgerStopped,
            TransferError::Store(error) => error.into(),
        }
    }
}

impl From<HoldError> for OperatorError {
    fn from(error: HoldError) -> Self {
        match error {
            HoldError::Insufficient(_) => LiquidityError::Insufficient.into(),
            HoldError::Overfull(_) => LiquidityError::AccountFull.into(),
            HoldError::Full => Self::LedgerFull,
            HoldError::Stopped => Self::LedgerStopped,
        }
    }
}

#[cfg(test)]
mod tests;
