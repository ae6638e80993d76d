//! Packets, a sample of them.

use async_graphql::{
    Enum, ID, SimpleObject,
    futures_util::{Stream, stream},
};
use ilp_connector::samples::{Outcome, Party, Sample};
use ilp_operator::{Operator, PacketsSeen};

use crate::schema::forms::{amount::Amount, scalars::UInt64};

/// Some of the packets that ended here.
#[derive(SimpleObject)]
pub(crate) struct PacketSample {
    /// At most 25 packets of a quarter of a second, in the order in which they ended.
    packets: Vec<SampledPacket>,
    /// The number of further packets since the last sample.
    passed_over: UInt64,
}

/// A packet that ended here. Its data, its condition and its destination are not shown.
#[derive(SimpleObject)]
pub(crate) struct SampledPacket {
    /// The time of its end, such as `2026-11-23T12:00:00.000Z`.
    at: String,
    /// The packet's source, and the amount that it had there.
    source: PacketParty,
    /// The packet's target, and the amount that it had there; null when it was refused before it
    /// was sent on.
    destination: Option<PacketParty>,
    /// The outcome.
    outcome: PacketOutcome,
    /// The ILP error code of its Reject, such as `T04`; null for a fulfilled one.
    error_code: Option<String>,
    /// The reason why this node refused it, such as `liquidity`: the names of
    /// `jirani_refusals_total`. Null unless this node did.
    cause: Option<String>,
}

/// The source or the target of a packet.
#[derive(SimpleObject)]
pub(crate) struct PacketParty {
    /// The kind of the source or target.
    kind: PacketPartyKind,
    /// The peer's id; null unless it is a peer.
    peer_id: Option<ID>,
    /// The peer's ILP address; null unless it is a peer that is still there.
    peer_address: Option<String>,
    /// The amount that the packet carried there; null for a packet that moves no money.
    amount: Option<Amount>,
}

/// The kind of a packet's source or target.
#[derive(Clone, Copy, Enum, Eq, PartialEq)]
pub(crate) enum PacketPartyKind {
    /// A peer.
    Peer,
    /// The wallet addresses and payments of this node.
    Accounts,
    /// This node itself, with a question that moves no money.
    Node,
}

/// The outcome of a packet.
#[derive(Clone, Copy, Enum, Eq, PartialEq)]
pub(crate) enum PacketOutcome {
    /// With a Fulfill.
    Fulfilled,
    /// With a Reject of a node further on.
    Rejected,
    /// With a Reject of this node.
    Refused,
}

/// Samples, for as long as somebody reads them.
pub(crate) fn follow(operator: Operator) -> impl Stream<Item = PacketSample> {
    let watch = operator.peers().watch_packets();
    stream::unfold((operator, watch), async |(operator, mut watch)| {
        let PacketsSeen { packets, passed_over } = watch.next().await?;
        let packets = packets.iter().map(|packet| SampledPacket::new(&operator, packet)).collect();
        Some((PacketSample { packets, passed_over: passed_over.into() }, (operator, watch)))
    })
}

impl SampledPacket {
    fn new(operator: &Operator, packet: &Sample) -> Self {
        let Sample { at, from, to, amount_in, amount_out, outcome } = packet;
        let (kind, code, cause) = match outcome {
            Outcome::Fulfilled => (PacketOutcome::Fulfilled, None, None),
            Outcome::Rejected(code) => (PacketOutcome::Rejected, Some(*code), None),
            Outcome::Refused(why) => (PacketOutcome::Refused, Some(why.code()), Some(why.label())),
        };
        let destination = to.as_ref().map(|to| PacketParty::new(operator, to, *amount_out));
        Self {
            at: at.to_string(),
            source: PacketParty::new(operator, from, *amount_in),
            destination,
            outcome: kind,
            error_code: code.map(|code| code.to_string()),
            cause: cause.map(str::to_owned),
        }
    }
}

impl PacketParty {
    fn new(operator: &Operator, party: &Party, amount: u64) -> Self {
        let none =
            Self { kind: PacketPartyKind::Node, peer_id: None, peer_address: None, amount: None };
        match party {
            Party::Peer { id, asset } => Self {
                kind: PacketPartyKind::Peer,
                peer_id: Some((*id).into()),
                peer_address: operator.peers().address(*id),
                amount: Some(Amount::new(amount, &asset.code, asset.scale)),
            },
            Party::Accounts((code, scale)) => Self {
                kind: PacketPartyKind::Accounts,
                amount: Some(Amount::new(amount, code, *scale)),
                ..none
            },
            Party::Node => none,
        }
    }
}
