//! A client of the admin API, for the commands.

use std::time::Duration;

use clap::Args;
use ilp_admin::operator::steers;
use ilp_connector::token::Secret;
use serde_json::{Value, json};

use super::{Failure, output::say};
use crate::{clock, http_agent};

/// A backup of a large store takes minutes; all else is answered at once.
const TIMEOUT: Duration = Duration::from_secs(10 * 60);

/// A node on the same machine answers a connection at once, one elsewhere within seconds.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// Where the node is and how to prove who one is; shared by all commands that ask it.
#[derive(Clone, Debug, Args)]
pub(crate) struct AdminArgs {
    /// The node's admin port
    #[arg(
        long,
        value_name = "URL",
        env = "JIRANI_ADMIN_URL",
        default_value = "http://127.0.0.1:3001"
    )]
    url: String,
    /// The admin secret, where the node has one
    #[arg(long, value_name = "SECRET", env = "JIRANI_ADMIN_SECRET", hide_env_values = true, value_parser = secret)]
    secret: Option<Secret>,
    /// Print JSON for programs in place of text for people
    #[arg(long)]
    pub(crate) json: bool,
}

#[expect(clippy::unnecessary_wraps, reason = "the form that clap asks for")]
fn secret(text: &str) -> Result<Secret, String> {
    Ok(Secret::new(text.to_owned()))
}

/// How a request shows that it is the operator's.
#[derive(Clone, Copy)]
enum Proof {
    /// The secret itself.
    Bearer,
    /// A signature of the body, as Rafiki's clients make it.
    Signature,
}

impl AdminArgs {
    /// A node without a secret.
    pub(crate) fn at(url: String) -> Self {
        Self { url, secret: None, json: false }
    }

    /// Whether requests show a secret.
    pub(crate) fn has_secret(&self) -> bool {
        self.secret.is_some()
    }

    /// Sends a query and returns its data.
    pub(crate) fn query(&self, query: &str, variables: &Value) -> Result<Value, Failure> {
        let body = json!({ "query": query, "variables": variables });
        let mut answer = self.send(&body, Proof::Bearer)?;
        match refusal(&answer) {
            Some(words) => Err(Failure::Refused(words)),
            None => Ok(answer["data"].take()),
        }
    }

    /// Runs a mutation and returns its answer, of which `selection` is asked for. Mutations take
    /// one input, whose type is named after them.
    pub(crate) fn mutate(
        &self,
        mutation: &str,
        selection: &str,
        input: &Value,
    ) -> Result<Value, Failure> {
        let (first, rest) = mutation.split_at(1);
        let query = format!(
            "mutation($input: {}{rest}Input!) {{ {mutation}(input: $input) {{ {selection} }} }}",
            first.to_ascii_uppercase()
        );
        Ok(self.query(&query, &json!({ "input": input }))?[mutation].take())
    }

    /// Sends a whole request, signed where there is a secret, and returns the whole answer, be it a
    /// refusal.
    pub(crate) fn send_signed(&self, body: &Value) -> Result<Value, Failure> {
        self.send(body, Proof::Signature)
    }

    fn send(&self, body: &Value, proof: Proof) -> Result<Value, Failure> {
        let url = format!("{}/graphql", self.url.trim_end_matches('/'));
        let mut request = agent(&url).post(&url).header("content-type", "application/json");
        if let Some(secret) = &self.secret {
            request = match proof {
                Proof::Bearer => {
                    request.header("authorization", format!("Bearer {}", secret.reveal()))
                }
                Proof::Signature => request
                    .header("signature", ilp_admin::sign(body, secret, clock::now().unix_ms())),
            };
        }
        let unreachable = |error: ureq::Error| {
            Failure::Refused(format!(
                "no answer from {url}: {error}; is the node running, and is --url its admin port?"
            ))
        };
        let mut response = request.send(body.to_string().as_bytes()).map_err(unreachable)?;
        let status = response.status();
        let text = response.body_mut().read_to_string().map_err(unreachable)?;
        if status == 401 {
            return Err(Failure::Refused(format!(
                "{url} refuses us: give the node's admin.secret with --secret or \
                 JIRANI_ADMIN_SECRET{}",
                match proof {
                    Proof::Bearer => "",
                    Proof::Signature => "; a signature also needs the two clocks to agree",
                }
            )));
        }
        serde_json::from_str(&text).map_err(|_| {
            Failure::Refused(format!("{url} answered HTTP status {status} and no JSON"))
        })
    }
}

/// The machine's trusted roots are read only where they are needed.
fn agent(url: &str) -> ureq::Agent {
    if url.starts_with("https:") {
        return http_agent::agent(TIMEOUT);
    }
    let config = ureq::Agent::config_builder().http_status_as_error(false);
    config.timeout_connect(Some(CONNECT_TIMEOUT)).timeout_global(Some(TIMEOUT)).build().into()
}

/// What the node refuses a request with, and what to do then, where that is known.
pub(crate) fn refusal(answer: &Value) -> Option<String> {
    let message = plain(answer["errors"].get(0)?.get("message")?);
    let advice = ADVICE.iter().find(|(words, _)| message.contains(words));
    Some(match advice {
        Some((_, advice)) => format!("{message}; {advice}"),
        None => message,
    })
}

/// Words of the node's refusals, and what one does next.
const ADVICE: &[(&str, &str)] = &[
    ("Asset already exists", "jirani asset list shows it"),
    ("Asset in use", "remove its peers and wallet addresses first"),
    ("duplicate peer found", "jirani peer update changes the one that is there"),
    ("duplicate incoming token", "leave --incoming-token out to have a fresh one made"),
    (
        "Insufficient transfer balance",
        "jirani peer list, asset list and wallet list show what there is",
    ),
    ("Transfer already exists", "it was booked before; leave --id out to book another"),
    ("Wallet address already exists", "jirani wallet list shows it"),
    ("Unknown field", "is the node of another version than this command?"),
    ("Unknown type", "is the node of another version than this command?"),
];

/// Prints what a command found, as JSON or as lines.
///
/// # Errors
/// When it can't be written.
pub(crate) fn print(args: &AdminArgs, value: &Value, lines: &[String]) -> Result<(), Failure> {
    if args.json {
        return say(format_args!("{value:#}"));
    }
    lines.iter().try_for_each(say)
}

/// Every row of a connection, page by page. `query` takes `$after` and names the connection
/// `field`.
pub(crate) fn all_rows(args: &AdminArgs, query: &str, field: &str) -> Result<Vec<Value>, Failure> {
    let mut rows = Vec::new();
    let mut after = Value::Null;
    loop {
        let mut page = args.query(query, &json!({ "after": after }))?[field].take();
        if let Some(edges) = page["edges"].as_array_mut() {
            rows.extend(edges.iter_mut().map(|edge| edge["node"].take()));
        }
        if page["pageInfo"]["hasNextPage"] != true {
            return Ok(rows);
        }
        after = page["pageInfo"]["endCursor"].take();
    }
}

/// A value as it stands in a line: texts without quotes, nothing as a dash. What steers a terminal,
/// or what stands beside it, is shown as a question mark, since a name may come from anywhere.
pub(crate) fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.replace(steers, "\u{fffd}"),
        Value::Null => "-".to_owned(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_say_what_to_do_next() {
        let answer = |message: &str| json!({ "errors": [{ "message": message }] });
        let words = refusal(&answer("Asset already exists")).unwrap();
        assert_eq!(words, "Asset already exists; jirani asset list shows it");
        assert_eq!(refusal(&answer("unknown peer")).unwrap(), "unknown peer");
        assert_eq!(refusal(&json!({ "data": {} })), None);
        assert_eq!(refusal(&json!({ "errors": [] })), None);
    }

    #[test]
    fn no_name_steers_the_terminal() {
        assert_eq!(plain(&json!("a\u{1b}[2Jb\n")), "a\u{fffd}[2Jb\u{fffd}");
        assert_eq!(plain(&json!("evil\u{202e}knab")), "evil\u{fffd}knab");
        assert_eq!((plain(&Value::Null), plain(&json!(5))), ("-".to_owned(), "5".to_owned()));
    }
}
