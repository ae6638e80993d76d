//! The parameters of a payment.

use interledger_packet::Address;

use crate::{
    crypto::SharedSecret,
    rate::{Rate, RateBounds},
    receiver::Asset,
};

/// The total amount to be paid, including what an earlier sender of the same payment has paid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Amount {
    /// This much leaves the payer, in the payer's units.
    Send(u64),
    /// This much arrives.
    Deliver {
        /// In the recipient's units.
        amount: u64,
        /// The most that may be sent for it, in the payer's units.
        send_max: u64,
    },
}

impl Amount {
    /// The most that leaves the payer.
    pub(crate) const fn send_max(self) -> u64 {
        match self {
            Self::Send(amount) | Self::Deliver { send_max: amount, .. } => amount,
        }
    }
}

/// The parameters of a [`crate::Sender`].
#[derive(Clone, Debug)]
pub struct SenderParameters {
    /// The recipient's address.
    pub destination: Address,
    /// The secret that the recipient gave together with its address.
    pub shared_secret: SharedSecret,
    /// The amount to be paid.
    pub amount: Amount,
    /// The least that may arrive for what is sent. Each packet demands it of the recipient, rounded
    /// up; the last one may fall short by one unit sent, for rounding.
    pub minimum_rate: Rate,
    /// The amount that an earlier sender of this payment has sent, in the payer's units.
    pub sent_before: u64,
    /// The amount that an earlier sender of this payment has delivered, in the recipient's units.
    pub delivered_before: u64,
    /// The first packet's number: [`crate::Path::next_sequence`] if this secret was used before.
    pub first_sequence: u64,
    /// The path's rate, if it is known.
    pub rate: Option<RateBounds>,
    /// The most that a packet may carry, in the payer's units, as far as we know by ourselves.
    pub packet_amount_max: Option<u64>,
    /// The recipient's asset, if it is known; the payment ends if the recipient names another.
    pub asset: Option<Asset>,
    /// The maximum number of fulfilled packets. A path that would need more ends the payment,
    /// because a small packet costs every node on the path as much as a large one.
    pub packets_max: Option<u64>,
    /// The most packets that are ever under way together.
    pub packets_in_flight_max: u32,
    /// The time within which each packet has to be fulfilled, in milliseconds.
    pub packet_lifetime_ms: u64,
    /// After how long without a fulfill the payment ends, in milliseconds. Longer than a packet's
    /// lifetime, or a last packet that is lost can't be sent again.
    pub idle_ms_max: u64,
    /// Each packet's data is padded to this length before encryption, so that it doesn't show what
    /// is in it; 0 for not at all, at most [`crate::MAX_PLAINTEXT_BYTES`].
    pub padded_bytes: usize,
}

impl SenderParameters {
    /// Makes parameters with the rest at its defaults: a new connection, nothing known of the path,
    /// any number of packets, 1,000 of them under way at most, 20 s for each, 30 s without a
    /// fulfill, no padding.
    #[must_use]
    pub const fn new(
        destination: Address,
        shared_secret: SharedSecret,
        amount: Amount,
        minimum_rate: Rate,
    ) -> Self {
        Self {
            destination,
            shared_secret,
            amount,
            minimum_rate,
            sent_before: 0,
            delivered_before: 0,
            first_sequence: 1,
            rate: None,
            packet_amount_max: None,
            asset: None,
            packets_max: None,
            packets_in_flight_max: 1_000,
            packet_lifetime_ms: 20_000,
            idle_ms_max: 30_000,
            padded_bytes: 0,
        }
    }
}
