//! The size of every field, and the bounds that follow from them.
//!
//! The numbers come from the ASN.1 of IL-RFC 27 (`InterledgerProtocol.asn`). A program that reads
//! packets from a socket can bound its buffers by [`MAX_PACKET_BYTES`] and [`MAX_REPLY_BYTES`].

use crate::oer::var_octets_bytes;

/// The type byte that opens every packet.
pub(crate) const TYPE_BYTES: usize = 1;
/// `amount`: UInt64, big-endian.
pub(crate) const AMOUNT_BYTES: usize = 8;
/// `expiresAt`: `YYYYMMDDHHMMSSmmm`.
pub(crate) const EXPIRY_BYTES: usize = 17;
/// `executionCondition`: a SHA-256 digest.
pub(crate) const CONDITION_BYTES: usize = 32;
/// `fulfillment`: the preimage of a condition.
pub(crate) const FULFILLMENT_BYTES: usize = 32;
/// `code` of a Reject.
pub(crate) const CODE_BYTES: usize = 3;

/// The longest ILP address, in bytes (IL-RFC 15, "Address Requirements", 6).
pub const MAX_ADDRESS_BYTES: usize = 1023;

/// The most `data` a packet of any type carries, in bytes (IL-RFC 27, ASN.1 `SIZE (0..32767)`).
pub const MAX_DATA_BYTES: usize = 32_767;

/// The longest `message` of a Reject, in characters (IL-RFC 27, `UTF8String (SIZE (0..8191))`:
/// the size of an ASN.1 string counts characters, not bytes).
pub const MAX_MESSAGE_CHARACTERS: usize = 8_191;

/// The longest `message` of a Reject, in bytes: each UTF-8 character takes four at most.
pub const MAX_MESSAGE_BYTES: usize = MAX_MESSAGE_CHARACTERS * 4;

/// The longest contents of a Prepare without fields of a later version.
pub(crate) const MAX_PREPARE_CONTENTS_BYTES: usize = AMOUNT_BYTES
    + EXPIRY_BYTES
    + CONDITION_BYTES
    + var_octets_bytes(MAX_ADDRESS_BYTES)
    + var_octets_bytes(MAX_DATA_BYTES);

/// The longest contents of a Reject without fields of a later version.
pub(crate) const MAX_REJECT_CONTENTS_BYTES: usize = CODE_BYTES
    + var_octets_bytes(MAX_ADDRESS_BYTES)
    + var_octets_bytes(MAX_MESSAGE_BYTES)
    + var_octets_bytes(MAX_DATA_BYTES);

/// The largest Prepare that parses, in bytes.
///
/// Type 1 + envelope length 3 + amount 8 + expiry 17 + condition 32 + (3 + 1,023) destination
/// + (3 + 32,767) data = 33,857.
pub const MAX_PACKET_BYTES: usize = TYPE_BYTES + var_octets_bytes(MAX_PREPARE_CONTENTS_BYTES);

/// The largest reply that parses, in bytes; a Reject, since its message adds to its data.
///
/// Type 1 + envelope length 4 + code 3 + (3 + 1,023) triggeredBy + (3 + 32,764) message
/// + (3 + 32,767) data = 66,571.
pub const MAX_REPLY_BYTES: usize = TYPE_BYTES + var_octets_bytes(MAX_REJECT_CONTENTS_BYTES);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bounds_are_the_sums_in_their_docs() {
        assert_eq!(MAX_PACKET_BYTES, 1 + 3 + 8 + 17 + 32 + (3 + 1023) + (3 + 32_767));
        assert_eq!(MAX_PACKET_BYTES, 33_857);
        assert_eq!(MAX_REPLY_BYTES, 1 + 4 + 3 + (3 + 1023) + (3 + 32_764) + (3 + 32_767));
        assert_eq!(MAX_REPLY_BYTES, 66_571);
    }
}
