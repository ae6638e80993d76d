//! The reply that moves no money.

use std::{borrow::Cow, fmt};

use bytes::{BufMut, Bytes};

use crate::{
    address::Addr,
    amount_too_large::AmountTooLarge,
    envelope::{self, PacketType, Tail, slice_at},
    error::{BuildError, ParseError},
    error_code::ErrorCode,
    limits::{CODE_BYTES, MAX_MESSAGE_BYTES, MAX_MESSAGE_CHARACTERS},
    oer::{Reader, put_var_octets, var_octets_bytes},
};

/// An ILP Reject (IL-RFC 27, "ILP Reject"). A clone shares the bytes; a connector passes them on
/// untouched.
#[derive(Clone, PartialEq, Eq)]
pub struct Reject {
    buffer: Bytes,
    code: ErrorCode,
    /// The offset of the field's first byte, behind its length; likewise the offsets of the other
    /// fields.
    triggered_by_offset: usize,
    triggered_by_end: usize,
    message_offset: usize,
    message_end: usize,
    data_offset: usize,
    /// The offset at which the data ends; fields of a later version reach from there to the end of
    /// the buffer.
    data_end: usize,
}

impl Reject {
    /// Checks that `buffer` begins with a Reject in canonical form. Bytes behind the packet are cut
    /// off. Nothing is copied.
    ///
    /// An empty `triggeredBy` is accepted: its type in the ASN.1 of IL-RFC 27 allows it, and nodes
    /// without an address send it. Anything else there that is not an address is refused, because
    /// the senders in use refuse such a Reject whole and would never see its code. A message that
    /// is not UTF-8 is accepted: it is for people to read, and no reason to lose the code.
    ///
    /// # Errors
    /// [`ParseError`] with the first field that is wrong and its offset.
    pub fn parse(mut buffer: Bytes) -> Result<Self, ParseError> {
        let mut reader = envelope::open(&buffer, PacketType::Reject)?;
        let offset = reader.offset();
        let found = *reader.array::<CODE_BYTES>("code")?;
        let code = ErrorCode::from_bytes(found).ok_or(ParseError::ErrorCode { offset, found })?;
        let triggered_by_bytes = read_triggered_by(&mut reader)?;
        let triggered_by_end = reader.offset();
        let message = reader.var_octets("message", MAX_MESSAGE_BYTES)?;
        let message_end = reader.offset();
        let message_offset = message_end.saturating_sub(message.len());
        if let Some(found) = too_many_characters(message) {
            return Err(ParseError::TooLong {
                field: "message",
                offset: message_offset,
                found,
                maximum: MAX_MESSAGE_CHARACTERS,
                unit: "characters",
            });
        }
        let triggered_by_offset = triggered_by_end.saturating_sub(triggered_by_bytes);
        let Tail { data_offset, data_end, packet_end } = envelope::read_data(reader)?;
        buffer.truncate(packet_end);
        Ok(Self {
            buffer,
            code,
            triggered_by_offset,
            triggered_by_end,
            message_offset,
            message_end,
            data_offset,
            data_end,
        })
    }

    /// A Reject with a message and no data. A message beyond [`MAX_MESSAGE_CHARACTERS`] is cut.
    #[must_use]
    pub fn new(code: ErrorCode, triggered_by: Option<Addr<'_>>, message: &str) -> Self {
        let end = message.char_indices().nth(MAX_MESSAGE_CHARACTERS).map(|(offset, _)| offset);
        let message = end.and_then(|end| message.get(..end)).unwrap_or(message).as_bytes();
        RejectBuilder { code, triggered_by, message, data: &[] }.write()
    }

    /// The F08 that says how much too large a packet was.
    #[must_use]
    pub fn amount_too_large(triggered_by: Option<Addr<'_>>, details: AmountTooLarge) -> Self {
        let code = ErrorCode::F08_AMOUNT_TOO_LARGE;
        let message = b"the packet is larger than this node forwards";
        RejectBuilder { code, triggered_by, message, data: &details.to_data() }.write()
    }

    /// Returns the reason why the packet was rejected.
    #[must_use]
    pub const fn code(&self) -> ErrorCode {
        self.code
    }

    /// The node that rejected it, where it says so.
    #[must_use]
    pub fn triggered_by(&self) -> Option<Addr<'_>> {
        let bytes = slice_at(&self.buffer, self.triggered_by_offset, self.triggered_by_end);
        (!bytes.is_empty()).then(|| Addr::from_checked(bytes))
    }

    /// Returns the node's message to people. It is UTF-8 by the RFC, but peers send anything; see
    /// [`Reject::message_lossy`].
    #[must_use]
    pub fn message(&self) -> &[u8] {
        slice_at(&self.buffer, self.message_offset, self.message_end)
    }

    /// Returns the message as text, with U+FFFD for what is not UTF-8. It comes from a stranger, so
    /// it must be escaped where it is shown.
    #[must_use]
    pub fn message_lossy(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(self.message())
    }

    /// Returns the node's data for the sender's software; at most [`crate::MAX_DATA_BYTES`].
    #[must_use]
    pub fn data(&self) -> &[u8] {
        slice_at(&self.buffer, self.data_offset, self.data_end)
    }

    /// Returns the fields of a later version, unread. They stay in the packet and are passed on
    /// with it.
    #[must_use]
    pub fn extension(&self) -> &[u8] {
        slice_at(&self.buffer, self.data_end, self.buffer.len())
    }

    /// The whole packet.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.buffer
    }

    /// The whole packet, to be sent.
    #[must_use]
    pub fn into_bytes(self) -> Bytes {
        self.buffer
    }

    /// The data alone, sharing the packet's bytes.
    #[must_use]
    pub fn into_data(mut self) -> Bytes {
        self.buffer.truncate(self.data_end);
        self.buffer.split_off(self.data_offset)
    }
}

impl fmt::Debug for Reject {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Reject")
            .field("code", &self.code)
            .field("triggered_by", &self.triggered_by())
            .field("message", &self.message_lossy())
            .field("data_bytes", &self.data().len())
            .finish_non_exhaustive()
    }
}

/// The fields of a [`Reject`] that is to be made.
#[derive(Clone, Copy, Debug)]
pub struct RejectBuilder<'a> {
    /// The reason why the packet is rejected.
    pub code: ErrorCode,
    /// The node that rejects it; `None` writes an empty field.
    pub triggered_by: Option<Addr<'a>>,
    /// The message for people, in UTF-8; at most [`MAX_MESSAGE_CHARACTERS`].
    pub message: &'a [u8],
    /// The data for software; at most [`crate::MAX_DATA_BYTES`].
    pub data: &'a [u8],
}

impl RejectBuilder<'_> {
    /// Writes the packet. For a Reject without data, [`Reject::new`] can't fail.
    ///
    /// # Errors
    /// [`BuildError::TooLong`] when the message or the data is longer than a packet carries.
    pub fn build(&self) -> Result<Reject, BuildError> {
        if let Some(found) = too_many_characters(self.message) {
            let maximum = MAX_MESSAGE_CHARACTERS;
            return Err(BuildError::TooLong {
                field: "message",
                found,
                maximum,
                unit: "characters",
            });
        }
        if self.message.len() > MAX_MESSAGE_BYTES {
            let (found, maximum) = (self.message.len(), MAX_MESSAGE_BYTES);
            return Err(BuildError::TooLong { field: "message", found, maximum, unit: "bytes" });
        }
        envelope::check_data(self.data)?;
        Ok(self.write())
    }

    /// Writes the packet; message and data must have been checked.
    fn write(&self) -> Reject {
        let triggered_by = self.triggered_by.map_or(&[][..], Addr::as_bytes);
        let contents_bytes = [triggered_by.len(), self.message.len(), self.data.len()]
            .map(var_octets_bytes)
            .into_iter()
            .fold(CODE_BYTES, usize::saturating_add);
        let (mut buffer, _) = envelope::begin(PacketType::Reject, contents_bytes);
        buffer.put_slice(&self.code.to_bytes());
        put_var_octets(&mut buffer, triggered_by);
        let triggered_by_end = buffer.len();
        put_var_octets(&mut buffer, self.message);
        let message_end = buffer.len();
        put_var_octets(&mut buffer, self.data);
        Reject {
            code: self.code,
            triggered_by_offset: triggered_by_end.saturating_sub(triggered_by.len()),
            triggered_by_end,
            message_offset: message_end.saturating_sub(self.message.len()),
            message_end,
            data_offset: buffer.len().saturating_sub(self.data.len()),
            data_end: buffer.len(),
            buffer: buffer.freeze(),
        }
    }
}

/// Reads `triggeredBy`, an address or nothing; how many bytes it has.
fn read_triggered_by(reader: &mut Reader<'_>) -> Result<usize, ParseError> {
    let mut ahead = reader.clone();
    if ahead.length("triggeredBy")? == 0 {
        *reader = ahead;
        return Ok(0);
    }
    envelope::read_address(reader, "triggeredBy").map(|address| address.as_bytes().len())
}

/// How many characters a message has, when they are too many. Bytes that continue a character
/// don't count; so the count is exact for UTF-8, and for other bytes it is some bound.
fn too_many_characters(message: &[u8]) -> Option<usize> {
    if message.len() <= MAX_MESSAGE_CHARACTERS {
        return None;
    }
    let characters = message.iter().filter(|&&byte| byte & 0b1100_0000 != 0b1000_0000).count();
    (characters > MAX_MESSAGE_CHARACTERS).then_some(characters)
}

#[cfg(test)]
mod tests;
