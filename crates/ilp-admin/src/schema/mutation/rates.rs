//! Setting and deleting exchange rates.

use async_graphql::{Context, Object, Result};

use super::CHANGE_COMPLEXITY;
use crate::schema::{
    assets::rate::{
        DeleteRateInput, DeleteRateMutationResponse, SetRateInput, SetRateMutationResponse,
    },
    forms::response::answer,
};

#[derive(Default)]
pub(crate) struct RatesMutation;

/// Exchange rates.
#[Object]
impl RatesMutation {
    /// Sets the rate between two assets, by their codes. It never grows old, and wins over the
    /// rates service's. `BAD_USER_INPUT` for a code or a rate that is none.
    #[graphql(complexity = "CHANGE_COMPLEXITY + child_complexity")]
    async fn set_rate(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The two codes and the rate.")] input: SetRateInput,
    ) -> Result<SetRateMutationResponse> {
        let key = input.idempotency_key.clone();
        answer(context, "Set rate", key, |operator| async move {
            operator.rates().set(input.read()).await
        })
        .await
    }

    /// Deletes a rate that was set; what the rates service or the configuration says, or the inverse
    /// of the opposite direction, is in use again. `NOT_FOUND` when none was set for this direction.
    #[graphql(complexity = "CHANGE_COMPLEXITY + child_complexity")]
    async fn delete_rate(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The two codes.")] input: DeleteRateInput,
    ) -> Result<DeleteRateMutationResponse> {
        let key = input.idempotency_key;
        answer(context, "Deleted rate", key, |operator| async move {
            operator.rates().delete(input.base, input.quote).await
        })
        .await
    }
}
