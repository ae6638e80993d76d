//! ILPv4 packets and ILP addresses as bytes.
//!
//! The crate reads and writes [`Prepare`], [`Fulfill`] and [`Reject`] (IL-RFC 27), [`Address`]
//! (IL-RFC 15), [`Timestamp`] and the other OER pieces they are made of (IL-RFC 30), the data of
//! an F08 reject ([`AmountTooLarge`]) and the ILDCP exchange ([`ildcp`], IL-RFC 31).
//!
//! The crate does no IO, reads no clock, spawns nothing and knows nothing of peers, rates or
//! balances. Parsing neither copies nor allocates; building allocates one buffer.
//!
//! Parsing is strict about the fields that it knows: every length has its shortest form, every field
//! its specified bound, such as [`MAX_DATA_BYTES`] for the data. It is open about later versions, as
//! IL-RFC 30 demands ("Extensibility"):
//!
//! * Bytes inside the packet's length that follow its last known field belong to the packet. They
//!   are accepted, kept, and passed on with it; `extension` returns them. A connector that refused a
//!   Fulfill for a field of a later version would void a transfer that the next hop has booked.
//! * Bytes behind the packet are no part of it. They are dropped and never passed on.
//! * The data of an F08 reject, an ILDCP response, a STREAM packet and each of its frames may have
//!   bytes behind their last known field too. They are ignored.
//!
//! A packet with such bytes is no longer than the longest one without them: [`MAX_PACKET_BYTES`] for a
//! Prepare, [`MAX_REPLY_BYTES`] for a reply. Two nodes never disagree about where a packet ends.
//!
//! ```text
//! +------+--------+-----------------------------------------------------------+
//! | type | length | contents                                                  |
//! +------+--------+-----------------------------------------------------------+
//!   12   Prepare    amount u64 | expiresAt 17 | condition 32 | destination* | data* | extension
//!   13   Fulfill    fulfillment 32 | data* | extension
//!   14   Reject     code 3 | triggeredBy* | message* | data* | extension
//!                                                     (* = length, then bytes)
//! ```

#![deny(clippy::arithmetic_side_effects, clippy::as_conversions, clippy::indexing_slicing)]
#![cfg_attr(
    test,
    allow(
        clippy::arithmetic_side_effects,
        clippy::as_conversions,
        clippy::indexing_slicing,
        reason = "a test that panics is a test that fails"
    )
)]

mod address;
mod address_check;
mod address_prefix;
mod amount_too_large;
mod envelope;
mod error;
mod error_code;
mod fulfill;
pub mod ildcp;
mod limits;
pub mod oer;
mod prepare;
mod reject;
mod reply;
mod timestamp;

#[cfg(test)]
mod fixtures;

pub use address::{Addr, Address};
pub use address_check::{AddressError, Scheme};
pub use address_prefix::AddressPrefix;
pub use amount_too_large::AmountTooLarge;
pub use envelope::PacketType;
pub use error::{BuildError, ParseError};
pub use error_code::{ErrorClass, ErrorCode};
pub use fulfill::{Fulfill, FulfillBuilder};
pub use limits::{
    MAX_ADDRESS_BYTES, MAX_DATA_BYTES, MAX_MESSAGE_BYTES, MAX_MESSAGE_CHARACTERS, MAX_PACKET_BYTES,
    MAX_REPLY_BYTES,
};
pub use prepare::{Prepare, PrepareBuilder};
pub use reject::{Reject, RejectBuilder};
pub use reply::Reply;
pub use timestamp::{Timestamp, TimestampError};
