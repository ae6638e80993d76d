//! Rates and fees.

use serde::Serialize;

use crate::{
    Id, UInt64,
    operation::{mutation, query},
    schema,
};

#[derive(cynic::QueryFragment, Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Rate {
    pub base: String,
    pub quote: String,
    pub rate: String,
    pub source: RateSource,
    pub updated_at: String,
    pub expires_at: Option<String>,
}

#[derive(cynic::Enum, Clone, Copy, Debug, PartialEq, Eq)]
pub enum RateSource {
    Fixed,
    Inverse,
    Service,
    Set,
}

/// The rates that packets are converted at.
#[derive(cynic::QueryVariables, Clone, Debug)]
pub struct Rates {
    pub base: Option<String>,
    pub quote: Option<String>,
}

#[derive(cynic::QueryFragment, Debug)]
#[cynic(graphql_type = "Query", variables = "Rates")]
pub struct RatesQuery {
    #[arguments(base: $base, quote: $quote)]
    pub rates: Vec<Rate>,
}

query!(Rates => RatesQuery, |data| Some(data.rates) => Vec<Rate>);

#[derive(cynic::InputObject, Clone, Debug)]
#[cynic(require_all_fields)]
pub struct SetRateInput {
    pub base: String,
    pub quote: String,
    pub rate: String,
    #[cynic(skip_serializing_if = "Option::is_none")]
    pub idempotency_key: Option<String>,
}

#[derive(cynic::InputObject, Clone, Debug)]
#[cynic(require_all_fields)]
pub struct DeleteRateInput {
    pub base: String,
    pub quote: String,
    #[cynic(skip_serializing_if = "Option::is_none")]
    pub idempotency_key: Option<String>,
}

#[derive(cynic::InputObject, Clone, Debug)]
#[cynic(require_all_fields)]
pub struct SetFeeInput {
    pub asset_id: Id,
    #[cynic(rename = "type")]
    pub kind: FeeType,
    pub fee: FeeDetails,
    #[cynic(skip_serializing_if = "Option::is_none")]
    pub idempotency_key: Option<String>,
}

#[derive(cynic::InputObject, Clone, Debug, PartialEq, Eq)]
#[cynic(require_all_fields)]
pub struct FeeDetails {
    pub fixed: UInt64,
    pub basis_points: i32,
}

#[derive(cynic::Enum, Clone, Copy, Debug, PartialEq, Eq)]
pub enum FeeType {
    Receiving,
    Sending,
}

#[derive(cynic::QueryFragment, Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Fee {
    pub id: Id,
    #[cynic(rename = "type")]
    #[serde(rename = "type")]
    pub kind: FeeType,
    pub fixed: UInt64,
    pub basis_points: i32,
}

#[derive(cynic::QueryFragment, Clone, Debug)]
pub struct SetRateMutationResponse {
    pub rate: Option<Rate>,
}

#[derive(cynic::QueryFragment, Clone, Debug)]
pub struct DeleteRateMutationResponse {
    pub success: bool,
}

#[derive(cynic::QueryFragment, Clone, Debug)]
pub struct SetFeeResponse {
    pub fee: Option<Fee>,
}

mutation!(set_rate, SetRate.set_rate(SetRateInput) -> SetRateMutationResponse,
    |data| data.rate => Rate);
mutation!(delete_rate, DeleteRate.delete_rate(DeleteRateInput) -> DeleteRateMutationResponse,
    |data| data.success.then_some(()) => ());
mutation!(set_fee, SetFee.set_fee(SetFeeInput) -> SetFeeResponse, |data| data.fee => Fee);
