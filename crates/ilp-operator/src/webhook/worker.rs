//! The sender itself: which events are due, which are under way, and what became of them.

use std::{collections::HashMap, time::Duration};

use ilp_store::{AttemptOutcome, Companions, Delivery, EventRecord};
use tokio::task::{Id, JoinError, JoinSet, spawn_blocking};
use uuid::Uuid;

use super::{Webhooks, message};
use crate::vocabulary::error::OperatorError;

/// How long to wait after the store failed. Its ledger will have stopped the node by then.
const PAUSE_AFTER_FAILURE: Duration = Duration::from_secs(10);

/// The longest sleep towards the next event: while a machine is suspended, or its clock is set, a
/// sleep and the clock drift apart.
const SLEEP_MAX: Duration = Duration::from_secs(60);

/// The next step of the worker.
enum Next {
    /// There is nothing to send but what is under way.
    Nothing,
    /// Too many events are under way.
    Full,
    /// An event is due in so long.
    In(Duration),
}

/// The requests that are under way, and the event that each is for.
#[derive(Default)]
struct UnderWay {
    attempts: JoinSet<()>,
    events: HashMap<Id, Uuid>,
}

impl UnderWay {
    fn count(&self) -> usize {
        self.events.len()
    }

    /// There are few, so looking at each is as good as an index.
    fn has(&self, event: Uuid) -> bool {
        self.events.values().any(|id| *id == event)
    }

    fn start(&mut self, event: Uuid, attempt: impl Future<Output = ()> + Send + 'static) {
        let task = self.attempts.spawn(attempt);
        self.events.insert(task.id(), event);
    }

    /// Waits for one to end; forever while there is none.
    async fn ended(&mut self) {
        let ended: Option<Result<(Id, ()), JoinError>> = self.attempts.join_next_with_id().await;
        match ended {
            None => std::future::pending().await,
            Some(Ok((task, ()))) => {
                self.events.remove(&task);
            }
            Some(Err(panic)) => {
                tracing::error!(%panic, "sending an event failed");
                self.events.remove(&panic.id());
            }
        }
    }
}

impl Webhooks {
    /// Sends what there is and what comes. Never ends; dropping it cuts the requests that are under
    /// way, and their events are sent again after the next start.
    pub async fn run(self) {
        let mut under_way = UnderWay::default();
        loop {
            let event_made = self.event_made.notified();
            let next = match self.start_due(&mut under_way).await {
                Ok(next) => next,
                Err(_) => Next::In(PAUSE_AFTER_FAILURE),
            };
            let is_full = matches!(next, Next::Full);
            let sleep = async {
                match next {
                    Next::In(wait) => tokio::time::sleep(wait.min(SLEEP_MAX)).await,
                    Next::Nothing | Next::Full => std::future::pending().await,
                }
            };
            tokio::select! {
                () = event_made, if !is_full => {}
                () = sleep => {}
                () = under_way.ended() => {}
            }
        }
    }

    /// Starts what is due and has room, the longest due first.
    async fn start_due(&self, under_way: &mut UnderWay) -> Result<Next, OperatorError> {
        let parallel_max = self.rules.parallel_max.max(1);
        if under_way.count() >= parallel_max {
            return Ok(Next::Full);
        }
        // Those under way count as due until they are recorded; one more than can be under way
        // tells when to look again. The far future asks for those that are due later too.
        let (store, limit) = (self.store.clone(), parallel_max + 1);
        let events = spawn_blocking(move || store.due_events(u64::MAX, limit)).await;
        let events = events.map_err(OperatorError::internal)??;
        let now_ms = (self.clock)().unix_ms();
        let mut first = None;
        for event in events {
            let Delivery::Due { at_ms } = event.delivery else { continue };
            if under_way.has(event.id) {
                continue;
            }
            // The times of the wall clock are not in order where the clock was set meanwhile.
            if let Some(left) = self.pauses.left(event.id, at_ms, now_ms) {
                first = Some(first.map_or(left, |first: Duration| first.min(left)));
                continue;
            }
            if under_way.count() >= parallel_max {
                return Ok(Next::Full);
            }
            self.pauses.end(event.id);
            under_way.start(event.id, self.clone().attempt(event));
        }
        Ok(first.map_or(Next::Nothing, Next::In))
    }

    /// Sends an event once and writes down what became of it.
    async fn attempt(self, event: EventRecord) {
        if !self.rules.events.has(&event.kind) {
            let at_ms = (self.clock)().unix_ms();
            return self.record(event.id, AttemptOutcome::Skipped { at_ms }).await;
        }
        let (id, attempt) = (event.id, event.attempts.saturating_add(1));
        // In a task of its own, since a panic must count as an attempt: an event that makes one would
        // otherwise be sent again at once, forever. Dropped with this one, it ends with it.
        let mut alone = JoinSet::new();
        let (sender, sent_event) = (self.clone(), event.clone());
        alone.spawn(async move { sender.send(&sent_event).await });
        let sent = match alone.join_next().await {
            Some(Ok(sent)) => sent,
            Some(Err(_)) | None => Err(Failed::Once("the client failed".to_owned())),
        };
        let now_ms = (self.clock)().unix_ms();
        let outcome = match sent {
            Ok(()) => AttemptOutcome::Delivered { at_ms: now_ms },
            Err(Failed::ForGood(reason)) => self.give_up(&event, &reason, now_ms),
            Err(Failed::Once(reason)) if attempt >= self.rules.attempts_max => {
                self.give_up(&event, &reason, now_ms)
            }
            Err(Failed::Once(reason)) => {
                let pause_ms = self.rules.backoff.pause_ms(attempt);
                tracing::warn!(event = %id, kind = %event.kind, attempt, pause_ms, reason,
                    "an event was not taken and will be sent again");
                let next_attempt_at_ms = now_ms.saturating_add(pause_ms);
                self.pauses.begin(id, next_attempt_at_ms, Duration::from_millis(pause_ms));
                AttemptOutcome::Retry { next_attempt_at_ms }
            }
        };
        self.record(id, outcome).await;
    }

    async fn record(&self, id: Uuid, outcome: AttemptOutcome) {
        let store = self.store.clone();
        let record = move || {
            store.transact(Companions::none(), |tx| tx.record_attempt(id, outcome)).map(drop)
        };
        let recorded = spawn_blocking(record).await;
        let recorded = recorded.map_err(OperatorError::internal).and_then(|recorded| Ok(recorded?));
        if recorded.is_err() {
            // It is still due and would be sent again at once; so it stays under way for a while.
            tokio::time::sleep(PAUSE_AFTER_FAILURE).await;
        }
    }

    fn give_up(&self, event: &EventRecord, reason: &str, now_ms: u64) -> AttemptOutcome {
        tracing::error!(event = %event.id, kind = %event.kind, reason,
            "an event is given up; retryWebhookEvent sends it again");
        AttemptOutcome::Dead { at_ms: now_ms }
    }

    /// Any status from 200 to 299 confirms the event: receivers often answer 201, 202 or 204, and
    /// whoever says that it was taken shouldn't be told again.
    async fn send(&self, event: &EventRecord) -> Result<(), Failed> {
        let now_ms = (self.clock)().unix_ms();
        let request = message::request(event, self.rules.secret.as_ref(), now_ms)
            .map_err(|error| Failed::ForGood(format!("its data is no JSON: {error}")))?;
        match tokio::time::timeout(self.rules.timeout, self.transport.post(request)).await {
            Ok(Ok(200..=299)) => Ok(()),
            Ok(Ok(status)) => Err(Failed::Once(format!("the receiver answers {status}"))),
            Ok(Err(reason)) => Err(Failed::Once(reason)),
            Err(_) => {
                let waited_ms = self.rules.timeout.as_millis();
                Err(Failed::Once(format!("the receiver did not answer within {waited_ms} ms")))
            }
        }
    }
}

/// Why an event was not taken.
enum Failed {
    /// A later attempt may do.
    Once(String),
    /// No attempt ever will.
    ForGood(String),
}
