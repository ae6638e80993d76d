//! What the node says while it runs: structured log lines on standard error.

use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;

use crate::config::LogConfig;

/// Starts logging. Nothing is logged before it, so that a wrong configuration is told as a message
/// and not as a log line.
pub(crate) fn start(config: &LogConfig) {
    let filter = EnvFilter::new(&config.filter);
    let subscriber = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal());
    if config.json {
        subscriber.json().flatten_event(true).init();
    } else {
        subscriber.init();
    }
}
