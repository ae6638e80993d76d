//! Hosts, URLs and the reach of addresses: one answer to each question that a URL raises.
//!
//! Every URL that an operator, a peer or a payer gives is parsed here, once, into a type that can't
//! be wrong. Each type has one normal form, which its `Display` writes: equal URLs are equal texts.
//!
//! | type | meaning |
//! |---|---|
//! | [`Host`] | a domain name or an IP address |
//! | [`HostPort`] | a host with a port behind it, as in a `Host` header |
//! | [`Reach`] | how far away an address is: this machine, a private network, the Internet |
//! | [`Endpoint`] | the URL at which a node takes packets or peering requests |
//! | [`ServiceUrl`] | the URL of a service that may hold a user name, a password or a key |
//! | [`ReceiverUrl`] | the URL that a payment pointer or a URL of a receiver means |
//! | [`WalletUrl`] | the URL of a wallet address or an incoming payment, as a node keeps it |
//! | [`WalletAddressUrl`] | the URL that a new wallet address may have |
//!
//! The crate does no IO and looks no name up. The paths of URLs often hold secrets, so `Debug` and
//! the errors show the host and the port alone.

mod endpoint;
mod host;
mod path;
mod reach;
mod receiver;
mod service;
mod wallet;
mod written;

pub use endpoint::{Endpoint, Place};
pub use host::{DialTarget, Host, HostError, HostPort};
pub use path::PathError;
pub use reach::{Reach, dialled};
pub use receiver::{ReceiverError, ReceiverUrl};
pub use service::{ServiceUrl, ServiceUrlError};
pub use wallet::{WalletAddressError, WalletAddressUrl, WalletUrl};
pub use written::{Scheme, UrlError};
