//! The audit log: who did what, when, and with which outcome.

use std::sync::Arc;

use axum::{Router, extract::State, routing::get};
use ilp_store::{AuditFilter, AuditOutcome, AuditRecord};
use interledger_packet::Timestamp;
use maud::{Markup, html};
use serde_json::Value;

use crate::{
    Pages,
    answer::Answer,
    fields::Fields,
    form::{Label, Typed},
    layout::{Section, show as page},
    paging::{ROWS_FOUND, asked, going_on, links, search_links},
    parts::{empty, moment_ms, plain, state},
    visit::Visit,
};

/// The outcomes that the list can be filtered by.
const CODES: [(&str, &str); 8] = [
    ("", "Any"),
    ("200", "Done"),
    ("400", "Refused: bad input"),
    ("401", "Turned away"),
    ("403", "Refused: forbidden"),
    ("404", "Refused: not found"),
    ("409", "Refused: conflict"),
    ("500", "Failed"),
];

pub(crate) fn routes() -> Router<Arc<Pages>> {
    Router::new().route("/audit", get(show))
}

async fn show(State(pages): State<Arc<Pages>>, visit: Visit) -> Answer {
    let operation = visit.query.given("operation").map(str::to_owned);
    let code = visit.query.given("code").map(str::to_owned);
    let is_filtered = operation.is_some() || code.is_some();
    let (rows, links) = if is_filtered {
        let is_wanted = move |record: &AuditRecord| {
            let came_of_it = record.outcome.as_ref().map(|outcome| &outcome.code);
            operation.as_ref().is_none_or(|operation| *operation == record.operation)
                && code.as_ref().is_none_or(|code| came_of_it == Some(code))
        };
        let after = going_on(&visit);
        let found = pages.operator.audit().search(ROWS_FOUND, after, is_wanted).await?;
        (found.rows, search_links(&visit, "/audit", found.next.as_deref()))
    } else {
        let rows = pages.operator.audit().list(&asked(&visit), AuditFilter::default()).await?;
        let links = links(&visit, "/audit", &rows, |record| record.id.to_string());
        (rows.rows, links)
    };
    let now = pages.operator.now();
    let body = html! {
        div.head {
            h1 { "Audit log" }
            p { "Every change that somebody made or tried, through these pages, the API or the command line, and whoever was turned away." }
        }
        (filter_form(&visit))
        @if rows.is_empty() && is_filtered {
            div.card.empty {
                p { "Nothing of that kind is in the log, as far as it was looked at." }
                a href="/audit" { "The whole log" }
            }
        } @else if rows.is_empty() {
            (empty("Nothing was changed yet. The first asset or peer will stand here.", None, ""))
        } @else {
            div.card {
                table.cards {
                    thead { tr {
                        th scope="col" { "When" } th scope="col" { "What" }
                        th scope="col" { "Who" } th scope="col" { "Outcome" }
                    } }
                    tbody { @for record in &rows { (row(record, now)) } }
                }
            }
        }
        (links)
    };
    Ok(page(&visit, Section::Audit, "Audit log", &body))
}

fn filter_form(visit: &Visit) -> Markup {
    let mut fields = Fields::default();
    for name in ["operation", "code"] {
        fields.set(name, visit.query.get(name));
    }
    let typed = Typed::fresh(fields);
    let codes = CODES.map(|(code, words)| (code.to_owned(), words.to_owned()));
    html! {
        form.inline.card role="search" method="get" action="/audit" {
            (typed.text(Label { name: "operation", label: "What", hint: "Such as createPeer, in full." }))
            (typed.choice(Label { name: "code", label: "Outcome", hint: "" }, &codes))
            button.plain type="submit" { "Show" }
        }
    }
}

fn row(record: &AuditRecord, now: Timestamp) -> Markup {
    let who = match record.caller.as_str() {
        "loopback" => "This machine",
        "bearer" => "Admin secret",
        "signature" => "Signed request",
        "session" => "Browser session",
        "peer" => "Another node",
        _ => "Unknown",
    };
    html! {
        tr {
            td data-label="When" { (moment_ms(record.at_ms, now)) }
            td data-label="What" { div {
                a href={ "/audit?operation=" (record.operation) } { code { (plain(&record.operation)) } }
                (changes(record))
                @if record.detail != "{}" { details { summary.small.quiet { "What it was given" } pre { (given(&record.detail)) } } }
            } }
            td data-label="Who" { div { (who) @if !record.origin.is_empty() { br; span.small.quiet { (plain(&record.origin)) } } } }
            td data-label="Outcome" { div { (outcome(record.outcome.as_ref())) } }
        }
    }
}

/// Returns the changes of an operation: each field with its old and its new value.
fn changes(record: &AuditRecord) -> Markup {
    let changes: Vec<Value> = serde_json::from_str(&record.changes).unwrap_or_default();
    html! {
        @if !changes.is_empty() {
            details {
                summary.small.quiet { "What it changed" }
                @for change in &changes { (change_of(change)) }
            }
        }
    }
}

fn change_of(change: &Value) -> Markup {
    let (before, after) = (&change["before"], &change["after"]);
    let side = if after.is_null() { before } else { after };
    let names: Vec<&String> = side.as_object().into_iter().flat_map(|side| side.keys()).collect();
    let deed = match (before.is_null(), after.is_null()) {
        (true, _) => "made",
        (_, true) => "removed",
        _ => "changed",
    };
    let kind = change["kind"].as_str().unwrap_or("more records");
    html! {
        p.small { (plain(kind)) " " code { (plain(change["id"].as_str().unwrap_or_default())) } " " (deed) }
        ul.small.changes {
            @for name in names { li {
                strong { (plain(name)) } ": " (value_text(&before[name])) " \u{2192} " (value_text(&after[name]))
            } }
        }
    }
}

fn value_text(value: &Value) -> String {
    match value {
        Value::Null => "-".to_owned(),
        Value::String(text) => plain(text),
        other => plain(&other.to_string()),
    }
}

/// Returns an operation's input, a member to a line. The audit log has no secrets in it.
fn given(detail: &str) -> String {
    let value = serde_json::from_str::<Value>(detail).ok();
    let lines = value.and_then(|value| serde_json::to_string_pretty(&value).ok());
    plain(lines.as_deref().unwrap_or(detail))
}

fn outcome(outcome: Option<&AuditOutcome>) -> Markup {
    let Some(AuditOutcome { code, message, subject, took_us }) = outcome else {
        return html! {
            (state("warn", "Not ended"))
            p.small.quiet { "It is being done, or a crash cut it short." }
        };
    };
    html! {
        @if code == "200" { (state("good", "Done")) } @else { (state("bad", &format!("Refused, {code}"))) }
        " " span.small.quiet title={ (took_us) " microseconds" } { "in " (took_us / 1_000) " ms" }
        @if code != "200" { br; span.small { (plain(message)) } }
        @if let Some(subject) = subject { br; code.small.quiet { (plain(subject)) } }
    }
}
