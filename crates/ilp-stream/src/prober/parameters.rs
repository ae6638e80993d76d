//! What a prober is made with.

use interledger_packet::Address;

use crate::{crypto::SharedSecret, receiver::Asset, sender::Amount};

/// What a [`Prober`](super::Prober) has to know.
#[derive(Clone, Debug)]
pub struct ProberParameters {
    /// Where the recipient is.
    pub destination: Address,
    /// What the recipient gave together with its address.
    pub shared_secret: SharedSecret,
    /// The payment that the path is for: no probe is larger than its packets would be.
    pub amount: Amount,
    /// The most that a packet may carry, in the payer's units, as far as we know by ourselves.
    pub packet_amount_max: Option<u64>,
    /// The recipient's asset, if it is known; if not, the recipient is asked.
    pub asset: Option<Asset>,
    /// The payer's asset, if it is known. Where the recipient counts in it too, the path is also
    /// asked whether rounding takes anything of its packets.
    pub source_asset: Option<Asset>,
    /// How many probes may be sent.
    pub probes_max: u32,
    /// How long all may take, in milliseconds.
    pub ms_max: u64,
    /// How long each packet has to be answered, in milliseconds.
    pub packet_lifetime_ms: u64,
}

impl ProberParameters {
    /// The rest at its defaults: nothing known, 40 probes, 10 s.
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
