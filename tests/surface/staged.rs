//! Steps that depend on another party's action.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc,
    },
    thread,
};

use parking_lot::Mutex;
use serde_json::{Value, json};

use super::{Generation, Walk, argument, done, query, refused, steps::BAD, text};
use crate::support::{
    stub::{Answer, Stub},
    wait_for,
};

/// A receiver that accepts events while it is up, and refuses them otherwise.
pub(super) struct Receiver {
    pub(super) stub: Stub,
    is_up: Arc<AtomicBool>,
}

impl Receiver {
    pub(super) fn start() -> Self {
        let is_up = Arc::new(AtomicBool::new(false));
        let up = Arc::clone(&is_up);
        let answer = move |_: &_| Answer::Status(if up.load(Ordering::SeqCst) { 204 } else { 503 });
        Self { stub: Stub::start(answer), is_up }
    }

    /// Returns the number of times that an event was sent.
    fn times_sent(&self, id: &str) -> usize {
        let is_it = |body: &[u8]| {
            serde_json::from_slice::<Value>(body).is_ok_and(|event| event["id"] == id)
        };
        self.stub.requests().iter().filter(|request| is_it(&request.body)).count()
    }
}

impl Walk<'_> {
    /// Retries an event whose delivery was given up, once the receiver accepts it.
    pub(super) fn retry_a_dead_event(&mut self, receiver: &Receiver) {
        let events = || {
            let list = "{ webhookEvents(first: 100) { edges { node { id state attempts } } } }";
            let found = self.node.query(list, json!({}));
            found["webhookEvents"]["edges"].as_array().unwrap().clone()
        };
        let find = |name: &str, value: &str| {
            let edges = events();
            edges.into_iter().map(|edge| edge["node"].clone()).find(|event| event[name] == value)
        };
        let dead = wait_for("an event that is given up", || find("state", "DEAD"));
        let id = text(&dead["id"]);
        assert_eq!((&dead["attempts"], receiver.times_sent(&id)), (&json!(1), 1));
        receiver.is_up.store(true, Ordering::SeqCst);
        let retry = json!({ "id": id });
        self.take(vec![done(
            "retryWebhookEvent",
            retry.clone(),
            "Webhook event will be sent again",
        )]);
        wait_for("its delivery", || (find("id", &id)?["state"] == "DELIVERED").then_some(()));
        assert_eq!(receiver.times_sent(&id), 2);
        receiver.is_up.store(false, Ordering::SeqCst);
        let conflict = "Webhook event already delivered";
        self.take(vec![refused("retryWebhookEvent", retry, "CONFLICT", conflict)]);
    }

    /// Repeats a request under its key while the first one still waits for another node. Once the
    /// first one was refused, the repetition is done as a new request.
    pub(super) fn ask_twice_at_once(&mut self) {
        let (answer, answers) = mpsc::channel::<()>();
        let answers = Mutex::new(answers);
        let slow = Stub::start(move |_| {
            let _ = answers.lock().recv();
            Answer::Reply(b"nonsense".to_vec())
        });
        let mutation = "createOrUpdatePeerByUrl";
        let input = json!({
            "assetId": self.kept["shared"], "peerUrl": slow.endpoint(),
            "idempotencyKey": format!("{}-at-once", self.kept["g"]),
        });
        let mut other = input.clone();
        other["name"] = json!("another request");
        let message = "Concurrent request for idempotencyKey: ";
        thread::scope(|scope| {
            let query = query(mutation, self.generation);
            let (node, variables) = (self.node, json!({ argument(mutation): input.clone() }));
            let first = scope.spawn(move || node.graphql(&query, variables));
            wait_for("the first request", || (!slow.requests().is_empty()).then_some(()));
            self.take(vec![refused(mutation, input.clone(), "CONFLICT", message)]);
            drop(answer);
            let answered = first.join().unwrap();
            let told = match self.generation {
                Generation::Documented => &answered["data"][mutation],
                Generation::Today => &answered["errors"][0],
            };
            assert!(text(&told["message"]).starts_with("Invalid peering request"), "{answered}");
        });
        // A refused request keeps no answer, so its key may name another request.
        self.take(vec![refused(mutation, other, BAD, "Invalid peering request")]);
    }
}
