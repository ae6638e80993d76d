//! The node's log: structured lines on standard error.
//!
//! A line that can't be written is lost and counted ([`output`]), and a line that strangers or
//! peers can provoke as often as they like comes once a minute ([`repeats`]). A thread of the log's
//! own reports both.

mod output;
mod repeats;

use std::{
    ffi::OsString,
    io::{self, IsTerminal, Stderr},
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use tracing_subscriber::{
    EnvFilter, Layer, fmt, layer::SubscriberExt, registry, util::SubscriberInitExt,
};

use self::{
    output::Output,
    repeats::{Repeats, RepeatsLayer},
};
use crate::config::LogConfig;

/// The interval at which missing lines are looked for.
const TICK: Duration = Duration::from_secs(1);

/// The running log.
#[derive(Clone, Debug)]
pub(crate) struct Log {
    output: Arc<Output<Stderr>>,
    repeats: Arc<Repeats>,
}

/// Starts logging. Nothing is logged before it, so that an error in the configuration is a plain
/// message and not a log line.
pub(crate) fn start(config: &LogConfig) -> Log {
    let output = Arc::new(Output::new(io::stderr()));
    let repeats = Arc::<Repeats>::default();
    let lines = fmt::layer()
        .with_writer(Arc::clone(&output))
        // The formatter would print its errors to standard error, and panic where that can't be
        // written.
        .log_internal_errors(false)
        .with_ansi(is_coloured(io::stderr().is_terminal(), std::env::var_os("NO_COLOR")));
    let lines = if config.json { lines.json().flatten_event(true).boxed() } else { lines.boxed() };
    registry()
        .with(EnvFilter::new(&config.filter))
        .with(RepeatsLayer(Arc::clone(&repeats)))
        .with(lines)
        .init();
    let log = Log { output, repeats };
    let (watched, name) = (log.clone(), "jirani-log".to_owned());
    // Without the thread missing lines are reported only at the end.
    let _ = thread::Builder::new().name(name).spawn(move || watched.tell_of_missing_lines());
    log
}

impl Log {
    /// Reports the lines left out since the last minute began, as the node ends.
    pub(crate) fn end(&self) {
        self.tell_left_out(true);
    }

    /// Reports missing lines while the node runs. Never ends.
    fn tell_of_missing_lines(&self) {
        let mut told = 0;
        loop {
            thread::sleep(TICK);
            self.tell_left_out(false);
            let lost = self.output.lost();
            if lost > told {
                tracing::warn!(
                    target: "jirani::log",
                    lines = lost - told,
                    "lines of the log could not be written"
                );
                // If this line was lost too, the next try reports all of them.
                if self.output.lost() == lost {
                    told = lost;
                }
            }
        }
    }

    fn tell_left_out(&self, all: bool) {
        for left_out in self.repeats.take_due(Instant::now(), all) {
            tracing::warn!(
                target: "jirani::log",
                lines = left_out.lines,
                from = left_out.target,
                "left out within a minute: {}",
                left_out.message
            );
        }
    }
}

/// Returns whether lines have colours: on terminals, unless the user has disabled them
/// (<https://no-color.org>).
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
