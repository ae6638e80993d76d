//! How outcomes reach clients. The one place that every mutation passes.
//!
//! A mutation with an idempotency key is done once; sent again, it is answered with the first
//! outcome, in the fields that are selected now.
//!
//! Refusals are told to two generations of clients. The older ones select `code`, `success` and
//! `message` beside the object and expect a refusal there, with the object null. Today's select only
//! the object and expect a refusal among the GraphQL errors, with `extensions.code`. What a client
//! selects tells which it is.

use async_graphql::{Context, Error, ErrorExtensions, Result, SimpleObject};
use ring::digest;
use serde_json::{Value, json};

use ilp_operator::{
    Caller, CallerKind, ErrorKind, Operator, OperatorError, Outcome, Recorded, Request,
    audit::Deed, canonical_json::canonical,
};

/// The outcome of a mutation, beside its object.
#[derive(SimpleObject)]
pub(crate) struct Status {
    /// `"200"` when it was done. Otherwise what an HTTP status would say, such as `"404"`: 400 for
    /// bad input, 403 forbidden, 404 not found, 409 duplicate or conflict, 500 internal, 503
    /// unavailable. Whoever selects `code` or `message` gets refusals here, and no errors.
    code: String,
    /// Whether it was done.
    success: bool,
    /// The outcome in a sentence for people.
    pub(crate) message: String,
}

/// The answer of a mutation: its object, or none when it was refused, and how it ended.
pub(crate) trait MutationResponse: Sized {
    /// The result of the operation when it is done.
    type Done: Outcome;

    fn new(done: Option<Self::Done>, status: Status) -> Self;
}

/// Runs a mutation and answers in the way that the client expects. `work` also reads the input, so
/// that a number out of range is a refusal like any other. It is given the handle of a change with an
/// audit record, which knows the key, and borrows nothing, since it goes on when the client hangs up.
pub(crate) async fn answer<R, F>(
    context: &Context<'_>,
    success_message: &'static str,
    idempotency_key: Option<String>,
    work: impl FnOnce(Recorded) -> F + Send + 'static,
) -> Result<R>
where
    R: MutationResponse,
    F: Future<Output = Result<R::Done, OperatorError>> + Send + 'static,
{
    let refusals_as_data = wants_refusals_as_data(context);
    let operator = context.data_unchecked::<Operator>();
    let nobody = Caller { kind: CallerKind::Nobody, address: None };
    let caller = context.data_opt::<Caller>().copied().unwrap_or(nobody);
    let deed = Deed { caller, operation: context.field().name(), message: success_message };
    // An empty key names nothing, as Rafiki has it too.
    let request = match idempotency_key.filter(|key| !key.is_empty()) {
        None => None,
        Some(key) => Some(Request { key, digest: request_digest(context)? }),
    };
    let done = operator.recorded(deed, |recorded| async move {
        match request {
            None => work(recorded).await,
            Some(request) => recorded.once(request, work).await,
        }
    });
    let done = done.await;
    match done {
        Ok(done) => Ok(R::new(Some(done), Status::done(success_message))),
        Err(refusal) if refusals_as_data => Ok(R::new(None, Status::refused(&refusal))),
        Err(refusal) => Err(graphql_error(&refusal)),
    }
}

/// Returns the digest by which a repeated request is recognised: that of the mutation and its
/// input, apart from the key itself. It doesn't matter what the client calls its variables, in
/// which order it sends the members, and whether an amount is an integer or its decimal digits.
fn request_digest(context: &Context<'_>) -> Result<[u8; 32]> {
    let mut arguments = json!({});
    for (name, value) in context.field().arguments()? {
        let mut value = value.into_json()?;
        if let Some(members) = value.as_object_mut() {
            members.remove("idempotencyKey");
        }
        numbers_as_texts(&mut value);
        arguments[name.as_str()] = value;
    }
    let request = canonical(&json!([context.field().name(), arguments]));
    let digest = digest::digest(&digest::SHA256, request.as_bytes());
    Ok(digest.as_ref().try_into().expect("SHA-256 has 32 bytes"))
}

/// Recurses as deep as the request nests, which is bounded where it is read.
fn numbers_as_texts(value: &mut Value) {
    match value {
        Value::Number(number) => *value = Value::String(number.to_string()),
        Value::Array(values) => values.iter_mut().for_each(numbers_as_texts),
        Value::Object(members) => members.values_mut().for_each(numbers_as_texts),
        Value::Null | Value::Bool(_) | Value::String(_) => {}
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
            code: refusal.kind().http_code().to_owned(),
            success: false,
            message: refusal.to_string(),
        }
    }
}

/// Returns the GraphQL error that tells a refusal: programs go by `extensions.reason`, or by the kind
/// in `extensions.code`.
pub(crate) fn graphql_error(refusal: &OperatorError) -> Error {
    Error::new(refusal.to_string()).extend_with(|_, extensions| {
        extensions.set("code", code(refusal.kind()));
        extensions.set("reason", refusal.reason().name());
    })
}

/// Returns the value of `extensions.code`.
fn code(kind: ErrorKind) -> &'static str {
    match kind {
        ErrorKind::BadInput => BAD_USER_INPUT,
        ErrorKind::Forbidden => "FORBIDDEN",
        ErrorKind::NotFound => "NOT_FOUND",
        ErrorKind::Duplicate => "DUPLICATE",
        ErrorKind::Conflict => "CONFLICT",
        ErrorKind::Inactive => "INACTIVE",
        ErrorKind::Internal => "INTERNAL_SERVER_ERROR",
        ErrorKind::Unavailable => "SERVICE_UNAVAILABLE",
    }
}

/// The code of input that can't be right, also where the schema itself refuses it.
pub(crate) const BAD_USER_INPUT: &str = "BAD_USER_INPUT";
