//! Deposits in the schema.

use async_graphql::{InputObject, SimpleObject};

use super::{
    response::{MutationResponse, Status},
    scalars::UInt64,
};
use crate::operator::{Deposit, OperatorError};

/// Money that has come in from a peer outside of ILP, such as by a bank transfer.
#[derive(InputObject)]
pub(crate) struct DepositPeerLiquidityInput {
    /// The peer's id.
    peer_id: String,
    /// How much, in the smallest unit of the peer's asset; more than zero. The liquidity that
    /// comes of it must stay within 64 bits.
    amount: UInt64,
    /// A UUID of version 4 or 7 that the client makes. Under it the deposit is booked once, however
    /// often it is sent.
    id: String,
    /// Names this request, so that it may be sent again without being done again.
    pub(crate) idempotency_key: String,
}

impl DepositPeerLiquidityInput {
    pub(crate) fn read(self) -> Result<Deposit, OperatorError> {
        let amount = self.amount.given(INVALID_AMOUNT)?;
        Ok(Deposit { owner_id: self.peer_id, amount, transfer_id: self.id })
    }
}

/// Money that the operator sets aside so that packets can be converted into an asset.
#[derive(InputObject)]
pub(crate) struct DepositAssetLiquidityInput {
    /// The asset's id.
    asset_id: String,
    /// How much, in the asset's smallest unit; more than zero. The liquidity that comes of it must
    /// stay within 64 bits.
    amount: UInt64,
    /// A UUID of version 4 or 7 that the client makes. Under it the deposit is booked once, however
    /// often it is sent.
    id: String,
    /// Names this request, so that it may be sent again without being done again.
    pub(crate) idempotency_key: String,
}

impl DepositAssetLiquidityInput {
    pub(crate) fn read(self) -> Result<Deposit, OperatorError> {
        let amount = self.amount.given(INVALID_AMOUNT)?;
        Ok(Deposit { owner_id: self.asset_id, amount, transfer_id: self.id })
    }
}

const INVALID_AMOUNT: &str = "Invalid transfer amount";

/// What became of a deposit or withdrawal.
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
