//! The forwarding core of an ILPv4 connector, which decides on every packet.
//!
//! The crate does no IO, keeps no clock and starts no task: bytes and the time come in, bytes and a
//! decision go out. The transport carries packets, and the [`Ledger`](ledger::Ledger) keeps the
//! money.
//!
//! Start reading at [`Connector::prepare`]: the order of its lines is the order of the rules.

// Money: what overflows or is out of bounds is an error of a type.
#![cfg_attr(not(test), deny(clippy::as_conversions, clippy::indexing_slicing))]

pub mod account;
pub mod amount;
mod breaker;
mod connector;
pub mod conversion;
pub mod histogram;
mod in_flight;
#[cfg(all(test, shuttle))]
mod interleavings;
pub mod ledger;
mod link;
mod neighbour;
pub mod peer;
mod peer_limits;
mod peers;
pub mod rate;
mod rate_limit;
pub mod rates;
mod refusal;
mod routes;
pub mod samples;
#[cfg(test)]
mod testing;
pub mod token;
pub mod traffic;

pub use breaker::Reachability;
pub use connector::{
    Completing, Connector, Decision, Delivery, InFlight, LocalAccount, OwnFlows, Policy, Source,
};
pub use in_flight::{InFlightDefaults, Occupancy};
pub use link::{LinkCause, LinkTrouble};
pub use neighbour::is_same_endpoint;
pub use peer_limits::{MoreThanWhole, PeerLimits, Percent};
pub use refusal::{LinkFailure, Refusal};
pub use routes::{ListedRoute, Listing, RouteCursor};
