//! `jirani graphql`: sends a query of the user's own to the admin API.

use std::{
    fs,
    io::{self, Read},
    path::{Path, PathBuf},
};

use clap::Args;
use ilp_admin_client::ApiError;
use serde_json::{Value, json};

use super::{Failure, admin_client::AdminArgs, output::say};

#[derive(Debug, Args)]
pub(crate) struct GraphqlArgs {
    /// A GraphQL document, or a whole request as JSON; the standard input if left out
    file: Option<PathBuf>,
    /// The document's variables as JSON
    #[arg(long, value_name = "JSON")]
    variables: Option<String>,
    #[command(flatten)]
    admin: AdminArgs,
}

impl GraphqlArgs {
    /// Prints the whole answer as JSON, errors included; an error makes the command end with 1.
    pub(crate) fn run(self) -> Result<(), Failure> {
        let text = read(self.file.as_deref())?;
        let answer = self.admin.send_signed(&request(&text, self.variables.as_deref())?)?;
        say(format_args!("{answer:#}"))?;
        ApiError::first_in(&answer).map_or(Ok(()), |refusal| Err(Failure::Node(refusal)))
    }
}

fn read(file: Option<&Path>) -> Result<String, Failure> {
    let mut text = String::new();
    let read = match file {
        Some(file) => fs::read_to_string(file),
        None => io::stdin().lock().read_to_string(&mut text).map(|_| text),
    };
    read.map_err(|error| {
        let name = file.map_or_else(|| "the standard input".into(), Path::to_string_lossy);
        Failure::Refused(format!("{name} can't be read: {error}"))
    })
}

/// Returns the request: the given one, or one made of the given document.
fn request(text: &str, variables: Option<&str>) -> Result<Value, Failure> {
    let variables: Option<Value> = variables
        .map(serde_json::from_str)
        .transpose()
        .map_err(|error| Failure::Usage(format!("--variables is no JSON: {error}")))?;
    let mut request = match serde_json::from_str(text) {
        Ok(request @ Value::Object(_)) => request,
        // A document in short form begins with a brace as well, and is not JSON.
        _ => json!({ "query": text }),
    };
    if let Some(variables) = variables {
        request["variables"] = variables;
    }
    Ok(request)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_and_whole_requests_are_taken() {
        let made = request("{ whoami { id } }", Some(r#"{"a":1}"#)).unwrap();
        assert_eq!(made, json!({ "query": "{ whoami { id } }", "variables": { "a": 1 } }));
        let given = json!({ "query": "query($a: Int) { x }", "variables": { "a": 2 } });
        assert_eq!(request(&given.to_string(), None).unwrap(), given);
        assert_eq!(request("{}", None).unwrap(), json!({}));
        assert_eq!(request("{ x }", Some("{")).unwrap_err().exit_code(), 2);
    }
}
