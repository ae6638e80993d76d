//! The sender against receivers that are slow, dead, wrong or gone.

use std::time::Instant;

use ilp_store::{AttemptOutcome, Companions, Delivery, EventCounts, EventRecord};
use parking_lot::Mutex;
use tempfile::TempDir;
use uuid::Uuid;

use super::*;

/// The time of these tests is the machine's: pauses are a few milliseconds long.
#[expect(clippy::disallowed_methods, reason = "the sender sleeps in real time")]
fn clock() -> interledger_packet::Timestamp {
    let since = std::time::SystemTime::now().duration_since(std::time::SystemTime::UNIX_EPOCH);
    interledger_packet::Timestamp::from_unix_ms(since.unwrap().as_millis().try_into().unwrap())
}

/// Answers by the event's type: a status, `slow`, `dead` for no connection, or `flaky` for 500
/// twice and then 204.
#[derive(Default)]
struct FakeReceiver {
    requests: Mutex<Vec<(WebhookRequest, Instant)>>,
    under_way: Mutex<(usize, usize)>,
    is_up: Mutex<bool>,
}

impl FakeReceiver {
    fn count(&self, kind: &str) -> usize {
        let kind = format!("\"type\":\"{kind}\"");
        self.requests.lock().iter().filter(|(request, _)| request.body.contains(&kind)).count()
    }

    async fn answer(&self, request: WebhookRequest) -> Result<u16, String> {
        let body: serde_json::Value = serde_json::from_str(&request.body).unwrap();
        let kind = body["type"].as_str().unwrap().to_owned();
        self.requests.lock().push((request, Instant::now()));
        match kind.as_str() {
            "slow" => std::future::pending().await,
            "dead" => Err("the receiver takes no connection".to_owned()),
            "panic" => panic!("a bug in the transport"),
            "flaky" => Ok(if self.count("flaky") < 3 { 500 } else { 204 }),
            "down" => Ok(if *self.is_up.lock() { 200 } else { 503 }),
            status => Ok(status.parse().unwrap()),
        }
    }
}

impl WebhookTransport for FakeReceiver {
    fn post(&self, request: WebhookRequest) -> BoxFuture<'_, Result<u16, String>> {
        Box::pin(async move {
            {
                let mut under_way = self.under_way.lock();
                under_way.0 += 1;
                under_way.1 = under_way.1.max(under_way.0);
            }
            let answer = self.answer(request).await;
            self.under_way.lock().0 -= 1;
            answer
        })
    }
}

struct Sender {
    _dir: TempDir,
    store: Store,
    receiver: Arc<FakeReceiver>,
    event_made: Arc<Notify>,
    webhooks: Webhooks,
}

impl Sender {
    fn new(timeout_ms: u64) -> Self {
        Self::of(SentEvents::All, timeout_ms)
    }

    fn of(events: SentEvents, timeout_ms: u64) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path()).unwrap();
        let receiver = Arc::new(FakeReceiver::default());
        let event_made = Arc::new(Notify::new());
        let rules = WebhookRules {
            events,
            secret: Some(Secret::new("webhooksecret".to_owned())),
            attempts_max: 4,
            parallel_max: 4,
            timeout: Duration::from_millis(timeout_ms),
            backoff: Backoff { step_ms: 20, steps_max: 6 },
        };
        let (sends, wakes) = (Arc::clone(&receiver), Arc::clone(&event_made));
        let webhooks = Webhooks::new(store.clone(), sends, rules, clock, wakes);
        Self { _dir: dir, store, receiver, event_made, webhooks }
    }

    fn event(&self, kind: &str) -> Uuid {
        let id = Uuid::now_v7();
        let now_ms = clock().unix_ms();
        self.store
            .transact(Companions::none(), |tx| {
                tx.append_event(&EventRecord::new(id, kind, b"{}".to_vec(), now_ms))
            })
            .unwrap();
        self.event_made.notify_one();
        id
    }

    fn start(&self) -> tokio::task::JoinHandle<()> {
        tokio::spawn(self.webhooks.clone().run())
    }

    async fn until(&self, id: Uuid, reached: impl Fn(&EventRecord) -> bool) -> EventRecord {
        for _ in 0..2_000 {
            let event = self.store.event(id).unwrap().unwrap();
            if reached(&event) {
                return event;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        panic!("the event stays {:?}", self.store.event(id));
    }

    async fn delivered(&self, id: Uuid) -> EventRecord {
        self.until(id, |event| matches!(event.delivery, Delivery::Delivered { .. })).await
    }

    async fn dead(&self, id: Uuid) -> EventRecord {
        self.until(id, |event| matches!(event.delivery, Delivery::Dead { .. })).await
    }
}

#[tokio::test]
async fn any_success_confirms_and_everything_else_is_tried_again_until_it_is_given_up() {
    let sender = Sender::new(1_000);
    let taken = ["200", "201", "202", "204"].map(|kind| sender.event(kind));
    let refused = ["500", "404", "302", "dead"].map(|kind| sender.event(kind));
    let flaky = sender.event("flaky");
    let running = sender.start();
    for id in taken {
        assert_eq!(sender.delivered(id).await.attempts, 1);
    }
    for id in refused {
        assert_eq!(sender.dead(id).await.attempts, 4);
    }
    assert_eq!(sender.delivered(flaky).await.attempts, 3);
    assert_eq!(sender.receiver.count("200"), 1);
    assert_eq!(sender.receiver.count("500"), 4);
    running.abort();
}

/// Checks that an event of a type that isn't sent is kept, and is neither waiting nor dead.
#[tokio::test]
async fn events_of_other_types_are_skipped() {
    let sender = Sender::of(SentEvents::parse("rafiki").unwrap(), 1_000);
    let skipped =
        ["outgoing_payment.sending", "outgoing_payment.funded"].map(|kind| sender.event(kind));
    let running = sender.start();
    for id in skipped {
        let event =
            sender.until(id, |event| matches!(event.delivery, Delivery::Skipped { .. })).await;
        assert_eq!(event.attempts, 0);
    }
    assert!(sender.receiver.requests.lock().is_empty());
    assert_eq!(sender.store.event_counts(), EventCounts::default());
    running.abort();
}

#[tokio::test]
async fn pauses_grow_between_the_attempts() {
    let sender = Sender::new(1_000);
    let id = sender.event("500");
    let running = sender.start();
    sender.dead(id).await;
    let requests = sender.receiver.requests.lock();
    let pauses: Vec<_> = requests.windows(2).map(|pair| pair[1].1 - pair[0].1).collect();
    for (pause, shortest_ms) in pauses.iter().zip([16, 32, 48]) {
        assert!(*pause >= Duration::from_millis(shortest_ms), "{pauses:?}");
    }
    running.abort();
}

/// Three of the four places are taken by events that their receiver never answers.
#[tokio::test]
async fn slow_and_dead_events_hold_up_no_other() {
    let sender = Sender::new(60_000);
    for _ in 0..3 {
        sender.event("slow");
    }
    let dead: Vec<_> = (0..20).map(|_| sender.event("dead")).collect();
    let running = sender.start();
    for _ in 0..50 {
        let id = sender.event("200");
        sender.delivered(id).await;
    }
    assert_eq!(sender.receiver.count("slow"), 3);
    for id in dead {
        assert_eq!(sender.dead(id).await.attempts, 4);
    }
    assert_eq!(sender.receiver.under_way.lock().1, 4, "and no more than may be");
    running.abort();
}

#[tokio::test]
async fn who_does_not_answer_in_time_is_given_up_and_a_bug_costs_one_event_only() {
    let sender = Sender::new(20);
    let slow = sender.event("slow");
    let panicking = sender.event("panic");
    let running = sender.start();
    assert_eq!(sender.dead(slow).await.attempts, 4);
    assert_eq!(sender.delivered(sender.event("200")).await.attempts, 1);
    assert_eq!(sender.dead(panicking).await.attempts, 4);
    assert_eq!(sender.receiver.count("panic"), 4);
    running.abort();
}

#[tokio::test]
async fn a_request_is_signed_over_its_time_and_its_body() {
    let sender = Sender::new(1_000);
    let id = sender.event("200");
    let running = sender.start();
    sender.delivered(id).await;
    let (request, _) = sender.receiver.requests.lock()[0].clone();
    let signature = request.signature.unwrap();
    let (time, digest) = signature.split_once(", v1=").unwrap();
    let time = time.strip_prefix("t=").unwrap();
    assert!(time.parse::<u64>().unwrap().abs_diff(clock().unix_ms()) < 60_000);
    let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, b"webhooksecret");
    let expected = ring::hmac::sign(&key, format!("{time}.{}", request.body).as_bytes());
    let expected: String = expected.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(digest, expected);
    assert_eq!(request.body, format!("{{\"data\":{{}},\"id\":\"{id}\",\"type\":\"200\"}}"));
    assert!(!format!("{:?}", sender.webhooks).contains("webhooksecret"));
    running.abort();
}

/// A sender that ends in the middle of a request leaves the event due, and the next one sends it.
#[tokio::test]
async fn what_was_under_way_when_the_sender_ended_is_sent_again() {
    let sender = Sender::new(60_000);
    let id = sender.event("slow");
    let down = sender.event("down");
    let running = sender.start();
    sender.until(down, |event| event.attempts > 0).await;
    while sender.receiver.count("slow") == 0 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    running.abort();
    let _ = running.await;
    *sender.receiver.is_up.lock() = true;
    assert!(matches!(sender.store.event(id).unwrap().unwrap().delivery, Delivery::Due { .. }));
    let running = sender.start();
    sender.delivered(down).await;
    while sender.receiver.count("slow") < 2 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    running.abort();
}

#[tokio::test]
async fn a_dead_event_is_sent_when_it_is_made_due_again() {
    let sender = Sender::new(1_000);
    let id = sender.event("down");
    let running = sender.start();
    sender.dead(id).await;
    *sender.receiver.is_up.lock() = true;
    sender.store.transact(Companions::none(), |tx| tx.retry_event(id, clock().unix_ms())).unwrap();
    sender.event_made.notify_one();
    assert_eq!(sender.delivered(id).await.attempts, 1);
    running.abort();
}

/// Checks times in the store that are an hour ahead, or from a clock that was set back by an hour
/// since.
#[tokio::test]
async fn an_event_waits_no_longer_than_the_longest_pause_wherever_the_clock_is_set() {
    let sender = Sender::new(1_000);
    let in_an_hour_ms = clock().unix_ms() + 3_600_000;
    let id = sender.event("200");
    let failed = AttemptOutcome::Retry { next_attempt_at_ms: in_an_hour_ms };
    sender.store.transact(Companions::none(), |tx| tx.record_attempt(id, failed)).unwrap();
    let running = sender.start();
    assert_eq!(sender.delivered(id).await.attempts, 2);
    running.abort();
}
