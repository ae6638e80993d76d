//! The inputs of operations on wallets, not yet checked.

use ilp_store::AdditionalProperty;

use crate::vocabulary::edit::Edit;

/// A wallet address to be made.
#[derive(Clone, Debug, Default)]
pub struct NewWalletAddress {
    /// The asset of the wallet address.
    pub asset_id: String,
    /// Its URL.
    pub address: String,
    /// For people.
    pub public_name: Option<String>,
    /// The operator's own notes on the wallet address.
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
    /// The operator's own notes on the wallet address, in place of the present ones.
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
