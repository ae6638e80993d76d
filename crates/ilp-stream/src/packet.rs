//! STREAM packets, the encrypted data of ILP packets (IL-RFC 29, section 5.2).

use bytes::{BufMut, Bytes};
use interledger_packet::{
    BuildError, PacketType, ParseError,
    oer::{Reader, put_var_uint, var_uint_bytes},
};

use crate::{
    crypto::{Keys, MAX_PLAINTEXT_BYTES, Random, random_array},
    frame::Frame,
};

/// The only version there is.
const VERSION: u8 = 1;

/// A STREAM packet that was read. It borrows the decrypted bytes; reading allocates nothing,
/// whatever the bytes claim.
#[derive(Clone, Debug)]
pub struct StreamPacket<'a> {
    packet_type: PacketType,
    sequence: u64,
    amount: u64,
    /// Stands before the first frame; every frame behind it has been read once already.
    frames: Frames<'a>,
}

/// Why bytes are no STREAM packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PacketError {
    /// Another version of the protocol.
    #[error("version: {found} found, 1 expected")]
    Version {
        /// The version found.
        found: u8,
    },
    /// No ILP packet has this type.
    #[error("packet type: {found} found, 12, 13 or 14 expected")]
    PacketType {
        /// The type found.
        found: u8,
    },
    /// A field is not what it should be. Offsets count from the packet's first byte, those in a
    /// frame from the frame's.
    #[error(transparent)]
    Field(#[from] ParseError),
}

impl<'a> StreamPacket<'a> {
    /// Reads a decrypted packet, every frame of it. Frames of unknown types and whatever follows
    /// the last frame are ignored, as the RFC demands.
    ///
    /// # Errors
    /// [`PacketError`] with the first field that is wrong.
    pub fn parse(plaintext: &'a [u8]) -> Result<Self, PacketError> {
        let mut reader = Reader::new(plaintext);
        let version = reader.u8("version")?;
        if version != VERSION {
            return Err(PacketError::Version { found: version });
        }
        let found = reader.u8("packet type")?;
        let packet_type = PacketType::from_byte(found).ok_or(PacketError::PacketType { found })?;
        let sequence = reader.var_uint("sequence")?;
        let amount = reader.var_uint("prepareAmount")?;
        let count = reader.var_uint("number of frames")?;
        let frames = Frames { reader: reader.clone(), left: count };
        // Each frame takes two bytes at least, so however many are claimed, this ends with the
        // bytes.
        for _ in 0..count {
            Frame::read(&mut reader)?;
        }
        Ok(Self { packet_type, sequence, amount, frames })
    }

    /// The type of ILP packet that it was written for. Who reads it must compare: a node on the way
    /// could have taken it out of one packet and put it into another.
    #[must_use]
    pub const fn packet_type(&self) -> PacketType {
        self.packet_type
    }

    /// The number of the Prepare that it came in or is the answer to.
    #[must_use]
    pub const fn sequence(&self) -> u64 {
        self.sequence
    }

    /// In a Prepare the least amount that the recipient should accept, in a reply the amount that
    /// arrived; both in the recipient's units. The RFC calls it "Prepare Amount".
    #[must_use]
    pub const fn amount(&self) -> u64 {
        self.amount
    }

    /// The frames of known types, in their order.
    #[must_use]
    pub fn frames(&self) -> Frames<'a> {
        self.frames.clone()
    }
}

/// Walks over the frames of a packet.
#[derive(Clone, Debug)]
pub struct Frames<'a> {
    reader: Reader<'a>,
    left: u64,
}

impl<'a> Iterator for Frames<'a> {
    type Item = Frame<'a>;

    fn next(&mut self) -> Option<Frame<'a>> {
        while self.left > 0 {
            self.left -= 1;
            // The packet was read whole before, so there is no error to be found here.
            if let Some(frame) = Frame::read(&mut self.reader).ok()? {
                return Some(frame);
            }
        }
        None
    }
}

/// The fields of a STREAM packet that is to be written.
#[derive(Clone, Copy, Debug)]
pub struct StreamPacketBuilder<'a> {
    /// The type of ILP packet that will carry it.
    pub packet_type: PacketType,
    /// The number of the Prepare that it goes into or answers.
    pub sequence: u64,
    /// The amount, see [`StreamPacket::amount`].
    pub amount: u64,
    /// The frames.
    pub frames: &'a [Frame<'a>],
    /// Zero bytes are appended until the packet is this long before its encryption, so that its
    /// length says nothing about its content; 0 for none, at most [`MAX_PLAINTEXT_BYTES`].
    pub padded_bytes: usize,
}

impl StreamPacketBuilder<'_> {
    /// Writes and encrypts the packet: the `data` of an ILP packet.
    ///
    /// # Errors
    /// [`BuildError::TooLong`] when frames or padding make it longer than a packet carries.
    pub fn encrypt(&self, keys: &Keys, random: &mut impl Random) -> Result<Bytes, BuildError> {
        let found = self.bytes().max(self.padded_bytes);
        if found > MAX_PLAINTEXT_BYTES {
            let (field, maximum, unit) = ("STREAM packet", MAX_PLAINTEXT_BYTES, "bytes");
            return Err(BuildError::TooLong { field, found, maximum, unit });
        }
        Ok(keys.encryption().encrypt(random_array(random), found, |buffer| {
            self.put(buffer);
            buffer.put_bytes(0, found.saturating_sub(self.bytes()));
        }))
    }

    /// Appends the packet as it is before padding and encryption.
    pub fn put(&self, buffer: &mut impl BufMut) {
        buffer.put_u8(VERSION);
        buffer.put_u8(self.packet_type.to_byte());
        put_var_uint(buffer, self.sequence);
        put_var_uint(buffer, self.amount);
        put_var_uint(buffer, self.frames_count());
        for frame in self.frames {
            frame.put(buffer);
        }
    }

    /// How many bytes [`StreamPacketBuilder::put`] writes.
    #[must_use]
    pub fn bytes(&self) -> usize {
        let numbers = [self.sequence, self.amount, self.frames_count()];
        let frames = self.frames.iter().map(Frame::bytes);
        numbers.map(var_uint_bytes).into_iter().chain(frames).fold(2, usize::saturating_add)
    }

    fn frames_count(&self) -> u64 {
        u64::try_from(self.frames.len()).unwrap_or(u64::MAX)
    }
}

#[cfg(test)]
mod tests;
