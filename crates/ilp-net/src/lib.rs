//! Hosts, URLs and the reach of addresses: one answer to each question that a URL raises.
//!
//! | type | meaning |
//! |---|---|
//! | [`Host`] | a domain name or an IP address |
//! | [`HostPort`] | a host with a port behind it, as in a `Host` header |
//! | [`Reach`] | how far away an address is: this machine, a private network, the Internet |
//!
//! The crate does no IO and looks no name up.

mod host;
mod reach;

pub use host::{DialTarget, Host, HostError, HostPort};
pub use reach::Reach;
