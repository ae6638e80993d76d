//! The progress and the end of a payment.

use crate::{
    connection::Rejection,
    frame::CloseCode,
    rate::{Rate, RateBounds},
};

/// The end of a payment. Amounts are exact: no packet may still be answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// All that was to be sent or delivered was.
    Completed {
        /// In the payer's units.
        sent: u64,
        /// In the recipient's units, as the recipient says.
        delivered: u64,
    },
    /// Some of it was, and no more can be.
    PartlyDelivered {
        /// In the payer's units.
        sent: u64,
        /// In the recipient's units.
        delivered: u64,
        /// The reason why no more was paid.
        reason: EndReason,
    },
    /// Nothing was.
    Failed {
        /// The reason why nothing was paid.
        reason: EndReason,
    },
}

impl Outcome {
    /// Returns the amount that was sent, in the payer's units.
    #[must_use]
    pub const fn sent(&self) -> u64 {
        match self {
            Self::Completed { sent, .. } | Self::PartlyDelivered { sent, .. } => *sent,
            Self::Failed { .. } => 0,
        }
    }

    /// Returns the amount that was delivered, in the recipient's units.
    #[must_use]
    pub const fn delivered(&self) -> u64 {
        match self {
            Self::Completed { delivered, .. } | Self::PartlyDelivered { delivered, .. } => {
                *delivered
            }
            Self::Failed { .. } => 0,
        }
    }

    /// Returns the reason why the payment ended too early, if it did.
    #[must_use]
    pub const fn reason(&self) -> Option<&EndReason> {
        match self {
            Self::Completed { .. } => None,
            Self::PartlyDelivered { reason, .. } | Self::Failed { reason } => Some(reason),
        }
    }
}

/// The reason why a payment can't go on, in words for the person who pays.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EndReason {
    /// A node on the path, or the recipient, refused for good.
    #[error("a packet was refused for good: {0}")]
    Refused(Rejection),
    /// Nothing got through for too long; with what was said last.
    #[error("nothing has got through for {idle_ms} ms{}", last(last_rejection.as_ref()))]
    Idle {
        /// For how long, in milliseconds.
        idle_ms: u64,
        /// The rejection of the last packet that failed.
        last_rejection: Option<Rejection>,
    },
    /// The path's rate is not good enough any more.
    #[error("the rate has fallen to below {upper}, and the payment needs {minimum} at least")]
    RateTooLow {
        /// The path's rate is below this.
        upper: Rate,
        /// The payment's least rate.
        minimum: Rate,
    },
    /// The rate had to be known first, and nothing at all arrives.
    #[error("of what is sent nothing arrives: the rate is too low for this path's packets")]
    NothingArrives,
    /// The next packet would be rounded to nothing, or to less than the payment's least rate: it is
    /// all that is left, or all that the path takes at once.
    #[error("a packet of {amount} is too small: rounding would take too much of it")]
    TooSmall {
        /// In the payer's units.
        amount: u64,
    },
    /// All that may be sent was, and it brought less than wanted.
    #[error("{sent} was sent, which is all that may be, and it brought less than wanted")]
    SendMaxReached {
        /// In the payer's units.
        sent: u64,
    },
    /// The path's maximum or liquidity is so low that the payment would need more packets than it
    /// may have.
    #[error("the path takes so little at once that {needed} packets are needed, of {packets_max}")]
    TooManyPackets {
        /// The least number of packets that the whole payment needs.
        needed: u64,
        /// The maximum number of packets.
        packets_max: u64,
    },
    /// Not even one unit fits into a packet.
    #[error("the path takes no packets of any amount")]
    PathTakesNothing,
    /// The recipient takes less than what is to be delivered.
    #[error("the recipient takes at most {receive_max}, and {wanted} or more are to be delivered")]
    RecipientLimit {
        /// The total that the recipient takes, in its units.
        receive_max: u64,
        /// The least amount that this payment would deliver, in the recipient's units.
        wanted: u64,
    },
    /// The recipient ended the connection.
    #[error("the recipient closed the connection: {code} {message}")]
    ClosedByRecipient {
        /// Why.
        code: CloseCode,
        /// The error for people, shortened and escaped.
        message: String,
    },
    /// The recipient has said two different things about what it counts in.
    #[error("the recipient changed its asset in the middle of the payment")]
    AssetChanged,
    /// The recipient has taken money and not said how much arrived, or too little.
    #[error("the recipient took a packet without saying that enough of it arrived")]
    ProtocolViolation,
    /// The next hop has answered with a fulfillment that is wrong.
    #[error("a node on the path answered with a wrong fulfillment")]
    WrongFulfillment,
    /// 2^31 packets have been sent with one secret.
    #[error("the connection has carried as many packets as is safe with one secret")]
    SequenceLimit,
    /// The payer has stopped the payment.
    #[error("the payment was stopped")]
    Stopped,
}

/// The progress of a payment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Fulfilled, in the payer's units.
    pub sent: u64,
    /// Delivered, in the recipient's units, as the recipient says.
    pub delivered: u64,
    /// Under way, in the payer's units.
    pub in_flight: u64,
    /// The number of packets under way.
    pub packets_in_flight: usize,
    /// The number of fulfilled packets.
    pub packets_fulfilled: u64,
    /// The number of rejected packets.
    pub packets_rejected: u64,
    /// The path's rate, if a packet has told it.
    pub rate: Option<RateBounds>,
    /// The number of packets that may be under way at the moment.
    pub window: u32,
    /// The most that a packet may carry, in the payer's units; `None` while no node sets a limit.
    pub packet_amount_max: Option<u64>,
    /// The usual time until a reply comes, in milliseconds.
    pub round_trip_ms: Option<u64>,
}

fn last(rejection: Option<&Rejection>) -> String {
    rejection.map_or_else(String::new, |rejection| format!("; last came {rejection}"))
}
