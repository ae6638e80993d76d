//! Deposits and withdrawals in the schema: what is written.

use async_graphql::{Enum, InputObject, SimpleObject};
use ilp_operator::{Deposit, Field, OperatorError, Withdrawal};

use crate::schema::forms::{
    response::{MutationResponse, Status},
    scalars::UInt64,
};

/// Money that has come in from a peer outside of ILP, such as by a bank transfer.
#[derive(InputObject)]
pub(crate) struct DepositPeerLiquidityInput {
    /// The peer's id.
    peer_id: String,
    /// The amount, in the smallest unit of the peer's asset; more than zero. The resulting
    /// liquidity must stay within 64 bits.
    amount: UInt64,
    /// A UUID of version 4 or 7 that the client makes. Under it the deposit is booked once, however
    /// often it is sent.
    id: String,
    /// The idempotency key: a request that is repeated with it is done once.
    pub(crate) idempotency_key: String,
}

impl DepositPeerLiquidityInput {
    pub(crate) fn read(self) -> Result<Deposit, OperatorError> {
        let amount = self.amount.given(Field::Amount)?;
        Ok(Deposit { owner_id: self.peer_id, amount, transfer_id: self.id })
    }
}

/// Money that the operator sets aside so that packets can be converted into an asset.
#[derive(InputObject)]
pub(crate) struct DepositAssetLiquidityInput {
    /// The asset's id.
    asset_id: String,
    /// The amount, in the asset's smallest unit; more than zero. The resulting liquidity must stay
    /// within 64 bits.
    amount: UInt64,
    /// A UUID of version 4 or 7 that the client makes. Under it the deposit is booked once, however
    /// often it is sent.
    id: String,
    /// The idempotency key: a request that is repeated with it is done once.
    pub(crate) idempotency_key: String,
}

impl DepositAssetLiquidityInput {
    pub(crate) fn read(self) -> Result<Deposit, OperatorError> {
        let amount = self.amount.given(Field::Amount)?;
        Ok(Deposit { owner_id: self.asset_id, amount, transfer_id: self.id })
    }
}

/// Money that goes out to a peer outside of ILP, such as by a bank transfer.
#[derive(InputObject)]
pub(crate) struct CreatePeerLiquidityWithdrawalInput {
    /// The peer's id.
    peer_id: String,
    /// The amount, in the smallest unit of the peer's asset; more than zero and no more than the
    /// peer's liquidity.
    amount: UInt64,
    /// A UUID of version 4 or 7 that the client makes. Under it the withdrawal is booked once, and
    /// it is posted or voided.
    id: String,
    /// The idempotency key: a request that is repeated with it is done once.
    pub(crate) idempotency_key: String,
    /// The number of seconds for which the amount is reserved, waiting to be posted; after them it
    /// comes back. Zero takes it at once and for good.
    timeout_seconds: UInt64,
}

impl CreatePeerLiquidityWithdrawalInput {
    pub(crate) fn read(self) -> Result<Withdrawal, OperatorError> {
        withdrawal(self.peer_id, self.amount, self.id, self.timeout_seconds)
    }
}

/// Money that the operator takes out of the node's own stock of an asset.
#[derive(InputObject)]
pub(crate) struct CreateAssetLiquidityWithdrawalInput {
    /// The asset's id.
    asset_id: String,
    /// The amount, in the asset's smallest unit; more than zero and no more than the stock.
    amount: UInt64,
    /// A UUID of version 4 or 7 that the client makes. Under it the withdrawal is booked once, and
    /// it is posted or voided.
    id: String,
    /// The idempotency key: a request that is repeated with it is done once.
    pub(crate) idempotency_key: String,
    /// The number of seconds for which the amount is reserved, waiting to be posted; after them it
    /// comes back. Zero takes it at once and for good.
    timeout_seconds: UInt64,
}

impl CreateAssetLiquidityWithdrawalInput {
    pub(crate) fn read(self) -> Result<Withdrawal, OperatorError> {
        withdrawal(self.asset_id, self.amount, self.id, self.timeout_seconds)
    }
}

fn withdrawal(
    owner_id: String,
    amount: UInt64,
    transfer_id: String,
    timeout_seconds: UInt64,
) -> Result<Withdrawal, OperatorError> {
    let amount = amount.given(Field::Amount)?;
    let timeout_s = timeout_seconds.given(Field::TimeoutSeconds)?;
    Ok(Withdrawal { owner_id, amount, transfer_id, timeout_s })
}

/// A pending withdrawal to be posted.
#[derive(InputObject)]
pub(crate) struct PostLiquidityWithdrawalInput {
    /// The id under which it was made.
    pub(crate) withdrawal_id: String,
    /// The idempotency key: a request that is repeated with it is done once.
    pub(crate) idempotency_key: String,
}

/// A pending withdrawal to be voided.
#[derive(InputObject)]
pub(crate) struct VoidLiquidityWithdrawalInput {
    /// The id under which it was made.
    pub(crate) withdrawal_id: String,
    /// The idempotency key: a request that is repeated with it is done once.
    pub(crate) idempotency_key: String,
}

/// The result of a deposit or withdrawal.
#[derive(SimpleObject)]
pub(crate) struct LiquidityMutationResponse {
    #[graphql(flatten)]
    status: Status,
}

impl MutationResponse for LiquidityMutationResponse {
    type Done = ();

    fn new(_done: Option<()>, status: Status) -> Self {
        Self { status }
    }
}

/// The reasons for which a deposit or a withdrawal may be refused. No field has this type: it is
/// here for clients that were generated from a schema in which it is, and refusals are told apart
/// by their codes.
#[derive(Clone, Copy, PartialEq, Eq, Enum)]
pub(crate) enum LiquidityError {
    /// The withdrawal was posted before.
    #[graphql(name = "AlreadyPosted")]
    AlreadyPosted,
    /// The withdrawal was voided before.
    #[graphql(name = "AlreadyVoided")]
    AlreadyVoided,
    /// The amount is zero.
    #[graphql(name = "AmountZero")]
    AmountZero,
    /// There is less than is to be withdrawn.
    #[graphql(name = "InsufficientBalance")]
    InsufficientBalance,
    /// The id is no UUID of version 4 or 7.
    #[graphql(name = "InvalidId")]
    InvalidId,
    /// A transfer of this id was booked before.
    #[graphql(name = "TransferExists")]
    TransferExists,
    /// There is no asset of this id.
    #[graphql(name = "UnknownAsset")]
    UnknownAsset,
    /// There is no incoming payment of this id.
    #[graphql(name = "UnknownIncomingPayment")]
    UnknownIncomingPayment,
    /// There is no outgoing payment of this id.
    #[graphql(name = "UnknownOutgoingPayment")]
    UnknownOutgoingPayment,
    /// There is no payment of this id.
    #[graphql(name = "UnknownPayment")]
    UnknownPayment,
    /// There is no wallet address of this id.
    #[graphql(name = "UnknownWalletAddress")]
    UnknownWalletAddress,
    /// There is no peer of this id.
    #[graphql(name = "UnknownPeer")]
    UnknownPeer,
    /// Nothing was withdrawn under this id.
    #[graphql(name = "UnknownTransfer")]
    UnknownTransfer,
}
