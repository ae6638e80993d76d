//! The records of wallets as the rest of the node sees them: wallet addresses, the payments to and
//! from them, quotes, fees. Balances are not here but in the books.

use ilp_connector::token::Secret;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// A wallet address of this node: a URL that money can be sent to and from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WalletAddressRecord {
    /// A UUID v7 made by the caller, so that the order of ids is the order of creation.
    pub id: Uuid,
    /// The asset of the wallet address' balance.
    pub asset_id: Uuid,
    /// Normalised when it was stored, and unique.
    pub url: String,
    /// For people.
    pub public_name: Option<String>,
    /// Since when it takes no new payments, in milliseconds since 1970; `None` while it does.
    pub deactivated_at_ms: Option<u64>,
    /// The operator's own notes on the wallet address.
    pub additional_properties: Vec<AdditionalProperty>,
    /// Milliseconds since 1970.
    pub created_at_ms: u64,
    /// The number of edits so far. An edit names the version that it is based on and is refused
    /// when the stored version is another.
    pub version: u64,
}

impl WalletAddressRecord {
    /// Returns whether the wallet address takes new payments.
    #[must_use]
    pub fn is_active(&self) -> bool {
        self.deactivated_at_ms.is_none()
    }
}

/// Something that the operator notes of a wallet address.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AdditionalProperty {
    /// The name of the note.
    pub key: String,
    /// The content of the note.
    pub value: String,
    /// Whether a client that asks for the wallet address may see it.
    pub visible_in_open_payments: bool,
}

/// How far an incoming payment has come. The names are on disk and never change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum IncomingPaymentState {
    /// Nothing was received.
    Pending,
    /// Something was received.
    Processing,
    /// All that was asked for was received.
    Completed,
    /// Its time was over before that.
    Expired,
}

/// Who had a payment made. The names are on disk and never change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Initiator {
    /// The operator, through the admin API.
    Admin,
    /// The operator, through the admin API, for a payment by card.
    Card,
}

/// Money that a wallet address expects.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IncomingPaymentRecord {
    /// A UUID v7 made by the caller, so that the order of ids is the order of creation.
    pub id: Uuid,
    /// Who expects it.
    pub wallet_address_id: Uuid,
    /// The asset of the payment.
    pub asset_id: Uuid,
    /// Where it is paid, below the wallet address's own URL.
    pub url: String,
    /// How much is asked for, in the asset's smallest unit; `None` for whatever comes.
    pub incoming_amount: Option<u64>,
    /// A JSON object as text, the client's own.
    pub metadata: Option<String>,
    /// How far it has come.
    pub state: IncomingPaymentState,
    /// Who had it made.
    pub initiated_by: Initiator,
    /// Whom it is expected from, by a URL.
    pub sender_wallet_address: Option<String>,
    /// From when on it takes nothing more, in milliseconds since 1970.
    pub expires_at_ms: u64,
    /// Milliseconds since 1970.
    pub created_at_ms: u64,
    /// Under which id what it received is withdrawn; set when it ends with money.
    pub withdrawal_id: Option<Uuid>,
}

impl IncomingPaymentRecord {
    /// Whether it takes money, as far as its state goes.
    #[must_use]
    pub fn is_open(&self) -> bool {
        matches!(self.state, IncomingPaymentState::Pending | IncomingPaymentState::Processing)
    }
}

/// The cost of a payment, until the quote expires.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QuoteRecord {
    /// A UUID v7 made by the caller, so that the order of ids is the order of creation.
    pub id: Uuid,
    /// Who would pay.
    pub wallet_address_id: Uuid,
    /// The asset of the wallet's balance.
    pub asset_id: Uuid,
    /// A URL or payment pointer, as the client wrote it.
    pub receiver: String,
    /// The wallet address or incoming payment of this node that the receiver is; `None` for one
    /// that packets are sent to.
    pub local_recipient: Option<Uuid>,
    /// Whether what leaves the wallet is fixed, as opposed to what arrives.
    pub is_fixed_send: bool,
    /// The amount that leaves the wallet, fees included, in its asset's smallest unit.
    pub debit_amount: u64,
    /// The amount that leaves the wallet without fees, in its asset's smallest unit.
    pub debit_minus_fees: u64,
    /// The amount that arrives, in the smallest unit of the receiver's asset.
    pub receive_amount: u64,
    /// The amount at whose arrival the payment is complete, in the same unit, where the amount
    /// asked for can't be hit exactly; `None` for [`QuoteRecord::receive_amount`].
    pub deliver_amount: Option<u64>,
    /// The code of the receiver's asset.
    pub receive_asset_code: String,
    /// Its decimal places.
    pub receive_asset_scale: u8,
    /// The fee that was applied.
    pub fee_id: Option<Uuid>,
    /// The most that one packet carries, in the sender's unit; `None` for no limit.
    pub max_packet_amount: Option<u64>,
    /// How many packets it takes at least; none for a receiver of this node.
    pub packet_count: u64,
    /// The amount that arrives at the worst rate for every [`QuoteRecord::rate_sent`].
    pub rate_delivered: u128,
    /// Never zero.
    pub rate_sent: u128,
    /// The payer's notes, which it is given back.
    pub details: Secret,
    /// Milliseconds since 1970.
    pub created_at_ms: u64,
    /// From when on no payment can be made from it, in milliseconds since 1970.
    pub expires_at_ms: u64,
}

/// How far an outgoing payment has come. The names are on disk and never change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum OutgoingPaymentState {
    /// The payment waits for its money.
    Funding,
    /// The payment has its money and is being sent.
    Sending,
    /// The payment was sent.
    Completed,
    /// The payment was given up; some of it may have been sent.
    Failed,
    /// The payment was called off before it had its money.
    Cancelled,
}

/// Money that a wallet address sends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutgoingPaymentRecord {
    /// A UUID v7 made by the caller, so that the order of ids is the order of creation.
    pub id: Uuid,
    /// The quote that was agreed on, whole, so that the quote's own record need not be kept.
    pub quote: QuoteRecord,
    /// How far it has come.
    pub state: OutgoingPaymentState,
    /// Why it failed.
    pub error: Option<String>,
    /// How often sending it was begun again.
    pub state_attempts: u32,
    /// A JSON object as text, the client's own.
    pub metadata: Option<String>,
    /// Under which id its money comes in, which is that of the event that asks for it.
    pub funding_id: Uuid,
    /// Under which id what is left is withdrawn; set when it ends.
    pub withdrawal_id: Option<Uuid>,
    /// The amount that packets took as of the last note, in the asset's smallest unit; exact once
    /// the payment has ended. While it is being sent, the books know better.
    pub sent: u64,
    /// The amount that had arrived when that much was sent, in the smallest unit of the receiver's
    /// asset.
    pub delivered: u64,
    /// How many packets took it; `None` where that isn't known, as of payments from before it was
    /// counted.
    pub packets: Option<u64>,
    /// The most that packets of the attempt that runs can carry at one time, in the asset's smallest
    /// unit; noted before the first one is sent, and zero once all are answered.
    pub under_way_max: u64,
    /// The most that packets carried which were under way when the node was killed, in the asset's
    /// smallest unit. Their Fulfills were lost, so the receiver may have the money although this
    /// node's books don't show it.
    pub in_doubt: u64,
    /// Milliseconds since 1970.
    pub created_at_ms: u64,
}

/// Which payments a fee is for. The names are on disk and never change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum FeeKind {
    /// The payments that are sent from here.
    Sending,
    /// The payments that are received here.
    Receiving,
}

/// The operator's fee for a payment. The latest of an asset and kind counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FeeRecord {
    /// A UUID v7 made by the caller, so that the order of ids is the order of creation.
    pub id: Uuid,
    /// Payments in which asset it is for.
    pub asset_id: Uuid,
    /// Which payments.
    pub kind: FeeKind,
    /// Taken from each, in the asset's smallest unit.
    pub fixed: u64,
    /// Taken beside it, in hundredths of a percent of the amount; at most 10,000.
    pub basis_points: u16,
    /// Milliseconds since 1970.
    pub created_at_ms: u64,
}
