//! The traces of requests beside records and money: audit records with changes, and events. Each
//! belongs to one request, and exists once.

use std::collections::{BTreeMap, HashSet};

use serde_json::{Value, json};

use super::{Chain, Neighbours};
use crate::support::Node;

/// Mutations that move money or keep an answer, and change no record that the audit log shows.
const WITHOUT_CHANGES: [&str; 4] = [
    "createQuote",
    "depositAssetLiquidity",
    "depositOutgoingPaymentLiquidity",
    "depositPeerLiquidity",
];

/// Returns whether the audit record of a mutation has changes. Withdrawals only move money.
fn has_changes(mutation: &str) -> bool {
    !mutation.ends_with("Withdrawal") && !WITHOUT_CHANGES.contains(&mutation)
}

/// Counts of requests or records, by mutation.
type Counts = BTreeMap<String, usize>;

/// The positions up to which audit log and events have been read.
#[derive(Default)]
pub(super) struct Traces {
    /// The newest audit record of the rounds before.
    audited: Option<String>,
    /// The newest event of the rounds before.
    event: Option<String>,
    /// The events that the node knows of.
    known: HashSet<String>,
    /// The number of events that the receiver got in the rounds before.
    told: usize,
}

impl Traces {
    /// Checks the traces right after a kill, before any request is repeated: an answered request
    /// has left its traces, and an unanswered one all of them or none.
    pub(super) fn check_after_kill(
        &mut self,
        node: &Node,
        neighbours: &Neighbours,
        chains: &[Chain],
    ) {
        let found = changes(&self.audit_records(node));
        let (answered, sent) = (counts(chains, true), counts(chains, false));
        for (mutation, least) in &answered {
            let (found, most) = (found.get(mutation).copied().unwrap_or(0), sent[mutation]);
            assert!((*least..=most).contains(&found), "{mutation}: {least} <= {found} <= {most}");
        }
        // The node knows each event that it has sent.
        let events = list(node, "webhookEvents", "id", self.event.as_deref());
        self.known.extend(events.iter().map(|event| text(&event["id"]).to_owned()));
        let told = neighbours.receiver.requests();
        for request in &told[self.told..] {
            let event: Value = serde_json::from_slice(&request.body).unwrap();
            assert!(self.known.contains(text(&event["id"])), "the node has lost {event}");
        }
        self.told = told.len();
    }

    /// Checks the traces once everything was sent again: each request has changed records in one
    /// audit record, and each payment has one event of its creation.
    pub(super) fn check_when_done(&mut self, node: &Node, chains: &[Chain]) {
        let records = self.audit_records(node);
        let (mut found, expected) = (changes(&records), counts(chains, false));
        // The audit log has the neighbours' own requests, too.
        found.retain(|operation, _| expected.contains_key(operation));
        assert_eq!(found, expected, "audit records with changes");
        self.audited = records.first().map(|record| text(&record["id"]).to_owned());
        let events = list(node, "webhookEvents", "id type data", self.event.as_deref());
        for (mutation, event) in [
            ("createIncomingPayment", "incoming_payment.created"),
            ("createOutgoingPayment", "outgoing_payment.created"),
        ] {
            let requests = chains.iter().flat_map(|chain| &chain.requests);
            let made = requests.filter(|request| request.mutation == mutation);
            let mut made: Vec<_> = made.filter_map(|request| request.made("payment")).collect();
            let mut told: Vec<_> = events
                .iter()
                .filter(|found| found["type"] == event)
                .map(|found| text(&found["data"]["id"]))
                .collect();
            made.sort_unstable();
            told.sort_unstable();
            assert_eq!(told, made, "{event}");
        }
        self.known.extend(events.iter().map(|event| text(&event["id"]).to_owned()));
        self.event = events.first().map(|event| text(&event["id"]).to_owned());
    }

    /// Returns the audit records of this round, newest first.
    fn audit_records(&self, node: &Node) -> Vec<Value> {
        let selected = "id operation code changes { kind id before after }";
        list(node, "auditEvents", selected, self.audited.as_deref())
    }
}

/// Counts the audit records with changes.
fn changes(records: &[Value]) -> Counts {
    let mut counts = Counts::new();
    for record in records {
        if !record["changes"].as_array().unwrap().is_empty() {
            *counts.entry(text(&record["operation"]).to_owned()).or_insert(0) += 1;
        }
    }
    counts
}

/// Counts the requests that change records.
fn counts(chains: &[Chain], answered_only: bool) -> Counts {
    let mut counts = Counts::new();
    for request in chains.iter().flat_map(|chain| &chain.requests) {
        let counted = !answered_only || request.answer.is_some();
        if counted && has_changes(request.mutation) {
            *counts.entry(request.mutation.to_owned()).or_insert(0) += 1;
        }
    }
    counts
}

/// Returns what a list has, newest first, down to a known entry.
fn list(node: &Node, name: &str, selected: &str, known: Option<&str>) -> Vec<Value> {
    let (mut found, mut after) = (Vec::new(), Value::Null);
    loop {
        let query = format!(
            "query($after: String) {{ {name}(first: 100, after: $after) {{
                edges {{ cursor node {{ {selected} }} }} pageInfo {{ hasNextPage }} }} }}"
        );
        let mut page = node.query(&query, json!({ "after": after }))[name].take();
        for edge in page["edges"].as_array_mut().unwrap() {
            if Some(text(&edge["node"]["id"])) == known {
                return found;
            }
            after = edge["cursor"].take();
            found.push(edge["node"].take());
        }
        if page["pageInfo"]["hasNextPage"] != true {
            return found;
        }
    }
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}
