//! Wallet addresses in the schema: what is written.

use async_graphql::{ID, InputObject, MaybeUndefined, SimpleObject};
use ilp_operator::{
    Edit, Field, NewWalletAddress, OperatorError, WalletAddressEdit, WalletAddressView,
    WalletAddressWithdrawal as Withdrawal, WithdrawnFromWalletAddress,
};
use ilp_store::AdditionalProperty as Property;

use crate::schema::{
    forms::{
        response::{MutationResponse, Status},
        scalars::UInt64,
    },
    wallets::wallet_address::{WalletAddress, WalletAddressStatus},
};

/// A wallet address to be made, such as `{"assetId": "…", "address":
/// "https://wallet.example/alice"}`.
#[derive(InputObject)]
pub(crate) struct CreateWalletAddressInput {
    /// The tenant that it is for. There is one, which `whoami` names; it may be left out.
    pub(crate) tenant_id: Option<ID>,
    /// The id of the asset of its balance.
    asset_id: String,
    /// Its URL: `https://` with a path, or `http://` on a loopback or private host. Kept in lower
    /// case.
    address: String,
    /// The name that payers see.
    public_name: Option<String>,
    /// The idempotency key: a request that is repeated with it is done once.
    pub(crate) idempotency_key: Option<String>,
    /// Properties that the operator defines.
    additional_properties: Option<Vec<AdditionalPropertyInput>>,
}

impl CreateWalletAddressInput {
    pub(crate) fn read(self) -> NewWalletAddress {
        NewWalletAddress {
            asset_id: self.asset_id,
            address: self.address,
            public_name: self.public_name,
            additional_properties: properties(self.additional_properties).unwrap_or_default(),
        }
    }
}

/// A change of a wallet address. What is left out stays.
#[derive(InputObject)]
pub(crate) struct UpdateWalletAddressInput {
    /// The wallet address's id.
    id: ID,
    /// The name that payers see; null for nothing.
    public_name: MaybeUndefined<String>,
    /// Whether it takes new payments.
    status: Option<WalletAddressStatus>,
    /// The idempotency key: a request that is repeated with it is done once.
    pub(crate) idempotency_key: Option<String>,
    /// Properties that the operator defines, replacing all earlier ones.
    additional_properties: Option<Vec<AdditionalPropertyInput>>,
    /// The version that the change is based on, from the object's `version`. If the stored version
    /// differs, nothing is changed and the answer is `CONFLICT`. When left out, the change applies
    /// to any version.
    version: Option<UInt64>,
}

impl UpdateWalletAddressInput {
    pub(crate) fn read(self) -> Result<WalletAddressEdit, OperatorError> {
        Ok(WalletAddressEdit {
            id: self.id.to_string(),
            public_name: match self.public_name {
                MaybeUndefined::Undefined => Edit::Keep,
                MaybeUndefined::Null => Edit::Clear,
                MaybeUndefined::Value(name) => Edit::Set(name),
            },
            is_active: self.status.map(|status| status == WalletAddressStatus::Active),
            additional_properties: properties(self.additional_properties),
            version: UInt64::optional(self.version, Field::Version)?,
        })
    }
}

/// A property of a wallet address, which the operator defines.
#[derive(InputObject)]
pub(crate) struct AdditionalPropertyInput {
    /// The name of the property.
    key: String,
    /// The value of the property.
    value: String,
    /// Whether clients that ask for the wallet address may see the property.
    visible_in_open_payments: bool,
}

fn properties(given: Option<Vec<AdditionalPropertyInput>>) -> Option<Vec<Property>> {
    let property = |given: AdditionalPropertyInput| {
        let AdditionalPropertyInput { key, value, visible_in_open_payments } = given;
        Property { key, value, visible_in_open_payments }
    };
    given.map(|given| given.into_iter().map(property).collect())
}

/// All that a wallet address has, to be taken out.
#[derive(InputObject)]
pub(crate) struct CreateWalletAddressWithdrawalInput {
    /// The wallet address's id.
    wallet_address_id: String,
    /// A UUID of version 4 or 7 that the client makes. Under it the withdrawal is booked once, and
    /// it is posted or voided.
    id: String,
    /// The idempotency key: a request that is repeated with it is done once.
    pub(crate) idempotency_key: String,
    /// The number of seconds for which the amount is reserved, waiting to be posted; after them it
    /// comes back. Zero takes it at once and for good.
    timeout_seconds: UInt64,
}

impl CreateWalletAddressWithdrawalInput {
    pub(crate) fn read(self) -> Result<Withdrawal, OperatorError> {
        Ok(Withdrawal {
            wallet_address_id: self.wallet_address_id,
            transfer_id: self.id,
            timeout_s: self.timeout_seconds.given(Field::TimeoutSeconds)?,
        })
    }
}

/// A withdrawal from a wallet address.
#[derive(SimpleObject)]
pub(crate) struct WalletAddressWithdrawal {
    /// The client's id for it.
    id: ID,
    /// The amount, in the asset's smallest unit.
    amount: UInt64,
    /// The wallet address.
    wallet_address: WalletAddress,
}

impl From<WithdrawnFromWalletAddress> for WalletAddressWithdrawal {
    fn from(withdrawn: WithdrawnFromWalletAddress) -> Self {
        Self {
            id: withdrawn.transfer_id.into(),
            amount: withdrawn.amount.into(),
            wallet_address: withdrawn.wallet_address.into(),
        }
    }
}

/// The result of taking out what a wallet address has.
#[derive(SimpleObject)]
pub(crate) struct WalletAddressWithdrawalMutationResponse {
    /// The withdrawal; null when the mutation was refused.
    withdrawal: Option<WalletAddressWithdrawal>,
    #[graphql(flatten)]
    status: Status,
}

impl MutationResponse for WalletAddressWithdrawalMutationResponse {
    type Done = WithdrawnFromWalletAddress;

    fn new(done: Option<WithdrawnFromWalletAddress>, status: Status) -> Self {
        Self { withdrawal: done.map(WalletAddressWithdrawal::from), status }
    }
}

/// The result of making a wallet address.
#[derive(SimpleObject)]
pub(crate) struct CreateWalletAddressMutationResponse {
    /// The wallet address; null when the mutation was refused.
    wallet_address: Option<WalletAddress>,
    #[graphql(flatten)]
    status: Status,
}

impl MutationResponse for CreateWalletAddressMutationResponse {
    type Done = WalletAddressView;

    fn new(done: Option<WalletAddressView>, status: Status) -> Self {
        Self { wallet_address: done.map(WalletAddress::from), status }
    }
}

/// The result of changing a wallet address.
#[derive(SimpleObject)]
pub(crate) struct UpdateWalletAddressMutationResponse {
    /// The wallet address as it is now; null when the mutation was refused.
    wallet_address: Option<WalletAddress>,
    #[graphql(flatten)]
    status: Status,
}

impl MutationResponse for UpdateWalletAddressMutationResponse {
    type Done = WalletAddressView;

    fn new(done: Option<WalletAddressView>, status: Status) -> Self {
        Self { wallet_address: done.map(WalletAddress::from), status }
    }
}
