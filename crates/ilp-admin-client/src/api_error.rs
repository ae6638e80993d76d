//! Refusals of the admin API, known by their `extensions`.

use serde::Deserialize;

/// A refusal: what the node says to people, and what programs go by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiError {
    pub message: String,
    /// The query or mutation that was refused; `None` for a request that the node doesn't understand.
    pub operation: Option<String>,
    pub code: Code,
    /// The reason, which a node of an older version leaves out.
    pub reason: Option<Reason>,
}

impl ApiError {
    pub(crate) fn new(message: String, operation: Option<String>, extensions: Extensions) -> Self {
        Self { message, operation, code: extensions.code, reason: extensions.reason }
    }

    /// Returns the first refusal in a whole answer, if it has one.
    pub fn first_in(answer: &serde_json::Value) -> Option<Self> {
        let error = answer["errors"].get(0)?;
        let message = error["message"].as_str()?.to_owned();
        let operation = error["path"][0].as_str().map(str::to_owned);
        let extensions = Extensions::deserialize(&error["extensions"]).unwrap_or_default();
        Some(Self::new(message, operation, extensions))
    }
}

/// The `extensions` of a GraphQL error.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
pub struct Extensions {
    #[serde(default)]
    pub code: Code,
    pub reason: Option<Reason>,
}

/// The kind of refusal, `extensions.code`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Code {
    BadUserInput,
    Conflict,
    Duplicate,
    Forbidden,
    GraphqlParseFailed,
    GraphqlValidationFailed,
    InternalServerError,
    NotFound,
    ServiceUnavailable,
    /// A code that this version doesn't know.
    #[default]
    #[serde(other)]
    Other,
}

/// The reason for a refusal, `extensions.reason`, as far as a client does something about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Reason {
    AssetExists,
    AssetInUse,
    DuplicateIncomingToken,
    DuplicatePeer,
    InsufficientBalance,
    TransferExists,
    WalletAddressExists,
    /// A reason that this version doesn't know.
    #[serde(other)]
    Other,
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn extensions_that_are_unknown_or_missing_are_no_failure() {
        let refusal = |extensions: serde_json::Value| {
            let error =
                json!({ "message": "no", "path": ["createAsset"], "extensions": extensions });
            ApiError::first_in(&json!({ "errors": [error] })).unwrap()
        };
        let known = refusal(json!({ "code": "DUPLICATE", "reason": "ASSET_EXISTS", "more": 1 }));
        assert_eq!((known.code, known.reason), (Code::Duplicate, Some(Reason::AssetExists)));
        assert_eq!(known.operation.as_deref(), Some("createAsset"));
        let newer = refusal(json!({ "code": "TEAPOT", "reason": "TOO_SHORT" }));
        assert_eq!((newer.code, newer.reason), (Code::Other, Some(Reason::Other)));
        let older = refusal(json!({ "code": "NOT_FOUND" }));
        assert_eq!((older.code, older.reason), (Code::NotFound, None));
        assert_eq!(refusal(json!(null)).code, Code::Other);
        assert_eq!(ApiError::first_in(&json!({ "data": {} })), None);
    }
}
