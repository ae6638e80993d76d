//! The GraphQL schema, with the names of Rafiki's admin API. What it can do is what works: a type
//! of that API that isn't here yet is absent and not a stub.

mod assets;
mod books;
mod forms;
mod mutation;
mod node;
mod peers;
mod query;
mod requests;
mod subscription;
#[cfg(test)]
pub(crate) mod tests;
mod wallets;

use async_graphql::{
    Interface, Request, Response, SDLExportOptions, Schema, SchemaBuilder, ServerError,
    futures_util::{
        StreamExt,
        stream::{self, BoxStream},
    },
    parser::types::ExecutableDocument,
};

pub(crate) use self::requests::answer::Answer;
use self::{
    assets::{asset::Asset, fee::Fee},
    books::{liquidity::LiquidityError, transfer::AccountingTransfer},
    forms::response::BAD_USER_INPUT,
    mutation::Mutation,
    node::{audit::AuditEvent, event::WebhookEvent, tenant::Tenant},
    peers::{peer::Peer, peering::PeeringRequest},
    query::Query,
    requests::{document, field_order::FieldOrder, introspection},
    subscription::Subscription,
    wallets::{
        incoming_payment::IncomingPayment,
        outgoing_payment::OutgoingPayment,
        payment::{BasePayment, Payment},
        wallet_address::WalletAddress,
    },
};
use ilp_operator::Operator;

/// The deepest nesting of a request. GraphQL tools' questions about the schema go 15 deep, and the
/// deepest list 6.
const DEPTH_MAX: usize = 20;
/// The most fields that a request may make the node work out, a list counting as often as it has
/// rows. A full page of peers with all fields is some 3,000.
const COMPLEXITY_MAX: usize = 10_000;

/// An object with an id.
#[derive(Interface)]
#[graphql(
    field(name = "id", ty = "&async_graphql::ID", desc = "The id, a UUID."),
    field(
        name = "created_at",
        ty = "String",
        desc = "When it was made, such as `2026-11-23T12:00:00.000Z`."
    )
)]
enum Model {
    Asset(Asset),
    Peer(Peer),
    AccountingTransfer(AccountingTransfer),
    WebhookEvent(WebhookEvent),
    Tenant(Tenant),
    AuditEvent(AuditEvent),
    PeeringRequest(PeeringRequest),
    WalletAddress(WalletAddress),
    IncomingPayment(IncomingPayment),
    OutgoingPayment(OutgoingPayment),
    Payment(Payment),
    Fee(Fee),
}

/// The schema over a running node.
#[derive(Clone)]
pub(crate) struct AdminSchema {
    schema: Schema<Query, Mutation, Subscription>,
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

    /// Returns whether a request changes nothing, so that it may be given up half way.
    /// [`AdminSchema::execute`] refuses a request that can't be read.
    pub(crate) fn only_reads(request: &mut Request) -> bool {
        parsed(request).map_or(true, document::only_reads)
    }

    /// Returns whether a request is a subscription, and so has more than one response.
    /// [`AdminSchema::execute`] refuses a request that can't be read.
    pub(crate) fn subscribes(request: &mut Request) -> bool {
        let name = request.operation_name.clone();
        parsed(request).is_ok_and(|document| document::subscribes(document, name.as_deref()))
    }

    /// Runs a request. Every error of the answer has an `extensions.code`, and fields stand in the
    /// order of the query.
    pub(crate) async fn execute(&self, mut request: Request) -> Answer {
        match checked(&mut request) {
            Ok(order) => answer(self.schema.execute(request).await, &order),
            Err(why) => Self::refuse(why),
        }
    }

    /// Runs a request that may be a subscription, which has an answer for all that it tells.
    pub(crate) fn execute_stream(&self, mut request: Request) -> BoxStream<'static, Answer> {
        match checked(&mut request) {
            Ok(order) => {
                let responses = self.schema.execute_stream(request);
                responses.map(move |response| answer(response, &order)).boxed()
            }
            Err(why) => stream::once(async move { Self::refuse(why) }).boxed(),
        }
    }

    /// Returns the answer to a request that isn't run.
    pub(crate) fn refuse(why: String) -> Answer {
        Self::failed(NOT_VALID, why)
    }

    /// Returns the answer to a request that names its document by a hash, in the words that clients
    /// look for before they send the document.
    pub(crate) fn persisted_query() -> Answer {
        Self::failed("PERSISTED_QUERY_NOT_SUPPORTED", "PersistedQueryNotSupported".to_owned())
    }

    /// Returns the answer to a request that could not be run to its end.
    pub(crate) fn failed(code: &str, why: String) -> Answer {
        let mut error = ServerError::new(why, None);
        error.extensions.get_or_insert_default().set("code", code);
        Answer::NotExecuted { errors: vec![error] }
    }
}

/// Returns the order of the fields that a request selects, if it may be run.
fn checked(request: &mut Request) -> Result<FieldOrder, String> {
    let operation_name = request.operation_name.clone();
    let document = parsed(request)?;
    document::check(document)?;
    introspection::check(document)?;
    Ok(FieldOrder::of(document, operation_name.as_deref()))
}

fn answer(mut response: Response, order: &FieldOrder) -> Answer {
    order.apply(&mut response.data);
    let mut answer = Answer::from(response);
    answer.errors_mut().iter_mut().for_each(add_code);
    answer
}

/// Returns the document of a request, or why it can't be taken.
fn parsed(request: &mut Request) -> Result<&ExecutableDocument, String> {
    document::check_text(&request.query)?;
    request.parsed_query().map(|document| document as &_).map_err(|error| error.message)
}

/// Returns the schema in GraphQL's own language, sorted so that two versions can be compared.
#[must_use]
pub fn sdl() -> String {
    let options = SDLExportOptions::new().sorted_fields().sorted_arguments().sorted_enum_items();
    builder().finish().sdl_with_options(options)
}

fn builder() -> SchemaBuilder<Query, Mutation, Subscription> {
    Schema::build(Query::default(), Mutation::default(), Subscription)
        .register_output_type::<Model>()
        .register_output_type::<LiquidityError>()
        .register_output_type::<BasePayment>()
}

/// The code of a request that is no request of this schema, or that may not be run.
const NOT_VALID: &str = "GRAPHQL_VALIDATION_FAILED";

/// Adds the code to an error that has none. Such an error comes from the GraphQL library: about an
/// argument when it has a path, and otherwise about the request as a whole.
fn add_code(error: &mut ServerError) {
    let code = if error.path.is_empty() { NOT_VALID } else { BAD_USER_INPUT };
    let extensions = error.extensions.get_or_insert_default();
    if extensions.get("code").is_none() {
        extensions.set("code", code);
    }
}
