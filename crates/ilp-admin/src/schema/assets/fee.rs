//! Fees in the schema, and where assets show them.

use async_graphql::{ComplexObject, Context, Enum, ID, InputObject, Result, SimpleObject};
use ilp_operator::{Field, NewFee, OperatorError};
use ilp_store::{FeeKind, FeeRecord};
use interledger_packet::Timestamp;

use crate::schema::{
    assets::asset::Asset,
    forms::context::{operator, or_error},
    forms::{
        lists::{Connection, Listed},
        page::{self, Row, SortOrder},
        response::{MutationResponse, Status},
        scalars::UInt64,
    },
};

/// The operator's charge on a payment: a share of the amount, rounded up, and a fixed part.
#[derive(SimpleObject)]
pub(crate) struct Fee {
    /// The fee's id, a UUID.
    pub(crate) id: ID,
    /// The asset of the payments.
    asset_id: ID,
    /// The direction of the payments.
    #[graphql(name = "type")]
    kind: FeeType,
    /// The fixed part, in the asset's smallest unit.
    fixed: UInt64,
    /// The share, in hundredths of a percent of the amount.
    basis_points: i32,
    /// When the fee was set, such as `2026-11-23T12:00:00.000Z`.
    pub(crate) created_at: String,
}

/// The direction of the payments that a fee is for.
#[derive(Clone, Copy, PartialEq, Eq, Enum)]
pub(crate) enum FeeType {
    /// Payments that are sent from this node: the fee is part of a quote's `debitAmount`.
    Sending,
    /// Payments that this node receives. The fee is kept and shown, and nothing is charged.
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

impl Listed for Fee {
    const CONNECTION: &str = "FeesConnection";
    const EDGE: &str = "FeeEdge";
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

    /// All fees that the asset ever had: the `first` rows `after` a cursor, or the `last` ones
    /// `before` it; 20 by default, 100 at most.
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
    /// The asset of the payments.
    asset_id: ID,
    /// The direction of the payments.
    #[graphql(name = "type")]
    kind: FeeType,
    /// The amount of the fee.
    fee: FeeDetails,
    /// The idempotency key: a request that is repeated with it is done once.
    pub(crate) idempotency_key: Option<String>,
}

/// The amount of a fee.
#[derive(InputObject)]
pub(crate) struct FeeDetails {
    /// The fixed part, in the asset's smallest unit.
    fixed: UInt64,
    /// The share, in hundredths of a percent of the amount: 0 to 10000.
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

/// The result of setting a fee.
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
