//! A client of the admin API, for the commands.

use std::{sync::OnceLock, time::Duration};

use clap::Args;
use http::{
    Request,
    header::{AUTHORIZATION, CONTENT_TYPE},
};
use ilp_http::web::WebOptions;
use ilp_operator::steers;
use serde_json::{Value, json};

use super::{
    Failure,
    admin_target::{AdminOptions, AdminTarget},
    output::say,
};
use crate::{clock, web};

/// A backup of a large store takes minutes; all else is answered at once.
const TIMEOUT: Duration = Duration::from_secs(10 * 60);

/// A node on the same machine answers a connection at once, one elsewhere within seconds.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// The longest answer: a page of a hundred rows with all fields is far shorter.
const ANSWER_BYTES_MAX: usize = 64 * 1024 * 1024;

/// Which node a command asks, and how it prints what it found; shared by all commands that ask one.
#[derive(Clone, Debug, Args)]
pub(crate) struct AdminArgs {
    #[command(flatten)]
    options: AdminOptions,
    /// Print JSON for programs in place of text for people
    #[arg(long)]
    pub(crate) json: bool,
    /// The node that the options stand for, looked for once.
    #[arg(skip)]
    target: OnceLock<AdminTarget>,
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
    /// Returns the options for the node at `url`, whatever the environment says.
    pub(crate) fn at(url: String) -> Self {
        Self { options: AdminOptions::at(url), json: false, target: OnceLock::new() }
    }

    fn target(&self) -> Result<&AdminTarget, Failure> {
        if let Some(target) = self.target.get() {
            return Ok(target);
        }
        let found = AdminTarget::find(&self.options)?;
        Ok(self.target.get_or_init(|| found))
    }

    /// Returns whether requests show a secret.
    pub(crate) fn has_secret(&self) -> Result<bool, Failure> {
        Ok(self.target()?.secret().is_some())
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
        let target = self.target()?;
        let mut request = Request::post(target.graphql()).header(CONTENT_TYPE, "application/json");
        if let Some(secret) = target.secret() {
            request = match proof {
                Proof::Bearer => {
                    request.header(AUTHORIZATION, format!("Bearer {}", secret.reveal()))
                }
                Proof::Signature => request
                    .header("signature", ilp_operator::sign(body, secret, clock::now().unix_ms())),
            };
        }
        let request = request.body(body.to_string().into()).map_err(|_| {
            Failure::Usage("the admin secret holds a character that no header can have".to_owned())
        })?;
        let options = WebOptions {
            time_max: TIMEOUT,
            connect_time_max: CONNECT_TIMEOUT,
            body_bytes_max: ANSWER_BYTES_MAX,
            ..WebOptions::default()
        };
        let response = if target.is_own_node() {
            web::send_directly_and_wait(request, options)
        } else {
            web::send_and_wait(request, options)
        }?;
        let response = response.map_err(|error| target.no_answer(&error))?;
        let status = response.status();
        let answer = serde_json::from_slice::<Value>(response.body());
        let answer = answer.map_err(|_| target.not_admin_api(status))?;
        if status == 401 {
            let refused = target.refused().to_string();
            let clocks = "a signature also needs the two clocks to agree";
            return Err(Failure::Refused(match proof {
                Proof::Bearer => refused,
                Proof::Signature => format!("{refused}; {clocks}"),
            }));
        }
        Ok(answer)
    }
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

/// Texts of the node's refusals, each with what to do next.
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

/// Returns every row of a connection, page by page. `query` takes `$after` and names the connection
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
