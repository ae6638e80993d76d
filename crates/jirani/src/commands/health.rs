//! `jirani health`: reports whether a configuration's node is healthy; the container image's health
//! check runs it.

use std::{net::SocketAddr, time::Duration};

use bytes::Bytes;
use clap::Args;
use http::{Request, header::ACCEPT};
use ilp_http::web::WebOptions;
use serde_json::Value;

use super::{Failure, admin_client::plain, output::say};
use crate::{
    cli::ConfigArgs,
    config::Config,
    node_file::{NodeFile, reached_at},
    web,
};

/// The time that the node may take: less than the three seconds after which the image's check
/// fails.
const TIMEOUT: Duration = Duration::from_millis(2_500);

#[derive(Debug, Args)]
pub(crate) struct HealthArgs {
    #[command(flatten)]
    config: ConfigArgs,
    /// Print JSON for programs in place of text for people
    #[arg(long)]
    json: bool,
}

impl HealthArgs {
    /// Asks the node at the admin port that its `node.json` or, without one, its configuration
    /// names: a port may have been picked at the start.
    ///
    /// # Errors
    /// A wrong configuration, no answer, or an answer that the node is not healthy.
    pub(crate) fn run(self) -> Result<(), Failure> {
        let config = self.config.load()?;
        let at = reached_at(admin_address(&config));
        let url = format!("http://{at}/healthz");
        let request = Request::get(&url).header(ACCEPT, "application/json").body(Bytes::new());
        let request = request.map_err(|error| Failure::Refused(error.to_string()))?;
        let options =
            WebOptions { time_max: TIMEOUT, connect_time_max: TIMEOUT, ..WebOptions::default() };
        let answered = web::send_directly_and_wait(request, options)?.map_err(|error| {
            let why = web::reason(&error, "it");
            Failure::Refused(format!("no answer from {url}: {why}; is the node running?"))
        })?;
        let said = std::str::from_utf8(answered.body()).unwrap_or_default();
        let body: Value = serde_json::from_str(said).unwrap_or_default();
        let words = match (&body["status"], &body["reason"]) {
            (Value::String(status), Value::String(reason)) => format!("{status}: {reason}"),
            (Value::String(status), _) => status.clone(),
            _ => said.trim().to_owned(),
        };
        let words = plain(&words);
        if !answered.status().is_success() {
            let status = answered.status().as_u16();
            return Err(Failure::Refused(format!("{url} answers HTTP status {status}: {words}")));
        }
        if self.json { say(format_args!("{body:#}")) } else { say(words) }
    }
}

fn admin_address(config: &Config) -> SocketAddr {
    NodeFile::admin_listen(&config.node.data_dir).unwrap_or(config.admin.listen)
}
