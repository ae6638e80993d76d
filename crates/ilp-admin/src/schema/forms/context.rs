//! The surroundings of a resolver: the operator that it asks, and the error that the client gets.

use async_graphql::{Context, Result};
use ilp_operator::{Operator, OperatorError};

use super::response::graphql_error;

/// Returns the operator that every resolver works with.
pub(crate) fn operator<'a>(context: &Context<'a>) -> &'a Operator {
    context.data_unchecked::<Operator>()
}

/// Returns a refusal as the GraphQL error that the client gets.
pub(crate) fn or_error<T>(result: Result<T, impl Into<OperatorError>>) -> Result<T> {
    result.map_err(|refusal| graphql_error(&refusal.into()))
}
