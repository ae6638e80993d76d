//! What the audit log keeps of a mutation: its name and what it was given, less the secrets.

use async_graphql::Context;
use serde_json::{Map, Value, json};

use crate::operator::{
    OperatorError, Outcome,
    audit::{Audited, Caller, CallerKind, Ended},
};

use super::{query::operator, response::legacy_code};

/// Longest text that is kept, in characters: an id, an address, an amount, a name.
const TEXT_CHARACTERS_MAX: usize = 256;
/// Most members or elements of one object or list, and how many may lie within each other.
const MEMBERS_MAX: usize = 32;
const DEPTH_MAX: usize = 6;

/// What stands in place of a secret.
const HIDDEN: &str = "(hidden)";

/// Notes that the mutation begins which `context` is about.
///
/// # Errors
/// When the store fails.
pub(super) async fn begin(context: &Context<'_>) -> Result<Audited, OperatorError> {
    let nobody = Caller { kind: CallerKind::Nobody, address: None };
    let caller = context.data_opt::<Caller>().copied().unwrap_or(nobody);
    // What can't be read is told to the client where it is read; the log has the name then.
    let mut given = Map::new();
    for (name, value) in context.field().arguments().unwrap_or_default() {
        let value = value.into_json().unwrap_or_default();
        given.insert(name.to_string(), value);
    }
    let detail = match given.remove("input") {
        Some(input @ Value::Object(_)) if given.is_empty() => input,
        Some(input) => json!({ "input": input }),
        None => Value::Object(given),
    };
    operator(context).begin_audit(caller, context.field().name(), &shown(&detail, 0)).await
}

/// How a mutation ended, in the log's terms.
pub(super) fn ended<T: Outcome>(done: &Result<T, OperatorError>, message: &str) -> Ended {
    match done {
        Ok(done) => Ended { code: "200", message: message.to_owned(), subject: done.subject() },
        Err(refusal) => Ended {
            code: legacy_code(refusal.kind()),
            message: refusal.message().to_owned(),
            subject: None,
        },
    }
}

/// The same without secrets, and no longer than a record may be.
fn shown(value: &Value, depth: usize) -> Value {
    match value {
        Value::Object(members) if depth < DEPTH_MAX => {
            let member = |(name, value): (&String, &Value)| {
                let value = match value {
                    Value::Null => Value::Null,
                    _ if is_secret(name) => HIDDEN.into(),
                    Value::String(url) if is_url(name) => without_query(url).into(),
                    other => shown(other, depth + 1),
                };
                (short(name), value)
            };
            Value::Object(members.iter().take(MEMBERS_MAX).map(member).collect())
        }
        Value::Array(elements) if depth < DEPTH_MAX => {
            elements.iter().take(MEMBERS_MAX).map(|element| shown(element, depth + 1)).collect()
        }
        Value::Object(_) | Value::Array(_) => "(too deep)".into(),
        Value::String(text) => short(text).into(),
        other => other.clone(),
    }
}

/// Tokens by whatever name, keys that are no idempotency keys, passwords.
fn is_secret(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    let is_named = |part: &str| name.contains(part);
    (is_named("token") && name != "tokenid")
        || is_named("secret")
        || is_named("password")
        || is_named("authorization")
}

fn is_url(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    name.ends_with("url") || name == "endpoint"
}

/// A query often carries a key, and what is before an @ a password.
fn without_query(url: &str) -> String {
    let (rest, query) = url.split_once('?').map_or((url, ""), |(rest, _)| (rest, "?(hidden)"));
    let after_scheme = rest.find("://").map_or(0, |at| at + 3);
    let authority_end = rest[after_scheme..].find('/').map_or(rest.len(), |at| after_scheme + at);
    let at = rest[after_scheme..authority_end].rfind('@').map(|at| after_scheme + at + 1);
    match at {
        Some(host) => short(&format!("{}{HIDDEN}@{}{query}", &rest[..after_scheme], &rest[host..])),
        None => short(&format!("{rest}{query}")),
    }
}

fn short(text: &str) -> String {
    match text.char_indices().nth(TEXT_CHARACTERS_MAX) {
        Some((end, _)) => format!("{}...", &text[..end]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_names_the_deed_and_has_no_secret() {
        let input = json!({
            "id": "019926a0", "amount": "12", "authToken": "hush1", "tokenId": "ab12",
            "peerUrl": "https://me:hush2@peer.example/p?key=hush3",
            "http": {
                "incoming": {"authTokens": ["hush4", "hush5"]},
                "outgoing": {"endpoint": "https://ilp.example/x?t=hush6", "authToken": "hush7"},
            },
            "apiSecret": "hush8", "password": null, "routes": ["g", "g.b"],
        });
        let kept = shown(&input, 0);
        assert!(!kept.to_string().contains("hush"), "{kept}");
        assert_eq!(
            kept,
            json!({
                "id": "019926a0", "amount": "12", "authToken": "(hidden)", "tokenId": "ab12",
                "peerUrl": "https://(hidden)@peer.example/p?(hidden)",
                "http": {
                    "incoming": {"authTokens": "(hidden)"},
                    "outgoing": {
                        "endpoint": "https://ilp.example/x?(hidden)", "authToken": "(hidden)"
                    },
                },
                "apiSecret": "(hidden)", "password": null, "routes": ["g", "g.b"],
            })
        );
    }

    #[test]
    fn however_much_is_given_little_is_kept() {
        let mut deep = json!("x".repeat(100_000));
        for _ in 0..50 {
            deep = json!({ "inner": deep });
        }
        let wide: Vec<_> = (0..10_000).map(|number| json!("é".repeat(number % 1_000))).collect();
        let kept = shown(&json!({ "deep": deep, "wide": wide }), 0).to_string();
        assert!(kept.len() < 20_000, "{}", kept.len());
    }
}
