//! Limits repeated lines to one a minute, with the number of those that were left out.
//!
//! Strangers and peers can provoke warnings, including those of libraries, as often as they like.
//! So no place in the code warns more than once a minute, whichever crate it is in. Lines that only
//! the operator can provoke are exempt by their target.

use std::{
    collections::{HashMap, hash_map::Entry},
    fmt,
    time::{Duration, Instant},
};

use parking_lot::Mutex;
use tracing::{
    Event, Level, Metadata, Subscriber,
    callsite::Identifier,
    field::{Field, Visit},
};
use tracing_subscriber::{Layer, layer::Context};

/// The time for which a place in the code is silent after a line.
const PAUSE: Duration = Duration::from_secs(60);

/// Targets whose lines all follow from the operator's actions: warnings about the configuration,
/// and the lines that report those left out.
const EXEMPT: [&str; 2] = ["jirani::config", "jirani::log"];

/// The longest message that is repeated with a number, in characters.
const MESSAGE_CHARACTERS_MAX: usize = 200;

/// The places in the code that have warned within the last minute, at most as many as the program
/// has.
#[derive(Debug, Default)]
pub(super) struct Repeats {
    silent: Mutex<HashMap<Identifier, Silence>>,
}

#[derive(Debug)]
struct Silence {
    since: Instant,
    left_out: u64,
    /// The first message that was left out; `target` is its origin.
    message: String,
    target: &'static str,
}

/// The lines of one place that were left out.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct LeftOut {
    pub(super) lines: u64,
    pub(super) message: String,
    pub(super) target: &'static str,
}

impl Repeats {
    /// Returns whether a line is written at `now`. `message` is called for the first line left out.
    fn admit(
        &self,
        metadata: &'static Metadata<'static>,
        message: impl FnOnce() -> String,
        now: Instant,
    ) -> bool {
        // Levels are ordered by verbosity.
        if *metadata.level() > Level::WARN || EXEMPT.contains(&metadata.target()) {
            return true;
        }
        match self.silent.lock().entry(metadata.callsite()) {
            Entry::Vacant(place) => {
                let target = metadata.target();
                let message = String::new();
                place.insert(Silence { since: now, left_out: 0, message, target });
                true
            }
            Entry::Occupied(mut place) => {
                let silence = place.get_mut();
                if silence.left_out == 0 {
                    if now.saturating_duration_since(silence.since) >= PAUSE {
                        silence.since = now;
                        return true;
                    }
                    silence.message = message();
                }
                silence.left_out += 1;
                false
            }
        }
    }

    /// Returns the lines left out in minutes that are over at `now`, or in `all`. The next minute
    /// of these places begins, since the caller reports the lines.
    pub(super) fn take_due(&self, now: Instant, all: bool) -> Vec<LeftOut> {
        let mut due = Vec::new();
        self.silent.lock().retain(|_, silence| {
            if !all && now.saturating_duration_since(silence.since) < PAUSE {
                return true;
            }
            if silence.left_out == 0 {
                return false;
            }
            due.push(LeftOut {
                lines: std::mem::take(&mut silence.left_out),
                message: std::mem::take(&mut silence.message),
                target: silence.target,
            });
            silence.since = now;
            true
        });
        due
    }
}

/// The layer that withholds repeated lines from the layers that write.
#[derive(Debug)]
pub(super) struct RepeatsLayer(pub(super) std::sync::Arc<Repeats>);

impl<S: Subscriber> Layer<S> for RepeatsLayer {
    fn event_enabled(&self, event: &Event<'_>, _: Context<'_, S>) -> bool {
        self.0.admit(event.metadata(), || message_of(event), Instant::now())
    }
}

fn message_of(event: &Event<'_>) -> String {
    let mut message = Message::default();
    event.record(&mut message);
    message.0.chars().take(MESSAGE_CHARACTERS_MAX).collect()
}

#[derive(Default)]
struct Message(String);

impl Visit for Message {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        if field.name() == "message" {
            self.0 = format!("{value:?}");
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use tracing_subscriber::layer::SubscriberExt;

    use super::*;

    /// A layer that counts the lines let through.
    struct Written(Arc<Mutex<Vec<String>>>);

    impl<S: Subscriber> Layer<S> for Written {
        fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
            self.0.lock().push(message_of(event));
        }
    }

    fn provoked(times: usize) {
        for number in 0..times {
            tracing::warn!(number, "a stranger is at the door");
        }
    }

    fn of_the_operators() {
        for key in ["one", "two"] {
            tracing::warn!(target: "jirani::config", "{key} is not a good idea");
        }
        tracing::info!("an operator's work");
        tracing::info!("an operator's work");
    }

    #[test]
    fn a_flood_is_one_line_a_minute_with_the_number_of_the_rest() {
        let (written, repeats) = (Arc::default(), Arc::new(Repeats::default()));
        let subscriber = tracing_subscriber::registry()
            .with(Written(Arc::clone(&written)))
            .with(RepeatsLayer(Arc::clone(&repeats)));
        let dispatch = tracing::Dispatch::new(subscriber);
        let left_out = tracing::dispatcher::with_default(&dispatch, || {
            provoked(30_000);
            of_the_operators();
            assert_eq!(repeats.take_due(Instant::now(), false), []);
            let later = Instant::now() + PAUSE;
            let first = repeats.take_due(later, false);
            // The next minute begins with the report, so no further line is let through.
            provoked(5);
            (
                first,
                repeats.take_due(later + PAUSE, false),
                repeats.take_due(later + PAUSE * 2, false),
            )
        });
        let lines = |lines| LeftOut {
            lines,
            message: "a stranger is at the door".to_owned(),
            target: module_path!(),
        };
        assert_eq!(left_out, (vec![lines(29_999)], vec![lines(5)], vec![]));
        let written = written.lock();
        let expected = [
            "a stranger is at the door",
            "one is not a good idea",
            "two is not a good idea",
            "an operator's work",
            "an operator's work",
        ];
        assert_eq!(*written, expected);
    }

    #[test]
    fn what_comes_once_in_a_while_is_written_each_time() {
        let (written, repeats) = (Arc::default(), Arc::new(Repeats::default()));
        let subscriber = tracing_subscriber::registry()
            .with(Written(Arc::clone(&written)))
            .with(RepeatsLayer(Arc::clone(&repeats)));
        tracing::dispatcher::with_default(&tracing::Dispatch::new(subscriber), || {
            provoked(1);
            assert_eq!(repeats.take_due(Instant::now() + PAUSE, false), []);
            provoked(1);
        });
        assert_eq!(written.lock().len(), 2);
    }
}
