//! Exchange rates in the schema.

use async_graphql::{Enum, InputObject, SimpleObject};
use ilp_connector::rates::{RateInUse, RateOrigin};
use ilp_operator::NewRate;

use crate::schema::forms::response::{MutationResponse, Status};

/// A rate that packets are converted at.
#[derive(SimpleObject)]
pub(crate) struct Rate {
    /// The code of the asset that is converted, such as `USD`.
    base: String,
    /// The code of the asset that it is converted to, such as `EUR`.
    quote: String,
    /// The number of units of `quote` that are paid for one unit of `base`, both in standard units
    /// (whole dollars, not cents). Exact: a decimal number such as `0.92`, or one over it,
    /// `1/0.92`.
    rate: String,
    /// The source of the rate.
    source: RateSource,
    /// The time of the rate, such as `2026-11-23T12:00:00.000Z`.
    updated_at: String,
    /// The time from which packets are refused with T00 unless there is a newer rate; null for a
    /// rate that stays until it is deleted.
    expires_at: Option<String>,
}

/// The source of a rate.
#[derive(Clone, Copy, PartialEq, Eq, Enum)]
pub(crate) enum RateSource {
    /// An operator set it.
    Set,
    /// The rates service told it.
    Service,
    /// The configuration has it.
    Fixed,
    /// The rate is the exact inverse of the opposite direction's, since none was given for this
    /// one.
    Inverse,
}

impl From<RateInUse> for Rate {
    fn from(rate: RateInUse) -> Self {
        let source = match rate.origin {
            _ if rate.is_inverse => RateSource::Inverse,
            RateOrigin::Set => RateSource::Set,
            RateOrigin::Service => RateSource::Service,
            RateOrigin::Fixed => RateSource::Fixed,
        };
        Self {
            base: rate.base,
            quote: rate.quote,
            rate: rate.given.rate.to_string(),
            source,
            updated_at: rate.given.updated_at.to_string(),
            expires_at: rate.given.good_until.map(|good_until| good_until.to_string()),
        }
    }
}

/// A rate to be set.
#[derive(InputObject)]
pub(crate) struct SetRateInput {
    /// The code of the asset that is converted, such as `USD`.
    base: String,
    /// The code of the asset that it is converted to, such as `EUR`.
    quote: String,
    /// The number of units of `quote` that are paid for one unit of `base`, both in standard units:
    /// a decimal number such as `"0.92"` of at most 28 significant digits. Where only one direction
    /// is set, the other is its exact inverse.
    rate: String,
    /// The idempotency key: a request that is repeated with it is done once.
    pub(crate) idempotency_key: Option<String>,
}

impl SetRateInput {
    pub(crate) fn read(self) -> NewRate {
        NewRate { base: self.base, quote: self.quote, rate: self.rate }
    }
}

/// A rate that was set, to be deleted.
#[derive(InputObject)]
pub(crate) struct DeleteRateInput {
    /// The code of the asset that is converted.
    pub(crate) base: String,
    /// The code of the asset that it is converted to.
    pub(crate) quote: String,
    /// The idempotency key: a request that is repeated with it is done once.
    pub(crate) idempotency_key: Option<String>,
}

/// The result of setting a rate.
#[derive(SimpleObject)]
pub(crate) struct SetRateMutationResponse {
    /// The rate; null when the mutation was refused.
    rate: Option<Rate>,
    #[graphql(flatten)]
    status: Status,
}

impl MutationResponse for SetRateMutationResponse {
    type Done = RateInUse;

    fn new(done: Option<RateInUse>, status: Status) -> Self {
        Self { rate: done.map(Rate::from), status }
    }
}

/// The result of deleting a rate.
#[derive(SimpleObject)]
pub(crate) struct DeleteRateMutationResponse {
    #[graphql(flatten)]
    status: Status,
}

impl MutationResponse for DeleteRateMutationResponse {
    type Done = ();

    fn new(_done: Option<()>, status: Status) -> Self {
        Self { status }
    }
}
