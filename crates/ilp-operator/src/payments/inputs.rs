//! The input of operations on payments, not yet checked.

use ilp_store::TextFilter;

/// An amount with what it is in, as clients write it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AmountGiven {
    /// In the smallest unit.
    pub value: u64,
    /// Such as `USD`.
    pub asset_code: String,
    /// Decimal places of the smallest unit.
    pub asset_scale: u8,
}

/// The name of an asset beyond this node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AssetName {
    /// Such as `USD`.
    pub code: String,
    /// Decimal places of the smallest unit.
    pub scale: u8,
}

/// An incoming payment to be made.
#[derive(Clone, Debug, Default)]
pub struct NewIncomingPayment {
    /// Who expects it.
    pub wallet_address_id: String,
    /// How much; `None` for whatever comes.
    pub incoming_amount: Option<AmountGiven>,
    /// Until when, as in RFC 3339; `None` for as long as may be.
    pub expires_at: Option<String>,
    /// A JSON object as text.
    pub metadata: Option<String>,
    /// Whether it is for a payment by card.
    pub is_card_payment: bool,
    /// Whom it is expected from.
    pub sender_wallet_address: Option<String>,
}

/// A payment to be quoted.
#[derive(Clone, Debug, Default)]
pub struct NewQuote {
    /// Who would pay.
    pub wallet_address_id: String,
    /// Whom: a URL or payment pointer.
    pub receiver: String,
    /// The amount that leaves the wallet, fees included.
    pub debit_amount: Option<AmountGiven>,
    /// The amount that arrives.
    pub receive_amount: Option<AmountGiven>,
}

/// An outgoing payment to be made.
#[derive(Clone, Debug, Default)]
pub struct NewOutgoingPayment {
    /// Who pays.
    pub wallet_address_id: String,
    /// On what terms.
    pub quote_id: String,
    /// A JSON object as text.
    pub metadata: Option<String>,
}

/// Which outgoing payments to list.
#[derive(Clone, Debug, Default)]
pub struct OutgoingPaymentFilter {
    /// By the receiver, as the client wrote it.
    pub receiver: TextFilter,
    /// By who pays.
    pub wallet_address_id: TextFilter,
    /// By state.
    pub state: TextFilter,
}

/// Which payments of either direction to list.
#[derive(Clone, Debug, Default)]
pub struct PaymentFilter {
    /// By `INCOMING` and `OUTGOING`.
    pub kind: TextFilter,
    /// By whose they are.
    pub wallet_address_id: TextFilter,
}
