//! The reply that moves the money.

use std::fmt;

use bytes::{BufMut, Bytes};

use crate::{
    envelope::{self, PacketType, Tail, array_at, slice_at},
    error::{BuildError, ParseError},
    limits::FULFILLMENT_BYTES,
    oer::{put_var_octets, var_octets_bytes},
};

/// An ILP Fulfill (IL-RFC 27, "ILP Fulfill"). A clone shares the bytes; a connector passes them on
/// untouched.
#[derive(Clone, PartialEq, Eq)]
pub struct Fulfill {
    buffer: Bytes,
    fulfillment_offset: usize,
    /// The offset at which the data begins, behind its length.
    data_offset: usize,
    /// The offset at which the data ends; fields of a later version reach from there to the end of
    /// the buffer.
    data_end: usize,
}

impl Fulfill {
    /// Checks that `buffer` begins with a Fulfill in canonical form. Bytes behind the packet are cut
    /// off. Nothing is copied.
    ///
    /// # Errors
    /// [`ParseError`] with the first field that is wrong and its offset. Whether the fulfillment
    /// fits a condition is for the connector to judge.
    pub fn parse(mut buffer: Bytes) -> Result<Self, ParseError> {
        let mut reader = envelope::open(&buffer, PacketType::Fulfill)?;
        let fulfillment_offset = reader.offset();
        reader.array::<FULFILLMENT_BYTES>("fulfillment")?;
        let Tail { data_offset, data_end, packet_end } = envelope::read_data(reader)?;
        buffer.truncate(packet_end);
        Ok(Self { buffer, fulfillment_offset, data_offset, data_end })
    }

    /// The preimage of the Prepare's condition, if the peer is right.
    #[must_use]
    pub fn fulfillment(&self) -> &[u8; FULFILLMENT_BYTES] {
        array_at(&self.buffer, self.fulfillment_offset)
    }

    /// Returns the receiver's data for the sender; at most [`crate::MAX_DATA_BYTES`].
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

/// Shows no fulfillment: until it is passed on, it is worth the packet's money.
impl fmt::Debug for Fulfill {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Fulfill")
            .field("data_bytes", &self.data().len())
            .finish_non_exhaustive()
    }
}

/// The fields of a [`Fulfill`] that is to be made.
#[derive(Clone, Copy)]
pub struct FulfillBuilder<'a> {
    /// The preimage of the Prepare's condition.
    pub fulfillment: &'a [u8; FULFILLMENT_BYTES],
    /// The receiver's data for the sender; at most [`crate::MAX_DATA_BYTES`].
    pub data: &'a [u8],
}

impl FulfillBuilder<'_> {
    /// Writes the packet.
    ///
    /// # Errors
    /// [`BuildError::TooLong`] when there is more data than a packet carries.
    pub fn build(&self) -> Result<Fulfill, BuildError> {
        envelope::check_data(self.data)?;
        let contents_bytes = var_octets_bytes(self.data.len()).saturating_add(FULFILLMENT_BYTES);
        let (mut buffer, fulfillment_offset) = envelope::begin(PacketType::Fulfill, contents_bytes);
        buffer.put_slice(self.fulfillment);
        put_var_octets(&mut buffer, self.data);
        let data_end = buffer.len();
        let data_offset = data_end.saturating_sub(self.data.len());
        Ok(Fulfill { buffer: buffer.freeze(), fulfillment_offset, data_offset, data_end })
    }
}

/// Prints the fields of a [`Fulfill`], without the fulfillment.
impl fmt::Debug for FulfillBuilder<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("FulfillBuilder")
            .field("data_bytes", &self.data.len())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
