//! How a request becomes a body, and an answer's body a value.

use cynic::{GraphQlError, GraphQlResponse};
use serde::de::DeserializeOwned;

use crate::{
    api_error::{ApiError, Extensions},
    schema,
};

/// A request to the admin API, with the answer that belongs to it.
pub trait Request: Sized {
    /// The members of the answer's `data`.
    type Data: DeserializeOwned;
    /// The part of the answer that a caller wants.
    type Answer;

    /// Returns the JSON body to send.
    ///
    /// # Errors
    /// A value that JSON doesn't have, which no request of this crate holds.
    fn body(self) -> Result<serde_json::Value, serde_json::Error>;

    /// Returns the part of the answer that a caller wants; `None` where the node left it out.
    fn answer(data: Self::Data) -> Option<Self::Answer>;
}

/// The reason why an answer has no value.
#[derive(Debug)]
pub enum ReadError {
    /// The node refuses the request.
    Refused(ApiError),
    /// The body is not an answer to the request, as from a node of another version.
    Unexpected(serde_json::Error),
    /// The node neither refuses the request nor gives what was requested.
    Missing,
}

/// Reads the body of an answer to a request of type `R`.
///
/// # Errors
/// The node refuses the request, or the body is not an answer to it.
pub fn read<R: Request>(body: &[u8]) -> Result<R::Answer, ReadError> {
    let response: GraphQlResponse<R::Data, Extensions> =
        serde_json::from_slice(body).map_err(ReadError::Unexpected)?;
    if let Some(error) = response.errors.and_then(|errors| errors.into_iter().next()) {
        return Err(ReadError::Refused(ApiError::from(error)));
    }
    response.data.and_then(R::answer).ok_or(ReadError::Missing)
}

/// A page of a list.
#[derive(Clone, Debug)]
pub struct Page<Row> {
    pub rows: Vec<Row>,
    /// The cursor to ask for the next page with; `None` on the last one.
    pub next: Option<String>,
}

#[derive(cynic::QueryFragment, Clone, Debug)]
pub struct PageInfo {
    pub has_next_page: bool,
    pub end_cursor: Option<String>,
}

impl PageInfo {
    pub(crate) fn next(self) -> Option<String> {
        self.end_cursor.filter(|_| self.has_next_page)
    }
}

impl From<GraphQlError<Extensions>> for ApiError {
    fn from(error: GraphQlError<Extensions>) -> Self {
        let operation = error.path.as_ref().and_then(|path| match path.first() {
            Some(cynic::GraphQlErrorPathSegment::Field(field)) => Some(field.clone()),
            _ => None,
        });
        Self::new(error.message, operation, error.extensions.unwrap_or_default())
    }
}

/// Makes a mutation of an input: `CreateAsset.create_asset(CreateAssetInput) -> AssetMutationResponse`,
/// and says which part of the response is the answer. The schema has some responses as `optional`.
macro_rules! mutation {
    ($module:ident, $name:ident.$field:ident($type:ty) -> optional $response:ty,
        |$data:ident| $pick:expr => $answer:ty) => {
        mod $module {
            use super::*;

            #[derive(cynic::QueryVariables, Debug)]
            pub struct Variables {
                pub input: $type,
            }

            #[derive(cynic::QueryFragment, Debug)]
            #[cynic(graphql_type = "Mutation", variables = "Variables")]
            pub struct $name {
                #[arguments(input: $input)]
                pub $field: Option<$response>,
            }

            crate::operation::input_request!($type, $name.$field, |$data| $pick => $answer);
        }
    };
    ($module:ident, $name:ident.$field:ident($type:ty) -> $response:ty,
        |$data:ident| $pick:expr => $answer:ty) => {
        mod $module {
            use super::*;

            #[derive(cynic::QueryVariables, Debug)]
            pub struct Variables {
                pub input: $type,
            }

            #[derive(cynic::QueryFragment, Debug)]
            #[cynic(graphql_type = "Mutation", variables = "Variables")]
            pub struct $name {
                #[arguments(input: $input)]
                pub $field: $response,
            }

            crate::operation::input_request!($type, $name.$field, |$data| $pick => $answer);
        }
    };
}

/// Makes a request of an input, for [`mutation`].
macro_rules! input_request {
    ($type:ty, $name:ident.$field:ident, |$data:ident| $pick:expr => $answer:ty) => {
        impl crate::Request for $type {
            type Data = $name;
            type Answer = $answer;

            fn body(self) -> Result<serde_json::Value, serde_json::Error> {
                let variables = Variables { input: self };
                serde_json::to_value(<$name as cynic::MutationBuilder<_>>::build(variables))
            }

            fn answer(data: $name) -> Option<$answer> {
                let $data = data.$field;
                $pick
            }
        }
    };
}

/// Makes a request of the variables of a query, and says which part of its data is the answer.
macro_rules! query {
    ($variables:ty => $name:ty, |$data:ident| $pick:expr => $answer:ty) => {
        impl crate::Request for $variables {
            type Data = $name;
            type Answer = $answer;

            fn body(self) -> Result<serde_json::Value, serde_json::Error> {
                serde_json::to_value(<$name as cynic::QueryBuilder<_>>::build(self))
            }

            fn answer($data: $name) -> Option<$answer> {
                $pick
            }
        }
    };
}

/// Makes the two types of a list: the connection and its edges.
macro_rules! connection {
    ($connection:ident, $edge:ident, $node:ty) => {
        #[derive(cynic::QueryFragment, Clone, Debug)]
        pub struct $connection {
            pub page_info: crate::PageInfo,
            pub edges: Vec<$edge>,
        }

        #[derive(cynic::QueryFragment, Clone, Debug)]
        pub struct $edge {
            pub node: $node,
        }

        impl From<$connection> for crate::Page<$node> {
            fn from(connection: $connection) -> Self {
                let rows = connection.edges.into_iter().map(|edge| edge.node).collect();
                Self { rows, next: connection.page_info.next() }
            }
        }
    };
}

pub(crate) use {connection, input_request, mutation, query};
