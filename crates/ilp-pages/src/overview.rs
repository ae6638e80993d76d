//! The overview: the health of the node, the packets that pass through it, and the peers and assets
//! that need the operator.

mod attention;
mod charts;
mod figures;

use std::sync::Arc;

use axum::{extract::State, response::Response};
use ilp_operator::NodeView;
use maud::{Markup, html};

use crate::{
    Pages,
    layout::{Section, show as page},
    live::{Part, following},
    parts::{duration, moment},
    pulse::Survey,
    visit::Visit,
};

pub(crate) async fn show(State(pages): State<Arc<Pages>>, visit: Visit) -> Response {
    let body = html! {
        div.head {
            h1 { "Overview" }
            p { "The node " code { (pages.operator.node().address) } }
        }
        (following("overview"))
        @for (id, part) in live(&pages).await { div id=(id) { (part) } }
    };
    page(&visit, Section::Overview, "Overview", &body)
}

/// Returns the parts of the page, from top to bottom.
pub(crate) async fn live(pages: &Pages) -> Vec<Part> {
    let node = pages.operator.node();
    let survey = pages.pulse.survey().await.unwrap_or_default();
    vec![
        ("health", html! { (health(&node)) (first_steps(&node)) }),
        ("attention", attention::show(pages, &survey).await),
        ("figures", figures::show(pages, &survey)),
        ("charts", charts::show(pages)),
        ("about", html! { div.grid { (services(pages, &node, &survey)) (about(pages, &node)) } }),
    ]
}

fn health(node: &NodeView) -> Markup {
    let (class, title, why) = if let Some(why) = &node.ledger_stopped {
        ("bad", "The ledger has stopped. Only a restart helps.", Some(why))
    } else if let Some(why) = &node.ledger_warning {
        ("warn", "The ledger warns. It will stop unless you do something.", Some(why))
    } else if let Some(why) = &node.degraded {
        ("warn", "The node works, but not for everybody.", Some(why))
    } else {
        ("good", "The node is well.", None)
    };
    html! {
        div class={ "notice " (class) } role="status" {
            p { strong { (title) } }
            @if let Some(why) = why { p { (why) } }
        }
    }
}

fn first_steps(node: &NodeView) -> Markup {
    html! {
        @if node.asset_count == 0 {
            section.card {
                h2 { "First steps" }
                p { "Agree with the other operator on what you count in, and create that asset." }
                a.button href="/assets/new" { "Create an asset" }
            }
        } @else if node.peer_count == 0 {
            section.card {
                h2 { "First steps" }
                p { "Create the other node as a peer. Its operator does the same with the sheet that you get at the end." }
                a.button href="/peers/new" { "Create a peer" }
            }
        }
    }
}

/// Shows the services of the node that can fail separately.
fn services(pages: &Pages, node: &NodeView, survey: &Survey) -> Markup {
    let events = pages.operator.events().counts();
    let state = |class: &str, words: String| html! { span class={ "state " (class) } { (words) } };
    let books = match (&node.ledger_stopped, &node.ledger_warning) {
        (Some(_), _) => state("bad", "Stopped".to_owned()),
        (None, Some(_)) => state("warn", "Warns".to_owned()),
        (None, None) => state("good", "Written".to_owned()),
    };
    let rates = match &node.degraded {
        Some(_) => state("warn", "Missing or too old".to_owned()),
        None => state("good", "Fresh enough".to_owned()),
    };
    let webhooks = match (events.dead, events.due) {
        (0, 0) => state("good", "All taken".to_owned()),
        (0, due) => state("", format!("{due} waiting")),
        (dead, due) => state("bad", format!("{dead} given up, {due} waiting")),
    };
    let peers = match (survey.unreachable, survey.peers) {
        (0, 0) => state("", "None yet".to_owned()),
        (0, peers) => state("good", format!("{peers}, none known to be down")),
        (down, peers) => state("bad", format!("{down} of {peers} not reached")),
    };
    html! {
        section.card {
            h2 { "Services" }
            dl.facts {
                dt { "Books" } dd { (books) }
                dt { "Peers" } dd { a href="/peers" { (peers) } }
                dt { "Exchange rates" } dd { (rates) }
                dt { "Events for the webhook" } dd { (webhooks) }
            }
        }
    }
}

fn about(pages: &Pages, node: &NodeView) -> Markup {
    html! {
        section.card {
            h2 { "Node" }
            dl.facts {
                dt { "ILP address" } dd { code { (node.address) } }
                dt { "Takes packets at" } dd {
                    code { (pages.connector_url) }
                    @if let Some(advice) = &node.connector_advice { p.small { (advice) "." } }
                }
                dt { "Version" } dd { (node.version) }
                dt { "Up for" } dd { (duration(node.uptime_ms)) }
                dt { "Started" } dd { (moment(node.started_at, pages.operator.now())) }
                dt { "Assets" } dd { a href="/assets" { (node.asset_count) } }
            }
        }
    }
}
