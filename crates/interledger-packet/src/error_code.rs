//! Error codes of Rejects.

use std::fmt;

/// The three characters that say why a packet was rejected (IL-RFC 27, "Error Codes").
///
/// The first is F, T or R, the other two are digits, so a code that no RFC names yet still has a
/// class, which is all a sender needs to decide about trying again.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ErrorCode([u8; 3]);

/// The meaning of an error for another try.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ErrorClass {
    /// F: the same packet will fail again.
    Final,
    /// T: the same packet may pass later.
    Temporary,
    /// R: a packet with more margin of money or time may pass.
    Relative,
}

impl ErrorCode {
    /// A sender's error of no other kind.
    pub const F00_BAD_REQUEST: Self = Self(*b"F00");
    /// The packet is malformed.
    pub const F01_INVALID_PACKET: Self = Self(*b"F01");
    /// No route leads to the destination.
    pub const F02_UNREACHABLE: Self = Self(*b"F02");
    /// The amount can't be right.
    pub const F03_INVALID_AMOUNT: Self = Self(*b"F03");
    /// Less arrived than the receiver accepts.
    pub const F04_INSUFFICIENT_DESTINATION_AMOUNT: Self = Self(*b"F04");
    /// The condition can't be fulfilled by the receiver.
    pub const F05_WRONG_CONDITION: Self = Self(*b"F05");
    /// The receiver can make no sense of the packet.
    pub const F06_UNEXPECTED_PAYMENT: Self = Self(*b"F06");
    /// A constraint keeps the receiver from accepting the money.
    pub const F07_CANNOT_RECEIVE: Self = Self(*b"F07");
    /// A connector forwards smaller packets only; see [`crate::AmountTooLarge`].
    pub const F08_AMOUNT_TOO_LARGE: Self = Self(*b"F08");
    /// A peer answered with something that is no right answer. In use by connectors, though
    /// IL-RFC 27 (draft 10) doesn't list it.
    pub const F09_INVALID_PEER_RESPONSE: Self = Self(*b"F09");
    /// A final error of the application's.
    pub const F99_APPLICATION_ERROR: Self = Self(*b"F99");

    /// Something unforeseen went wrong.
    pub const T00_INTERNAL_ERROR: Self = Self(*b"T00");
    /// The next hop can't be reached.
    pub const T01_PEER_UNREACHABLE: Self = Self(*b"T01");
    /// The next hop is overloaded.
    pub const T02_PEER_BUSY: Self = Self(*b"T02");
    /// This node is overloaded.
    pub const T03_CONNECTOR_BUSY: Self = Self(*b"T03");
    /// A balance is too low at the moment.
    pub const T04_INSUFFICIENT_LIQUIDITY: Self = Self(*b"T04");
    /// More packets or money per time than allowed.
    pub const T05_RATE_LIMITED: Self = Self(*b"T05");
    /// A temporary error of the application's.
    pub const T99_APPLICATION_ERROR: Self = Self(*b"T99");

    /// The next hop didn't reply in time.
    pub const R00_TRANSFER_TIMED_OUT: Self = Self(*b"R00");
    /// The amount is too small to be forwarded.
    pub const R01_INSUFFICIENT_SOURCE_AMOUNT: Self = Self(*b"R01");
    /// The expiry leaves too little time.
    pub const R02_INSUFFICIENT_TIMEOUT: Self = Self(*b"R02");
    /// A relative error of the application's.
    pub const R99_APPLICATION_ERROR: Self = Self(*b"R99");

    /// Takes the wire form. `None` unless it is F, T or R and two digits.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 3]) -> Option<Self> {
        match bytes {
            [b'F' | b'T' | b'R', b'0'..=b'9', b'0'..=b'9'] => Some(Self(bytes)),
            _ => None,
        }
    }

    /// The wire form.
    #[must_use]
    pub const fn to_bytes(self) -> [u8; 3] {
        self.0
    }

    /// The code as text, such as `F08`.
    #[must_use]
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).expect("an error code is ASCII, checked when it was made")
    }

    /// Returns the meaning of the code for another try.
    #[must_use]
    pub const fn class(self) -> ErrorClass {
        match self.0 {
            [b'F', ..] => ErrorClass::Final,
            [b'T', ..] => ErrorClass::Temporary,
            _ => ErrorClass::Relative,
        }
    }

    /// The name IL-RFC 27 gives it, such as `Amount Too Large`; `None` for a code without one.
    #[must_use]
    pub const fn name(self) -> Option<&'static str> {
        Some(match &self.0 {
            b"F00" => "Bad Request",
            b"F01" => "Invalid Packet",
            b"F02" => "Unreachable",
            b"F03" => "Invalid Amount",
            b"F04" => "Insufficient Destination Amount",
            b"F05" => "Wrong Condition",
            b"F06" => "Unexpected Payment",
            b"F07" => "Cannot Receive",
            b"F08" => "Amount Too Large",
            b"F09" => "Invalid Peer Response",
            b"T00" => "Internal Error",
            b"T01" => "Peer Unreachable",
            b"T02" => "Peer Busy",
            b"T03" => "Connector Busy",
            b"T04" => "Insufficient Liquidity",
            b"T05" => "Rate Limited",
            b"R00" => "Transfer Timed Out",
            b"R01" => "Insufficient Source Amount",
            b"R02" => "Insufficient Timeout",
            b"F99" | b"T99" | b"R99" => "Application Error",
            _ => return None,
        })
    }
}

/// The three characters, such as `F08`.
impl fmt::Display for ErrorCode {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.as_str())
    }
}

impl fmt::Debug for ErrorCode {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests;
