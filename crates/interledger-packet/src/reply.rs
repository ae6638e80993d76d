//! The replies to a Prepare.

use bytes::Bytes;

use crate::{envelope::PacketType, error::ParseError, fulfill::Fulfill, reject::Reject};

/// A Fulfill or a Reject. Each Prepare ends in exactly one of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reply {
    /// The money has arrived.
    Fulfill(Fulfill),
    /// The money has not moved.
    Reject(Reject),
}

impl Reply {
    /// Reads a Fulfill or a Reject, whichever the first byte says.
    ///
    /// # Errors
    /// Those of [`Fulfill::parse`] and [`Reject::parse`]; [`ParseError::WrongType`] for any other
    /// first byte, a Prepare's included.
    pub fn parse(buffer: Bytes) -> Result<Self, ParseError> {
        let Some(&found) = buffer.first() else {
            let (field, offset, expected, left) = ("type", 0, 1, 0);
            return Err(ParseError::Truncated { field, offset, expected, left });
        };
        match PacketType::from_byte(found) {
            Some(PacketType::Fulfill) => Fulfill::parse(buffer).map(Self::Fulfill),
            Some(PacketType::Reject) => Reject::parse(buffer).map(Self::Reject),
            Some(PacketType::Prepare) | None => {
                Err(ParseError::WrongType { expected: "13 (Fulfill) or 14 (Reject)", found })
            }
        }
    }

    /// The whole packet.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        match self {
            Self::Fulfill(fulfill) => fulfill.as_bytes(),
            Self::Reject(reject) => reject.as_bytes(),
        }
    }

    /// The whole packet, to be sent.
    #[must_use]
    pub fn into_bytes(self) -> Bytes {
        match self {
            Self::Fulfill(fulfill) => fulfill.into_bytes(),
            Self::Reject(reject) => reject.into_bytes(),
        }
    }
}

impl From<Fulfill> for Reply {
    fn from(fulfill: Fulfill) -> Self {
        Self::Fulfill(fulfill)
    }
}

impl From<Reject> for Reply {
    fn from(reject: Reject) -> Self {
        Self::Reject(reject)
    }
}

#[cfg(test)]
mod tests;
