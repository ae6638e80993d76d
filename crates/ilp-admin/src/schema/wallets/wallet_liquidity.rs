//! Money of payments in the schema: what is written. The answers are those of `liquidity`.

use async_graphql::InputObject;
use ilp_operator::{Field, InputError, OperatorError};

use crate::schema::forms::scalars::UInt64;

/// The money of an outgoing payment has come in: all of its `debitAmount`.
#[derive(InputObject)]
pub(crate) struct DepositOutgoingPaymentLiquidityInput {
    /// The payment's id.
    pub(crate) outgoing_payment_id: String,
    /// The idempotency key: a request that is repeated with it is done once.
    pub(crate) idempotency_key: String,
    /// A message to the receiver. It is not sent: no receiver of this protocol takes it.
    pub(crate) data_to_transmit: Option<String>,
}

/// All that an incoming payment received, to be taken out.
#[derive(InputObject)]
pub(crate) struct CreateIncomingPaymentWithdrawalInput {
    /// The payment's id.
    pub(crate) incoming_payment_id: String,
    /// The idempotency key: a request that is repeated with it is done once.
    pub(crate) idempotency_key: String,
    /// The number of seconds for which the amount is reserved, waiting to be posted under the
    /// payment's `withdrawalId`; after them it comes back. Zero takes it at once and for good.
    timeout_seconds: UInt64,
}

/// All that an outgoing payment has left, to be taken out.
#[derive(InputObject)]
pub(crate) struct CreateOutgoingPaymentWithdrawalInput {
    /// The payment's id.
    pub(crate) outgoing_payment_id: String,
    /// The idempotency key: a request that is repeated with it is done once.
    pub(crate) idempotency_key: String,
    /// The number of seconds for which the amount is reserved, waiting to be posted under the
    /// payment's `withdrawalId`; after them it comes back. Zero takes it at once and for good.
    timeout_seconds: UInt64,
}

impl CreateIncomingPaymentWithdrawalInput {
    pub(crate) fn read(self) -> Result<(String, u64), OperatorError> {
        Ok((self.incoming_payment_id, timeout_s(self.timeout_seconds)?))
    }
}

impl CreateOutgoingPaymentWithdrawalInput {
    pub(crate) fn read(self) -> Result<(String, u64), OperatorError> {
        Ok((self.outgoing_payment_id, timeout_s(self.timeout_seconds)?))
    }
}

fn timeout_s(given: UInt64) -> Result<u64, InputError> {
    given.given(Field::TimeoutSeconds)
}
