//! The Simple Payment Setup Protocol (IL-RFC 9), both ways: how a payer learns where a payment goes
//! and under which secret.
//!
//! The [`SpspClient`] asks the URL of a receiver, the [`server`] answers for the receivers of this
//! node. Credentials serve one payment: they are made afresh for each query and never kept here.

mod accept;
mod client;
mod details;
mod error;
pub mod server;

pub use client::{PrivateReceivers, SpspClient, SpspOptions};
#[cfg(fuzzing)]
pub use details::read_details;
pub use details::{AssetDetails, PaymentDetails, read_shared_secret};
pub use error::SpspError;

use interledger_packet::Address;
use std::fmt;

/// The type of an answer whose payment goes over STREAM.
pub const SPSP_TYPE: &str = "application/spsp4+json";

/// The credentials that one payer needs to open a STREAM connection to a receiver.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    /// The destination of the payment's packets.
    pub destination: Address,
    /// Known to the receiver's node and this payer alone.
    pub shared_secret: [u8; 32],
}

/// The secret is left out: its holder can take what is sent under it.
impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials")
            .field("destination", &self.destination)
            .finish_non_exhaustive()
    }
}
