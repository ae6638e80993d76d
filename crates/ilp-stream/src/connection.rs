//! The payer's end of a connection: packets out, and what their replies say.

use bytes::{Bytes, BytesMut};
use interledger_packet::{
    Address, AmountTooLarge, ErrorCode, PacketType, Prepare, PrepareBuilder, Reject, Reply,
    Timestamp,
};

use crate::{
    crypto::{Keys, Random, SharedSecret, condition_of, random_array},
    frame::{CloseCode, Frame},
    packet::{StreamPacket, StreamPacketBuilder},
    receiver::Asset,
};

/// The one stream that payments use. Payers' streams are odd, and 1 is the first.
pub(crate) const STREAM_ID: u64 = 1;

/// No more packets than this under one secret (IL-RFC 29, 5.1.3): AES-GCM is not safe beyond 2^32,
/// and both ends use the key.
pub(crate) const SEQUENCE_MAX: u64 = 1 << 31;

/// Frames besides those that a packet is sent for.
const GREETING: [Frame<'static>; 2] = [
    // Neither other streams than the one we open nor any data are wanted from the other end.
    Frame::ConnectionMaxStreamId { max_stream_id: STREAM_ID },
    Frame::ConnectionMaxData { max_offset: 0 },
];

/// The reason why a Prepare has no reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoReply {
    /// None came before it expired. Counts as R00.
    InTime,
    /// The next hop could not be reached or did not answer as ILP nodes do. Counts as T01.
    FromLink,
}

/// The payer's end.
#[derive(Clone, Debug)]
pub(crate) struct Connection {
    destination: Address,
    keys: Keys,
    next_sequence: u64,
    /// The recipient has answered, so it knows what the greeting says.
    is_established: bool,
    packet_lifetime_ms: u64,
    padded_bytes: usize,
}

/// A Prepare that is to be written.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Draft<'a> {
    pub(crate) amount: u64,
    /// The least amount that must arrive.
    pub(crate) minimum: u64,
    pub(crate) is_fulfillable: bool,
    pub(crate) frame: Option<Frame<'a>>,
}

/// A Prepare that was written.
pub(crate) struct Written {
    pub(crate) sequence: u64,
    pub(crate) prepare: Prepare,
    /// The fulfillment that a Fulfill must contain, if there can be one.
    pub(crate) fulfillment: Option<[u8; 32]>,
}

/// The error that as many packets as one secret is good for have been sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Exhausted;

/// The contents of a reply.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) result: PacketResult,
    /// The recipient's statements, if they are surely the recipient's.
    pub(crate) recipient: Option<RecipientSays>,
}

/// The outcome of a packet.
#[derive(Debug)]
pub(crate) enum PacketResult {
    Fulfilled,
    /// A Fulfill that isn't one: its preimage is not that of our condition.
    WrongFulfillment,
    Rejected(Rejection),
}

/// The reason why a packet was rejected. Any node on the path may have given it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejection {
    /// The ILP error code.
    pub code: ErrorCode,
    /// The node that rejected it, where it says so.
    pub triggered_by: Option<Address>,
    /// The node's message to people, shortened and escaped.
    pub message: String,
    pub(crate) too_large: Option<AmountTooLarge>,
}

/// The authentic part of a reply.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct RecipientSays {
    /// This arrived.
    pub(crate) amount: u64,
    pub(crate) asset: Option<Asset>,
    /// The total that the stream takes.
    pub(crate) receive_max: Option<u64>,
    pub(crate) close: Option<(CloseCode, String)>,
}

/// The maximum length of a stranger's message that is kept.
const MESSAGE_CHARACTERS_MAX: usize = 200;

impl Connection {
    pub(crate) fn new(
        destination: Address,
        shared_secret: &SharedSecret,
        first_sequence: u64,
        packet_lifetime_ms: u64,
        padded_bytes: usize,
    ) -> Self {
        Self {
            destination,
            keys: Keys::new(shared_secret),
            next_sequence: first_sequence,
            is_established: false,
            packet_lifetime_ms,
            padded_bytes,
        }
    }

    pub(crate) const fn next_sequence(&self) -> u64 {
        self.next_sequence
    }

    /// Writes the next Prepare. Each has a sequence of its own, so a retry is a new packet.
    pub(crate) fn write(
        &mut self,
        draft: &Draft<'_>,
        now: Timestamp,
        random: &mut impl Random,
    ) -> Result<Written, Exhausted> {
        if self.next_sequence > SEQUENCE_MAX {
            return Err(Exhausted);
        }
        let sequence = self.next_sequence;
        self.next_sequence += 1;
        let [stream_limit, data_limit] = GREETING;
        let frames = [draft.frame.unwrap_or(stream_limit), stream_limit, data_limit];
        let begin = usize::from(draft.frame.is_none());
        let end = if self.is_established { 1 } else { frames.len() };
        let packet = StreamPacketBuilder {
            packet_type: PacketType::Prepare,
            sequence,
            amount: draft.minimum,
            frames: frames.get(begin..end).unwrap_or_default(),
            padded_bytes: self.padded_bytes,
        };
        let data = packet.encrypt(&self.keys, random).expect("the padding's length was bounded");
        let fulfillment = draft.is_fulfillable.then(|| self.keys.fulfillment(&data));
        // A packet that must not be fulfilled has a random condition, whose preimage is unknown.
        let condition = fulfillment.as_ref().map_or_else(|| random_array(random), condition_of);
        let prepare = PrepareBuilder {
            amount: draft.amount,
            expires_at: now.saturating_add_ms(self.packet_lifetime_ms),
            execution_condition: &condition,
            destination: self.destination.as_addr(),
            data: &data,
        };
        let prepare = prepare.build().expect("encrypted packets are as long as data may be");
        Ok(Written { sequence, prepare, fulfillment })
    }

    /// Reads the reply to packet `sequence`.
    pub(crate) fn read(
        &mut self,
        sequence: u64,
        fulfillment: Option<&[u8; 32]>,
        reply: Result<Bytes, NoReply>,
    ) -> Answer {
        let reply = match reply.map(Reply::parse) {
            Ok(Ok(reply)) => reply,
            // The next hop doesn't speak ILP at the moment.
            Ok(Err(_)) => return Answer::of_code(ErrorCode::T00_INTERNAL_ERROR),
            Err(NoReply::FromLink) => return Answer::of_code(ErrorCode::T01_PEER_UNREACHABLE),
            Err(NoReply::InTime) => return Answer::of_code(ErrorCode::R00_TRANSFER_TIMED_OUT),
        };
        let (result, packet_type, data) = match &reply {
            Reply::Fulfill(fulfill) if fulfillment == Some(fulfill.fulfillment()) => {
                (PacketResult::Fulfilled, PacketType::Fulfill, fulfill.data())
            }
            Reply::Fulfill(_) => {
                return Answer { result: PacketResult::WrongFulfillment, recipient: None };
            }
            Reply::Reject(reject) => {
                let rejection = Rejection::of(reject);
                (PacketResult::Rejected(rejection), PacketType::Reject, reject.data())
            }
        };
        let recipient = self.read_data(sequence, packet_type, data);
        self.is_established |= recipient.is_some();
        let result = match result {
            // The recipient's data is a STREAM packet, which leaves no room for an F08's numbers.
            PacketResult::Rejected(rejection) if recipient.is_some() => {
                PacketResult::Rejected(Rejection { too_large: None, ..rejection })
            }
            result => result,
        };
        Answer { result, recipient }
    }

    /// Reads the recipient's words: only if they decrypt, are about this packet and were written
    /// for this kind of reply. Otherwise a node on the path has made them up, or put them there
    /// from another reply.
    fn read_data(
        &self,
        sequence: u64,
        packet_type: PacketType,
        data: &[u8],
    ) -> Option<RecipientSays> {
        let mut data = BytesMut::from(data);
        let packet = StreamPacket::parse(self.keys.decrypt(&mut data)?).ok()?;
        if packet.sequence() != sequence || packet.packet_type() != packet_type {
            return None;
        }
        let mut says = RecipientSays { amount: packet.amount(), ..RecipientSays::default() };
        let mut application_data: &[u8] = b"";
        for frame in packet.frames() {
            match frame {
                Frame::ConnectionAssetDetails { code, scale } => {
                    says.asset = Some(Asset { code: code.to_owned(), scale });
                }
                Frame::StreamMaxMoney { stream_id: STREAM_ID, receive_max, .. } => {
                    says.receive_max = says.receive_max.max(Some(receive_max));
                }
                Frame::ConnectionClose { code, message }
                | Frame::StreamClose { stream_id: STREAM_ID, code, message } => {
                    says.close = Some((code, shown(&String::from_utf8_lossy(message))));
                }
                Frame::StreamData { stream_id: STREAM_ID, offset: 0, data } => {
                    application_data = data;
                }
                _ => {}
            }
        }
        // Rafiki gives its reason for a refusal as data, and no message in the frame that closes.
        if let Some((_, message)) = says.close.as_mut().filter(|(_, message)| message.is_empty()) {
            *message = shown(&String::from_utf8_lossy(application_data));
        }
        Some(says)
    }
}

impl Answer {
    /// The answer that a missing one stands for.
    fn of_code(code: ErrorCode) -> Self {
        let message = String::new();
        let rejection = Rejection { code, triggered_by: None, message, too_large: None };
        Self { result: PacketResult::Rejected(rejection), recipient: None }
    }
}

impl Rejection {
    fn of(reject: &Reject) -> Self {
        let is_too_large = reject.code() == ErrorCode::F08_AMOUNT_TOO_LARGE;
        Self {
            code: reject.code(),
            triggered_by: reject.triggered_by().map(Address::from),
            message: shown(&reject.message_lossy()),
            too_large: if is_too_large { AmountTooLarge::from_data(reject.data()) } else { None },
        }
    }
}

/// Such as `T04 (Insufficient Liquidity) from g.bank: too little liquidity`.
impl std::fmt::Display for Rejection {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{}", self.code)?;
        if let Some(name) = self.code.name() {
            write!(formatter, " ({name})")?;
        }
        if let Some(address) = &self.triggered_by {
            write!(formatter, " from {address}")?;
        }
        if !self.message.is_empty() {
            write!(formatter, ": {}", self.message)?;
        }
        Ok(())
    }
}

/// A stranger's text, short and without anything that could steer a terminal.
fn shown(text: &str) -> String {
    text.chars().take(MESSAGE_CHARACTERS_MAX).flat_map(char::escape_debug).collect()
}
