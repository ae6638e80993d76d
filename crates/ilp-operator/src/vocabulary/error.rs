//! Why an operation was refused.

use std::{borrow::Cow, fmt};

use ilp_connector::ledger::HoldError;
use ilp_store::{Conflict, Refusal, StoreError};

/// What kind of refusal it is. Each surface has its own word or number for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ErrorKind {
    /// The input can't be right, whatever the node's state.
    BadInput,
    /// The input is right, and the state of the books or of other records forbids it.
    Forbidden,
    /// What it names doesn't exist.
    NotFound,
    /// What it would make exists.
    Duplicate,
    /// What it is about takes no part at present, such as a wallet address that is inactive.
    Inactive,
    /// It contradicts something that was done before or is being done.
    Conflict,
    /// The node failed; its log says how.
    Internal,
    /// The node can't do it now.
    Unavailable,
}

impl ErrorKind {
    /// Returns the corresponding HTTP status code, for answers and the audit log.
    #[must_use]
    pub fn http_code(self) -> &'static str {
        match self {
            Self::BadInput | Self::Inactive => "400",
            Self::Forbidden => "403",
            Self::NotFound => "404",
            Self::Duplicate | Self::Conflict => "409",
            Self::Internal => "500",
            Self::Unavailable => "503",
        }
    }
}

/// A refusal: its kind and a sentence for people. The sentence begins with words that clients know
/// and never carries a secret or the insides of the store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OperatorError {
    kind: ErrorKind,
    message: Cow<'static, str>,
}

impl OperatorError {
    /// A refusal of that kind, in these words.
    #[must_use]
    pub fn new(kind: ErrorKind, message: impl Into<Cow<'static, str>>) -> Self {
        Self { kind, message: message.into() }
    }

    /// [`ErrorKind::BadInput`]: `what` is the beginning that clients know, `why` says the rest.
    #[must_use]
    pub fn bad_input(what: &str, why: impl fmt::Display) -> Self {
        Self::new(ErrorKind::BadInput, format!("{what}: {why}"))
    }

    /// [`ErrorKind::Internal`], once the cause is in the log.
    pub(crate) fn internal(cause: &dyn fmt::Display) -> Self {
        tracing::error!(%cause, "an operation of the admin API failed");
        Self::new(
            ErrorKind::Internal,
            "Internal server error: the node could not do this and its log says why",
        )
    }

    /// Returns the kind.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// Returns the sentence.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }
}

impl fmt::Display for OperatorError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.message)
    }
}

impl std::error::Error for OperatorError {}

/// Every operation on peers says this of an id that leads nowhere.
pub(crate) fn unknown_peer() -> OperatorError {
    OperatorError::new(ErrorKind::NotFound, "unknown peer")
}

/// What the operations on peers and liquidity say of an asset's id that leads nowhere.
pub(crate) fn unknown_asset() -> OperatorError {
    OperatorError::new(ErrorKind::NotFound, "unknown asset")
}

/// What is said of an event's id that leads nowhere.
pub(crate) fn unknown_event() -> OperatorError {
    OperatorError::new(ErrorKind::NotFound, "unknown webhook event")
}

/// What posting and voiding say of an id under which nothing was withdrawn.
pub(crate) fn unknown_transfer() -> OperatorError {
    OperatorError::new(ErrorKind::NotFound, "Unknown transfer")
}

/// What the operations on assets say of an id that leads nowhere.
pub(crate) fn asset_not_found() -> OperatorError {
    OperatorError::new(ErrorKind::NotFound, "Asset not found")
}

/// The ledger takes nothing more until the node is started again.
pub(crate) fn ledger_stopped() -> OperatorError {
    OperatorError::new(
        ErrorKind::Unavailable,
        "the log has stopped: whether this was done shows after a restart of the node",
    )
}

impl From<StoreError> for OperatorError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Stopped { .. } => ledger_stopped(),
            error => Self::internal(&error),
        }
    }
}

impl From<Conflict> for OperatorError {
    fn from(conflict: Conflict) -> Self {
        let words = match conflict {
            Conflict::Id => return Self::internal(&conflict),
            Conflict::Asset => "Asset already exists",
            Conflict::Peer => "duplicate peer found for same ILP address and asset",
            Conflict::IncomingToken => "duplicate incoming token",
            Conflict::WalletAddress => "Wallet address already exists",
            Conflict::Quote => {
                return Self::bad_input("invalid quote", "a payment was made from it before");
            }
        };
        Self::new(ErrorKind::Duplicate, words)
    }
}

impl From<Refusal> for OperatorError {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Conflict(conflict) => conflict.into(),
            Refusal::UnknownAsset => unknown_asset(),
            Refusal::UnknownPeer => unknown_peer(),
            Refusal::UnknownEvent => unknown_event(),
            Refusal::UnknownWalletAddress => unknown_wallet_address(),
            Refusal::UnknownPayment => unknown_payment(),
            Refusal::AssetInUse => Self::new(
                ErrorKind::Forbidden,
                "Cannot delete! Asset in use. Delete the peers that use it first; wallet addresses \
                 that do are kept for good",
            ),
            Refusal::TooLarge { bytes } => Self::new(
                ErrorKind::BadInput,
                format!(
                    "the record would take {bytes} bytes and may take {}: give less, such as fewer \
                     routes or tokens",
                    ilp_store::RECORD_BYTES_MAX
                ),
            ),
            Refusal::ChangeTooLarge { bytes } => Self::new(
                ErrorKind::BadInput,
                format!("the change would take {bytes} bytes, more than one may: give less"),
            ),
            Refusal::Transfer(refusal) => refusal.into(),
            Refusal::Store(error) => error.into(),
        }
    }
}

impl From<HoldError> for OperatorError {
    fn from(error: HoldError) -> Self {
        match error {
            HoldError::Insufficient(_) => {
                Self::new(ErrorKind::Forbidden, "Insufficient transfer balance")
            }
            HoldError::Overfull(_) => Self::new(
                ErrorKind::Forbidden,
                format!("the account that is paid would own more than {}", u64::MAX),
            ),
            HoldError::Full => Self::new(
                ErrorKind::Unavailable,
                "the ledger has as many transfers under way as it takes: try again",
            ),
            HoldError::Stopped => ledger_stopped(),
        }
    }
}

pub(crate) fn unknown_wallet_address() -> OperatorError {
    OperatorError::new(ErrorKind::NotFound, "unknown wallet address")
}

pub(crate) fn inactive_wallet_address() -> OperatorError {
    OperatorError::new(
        ErrorKind::Inactive,
        "inactive wallet address: it takes no new payments until it is ACTIVE again",
    )
}

/// What queries say of a payment's id that leads nowhere.
pub(crate) fn no_such_payment() -> OperatorError {
    OperatorError::new(ErrorKind::NotFound, "payment does not exist")
}

/// What changes of a payment say of such an id.
pub(crate) fn unknown_payment() -> OperatorError {
    OperatorError::new(ErrorKind::NotFound, "unknown payment")
}
