//! Deposits and withdrawals, and what is booked of them.

use serde::Serialize;

use crate::{
    Id, UInt64,
    operation::{mutation, query},
    schema,
};

#[derive(cynic::InputObject, Clone, Debug)]
#[cynic(require_all_fields)]
pub struct DepositPeerLiquidityInput {
    pub id: Id,
    pub peer_id: Id,
    pub amount: UInt64,
    pub idempotency_key: Id,
}

#[derive(cynic::InputObject, Clone, Debug)]
#[cynic(require_all_fields)]
pub struct CreatePeerLiquidityWithdrawalInput {
    pub id: Id,
    pub peer_id: Id,
    pub amount: UInt64,
    pub timeout_seconds: UInt64,
    pub idempotency_key: Id,
}

#[derive(cynic::InputObject, Clone, Debug)]
#[cynic(require_all_fields)]
pub struct DepositAssetLiquidityInput {
    pub id: Id,
    pub asset_id: Id,
    pub amount: UInt64,
    pub idempotency_key: Id,
}

#[derive(cynic::InputObject, Clone, Debug)]
#[cynic(require_all_fields)]
pub struct CreateAssetLiquidityWithdrawalInput {
    pub id: Id,
    pub asset_id: Id,
    pub amount: UInt64,
    pub timeout_seconds: UInt64,
    pub idempotency_key: Id,
}

#[derive(cynic::InputObject, Clone, Debug)]
#[cynic(require_all_fields)]
pub struct PostLiquidityWithdrawalInput {
    pub withdrawal_id: Id,
    pub idempotency_key: Id,
}

#[derive(cynic::InputObject, Clone, Debug)]
#[cynic(require_all_fields)]
pub struct VoidLiquidityWithdrawalInput {
    pub withdrawal_id: Id,
    pub idempotency_key: Id,
}

#[derive(cynic::QueryFragment, Clone, Debug)]
pub struct LiquidityMutationResponse {
    pub success: bool,
}

impl LiquidityMutationResponse {
    pub(crate) fn done(response: Option<Self>) -> Option<()> {
        response?.success.then_some(())
    }
}

mutation!(deposit_peer, DepositPeerLiquidity.deposit_peer_liquidity(DepositPeerLiquidityInput)
    -> optional LiquidityMutationResponse, |data| LiquidityMutationResponse::done(data) => ());
mutation!(deposit_asset, DepositAssetLiquidity.deposit_asset_liquidity(DepositAssetLiquidityInput)
    -> optional LiquidityMutationResponse, |data| LiquidityMutationResponse::done(data) => ());
mutation!(withdraw_peer, CreatePeerLiquidityWithdrawal.create_peer_liquidity_withdrawal(CreatePeerLiquidityWithdrawalInput)
    -> optional LiquidityMutationResponse, |data| LiquidityMutationResponse::done(data) => ());
mutation!(withdraw_asset, CreateAssetLiquidityWithdrawal.create_asset_liquidity_withdrawal(CreateAssetLiquidityWithdrawalInput)
    -> optional LiquidityMutationResponse, |data| LiquidityMutationResponse::done(data) => ());
mutation!(post, PostLiquidityWithdrawal.post_liquidity_withdrawal(PostLiquidityWithdrawalInput)
    -> optional LiquidityMutationResponse, |data| LiquidityMutationResponse::done(data) => ());
mutation!(void, VoidLiquidityWithdrawal.void_liquidity_withdrawal(VoidLiquidityWithdrawalInput)
    -> optional LiquidityMutationResponse, |data| LiquidityMutationResponse::done(data) => ());

#[derive(cynic::Enum, Clone, Copy, Debug, PartialEq, Eq)]
pub enum TransferType {
    Deposit,
    Transfer,
    Withdrawal,
}

#[derive(cynic::Enum, Clone, Copy, Debug, PartialEq, Eq)]
pub enum TransferState {
    Pending,
    Posted,
    Voided,
}

/// The transfer that is booked under an id.
#[derive(cynic::QueryVariables, Clone, Debug)]
pub struct TransferById {
    pub id: Id,
}

#[derive(cynic::QueryFragment, Debug)]
#[cynic(graphql_type = "Query", variables = "TransferById")]
pub struct TransferByIdQuery {
    #[arguments(id: $id, limit: 1)]
    pub accounting_transfers: TransferSides,
}

#[derive(cynic::QueryFragment, Debug)]
#[cynic(graphql_type = "AccountingTransferConnection")]
pub struct TransferSides {
    pub debits: Vec<AccountingTransfer>,
    pub credits: Vec<AccountingTransfer>,
}

#[derive(cynic::QueryFragment, Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AccountingTransfer {
    pub debit_account_id: Id,
    pub credit_account_id: Id,
    pub amount: UInt64,
    pub transfer_type: TransferType,
    pub state: TransferState,
    pub created_at: String,
    pub expires_at: Option<String>,
}

query!(TransferById => TransferByIdQuery,
    |data| {
        let sides = data.accounting_transfers;
        Some(sides.credits.into_iter().chain(sides.debits).next())
    } => Option<AccountingTransfer>);

/// The newest movements on an account, at most as many as the API gives at once.
#[derive(cynic::QueryVariables, Clone, Debug)]
pub struct Movements {
    pub id: Id,
}

#[derive(cynic::QueryFragment, Debug)]
#[cynic(graphql_type = "Query", variables = "Movements")]
pub struct MovementsQuery {
    #[arguments(id: $id, limit: 500)]
    pub accounting_transfers: MovementSides,
}

#[derive(cynic::QueryFragment, Debug)]
#[cynic(graphql_type = "AccountingTransferConnection")]
pub struct MovementSides {
    pub debits: Vec<Movement>,
    pub credits: Vec<Movement>,
}

#[derive(cynic::QueryFragment, Clone, Copy, Debug)]
#[cynic(graphql_type = "AccountingTransfer")]
pub struct Movement {
    pub amount: UInt64,
    pub transfer_type: TransferType,
}

query!(Movements => MovementsQuery, |data| Some(data.accounting_transfers) => MovementSides);
