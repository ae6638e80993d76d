//! The data of an F08 reject.

/// How much too large a packet was (IL-RFC 27, F08; `InterledgerErrorData.asn`).
///
/// Both amounts are in the unit in which the rejecting connector received the packet, so a sender
/// can scale its own amount by `maximum / received` whatever the rates before that connector are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct AmountTooLarge {
    /// The amount the connector received.
    pub received: u64,
    /// The greatest amount it would have forwarded.
    pub maximum: u64,
}

impl AmountTooLarge {
    /// Reads a Reject's data: two 64-bit integers, big-endian. `None` when there are fewer than
    /// 16 bytes; what follows them is left to future versions, as IL-RFC 30 asks.
    #[must_use]
    pub const fn from_data(data: &[u8]) -> Option<Self> {
        match data.split_first_chunk::<8>() {
            Some((received, rest)) => match rest.first_chunk::<8>() {
                Some(maximum) => Some(Self {
                    received: u64::from_be_bytes(*received),
                    maximum: u64::from_be_bytes(*maximum),
                }),
                None => None,
            },
            None => None,
        }
    }

    /// The data of a Reject: `received`, then `maximum`, eight bytes each.
    #[must_use]
    pub fn to_data(self) -> [u8; 16] {
        ((u128::from(self.received) << 64) | u128::from(self.maximum)).to_be_bytes()
    }
}

#[cfg(test)]
mod tests;
