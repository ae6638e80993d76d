//! What the operations on wallets are given, not yet checked.

use ilp_store::AdditionalProperty;

use crate::vocabulary::edit::Edit;

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
