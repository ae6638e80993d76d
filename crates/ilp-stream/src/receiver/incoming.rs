//! A packet that has arrived, and the answers to it.

use std::fmt;

use bytes::Bytes;
use interledger_packet::{Address, ErrorCode, FulfillBuilder, PacketType, RejectBuilder, Reply};

use super::{
    Asset, ConnectionId,
    close::{Close, GOOD_BYE},
    token::TokenContents,
};
use crate::{
    connection::SEQUENCE_MAX,
    crypto::{Keys, Random},
    frame::{CloseCode, Frame},
    packet::{StreamPacket, StreamPacketBuilder},
};

/// The stream that payers use when they name none.
const DEFAULT_STREAM_ID: u64 = 1;

/// A packet of a connection of ours, of which it isn't known yet what it brings.
pub struct Arrival {
    request: Request,
    /// The amount that the payer demands to arrive, in the recipient's units.
    minimum: u64,
    is_farewell: bool,
    violation: Option<Close>,
    fulfillment: Option<[u8; 32]>,
}

/// A packet of a connection of ours.
#[derive(Debug)]
pub enum Incoming {
    /// Money that the recipient can take. Nothing is said to the payer yet.
    Money(Money),
    /// Nothing to take: a probe, a greeting or a farewell.
    Question(Question),
}

/// The amounts that a connection takes and has taken, in the recipient's units. Each answer tells
/// them to the payer. The maximum must never fall while a connection lasts (IL-RFC 29, 4.4.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// In all.
    pub receive_max: u64,
    /// So far, with what is being accepted.
    pub total_received: u64,
}

/// Money that can be taken: it is enough by the payer's own measure, and we know the fulfillment.
pub struct Money {
    request: Request,
    minimum: u64,
    fulfillment: [u8; 32],
}

/// A packet that brings no money.
pub struct Question {
    request: Request,
    kind: QuestionKind,
}

/// The reason why a packet brings no money.
enum QuestionKind {
    /// The packet says that the connection ends.
    Farewell,
    /// The packet breaks the protocol, so the connection ends.
    Violation(Close),
    /// The packet has a condition that the receiver can't fulfill, or less arrived than the payer
    /// demands. The answer tells what arrived, which is how a payer learns the rate.
    Probe,
    /// The packet is good, and its amount is 0.
    Empty { fulfillment: [u8; 32] },
}

impl Arrival {
    /// `fulfillment` is there if it fits the packet's condition.
    pub(super) fn new(
        request: Request,
        packet: &StreamPacket<'_>,
        fulfillment: Option<[u8; 32]>,
    ) -> Self {
        let is_farewell = has(packet, |frame| matches!(frame, Frame::ConnectionClose { .. }));
        let violation = Close::for_violation(packet);
        Self { request, minimum: packet.amount(), is_farewell, violation, fulfillment }
    }

    /// Returns the tag, as [`Incoming::tag`].
    #[must_use]
    pub const fn tag(&self) -> Option<&Bytes> {
        self.request.contents.tag.as_ref()
    }

    /// Tells money from questions, once it is known that `amount` arrives, in the recipient's units.
    #[must_use]
    pub fn brings(self, amount: u64) -> Incoming {
        let Self { request, minimum, is_farewell, violation, fulfillment } = self;
        let request = Request { amount, ..request };
        let kind = match (violation, fulfillment.filter(|_| amount >= minimum)) {
            _ if is_farewell => QuestionKind::Farewell,
            (Some(close), _) => QuestionKind::Violation(close),
            (None, Some(fulfillment)) if amount > 0 => {
                return Incoming::Money(Money { request, minimum, fulfillment });
            }
            (None, Some(fulfillment)) => QuestionKind::Empty { fulfillment },
            (None, None) => QuestionKind::Probe,
        };
        Incoming::Question(Question { request, kind })
    }
}

impl Incoming {
    /// Returns the account that the connection pays: the tag given to
    /// [`crate::Receiver::credentials`].
    #[must_use]
    pub const fn tag(&self) -> Option<&Bytes> {
        self.request().contents.tag.as_ref()
    }

    /// The asset that the credentials were made with.
    #[must_use]
    pub const fn asset(&self) -> Option<&Asset> {
        self.request().contents.asset.as_ref()
    }

    /// The connection, such as a key to what it has brought so far.
    #[must_use]
    pub const fn connection(&self) -> ConnectionId {
        self.request().connection
    }

    /// Returns the amount that arrived with this packet, in the recipient's units.
    #[must_use]
    pub const fn amount(&self) -> u64 {
        self.request().amount
    }

    const fn request(&self) -> &Request {
        match self {
            Self::Money(money) => &money.request,
            Self::Question(question) => &question.request,
        }
    }
}

impl Money {
    /// Returns the tag, as [`Incoming::tag`].
    #[must_use]
    pub const fn tag(&self) -> Option<&Bytes> {
        self.request.contents.tag.as_ref()
    }

    /// Returns the connection, as [`Incoming::connection`].
    #[must_use]
    pub const fn connection(&self) -> ConnectionId {
        self.request.connection
    }

    /// Returns the amount, as [`Incoming::amount`]; never 0.
    #[must_use]
    pub const fn amount(&self) -> u64 {
        self.request.amount
    }

    /// Returns the least that the payer demands to arrive, in the recipient's units.
    #[must_use]
    pub const fn minimum(&self) -> u64 {
        self.minimum
    }

    /// The Fulfill. It must not leave the node before the money is durably the recipient's.
    #[must_use]
    pub fn accept(self, limits: Option<Limits>, random: &mut impl Random) -> Reply {
        self.request.fulfill(&self.fulfillment, limits, random)
    }

    /// T00: not now, perhaps later.
    #[must_use]
    pub fn decline_for_now(self, random: &mut impl Random) -> Reply {
        let message = "the recipient can't take the money at the moment";
        self.request.reject(ErrorCode::T00_INTERNAL_ERROR, message, None, None, random)
    }

    /// Refuses the amount with F99. The connection stays open, and `limits` says what it still
    /// takes.
    #[must_use]
    pub fn decline(self, limits: Option<Limits>, random: &mut impl Random) -> Reply {
        let message = "the recipient takes less than this";
        self.request.reject(ErrorCode::F99_APPLICATION_ERROR, message, limits, None, random)
    }

    /// F99, and the connection ends: no more from this payer.
    #[must_use]
    pub fn decline_for_good(self, limits: Option<Limits>, random: &mut impl Random) -> Reply {
        let message = "the recipient takes no more money";
        let close = Some(GOOD_BYE);
        self.request.reject(ErrorCode::F99_APPLICATION_ERROR, message, limits, close, random)
    }

    /// Refuses the money with F99 and closes the connection with a flow control error: the payer
    /// knows the connection's limit, and has sent more.
    #[must_use]
    pub fn decline_beyond_limit(self, limits: Limits, random: &mut impl Random) -> Reply {
        let message = "this is more than the receiveMax that the payer was told";
        let close = Some(Close { code: CloseCode::FLOW_CONTROL_ERROR, message });
        let code = ErrorCode::F99_APPLICATION_ERROR;
        self.request.reject(code, message, Some(limits), close, random)
    }
}

impl Question {
    /// Returns the tag, as [`Incoming::tag`].
    #[must_use]
    pub const fn tag(&self) -> Option<&Bytes> {
        self.request.contents.tag.as_ref()
    }

    /// Returns the connection, as [`Incoming::connection`].
    #[must_use]
    pub const fn connection(&self) -> ConnectionId {
        self.request.connection
    }

    /// The answer; no money moves with it. A Fulfill if amount 0 was asked for, else F99.
    #[must_use]
    pub fn answer(self, limits: Option<Limits>, random: &mut impl Random) -> Reply {
        let code = ErrorCode::F99_APPLICATION_ERROR;
        match self.kind {
            QuestionKind::Empty { fulfillment } => {
                self.request.fulfill(&fulfillment, limits, random)
            }
            QuestionKind::Probe => self.request.reject(code, "", limits, None, random),
            QuestionKind::Farewell => self.request.reject(code, "", limits, Some(GOOD_BYE), random),
            QuestionKind::Violation(close) => {
                self.request.reject(code, close.message, limits, Some(close), random)
            }
        }
    }
}

/// The data that is needed to answer a packet.
pub(super) struct Request {
    /// The receiver's own, for `triggeredBy`.
    address: Address,
    /// In a box, because they are most of a kilobyte and the request is moved around.
    keys: Box<Keys>,
    connection: ConnectionId,
    contents: TokenContents,
    /// The amount that arrived; 0 as long as it isn't known.
    amount: u64,
    sequence: u64,
    /// The stream that the money is for, the first one if it is for several.
    stream_id: u64,
    /// The payer has said hello, which is the moment to name our asset.
    is_greeting: bool,
}

impl Request {
    pub(super) fn new(
        address: Address,
        keys: Box<Keys>,
        connection: ConnectionId,
        contents: TokenContents,
        packet: &StreamPacket<'_>,
    ) -> Self {
        let mut stream_ids = packet.frames().filter_map(|frame| match frame {
            Frame::StreamMoney { stream_id, .. } => Some(stream_id),
            _ => None,
        });
        Self {
            address,
            keys,
            connection,
            contents,
            amount: 0,
            sequence: packet.sequence(),
            stream_id: stream_ids.next().unwrap_or(DEFAULT_STREAM_ID),
            is_greeting: has(packet, |frame| matches!(frame, Frame::ConnectionNewAddress { .. })),
        }
    }

    fn fulfill(
        &self,
        fulfillment: &[u8; 32],
        limits: Option<Limits>,
        random: &mut impl Random,
    ) -> Reply {
        let data = &self.data(PacketType::Fulfill, limits, None, random);
        let fulfill = FulfillBuilder { fulfillment, data }.build();
        fulfill.expect("a few frames are shorter than what a packet carries").into()
    }

    fn reject(
        &self,
        code: ErrorCode,
        message: &str,
        limits: Option<Limits>,
        close: Option<Close>,
        random: &mut impl Random,
    ) -> Reply {
        let data = &self.data(PacketType::Reject, limits, close, random);
        let triggered_by = Some(self.address.as_addr());
        let reject = RejectBuilder { code, triggered_by, message: message.as_bytes(), data };
        reject.build().expect("a few frames are shorter than what a packet carries").into()
    }

    /// The encrypted answer: the payer's sequence, and what arrived.
    fn data(
        &self,
        packet_type: PacketType,
        limits: Option<Limits>,
        close: Option<Close>,
        random: &mut impl Random,
    ) -> Bytes {
        let mut frames = Vec::with_capacity(4);
        if self.is_greeting {
            frames.push(Frame::ConnectionMaxData { max_offset: 0 });
        }
        if let Some(asset) = self.contents.asset.as_ref().filter(|_| self.is_greeting) {
            frames.push(Frame::ConnectionAssetDetails { code: &asset.code, scale: asset.scale });
        }
        if let Some(Limits { receive_max, total_received }) = limits {
            let stream_id = self.stream_id;
            frames.push(Frame::StreamMaxMoney { stream_id, receive_max, total_received });
        }
        // The reply to the last packet that the secret may encrypt ends the connection too,
        // whatever became of that packet.
        let is_last = self.sequence >= SEQUENCE_MAX;
        if let Some(Close { code, message }) = close.or_else(|| is_last.then_some(GOOD_BYE)) {
            frames.push(Frame::ConnectionClose { code, message: message.as_bytes() });
        }
        let packet = StreamPacketBuilder {
            packet_type,
            sequence: self.sequence,
            amount: self.amount,
            frames: &frames,
            padded_bytes: 0,
        };
        packet
            .encrypt(&self.keys, random)
            .expect("an asset's code that fits in an address is short")
    }
}

fn has(packet: &StreamPacket<'_>, is_it: impl Fn(&Frame<'_>) -> bool) -> bool {
    packet.frames().any(|frame| is_it(&frame))
}

/// Shows neither keys nor the fulfillment, which is worth the packet's money.
impl fmt::Debug for Request {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Request")
            .field("connection", &self.connection)
            .field("amount", &self.amount)
            .field("sequence", &self.sequence)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Arrival {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("Arrival").field(&self.request).finish()
    }
}

impl fmt::Debug for Money {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("Money").field(&self.request).finish()
    }
}

impl fmt::Debug for Question {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("Question").field(&self.request).finish()
    }
}
