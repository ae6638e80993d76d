//! Refusals of peering requests, in both directions.

use std::fmt;

use ilp_net::UrlError;
use interledger_packet::Address;

use crate::vocabulary::{error::box_error::BoxError, field::Field, name::steers, reason::Reason};

/// A refusal of an operation on peering requests.
#[derive(Debug, thiserror::Error)]
pub enum PeeringError {
    /// The peering request doesn't exist.
    #[error("unknown peering request")]
    UnknownRequest,
    /// This node doesn't have the asset that another node asks for.
    #[error("Unknown asset")]
    UnknownAsset,
    /// The ILP address that another node gives belongs to a peer, or to a node that asked before.
    #[error("Invalid peering request: {0}")]
    AddressTaken(AddressClaim),
    /// Too many peers were made without the operator.
    #[error("this node takes no more peers by itself: ask its operator")]
    TooManyPeers,
    /// Too many requests wait for the operator.
    #[error("as many requests wait for this node's operator as may: try again later")]
    TooManyRequests,
    /// No node takes peering requests at the URL.
    #[error("Peer URL is invalid or peer does not support auto-peering: {0}")]
    Unsupported(NoPeeringNode),
    /// The other node doesn't have the asset.
    #[error("Peer does not support asset")]
    PeerLacksAsset,
    /// The other node finds this node's ILP address or endpoint wrong.
    #[error("The ILP configuration is misconfigured: the peer says: {0}")]
    PeerRefusesConfiguration(PeerMessage),
    /// The other node's answer makes no peer.
    #[error("Invalid peering request: {0}")]
    Answer(AnswerError),
}

impl PeeringError {
    /// Returns the reason.
    #[must_use]
    pub fn reason(&self) -> Reason {
        match self {
            Self::UnknownRequest => Reason::UnknownPeeringRequest,
            Self::UnknownAsset => Reason::UnknownAsset,
            Self::AddressTaken(_) => Reason::IlpAddressTaken,
            Self::TooManyPeers => Reason::TooManyPeers,
            Self::TooManyRequests => Reason::TooManyPeeringRequests,
            Self::Unsupported(_) => Reason::PeeringUnsupported,
            Self::PeerLacksAsset => Reason::PeerLacksAsset,
            Self::PeerRefusesConfiguration(_) => Reason::PeerRefusesConfiguration,
            Self::Answer(_) => Reason::InvalidPeeringAnswer,
        }
    }

    /// Returns the input that the refusal is about.
    #[must_use]
    pub fn field(&self) -> Option<Field> {
        Some(match self {
            Self::UnknownRequest => Field::Id,
            Self::UnknownAsset | Self::PeerLacksAsset => Field::AssetId,
            Self::AddressTaken(_) => Field::StaticIlpAddress,
            Self::Unsupported(_) => Field::PeerUrl,
            Self::TooManyPeers
            | Self::TooManyRequests
            | Self::PeerRefusesConfiguration(_)
            | Self::Answer(_) => return None,
        })
    }
}

/// The claim of another node to the ILP address that a node gives.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AddressClaim {
    /// A peer has the address, and the node doesn't show the token of that peer.
    #[error(
        "a peer has this ILP address; it changes its terms by showing its current token as \
         Authorization: Bearer"
    )]
    Peer,
    /// Another node asked for the address.
    #[error("another request for this ILP address waits to be approved")]
    Request,
    /// The address would take packets from a peer.
    #[error("{warning}: its operator and this node's must arrange that")]
    Packets {
        /// The packets, and the peer that has them.
        warning: String,
    },
}

/// The reason why no node takes peering requests at a URL.
#[derive(Debug, thiserror::Error)]
pub enum NoPeeringNode {
    /// The text has no scheme.
    #[error("a URL such as https://peering.example is expected")]
    NoScheme,
    /// The text is not a URL that this node can use.
    #[error(transparent)]
    Url(#[from] UrlError),
    /// There is no answer.
    #[error("{0}")]
    Network(BoxError),
    /// The answer is not that of a node which was asked for a peering.
    #[error("it answers HTTP status {0}")]
    Status(u16),
}

/// The fault of another node's answer to a peering request.
#[derive(Debug, thiserror::Error)]
pub enum AnswerError {
    /// The answer is not that of a node which was asked for a peering.
    #[error("the answer is not that of a node which was asked")]
    Malformed,
    /// The other node refuses.
    #[error("the peer says: {0}")]
    Refused(PeerMessage),
    /// The other node's endpoint is not a URL that this node can use.
    #[error(transparent)]
    Endpoint(#[from] UrlError),
    /// The other node's endpoint leads into a private network, or to this machine.
    #[error("{0}")]
    EndpointNotPublic(BoxError),
    /// A peer of the asset has the address and was made in another way.
    #[error(
        "a peer of this asset has the address that it answers with, and was not made at this URL: \
         delete or update that one by its id"
    )]
    PeerOfOtherOrigin,
    /// The node is a peer in another asset, and a peer of this asset has its address.
    #[error(
        "the node at this URL is the peer {address} in another asset, and a peer of this asset has that \
         address and was not made at this URL: delete or update that one by its id. The node was not \
         asked"
    )]
    PeerInOtherAsset {
        /// The address of the peer.
        address: String,
    },
    /// The address lies below this node's own.
    #[error("it answers with an address that lies below this node's own")]
    BelowOwn,
    /// The address would take packets from a peer.
    #[error(
        "it answers with the address {address}, and packets to {prefix} are those of the peer {peer}: \
         if that is meant, create the peer yourself"
    )]
    TakesPackets {
        /// The address that the node gives.
        address: String,
        /// The prefix of the addresses to which the packets go.
        prefix: String,
        /// The address of the peer.
        peer: Address,
    },
    /// The answer has a part that a peer may not have.
    #[error("the answer makes no peer: {0}")]
    MakesNoPeer(BoxError),
}

/// A message from another node, such that it can stand in a sentence of this node: bounded, and
/// without characters that steer what is shown beside it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PeerMessage(String);

impl PeerMessage {
    /// Returns what of another node's text is shown.
    #[must_use]
    pub fn new(text: &str) -> Self {
        Self(text.chars().filter(|character| !steers(*character)).take(200).collect())
    }
}

impl fmt::Display for PeerMessage {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}
