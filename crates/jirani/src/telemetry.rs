//! What the node says while it runs: structured log lines on standard error.

use std::{ffi::OsString, io::IsTerminal};

use tracing_subscriber::EnvFilter;

use crate::config::LogConfig;

/// Starts logging. Nothing is logged before it, so that a wrong configuration is told as a message
/// and not as a log line.
pub(crate) fn start(config: &LogConfig) {
    let filter = EnvFilter::new(&config.filter);
    let subscriber = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(is_coloured(std::io::stderr().is_terminal(), std::env::var_os("NO_COLOR")));
    if config.json {
        subscriber.json().flatten_event(true).init();
    } else {
        subscriber.init();
    }
}

/// Terminals show colours, unless whoever sits there has said not to (<https://no-color.org>).
fn is_coloured(is_terminal: bool, no_color: Option<OsString>) -> bool {
    is_terminal && no_color.is_none_or(|value| value.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_are_for_terminals_whose_people_want_them() {
        assert!(is_coloured(true, None) && is_coloured(true, Some(OsString::new())));
        assert!(!is_coloured(true, Some("1".into())) && !is_coloured(false, None));
    }
}
