//! The GraphQL schema, with the names of Rafiki's admin API. What it can do is what works: a type
//! of that API that isn't here yet is absent and not a stub.

mod asset;
mod audit;
mod audited;
mod books;
mod document;
mod event;
mod liquidity;
mod mutation;
mod node;
mod page;
mod peer;
mod peer_input;
mod peering;
mod query;
mod response;
mod scalars;
mod tenant;
#[cfg(test)]
pub(crate) mod tests;
mod token;

use async_graphql::{
    EmptySubscription, Interface, Request, Response, SDLExportOptions, Schema, SchemaBuilder,
    ServerError, parser::types::ExecutableDocument,
};

use self::{
    asset::Asset, audit::AuditEvent, books::AccountingTransfer, event::WebhookEvent,
    liquidity::LiquidityError, mutation::Mutation, peer::Peer, peering::PeeringRequest,
    query::Query, response::BAD_USER_INPUT, tenant::Tenant,
};
use crate::operator::Operator;

/// How deep a request may nest. What GraphQL tools ask about the schema itself goes 15 deep, and
/// the deepest list 6.
const DEPTH_MAX: usize = 20;
/// How many fields a request may make the node work out, a list counting as often as it has rows.
/// A full page of peers with all fields is some 3,000.
const COMPLEXITY_MAX: usize = 10_000;

/// What is kept under an id.
#[derive(Interface)]
#[graphql(
    field(name = "id", ty = "&async_graphql::ID", desc = "The id, a UUID."),
    field(
        name = "created_at",
        ty = "String",
        desc = "When it was made, such as `2026-11-23T12:00:00.000Z`."
    )
)]
#[expect(clippy::large_enum_variant, reason = "no value of it is ever made")]
enum Model {
    Asset(Asset),
    Peer(Peer),
    AccountingTransfer(AccountingTransfer),
    WebhookEvent(WebhookEvent),
    Tenant(Tenant),
    AuditEvent(AuditEvent),
    PeeringRequest(PeeringRequest),
}

/// The schema over a running node.
#[derive(Clone)]
pub(crate) struct AdminSchema {
    schema: Schema<Query, Mutation, EmptySubscription>,
}

impl AdminSchema {
    pub(crate) fn new(operator: Operator) -> Self {
        let schema = builder()
            .limit_depth(DEPTH_MAX)
            .limit_complexity(COMPLEXITY_MAX)
            .data(operator)
            .finish();
        Self { schema }
    }

    /// Whether nothing in a request changes anything, so that it may be given up half way. One that
    /// can't be read is told so by [`AdminSchema::execute`].
    pub(crate) fn only_reads(request: &mut Request) -> bool {
        parsed(request).map_or(true, document::only_reads)
    }

    /// Runs a request. Every error of the response has an `extensions.code`.
    pub(crate) async fn execute(&self, mut request: Request) -> Response {
        let mut response = match parsed(&mut request).and_then(document::check) {
            Ok(()) => self.schema.execute(request).await,
            Err(why) => Response::from_errors(vec![ServerError::new(why, None)]),
        };
        response.errors.iter_mut().for_each(add_code);
        response
    }
}

/// The document of a request, or why it can't be taken.
fn parsed(request: &mut Request) -> Result<&ExecutableDocument, String> {
    document::check_text(&request.query)?;
    request.parsed_query().map(|document| &*document).map_err(|error| error.message)
}

/// The schema in GraphQL's own language, sorted so that two versions can be compared.
#[must_use]
pub fn sdl() -> String {
    let options = SDLExportOptions::new().sorted_fields().sorted_arguments().sorted_enum_items();
    builder().finish().sdl_with_options(options)
}

fn builder() -> SchemaBuilder<Query, Mutation, EmptySubscription> {
    Schema::build(Query::default(), Mutation::default(), EmptySubscription)
        .register_output_type::<Model>()
        .register_output_type::<LiquidityError>()
}

/// Refusals of ours have a code. What has none comes from the GraphQL library: about an argument
/// when it has a path, and otherwise about the request as a whole.
fn add_code(error: &mut ServerError) {
    let code = if error.path.is_empty() { "GRAPHQL_VALIDATION_FAILED" } else { BAD_USER_INPUT };
    let extensions = error.extensions.get_or_insert_default();
    if extensions.get("code").is_none() {
        extensions.set("code", code);
    }
}
