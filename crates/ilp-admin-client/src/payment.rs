//! Quotes and payments.

use serde::Serialize;

use crate::{
    Id, JsonObject, UInt64,
    liquidity::LiquidityMutationResponse,
    operation::{mutation, query},
    schema,
};

/// An amount with its asset beside it.
#[derive(cynic::QueryFragment, Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Amount {
    pub value: UInt64,
    pub asset_code: String,
    pub asset_scale: u8,
}

#[derive(cynic::InputObject, Clone, Debug, PartialEq, Eq)]
#[cynic(require_all_fields)]
pub struct AmountInput {
    pub value: UInt64,
    pub asset_code: String,
    pub asset_scale: u8,
}

#[derive(cynic::Enum, Clone, Copy, Debug, PartialEq, Eq)]
pub enum OutgoingPaymentState {
    Cancelled,
    Completed,
    Failed,
    Funding,
    Sending,
}

#[derive(cynic::Enum, Clone, Copy, Debug, PartialEq, Eq)]
pub enum IncomingPaymentState {
    Completed,
    Expired,
    Pending,
    Processing,
}

#[derive(cynic::QueryFragment, Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Quote {
    pub id: Id,
    pub receiver: String,
    pub created_at: String,
    pub expires_at: String,
    pub packet_count: UInt64,
    pub max_packet_amount: Option<UInt64>,
    pub debit_amount: Amount,
    pub receive_amount: Amount,
    pub fee_amount: Amount,
}

#[derive(cynic::QueryFragment, Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct OutgoingPayment {
    pub id: Id,
    pub state: OutgoingPaymentState,
    pub error: Option<String>,
    pub receiver: String,
    pub liquidity: Option<UInt64>,
    pub created_at: String,
    pub packet_count: Option<UInt64>,
    pub debit_amount: Amount,
    pub sent_amount: Amount,
    pub receive_amount: Amount,
    pub delivered_amount: Amount,
    pub amount_in_doubt: Option<Amount>,
    pub quote: Option<PaidQuote>,
}

/// The parts of a payment's quote that are shown with the payment's end.
#[derive(cynic::QueryFragment, Clone, Debug, Serialize)]
#[cynic(graphql_type = "Quote")]
#[serde(rename_all = "camelCase")]
pub struct PaidQuote {
    pub packet_count: UInt64,
    pub max_packet_amount: Option<UInt64>,
    pub fee_amount: Amount,
}

/// The payment of an id; one that isn't there is no answer.
#[derive(cynic::QueryVariables, Clone, Debug)]
pub struct OutgoingPaymentById {
    pub id: Id,
}

#[derive(cynic::QueryFragment, Debug)]
#[cynic(graphql_type = "Query", variables = "OutgoingPaymentById")]
pub struct OutgoingPaymentByIdQuery {
    #[arguments(id: $id)]
    pub outgoing_payment: Option<OutgoingPayment>,
}

query!(OutgoingPaymentById => OutgoingPaymentByIdQuery,
    |data| data.outgoing_payment => OutgoingPayment);

#[derive(cynic::InputObject, Clone, Debug)]
#[cynic(require_all_fields)]
pub struct CreateQuoteInput {
    pub wallet_address_id: Id,
    pub receiver: String,
    #[cynic(skip_serializing_if = "Option::is_none")]
    pub debit_amount: Option<AmountInput>,
    #[cynic(skip_serializing_if = "Option::is_none")]
    pub receive_amount: Option<AmountInput>,
    #[cynic(skip_serializing_if = "Option::is_none")]
    pub idempotency_key: Option<String>,
}

#[derive(cynic::InputObject, Clone, Debug)]
#[cynic(require_all_fields)]
pub struct CreateOutgoingPaymentInput {
    pub wallet_address_id: Id,
    pub quote_id: Id,
    #[cynic(skip_serializing_if = "Option::is_none")]
    pub metadata: Option<JsonObject>,
    #[cynic(skip_serializing_if = "Option::is_none")]
    pub idempotency_key: Option<String>,
}

#[derive(cynic::InputObject, Clone, Debug)]
#[cynic(require_all_fields)]
pub struct DepositOutgoingPaymentLiquidityInput {
    pub outgoing_payment_id: Id,
    #[cynic(skip_serializing_if = "Option::is_none")]
    pub data_to_transmit: Option<String>,
    pub idempotency_key: Id,
}

#[derive(cynic::InputObject, Clone, Debug)]
#[cynic(require_all_fields)]
pub struct CreateOutgoingPaymentWithdrawalInput {
    pub outgoing_payment_id: Id,
    pub timeout_seconds: UInt64,
    pub idempotency_key: Id,
}

#[derive(cynic::InputObject, Clone, Debug)]
#[cynic(require_all_fields)]
pub struct CreateIncomingPaymentWithdrawalInput {
    pub incoming_payment_id: Id,
    pub timeout_seconds: UInt64,
    pub idempotency_key: Id,
}

#[derive(cynic::InputObject, Clone, Debug)]
#[cynic(require_all_fields)]
pub struct CancelOutgoingPaymentInput {
    pub id: Id,
    #[cynic(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

#[derive(cynic::QueryFragment, Clone, Debug)]
pub struct QuoteResponse {
    pub quote: Option<Quote>,
}

#[derive(cynic::QueryFragment, Clone, Debug)]
pub struct OutgoingPaymentResponse {
    pub payment: Option<OutgoingPayment>,
}

mutation!(quote, CreateQuote.create_quote(CreateQuoteInput) -> QuoteResponse,
    |data| data.quote => Quote);
mutation!(create, CreateOutgoingPayment.create_outgoing_payment(CreateOutgoingPaymentInput)
    -> OutgoingPaymentResponse, |data| data.payment => OutgoingPayment);
mutation!(cancel, CancelOutgoingPayment.cancel_outgoing_payment(CancelOutgoingPaymentInput)
    -> OutgoingPaymentResponse, |data| data.payment => OutgoingPayment);
mutation!(fund,
    DepositOutgoingPaymentLiquidity
        .deposit_outgoing_payment_liquidity(DepositOutgoingPaymentLiquidityInput)
        -> optional LiquidityMutationResponse,
    |data| LiquidityMutationResponse::done(data) => ());
mutation!(withdraw_rest,
    CreateOutgoingPaymentWithdrawal
        .create_outgoing_payment_withdrawal(CreateOutgoingPaymentWithdrawalInput)
        -> optional LiquidityMutationResponse,
    |data| LiquidityMutationResponse::done(data) => ());
mutation!(withdraw_received,
    CreateIncomingPaymentWithdrawal
        .create_incoming_payment_withdrawal(CreateIncomingPaymentWithdrawalInput)
        -> optional LiquidityMutationResponse,
    |data| LiquidityMutationResponse::done(data) => ());
