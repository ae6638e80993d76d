//! The errors of bytes that are not a packet, and of fields that do not fit one.

use crate::{address_check::AddressError, timestamp::TimestampError};

/// Why bytes were refused: the field, the byte, what was found and what would be right.
///
/// Offsets count from the first byte of what was parsed, which is the type byte for a packet.
/// Making one never allocates, so a flood of bad packets costs no more than reading them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParseError {
    /// The bytes end before the field does.
    #[error("{field}: {expected} bytes expected at byte {offset}, {left} left")]
    Truncated {
        /// The field as IL-RFC 27 names it.
        field: &'static str,
        /// Where the missing bytes should begin.
        offset: usize,
        /// How many bytes the field takes.
        expected: usize,
        /// How many there were.
        left: usize,
    },
    /// The first byte names another packet type than the one asked for.
    #[error("type: {expected} expected at byte 0, {found} found")]
    WrongType {
        /// The types that would be right, such as `12 (Prepare)`.
        expected: &'static str,
        /// The type byte that was there.
        found: u8,
    },
    /// A length has the form `0x80`, which announces a length of no bytes.
    #[error("{field}: length 0x80 at byte {offset} has no value, 0 to 127 is one byte 00 to 7f")]
    EmptyLength {
        /// The field whose length it is.
        field: &'static str,
        /// Where the length begins.
        offset: usize,
    },
    /// A length takes more than eight bytes after its first one.
    #[error("{field}: length at byte {offset} takes {found} bytes, 8 at most are allowed")]
    OversizedLength {
        /// The field whose length it is.
        field: &'static str,
        /// Where the length begins.
        offset: usize,
        /// How many bytes it announces for itself.
        found: u8,
    },
    /// A length is not in its shortest form, which canonical OER demands (IL-RFC 30).
    #[error(
        "{field}: length {value} at byte {offset} takes {found} bytes, its shortest form fewer"
    )]
    LongLength {
        /// The field whose length it is.
        field: &'static str,
        /// Where the length begins.
        offset: usize,
        /// The length that was meant.
        value: u64,
        /// How many bytes it was written in, the first one included.
        found: usize,
    },
    /// A field is longer than its specification allows.
    #[error("{field}: {found} long at byte {offset}, at most {maximum} {unit} allowed")]
    TooLong {
        /// The field as IL-RFC 27 names it.
        field: &'static str,
        /// Where the field begins.
        offset: usize,
        /// The length found.
        found: usize,
        /// The length allowed.
        maximum: usize,
        /// The unit of both: `bytes` or `characters`.
        unit: &'static str,
    },
    /// A variable-length integer has no bytes, a leading zero, or does not fit in 64 bits.
    #[error("{field}: integer of {found} bytes at byte {offset}, the shortest of 1 to 8 expected")]
    Integer {
        /// The field it stands in.
        field: &'static str,
        /// Where its bytes begin.
        offset: usize,
        /// How many bytes it was written in.
        found: usize,
    },
    /// A time is no time.
    #[error("{field}: at byte {offset}, {problem}")]
    Timestamp {
        /// The field as IL-RFC 27 names it.
        field: &'static str,
        /// Where the field begins.
        offset: usize,
        /// The fault. Positions in it count from the field's first byte.
        problem: TimestampError,
    },
    /// An address is no ILP address.
    #[error("{field}: at byte {offset}, {problem}")]
    Address {
        /// The field as IL-RFC 27 names it.
        field: &'static str,
        /// Where the address begins, behind its length.
        offset: usize,
        /// The fault. Positions in it count from the address's first byte.
        problem: AddressError,
    },
    /// An error code is not F, T or R and two digits.
    #[error(
        "code: '{}' at byte {offset}, F, T or R and two digits expected",
        found.escape_ascii()
    )]
    ErrorCode {
        /// Where the code begins.
        offset: usize,
        /// The three bytes found.
        found: [u8; 3],
    },
    /// Text is not UTF-8.
    #[error("{field}: at byte {offset}, UTF-8 expected")]
    Text {
        /// The field it stands in.
        field: &'static str,
        /// The first byte that is not UTF-8.
        offset: usize,
    },
}

/// The reason why fields do not fit into a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BuildError {
    /// A field is longer than its specification allows.
    #[error("{field}: {found} long, at most {maximum} {unit} allowed")]
    TooLong {
        /// The field as IL-RFC 27 names it.
        field: &'static str,
        /// The length given.
        found: usize,
        /// The length allowed.
        maximum: usize,
        /// The unit of both: `bytes` or `characters`.
        unit: &'static str,
    },
}
