//! Events: the messages to the operator's webhook, and the state of their delivery.

use std::sync::Arc;

use axum::{
    Router,
    extract::{Path, State},
    routing::{get, post},
};
use ilp_operator::{EventKind, Recorded};
use ilp_store::{Delivery, EventRecord};
use interledger_packet::Timestamp;
use maud::{Markup, html};
use serde_json::Value;

use crate::{
    Pages,
    answer::{Answer, see_other},
    fields::Fields,
    form::{Label, Typed},
    layout::{Section, form_token, show as page},
    paging::{ROWS_FOUND, asked, going_on, links, search_links},
    parts::{empty, moment_ms, notice, plain, state},
    visit::{Submitted, Visit},
};

/// The states of delivery that the list can be filtered by.
const STATES: [(&str, &str); 5] = [
    ("", "Any"),
    ("due", "To be taken yet"),
    ("taken", "Taken"),
    ("dead", "Given up"),
    ("skipped", "Not sent"),
];

pub(crate) fn routes() -> Router<Arc<Pages>> {
    Router::new()
        .route("/events", get(list))
        .route("/events/{id}", get(detail))
        .route("/events/{id}/retry", post(retry))
}

async fn list(State(pages): State<Arc<Pages>>, visit: Visit) -> Answer {
    let kind = visit.query.given("type").map(str::to_owned);
    let state = visit.query.given("state").map(str::to_owned);
    let is_filtered = kind.is_some() || state.is_some();
    let (rows, links) = if is_filtered {
        let is_wanted = move |event: &EventRecord| {
            kind.as_ref().is_none_or(|kind| *kind == event.kind)
                && state.as_ref().is_none_or(|state| state == state_name(event.delivery))
        };
        let after = going_on(&visit);
        let found = pages.operator.events().search(ROWS_FOUND, after, is_wanted).await?;
        (found.rows, search_links(&visit, "/events", found.next.as_deref()))
    } else {
        let rows = pages.operator.events().list(&asked(&visit), Vec::new(), Vec::new()).await?;
        let links = links(&visit, "/events", &rows, |event| event.id.to_string());
        (rows.rows, links)
    };
    let now = pages.operator.now();
    let body = html! {
        div.head {
            h1 { "Events" }
            p { "What happened on this node that your own systems should hear of. Each is posted to " code { "webhook.url" } " until it is taken." }
        }
        div #event-counts data-live { (health(&pages)) }
        (filter_form(&visit))
        @if rows.is_empty() && is_filtered {
            div.card.empty { p { "No event of that kind, as far as they were looked at." } a href="/events" { "All events" } }
        } @else if rows.is_empty() {
            (empty("No event yet. There is one when liquidity falls to the threshold of a peer or an asset, and for each step of a payment.", Some(("/peers", "Peers and their thresholds")), "jirani events list"))
        } @else {
            div.card #event-list data-live {
                table.cards {
                    thead { tr {
                        th scope="col" { "When" } th scope="col" { "Event" }
                        th scope="col" { "Delivery" } th.number scope="col" { "Attempts" }
                    } }
                    tbody { @for event in &rows { tr {
                        td data-label="When" { (moment_ms(event.created_at_ms, now)) }
                        td data-label="Event" { a href={ "/events/" (event.id) } { (plain(&event.kind)) } }
                        td data-label="Delivery" { div { (delivery(&pages, event, now)) } }
                        td.number data-label="Attempts" { (event.attempts) }
                    } } }
                }
            }
        }
        (links)
    };
    Ok(page(&visit, Section::Events, "Events", &body))
}

async fn detail(State(pages): State<Arc<Pages>>, Path(id): Path<String>, visit: Visit) -> Answer {
    let event = pages.operator.events().get(&id).await?;
    let now = pages.operator.now();
    let data = serde_json::from_slice::<Value>(&event.data).unwrap_or_default();
    let shown = serde_json::to_string_pretty(&data).unwrap_or_default();
    let may_retry = matches!(event.delivery, Delivery::Due { .. } | Delivery::Dead { .. });
    let body = html! {
        @if visit.query.get("done") == "retry" { (notice("good", "It is sent again now, with all its attempts before it.")) }
        div.head {
            h1 { (plain(&event.kind)) }
            @if may_retry && is_sent(&pages) {
                form method="post" action={ "/events/" (event.id) "/retry" } {
                    (form_token(&visit))
                    button.plain type="submit" { "Send it again now" }
                }
            }
            p { code { (event.id) } }
        }
        section.card #delivery data-live {
            h2 { "Delivery" }
            dl.facts {
                dt { "State" } dd { (delivery(&pages, &event, now)) }
                dt { "Attempts" } dd { (event.attempts) @if let Some(most) = attempts_max(&pages) { " of " (most) " at most" } }
                dt { "Happened" } dd { (moment_ms(event.created_at_ms, now)) }
            }
        }
        section.card {
            h2 { "What is sent" }
            @if let Some(about) = about(&event.kind, &data) { p { a href=(about) { "What it is about" } } }
            pre { (plain(&shown)) }
        }
    };
    Ok(page(&visit, Section::Events, &event.kind, &body))
}

async fn retry(
    State(pages): State<Arc<Pages>>,
    Path(id): Path<String>,
    Submitted { visit, .. }: Submitted,
) -> Answer {
    let event = id.clone();
    let work = |operator: Recorded| async move { operator.events().retry(&event).await };
    pages.change(&visit, "retryWebhookEvent", work).await?;
    Ok(see_other(&format!("/events/{id}?done=retry")))
}

/// Shows whether all events that are due have been delivered.
fn health(pages: &Pages) -> Markup {
    let counts = pages.operator.events().counts();
    let is_sent = is_sent(pages);
    html! {
        @if !is_sent {
            (notice("", "No webhook.url is set: events are kept and listed here, and sent to nobody. Set JIRANI_WEBHOOK_URL to have them sent."))
        } @else if counts.dead > 0 {
            (notice("bad", &format!("{} given up after all attempts, and {} waiting. See to the receiver, then send them again.", counts.dead, counts.due)))
        } @else if counts.due > 0 {
            (notice("", &format!("{} waiting to be taken.", counts.due)))
        }
    }
}

fn is_sent(pages: &Pages) -> bool {
    pages.setting("webhook.url").is_some_and(|setting| setting.is_set)
}

fn attempts_max(pages: &Pages) -> Option<&str> {
    pages.setting("webhook.attempts_max")?.value.as_deref()
}

fn delivery(pages: &Pages, event: &EventRecord, now: Timestamp) -> Markup {
    html! {
        @match event.delivery {
            Delivery::Delivered { at_ms } => { (state("good", "Taken")) " " (moment_ms(at_ms, now)) }
            Delivery::Dead { at_ms } => { (state("bad", "Given up")) " " (moment_ms(at_ms, now)) }
            Delivery::Skipped { .. } => { (state("", "Not sent")) " its type is not among webhook.types" }
            Delivery::Due { .. } if !is_sent(pages) => (state("", "Kept")),
            Delivery::Due { at_ms } if event.attempts == 0 => { (state("", "To be sent")) " " (moment_ms(at_ms, now)) }
            Delivery::Due { at_ms } => { (state("warn", "Not taken yet")) " next try " (moment_ms(at_ms, now)) }
        }
    }
}

fn state_name(delivery: Delivery) -> &'static str {
    match delivery {
        Delivery::Due { .. } => "due",
        Delivery::Delivered { .. } => "taken",
        Delivery::Dead { .. } => "dead",
        Delivery::Skipped { .. } => "skipped",
    }
}

/// Returns the page of an event's subject.
fn about(kind: &str, data: &Value) -> Option<String> {
    let id = data["id"].as_str()?;
    let (subject, _) = kind.split_once('.')?;
    Some(match subject {
        "peer" => format!("/peers/{id}"),
        "asset" => format!("/assets/{id}"),
        "incoming_payment" => format!("/payments/incoming/{id}"),
        "outgoing_payment" => format!("/payments/outgoing/{id}"),
        _ => return None,
    })
}

fn filter_form(visit: &Visit) -> Markup {
    let mut fields = Fields::default();
    for name in ["type", "state"] {
        fields.set(name, visit.query.get(name));
    }
    let typed = Typed::fresh(fields);
    let any = (String::new(), "Any".to_owned());
    let name = |kind: &EventKind| (kind.name().to_owned(), kind.name().to_owned());
    let kinds: Vec<_> = EventKind::ALL.iter().map(name).collect();
    let kinds: Vec<_> = [any].into_iter().chain(kinds).collect();
    let states = STATES.map(|(state, words)| (state.to_owned(), words.to_owned()));
    html! {
        form.inline.card role="search" method="get" action="/events" {
            (typed.choice(Label { name: "type", label: "Type", hint: "" }, &kinds))
            (typed.choice(Label { name: "state", label: "Delivery", hint: "" }, &states))
            button.plain type="submit" { "Show" }
        }
    }
}
