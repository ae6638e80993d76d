//! A client of the admin API, for the commands.

use std::{sync::OnceLock, time::Duration};

use bytes::Bytes;
use clap::Args;
use http::{
    Request,
    header::{AUTHORIZATION, CONTENT_TYPE},
};
use ilp_admin_client::{Page, ReadError, Request as ApiRequest, read};
use ilp_http::web::WebOptions;
use ilp_operator::steers;
use serde::{Serialize, de::IgnoredAny};
use serde_json::Value;

use super::{
    Failure,
    admin_target::{AdminOptions, AdminTarget},
    output::say,
};
use crate::{clock, web};

/// The time for an answer: a backup of a large store takes minutes, and any other answer comes at
/// once.
const TIMEOUT: Duration = Duration::from_secs(10 * 60);

/// The time for a connection: a node on the same machine accepts one at once, a remote one within
/// seconds.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// The longest answer in bytes. A page of a hundred rows with all fields is far shorter.
const ANSWER_BYTES_MAX: usize = 64 * 1024 * 1024;

/// The options that name the node and the form of the output, shared by all commands that ask a
/// node.
#[derive(Clone, Debug, Args)]
pub(crate) struct AdminArgs {
    #[command(flatten)]
    options: AdminOptions,
    /// Print JSON for programs in place of text for people
    #[arg(long)]
    pub(crate) json: bool,
    /// The node that the options name, found once.
    #[arg(skip)]
    target: OnceLock<AdminTarget>,
}

/// The proof that a request is the operator's.
#[derive(Clone, Copy)]
enum Proof {
    /// The secret itself.
    Bearer,
    /// A signature of the body in the format of Rafiki's clients.
    Signature,
}

impl AdminArgs {
    /// Returns the options for the node at `url`, regardless of the environment.
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

    /// Sends a request and returns its answer.
    ///
    /// # Errors
    /// The node refuses the request, or gives no answer.
    pub(crate) fn ask<R: ApiRequest>(&self, request: R) -> Result<R::Answer, Failure> {
        let unexpected = |error| {
            Failure::Refused(format!(
                "the node's answer is not what the schema says ({error}); is the node of another \
                 version than this command?"
            ))
        };
        let body = request.body().map_err(unexpected)?;
        let answer = self.send(&body, Proof::Bearer)?;
        read::<R>(&answer).map_err(|error| match error {
            ReadError::Refused(refusal) => Failure::Node(refusal),
            ReadError::Unexpected(error) => unexpected(error),
            ReadError::Missing => Failure::Refused(
                "the node answers without what was requested; is it there?".to_owned(),
            ),
        })
    }

    /// Returns every row of a list, page by page. `request` makes the request for the page after a
    /// cursor.
    ///
    /// # Errors
    /// As for [`ask`](Self::ask).
    pub(crate) fn all_rows<R: ApiRequest<Answer = Page<Row>>, Row>(
        &self,
        request: impl Fn(Option<String>) -> R,
    ) -> Result<Vec<Row>, Failure> {
        let mut rows = Vec::new();
        let mut after = None;
        loop {
            let page = self.ask(request(after))?;
            rows.extend(page.rows);
            match page.next {
                Some(cursor) => after = Some(cursor),
                None => return Ok(rows),
            }
        }
    }

    /// Sends a whole request, signed where there is a secret, and returns the whole answer, also where
    /// the node refuses the request.
    pub(crate) fn send_signed(&self, body: &Value) -> Result<Value, Failure> {
        let answer = self.send(body, Proof::Signature)?;
        serde_json::from_slice(&answer)
            .map_err(|error| Failure::Refused(format!("the node's answer is not JSON: {error}")))
    }

    fn send(&self, body: &Value, proof: Proof) -> Result<Bytes, Failure> {
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
        let answer = response.into_body();
        if serde_json::from_slice::<IgnoredAny>(&answer).is_err() {
            return Err(target.not_admin_api(status));
        }
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

/// Prints a command's result, as JSON or as lines.
///
/// # Errors
/// The output can't be written.
pub(crate) fn print(
    args: &AdminArgs,
    found: &impl Serialize,
    lines: &[String],
) -> Result<(), Failure> {
    if args.json {
        // `serde_json::Value` orders the fields by their names.
        let found = serde_json::to_value(found)
            .map_err(|error| Failure::Refused(format!("the answer can't be printed: {error}")))?;
        return say(format_args!("{found:#}"));
    }
    lines.iter().try_for_each(say)
}

/// Returns a text for a line of output. Names may come from outside, so characters that control a
/// terminal or change the characters beside them are replaced by question marks.
pub(crate) fn plain(text: &str) -> String {
    text.replace(steers, "\u{fffd}")
}

/// Returns a text for a line of output, and a dash for `None`.
pub(crate) fn plain_or_dash<T: AsRef<str>>(text: Option<T>) -> String {
    text.map_or_else(|| "-".to_owned(), |text| plain(text.as_ref()))
}

/// Returns the name of a value of one of the schema's enums, such as `COMPLETED`.
pub(crate) fn name_of(value: impl Serialize) -> String {
    match serde_json::to_value(value) {
        Ok(Value::String(name)) => name,
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use ilp_admin_client::peer::PeerState;

    use super::*;

    #[test]
    fn no_name_steers_the_terminal() {
        assert_eq!(plain("a\u{1b}[2Jb\n"), "a\u{fffd}[2Jb\u{fffd}");
        assert_eq!(plain("evil\u{202e}knab"), "evil\u{fffd}knab");
        assert_eq!(plain_or_dash(None::<&str>), "-");
        assert_eq!(name_of(PeerState::Reachable), "REACHABLE");
    }
}
