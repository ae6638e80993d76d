//! The request to forward money.

use std::fmt;

use bytes::{BufMut, Bytes, BytesMut};

use crate::{
    address::Addr,
    envelope::{self, PacketType, Tail, array_at, slice_at},
    error::{BuildError, ParseError},
    limits::{AMOUNT_BYTES, CONDITION_BYTES, EXPIRY_BYTES},
    oer::{put_var_octets, var_octets_bytes},
    timestamp::Timestamp,
};

/// `YYYYMMDD`, the part of an expiry before the clock.
const DATE_BYTES: usize = 8;

/// An ILP Prepare (IL-RFC 27, "ILP Prepare"): one buffer, the offsets of its fields, and its two
/// numbers already read.
///
/// A connector changes the amount and the expiry and nothing else, so only they can be set, and
/// both are written over the bytes in place.
#[derive(Clone, PartialEq, Eq)]
pub struct Prepare {
    buffer: BytesMut,
    /// Kept beside the bytes, because reading 17 digits again costs more than eight bytes of room.
    expires_at: Timestamp,
    amount: u64,
    /// The offset at which the amount begins; expiry and condition follow it at fixed distances.
    contents_offset: usize,
    destination_offset: usize,
    destination_end: usize,
    /// The offset at which the data begins, behind its length.
    data_offset: usize,
    /// The offset at which the data ends; fields of a later version reach from there to the end of
    /// the buffer.
    data_end: usize,
}

impl Prepare {
    /// Checks that `buffer` begins with a Prepare in canonical form and finds its fields. Bytes
    /// behind the packet are cut off. The buffer is kept: nothing is copied or allocated.
    ///
    /// # Errors
    /// [`ParseError`] with the first field that is wrong and its offset. An expiry in the past or
    /// a destination that leads nowhere is no error here: they are for the connector to judge.
    pub fn parse(mut buffer: BytesMut) -> Result<Self, ParseError> {
        let mut reader = envelope::open(&buffer, PacketType::Prepare)?;
        let contents_offset = reader.offset();
        let amount = reader.u64("amount")?;
        let offset = reader.offset();
        let expires_at = Timestamp::from_digits(reader.array("expiresAt")?)
            .map_err(|problem| ParseError::Timestamp { field: "expiresAt", offset, problem })?;
        reader.array::<CONDITION_BYTES>("executionCondition")?;
        let destination = envelope::read_address(&mut reader, "destination")?;
        let destination_end = reader.offset();
        let destination_offset = destination_end.saturating_sub(destination.as_bytes().len());
        let Tail { data_offset, data_end, packet_end } = envelope::read_data(reader)?;
        buffer.truncate(packet_end);
        Ok(Self {
            buffer,
            expires_at,
            amount,
            contents_offset,
            destination_offset,
            destination_end,
            data_offset,
            data_end,
        })
    }

    /// The amount, in the smallest unit of the asset that the two peers account in.
    #[must_use]
    #[inline]
    pub const fn amount(&self) -> u64 {
        self.amount
    }

    /// The moment after which the packet can't be fulfilled any more.
    #[must_use]
    #[inline]
    pub const fn expires_at(&self) -> Timestamp {
        self.expires_at
    }

    /// The SHA-256 digest of the fulfillment that moves the money.
    #[must_use]
    #[inline]
    pub fn execution_condition(&self) -> &[u8; CONDITION_BYTES] {
        array_at(&self.buffer, self.expiry_offset().saturating_add(EXPIRY_BYTES))
    }

    /// The receiver's address.
    #[must_use]
    #[inline]
    pub fn destination(&self) -> Addr<'_> {
        Addr::from_checked(slice_at(&self.buffer, self.destination_offset, self.destination_end))
    }

    /// Returns the sender's data for the receiver; at most [`crate::MAX_DATA_BYTES`].
    #[must_use]
    #[inline]
    pub fn data(&self) -> &[u8] {
        slice_at(&self.buffer, self.data_offset, self.data_end)
    }

    /// Returns the fields of a later version, unread. They stay in the packet and are passed on
    /// with it.
    #[must_use]
    pub fn extension(&self) -> &[u8] {
        slice_at(&self.buffer, self.data_end, self.buffer.len())
    }

    /// Writes another amount over the eight bytes of the old one.
    #[inline]
    pub fn set_amount(&mut self, amount: u64) {
        self.amount = amount;
        self.overwrite(self.contents_offset, amount.to_be_bytes());
    }

    /// Writes another expiry over the 17 bytes of the old one.
    #[inline]
    pub fn set_expires_at(&mut self, expires_at: Timestamp) {
        // A connector takes a second or so off, which mostly leaves the date as it is; and the
        // clock is much quicker to write than the date.
        if expires_at.is_same_day(self.expires_at) {
            let clock_offset = self.expiry_offset().saturating_add(DATE_BYTES);
            self.overwrite(clock_offset, expires_at.to_clock_digits());
        } else {
            self.overwrite(self.expiry_offset(), expires_at.to_digits());
        }
        self.expires_at = expires_at;
    }

    /// The whole packet.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.buffer
    }

    /// The whole packet, to be sent.
    #[must_use]
    pub fn into_bytes(self) -> Bytes {
        self.buffer.freeze()
    }

    /// The whole packet, to be parsed again or changed.
    #[must_use]
    pub fn into_buffer(self) -> BytesMut {
        self.buffer
    }

    /// The data alone, which can then be decrypted in place.
    #[must_use]
    pub fn into_data(mut self) -> BytesMut {
        self.buffer.truncate(self.data_end);
        self.buffer.split_off(self.data_offset)
    }

    const fn expiry_offset(&self) -> usize {
        self.contents_offset.saturating_add(AMOUNT_BYTES)
    }

    #[inline]
    fn overwrite<const N: usize>(&mut self, offset: usize, bytes: [u8; N]) {
        let field = self
            .buffer
            .get_mut(offset..)
            .and_then(|rest| rest.first_chunk_mut::<N>())
            .expect("the field's place was checked when the packet was made");
        *field = bytes;
    }
}

/// Names the fields, and of the data the length only: it is the receiver's and mostly encrypted.
impl fmt::Debug for Prepare {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Prepare")
            .field("amount", &self.amount)
            .field("expires_at", &format_args!("{}", self.expires_at))
            .field("destination", &self.destination())
            .field("data_bytes", &self.data().len())
            .finish_non_exhaustive()
    }
}

/// The fields of a [`Prepare`] that is to be made.
#[derive(Clone, Copy, Debug)]
pub struct PrepareBuilder<'a> {
    /// The amount, in the smallest unit of the asset that the two peers account in.
    pub amount: u64,
    /// The moment after which the packet can't be fulfilled any more.
    pub expires_at: Timestamp,
    /// The SHA-256 digest of the fulfillment.
    pub execution_condition: &'a [u8; CONDITION_BYTES],
    /// The receiver's address.
    pub destination: Addr<'a>,
    /// The sender's data for the receiver; at most [`crate::MAX_DATA_BYTES`].
    pub data: &'a [u8],
}

impl PrepareBuilder<'_> {
    /// Writes the packet.
    ///
    /// # Errors
    /// [`BuildError::TooLong`] when there is more data than a packet carries.
    pub fn build(&self) -> Result<Prepare, BuildError> {
        envelope::check_data(self.data)?;
        Ok(self.write())
    }

    /// Writes the packet; the data must have been checked.
    pub(crate) fn write(&self) -> Prepare {
        let destination = self.destination.as_bytes();
        let contents_bytes = [AMOUNT_BYTES, EXPIRY_BYTES, CONDITION_BYTES]
            .into_iter()
            .chain([var_octets_bytes(destination.len()), var_octets_bytes(self.data.len())])
            .fold(0, usize::saturating_add);
        let (mut buffer, contents_offset) = envelope::begin(PacketType::Prepare, contents_bytes);
        buffer.put_u64(self.amount);
        buffer.put_slice(&self.expires_at.to_digits());
        buffer.put_slice(self.execution_condition);
        put_var_octets(&mut buffer, destination);
        let destination_end = buffer.len();
        put_var_octets(&mut buffer, self.data);
        Prepare {
            expires_at: self.expires_at,
            amount: self.amount,
            contents_offset,
            destination_offset: destination_end.saturating_sub(destination.len()),
            destination_end,
            data_offset: buffer.len().saturating_sub(self.data.len()),
            data_end: buffer.len(),
            buffer,
        }
    }
}

#[cfg(test)]
mod tests;
