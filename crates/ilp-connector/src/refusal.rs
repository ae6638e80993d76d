//! The reasons for refusing a packet, and the Rejects that the sender gets.

use bytes::Bytes;
use interledger_packet::{Address, AmountTooLarge, ErrorClass, ErrorCode, Reject};
use strum::EnumCount;

use crate::{account::AccountKind, ledger::HoldError};

/// The reason why there is no reply from the next hop.
#[derive(Clone, Copy, Debug, PartialEq, Eq, strum::IntoStaticStr, strum::VariantArray)]
#[strum(serialize_all = "snake_case")]
pub enum LinkFailure {
    /// The next hop refuses connections, breaks them, or answers with an HTTP status that says that
    /// packets don't get through to it.
    Unreachable,
    /// The next hop answers with an HTTP status, such as 500, that says only that it could not
    /// handle this packet.
    Failed,
    /// The next hop says that it has too much to do.
    Busy,
    /// The queue of packets to the next hop is full.
    QueueFull,
    /// The next hop didn't answer before the packet expired.
    NoReplyInTime,
    /// The next hop answered with something too long to be an ILP reply.
    NotAReply,
}

impl LinkFailure {
    /// A short constant name, for metrics.
    #[must_use]
    pub fn label(self) -> &'static str {
        self.into()
    }
}

/// One reason to answer a Prepare with a Reject of our own (RFC 27, error codes).
///
/// Senders give up on final codes and on R00 and R02, and go on after temporary ones, so what may
/// pass by itself is always a T.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, strum::EnumCount, strum::IntoStaticStr, thiserror::Error,
)]
#[strum(serialize_all = "snake_case")]
pub enum Refusal {
    /// R02: it had expired when it arrived.
    #[error("the packet has already expired")]
    AlreadyExpired,
    /// R02: too little time is left to ask the next hop and still answer.
    #[error("too little time is left to forward the packet and bring its answer back")]
    TooLittleTime,
    /// F08: more than one packet may carry, in the unit in which we received it.
    #[error("a packet may carry at most {maximum} here and this one carries {received}")]
    AmountTooLarge {
        /// The amount that the packet carries.
        received: u64,
        /// The greatest amount that would pass.
        maximum: u64,
    },
    /// F08: the amount exceeds all that the sender, or the node's stock of the asset that it is
    /// converted into, could ever have free. The numbers are in the unit in which the packet was
    /// received.
    #[error("at most {maximum} can be paid for here and this packet carries {received}")]
    BeyondLiquidity {
        /// The amount that the packet carries.
        received: u64,
        /// The greatest amount that could be paid for.
        maximum: u64,
    },
    /// T05: more packets per minute than agreed.
    #[error("more packets per minute than agreed")]
    PacketRate,
    /// T05: more amount per second than agreed.
    #[error("more amount per second than agreed")]
    AmountRate,
    /// T05: as many of the peer's packets are under way as agreed.
    #[error("more packets under way at once than agreed")]
    PacketsInFlight,
    /// T05: as much of the peer's money is under way as agreed.
    #[error("more amount under way at once than agreed")]
    AmountInFlight,
    /// F02: a `peer.` address that this node doesn't serve.
    #[error("addresses under peer. are for direct neighbours, and this one is not served here")]
    PeerAddress,
    /// F02: a test address on the live network, or the reverse.
    #[error("live and test addresses do not mix")]
    OtherNetwork,
    /// F02: nothing in the routing table matches.
    #[error("no route to the destination")]
    NoRoute,
    /// F02: the one way on leads back to where the packet came from.
    #[error("the only route to the destination leads back to the sender")]
    BackToSender,
    /// F02: the destination is this node, and no account has that address.
    #[error("no such account at this node")]
    NoSuchAccount,
    /// F07: source and destination count in different assets, and no rate between them is known.
    #[error("no exchange rate between the two peers' assets")]
    NoRate,
    /// T00: there is a rate, and its lifetime is over before a newer one came.
    #[error("the exchange rate between the two peers' assets is older than its lifetime")]
    StaleRate,
    /// T00: no rate is known yet, and the rates service may tell one any moment.
    #[error("the exchange rate between the two peers' assets is not known yet")]
    AwaitedRate,
    /// R01: an amount other than zero that is worth nothing on the other side.
    #[error("the amount is worth less than the smallest unit of the next hop's asset")]
    ConvertsToZero,
    /// T04: the sender's credit line is too low at the moment.
    #[error("too little liquidity for this packet at the moment")]
    Liquidity,
    /// T04: the account that would be paid owns the maximum, until it has paid some of it.
    #[error("the account that would be paid can take no more at the moment")]
    AccountFull,
    /// T04: the node's stock of the asset that the packet is converted into is too low at the moment.
    #[error("too little liquidity of the next hop's asset for this packet at the moment")]
    AssetLiquidity,
    /// T04: what this peer has under way already holds its share of the node's stock of an asset,
    /// which is there for all.
    #[error("too large a share of the asset's liquidity is held by packets of this peer")]
    AssetShare,
    /// T03: as many packets are under way as the node takes.
    #[error("the node has as many packets under way as it takes")]
    Busy,
    /// T03: the node is going down and takes no more packets.
    #[error("the node is shutting down")]
    ShuttingDown,
    /// T03: the books can't be written, so nothing is forwarded.
    #[error("the node can't write its books and forwards nothing")]
    LedgerStopped,
    /// T01: the next hop can't be reached, or does not speak as agreed.
    #[error("the next hop can't be reached")]
    NextHopUnreachable,
    /// T02: the next hop asked for patience.
    #[error("the next hop is busy")]
    NextHopBusy,
    /// R00: no answer before the packet's expiry.
    #[error("no answer from the next hop before the packet expired")]
    NoReplyInTime,
    /// F05: a fulfillment that doesn't hash to the condition.
    #[error("the next hop answered with a fulfillment that does not match the condition")]
    WrongFulfillment,
    /// T00: the next hop's answer is no ILP reply.
    #[error("the next hop's answer is no ILP reply")]
    NotAReply,
}

impl Refusal {
    /// One of each kind, for counting. Amounts in their fields mean nothing.
    pub const KINDS: [Self; Self::COUNT] = [
        Self::AlreadyExpired,
        Self::TooLittleTime,
        Self::AmountTooLarge { received: 0, maximum: 0 },
        Self::BeyondLiquidity { received: 0, maximum: 0 },
        Self::PacketRate,
        Self::AmountRate,
        Self::PacketsInFlight,
        Self::AmountInFlight,
        Self::PeerAddress,
        Self::OtherNetwork,
        Self::NoRoute,
        Self::BackToSender,
        Self::NoSuchAccount,
        Self::NoRate,
        Self::StaleRate,
        Self::AwaitedRate,
        Self::ConvertsToZero,
        Self::Liquidity,
        Self::AccountFull,
        Self::AssetLiquidity,
        Self::AssetShare,
        Self::Busy,
        Self::ShuttingDown,
        Self::LedgerStopped,
        Self::NextHopUnreachable,
        Self::NextHopBusy,
        Self::NoReplyInTime,
        Self::WrongFulfillment,
        Self::NotAReply,
    ];

    /// A short constant name, for metrics.
    #[must_use]
    pub fn label(&self) -> &'static str {
        self.into()
    }

    /// The ILP error code (RFC 27).
    #[must_use]
    pub fn code(&self) -> ErrorCode {
        match self {
            Self::AlreadyExpired | Self::TooLittleTime => ErrorCode::R02_INSUFFICIENT_TIMEOUT,
            Self::AmountTooLarge { .. } | Self::BeyondLiquidity { .. } => {
                ErrorCode::F08_AMOUNT_TOO_LARGE
            }
            Self::PacketRate | Self::AmountRate | Self::PacketsInFlight | Self::AmountInFlight => {
                ErrorCode::T05_RATE_LIMITED
            }
            Self::PeerAddress
            | Self::OtherNetwork
            | Self::NoRoute
            | Self::BackToSender
            | Self::NoSuchAccount => ErrorCode::F02_UNREACHABLE,
            Self::NoRate => ErrorCode::F07_CANNOT_RECEIVE,
            Self::Liquidity | Self::AssetLiquidity | Self::AccountFull | Self::AssetShare => {
                ErrorCode::T04_INSUFFICIENT_LIQUIDITY
            }
            Self::ConvertsToZero => ErrorCode::R01_INSUFFICIENT_SOURCE_AMOUNT,
            Self::Busy | Self::ShuttingDown | Self::LedgerStopped => ErrorCode::T03_CONNECTOR_BUSY,
            Self::NextHopUnreachable => ErrorCode::T01_PEER_UNREACHABLE,
            Self::NextHopBusy => ErrorCode::T02_PEER_BUSY,
            Self::NoReplyInTime => ErrorCode::R00_TRANSFER_TIMED_OUT,
            Self::WrongFulfillment => ErrorCode::F05_WRONG_CONDITION,
            Self::NotAReply | Self::StaleRate | Self::AwaitedRate => ErrorCode::T00_INTERNAL_ERROR,
        }
    }

    /// Returns the refusal that a sender gets where two next hops refuse its packet: the one that
    /// says more about how to go on.
    pub(crate) fn or_more_hopeful(self, other: Self) -> Self {
        if other.hope() > self.hope() { other } else { self }
    }

    /// Returns the rank of a refusal by how the sender can go on. A maximum above zero comes first,
    /// the greatest one most of all, because the sender can go on at once. A temporary error comes
    /// next, because the sender can wait. The rest ends a payment.
    fn hope(self) -> (u8, u64) {
        match self {
            Self::AmountTooLarge { maximum, .. } | Self::BeyondLiquidity { maximum, .. }
                if maximum > 0 =>
            {
                (3, maximum)
            }
            Self::ConvertsToZero => (1, 0),
            _ if self.code().class() == ErrorClass::Temporary => (2, 0),
            _ => (0, 0),
        }
    }

    /// The Reject to send back, triggered by `own_address`.
    pub(crate) fn into_reject(self, own_address: &Address) -> Bytes {
        let triggered_by = Some(own_address.as_addr());
        let reject = match self {
            Self::AmountTooLarge { received, maximum }
            | Self::BeyondLiquidity { received, maximum } => {
                Reject::amount_too_large(triggered_by, AmountTooLarge { received, maximum })
            }
            _ => Reject::new(self.code(), triggered_by, &self.to_string()),
        };
        reject.into_bytes()
    }
}

impl From<HoldError> for Refusal {
    fn from(error: HoldError) -> Self {
        match error {
            HoldError::Insufficient(short) if short.account.kind == AccountKind::AssetLiquidity => {
                Self::AssetLiquidity
            }
            HoldError::Insufficient(_) => Self::Liquidity,
            HoldError::Overfull(_) => Self::AccountFull,
            HoldError::Full => Self::Busy,
            HoldError::Stopped => Self::LedgerStopped,
        }
    }
}

impl From<LinkFailure> for Refusal {
    fn from(failure: LinkFailure) -> Self {
        match failure {
            LinkFailure::Unreachable | LinkFailure::Failed => Self::NextHopUnreachable,
            LinkFailure::Busy => Self::NextHopBusy,
            LinkFailure::QueueFull => Self::Busy,
            LinkFailure::NoReplyInTime => Self::NoReplyInTime,
            LinkFailure::NotAReply => Self::NotAReply,
        }
    }
}
