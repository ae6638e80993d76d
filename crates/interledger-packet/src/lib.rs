//! ILPv4 packets and ILP addresses as bytes.
//!
//! The crate reads and writes [`Prepare`], [`Fulfill`] and [`Reject`] (IL-RFC 27), [`Address`]
//! (IL-RFC 15), [`Timestamp`] and the other OER pieces they are made of (IL-RFC 30), the data of
//! an F08 reject ([`AmountTooLarge`]) and the ILDCP exchange ([`ildcp`], IL-RFC 31).
//!
//! What it is not: it does no IO, reads no clock, spawns nothing and knows nothing of peers, rates
//! or balances. Parsing neither copies nor allocates; building allocates one buffer.
//!
//! Parsing is strict. A packet is accepted only in its canonical form: shortest lengths, nothing
//! after its last field, nothing after the packet, data within [`MAX_DATA_BYTES`]. So whatever
//! parses is exactly what the builders would have written, and two nodes never disagree about
//! where a packet ends. IL-RFC 27 permits this strictness (a node MAY accept other forms).
//!
//! ```text
//! +------+--------+-----------------------------------------------------------+
//! | type | length | contents                                                  |
//! +------+--------+-----------------------------------------------------------+
//!   12   Prepare    amount u64 | expiresAt 17 | condition 32 | destination* | data*
//!   13   Fulfill    fulfillment 32 | data*
//!   14   Reject     code 3 | triggeredBy* | message* | data*       (* = length, then bytes)
//! ```

#![deny(
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    clippy::float_arithmetic,
    clippy::indexing_slicing
)]
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
