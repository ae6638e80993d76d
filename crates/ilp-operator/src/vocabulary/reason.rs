//! Kinds of refusals and their reasons, as programs know them.

use strum::{EnumIter, EnumMessage, IntoEnumIterator, IntoStaticStr};

/// The kind of a refusal. Each surface has its own word or number for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ErrorKind {
    /// The input can't be right, whatever the node's state.
    BadInput,
    /// The input is right, and the state of the books or of other records forbids the operation.
    Forbidden,
    /// The object that the input names doesn't exist.
    NotFound,
    /// The object that the operation would make exists.
    Duplicate,
    /// The object takes no part at present, such as a wallet address that is inactive.
    Inactive,
    /// The operation contradicts something that was done before or is being done.
    Conflict,
    /// The node failed; its log says how.
    Internal,
    /// The node can't do the operation now.
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

/// The reason for a refusal. Programs go by its name, which stays; messages are for people and may
/// be rewritten. The first line of a variant's comment is its meaning in the manual of the API.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EnumIter, EnumMessage, IntoStaticStr)]
#[strum(serialize_all = "SCREAMING_SNAKE_CASE")]
pub enum Reason {
    /// The account that is credited would own more than 2^64 - 1.
    AccountFull,
    /// The amount of a deposit or withdrawal is zero.
    AmountZero,
    /// An asset with this code and scale exists.
    AssetExists,
    /// Peers or wallet addresses use the asset, or it has liquidity.
    AssetInUse,
    /// The backup can't be written.
    BackupFailed,
    /// The change takes more bytes than one change may.
    ChangeTooLarge,
    /// The first request with this idempotency key still runs.
    ConcurrentRequest,
    /// An incoming token is given twice, or another peer has it.
    DuplicateIncomingToken,
    /// A peer with this ILP address and asset exists.
    DuplicatePeer,
    /// The receiver of the webhook event has confirmed it.
    EventDelivered,
    /// Webhook events of this type are not sent.
    EventNotSent,
    /// The idempotency key was used for another input.
    IdempotencyKeyReused,
    /// Another peer, or another peering request, has the ILP address.
    IlpAddressTaken,
    /// The wallet address is inactive.
    InactiveWalletAddress,
    /// The account has less than the amount.
    InsufficientBalance,
    /// The node failed, and its log says why.
    Internal,
    /// A property of the wallet address is too long, or there are too many.
    InvalidAdditionalProperties,
    /// The amount is zero, too large, in another asset, or not what the receiver takes.
    InvalidAmount,
    /// The asset's code is empty, too long, or has characters that can't be seen.
    InvalidAssetCode,
    /// The share of an asset's stock is above 100 percent.
    InvalidAssetShare,
    /// The directory can't hold a backup.
    InvalidBackupDirectory,
    /// The reason of a cancellation is too long.
    InvalidCancellationReason,
    /// The node sends no data with a payment.
    InvalidDataToTransmit,
    /// The expiry of an incoming payment is not a time, over, or too late.
    InvalidExpiry,
    /// The fee is not between 0 and 10000 basis points.
    InvalidFee,
    /// The filter names too many values.
    InvalidFilter,
    /// The HTTP endpoint can't be used.
    InvalidHttpEndpoint,
    /// The idempotency key is too long.
    InvalidIdempotencyKey,
    /// The ILP address, or a route, is not one that a peer may have.
    InvalidIlpAddress,
    /// The incoming token can't stand in a header, or is too long, or there are too many.
    InvalidIncomingToken,
    /// The largest amount of a packet is zero.
    InvalidMaxPacketAmount,
    /// The metadata of a payment is too long.
    InvalidMetadata,
    /// The name is too long, or has characters that steer what is shown beside it.
    InvalidName,
    /// The number is not a whole number from 0 to 2^64 - 1.
    InvalidNumber,
    /// The outgoing token can't stand in a header, or is too long.
    InvalidOutgoingToken,
    /// The page has a malformed cursor, too many rows, or both `first` and `last`.
    InvalidPage,
    /// The other node answers with something that makes no peer, or refuses.
    InvalidPeeringAnswer,
    /// The ping names both a peer and an asset.
    InvalidPing,
    /// The quote is another wallet address's, has expired, or is used.
    InvalidQuote,
    /// The rate is not a positive decimal number, or has one asset on both sides.
    InvalidRate,
    /// The receiver of a payment is not a URL or payment pointer, or takes nothing.
    InvalidReceiver,
    /// The spread is not between 0 and 10000 basis points.
    InvalidSpread,
    /// The timeout of a withdrawal is too long.
    InvalidTimeout,
    /// The id of a transfer is not a UUID of version 4 or 7.
    InvalidTransferId,
    /// The URL is not one that a wallet address may have.
    InvalidWalletAddressUrl,
    /// Too many transfers are under way.
    LedgerFull,
    /// The log has stopped: whether the change was made shows after a restart.
    LedgerStopped,
    /// So little would arrive that it is nothing.
    NonPositiveReceiveAmount,
    /// The node is starting and can't reach other nodes yet.
    NotReady,
    /// There is no rate between the two assets.
    NoRate,
    /// Whether the first request with this idempotency key was done shows after a restart.
    OutcomeUnknown,
    /// No node takes peering requests at this URL.
    PeeringUnsupported,
    /// The other node does not have the asset.
    PeerLacksAsset,
    /// The other node finds an ILP address or endpoint wrong.
    PeerRefusesConfiguration,
    /// The receiver of a payment, or the path to it, doesn't answer.
    ReceiverUnreachable,
    /// The record takes more bytes than one record may.
    RecordTooLarge,
    /// The tenant is not this node's operator.
    TenantNotPermitted,
    /// Too many changes wait.
    TooManyChanges,
    /// The node makes no more peers by itself.
    TooManyPeers,
    /// Too many peering requests wait for the operator.
    TooManyPeeringRequests,
    /// Too many quotes are being made.
    TooManyQuotes,
    /// The node holds too many rates already.
    TooManyRates,
    /// The withdrawal was posted before.
    TransferAlreadyPosted,
    /// The withdrawal was voided before.
    TransferAlreadyVoided,
    /// A transfer was booked under this id before.
    TransferExists,
    /// The withdrawal's time is over, and its amount is back.
    TransferExpired,
    /// The account doesn't exist.
    UnknownAccount,
    /// The asset doesn't exist.
    UnknownAsset,
    /// The webhook event doesn't exist.
    UnknownEvent,
    /// The peer has no incoming token of this id.
    UnknownIncomingToken,
    /// The payment doesn't exist, or has not ended.
    UnknownPayment,
    /// The peer doesn't exist.
    UnknownPeer,
    /// The peering request doesn't exist.
    UnknownPeeringRequest,
    /// The quote doesn't exist.
    UnknownQuote,
    /// No rate was set in this direction.
    UnknownRate,
    /// The tenant doesn't exist.
    UnknownTenant,
    /// No withdrawal was made under this id.
    UnknownTransfer,
    /// The wallet address doesn't exist.
    UnknownWalletAddress,
    /// The object was changed since the version that the edit is based on.
    VersionConflict,
    /// A wallet address with this URL exists.
    WalletAddressExists,
    /// The payment doesn't wait for its money.
    WrongPaymentState,
}

impl Reason {
    /// Returns every reason, in the order of the names.
    pub fn all() -> impl Iterator<Item = Self> {
        Self::iter()
    }

    /// Returns the name by which programs know the reason, such as `ASSET_EXISTS`.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.into()
    }

    /// Returns the meaning, one sentence for people.
    #[must_use]
    pub fn meaning(self) -> &'static str {
        self.get_documentation().unwrap_or_default()
    }

    /// Returns the kind of the refusals for this reason.
    #[must_use]
    #[expect(clippy::too_many_lines, reason = "one match that a new reason must extend")]
    pub const fn kind(self) -> ErrorKind {
        match self {
            Self::AccountFull
            | Self::AmountZero
            | Self::AssetInUse
            | Self::InsufficientBalance
            | Self::TooManyRates
            | Self::TransferExpired => ErrorKind::Forbidden,
            Self::AssetExists
            | Self::DuplicateIncomingToken
            | Self::DuplicatePeer
            | Self::TransferExists
            | Self::WalletAddressExists => ErrorKind::Duplicate,
            Self::ConcurrentRequest
            | Self::EventDelivered
            | Self::EventNotSent
            | Self::IlpAddressTaken
            | Self::TransferAlreadyPosted
            | Self::TransferAlreadyVoided
            | Self::VersionConflict
            | Self::WrongPaymentState => ErrorKind::Conflict,
            Self::BackupFailed | Self::Internal | Self::NoRate => ErrorKind::Internal,
            Self::InactiveWalletAddress => ErrorKind::Inactive,
            Self::LedgerFull
            | Self::LedgerStopped
            | Self::NotReady
            | Self::OutcomeUnknown
            | Self::ReceiverUnreachable
            | Self::TooManyChanges
            | Self::TooManyPeeringRequests
            | Self::TooManyPeers
            | Self::TooManyQuotes => ErrorKind::Unavailable,
            Self::PeeringUnsupported
            | Self::UnknownAccount
            | Self::UnknownAsset
            | Self::UnknownEvent
            | Self::UnknownIncomingToken
            | Self::UnknownPayment
            | Self::UnknownPeer
            | Self::UnknownPeeringRequest
            | Self::UnknownQuote
            | Self::UnknownRate
            | Self::UnknownTenant
            | Self::UnknownTransfer
            | Self::UnknownWalletAddress => ErrorKind::NotFound,
            Self::ChangeTooLarge
            | Self::IdempotencyKeyReused
            | Self::InvalidAdditionalProperties
            | Self::InvalidAmount
            | Self::InvalidAssetCode
            | Self::InvalidAssetShare
            | Self::InvalidBackupDirectory
            | Self::InvalidCancellationReason
            | Self::InvalidDataToTransmit
            | Self::InvalidExpiry
            | Self::InvalidFee
            | Self::InvalidFilter
            | Self::InvalidHttpEndpoint
            | Self::InvalidIdempotencyKey
            | Self::InvalidIlpAddress
            | Self::InvalidIncomingToken
            | Self::InvalidMaxPacketAmount
            | Self::InvalidMetadata
            | Self::InvalidName
            | Self::InvalidNumber
            | Self::InvalidOutgoingToken
            | Self::InvalidPage
            | Self::InvalidPeeringAnswer
            | Self::InvalidPing
            | Self::InvalidQuote
            | Self::InvalidRate
            | Self::InvalidReceiver
            | Self::InvalidSpread
            | Self::InvalidTimeout
            | Self::InvalidTransferId
            | Self::InvalidWalletAddressUrl
            | Self::NonPositiveReceiveAmount
            | Self::PeerLacksAsset
            | Self::PeerRefusesConfiguration
            | Self::RecordTooLarge
            | Self::TenantNotPermitted => ErrorKind::BadInput,
        }
    }
}
