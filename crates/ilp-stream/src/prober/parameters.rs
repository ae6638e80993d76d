//! The parameters of a prober.

use interledger_packet::Address;

use crate::{crypto::SharedSecret, receiver::Asset, sender::Amount};

/// The parameters of a [`Prober`](super::Prober).
#[derive(Clone, Debug)]
pub struct ProberParameters {
    /// The recipient's address.
    pub destination: Address,
    /// The secret that the recipient gave together with its address.
    pub shared_secret: SharedSecret,
    /// The payment that the path is for: no probe is larger than its packets would be.
    pub amount: Amount,
    /// The most that a packet may carry, in the payer's units, as far as the payer's node knows.
    pub packet_amount_max: Option<u64>,
    /// The recipient's asset, if it is known; if not, the recipient is asked.
    pub asset: Option<Asset>,
    /// The payer's asset, if it is known. If the recipient counts in the same asset, the prober
    /// also finds out whether rounding takes anything from the packets.
    pub source_asset: Option<Asset>,
    /// The maximum number of probes.
    pub probes_max: u32,
    /// The maximum time for all probes, in milliseconds.
    pub ms_max: u64,
    /// The time within which each packet has to be answered, in milliseconds.
    pub packet_lifetime_ms: u64,
}

impl ProberParameters {
    /// Makes parameters with the rest at its defaults: nothing known, 40 probes, 10 s.
    #[must_use]
    pub const fn new(destination: Address, shared_secret: SharedSecret, amount: Amount) -> Self {
        Self {
            destination,
            shared_secret,
            amount,
            packet_amount_max: None,
            asset: None,
            source_asset: None,
            probes_max: 40,
            ms_max: 10_000,
            packet_lifetime_ms: 10_000,
        }
    }
}
