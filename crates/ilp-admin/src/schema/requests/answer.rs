//! The answer to a request.

use async_graphql::{Response, ServerError};
use serde::Serialize;

/// The answer to a request. Only one of which something was executed has `data`, be it null.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub(crate) enum Answer {
    /// The request was executed. It may have errors all the same, each with its path.
    Executed(Box<Response>),
    /// Nothing of the request was executed, since there is no such request or it may not be run.
    NotExecuted {
        /// Why.
        errors: Vec<ServerError>,
    },
}

impl From<Response> for Answer {
    /// An error without a path is about the request as a whole, and ends it before anything of it is
    /// executed; the library gives such a response data all the same, which is null.
    fn from(response: Response) -> Self {
        let is_whole = |error: &ServerError| error.path.is_empty();
        if response.data == async_graphql::Value::Null && response.errors.iter().any(is_whole) {
            return Self::NotExecuted { errors: response.errors };
        }
        Self::Executed(Box::new(response))
    }
}

impl Answer {
    /// The errors, whatever became of the request.
    pub(crate) fn errors_mut(&mut self) -> &mut Vec<ServerError> {
        match self {
            Self::Executed(response) => &mut response.errors,
            Self::NotExecuted { errors } => errors,
        }
    }
}
