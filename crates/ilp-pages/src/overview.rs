//! Is the node well?

use std::sync::Arc;

use axum::{extract::State, response::Response};
use ilp_admin::operator::NodeView;
use maud::{Markup, html};

use crate::{
    Pages,
    layout::{Section, show as page},
    parts::{duration, moment},
    visit::Visit,
};

pub(crate) async fn show(State(pages): State<Arc<Pages>>, visit: Visit) -> Response {
    let node = pages.operator.node();
    let body = html! {
        div.head {
            h1 { code { (node.address) } }
        }
        div #health data-live { (health(&node)) }
        @if node.asset_count == 0 || node.peer_count == 0 { (first_steps(&node)) }
        div.grid {
            section.card {
                h2 { "Peers" }
                div.figure #peer-count data-live { (node.peer_count) }
                a href="/peers" { "All peers" }
            }
            section.card {
                h2 { "Assets" }
                div.figure { (node.asset_count) }
                a href="/assets" { "All assets" }
            }
            section.card {
                h2 { "Node" }
                dl.facts #node data-live {
                    dt { "Version" } dd { (node.version) }
                    dt { "Up for" } dd { (duration(node.uptime_ms)) }
                    dt { "Started" } dd { (moment(node.started_at, pages.operator.now())) }
                    dt { "Takes packets at" } dd { code { (pages.connector_url) } }
                }
            }
        }
    };
    page(&visit, Section::Overview, "Overview", &body)
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
        section.card {
            h2 { "First steps" }
            @if node.asset_count == 0 {
                p { "Agree with the other operator on what you count in, and create that asset." }
                a.button href="/assets/new" { "Create an asset" }
            } @else {
                p { "Create the other node as a peer. Its operator does the same with the sheet that you get at the end." }
                a.button href="/peers/new" { "Create a peer" }
            }
        }
    }
}
