//! Exchange rates: those in use, each with its origin and age, and those that the operator sets.

use std::sync::Arc;

use axum::{
    Router,
    extract::State,
    response::Response,
    routing::{get, post},
};
use ilp_connector::rates::{RateInUse, RateOrigin};
use ilp_operator::{Field, NewRate, Recorded};
use interledger_packet::Timestamp;
use maud::{Markup, html};

use crate::{
    Pages,
    answer::{Answer, see_other},
    confirm::{self, Question},
    fields::Fields,
    form::{Errors, Label, Typed},
    layout::{Section, form_token, show_as},
    paging::{ROWS, link},
    parts::{duration, empty, moment, notice, pager, plain, state, tabs},
    visit::{Submitted, Visit},
};

/// The section's pages: the rates and the fees.
pub(crate) const TABS: [(&str, &str); 2] = [("/rates", "Exchange rates"), ("/fees", "Fees")];

pub(crate) fn routes() -> Router<Arc<Pages>> {
    Router::new().route("/rates", get(list).post(set)).route("/rates/delete", post(delete))
}

async fn list(State(pages): State<Arc<Pages>>, visit: Visit) -> Response {
    showing(&pages, &visit, &Typed::default())
}

async fn set(State(pages): State<Arc<Pages>>, Submitted { visit, fields }: Submitted) -> Response {
    match setting(&pages, &visit, &fields).await {
        Ok(_) => see_other("/rates?done=set"),
        Err(errors) => showing(&pages, &visit, &Typed { fields, errors }),
    }
}

async fn setting(pages: &Pages, visit: &Visit, fields: &Fields) -> Result<RateInUse, Errors> {
    let text = |name: &str| fields.get(name).to_owned();
    let new = NewRate { base: text("base"), quote: text("quote"), rate: text("rate") };
    let mut errors = Errors::default();
    errors.check("base", pages.operator.assets().check_code(&new.base));
    errors.check("quote", pages.operator.assets().check_code(&new.quote));
    errors.into_result()?;
    let work = |operator: Recorded| async move { operator.rates().set(new).await };
    let inputs = [(Field::Quote, "quote"), (Field::Rate, "rate")];
    let made = pages.change(visit, "setRate", work).await;
    made.map_err(|error| Errors::of(&error, &inputs))
}

async fn delete(State(pages): State<Arc<Pages>>, Submitted { visit, fields }: Submitted) -> Answer {
    let (base, quote) = (fields.get("base").to_owned(), fields.get("quote").to_owned());
    if !confirm::is_confirmed(&fields) {
        let title = format!("Delete the rate {}/{}?", plain(&base), plain(&quote));
        let question = Question {
            section: Section::Rates,
            title: &title,
            consequence: &html! { p { "Packets between the two are converted at what the rates service or the configuration says then, and refused where neither says anything." } },
            fields: &html! {},
            action: "/rates/delete",
            hidden: &[("base", &base), ("quote", &quote)],
            button: ("Delete rate", true),
            back: "/rates",
        };
        return Ok(confirm::ask(&visit, &question));
    }
    let work = |operator: Recorded| async move { operator.rates().delete(base, quote).await };
    pages.change(&visit, "deleteRate", work).await?;
    Ok(see_other("/rates?done=deleted"))
}

fn showing(pages: &Pages, visit: &Visit, typed: &Typed) -> Response {
    let now = pages.operator.now();
    let body = html! {
        @match visit.query.get("done") {
            "set" => (notice("good", "Set. Packets are converted at it from now on, until you delete it.")),
            "deleted" => (notice("good", "Deleted. What the rates service or the configuration says counts again, if one does.")),
            _ => {}
        }
        (typed.summary())
        div.head {
            h1 { "Exchange rates" }
            p { "What packets are converted at when they change currency. A rate that you set wins over one of the rates service, and that over one of the configuration." }
        }
        (tabs(&TABS, "/rates"))
        (in_use(pages, visit, now))
        div.grid {
            section.card {
                h2 { "Set a rate" }
                form method="post" action="/rates" {
                    (form_token(visit))
                    (typed.text(Label { name: "base", label: "One unit of", hint: "An asset's code, such as USD." }))
                    (typed.text(Label { name: "quote", label: "is worth, in", hint: "Another asset's code, such as EUR." }))
                    (typed.number(Label { name: "rate", label: "so much", hint: "Such as 0.92, exact to the last digit. The other direction is its inverse unless you set that too." }))
                    button type="submit" { "Set rate" }
                }
            }
            (service(pages))
        }
    };
    show_as(typed.status(), visit, Section::Rates, "Rates", &body)
}

/// Shows a page of the rates in use. They are few and in memory, so all of them are read.
fn in_use(pages: &Pages, visit: &Visit, now: Timestamp) -> Markup {
    let mut rates = pages.operator.rates().list();
    let cursor = |rate: &RateInUse| format!("{}/{}", rate.base, rate.quote);
    let is_first = visit.query.given("after").is_none();
    if let Some((base, quote)) = visit.query.get("after").split_once('/') {
        rates.retain(|rate| (&*rate.base, &*rate.quote) > (base, quote));
    }
    let rows = usize::try_from(ROWS).unwrap_or_default();
    let has_more = rates.len() > rows;
    rates.truncate(rows);
    let older = rates.last().filter(|_| has_more);
    let older = older.map(|rate| link(visit, "/rates", "after", &cursor(rate)));
    if rates.is_empty() && is_first {
        let what = "No rate yet. One is needed only between peers that count in different assets; \
                    without it such packets are refused (F07).";
        return empty(what, None, "jirani rate set USD EUR 0.92");
    }
    html! {
        div.card #rates data-live {
            table.cards {
                thead { tr {
                    th scope="col" { "Pair" } th.number scope="col" { "Rate" }
                    th scope="col" { "Source" } th scope="col" { "Given" }
                    th scope="col" { "Good until" } th scope="col" { "State" } th scope="col" { span.hidden { "Delete" } }
                } }
                tbody { @for rate in &rates { (row(visit, rate, now)) } }
            }
        }
        (pager((!is_first).then_some("/rates"), older.as_deref()))
    }
}

fn row(visit: &Visit, rate: &RateInUse, now: Timestamp) -> Markup {
    let RateInUse { base, quote, given, origin, is_inverse } = rate;
    let source = match origin {
        RateOrigin::Set => "You set it",
        RateOrigin::Service => "Rates service",
        RateOrigin::Fixed => "Configuration",
    };
    html! {
        tr {
            th scope="row" { (plain(base)) "/" (plain(quote)) }
            td.number data-label="Rate" { span title={ "1 " (plain(base)) " = " (given.rate) " " (plain(quote)) } { (given.rate) } }
            td data-label="Source" { div {
                (source)
                @if *is_inverse { br; span.small.quiet { "inverse of " (plain(quote)) "/" (plain(base)) } }
            } }
            td data-label="Given" { (moment(given.updated_at, now)) }
            td data-label="Good until" {
                @match (given.good_until, origin) {
                    (Some(until), _) => (moment(until, now)),
                    (None, RateOrigin::Set) => span.quiet { "you delete it" },
                    (None, _) => span.quiet { "it is changed there" },
                }
            }
            td data-label="State" {
                @if given.is_stale(now) { (state("bad", "Too old")) } @else { (state("good", "In use")) }
            }
            td {
                @if *origin == RateOrigin::Set && !is_inverse {
                    form method="post" action="/rates/delete" {
                        (form_token(visit))
                        input type="hidden" name="base" value=(base);
                        input type="hidden" name="quote" value=(quote);
                        button.danger.slim type="submit" aria-label={ "Delete the rate " (plain(base)) "/" (plain(quote)) } { "Delete" }
                    }
                }
            }
        }
    }
}

/// Shows whether a rates service is in use, and which rates it lacks.
fn service(pages: &Pages) -> Markup {
    let failures = pages.operator.rates().service_failures();
    let is_asked = pages.setting("rates.url").is_some_and(|setting| setting.is_set);
    let has_told =
        pages.operator.rates().list().iter().any(|rate| rate.origin == RateOrigin::Service);
    let lifetime = pages.setting("rates.lifetime_ms").and_then(|setting| setting.value.as_deref());
    let lifetime_ms = lifetime.and_then(|lifetime| lifetime.parse::<u64>().ok());
    html! {
        section.card #rates-service data-live {
            h2 { "Rates service" }
            @if !is_asked {
                p { "None is asked. Name one by " code { "rates.url" } " in the configuration (" code { "JIRANI_RATES_URL" } "), and its rates stand here." }
            } @else if failures.is_empty() && !has_told {
                p { (state("", "No answer yet")) " It is asked for the rates of each asset's code." }
            } @else if failures.is_empty() {
                p { (state("good", "Answers")) }
            } @else {
                p { (state("bad", "Fails")) " What it told before stays in use until its lifetime is over." }
                ul { @for (base, why) in &failures { li { (plain(base)) ": " (plain(why)) } } }
            }
            @if let Some(lifetime_ms) = lifetime_ms.filter(|_| is_asked) {
                p.quiet { "It is asked three times within the lifetime of a rate, which is " (duration(lifetime_ms)) " (" code { "rates.lifetime_ms" } "). A rate that is older is not used: packets are told to come later (T00)." }
            }
        }
    }
}
