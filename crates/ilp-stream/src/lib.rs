//! STREAM, the transport that splits a payment into packets (IL-RFC 29).
//!
//! Both ends of a connection are here as state machines: [`Receiver`] answers packets, [`Sender`]
//! makes them. Bytes and the time come in, bytes and decisions go out.
//!
//! The crate does no IO, keeps no clock, starts no task and has no source of randomness; all of
//! these are arguments. It keeps no balances either: the books decide what a [`Receiver`] may
//! fulfill, and a [`Sender`] counts what it has sent by authentic replies. It carries money and no
//! data: a packet that brings data is rejected and ends its connection, since a Fulfill would
//! acknowledge data that is not delivered.

mod connection;
mod crypto;
mod frame;
mod packet;
mod prober;
mod rate;
mod receiver;
mod sender;
#[cfg(test)]
mod simulation;

pub use connection::{NoReply, Rejection};
pub use crypto::{
    ENCRYPTION_OVERHEAD_BYTES, Keys, MAX_PLAINTEXT_BYTES, Random, SharedSecret, condition_of,
};
pub use frame::{CloseCode, Frame};
pub use packet::{Frames, PacketError, StreamPacket, StreamPacketBuilder};
pub use prober::{Path, Prober, ProberParameters};
pub use rate::{Rate, RateBounds};
pub use receiver::{
    Arrival, Asset, ConnectionId, ConnectionTotals, Credentials, Incoming, Limits, Money, Question,
    Receiver,
};
pub use sender::{
    Action, Amount, EndReason, Outcome, PacketId, Progress, Sender, SenderParameters,
};
