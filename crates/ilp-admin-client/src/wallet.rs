//! Wallet addresses.

use serde::Serialize;

use crate::{
    Id, JsonObject, Page, Patch, UInt64,
    asset::Unit,
    operation::{connection, mutation, query},
    payment::{Amount, AmountInput, IncomingPaymentState, OutgoingPaymentState},
    schema,
};

#[derive(cynic::QueryFragment, Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct WalletAddress {
    pub id: Id,
    pub address: String,
    pub public_name: Option<String>,
    pub status: WalletAddressStatus,
    pub liquidity: Option<UInt64>,
    pub created_at: String,
    pub version: UInt64,
    pub asset: Unit,
}

#[derive(cynic::Enum, Clone, Copy, Debug, PartialEq, Eq)]
pub enum WalletAddressStatus {
    Active,
    Inactive,
}

connection!(WalletAddressesConnection, WalletAddressEdge, WalletAddress);

/// A page of wallet addresses.
#[derive(cynic::QueryVariables, Clone, Debug)]
pub struct WalletAddresses {
    pub after: Option<String>,
}

#[derive(cynic::QueryFragment, Debug)]
#[cynic(graphql_type = "Query", variables = "WalletAddresses")]
pub struct WalletAddressesQuery {
    #[arguments(first: 100, after: $after)]
    pub wallet_addresses: WalletAddressesConnection,
}

query!(WalletAddresses => WalletAddressesQuery,
    |data| Some(data.wallet_addresses.into()) => Page<WalletAddress>);

/// The wallet address of an id.
#[derive(cynic::QueryVariables, Clone, Debug)]
pub struct WalletAddressById {
    pub id: Id,
}

#[derive(cynic::QueryFragment, Debug)]
#[cynic(graphql_type = "Query", variables = "WalletAddressById")]
pub struct WalletAddressByIdQuery {
    #[arguments(id: $id)]
    pub wallet_address: Option<WalletAddress>,
}

query!(WalletAddressById => WalletAddressByIdQuery,
    |data| Some(data.wallet_address) => Option<WalletAddress>);

/// The wallet address of a URL.
#[derive(cynic::QueryVariables, Clone, Debug)]
pub struct WalletAddressByUrl {
    pub url: String,
}

#[derive(cynic::QueryFragment, Debug)]
#[cynic(graphql_type = "Query", variables = "WalletAddressByUrl")]
pub struct WalletAddressByUrlQuery {
    #[arguments(url: $url)]
    pub wallet_address_by_url: Option<WalletAddress>,
}

query!(WalletAddressByUrl => WalletAddressByUrlQuery,
    |data| Some(data.wallet_address_by_url) => Option<WalletAddress>);

/// The latest payments from and to a wallet address.
#[derive(cynic::QueryVariables, Clone, Debug)]
pub struct WalletPayments {
    pub id: Id,
}

#[derive(cynic::QueryFragment, Debug)]
#[cynic(graphql_type = "Query", variables = "WalletPayments")]
pub struct WalletPaymentsQuery {
    #[arguments(id: $id)]
    pub wallet_address: Option<PayingWallet>,
}

#[derive(cynic::QueryFragment, Debug)]
#[cynic(graphql_type = "WalletAddress")]
pub struct PayingWallet {
    #[arguments(first: 10)]
    pub outgoing_payments: Option<SentConnection>,
    #[arguments(first: 10)]
    pub incoming_payments: Option<ReceivedConnection>,
}

#[derive(cynic::QueryFragment, Debug)]
#[cynic(graphql_type = "OutgoingPaymentConnection")]
pub struct SentConnection {
    pub edges: Vec<SentEdge>,
}

#[derive(cynic::QueryFragment, Debug)]
#[cynic(graphql_type = "OutgoingPaymentEdge")]
pub struct SentEdge {
    pub node: SentPayment,
}

#[derive(cynic::QueryFragment, Debug)]
#[cynic(graphql_type = "IncomingPaymentConnection")]
pub struct ReceivedConnection {
    pub edges: Vec<ReceivedEdge>,
}

#[derive(cynic::QueryFragment, Debug)]
#[cynic(graphql_type = "IncomingPaymentEdge")]
pub struct ReceivedEdge {
    pub node: ReceivedPayment,
}

#[derive(cynic::QueryFragment, Clone, Debug, Serialize)]
#[cynic(graphql_type = "OutgoingPayment")]
#[serde(rename_all = "camelCase")]
pub struct SentPayment {
    pub id: Id,
    pub state: OutgoingPaymentState,
    pub receiver: String,
    pub created_at: String,
    pub debit_amount: Amount,
    pub sent_amount: Amount,
}

#[derive(cynic::QueryFragment, Clone, Debug, Serialize)]
#[cynic(graphql_type = "IncomingPayment")]
#[serde(rename_all = "camelCase")]
pub struct ReceivedPayment {
    pub id: Id,
    pub state: IncomingPaymentState,
    pub created_at: String,
    pub received_amount: Amount,
}

query!(WalletPayments => WalletPaymentsQuery, |data| data.wallet_address => PayingWallet);

#[derive(cynic::InputObject, Clone, Debug)]
#[cynic(require_all_fields)]
pub struct AdditionalPropertyInput {
    pub key: String,
    pub value: String,
    pub visible_in_open_payments: bool,
}

#[derive(cynic::InputObject, Clone, Debug)]
#[cynic(require_all_fields)]
pub struct CreateWalletAddressInput {
    pub address: String,
    pub asset_id: Id,
    #[cynic(skip_serializing_if = "Option::is_none")]
    pub public_name: Option<String>,
    #[cynic(skip_serializing_if = "Option::is_none")]
    pub additional_properties: Option<Vec<AdditionalPropertyInput>>,
    #[cynic(skip_serializing_if = "Option::is_none")]
    pub tenant_id: Option<Id>,
    #[cynic(skip_serializing_if = "Option::is_none")]
    pub idempotency_key: Option<String>,
}

#[derive(cynic::InputObject, Clone, Debug)]
#[cynic(require_all_fields)]
pub struct UpdateWalletAddressInput {
    pub id: Id,
    #[cynic(skip_serializing_if = "Option::is_none")]
    pub public_name: Option<Patch<String>>,
    #[cynic(skip_serializing_if = "Option::is_none")]
    pub status: Option<WalletAddressStatus>,
    #[cynic(skip_serializing_if = "Option::is_none")]
    pub additional_properties: Option<Vec<AdditionalPropertyInput>>,
    #[cynic(skip_serializing_if = "Option::is_none")]
    pub version: Option<UInt64>,
    #[cynic(skip_serializing_if = "Option::is_none")]
    pub idempotency_key: Option<String>,
}

#[derive(cynic::InputObject, Clone, Debug)]
#[cynic(require_all_fields)]
pub struct CreateWalletAddressWithdrawalInput {
    pub wallet_address_id: Id,
    pub id: Id,
    pub timeout_seconds: UInt64,
    pub idempotency_key: Id,
}

#[derive(cynic::InputObject, Clone, Debug)]
#[cynic(require_all_fields)]
pub struct CreateIncomingPaymentInput {
    pub wallet_address_id: Id,
    #[cynic(skip_serializing_if = "Option::is_none")]
    pub incoming_amount: Option<AmountInput>,
    #[cynic(skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<String>,
    #[cynic(skip_serializing_if = "Option::is_none")]
    pub sender_wallet_address: Option<String>,
    #[cynic(skip_serializing_if = "Option::is_none")]
    pub is_card_payment: Option<bool>,
    #[cynic(skip_serializing_if = "Option::is_none")]
    pub metadata: Option<JsonObject>,
    #[cynic(skip_serializing_if = "Option::is_none")]
    pub idempotency_key: Option<String>,
}

#[derive(cynic::QueryFragment, Clone, Debug)]
pub struct CreateWalletAddressMutationResponse {
    pub wallet_address: Option<WalletAddress>,
}

#[derive(cynic::QueryFragment, Clone, Debug)]
pub struct UpdateWalletAddressMutationResponse {
    pub wallet_address: Option<WalletAddress>,
}

#[derive(cynic::QueryFragment, Clone, Debug)]
pub struct WalletAddressWithdrawalMutationResponse {
    pub withdrawal: Option<WalletAddressWithdrawal>,
}

#[derive(cynic::QueryFragment, Clone, Debug, Serialize)]
pub struct WalletAddressWithdrawal {
    pub id: Id,
    pub amount: UInt64,
}

#[derive(cynic::QueryFragment, Clone, Debug)]
pub struct IncomingPaymentResponse {
    pub payment: Option<IncomingPayment>,
}

#[derive(cynic::QueryFragment, Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct IncomingPayment {
    pub id: Id,
    pub url: String,
    pub state: IncomingPaymentState,
    pub created_at: String,
    pub expires_at: String,
    pub incoming_amount: Option<Amount>,
    pub received_amount: Amount,
}

mutation!(create, CreateWalletAddress.create_wallet_address(CreateWalletAddressInput)
    -> CreateWalletAddressMutationResponse, |data| data.wallet_address => WalletAddress);
mutation!(update, UpdateWalletAddress.update_wallet_address(UpdateWalletAddressInput)
    -> UpdateWalletAddressMutationResponse, |data| data.wallet_address => WalletAddress);
mutation!(withdraw,
    CreateWalletAddressWithdrawal.create_wallet_address_withdrawal(CreateWalletAddressWithdrawalInput)
        -> optional WalletAddressWithdrawalMutationResponse,
    |data| data?.withdrawal => WalletAddressWithdrawal);
mutation!(request, CreateIncomingPayment.create_incoming_payment(CreateIncomingPaymentInput)
    -> IncomingPaymentResponse, |data| data.payment => IncomingPayment);
