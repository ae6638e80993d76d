//! The exchange rates in use.

use async_graphql::{Context, Object};

use crate::schema::assets::rate::Rate;
use crate::schema::forms::context::operator;

/// There may be thousands of rates, and all are given.
const RATES_COMPLEXITY: usize = 2_000;

#[derive(Default)]
pub(crate) struct RatesQuery;

/// Exchange rates.
#[Object]
impl RatesQuery {
    /// Every rate that packets are converted at, in the order of the codes; with `base` or `quote`,
    /// those of these codes alone. Assets of one code are worth each other and are not listed.
    #[graphql(complexity = "RATES_COMPLEXITY + child_complexity")]
    async fn rates(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Only rates from this asset, such as `USD`.")] base: Option<String>,
        #[graphql(desc = "Only rates to this asset, such as `EUR`.")] quote: Option<String>,
    ) -> Vec<Rate> {
        let mut rates = operator(context).rates().list();
        rates.retain(|rate| {
            base.as_ref().is_none_or(|base| *base == rate.base)
                && quote.as_ref().is_none_or(|quote| *quote == rate.quote)
        });
        rates.into_iter().map(Rate::from).collect()
    }
}
