//! Refusals of operations on peers and their tokens.

use std::convert::Infallible;

use ilp_connector::MoreThanWhole;
use ilp_net::UrlError;
use interledger_packet::AddressError;

use crate::vocabulary::{
    error::box_error::BoxError, field::Field, name::NameError, reason::Reason,
};

/// Longest token, in bytes. Servers take 8 KiB of headers, of which the token is one.
pub(crate) const TOKEN_BYTES_MAX: usize = 2048;
/// Most tokens that one peer may show. Two are enough to change them without an outage.
pub(crate) const TOKENS_MAX: usize = 64;
/// Most routes of one peer; with the longest addresses the record's own bound comes first.
pub(crate) const ROUTES_MAX: usize = 1000;

/// A refusal of an operation on a peer, or on an object that names a peer.
#[derive(Debug, thiserror::Error)]
pub enum PeerError {
    /// The peer doesn't exist.
    #[error("unknown peer")]
    Unknown,
    /// A peer with this ILP address and asset exists.
    #[error("duplicate peer found for same ILP address and asset")]
    Duplicate,
    /// Another peer has the incoming token.
    #[error("duplicate incoming token")]
    DuplicateIncomingToken,
    /// One incoming token is given twice.
    #[error("duplicate incoming token: one is given twice")]
    IncomingTokenTwice,
    /// The ILP address is not one that a peer may have.
    #[error("invalid ILP address: {0}")]
    Address(PeerAddressError),
    /// The address that a packet is to go to doesn't parse.
    #[error("invalid ILP address: {0}")]
    Destination(AddressError),
    /// A route is not one that a peer may have.
    #[error("invalid ILP address: in routes: {0}")]
    Routes(RouteError),
    /// The endpoint is not a URL that this node can use.
    #[error("invalid HTTP endpoint: {0}")]
    Endpoint(UrlError),
    /// The endpoint leads to where a node that asks for a peering may not send packets.
    #[error("invalid HTTP endpoint: {0}")]
    EndpointNotPublic(BoxError),
    /// The name can't be shown.
    #[error("invalid name: {0}")]
    Name(NameError),
    /// The token that this node shows the peer can't stand in a header.
    #[error("invalid outgoing token: {0}")]
    OutgoingToken(TokenError),
    /// A token that the peer shows can't stand in a header.
    #[error("invalid incoming token: {0}")]
    IncomingToken(TokenError),
    /// The list of incoming tokens is empty.
    #[error(
        "invalid incoming token: authTokens is empty: give one token at least, or leave http.incoming \
         out"
    )]
    NoIncomingToken,
    /// This many incoming tokens are more than a peer may have.
    #[error("invalid incoming token: {0} given, at most {TOKENS_MAX} are taken")]
    TooManyIncomingTokens(usize),
    /// The token to be revoked is named twice, or not at all.
    #[error("invalid incoming token: name it by tokenId or by authToken, one of the two")]
    IncomingTokenUnnamed,
    /// The peer has no such incoming token.
    #[error(
        "unknown incoming token: the peer has none of this id; incomingTokens lists those it has"
    )]
    UnknownIncomingToken,
    /// The largest amount of a packet is zero.
    #[error(
        "invalid maxPacketAmount: 0 would refuse every packet that carries money; leave it out, or set \
         null, for the node's default"
    )]
    MaxPacketAmountZero,
    /// The spread is below zero or above the whole.
    #[error("invalid spreadBasisPoints: {0} is not between 0 and 10000, which is all of it")]
    Spread(i32),
    /// The share of an asset's stock is above the whole.
    #[error("invalid assetShareInFlightPercentMax: {0} given, 0 to 100 percent are possible")]
    AssetShare(u8),
    /// A ping names both a peer and an asset.
    #[error("peerId and assetId are given, and one of them is expected")]
    PingOverBoth,
}

impl From<MoreThanWhole> for PeerError {
    fn from(MoreThanWhole(percent): MoreThanWhole) -> Self {
        Self::AssetShare(percent)
    }
}

impl From<Infallible> for PeerError {
    fn from(never: Infallible) -> Self {
        match never {}
    }
}

impl PeerError {
    /// Returns the reason.
    #[must_use]
    pub fn reason(&self) -> Reason {
        match self {
            Self::Unknown => Reason::UnknownPeer,
            Self::Duplicate => Reason::DuplicatePeer,
            Self::DuplicateIncomingToken | Self::IncomingTokenTwice => {
                Reason::DuplicateIncomingToken
            }
            Self::Address(_) | Self::Destination(_) | Self::Routes(_) => Reason::InvalidIlpAddress,
            Self::Endpoint(_) | Self::EndpointNotPublic(_) => Reason::InvalidHttpEndpoint,
            Self::Name(_) => Reason::InvalidName,
            Self::OutgoingToken(_) => Reason::InvalidOutgoingToken,
            Self::IncomingToken(_)
            | Self::NoIncomingToken
            | Self::TooManyIncomingTokens(_)
            | Self::IncomingTokenUnnamed => Reason::InvalidIncomingToken,
            Self::UnknownIncomingToken => Reason::UnknownIncomingToken,
            Self::MaxPacketAmountZero => Reason::InvalidMaxPacketAmount,
            Self::Spread(_) => Reason::InvalidSpread,
            Self::AssetShare(_) => Reason::InvalidAssetShare,
            Self::PingOverBoth => Reason::InvalidPing,
        }
    }

    /// Returns the input that the refusal is about.
    #[must_use]
    pub fn field(&self) -> Option<Field> {
        Some(match self {
            Self::Unknown | Self::PingOverBoth => Field::PeerId,
            Self::Duplicate | Self::Address(_) => Field::StaticIlpAddress,
            Self::Destination(_) => Field::Address,
            Self::DuplicateIncomingToken
            | Self::IncomingTokenTwice
            | Self::IncomingToken(_)
            | Self::NoIncomingToken
            | Self::TooManyIncomingTokens(_) => Field::IncomingTokens,
            Self::IncomingTokenUnnamed | Self::UnknownIncomingToken => Field::TokenId,
            Self::Routes(_) => Field::Routes,
            Self::Endpoint(_) | Self::EndpointNotPublic(_) => Field::Endpoint,
            Self::Name(_) => Field::Name,
            Self::OutgoingToken(_) => Field::OutgoingToken,
            Self::MaxPacketAmountZero => Field::MaxPacketAmount,
            Self::Spread(_) => Field::SpreadBasisPoints,
            Self::AssetShare(_) => Field::AssetShareInFlightPercentMax,
        })
    }
}

/// The fault of an ILP address that a peer may not have.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PeerAddressError {
    /// The text is not an ILP address.
    #[error(transparent)]
    Malformed(#[from] AddressError),
    /// The address is in the scheme `peer.`.
    #[error("{PEER_SCHEME}")]
    PeerScheme,
    /// The address is this node's own.
    #[error("{0} is this node's own address")]
    Own(interledger_packet::Address),
    /// The address lies below this node's own.
    #[error("it lies below this node's own")]
    BelowOwn,
}

/// The fault of a list of routes.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RouteError {
    /// This many routes are more than a peer may have.
    #[error("{0} given, at most {ROUTES_MAX} are taken")]
    TooMany(usize),
    /// A text is not a prefix of ILP addresses.
    #[error(transparent)]
    Malformed(#[from] AddressError),
    /// A prefix is in the scheme `peer.`.
    #[error("{PEER_SCHEME}")]
    PeerScheme,
}

const PEER_SCHEME: &str = "addresses in peer. mean the direct neighbour and are never routed";

/// The fault of a token that can't stand in a header. The message doesn't repeat the token, which
/// may be right but for one character.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// The token is empty.
    #[error("it is empty")]
    Empty,
    /// The token has this many bytes.
    #[error("it has {0} bytes, at most {TOKEN_BYTES_MAX} are taken")]
    TooLong(usize),
    /// The character at this position, counted from one, has no place in a header.
    #[error(
        "character {0} can't stand in an HTTP header; letters, digits and visible ASCII signs can"
    )]
    Character(usize),
}
