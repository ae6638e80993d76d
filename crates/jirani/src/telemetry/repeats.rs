//! Lines that come again and again: one a minute, with the number of those that were left out.
//!
//! Strangers and peers can provoke warnings, those of libraries included, as often as they like. So
//! no place in the code warns more than once a minute, whoever wrote it; what the operator alone
//! brings about is exempt by its target.

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

/// How long a place in the code is silent after a line.
const PAUSE: Duration = Duration::from_secs(60);

/// Targets whose lines all follow from what the operator does: warnings about the configuration, and
/// the lines that tell of those left out.
const EXEMPT: [&str; 2] = ["jirani::config", "jirani::log"];

/// The longest message that is repeated with a number, in characters.
const MESSAGE_CHARACTERS_MAX: usize = 200;

/// Which places in the code have warned within the last minute. There are as many as the program has.
#[derive(Debug, Default)]
pub(super) struct Repeats {
    silent: Mutex<HashMap<Identifier, Silence>>,
}

#[derive(Debug)]
struct Silence {
    since: Instant,
    left_out: u64,
    /// The first message that was left out, and where it comes from.
    message: String,
    target: &'static str,
}

/// What was left out of one place's lines.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct LeftOut {
    pub(super) lines: u64,
    pub(super) message: String,
    pub(super) target: &'static str,
}

impl Repeats {
    /// Whether a line is written at `now`. `message` is asked for where it is the first one left out.
    fn admit(
        &self,
        metadata: &'static Metadata<'static>,
        message: impl FnOnce() -> String,
        now: Instant,
    ) -> bool {
        // Levels compare by how much they say.
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

    /// What was left out of the lines whose minute is over at `now`, or of `all`. Their next minute
    /// begins, since this is to be told.
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

/// Keeps lines that come again from those who write them.
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

    /// Counts the lines that are let through.
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
            // The minute after that begins with the number, so nothing more is let through.
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
