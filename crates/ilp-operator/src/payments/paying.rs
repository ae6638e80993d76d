//! The interface between operations on payments and the part of the node that sends their packets.
//!
//! Records, states and books are on this side, packets on the other. The daemon implements
//! [`Paying`] over STREAM and SPSP, reports through [`PaymentReports`], and calls the operator's
//! handle of payments:
//!
//! - `pay_through(paying)` once after the load: payments that a restart interrupted go on;
//! - `recipient(id)` for each packet that ends here, then [`Recipient::reserve`] before its hold,
//!   `Reserved::keep` and `incoming_credited(&recipient)` after its post;
//! - `spsp_target(url)` for each SPSP query, which says with what tag to make credentials.
//!
//! [`Recipient::reserve`]: crate::payments::incoming::recipients::Recipient::reserve

use std::sync::Arc;

use ilp_connector::{LocalAccount, peer::Asset, token::Secret};
use uuid::Uuid;

pub use super::inputs::AssetName;
use crate::vocabulary::{
    boxed_future::BoxFuture,
    error::{OperatorError, box_error::BoxError},
};

/// The operations' interface to the part that pays.
///
/// The implementer keeps what it reports to no longer than the payment runs, so that the two don't keep
/// each other alive.
pub trait Paying: Send + Sync {
    /// Finds out what it would cost to pay a receiver of another node. Moves no money, and ends in
    /// bounded time. It isn't asked about receivers of this node, which are paid in the books.
    fn quote(&self, ask: QuoteAsk) -> BoxFuture<'_, Result<QuoteOffer, QuoteRefusal>>;

    /// Starts a payment, or goes on with one after a restart. Returns at once. Every payment that
    /// is handed over ends in one call of [`PaymentReports::ended`], unless the node ends first.
    fn send(&self, reports: Arc<dyn PaymentReports>, order: SendOrder);
}

/// The paying part's reports of a payment.
pub trait PaymentReports: Send + Sync {
    /// Notes that packets of a payment are about to be sent. Those under way together never carry
    /// more than `under_way_max`, in the source asset's smallest unit. Durable when it returns, so that
    /// the next start knows what a kill has left in doubt.
    ///
    /// # Errors
    /// When the store fails: no packet may be sent then.
    fn begins(&self, id: Uuid, under_way_max: u64) -> BoxFuture<'_, Result<(), OperatorError>>;

    /// Notes how far a payment has come, as often as the part that pays likes. Watchers learn of every
    /// call, the disk of some.
    fn progress(&self, id: Uuid, progress: Progress);

    /// Notes how far a payment had come when the node ends. Durable when it returns, so that the next
    /// start knows what has arrived to the last unit.
    ///
    /// # Errors
    /// When the store fails: the next start goes by what was noted before.
    fn paused(&self, id: Uuid, progress: Progress) -> BoxFuture<'_, Result<(), OperatorError>>;

    /// Notes the end of a payment, once, when none of its packets is under way any more. What is left
    /// on the payment's account stays there to be withdrawn. Durable when it returns.
    ///
    /// # Errors
    /// An unknown payment, or when the store fails: the payment goes on at the next start then.
    fn ended(
        &self,
        id: Uuid,
        ended: Ended,
        progress: Progress,
    ) -> BoxFuture<'_, Result<(), OperatorError>>;
}

/// How much is to be paid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PayAmount {
    /// So much leaves the wallet, in its asset's smallest unit, fees taken off.
    Send(u64),
    /// So much arrives, in the smallest unit of the receiver's asset.
    Deliver(u64),
    /// The amount that the receiver still asks for arrives. A receiver that asks for no amount is
    /// refused with [`QuoteRefusal::InvalidAmount`].
    DeliverWhatIsAsked,
}

/// A payment to be quoted.
#[derive(Clone, Debug)]
pub struct QuoteAsk {
    /// A URL or payment pointer, as the client wrote it.
    pub receiver: String,
    /// The wallet address that would pay.
    pub wallet_address_id: Uuid,
    /// The asset of the wallet address.
    pub source: Arc<Asset>,
    /// How much.
    pub amount: PayAmount,
}

/// An exact rate: so many smallest units of the receiver's asset for so many of the sender's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fraction {
    /// The amount that arrives.
    pub delivered: u128,
    /// The amount that is sent for it; never zero.
    pub sent: u128,
}

/// The cost of a payment, as the paying part offers it.
#[derive(Clone, Debug)]
pub struct QuoteOffer {
    /// The most that the packets take from the wallet, in its asset's smallest unit, without the
    /// node's own fees.
    pub debit_amount: u64,
    /// The amount that would arrive, in the smallest unit of the receiver's asset: a minimum where
    /// a rate may move, and otherwise exact but for rounding.
    pub receive_amount: u64,
    /// The amount that was asked to arrive, in the same unit, where it can't be hit exactly and
    /// `receive_amount` will arrive instead.
    pub deliver_amount: Option<u64>,
    /// The receiver's asset.
    pub receive_asset: AssetName,
    /// The most that one packet may carry on the path, in the sender's unit; `None` for no limit.
    pub max_packet_amount: Option<u64>,
    /// How many packets it takes at least.
    pub packet_count: u64,
    /// The worst rate at which packets are to be sent.
    pub rate_min: Fraction,
    /// When the receiver stops taking money, if it says so; milliseconds since 1970.
    pub receiver_expires_at_ms: Option<u64>,
    /// The payer's notes, which the [`SendOrder`] gives back. They are kept with the quote.
    pub details: Secret,
}

/// The reason why there is no offer. The messages of the causes are for the client and hold no
/// secret.
#[derive(Debug)]
pub enum QuoteRefusal {
    /// There is no receiver of that name, or it takes nothing more.
    InvalidReceiver(BoxError),
    /// The amount doesn't fit the receiver, such as more than it asks for.
    InvalidAmount(BoxError),
    /// So little would arrive that it is nothing.
    NonPositiveReceiveAmount {
        /// The least that would have to leave the wallet, in its asset's smallest unit, fees taken
        /// off; `None` where that isn't known.
        send_min: Option<u64>,
    },
    /// No rate is known between the two assets, or not now.
    NoRate(BoxError),
    /// The receiver or the path to it doesn't answer; a later try may succeed.
    Unreachable(BoxError),
}

/// A payment to be sent, or to go on with.
#[derive(Clone, Debug)]
pub struct SendOrder {
    /// The outgoing payment's id.
    pub payment_id: Uuid,
    /// The wallet address that pays.
    pub wallet_address_id: Uuid,
    /// The payment's own account, from which its packets are paid, and what it is in.
    pub payer: LocalAccount,
    /// A URL or payment pointer, as the client wrote it.
    pub receiver: String,
    /// The receiver's asset when the quote was made. Another asset ends the payment.
    pub receive_asset: AssetName,
    /// All that packets may take, over all attempts, in the source asset's smallest unit.
    pub debit_max: u64,
    /// The minimum to arrive, over all attempts, in the smallest unit of the receiver's asset.
    pub receive_amount: u64,
    /// Whether `debit_max` is to be used up, as opposed to `receive_amount` reached.
    pub is_fixed_send: bool,
    /// The worst rate at which packets are to be sent.
    pub rate_min: Fraction,
    /// The least number of packets that the payment takes according to its quote.
    pub packet_count: u64,
    /// The amount that packets have taken so far, as the books have it.
    pub sent: u64,
    /// The amount that has arrived so far. It is exact but for the last moment before a restart,
    /// whose packets are counted at the worst rate.
    pub delivered: u64,
    /// The most that may have arrived in addition, by packets that were under way when the node was
    /// killed, in the source asset's smallest unit.
    pub in_doubt: u64,
    /// The payer's notes from its offer.
    pub details: Secret,
}

impl SendOrder {
    /// Returns whether nothing is left to be sent, by this node's own books. A receiver's later
    /// claims can't change that.
    #[must_use]
    pub fn is_done(&self) -> bool {
        if self.is_fixed_send {
            self.sent >= self.debit_max
        } else {
            self.delivered >= self.receive_amount
        }
    }
}

/// How far a payment has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// The amount that packets have taken over all attempts, in the source asset's smallest unit.
    pub sent: u64,
    /// The amount that has arrived over all attempts, in the smallest unit of the receiver's asset.
    pub delivered: u64,
    /// How many packets were fulfilled since the payment was handed over.
    pub packets: u64,
}

/// How a payment ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ended {
    /// The payment is complete: the amount to send was sent, or the amount to deliver arrived.
    Completed,
    /// The payment is given up. The amount sent until then stays sent.
    Failed {
        /// Why, for people.
        reason: String,
    },
}
