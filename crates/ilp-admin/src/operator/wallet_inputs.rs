//! What the operations on wallets are given, not yet checked.

use ilp_store::{AdditionalProperty, FeeKind, TextFilter};

use super::Edit;

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

/// A wallet address to be made.
#[derive(Clone, Debug, Default)]
pub struct NewWalletAddress {
    /// What its balance is kept in.
    pub asset_id: String,
    /// Its URL.
    pub address: String,
    /// For people.
    pub public_name: Option<String>,
    /// What the operator notes of it.
    pub additional_properties: Vec<AdditionalProperty>,
}

/// A change of a wallet address. What is `None` or [`Edit::Keep`] stays.
#[derive(Clone, Debug, Default)]
pub struct WalletAddressEdit {
    /// Which one.
    pub id: String,
    /// For people.
    pub public_name: Edit<String>,
    /// Whether it takes new payments.
    pub is_active: Option<bool>,
    /// What the operator notes of it, in place of what was.
    pub additional_properties: Option<Vec<AdditionalProperty>>,
    /// The version that the edit is based on; `None` edits whatever is stored.
    pub version: Option<u64>,
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
    /// What leaves the wallet, fees included.
    pub debit_amount: Option<AmountGiven>,
    /// What arrives.
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

/// A fee to be taken from now on.
#[derive(Clone, Debug)]
pub struct NewFee {
    /// Payments in which asset it is for.
    pub asset_id: String,
    /// Which payments.
    pub kind: FeeKind,
    /// Taken from each, in the asset's smallest unit.
    pub fixed: u64,
    /// Taken beside it, in hundredths of a percent of the amount.
    pub basis_points: i32,
}

/// All that a wallet address has, to be taken out.
#[derive(Clone, Debug)]
pub struct WalletAddressWithdrawal {
    /// Which one.
    pub wallet_address_id: String,
    /// The client's own id for it, under which it is booked at most once.
    pub transfer_id: String,
    /// How many seconds it waits to be posted before it comes back; zero takes it at once.
    pub timeout_s: u64,
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
