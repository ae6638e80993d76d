//! A client of the admin API, for the commands.

use clap::Args;
use ilp_connector::token::Secret;
use serde_json::{Value, json};

use super::Failure;

/// Where the node is and how to prove who one is; shared by all commands that ask it.
#[derive(Debug, Args)]
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

impl AdminArgs {
    /// Sends a query and returns its data.
    pub(crate) fn query(&self, query: &str, variables: &Value) -> Result<Value, Failure> {
        let url = format!("{}/graphql", self.url.trim_end_matches('/'));
        let body = json!({ "query": query, "variables": variables }).to_string();
        let agent: ureq::Agent =
            ureq::Agent::config_builder().http_status_as_error(false).build().into();
        let mut request = agent.post(&url).header("content-type", "application/json");
        if let Some(secret) = &self.secret {
            request = request.header("authorization", format!("Bearer {}", secret.reveal()));
        }
        let unreachable = |error: ureq::Error| {
            Failure::Refused(format!(
                "no answer from {url}: {error}; is the node running, and is --url its admin port?"
            ))
        };
        let mut response = request.send(body.as_bytes()).map_err(unreachable)?;
        let status = response.status();
        let text = response.body_mut().read_to_string().map_err(unreachable)?;
        if status == 401 {
            return Err(Failure::Refused(format!(
                "{url} refuses us: give the node's admin.secret with --secret or \
                 JIRANI_ADMIN_SECRET"
            )));
        }
        let mut answer: Value = serde_json::from_str(&text).map_err(|_| {
            Failure::Refused(format!("{url} answered HTTP status {status} and no JSON"))
        })?;
        if let Some(message) = answer["errors"][0]["message"].as_str() {
            return Err(Failure::Refused(message.to_owned()));
        }
        Ok(answer["data"].take())
    }
}

/// Prints what a command found, as JSON or as lines.
#[expect(clippy::print_stdout, reason = "a command's output")]
pub(crate) fn print(args: &AdminArgs, value: &Value, lines: &[String]) {
    if args.json {
        println!("{value:#}");
    } else {
        for line in lines {
            println!("{line}");
        }
    }
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

/// A value as it stands in a line: texts without quotes, nothing as a dash.
pub(crate) fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => "-".to_owned(),
        other => other.to_string(),
    }
}
