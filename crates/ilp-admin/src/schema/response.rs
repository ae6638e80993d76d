//! How refusals reach two generations of clients. The one place that every mutation passes.
//!
//! The older clients select `code`, `success` and `message` beside the object and expect a refusal
//! there, with the object null. Today's clients select only the object and expect a refusal among
//! the GraphQL errors, with `extensions.code`. What a client selects tells which it is.

use async_graphql::{Context, Error, ErrorExtensions, Result, SimpleObject};

use crate::operator::{ErrorKind, OperatorError};

/// How a mutation ended, beside the object.
#[derive(SimpleObject)]
pub(crate) struct Status {
    /// `"200"` when it was done. Otherwise what an HTTP status would say, such as `"404"`: 400 for
    /// bad input, 403 forbidden, 404 not found, 409 duplicate or conflict, 500 internal, 503
    /// unavailable. Whoever selects `code` or `message` gets refusals here, and no errors.
    code: String,
    /// Whether it was done.
    success: bool,
    /// What was done, or why it wasn't, in a sentence for people.
    message: String,
}

/// The answer of a mutation: its object, or none when it was refused, and how it ended.
pub(crate) trait MutationResponse: Sized {
    /// What the operation gives back when it is done.
    type Done;

    fn new(done: Option<Self::Done>, status: Status) -> Self;
}

/// Runs a mutation and answers in the way that the client expects. `work` also reads the input, so
/// that a number out of range is a refusal like any other.
///
/// This is where a stored response for `idempotency_key` would be looked up before the work, and
/// stored after it. For now the key is taken and has no effect.
pub(crate) async fn answer<R: MutationResponse>(
    context: &Context<'_>,
    success_message: &'static str,
    idempotency_key: Option<&str>,
    work: impl Future<Output = Result<R::Done, OperatorError>>,
) -> Result<R> {
    let _ = idempotency_key;
    let refusals_as_data = wants_refusals_as_data(context);
    match work.await {
        Ok(done) => Ok(R::new(Some(done), Status::done(success_message))),
        Err(refusal) if refusals_as_data => Ok(R::new(None, Status::refused(&refusal))),
        Err(refusal) => Err(graphql_error(&refusal)),
    }
}

fn wants_refusals_as_data(context: &Context<'_>) -> bool {
    // Sees through aliases and fragments.
    let selection = context.look_ahead();
    selection.field("code").exists() || selection.field("message").exists()
}

impl Status {
    fn done(message: &str) -> Self {
        Self { code: "200".to_owned(), success: true, message: message.to_owned() }
    }

    fn refused(refusal: &OperatorError) -> Self {
        Self {
            code: legacy_code(refusal.kind()).to_owned(),
            success: false,
            message: refusal.message().to_owned(),
        }
    }
}

/// A refusal among the GraphQL errors.
pub(crate) fn graphql_error(refusal: &OperatorError) -> Error {
    Error::new(refusal.message())
        .extend_with(|_, extensions| extensions.set("code", code(refusal.kind())))
}

/// What `extensions.code` says.
fn code(kind: ErrorKind) -> &'static str {
    match kind {
        ErrorKind::BadInput => BAD_USER_INPUT,
        ErrorKind::Forbidden => "FORBIDDEN",
        ErrorKind::NotFound => "NOT_FOUND",
        ErrorKind::Duplicate => "DUPLICATE",
        ErrorKind::Conflict => "CONFLICT",
        ErrorKind::Internal => "INTERNAL_SERVER_ERROR",
        ErrorKind::Unavailable => "SERVICE_UNAVAILABLE",
    }
}

/// What `code` beside the object says.
fn legacy_code(kind: ErrorKind) -> &'static str {
    match kind {
        ErrorKind::BadInput => "400",
        ErrorKind::Forbidden => "403",
        ErrorKind::NotFound => "404",
        ErrorKind::Duplicate | ErrorKind::Conflict => "409",
        ErrorKind::Internal => "500",
        ErrorKind::Unavailable => "503",
    }
}

/// The code of input that can't be right, also where the schema itself refuses it.
pub(crate) const BAD_USER_INPUT: &str = "BAD_USER_INPUT";
