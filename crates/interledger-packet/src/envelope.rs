//! The type and length around every packet (IL-RFC 27, "Type-Length Wrapper").

use bytes::{BufMut, BytesMut};

use crate::{
    address::Addr,
    address_check::check_address,
    error::{BuildError, ParseError},
    limits::{
        MAX_ADDRESS_BYTES, MAX_DATA_BYTES, MAX_PREPARE_CONTENTS_BYTES, MAX_REJECT_CONTENTS_BYTES,
        TYPE_BYTES,
    },
    oer::{Reader, put_length, var_octets_bytes},
};

/// The three kinds of packet, with the byte that opens each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum PacketType {
    /// A request to forward money.
    Prepare = 12,
    /// The money has arrived.
    Fulfill = 13,
    /// The money has not moved.
    Reject = 14,
}

impl PacketType {
    /// The type byte.
    #[must_use]
    pub const fn to_byte(self) -> u8 {
        match self {
            Self::Prepare => 12,
            Self::Fulfill => 13,
            Self::Reject => 14,
        }
    }

    /// The type that a byte stands for, if any.
    #[must_use]
    pub const fn from_byte(byte: u8) -> Option<Self> {
        Some(match byte {
            12 => Self::Prepare,
            13 => Self::Fulfill,
            14 => Self::Reject,
            _ => return None,
        })
    }

    const fn described(self) -> &'static str {
        match self {
            Self::Prepare => "12 (Prepare)",
            Self::Fulfill => "13 (Fulfill)",
            Self::Reject => "14 (Reject)",
        }
    }
}

/// Checks type and length. The returned reader stands at the contents and ends with them, whatever
/// follows them in `bytes`.
#[inline]
pub(crate) fn open(bytes: &[u8], expected: PacketType) -> Result<Reader<'_>, ParseError> {
    let mut reader = Reader::new(bytes);
    let found = reader.u8("type")?;
    if found != expected.to_byte() {
        return Err(ParseError::WrongType { expected: expected.described(), found });
    }
    let length = reader.length("packet")?;
    let maximum = match expected {
        PacketType::Prepare => MAX_PREPARE_CONTENTS_BYTES,
        PacketType::Fulfill | PacketType::Reject => MAX_REJECT_CONTENTS_BYTES,
    };
    if length > maximum {
        let (field, offset, unit) = ("packet", reader.offset(), "bytes");
        return Err(ParseError::TooLong { field, offset, found: length, maximum, unit });
    }
    reader.limit("packet", length)?;
    Ok(reader)
}

/// A buffer that just fits a packet with contents of `contents_bytes`, with type and length in it;
/// and the offset at which the contents begin.
#[inline]
pub(crate) fn begin(packet_type: PacketType, contents_bytes: usize) -> (BytesMut, usize) {
    let capacity = var_octets_bytes(contents_bytes).saturating_add(TYPE_BYTES);
    let mut buffer = BytesMut::with_capacity(capacity);
    buffer.put_u8(packet_type.to_byte());
    put_length(&mut buffer, contents_bytes);
    let contents = buffer.len();
    (buffer, contents)
}

/// Reads an address; IL-RFC 15 gives its grammar.
#[inline]
pub(crate) fn read_address<'a>(
    reader: &mut Reader<'a>,
    field: &'static str,
) -> Result<Addr<'a>, ParseError> {
    let bytes = reader.var_octets(field, MAX_ADDRESS_BYTES)?;
    match check_address(bytes) {
        Ok(()) => Ok(Addr::from_checked(bytes)),
        Err(problem) => {
            let offset = reader.offset().saturating_sub(bytes.len());
            Err(ParseError::Address { field, offset, problem })
        }
    }
}

/// The offsets of the end of a packet in the bytes that it was read from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Tail {
    /// The offset at which the data begins, behind its length.
    pub(crate) data_offset: usize,
    /// The offset at which the data ends and fields of a later version begin.
    pub(crate) data_end: usize,
    /// The offset at which the packet ends.
    pub(crate) packet_end: usize,
}

/// Reads `data`, the last field of every packet, and leaves what follows it unread.
#[inline]
pub(crate) fn read_data(mut reader: Reader<'_>) -> Result<Tail, ParseError> {
    let data = reader.var_octets("data", MAX_DATA_BYTES)?;
    let data_end = reader.offset();
    Ok(Tail {
        data_offset: data_end.saturating_sub(data.len()),
        data_end,
        packet_end: data_end.saturating_add(reader.remaining()),
    })
}

/// Refuses data that no packet carries.
pub(crate) const fn check_data(data: &[u8]) -> Result<(), BuildError> {
    if data.len() > MAX_DATA_BYTES {
        return Err(BuildError::TooLong {
            field: "data",
            found: data.len(),
            maximum: MAX_DATA_BYTES,
            unit: "bytes",
        });
    }
    Ok(())
}

/// The field of `N` bytes at `offset` of a packet that was parsed or built by this crate.
#[inline]
pub(crate) fn array_at<const N: usize>(packet: &[u8], offset: usize) -> &[u8; N] {
    packet
        .get(offset..)
        .and_then(|rest| rest.first_chunk())
        .expect("the field's place was checked when the packet was made")
}

/// The bytes from `begin` to `end` of a packet that was parsed or built by this crate.
#[inline]
pub(crate) fn slice_at(packet: &[u8], begin: usize, end: usize) -> &[u8] {
    packet.get(begin..end).expect("the field's place was checked when the packet was made")
}
