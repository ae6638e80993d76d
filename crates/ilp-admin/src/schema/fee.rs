//! Fees in the schema, and where assets show them.

use async_graphql::{ComplexObject, Context, Enum, ID, InputObject, Result, SimpleObject};
use ilp_operator::{Field, NewFee, OperatorError};
use ilp_store::{FeeKind, FeeRecord};
use interledger_packet::Timestamp;

use super::{
    asset::Asset,
    lists::Connection,
    page::{self, Row, SortOrder},
    query::{operator, or_error},
    response::{MutationResponse, Status},
    scalars::UInt64,
};

/// What the operator takes for a payment: a share of the amount, rounded up, and a fixed part.
#[derive(SimpleObject)]
pub(crate) struct Fee {
    /// The fee's id, a UUID.
    pub(super) id: ID,
    /// Payments in which asset it is for.
    asset_id: ID,
    /// Which payments.
    #[graphql(name = "type")]
    kind: FeeType,
    /// Taken from each payment, in the asset's smallest unit.
    fixed: UInt64,
    /// Taken beside it, in hundredths of a percent of the amount.
    basis_points: i32,
    /// When the fee was set, such as `2026-11-23T12:00:00.000Z`.
    pub(super) created_at: String,
}

/// Which payments a fee is for.
#[derive(Clone, Copy, PartialEq, Eq, Enum)]
pub(crate) enum FeeType {
    /// Those that are sent from here: the fee is part of a quote's `debitAmount`.
    Sending,
    /// Those that are received here. It is kept and shown, and nothing is taken for it.
    Receiving,
}

impl From<FeeKind> for FeeType {
    fn from(kind: FeeKind) -> Self {
        match kind {
            FeeKind::Sending => Self::Sending,
            FeeKind::Receiving => Self::Receiving,
        }
    }
}

impl From<FeeType> for FeeKind {
    fn from(kind: FeeType) -> Self {
        match kind {
            FeeType::Sending => Self::Sending,
            FeeType::Receiving => Self::Receiving,
        }
    }
}

impl From<FeeRecord> for Fee {
    fn from(record: FeeRecord) -> Self {
        Self {
            id: record.id.into(),
            asset_id: record.asset_id.into(),
            kind: record.kind.into(),
            fixed: record.fixed.into(),
            basis_points: record.basis_points.into(),
            created_at: Timestamp::from_unix_ms(record.created_at_ms).to_string(),
        }
    }
}

impl Row for Fee {
    fn id(&self) -> &ID {
        &self.id
    }
}

#[ComplexObject]
impl Asset {
    /// The fee for payments that are received in the asset; null when none was set.
    async fn receiving_fee(&self, context: &Context<'_>) -> Result<Option<Fee>> {
        let fee = operator(context).assets().latest_fee(&self.id, FeeKind::Receiving).await;
        Ok(or_error(fee)?.map(Fee::from))
    }

    /// The fee for payments that are sent in the asset; null when none was set.
    async fn sending_fee(&self, context: &Context<'_>) -> Result<Option<Fee>> {
        let fee = operator(context).assets().latest_fee(&self.id, FeeKind::Sending).await;
        Ok(or_error(fee)?.map(Fee::from))
    }

    /// All fees that the asset ever had: `first` so many `after` a cursor, or `last` so many
    /// `before` one; 20 unless told, 100 at most.
    #[graphql(complexity = "page::complexity(first, last, child_complexity)")]
    async fn fees(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Only fees after the one of this cursor.")] after: Option<String>,
        #[graphql(desc = "Only fees before the one of this cursor.")] before: Option<String>,
        #[graphql(desc = "The first so many of them.")] first: Option<i32>,
        #[graphql(desc = "The last so many of them.")] last: Option<i32>,
        #[graphql(desc = "Newest first (DESC) unless told.")] sort_order: Option<SortOrder>,
    ) -> Option<Result<Connection<Fee>>> {
        let page = page::arguments(after, before, first, last, sort_order);
        let rows = operator(context).assets().fees(&self.id, &page).await;
        Some(or_error(rows).map(Connection::from))
    }
}

/// A fee to be taken from now on.
#[derive(InputObject)]
pub(crate) struct SetFeeInput {
    /// Payments in which asset it is for.
    asset_id: ID,
    /// Which payments.
    #[graphql(name = "type")]
    kind: FeeType,
    /// How much.
    fee: FeeDetails,
    /// Names this request, so that it may be sent again without being done again.
    pub(crate) idempotency_key: Option<String>,
}

/// How much a fee is.
#[derive(InputObject)]
pub(crate) struct FeeDetails {
    /// Taken from each payment, in the asset's smallest unit.
    fixed: UInt64,
    /// Taken beside it, in hundredths of a percent of the amount: 0 to 10000.
    basis_points: i32,
}

impl SetFeeInput {
    pub(crate) fn read(self) -> Result<NewFee, OperatorError> {
        Ok(NewFee {
            asset_id: self.asset_id.to_string(),
            kind: self.kind.into(),
            fixed: self.fee.fixed.given(Field::Fixed)?,
            basis_points: self.fee.basis_points,
        })
    }
}

/// What became of setting a fee.
#[derive(SimpleObject)]
pub(crate) struct SetFeeResponse {
    /// The fee; null when the mutation was refused.
    fee: Option<Fee>,
    #[graphql(flatten)]
    status: Status,
}

impl MutationResponse for SetFeeResponse {
    type Done = FeeRecord;

    fn new(done: Option<FeeRecord>, status: Status) -> Self {
        Self { fee: done.map(Fee::from), status }
    }
}
